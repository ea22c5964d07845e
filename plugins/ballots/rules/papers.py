"""The box of a secret ballot. A paper has a random id, no time and no voter; and whenever one is put in, it is written
together with others that lie there, in random order under new ids, so that neither the order of the table nor the
transaction a row is from tells which of them came with whom. When the ballot closes all are written once more.
"""

from __future__ import annotations

import json
from collections import Counter
from random import SystemRandom
from typing import Any
from uuid import UUID, uuid4

from core.database.dialect import POSTGRES
from core.settings.store import as_uuid
from core.work import Work
from plugins.ballots.rules.counting import Choices

TOGETHER = 24  # others that are written with a new paper
AT_ONCE = 2000
_random = SystemRandom()


async def put_in(work: Work, ballot_id: UUID, choices: Choices) -> None:
    """Queue a paper, and others that lie there to be written with it."""
    others = await _some(work, ballot_id)
    papers = [json.dumps(choices), *(row["choices"] for row in others)]
    if others:
        marks = ", ".join(["{}"] * len(others))
        work.then(f"DELETE FROM ballots_paper WHERE id IN ({marks})", *(as_uuid(row["id"]) for row in others))
    write(work, ballot_id, papers)


async def _some(work: Work, ballot_id: UUID) -> list[Any]:
    """Some papers by chance; none that another voter is just mixing."""
    hold = " FOR UPDATE SKIP LOCKED" if work.transaction.database.dialect is POSTGRES else ""
    read = "SELECT p.id, p.choices FROM ballots_paper p WHERE p.ballot_id = {} AND p.id %s {} ORDER BY p.id LIMIT %d"
    somewhere = uuid4()
    found = await work.rows(read % (">=", TOGETHER) + hold, ballot_id, somewhere)
    if len(found) < TOGETHER:
        found += await work.rows(read % ("<", TOGETHER - len(found)) + hold, ballot_id, somewhere)
    return list(found)


def write(work: Work, ballot_id: UUID, papers: list[str]) -> None:
    _random.shuffle(papers)
    for start in range(0, len(papers), AT_ONCE):
        some = papers[start : start + AT_ONCE]
        rows = ", ".join(["({}, {}, {})"] * len(some))
        values = [value for paper in some for value in (uuid4(), ballot_id, paper)]
        work.then(f"INSERT INTO ballots_paper (id, ballot_id, choices) VALUES {rows}", *values)


async def lying_there(work: Work, ballot_id: UUID) -> list[str]:
    rows = await work.rows("SELECT p.choices FROM ballots_paper p WHERE p.ballot_id = {} ORDER BY p.id", ballot_id)
    return [row["choices"] for row in rows]


async def empty_out(work: Work, ballot_id: UUID) -> Counter[Choices]:
    """What lies in the box, to be counted; all of it is written anew at once, while the ballot still takes papers."""
    papers = await lying_there(work, ballot_id)
    await work.rows("DELETE FROM ballots_paper WHERE ballot_id = {}", ballot_id)
    _random.shuffle(papers)
    for start in range(0, len(papers), AT_ONCE):
        some = papers[start : start + AT_ONCE]
        rows = ", ".join(["({}, {}, {})"] * len(some))
        values = [value for paper in some for value in (uuid4(), ballot_id, paper)]
        await work.rows(f"INSERT INTO ballots_paper (id, ballot_id, choices) VALUES {rows}", *values)
    return counted(papers)


def counted(papers: list[str]) -> Counter[Choices]:
    return Counter({tuple(json.loads(text)): times for text, times in Counter(papers).items()})
