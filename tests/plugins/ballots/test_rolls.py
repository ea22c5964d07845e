"""Who may vote: rules that explain themselves, rolls that are posted, objected to and frozen (INV6, INV7, INV10, INV15)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from core.enums import ActorKind
from core.ids import to_global
from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, entry_id, uuid

pytestmark = pytest.mark.anyio
ASK = """query($a: ID!, $k: String!, $p: ID) { ballotsEligibility(areaId: $a, electionKind: $k, actorId: $p)
  { eligible basis waitsForConsent code findings { predicate holds since code } } }"""
KIND = "VILLAGE_COMMITTEE"


async def eligibility(b: Balloting, who: str, person: str | None = None) -> dict[str, Any]:
    seen = await b.n.ask(who, ASK, a=b.area, k=KIND, p=person)
    found: dict[str, Any] = seen["ballotsEligibility"]
    return found


async def test_a_rule_says_why(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    await b.rule(months=12)
    day = b.n.clock.today()
    (late,) = await b.settle(1, since=day - timedelta(days=150))
    settled = next(iter(b.voters))
    seen = await eligibility(b, settled)
    assert (seen["eligible"], seen["basis"], seen["code"]) == (True, "RESIDENT_1Y", None)
    seen = await eligibility(b, late)
    assert (seen["eligible"], seen["code"]) == (False, "RESIDENCE_TOO_SHORT")
    since = (day - timedelta(days=150)).isoformat()
    assert seen["findings"] == [
        {"predicate": "RESIDENCE", "holds": False, "since": since, "code": "RESIDENCE_TOO_SHORT"}
    ]
    assert (await eligibility(b, "clerk", b.voters[late]))["code"] == "RESIDENCE_TOO_SHORT"
    with pytest.raises(AssertionError, match="NOT_PERMITTED"):
        await eligibility(b, settled, b.voters[late])
    roll = await b.roll()
    add = ("clerk", "ballotsAddToRoll", "entry { id }")
    assert await b.n.refused(*add, rollId=roll, actorId=b.voters[late]) == "RESIDENCE_TOO_SHORT"
    assert await b.n.refused(*add, rollId=roll, actorId=b.voters[settled]) == "ALREADY_ON_ROLL"


async def test_a_clerk_learns_nobodys_birthday_from_elsewhere(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood)
    n, there = b.n, await neighbourhood.area_id("haihong")
    old, child = await n.registered("海虹老人", "海虹小孩", area="haihong")
    (clerk,) = await n.newcomers(1, "haihong")
    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=there, actorId=await n.actor_id(clerk)
    )
    for person, day in ((old, "1961-04-17"), (child, "2015-04-17")):
        given = {"personId": person, "fact": "BORN", "day": day, "evidence": "身份证已核"}
        await n.do(clerk, "ballotsAttest", "attestation { id }", areaId=there, **given)
    aged = [{"basis": "AGED", "all": [{"predicate": "AGE", "number": 18}]}]
    await n.do("admin", "ballotsMakeRule", "rule { id }", areaId=b.area, kind=KIND, title="成年", clauses=aged)
    roll = await b.roll()
    for person in (old, child):
        seen = await eligibility(b, "clerk", person)
        assert (seen["eligible"], seen["code"], seen["findings"]) == (False, "NOT_A_MEMBER", [])
        add = {"rollId": roll, "actorId": person}
        assert await n.refused("clerk", "ballotsAddToRoll", "entry { id }", **add) == "NOT_A_MEMBER"
    # Who moves here may vote by it, and the clerk here is not told the day.
    home = {"areaId": b.area, "role": "RESIDENT", "since": "2026-11-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", actorId=old, **home)
    seen = await eligibility(b, "clerk", old)
    assert seen["eligible"] and [f["since"] for f in seen["findings"]] == [None]
    entry = "entry { found { predicate since } }"
    made = await n.do("clerk", "ballotsAddToRoll", entry, rollId=roll, actorId=old)
    assert made["entry"]["found"] == [{"predicate": "AGE", "since": None}]
    given = {"personId": old, "fact": "BORN", "day": "1961-04-17", "evidence": "身份证已核"}
    await n.do("clerk", "ballotsAttest", "attestation { id }", areaId=b.area, **given)
    assert [f["since"] for f in (await eligibility(b, "clerk", old))["findings"]] == ["1961-04-17"]


async def test_an_edition_replaces_the_one_before_and_household_registration_needs_a_statute(
    neighbourhood: Neighbourhood,
) -> None:
    b = await Balloting.begin(neighbourhood)
    make = ("admin", "ballotsMakeRule", "rule { edition state }")
    registered = [{"basis": "REGISTERED", "all": [{"predicate": "HOUSEHOLD_REGISTRATION"}]}]
    given: dict[str, Any] = {"areaId": b.area, "kind": KIND, "title": "户籍", "clauses": registered}
    assert await b.n.refused(*make, **given) == "STATUTE_NEEDED"
    assert (await b.n.do(*make, **given, statute="村民委员会组织法第十三条"))["rule"]["edition"] == 1
    await b.rule()
    rules = '{ ballotsRules(where: {kind: {eq: "VILLAGE_COMMITTEE"}}) { nodes { edition state clauses { basis all { predicate number } } } } }'
    seen = (await b.n.ask(None, rules))["ballotsRules"]["nodes"]
    assert sorted((r["edition"], r["state"]) for r in seen) == [(1, "REPLACED"), (2, "IN_FORCE")]
    assert await b.n.refused("clerk", "ballotsMakeRule", "rule { id }", **given) == "NOT_PERMITTED"


async def test_objections_are_answered_by_somebody_else_and_change_the_roll(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n, (first, second, third) = b.n, list(b.voters)
    await b.rule()
    roll = await b.roll()
    (late,) = await b.settle(1)  # who came to be known after the draft
    object = ("ballotsObjectToRoll", "objection { id }")
    given = {"rollId": roll, "personId": b.voters[late], "wish": "ADD", "statement": "住了三年"}
    assert await n.refused(late, *object, **given) in ("ROLL_STATE", "NOT_FOUND")
    assert (await n.ask(None, '{ ballotsRolls(where: {kind: {eq: "VILLAGE_COMMITTEE"}}) { totalCount } }'))[
        "ballotsRolls"
    ]["totalCount"] == 0
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    made = await n.do(late, *object, **given)
    assert await n.refused(late, *object, **given) == "ALREADY_OBJECTED_TO_ROLL"
    away = await n.do(first, *object, rollId=roll, personId=b.voters[third], wish="REMOVE", statement="已迁出")
    finalise = ("clerk", "ballotsFinaliseRoll", "roll { state }")
    assert await n.refused(*finalise, rollId=roll) == "OBJECTIONS_STILL_COME"
    n.clock.advance(timedelta(days=9))
    await n.due()
    assert await n.refused(*finalise, rollId=roll) == "OBJECTIONS_OPEN"
    answer = ("ballotsAnswerObjection", "objection { state answer }")
    said = {"objectionId": made["objection"]["id"], "uphold": True, "answer": "登记属实"}
    assert await n.refused(second, *answer, **said) in ("NOT_PERMITTED", "NOT_FOUND")
    assert (await n.do("clerk", *answer, **said))["objection"]["state"] == "UPHELD"
    await n.do("clerk", *answer, objectionId=away["objection"]["id"], uphold=True, answer="已核实迁出")
    assert (await n.do(*finalise, rollId=roll))["roll"]["state"] == "FINAL"
    entries = (
        "query($i: ID!) { ballotsRoll(id: $i) { entries(first: 50) { nodes { state actor { id } found { since } } } } }"
    )
    seen = (await n.ask(None, entries, i=roll))["ballotsRoll"]["entries"]["nodes"]
    states = {e["actor"]["id"]: e["state"] for e in seen}
    assert (states[b.voters[late]], states[b.voters[third]]) == ("LISTED", "REMOVED")
    assert all(e["found"] is None for e in seen)
    own = (await n.ask(first, entries, i=roll))["ballotsRoll"]["entries"]["nodes"]
    assert [e["actor"]["id"] for e in own if e["found"]] == [b.voters[first]]


async def test_who_objects_does_not_answer_it(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    await b.rule()
    roll, who = await b.roll(), next(iter(b.voters.values()))
    await b.n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    made = await b.n.do(
        "clerk", "ballotsObjectToRoll", "objection { id }", rollId=roll, personId=who, wish="REMOVE", statement="已迁出"
    )
    said = {"objectionId": made["objection"]["id"], "uphold": True, "answer": "是"}
    assert await b.n.refused("clerk", "ballotsAnswerObjection", "objection { id }", **said) == "OWN_MATTER"
    await b.n.do("admin", "ballotsAnswerObjection", "objection { id }", **said)


async def test_nobody_stands_on_two_rolls_of_a_kind(neighbourhood: Neighbourhood) -> None:
    """Until the first is over (INV7)."""
    b = await Balloting.begin(neighbourhood, 2)
    who = next(iter(b.voters.values()))
    await b.rule()
    first = await b.roll()
    second = await b.roll()
    counts = [
        (await b.n.ask("clerk", "query($i: ID!) { ballotsRoll(id: $i) { listed } }", i=r))["ballotsRoll"]["listed"]
        for r in (first, second)
    ]
    assert counts[0] >= 2 and counts[1] == 0
    add = ("clerk", "ballotsAddToRoll", "entry { id }")
    assert await b.n.refused(*add, rollId=second, actorId=who) == "ON_ANOTHER_ROLL"
    await b.n.do("clerk", "ballotsDiscardRoll", "roll { state }", rollId=first, reason="重新编制")
    await b.n.do(*add, rollId=second, actorId=who)


async def test_the_villagers_consent_lets_somebody_vote_who_waits_for_it(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n, people = b.n, list(b.voters)
    clauses = [
        {"basis": "REGISTERED", "all": [{"predicate": "HOUSEHOLD_REGISTRATION"}]},
        {
            "basis": "NON_LOCAL_1Y",
            "all": [{"predicate": "RESIDENCE", "number": 12}, {"predicate": "APPLICATION"}, {"predicate": "CONSENT"}],
        },
    ]
    await n.do(
        "admin", "ballotsMakeRule", "rule { id }", areaId=b.area, kind=KIND, title="村委会选举", clauses=clauses,
        statute="村民委员会组织法第十三条",
    )  # fmt: skip
    attest = ("clerk", "ballotsAttest", "attestation { id }")
    day = n.clock.today().isoformat()
    for who in people[:2]:
        await n.do(
            *attest, areaId=b.area, personId=b.voters[who], fact="HOUSEHOLD_REGISTRATION", day=day, evidence="户口簿"
        )
    geng = people[2]
    assert (await eligibility(b, geng))["code"] == "NOT_REGISTERED_HERE"
    await n.do(*attest, areaId=b.area, personId=b.voters[geng], fact="APPLICATION", day=day, evidence="申请书")
    assert (await eligibility(b, geng))["waitsForConsent"] is True
    roll = await b.roll()
    query = "query($i: ID!) { ballotsRoll(id: $i) { entries(first: 9) { nodes { id basis state consent { id } actor { id } } } } }"
    entries = (await n.ask("clerk", query, i=roll))["ballotsRoll"]["entries"]["nodes"]
    entry = next(e for e in entries if e["actor"]["id"] == b.voters[geng])
    assert (entry["state"], entry["basis"]) == ("PENDING_CONSENT", "NON_LOCAL_1Y")
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    announce = ("clerk", "ballotsAnnounce", "ballot { id }")
    about = {
        "areaId": b.area, "title": "同意庚", "opensAt": b.at(hours=1), "closesAt": b.at(days=1),
        "voterIds": [b.voters[people[0]]], "subjectId": entry_id(uuid(entry["id"])),
    }  # fmt: skip
    assert await n.refused(*announce, **about, kind="SINGLE") == "CONSENT_QUESTION"
    assert await n.refused(*announce, **about, options=["反对", "赞成"]) == "CONSENT_QUESTION"
    own = {**about, "voterIds": [b.voters[geng]]}
    assert await n.refused(*announce, **own) == "OWN_MATTER"
    elsewhere = {**about, "areaId": await n.area_id("hongtang")}
    assert await n.refused("admin", *announce[1:], **elsewhere) == "CONSENT_QUESTION"
    consent = await b.ballot(
        title="同意庚参加选举", voterIds=[b.voters[p] for p in people[:2]], subjectId=entry_id(uuid(entry["id"]))
    )
    for who in people[:2]:
        await b.vote(who, consent, 0)
    assert (await b.over(consent))["outcome"] == "ADOPTED"
    entries = (await n.ask("clerk", query, i=roll))["ballotsRoll"]["entries"]["nodes"]
    entry = next(e for e in entries if e["actor"]["id"] == b.voters[geng])
    assert (entry["state"], entry["consent"]) == ("LISTED", {"id": consent})
    assert await n.refused(*announce, **about) == "CONSENT_QUESTION"  # nobody waits any more


async def test_voters_who_were_named_are_shown_to_themselves_and_who_keeps_the_roll(
    neighbourhood: Neighbourhood,
) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    ballot, own = await b.ballot(), next(iter(b.voters))
    query = "roll { listed entries(first: 9) { nodes { actor { id } } } }"
    seen = {who: (await b.see(ballot, query, who))["roll"] for who in (None, "resident", own, "clerk")}
    assert {who: len(roll["entries"]["nodes"]) for who, roll in seen.items()} == {
        None: 0, "resident": 0, own: 1, "clerk": 3,
    }  # fmt: skip
    assert {roll["listed"] for roll in seen.values()} == {3}


async def test_the_suspended_and_the_too_young_do_not_vote(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    await b.rule()
    (young, barred), today = list(b.voters), b.n.clock.today()
    attest = ("clerk", "ballotsAttest", "attestation { id }")
    born = (today - timedelta(days=17 * 365)).isoformat()
    given = {"areaId": b.area, "personId": b.voters[young], "fact": "BORN", "day": born, "evidence": "户口簿"}
    await b.n.do(*attest, **given)
    assert await b.n.refused(*attest, **given) == "ALREADY_ATTESTED"
    suspended = await b.n.do(
        *attest,
        areaId=b.area,
        personId=b.voters[barred],
        fact="RIGHTS_SUSPENDED",
        day=today.isoformat(),
        evidence="判决书",
    )
    assert (await eligibility(b, young))["code"] == "TOO_YOUNG"
    assert (await eligibility(b, barred))["code"] == "RIGHTS_SUSPENDED"
    id = suspended["attestation"]["id"]
    await b.n.do("clerk", "ballotsWithdrawAttestation", "attestation { state }", attestationId=id, reason="期满恢复")
    assert (await eligibility(b, barred))["eligible"] is True


async def test_a_window_begins_on_the_day_it_is_posted_whatever_day_is_said(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    await b.rule()
    roll = await b.roll()
    said = (b.n.clock.now() - timedelta(days=30)).isoformat()
    await b.n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll, occurredAt=said)
    code = await b.n.refused("clerk", "ballotsFinaliseRoll", "roll { id }", rollId=roll)
    assert code == "OBJECTIONS_STILL_COME"


async def test_a_roll_that_a_vote_rests_on_is_neither_struck_from_nor_posted(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    strike = ("clerk", "ballotsRemoveFromRoll", "entry { state }")
    for voters in (list(b.voters.values()), None):
        ballot = await b.ballot(opened=False, voterIds=voters)
        who = next(iter(b.voters.values()))
        ((entry, roll),) = await b.rows(
            "SELECT e.id, e.roll_id FROM ballots_entry e JOIN ballots_ballot b ON b.roll_id = e.roll_id"
            " WHERE b.id = {} AND e.actor_id = {}",
            uuid(ballot), uuid(who),
        )  # fmt: skip
        assert await b.n.refused(*strike, entryId=entry_id(entry), reason="不喜欢") == "ROLL_HELD"
        held = to_global("ballots_roll", UUID(str(roll)))
        assert await b.n.refused("clerk", "ballotsPostRoll", "roll { id }", rollId=held) == "ROLL_HELD"


async def test_two_who_are_one_wait_while_a_final_roll_waits_for_its_vote(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    await b.rule()
    await b.final_roll()
    (kept,) = await b.n.registered("重名乙")
    gone = next(iter(b.voters.values()))
    merge = ("admin", "coreMergeActors", "actor { id }")
    assert await b.n.refused(*merge, keptId=kept, goneId=gone, reason="同一人") == "OPEN_MATTERS"


async def test_a_ballot_says_how_its_voters_came_to_be_and_no_child_is_named(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n, (child, first, second) = b.n, list(b.voters.values())
    attest = {"areaId": b.area, "personId": child, "fact": "BORN", "day": "2015-03-01", "evidence": "户口簿"}
    await n.do("clerk", "ballotsAttest", "attestation { id }", **attest)
    given = {"areaId": b.area, "title": "全体村民同意征地", "opensAt": b.at(hours=1), "closesAt": b.at(days=1)}
    announce = ("clerk", "ballotsAnnounce", "ballot { id electorate }")
    assert await n.refused(*announce, **given, voterIds=[first, child, second]) == "TOO_YOUNG"
    named = await n.do(*announce, **given, voterIds=[first, second])
    found = await n.do(*announce, **given)
    await b.rule()
    roll = await b.final_roll()
    times = {"opensAt": b.at(days=30), "closesAt": b.at(days=31)}
    over = await n.do(*announce, **{**given, **times}, rollId=roll)
    for made, electorate in ((named, "NAMED"), (found, "RESIDENTS"), (over, "ROLL")):
        assert made["ballot"]["electorate"] == electorate
        assert await b.see(made["ballot"]["id"], "electorate") == {"electorate": electorate}  # for everybody


async def test_a_roll_says_whom_it_has_left_out_and_why(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 4)
    n, people = b.n, list(b.voters.values())
    clauses = [{"basis": "ADULT", "all": [{"predicate": "AGE", "number": 18}]}]
    await n.do("admin", "ballotsMakeRule", "rule { id }", areaId=b.area, kind=KIND, title="成年", clauses=clauses)
    for person, day in ((people[0], "1990-01-01"), (people[1], "2020-01-01")):
        attest = {"areaId": b.area, "personId": person, "fact": "BORN", "day": day, "evidence": "户口簿"}
        await n.do("clerk", "ballotsAttest", "attestation { id }", **attest)
    roll = await b.roll()
    query = "query($i: ID!) { ballotsRoll(id: $i) { listed leftOut { code count } } }"
    seen = (await n.ask("clerk", query, i=roll))["ballotsRoll"]
    left = {row["code"]: row["count"] for row in seen["leftOut"]}
    assert (seen["listed"], left["TOO_YOUNG"]) == (1, 1) and left["AGE_UNKNOWN"] >= 2
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    assert (await n.ask("resident", query, i=roll))["ballotsRoll"]["leftOut"] == []


async def test_a_household_does_not_vote_its_members_do(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    n = b.n
    (household,) = await n.registered("一组 9 号", kind=ActorKind.HOUSEHOLD)
    given = {"areaId": b.area, "title": "分红", "opensAt": b.at(hours=1), "closesAt": b.at(days=3)}
    given["voterIds"] = [household, *b.voters.values()]
    announce = ("clerk", "ballotsAnnounce", "ballot { id }")
    assert await n.refused(*announce, **given) == "VOTERS"
    with monkeypatch.context() as forgot:
        forgot.setattr("plugins.ballots.rules.rolls.ActorKind", SimpleNamespace(HOUSEHOLD=None))
        assert await n.refused(*announce, **given) == "VOTERS"
    home = {"areaId": b.area, "role": "RESIDENT", "since": "2020-01-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", actorId=household, **home)
    clauses = [{"basis": "MEMBER", "all": [{"predicate": "MEMBERSHIP"}]}]
    await n.do("admin", "ballotsMakeRule", "rule { id }", areaId=b.area, kind=KIND, title="户", clauses=clauses)
    add = {"rollId": await b.roll(), "actorId": household}
    assert await n.refused("clerk", "ballotsAddToRoll", "entry { id }", **add) == "NOT_FOUND"
