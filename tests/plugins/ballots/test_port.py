"""Other plugins put a matter to the vote, and hear what came of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest

from core.enums import Toggle
from core.errors import Refusal
from core.ids import to_global
from core.models import Area
from core.rules.settings import toggle_plugin
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.ballots.ports import BALLOTS, Closed, Rule
from plugins.ballots.rules import closing
from plugins.ballots.rules.counting import Result
from plugins.ballots.terms import BallotKind, BallotOutcome, ShareBase, TieRule
from tests.kits.ballots import Balloting, uuid

pytestmark = pytest.mark.anyio


async def put(b: Balloting, voters: list[str] | None, **more: Any) -> str:
    async def rule(work: Work) -> dict[str, Any]:
        area = await work.get(Area, uuid(b.area))
        opens = work.clock.now()
        given: dict[str, Any] = {
            "subject": area, "area_id": area.id, "title": "决议",
            "voters": None if voters is None else [uuid(v) for v in voters], "is_secret": True, "opens_at": opens,
            "closes_at": opens + timedelta(days=1), **more,
        }  # fmt: skip
        work.require("ballots.ballot.manage", area)
        return {"ballot": str(await work.port(BALLOTS, at=area).put(work, **given))}

    made = await b.n.server.runtime.as_system(rule)
    return to_global("ballots_ballot", made["ballot"])


async def test_a_matter_is_put_to_a_bodys_members_and_its_outcome_told(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    ballot = await put(b, list(b.voters.values()), rule={"quorum": (2, 3, False), "threshold": (2, 3, False)})
    for who, choice in zip(b.voters, (0, 0, 1), strict=True):
        assert await b.vote(who, ballot, choice) == "done"
    await b.over(ballot, days=2)
    ((data,),) = await b.rows(
        "SELECT data FROM core_event WHERE type = 'ballots.ballot.closed' AND subject_id = {}", uuid(ballot)
    )
    told = data if isinstance(data, dict) else json.loads(data)
    assert told == {
        "ballot": str(uuid(ballot)), "subjectTag": "area", "subjectId": str(uuid(b.area)), "outcome": "ADOPTED",
        "tally": {"0": 2, "1": 1, "2": 0}, "ballots": 3, "roll": 3, "winners": [0],
    }  # fmt: skip


def test_the_port_speaks_the_terms_of_ballots() -> None:
    said = {**get_type_hints(Rule), **get_type_hints(Closed)}
    for name, terms in (("kind", BallotKind), ("base", ShareBase), ("ties", TieRule), ("outcome", BallotOutcome)):
        assert set(get_args(said[name])) == {str(term) for term in terms}, name


async def test_of_a_question_people_read_the_same_answers_whoever_puts_it(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    voters = list(b.voters.values())
    put_here = [await put(b, voters), await b.ballot(title="凉亭", opened=False)]
    others = await put(b, voters, choices=["红", "蓝"])
    shown = "kind options(first: 9) { nodes { label } }"
    for ballot in put_here:
        assert await b.see(ballot, shown) == {
            "kind": "YES_NO", "options": {"nodes": [{"label": label} for label in ("赞成", "反对", "弃权")]},
        }  # fmt: skip
    assert (await b.see(others, "kind"))["kind"] == "SINGLE"  # two choices are no yes or no


async def test_without_voters_everybody_votes_who_lives_there(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    ballot = await put(b, None)
    await b.n.due()
    seen = await b.see(ballot, "state viewerMayVote roll { listed state }", next(iter(b.voters)))
    assert seen["state"] == "OPEN" and seen["viewerMayVote"] is True
    assert seen["roll"]["state"] == "FROZEN" and seen["roll"]["listed"] >= 2
    (late,) = await b.settle(1)  # after the roll was frozen
    assert await b.vote(late, ballot, 0) == "NOT_ON_ROLL"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"rule": {"proxies": 11}}, "BAD_RULE"),
        ({"rule": {"quorum": (3, 2, True)}}, "BAD_SHARE"),
        ({"choices": ["赞成"]}, "OPTIONS"),
        ({"rule": {"threshold": (1, 3, False)}}, "RULE_TOO_LOOSE"),
        ({"rule": {"threshold": (0, 1, True), "base": "VALID"}}, "RULE_TOO_LOOSE"),
        ({"voters": []}, "VOTERS"),
    ],
)
async def test_what_cannot_be_decided_is_refused(neighbourhood: Neighbourhood, more: dict[str, Any], code: str) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    with pytest.raises(Refusal) as refused:
        await put(b, **{"voters": list(b.voters.values()), **more})
    assert refused.value.code == code


async def test_where_ballots_are_off_it_is_refused_and_what_was_stays(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    ballot = await b.ballot()
    who = next(iter(b.voters))
    await b.vote(who, ballot, 0)
    await b.n.server.runtime.as_system(lambda work: _toggle(work, uuid(b.area), "OFF"))
    assert await b.vote(list(b.voters)[1], ballot, 0) == "PLUGIN_DISABLED"
    with pytest.raises(Refusal) as refused:
        await put(b, list(b.voters.values()))
    assert refused.value.code == "PLUGIN_DISABLED"
    await b.n.server.runtime.as_system(lambda work: _toggle(work, uuid(b.area), "ON"))
    assert await b.vote(list(b.voters)[1], ballot, 0) == "done"
    assert (await b.over(ballot))["cast"] == 2


async def _toggle(work: Work, area_id: Any, state: str) -> dict[str, Any]:
    await toggle_plugin(work, area_id=area_id, plugin="ballots", state=Toggle(state), pilot_until=None, reason="测试")
    return {}


async def test_a_question_is_adopted_only_with_more_votes_for_it_than_against(neighbourhood: Neighbourhood) -> None:
    """Whatever share of the roll the rule is content with, and whatever a broken count says."""
    b = await Balloting.begin(neighbourhood, 3)
    tenth: Rule = {"threshold": (1, 10, True), "base": "ROLL"}
    rules: list[Rule] = [tenth, {"threshold": None}, {"threshold": (1, 2, False)}]
    for rule in rules:
        ballot = await put(b, list(b.voters.values()), rule={"quorum": None, **rule})
        for who, choice in zip(b.voters, (0, 1, 1), strict=True):
            assert await b.vote(who, ballot, choice) == "done"
        assert (await b.over(ballot, days=2))["outcome"] == "REJECTED"


async def test_the_database_takes_no_adoption_against_more_votes(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    close = ("clerk", "ballotsClose", "ballot { outcome }")
    no, question = "MORE_AGAINST_IT", {"ties": "TIED"}
    lot = {"ties": "LOT", "threshold": {"numerator": 1, "denominator": 2, "isMore": True}}
    cases = [
        ((0, 1, 1), question, no),
        ((0, 1, 2), question, no),
        ((2, 2, 2), question, no),
        ((0, 0, 1), question, None),
    ]
    cases += [((0, 1, 1), lot, no), ((2, 2, 2), lot, no), ((0, 1, 2), lot, None)]
    monkeypatch.setattr(closing, "dumped", lambda value: json.dumps(value, indent=1))  # however a tally is written
    for choices, rule, code in cases:
        ballot = await b.ballot(title=f"{choices} {rule['ties']}", rule=rule)
        for who, choice in zip(b.voters, choices, strict=True):
            assert await b.vote(who, ballot, choice) == "done"
        votes = (choices.count(0), choices.count(1), choices.count(2))
        with monkeypatch.context() as patched:
            patched.setattr(closing, "decide", lambda *_, v=votes, **__: Result(BallotOutcome.ADOPTED, v, (0,)))
            if code is None:
                assert (await b.n.do(*close, ballotId=ballot))["ballot"]["outcome"] == "ADOPTED"
            else:
                assert await b.n.refused(*close, ballotId=ballot) == code
