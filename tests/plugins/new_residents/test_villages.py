"""In a village the villagers agree first: by a ballot, or by what the minutes say. Until then the residence counts above it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood, Refused
from tests.kits.new_residents import Arriving, refused

pytestmark = pytest.mark.anyio
STATE = "registration { state }"


async def in_the_village(a: Arriving) -> tuple[str, str]:
    """庚, 14 months in 西山社, verified by the clerk there."""
    (geng,) = await a.n.newcomers(1, "xinyang")
    registration = await a.register(geng, a.xishan)
    assert (await a.verify(registration, by="clerk"))["state"] == "PENDING_CONSENT"
    return geng, registration


async def villager(a: Arriving) -> str:
    """Somebody who lives in 西山社."""
    (login,) = await a.n.newcomers(1, "xishan")
    await a.n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=await a.person(login), areaId=a.xishan,
        role="RESIDENT", since=a.months_ago(60),
    )  # fmt: skip
    return login


async def ask(a: Arriving, registration: str, voter: str) -> str:
    """The ballot in which this villager is asked."""
    now = a.n.clock.now()
    made = await a.n.do(
        "clerk", "newResidentsAskConsent", "registration { state consentBallotId }", registrationId=registration,
        representativeIds=[await a.person(voter)], opensAt=(now + timedelta(seconds=1)).isoformat(),
        closesAt=(now + timedelta(days=2)).isoformat(),
    )  # fmt: skip
    assert made["registration"]["state"] == "PENDING_CONSENT"
    return str(split_global(made["registration"]["consentBallotId"])[1])


@pytest.mark.needs("ballots")
async def test_the_representatives_ballot_lets_a_newcomer_take_part(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    geng, registration = await in_the_village(a)
    assert await a.since(geng, a.xishan) is None
    assert str(await a.since(geng, await n.area_id("dongfu"))) == a.months_ago(14)
    voter, closed = await villager(a), "ballots.ballot.closed"
    ballot = await ask(a, registration, voter)
    await a.hear(closed, registration, {"ballot": ballot, "outcome": "NO_QUORUM"})
    await a.hear(closed, registration, {"ballot": ballot, "outcome": "ADOPTED"})  # the one that decided nothing is over
    assert await a.see(registration, "state consentBallotId") == {"state": "PENDING_CONSENT", "consentBallotId": None}
    ballot = await ask(a, registration, voter)
    await a.hear(closed, registration, {"ballot": ballot, "outcome": "REJECTED"})
    assert await a.see(registration, "state consentBallotId") == {
        "state": "CONSENT_REFUSED", "consentBallotId": f"ballots_ballot_{ballot}",
    }  # fmt: skip
    await a.hear(closed, registration, {"ballot": ballot, "outcome": "ADOPTED"})
    assert await a.see(registration, "state") == {"state": "CONSENT_REFUSED"}
    assert await a.since(geng, a.xishan) is None
    assert str(await a.since(geng, a.haicang)) == a.months_ago(14)
    later = await ask(a, registration, voter)
    for _ in range(2):  # heard twice, done once
        await a.hear(closed, registration, {"ballot": later, "outcome": "ADOPTED"})
    assert await a.see(registration, "state consentBallotId consentedOn") == {
        "state": "VERIFIED", "consentBallotId": f"ballots_ballot_{later}", "consentedOn": n.clock.today().isoformat(),
    }  # fmt: skip
    assert str(await a.since(geng, a.xishan)) == a.months_ago(14)
    events = await a.events(registration)
    assert [e for e in events if not e.endswith("pending")] == [
        "new_residents.registration.submitted", "new_residents.residence.consent_refused",
        "new_residents.residence.verified",
    ]  # fmt: skip


@pytest.mark.needs("ballots")
async def test_only_the_ballot_in_which_villagers_were_asked_says_what_they_want(neighbourhood: Neighbourhood) -> None:
    """INV10, INV13: not one about the same registration that somebody announces elsewhere, the newcomer among them."""
    n = neighbourhood
    a = await Arriving.begin(n)
    geng, registration = await in_the_village(a)
    await a.role(geng, "CLERK", a.haihong)
    opens, closes = n.clock.now() + timedelta(minutes=1), n.clock.now() + timedelta(days=3)
    made = await n.do(
        geng, "ballotsAnnounce", "ballot { id }", areaId=a.haihong, title="自己的事", subjectId=registration,
        options=["同意", "不同意"], voterIds=[await a.person("resident")], opensAt=opens.isoformat(),
        closesAt=closes.isoformat(),
    )  # fmt: skip
    n.clock.advance(timedelta(minutes=2))
    await n.due()
    await n.do("resident", "ballotsCast", "vote { id }", ballotId=made["ballot"]["id"], choices=[0])
    await a.days(4)
    await n.delivered()
    assert await a.see(registration, "state consentBallotId") == {"state": "PENDING_CONSENT", "consentBallotId": None}
    assert await a.since(geng, a.xishan) is None
    (stranger,) = await n.newcomers(1, "xishan")  # has an account there, and lives nowhere
    now = n.clock.now()
    told = await n.refused(
        "clerk", "newResidentsAskConsent", STATE, registrationId=registration, opensAt=now.isoformat(),
        representativeIds=[await a.person(stranger)], closesAt=(now + timedelta(days=2)).isoformat(),
    )  # fmt: skip
    assert told == "NOT_A_VILLAGER"


@pytest.mark.needs("ballots", "councils")
async def test_nobody_is_named_where_the_representatives_meet(neighbourhood: Neighbourhood) -> None:
    """Village law, article 13: the meeting is asked, not a villager of the clerk's choice."""
    n = neighbourhood
    a = await Arriving.begin(n)
    _, registration = await in_the_village(a)
    meeting = await n.do(
        "admin",
        "councilsCreateBody",
        "body { id }",
        areaId=a.xishan,
        kind="REPRESENTATIVES",
        name="村民代表会议",
        size=5,
    )
    sits, other = [await villager(a) for _ in range(2)]
    about = {"bodyId": meeting["body"]["id"], "holderId": await a.person(sits), "category": "RESIDENT"}
    await n.do("admin", "councilsFillSeat", "seat { id }", **about)
    now = n.clock.now()
    times = {"opensAt": (now + timedelta(seconds=1)).isoformat(), "closesAt": (now + timedelta(days=2)).isoformat()}
    put = ("clerk", "newResidentsAskConsent", STATE)
    for named in (sits, other):
        people = [await a.person(named)]
        told = await n.refused(*put, registrationId=registration, representativeIds=people, **times)
        assert told == "REPRESENTATIVES_SIT"
    assert await n.outcome(*put, registrationId=registration, bodyId=about["bodyId"], **times) == "done"


async def test_a_clerk_enters_what_the_minutes_say(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    geng, registration = await in_the_village(a)
    record = ("newResidentsRecordConsent", STATE)
    said: dict[str, Any] = {"registrationId": registration, "consented": True}
    assert await n.refused("clerk", *record, **said, evidence=" ") == "EMPTY_TEXT"
    assert await n.refused("resident", *record, **said, evidence="会议记录 12 号") == "NOT_FOUND"
    assert await n.refused(geng, *record, **said, evidence="会议记录 12 号") == "NOT_PERMITTED"
    made = await n.do("clerk", *record, **said, evidence="村民代表会议记录 12 号")
    assert made["registration"]["state"] == "VERIFIED"
    assert str(await a.since(geng, a.xishan)) == a.months_ago(14)
    assert await n.refused("clerk", *record, **said, evidence="again") == "REGISTRATION_STATE"


@pytest.mark.needs("ballots")
async def test_minutes_say_nothing_while_a_ballot_is_open_nor_against_what_it_decided(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    geng, registration = await in_the_village(a)
    record = ("newResidentsRecordConsent", STATE)
    minutes: dict[str, Any] = {"registrationId": registration, "consented": True, "evidence": "纪要"}
    day = n.clock.today()
    before = await n.refused("clerk", *record, **minutes, decidedOn=(day - timedelta(days=1)).isoformat())
    assert before == "CONSENT_TOO_EARLY"  # nobody had registered
    future = await n.refused("clerk", *record, **minutes, decidedOn=(day + timedelta(days=1)).isoformat())
    assert future == "IN_THE_FUTURE"
    voter = await villager(a)
    ballot = await ask(a, registration, voter)
    n.clock.advance(timedelta(minutes=2))
    await n.due()
    await n.do(voter, "ballotsCast", "vote { id }", ballotId=f"ballots_ballot_{ballot}", choices=[1])
    for consented in (True, False):
        said = {**minutes, "consented": consented}
        assert await n.refused("clerk", *record, **said) == "CONSENT_ASKED"
        assert await n.refused("clerk", *record, **said, decidedOn=day.isoformat()) == "CONSENT_ASKED"
    sets = f"consent_evidence = '纪要', membership_id = NULL, consented_on = '{day}'"
    for guarded in ("VERIFIED", "CONSENT_REFUSED"):
        assert await refused(n, registration, f"state = '{guarded}', {sets}", guarded) == "CONSENT_ASKED"
    await a.days(3)
    await n.delivered()
    seen = await a.see(registration, "state consentedOn")
    assert seen["state"] == "CONSENT_REFUSED"
    decided = seen["consentedOn"]
    same_day = await n.refused("clerk", *record, **minutes, decidedOn=decided)
    assert same_day == "CONSENT_TOO_EARLY"
    sets = f"consent_evidence = '纪要', consented_on = '{decided}'"
    assert await refused(n, registration, f"state = 'VERIFIED', {sets}", "VERIFIED") == "CONSENT_TOO_EARLY"
    # Asked once more, and called off: what the ballot before decided is not forgotten.
    again = await ask(a, registration, voter)
    await n.do("clerk", "ballotsCancel", "ballot { state }", ballotId=f"ballots_ballot_{again}", reason="另行开会表决")
    await n.delivered()
    assert await a.see(registration, "state consentBallotId") == {"state": "PENDING_CONSENT", "consentBallotId": None}
    assert await n.refused("clerk", *record, **minutes, decidedOn=decided) == "CONSENT_TOO_EARLY"
    await a.days(1)
    made = await n.do(
        "clerk", "newResidentsRecordConsent", "registration { state consentBallotId consentEvidence }", **minutes
    )
    assert made["registration"] == {"state": "VERIFIED", "consentBallotId": None, "consentEvidence": "纪要"}
    assert await a.since(geng, a.xishan) is not None


@pytest.mark.needs("ballots")
async def test_minutes_and_a_ballot_at_once_and_the_ballot_decides_once_it_is_asked(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    voter = await villager(a)
    for _ in range(3):
        _, registration = await in_the_village(a)
        record = n.do(
            "admin", "newResidentsRecordConsent", STATE, registrationId=registration, consented=True, evidence="纪要"
        )
        asked, came = await asyncio.gather(ask(a, registration, voter), record, return_exceptions=True)
        seen = await a.see(registration, "state consentEvidence")
        if isinstance(asked, Refused):
            assert asked.codes[0] == "REGISTRATION_STATE" and seen == {"state": "VERIFIED", "consentEvidence": "纪要"}
        else:
            assert isinstance(came, Refused) and came.codes[0] == "CONSENT_ASKED"
            assert seen == {"state": "PENDING_CONSENT", "consentEvidence": None}


@pytest.mark.needs("ballots")
async def test_a_ballot_of_before_the_residence_was_revoked_does_not_hold_up_the_minutes(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    geng, registration = await in_the_village(a)
    await ask(a, registration, await villager(a))
    await n.do("clerk", "newResidentsRevokeResidence", STATE, registrationId=registration, reason="租约存疑")
    made = await n.do(geng, "newResidentsAppeal", "appeal { id }", registrationId=registration, statement="属实")
    await n.do(
        "admin", "newResidentsDecideAppeal", "appeal { id }", appealId=made["appeal"]["id"], grant=True, answer="属实",
        since=a.months_ago(14),
    )  # fmt: skip
    assert await a.see(registration, "state consentBallotId") == {"state": "PENDING_CONSENT", "consentBallotId": None}
    await a.days(1)
    await n.do(
        "clerk", "newResidentsRecordConsent", STATE, registrationId=registration, consented=True, evidence="纪要"
    )
    assert await a.see(registration, "state") == {"state": "VERIFIED"}


async def test_without_ballots_the_clerk_is_told_what_to_do(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.turn_off("ballots")
    a = await Arriving.begin(n)
    _, registration = await in_the_village(a)
    now = n.clock.now().isoformat()
    absent = await n.refused(
        "clerk", "newResidentsAskConsent", STATE, registrationId=registration,
        representativeIds=[await a.person("resident")], opensAt=now, closesAt=now,
    )  # fmt: skip
    assert absent == "PLUGIN_DISABLED"


async def test_a_town_may_ask_for_consent_in_compounds_too_but_a_village_not_do_without(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    for area, kinds in ((a.haicang, ["VILLAGE", "HAMLET"]), (a.xishan, [])):
        await n.do(
            "admin", "coreSetPluginSettings", "area { id }", areaId=area, plugin="new_residents",
            settings=[{"key": "consent_kinds", "value": kinds}],
        )  # fmt: skip
    _, registration = await in_the_village(a)  # what holds above still holds
    assert await a.see(registration, "state") == {"state": "PENDING_CONSENT"}
    await n.do(
        "admin", "coreSetPluginSettings", "area { id }", areaId=a.haihong, plugin="new_residents",
        settings=[{"key": "consent_kinds", "value": ["COMMUNITY"]}],
    )  # fmt: skip
    (login,) = await n.newcomers(1, "xinyang")
    assert (await a.verify(await a.register(login)))["state"] == "PENDING_CONSENT"
