"""Erased, merged, off and on again: nothing personal is left, nothing is lost, nothing is there twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving, refused

pytestmark = pytest.mark.anyio
ERASE = ("coreErasePerson", "")
CANARY = "田小禾的"
STATE = "registration { state }"


async def traces(n: Neighbourhood) -> set[str]:
    database, found = n.server.runtime.database, set()
    for model in database.models:
        for row in await database.read(f"SELECT * FROM {model._meta.db_table}"):
            if CANARY in str(row):
                found.add(model._meta.db_table)
    return found


async def test_what_a_newcomer_said_is_gone_and_the_counts_stay(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    (login,) = await n.newcomers(1, "xinyang")
    me = await a.person(login)
    registration = await a.register(
        login, workplace=f"{CANARY}厂", evidence=[{"kind": "LEASE", "reference": f"{CANARY}租约"}]
    )
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    await a.verify(registration)
    refused = await n.do(
        a.clerk, "newResidentsRefuseEntitlement", "grant { id }", entitlementId=offered["DIVIDEND"], personId=me,
        ground="OTHER", reason=f"{CANARY}材料",
    )  # fmt: skip
    appeal = await n.do(
        login, "newResidentsAppealEntitlement", "appeal { id }", grantId=refused["grant"]["id"], statement=f"{CANARY}话"
    )
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    await n.do(
        a.other, "newResidentsDecideAppeal", "appeal { id }", appealId=appeal["appeal"]["id"], grant=True,
        answer=f"{CANARY}有理",
    )  # fmt: skip
    await n.do(
        a.clerk, "newResidentsUseEntitlement", "use { id }", grantId=refused["grant"]["id"], note=f"{CANARY}红利"
    )
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    await n.do(login, "newResidentsMoveAway", STATE, registrationId=registration)
    assert await traces(n) >= {
        "new_residents_registration", "new_residents_evidence", "new_residents_grant", "new_residents_use",
        "new_residents_appeal", "core_event_text",
    } - {"new_residents_grant"}  # fmt: skip
    counted = "SELECT count(*) FROM new_residents_grant WHERE state = 'ENDED'"
    before = (await n.server.runtime.database.read(counted))[0][0]
    await n.do("admin", *ERASE, personId=me, reason="本人申请")
    assert await traces(n) == set()
    assert (await n.server.runtime.database.read(counted))[0][0] == before > 0
    assert await a.see(registration, "address workplace since") == {
        "address": None, "workplace": None, "since": a.months_ago(14),
    }  # fmt: skip


async def test_two_registrations_of_one_person_become_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    kept, home = await a.settled(14)
    (gone,) = await n.registered("丙四川", area="haihong")
    made = await n.do(
        a.clerk, "newResidentsRegister", "registration { id }", areaId=a.haihong, address="海虹路 5 号",
        since=a.months_ago(3), evidence=[{"kind": "OTHER", "reference": "房东证明"}],
        onBehalfOf={"actorId": gone, "basis": "IN_PERSON", "evidence": "到场"},
    )  # fmt: skip
    second = made["registration"]["id"]
    await a.verify(second, 3, a.other)
    merge = {"keptId": await a.person(kept), "goneId": gone, "reason": "同一人"}
    assert await n.refused("admin", "coreMergeActors", "actor { id }", **merge) in (
        "LIVES_ELSEWHERE",
        "ENTITLED_ALREADY",
    )
    await n.do(a.clerk, "newResidentsMoveAway", STATE, registrationId=second)
    await n.do("admin", "coreMergeActors", "actor { id }", **merge)
    assert (await a.see(second, "person { id }"))["person"] == {"id": merge["keptId"]}
    assert str(await a.since(kept, a.haihong)) == a.months_ago(14)
    assert (await a.see(home, "state"))["state"] == "VERIFIED"
    assert offered


async def test_off_and_on_again_nothing_is_lost(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    login, registration = await a.settled(14)

    async def turn(state: str) -> None:
        await n.do(
            "admin", "coreTogglePlugin", "area { id }", areaId=a.haihong, plugin="new_residents", state=state,
            reason="试用",
        )  # fmt: skip

    await turn("OFF")
    assert await a.see(registration, "id", login) is None
    assert str(await a.since(login, a.haihong)) == a.months_ago(14)  # by the membership that the desk reads
    off = await n.refused(login, "newResidentsMoveAway", STATE, registrationId=registration)
    assert off in ("PLUGIN_DISABLED", "NOT_FOUND")
    await turn("ON")
    assert await a.see(registration, "state since", login) == {"state": "VERIFIED", "since": a.months_ago(14)}
    assert str(await a.since(login, a.haihong)) == a.months_ago(14)


async def recorded(a: Arriving, person: str, area: str) -> None:
    await a.n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=person, areaId=area, role="RESIDENT",
        since=a.months_ago(30),
    )  # fmt: skip


async def test_what_the_desk_had_recorded_before_ends_with_the_residence(neighbourhood: Neighbourhood) -> None:
    """INV7: whoever moves away, or was never there, does not count by an older note of the desk."""
    n = neighbourhood
    a = await Arriving.begin(n)
    over = {"newResidentsMoveAway": {}, "newResidentsRevokeResidence": {"reason": "租约系伪造"}}
    for mutation, said in over.items():
        (login,) = await n.newcomers(1, "xinyang")
        await recorded(a, await a.person(login), a.haihong)
        registration = await a.register(login, months=20)
        await a.verify(registration, 20)
        assert await a.since(login, a.haihong) is not None
        who = login if mutation == "newResidentsMoveAway" else a.other
        await n.do(who, mutation, STATE, registrationId=registration, **said)
        await n.delivered()
        if who == login:
            n.clock.advance(timedelta(days=1))  # the last day is one still
        assert await a.since(login, a.haihong) is None
    (geng,) = await n.newcomers(1, "xinyang")  # waits for the villagers, moves away before they answer
    await recorded(a, await a.person(geng), a.xishan)
    registration = await a.register(geng, a.xishan, 20)
    await a.verify(registration, 20, "clerk")
    await n.do(geng, "newResidentsMoveAway", STATE, registrationId=registration)
    await n.delivered()
    assert await a.since(geng, a.xishan) is None


async def test_nobody_is_verified_here_while_the_desk_has_them_elsewhere(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    xingwang = await n.area_id("xingwang")
    await a.role(a.clerk, "CLERK", xingwang)
    (login,) = await n.newcomers(1, "xinyang")
    person = await a.person(login)
    await recorded(a, person, a.haihong)
    registration = await a.register(login, xingwang, 20)
    verify = (a.clerk, "newResidentsVerifyResidence", STATE)
    said = {"registrationId": registration, "since": a.months_ago(20), "identity": "IN_PERSON"}
    assert await n.refused(*verify, **said) == "LIVES_ELSEWHERE"
    by = f"decided_by_id = '{split_global(await a.person(a.clerk))[1]}', since = '{a.months_ago(2)}'"
    sets = f"state = 'VERIFIED', identity = 'REMOTE', {by}"
    assert await refused(n, registration, sets, "VERIFIED") == "LIVES_ELSEWHERE"
    query = "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}}) { nodes { id } } }"
    (membership,) = (await n.ask(a.clerk, query, p=person))["memberships"]["nodes"]
    await n.do(
        a.clerk, "coreEndMembership", "membership { id }", membershipId=membership["id"],
        until=n.clock.today().isoformat(),
    )  # fmt: skip
    assert (await n.do(*verify, **said))["registration"]["state"] == "VERIFIED"
    assert str(await a.since(login, xingwang)) == a.months_ago(20)
    n.clock.advance(timedelta(days=1))  # the last day is one still
    assert await a.since(login, a.haihong) is None


async def test_the_desk_records_no_other_home_and_ends_none_that_is_verified(neighbourhood: Neighbourhood) -> None:
    """INV7: by rule and by the database; moving away does both."""
    n = neighbourhood
    a = await Arriving.begin(n)
    xingwang = await n.area_id("xingwang")
    login, registration = await a.settled(14)
    (geng,) = await n.newcomers(1, "xinyang")  # waits for the villagers
    pending = await a.register(geng, a.xishan, 20)
    await a.verify(pending, 20, "clerk")
    person, day = await a.person(login), n.clock.today().isoformat()
    add = ("admin", "coreAddMembership", "membership { id }")
    home = {"role": "RESIDENT", "since": a.months_ago(1)}
    for who in (person, await a.person(geng)):
        assert await n.refused(*add, actorId=who, areaId=xingwang, **home) == "LIVES_ELSEWHERE"
    await n.do(*add, actorId=person, areaId=a.haicang, **home)  # where it lies is not elsewhere
    query = "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}}) { nodes { id area { code } } } }"
    nodes = (await n.ask(a.clerk, query, p=person))["memberships"]["nodes"]
    (membership,) = [m["id"] for m in nodes if m["area"]["code"] == "haihong"]
    end = ("admin", "coreEndMembership", "membership { id }")
    assert await n.refused(*end, membershipId=membership, until=day) == "RESIDENCE_VERIFIED"
    events = "query($s: ID!) { events(where: {subject: {eq: $s}}) { nodes { id type } } }"
    (added,) = (await n.ask("admin", events, s=membership))["events"]["nodes"]
    undone = await n.refused(a.clerk, "coreUndo", "event { id }", eventId=added["id"], reason="?")
    assert undone == "RESIDENCE_VERIFIED"
    await n.do(login, "newResidentsMoveAway", STATE, registrationId=registration)
    await n.do(*add, actorId=person, areaId=xingwang, **home)


async def test_two_who_are_one_keep_one_home(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    merge = ("admin", "coreMergeActors", "actor { id }")
    for kept_is_new in (True, False):
        login, registration = await a.settled(14)
        new = await a.person(login)
        elsewhere, here = await n.registered("丙四川", "丁四川", area="haihong")
        await recorded(a, elsewhere, await n.area_id("xingwang"))
        await recorded(a, here, a.haihong)

        def both(old: str, new: str = new, kept_is_new: bool = kept_is_new) -> dict[str, str]:
            kept, gone = (new, old) if kept_is_new else (old, new)
            return {"keptId": kept, "goneId": gone, "reason": "同一人"}

        assert await n.refused(*merge, **both(elsewhere)) == "LIVES_ELSEWHERE"
        await n.do(*merge, **both(here))
        await n.due()
        assert (await a.see(registration, "state"))["state"] == "VERIFIED"


async def test_the_desk_ends_the_membership_while_it_is_off_and_the_residence_is_over(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    login, registration = await a.settled(14)
    query = "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}}) { nodes { id } } }"
    (membership,) = (await n.ask(a.clerk, query, p=await a.person(login)))["memberships"]["nodes"]
    toggle = ("admin", "coreTogglePlugin", "area { id }")
    about = {"areaId": a.haihong, "plugin": "new_residents", "reason": "试用"}
    await n.do(*toggle, **about, state="OFF")
    xingwang = {"actorId": await a.person(login), "areaId": await n.area_id("xingwang"), "role": "RESIDENT"}
    add = ("admin", "coreAddMembership", "membership { id }")
    assert await n.refused(*add, **xingwang, since=a.months_ago(1)) == "LIVES_ELSEWHERE"
    await n.do(
        a.clerk, "coreEndMembership", "membership { id }", membershipId=membership["id"],
        until=n.clock.today().isoformat(),
    )  # fmt: skip
    await n.do(*add, **xingwang, since=a.months_ago(1))
    await n.do(*toggle, **about, state="ON")
    await n.due()
    assert await a.see(registration, "state until") == {"state": "MOVED_AWAY", "until": n.clock.today().isoformat()}
    n.clock.advance(timedelta(days=1))  # the last day is one still
    assert await a.since(login, a.haihong) is None
