"""An area's chain as a file: a line for each record (`seal.line_of`), with the texts that everybody may read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

from core.cli import err
from core.config import Config
from core.database import Database
from plugins.disclosure import seal

PAGE = 500
_RECORDS = """SELECT r.seq, r.kind, r.body, r.hash, r.notice_id, n.title, n.title_salt, n.body, n.body_salt,
    o.text, o.text_salt, o.answer, o.answer_salt, p.place, p.evidence, p.salt
    FROM disclosure_record r JOIN disclosure_notice n ON n.id = r.notice_id
    LEFT JOIN disclosure_objection o ON o.id = r.objection_id AND o.is_confidential = {false}
    LEFT JOIN disclosure_posting p ON p.id = r.posting_id
    WHERE r.area_id = {area} AND r.seq > {after} ORDER BY r.seq LIMIT 500"""
_ITEMS = "SELECT i.salt, i.text FROM disclosure_item i WHERE i.notice_id = {notice} ORDER BY i.position"


async def lines(database: Database, area_id: UUID) -> AsyncIterator[str]:
    """The chain of an area from its first record."""
    mark, after = database.dialect.mark, 0
    statement = _RECORDS.format(area=mark(1), after=mark(2), false=mark(3))
    while rows := await database.read(statement, [area_id, after, False]):
        for row in rows:
            yield seal.line_of(row[2], row[3], [(s, t) for s, t in await _texts(database, row) if s and t is not None])
        after = rows[-1][0]


async def _texts(database: Database, row: Any) -> list[tuple[str | None, str | None]]:
    """Salt and text of what a record sealed: each stands with the record that sealed it, and with no other."""
    (
        _,
        kind,
        _,
        _,
        notice,
        title,
        title_salt,
        body,
        body_salt,
        text,
        text_salt,
        answer,
        answer_salt,
        place,
        photo,
        salt,
    ) = row
    if kind == "PUBLISHED":
        items = await database.read(_ITEMS.format(notice=database.dialect.mark(1)), [notice])
        return [(title_salt, title), (body_salt, body), *((i[0], i[1]) for i in items)]
    return {"OBJECTED": [(text_salt, text)], "ANSWERED": [(answer_salt, answer)],
            "POSTED": [(salt, place), (salt, photo)]}.get(kind, [])  # fmt: skip


async def write(config: Config, code: str, path: Path) -> int:
    """For the command: 0, or 1 where there is no such area."""
    import server

    running = await server.Server.open(config)
    try:
        database = running.runtime.database
        found = await database.read(f"SELECT id FROM core_area WHERE code = {database.dialect.mark(1)}", [code])
        if not found:
            err.print(f"gongzhi: no area {code}", markup=False)
            return 1
        with path.open("w", encoding="utf-8") as file:
            async for line in lines(database, UUID(str(found[0][0]))):
                file.write(line + "\n")
    finally:
        await running.close()
    return 0
