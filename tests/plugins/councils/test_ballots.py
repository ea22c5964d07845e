"""Decided by ballot, and made public: what councils do with the plugins `ballots` and `disclosure`."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


async def council_of(n: Neighbourhood, count: int) -> tuple[Council, list[str]]:
    """A council whose members have accounts."""
    c = await Council.begin(n, size=7, members=0)
    logins = await n.newcomers(count, "xishan")
    for login in logins:
        me = await c.person(login)
        await n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=me, areaId=c.area, role="RESIDENT",
            since="2024-05-01",
        )  # fmt: skip
        await c.seat(me, name=login)
    return c, logins


async def ballot_on(n: Neighbourhood, title: str) -> str:
    found = await n.ask("admin", f'{{ ballotsBallots(where: {{title: {{eq: "{title}"}}}}) {{ nodes {{ id }} }} }}')
    return str(found["ballotsBallots"]["nodes"][0]["id"])


@pytest.mark.needs("ballots")
async def test_a_ballot_of_the_members_present_decides_when_it_closes(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, logins = await council_of(n, 5)
    item = await c.propose("选定晚会日期", "ACTIVITIES")
    there = logins[:4]
    await c.open(await c.call(item), [c.seats[login] for login in there])
    put = await n.do(
        "clerk", "councilsPutToBallot", "resolution { id state eligible }", itemId=item, text="中秋当晚", isSecret=True
    )
    assert (put["resolution"]["state"], put["resolution"]["eligible"]) == ("VOTING", 4)
    n.clock.advance(timedelta(minutes=1))
    await n.due()
    ballot = await ballot_on(n, "选定晚会日期")
    assert await c.n.outcome(logins[4], "ballotsCast", "vote { id }", ballotId=ballot, choices=[0]) != "done"
    for login, choice in zip(there, (0, 0, 0, 1), strict=True):
        assert await c.n.outcome(login, "ballotsCast", "vote { id }", ballotId=ballot, choices=[choice]) == "done"
    await c.days(4)
    done = await c.see(put["resolution"]["id"], "state votesFor votesAgainst votesAbstained")
    assert done == {"state": "EFFECTIVE", "votesFor": 3, "votesAgainst": 1, "votesAbstained": 0}


@pytest.mark.needs("ballots")
@pytest.mark.parametrize("seed", [3, 2026])
async def test_a_resolution_is_what_its_ballot_came_to_whoever_stays_away(
    neighbourhood: Neighbourhood, seed: int
) -> None:
    """More than half of all who may vote there has to be for it: two of five are not, though nobody else voted."""
    n, chance = neighbourhood, random.Random(seed)
    c, logins = await council_of(n, 5)
    votes: list[list[int | None]] = [[0, 0, 1, None, None], [0, 0, 0, None, None], [0, 0, None, None, None]]
    votes += [[chance.choice((0, 0, 0, 1, 2, None)) for _ in logins] for _ in range(3)]
    items = [await c.propose(f"议题{number}", "ACTIVITIES") for number in range(len(votes))]
    await c.open(await c.call(*items), [c.seats[login] for login in logins])
    put = ("clerk", "councilsPutToBallot", "resolution { id ballotId }")
    resolutions = [(await n.do(*put, itemId=item, text="同意"))["resolution"] for item in items]
    n.clock.advance(timedelta(minutes=1))
    await n.due()
    for resolution, choices in zip(resolutions, votes, strict=True):
        for login, choice in zip(logins, choices, strict=True):
            if choice is not None:
                cast = ("ballotsCast", "vote { id }")
                assert await c.n.outcome(login, *cast, ballotId=resolution["ballotId"], choices=[choice]) == "done"
    await c.days(4)
    shown = "query($i: ID!) { ballotsBallot(id: $i) { outcome tally { votes } options(first: 3) { nodes { label } } } }"
    answers = {"nodes": [{"label": label} for label in ("赞成", "反对", "弃权")]}
    for resolution, choices in zip(resolutions, votes, strict=True):
        count = [choices.count(option) for option in range(3)]
        adopted = count[0] * 2 > len(logins)
        ballot = (await n.ask("admin", shown, i=resolution["ballotId"]))["ballotsBallot"]
        assert ballot == {
            "outcome": "ADOPTED" if adopted else "REJECTED",
            "tally": [{"votes": votes} for votes in count],
            "options": answers,
        }, choices
        seen = await c.see(resolution["id"], "state eligible votesFor votesAgainst votesAbstained")
        assert seen == {
            "state": "EFFECTIVE" if adopted else "REJECTED", "eligible": 5, "votesFor": count[0],
            "votesAgainst": count[1], "votesAbstained": count[2],
        }, choices  # fmt: skip


@pytest.mark.needs("ballots")
async def test_a_charter_is_what_the_members_ballot_came_to(neighbourhood: Neighbourhood) -> None:
    """More than half of the members take part, and more than half of those are for it."""
    n = neighbourhood
    c, logins = await council_of(n, 7)
    for number, votes in enumerate(([0], [0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1])):
        charter = await c.draft(f"章程{number}")
        await n.do("clerk", "councilsConsult", "charter { id }", charterId=charter)
        n.clock.advance(timedelta(days=16))
        made = await n.do("clerk", "councilsSubmitCharter", "charter { ballotId }", charterId=charter)
        ballot = made["charter"]["ballotId"]
        n.clock.advance(timedelta(minutes=1))
        await n.due()
        for login, choice in zip(logins, votes, strict=False):
            assert await c.n.outcome(login, "ballotsCast", "vote { id }", ballotId=ballot, choices=[choice]) == "done"
        await c.days(8)
        shown = "query($i: ID!) { ballotsBallot(id: $i) { outcome voters cast } }"
        told = (await n.ask("admin", shown, i=ballot))["ballotsBallot"]
        assert told["cast"] == len(votes) and len(logins) <= told["voters"] < 14
        assert told["outcome"] == ("NO_QUORUM", "REJECTED", "ADOPTED")[number]
        seen = await c.see(charter, "state electorate tookPart votesFor votesAgainst")
        assert seen == {
            "state": "ADOPTED" if number == 2 else "REJECTED", "electorate": told["voters"], "tookPart": len(votes),
            "votesFor": votes.count(0), "votesAgainst": votes.count(1),
        }  # fmt: skip


@pytest.mark.needs("ballots")
async def test_a_ballot_called_off_decides_nothing_and_the_matter_is_put_again(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, logins = await council_of(n, 5)
    item = await c.propose("选定晚会日期", "ACTIVITIES")
    meeting = await c.call(item)
    await c.open(meeting, [c.seats[login] for login in logins])
    put = ("clerk", "councilsPutToBallot", "resolution { id state }")
    off = ("clerk", "ballotsCancel", "ballot { id }")
    first = (await n.do(*put, itemId=item, text="中秋当晚"))["resolution"]["id"]
    assert await n.refused(*put, itemId=item, text="中秋当晚") == "ALREADY_VOTED_ON"
    await n.do(*off, ballotId=await ballot_on(n, "选定晚会日期"), reason="选项有误")
    await n.delivered()
    assert (await c.see(first, "state"))["state"] == "CANCELLED"
    assert (await c.see(item, "state meeting { id }")) == {"state": "PLACED", "meeting": {"id": meeting}}
    decided = await c.decide(item, 4, 1)
    assert decided["state"] == "EFFECTIVE"
    assert (await c.see(item, "resolutions { totalCount }"))["resolutions"]["totalCount"] == 2

    charter = await c.draft()
    await n.do("clerk", "councilsConsult", "charter { id }", charterId=charter)
    n.clock.advance(timedelta(days=16))
    submit = ("clerk", "councilsSubmitCharter", "charter { state title ballotId }")
    voting = (await n.do(*submit, charterId=charter))["charter"]
    assert voting["state"] == "VOTING"
    await n.do(*off, ballotId=voting["ballotId"], reason="名册有误")
    await n.delivered()
    assert (await c.see(charter, "state"))["state"] == "CONSULTATION"
    again = (await n.do(*submit, charterId=charter))["charter"]
    assert again["state"] == "VOTING" and again["ballotId"] != voting["ballotId"]


@pytest.mark.needs("disclosure")
async def test_a_listed_resolution_holds_only_after_its_notice_ended_clean(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    (item,) = await c.session("动用集体资金修桥", matter="FUNDS")
    decided = await c.decide(item, 5)
    assert decided["state"] == "ADOPTED"
    take = ("clerk", "councilsTakeEffect", "resolution { state }")
    assert await n.refused(*take, resolutionId=decided["id"]) == "UNDER_NOTICE"
    await c.days(30)
    assert (await c.see(decided["id"], "state"))["state"] == "EFFECTIVE"


@pytest.mark.needs("disclosure")
async def test_a_corrected_notice_decides_in_the_place_of_the_first(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    for upheld, state in ((False, "EFFECTIVE"), (True, "OVERTURNED")):
        (item,) = await c.session(f"动用集体资金 {upheld}", matter="FUNDS")
        decided = (await c.decide(item, 5))["id"]
        first = (await c.see(decided, "noticeId"))["noticeId"]
        draft = await n.do(
            "clerk", "disclosureDraft", "notice { id }", areaId=c.area, kind="决议", title="更正",
            body="金额更正", supersedesId=first, subjectId=decided,
        )  # fmt: skip
        corrected = draft["notice"]["id"]
        await n.do("clerk", "disclosurePublish", "notice { id }", noticeId=corrected)
        if upheld:
            made = await n.do("resident", "disclosureObject", "objection { id }", noticeId=corrected, text="未经表决")
            await n.do(
                "admin", "disclosureAnswerObjection", "objection { id }", objectionId=made["objection"]["id"],
                uphold=True, answer="属实",
            )  # fmt: skip
        await c.days(30)
        assert await c.see(decided, "state noticeId") == {"state": state, "noticeId": first}
        leads = "query($i: ID!) { disclosureNotice(id: $i) { supersededBy { nodes { id } } } }"
        seen = await n.ask("admin", leads, i=first)
        assert seen["disclosureNotice"]["supersededBy"]["nodes"] == [{"id": corrected}]


@pytest.mark.needs("disclosure")
async def test_a_charter_is_not_enacted_before_its_notice_is_over(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    charter = await c.draft("公示后施行的章程")
    assert await c.adopt(charter) == "ADOPTED"
    assert await n.refused("clerk", "councilsEnactCharter", "charter { id }", charterId=charter) == "UNDER_NOTICE"
    await c.days(30)
    await c.enact(charter)
