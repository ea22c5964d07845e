"""Nothing in the whole database leads from a voter to a paper."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, uuid

pytestmark = pytest.mark.anyio
OPTIONS = ["甲", "乙", "丙", "丁", "戊"]


async def every_table(b: Balloting) -> list[str]:
    if b.n.server.runtime.database.dialect.name == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return [str(row[0]) for row in await b.rows(sql)]


def right(guesses: Sequence[tuple[str, str]], truth: dict[str, str]) -> int:
    return sum(truth.get(voter) == paper for voter, paper in guesses)


async def guesses(b: Balloting, ballot: str) -> dict[str, list[tuple[str, str]]]:
    """What somebody with the whole database may try: match the order of the marks with the order of the papers, by
    key, by place in the table, and by the transaction that wrote them."""
    sqlite = b.n.server.runtime.database.dialect.name == "sqlite"
    place = "rowid" if sqlite else "ctid"
    by_event = "SELECT m.voter_id FROM ballots_vote m JOIN core_event e ON e.id = m.event_id WHERE m.ballot_id = {} ORDER BY e.seq"
    voters = [str(row[0]) for row in await b.rows(by_event, uuid(ballot))]
    found = {}
    for order in ("id", place):
        papers = await b.rows(
            f"SELECT choices FROM ballots_paper WHERE ballot_id = {{}} ORDER BY {order}", uuid(ballot)
        )
        found[order] = list(zip(voters, [str(row[0]) for row in papers], strict=True))
    if not sqlite:
        same = (
            "SELECT m.voter_id, p.choices FROM ballots_vote m JOIN ballots_paper p ON p.xmin = m.xmin"
            " AND p.ballot_id = m.ballot_id WHERE m.ballot_id = {} ORDER BY p.id"
        )
        first: dict[str, str] = {}
        for voter, choices in await b.rows(same, uuid(ballot)):
            first.setdefault(str(voter), str(choices))
        found["transaction"] = list(first.items())
    return found


async def test_no_query_over_the_database_links_voter_and_paper(neighbourhood: Neighbourhood) -> None:
    """Every voter fills in a paper of their own kind, so that any link would show."""
    b = await Balloting.begin(neighbourhood, 60)
    ballot = await b.ballot(kind="RANKED", options=OPTIONS, rule={"quorum": {"numerator": 1, "denominator": 2},
                            "threshold": {"numerator": 1, "denominator": 2}})  # fmt: skip
    papers = list(itertools.permutations(range(5)))[: len(b.voters)]
    truth: dict[str, str] = {}
    for (who, actor), paper in zip(b.voters.items(), papers, strict=True):
        assert await b.vote(who, ballot, *paper, idempotencyKey=f"key-{who}") == "done"
        truth[str(uuid(actor))] = json.dumps(paper)
    for how, tried in (await guesses(b, ballot)).items():
        assert right(tried, truth) <= 12, f"while it runs, by {how}"  # one in 25 would be chance
    await b.over(ballot)
    after = await guesses(b, ballot)
    assert after.pop("transaction", []) == []
    for how, tried in after.items():
        assert right(tried, truth) <= 8, f"once it is closed, by {how}"

    # no row of any table but the papers' own says what anybody chose, and no paper says who
    said = {text for paper in papers for text in (json.dumps(paper), json.dumps(paper, separators=(",", ":")))}
    for table in await every_table(b):
        for row in await b.rows(f'SELECT * FROM "{table}"'):
            cells = [str(cell) for cell in row]
            if table == "ballots_paper":
                assert not any(voter in cell for cell in cells for voter in truth)
            else:
                assert not any(text in cell for cell in cells for text in said), table

    # the same key with another paper tells nothing either: the paper is no part of what is compared
    who = next(iter(b.voters))
    assert await b.vote(who, ballot, 4, 3, 2, 1, 0, idempotencyKey=f"key-{who}") == "done"
    assert (await b.see(ballot))["cast"] == 60


async def test_no_payload_and_no_type_shows_a_paper(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    ballot, who = await b.ballot(), next(iter(b.voters))
    fields = "vote { choices channel voter { id } ballot { turnout tally { votes } papers(first: 5) { totalCount } } }"
    seen = await b.n.do(who, "ballotsCast", fields, ballotId=ballot, choices=[1])
    assert seen["vote"] == {
        "choices": [], "channel": "ONLINE", "voter": {"id": b.voters[who]},
        "ballot": {"turnout": 1, "tally": [], "papers": {"totalCount": 0}},
    }  # fmt: skip
    types = await b.n.ask(None, "{ __schema { types { name } } }")
    assert "BallotsPaper" not in {t["name"] for t in types["__schema"]["types"]}


async def test_a_paper_is_never_changed_and_none_is_slipped_in_or_taken_out(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    ballot = await b.ballot()
    for who in b.voters:
        await b.vote(who, ballot, 0)
    database = b.n.server.runtime.database

    async def tried(sql: str, *values: Any) -> str:
        marks = [database.dialect.mark(n + 1) for n in range(len(values))]
        try:
            async with database.transaction() as t:
                await t.fetch(sql.format(*marks), *values)
        except Exception as error:
            return str(error)
        return "done"

    paper = (await b.rows("SELECT id FROM ballots_paper WHERE ballot_id = {} LIMIT 1", uuid(ballot)))[0][0]
    assert "APPEND_ONLY" in await tried("UPDATE ballots_paper SET choices = '[1]' WHERE id = {}", paper)
    # one taken out while the ballot runs is missed when it is closed
    assert await tried("DELETE FROM ballots_paper WHERE id = {}", paper) == "done"
    b.n.clock.advance(timedelta(days=4))
    assert await b.n.refused("clerk", "ballotsClose", "ballot { id }", ballotId=ballot) == "PAPERS_DIFFER"
    assert (await b.see(ballot, "state"))["state"] == "OPEN"
    again = "INSERT INTO ballots_paper (id, ballot_id, choices) VALUES ({}, {}, '[0]')"
    assert await tried(again, paper, uuid(ballot)) == "done"
    await b.n.do("clerk", "ballotsClose", "ballot { id }", ballotId=ballot)
    left = (await b.rows("SELECT id FROM ballots_paper WHERE ballot_id = {} LIMIT 1", uuid(ballot)))[0][0]
    assert "BALLOT_CLOSED" in await tried("DELETE FROM ballots_paper WHERE id = {}", left)
    assert "BALLOT_CLOSED" in await tried(again, paper, uuid(ballot))
    seen = await b.n.ask(
        "resident", "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees outcome cast tally { votes } } }", i=ballot
    )
    assert seen["ballotsRecount"] == {
        "agrees": True, "outcome": "ADOPTED", "cast": 3, "tally": [{"votes": 3}, {"votes": 0}, {"votes": 0}],
    }  # fmt: skip


async def test_no_count_that_is_public_tells_what_a_few_chose_on_the_other_way_of_voting(
    neighbourhood: Neighbourhood,
) -> None:
    """However few vote online and however few on paper: the total less the counted batches never leaves one to four."""
    b = await Balloting.begin(neighbourhood, 10)
    n, people = b.n, list(b.voters)
    batches = """papers(first: 9) { nodes { state counts { choices papers } valid spoiled evidence } }
      more: papers(where: {valid: {gte: 0}}) { totalCount } fewer: papers(where: {spoiled: {gte: 0}}) { totalCount }"""
    for online, papers in ((1, 5), (4, 6), (0, 5), (5, 5), (5, 3)):
        ballot = await b.ballot(hasPapers=True, voterIds=[b.voters[p] for p in people[: online + papers]])
        for who in people[:online]:
            assert await b.vote(who, ballot, 1) == "done"
        for who in people[online : online + papers]:
            await n.do("clerk", "ballotsHandOut", "vote { id }", ballotId=ballot, voterId=b.voters[who])
        n.clock.advance(timedelta(days=4))
        await n.due()
        counts = [{"choices": [0], "papers": papers}]
        made = await n.do(
            "clerk", "ballotsEnterPapers", "papers { id counts { papers } }", ballotId=ballot, box="STATION",
            place="村部", counts=counts, evidence=["照片"],
        )  # fmt: skip
        confirm = "papers { counts { papers } }"
        told = await n.do("admin", "ballotsConfirmPapers", confirm, papersId=made["papers"]["id"])
        assert told["papers"]["counts"] == [{"papers": papers}]
        await n.do("clerk", "ballotsClose", "ballot { id }", ballotId=ballot)
        total = await b.see(ballot, "cast tally { votes }")
        assert total == {"cast": online + papers, "tally": [{"votes": papers}, {"votes": online}, {"votes": 0}]}
        is_told = papers >= 5 and not 0 < online < 5
        for who in (None, "resident", people[0], "inspector", "clerk", "admin"):
            seen = await b.see(ballot, batches, who)
            (batch,) = seen["papers"]["nodes"]
            if is_told or who in ("clerk", "admin"):  # who counted them
                assert (batch["counts"], batch["valid"], batch["spoiled"]) == (counts, papers, 0), who
            else:
                assert (batch["counts"], batch["valid"], batch["spoiled"], batch["evidence"]) == ([], None, None, [])
                assert (seen["more"]["totalCount"], seen["fewer"]["totalCount"]) == (0, 0)
        answer = await n.ask(
            "resident", "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees cast tally { votes } } }", i=ballot
        )
        assert answer["ballotsRecount"] == {**total, "agrees": True}
        for data, said in await b.rows(
            "SELECT e.data, (SELECT max(t.text) FROM core_event_text t WHERE t.event_id = e.id) FROM core_event e"
            " WHERE e.type LIKE 'ballots.papers.%'"
        ):
            assert "choices" not in str(data) and said is None
