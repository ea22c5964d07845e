"""The floor: one Starlette handler that knows each question, and one statement by hand for each, over the same rows.

No GraphQL, no permissions, no limits. DATABASE names the database; PERSON is whoever joins.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.database import connection_config
from core.ids import new_id
from core.models.event import EPOCH_BASE

URL, PERSON = os.environ["DATABASE"], os.environ["PERSON"]
SQLITE = URL.startswith("sqlite:")


def quoted(text: str) -> str:
    return f"json_quote({text})" if SQLITE else f"to_json({text})::text"


def instant(column: str) -> str:
    if SQLITE:
        return f"(substr({column}, 1, 10) || 'T' || substr({column}, 12, 12) || 'Z')"
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


def gathered(sql: str) -> str:
    return f"'[' || coalesce({'group_concat' if SQLITE else 'string_agg'}({sql}, ','), '') || ']'"


def mark(number: int, kind: str = "") -> str:
    return f"?{number}" if SQLITE else f"${number}{kind and '::' + kind}"


def named(prefix: str, alias: str, column: str = "name") -> str:
    return f"""'{{"id":"{prefix}_' || {alias}.id || '","name":' || {quoted(f"{alias}.{column}")} || '}}'"""


HEAD = f"""'"id":"activity_' || a.id || '","title":' || {quoted("a.title")} || ',"startsAt":"' || {instant("a.starts_at")} || '"'"""
AREA = f"""'"area":' || (SELECT {named("area", "r")} FROM core_area r WHERE r.id = a.area_id)"""
ORGANIZER = f"""'"organizer":' || (SELECT {named("actor", "o")} FROM core_actor o WHERE o.id = a.organizer_id)"""
WHO = """'{"actor":' || p.who || '}'"""
PEOPLE = f"""(SELECT '"participations":{{"totalCount":' || (SELECT count(*) FROM core_participation n WHERE n.activity_id = a.id)
 || ',"nodes":' || {gathered(WHO)} || '}}' FROM
 (SELECT (SELECT {named("actor", "w")} FROM core_actor w WHERE w.id = q.actor_id) AS who FROM core_participation q
  WHERE q.activity_id = a.id ORDER BY q.joined_at, q.id LIMIT 10) p)"""


def latest(inside: str) -> str:
    picked = f"(SELECT * FROM core_activity WHERE area_id = (SELECT id FROM core_area WHERE code = {mark(1)}) ORDER BY starts_at DESC, id DESC LIMIT {mark(2)})"
    nodes = gathered(f"'{{' || {inside} || '}}'")
    return f"""SELECT '{{"data":{{"activities":{{"nodes":' || {nodes} || '}}}}}}' FROM {picked} a"""


STATEMENTS = {
    "Q1": f"""SELECT '{{"data":{{"activity":{{' || {HEAD} || ',' || {ORGANIZER} || '}}}}}}'
 FROM core_activity a WHERE a.id = {mark(1, "uuid")}""",
    "Q2": latest(f"{HEAD} || ',' || {AREA} || ',' || {ORGANIZER}"),
    "Q3": latest(f"{HEAD} || ',' || {AREA} || ',' || {ORGANIZER} || ',' || {PEOPLE}"),
}
STATEMENTS["Q4"] = STATEMENTS["Q3"]
ANSWER = f"""SELECT '{{"data":{{"coreJoinActivity":{{"participation":{{"id":"participation_' || p.id || '","actor":' || {named("actor", "w")}
 || ',"activity":{{"id":"activity_' || a.id || '","placesTaken":' || a.places_taken || '}}}},"errors":[]}}}}}}'
 FROM core_participation p JOIN core_actor w ON w.id = p.actor_id JOIN core_activity a ON a.id = p.activity_id WHERE p.id = {mark(1, "uuid")}"""


class Postgres:
    async def open(self) -> None:
        credentials = connection_config(URL)["credentials"]
        self.pool = await asyncpg.create_pool(
            **{k: credentials[k] for k in ("host", "port", "user", "password", "database")}, min_size=4, max_size=20
        )

    async def read(self, sql: str, *values: Any) -> str:
        async with self.pool.acquire() as connection:
            found: str = await connection.fetchval(sql, *values)
            return found

    async def join(self, activity: UUID) -> str:
        event, place, now = new_id(), new_id(), datetime.now(UTC)
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT 1 FROM core_activity WHERE id = $1 FOR UPDATE", activity)
            await connection.execute(
                f"""WITH e AS (INSERT INTO core_event (id, transaction_id, type, plugin, area_id, subject_tag, subject_id, authority, data, occurred_at, recorded_at)
                  SELECT $1, pg_current_xact_id()::text::bigint + {EPOCH_BASE}, 'core.activity.joined', 'core', area_id, 'participation', $2, 'SYSTEM', '{{}}', $3, $3
                  FROM core_activity WHERE id = $4 RETURNING 1),
                t AS (INSERT INTO core_transition (id, event_id, subject_tag, subject_id, to_state) VALUES ($5, $1, 'participation', $2, 'JOINED'), ($6, $1, 'activity', $4, 'OPEN') RETURNING 1),
                p AS (INSERT INTO core_participation (id, version, event_id, state, joined_at, activity_id, actor_id) VALUES ($2, 1, $1, 'JOINED', $3, $4, $7) RETURNING 1),
                a AS (UPDATE core_activity SET places_taken = places_taken + 1, version = version + 1, event_id = $1 WHERE id = $4 RETURNING 1)
                SELECT (SELECT count(*) FROM e), (SELECT count(*) FROM t), (SELECT count(*) FROM p), (SELECT count(*) FROM a)""",
                event, place, now, activity, new_id(), new_id(), UUID(PERSON),
            )  # fmt: skip
            answer: str = await connection.fetchval(ANSWER, place)
            return answer


class Sqlite:
    async def open(self) -> None:
        path = URL.removeprefix("sqlite:")
        self.readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self.threads = ThreadPoolExecutor(4)
        for _ in range(3):
            self.readers.put(sqlite3.connect(path, check_same_thread=False, isolation_level=None))
        self.writer = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.writer.execute("PRAGMA foreign_keys = ON")
        self.writer.execute("PRAGMA synchronous = FULL")
        self.lock = asyncio.Lock()

    async def read(self, sql: str, *values: Any) -> str:
        def one() -> str:
            reader = self.readers.get()
            try:
                return str(reader.execute(sql, [str(v) if isinstance(v, UUID) else v for v in values]).fetchone()[0])
            finally:
                self.readers.put(reader)

        return await asyncio.get_running_loop().run_in_executor(self.threads, one)

    async def join(self, activity: UUID) -> str:
        event, place, now = str(new_id()), str(new_id()), datetime.now(UTC).isoformat(" ", "milliseconds")

        def one() -> str:
            run = self.writer.execute
            run("BEGIN IMMEDIATE")
            try:
                (area,) = run("SELECT area_id FROM core_activity WHERE id = ?", (str(activity),)).fetchone()
                run(
                    "INSERT INTO core_event (id, transaction_id, type, plugin, area_id, subject_tag, subject_id, authority, data, occurred_at, recorded_at)"
                    " VALUES (?, 0, 'core.activity.joined', 'core', ?, 'participation', ?, 'SYSTEM', '{}', ?, ?)",
                    (event, area, place, now, now),
                )
                for tag, id, state in (("participation", place, "JOINED"), ("activity", str(activity), "OPEN")):
                    run(
                        "INSERT INTO core_transition (id, event_id, subject_tag, subject_id, to_state) VALUES (?,?,?,?,?)",
                        (str(new_id()), event, tag, id, state),
                    )
                run(
                    "INSERT INTO core_participation (id, version, event_id, state, joined_at, activity_id, actor_id) VALUES (?, 1, ?, 'JOINED', ?, ?, ?)",
                    (place, event, now, str(activity), PERSON),
                )
                run(
                    "UPDATE core_activity SET places_taken = places_taken + 1, version = version + 1, event_id = ? WHERE id = ?",
                    (event, str(activity)),
                )
                answer = str(run(ANSWER, (place,)).fetchone()[0])
                run("COMMIT")
                return answer
            except BaseException:
                run("ROLLBACK")
                raise

        async with self.lock:
            return await asyncio.get_running_loop().run_in_executor(self.threads, one)


database: Any = Sqlite() if SQLITE else Postgres()


async def serve(request: Request) -> Response:
    body = orjson.loads(await request.body())
    name, v = body["query"].split("(")[0].split()[1], body["variables"]
    if name == "M1":
        text = await database.join(UUID(v["i"]["activityId"].partition("_")[2]))
    elif name == "Q1":
        text = await database.read(STATEMENTS[name], UUID(v["id"].partition("_")[2]))
    else:
        text = await database.read(STATEMENTS[name], v["code"], v["n"])
    return Response(text, media_type="application/json")


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    await database.open()
    yield


app = Starlette(routes=[Route("/graphql", serve, methods=["POST"])], lifespan=lifespan)
