"""In a village the villagers agree first: by a ballot, or by what the minutes say. Until then the residence counts above it."""

from __future__ import annotations

from typing import Any

import pytest
from arriving import Arriving

from core.ids import new_id
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
STATE = "registration { state }"


async def in_the_village(a: Arriving) -> tuple[str, str]:
    """庚, 14 months in 西山社, verified by the clerk there."""
    (geng,) = await a.n.newcomers(1, "xinyang")
    registration = await a.register(geng, a.xishan)
    assert (await a.verify(registration, by="clerk"))["state"] == "PENDING_CONSENT"
    return geng, registration


async def test_the_representatives_ballot_lets_a_newcomer_take_part(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    geng, registration = await in_the_village(a)
    assert await a.since(geng, a.xishan) is None
    assert str(await a.since(geng, await n.area_id("dongfu"))) == a.months_ago(14)
    ballot = str(new_id())
    await a.hear("ballots.ballot.closed", registration, {"ballot": ballot, "outcome": "NO_QUORUM"})
    assert await a.see(registration, "state") == {"state": "PENDING_CONSENT"}
    await a.hear("ballots.ballot.closed", registration, {"ballot": ballot, "outcome": "REJECTED"})
    assert await a.see(registration, "state consentBallotId") == {
        "state": "CONSENT_REFUSED", "consentBallotId": f"ballots_ballot_{ballot}",
    }  # fmt: skip
    assert await a.since(geng, a.xishan) is None
    assert str(await a.since(geng, a.haicang)) == a.months_ago(14)
    later = str(new_id())
    for _ in range(2):  # heard twice, done once
        await a.hear("ballots.ballot.closed", registration, {"ballot": later, "outcome": "ADOPTED"})
    assert await a.see(registration, "state consentBallotId consentedOn") == {
        "state": "VERIFIED", "consentBallotId": f"ballots_ballot_{later}", "consentedOn": n.clock.today().isoformat(),
    }  # fmt: skip
    assert str(await a.since(geng, a.xishan)) == a.months_ago(14)
    assert await a.events(registration) == [
        "new_residents.registration.submitted", "new_residents.residence.pending",
        "new_residents.residence.consent_refused", "new_residents.residence.verified",
    ]  # fmt: skip


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


async def test_without_ballots_the_clerk_is_told_what_to_do(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    if "ballots" in n.server.host.keys:
        pytest.skip("ballots are there")
    a = await Arriving.begin(n)
    _, registration = await in_the_village(a)
    now = n.clock.now().isoformat()
    absent = await n.refused(
        "clerk", "newResidentsAskConsent", STATE, registrationId=registration,
        representativeIds=[await a.person("resident")], opensAt=now, closesAt=now,
    )  # fmt: skip
    assert absent == "CONSENT_BALLOTS_ABSENT"


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
