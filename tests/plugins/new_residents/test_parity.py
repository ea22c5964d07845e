"""The parity report tells sums, none so small that it tells of one; and nobody's household registration is asked (INV15)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import plugins.new_residents
from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving

pytestmark = pytest.mark.anyio
REPORT = """query($a: ID!) { newResidentsParity(areaId: $a, first: 50) { nodes { entitlement { key } equalGroup parity newcomers
    newcomersHaving newcomersRefused newcomersUsing newcomersRate locals localsHaving localsRefused localsRate } } }"""


async def report(a: Arriving, who: str | None = None, area: str | None = None) -> dict[str, dict[str, Any]]:
    nodes = (await a.n.ask(who, REPORT, a=area or a.haihong))["newResidentsParity"]["nodes"]
    return {p["entitlement"]["key"]: p for p in nodes}


async def local(a: Arriving) -> str:
    """Somebody whom the desk has recorded as a resident for years."""
    (login,) = await a.n.newcomers(1, "haihong")
    person = await a.person(login)
    await a.n.do(
        a.clerk, "coreAddMembership", "membership { id }", actorId=person, areaId=a.haihong, role="RESIDENT",
        since=a.months_ago(60),
    )  # fmt: skip
    return person


async def test_newcomers_and_locals_are_counted_and_small_numbers_are_not_told(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    before = (await report(a))["ELECTIONS"]
    assert before["parity"] == "TOO_FEW"
    newcomers = [await a.person((await a.settled(14))[0]) for _ in range(6)]
    locals_ = [await local(a) for _ in range(6)]
    grant = (a.clerk, "newResidentsGrantEntitlement", "grant { id }")
    refuse = (a.clerk, "newResidentsRefuseEntitlement", "grant { id }")
    elections = {"entitlementId": offered["ELECTIONS"]}
    for person in (*newcomers[:4], *locals_):
        await n.do(*grant, **elections, personId=person)
    few = (await report(a))["ELECTIONS"]
    assert (few["newcomers"], few["newcomersHaving"], few["newcomersRate"]) == (5, None, None)  # 4 is not told
    assert few["parity"] == "TOO_FEW"
    made = await n.do(*grant, **elections, personId=newcomers[4])
    await n.do(a.clerk, "newResidentsUseEntitlement", "use { id }", grantId=made["grant"]["id"])
    told = (await report(a))["ELECTIONS"]
    assert (told["newcomersHaving"], told["newcomersRefused"], told["newcomersRate"]) == (5, 0, 1000)
    assert (told["localsHaving"], told["localsRate"], told["parity"]) == (5, 1000, "EQUAL")
    assert told["newcomersUsing"] is None  # one used it
    await n.do(*refuse, **elections, personId=newcomers[5], ground="OTHER", reason="看情况")
    below = (await report(a))["ELECTIONS"]
    assert (below["parity"], below["newcomersRefused"], below["newcomersRate"]) == ("BELOW", None, None)
    await n.do(
        "admin", "newResidentsDeclareException", "exception { id }", entitlementId=offered["DIVIDEND"],
        statute="农村集体经济组织法", reason="集体资产",
    )  # fmt: skip
    found = await report(a)
    assert {key for key, p in found.items() if p["parity"] == "STATUTORY"} == {"DIVIDEND"}
    assert len(found) == len(offered)
    assert found["GRID"]["newcomersHaving"] == 5  # of 6: what comes by itself is counted too


async def test_no_difference_tells_of_one_person(neighbourhood: Neighbourhood) -> None:
    """Not of two sums of one area: of 6 all but one have it; nor of an area and one below it: 2 live in the other."""
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue(a.haicang)
    xingwang = await n.area_id("xingwang")
    (clerk,) = await n.newcomers(1, "xinyang")
    await a.role(clerk, "CLERK", xingwang)
    people = [await a.person((await a.settled(14))[0]) for _ in range(6)]
    for _ in range(2):
        await a.settled(14, xingwang, clerk)
    await n.due()
    elections = {"entitlementId": offered["ELECTIONS"]}
    for person in people[:5]:
        await n.do(a.clerk, "newResidentsGrantEntitlement", "grant { id }", **elections, personId=person)
    no = {"personId": people[5], "ground": "OTHER", "reason": "补材料"}
    await n.do(a.clerk, "newResidentsRefuseEntitlement", "grant { id }", **elections, **no)
    here = (await report(a))["ELECTIONS"]
    assert (here["newcomers"], here["newcomersHaving"], here["newcomersRefused"]) == (5, 5, None)
    assert here["newcomersRate"] is None
    assert (await report(a, area=xingwang))["GRID"]["newcomers"] is None
    assert (await report(a, area=a.haicang))["GRID"]["newcomers"] % 5 == 0


async def test_the_same_conditions_hold_for_everybody(neighbourhood: Neighbourhood) -> None:
    """Newcomers and locals who have lived here equally long get the same answer, for every entitlement of the catalogue."""
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    for months in (5, 11, 12, 40):
        newcomer = await a.person((await a.settled(months))[0])
        (login,) = await n.newcomers(1, "haihong")
        local_ = await a.person(login)
        await n.do(
            a.clerk, "coreAddMembership", "membership { id }", actorId=local_, areaId=a.haihong, role="RESIDENT",
            since=a.months_ago(months),
        )  # fmt: skip
        for key in ("ELECTIONS", "DIVIDEND"):
            answers = set()
            for person in (newcomer, local_):
                made = await n.ask(
                    a.clerk, "mutation($i: NewResidentsGrantEntitlementInput!) { newResidentsGrantEntitlement(input: $i)"
                    " { grant { state } errors { code } } }", i={"entitlementId": offered[key], "personId": person},
                )  # fmt: skip
                answers.add(str(made["newResidentsGrantEntitlement"]))
            assert len(answers) == 1, (key, months, answers)


async def test_the_latest_decision_about_who_lives_here_now_counts(neighbourhood: Neighbourhood) -> None:
    """Against a plain count: refused and later granted is granted; who is gone is in no column, newcomer or local."""
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    elections = {"entitlementId": offered["ELECTIONS"]}
    settled = [await a.settled(14) for _ in range(7)]
    newcomers, locals_ = [await a.person(login) for login, _ in settled], [await local(a) for _ in range(7)]
    last: dict[str, str] = {}
    for number, person in enumerate((*newcomers, *locals_)):
        if number % 7 != 6:
            await n.do(
                a.clerk, "newResidentsRefuseEntitlement", "grant { id }", **elections, personId=person, ground="OTHER",
                reason="补材料",
            )  # fmt: skip
            last[person] = "REFUSED"
        if number % 7 != 5:
            made = await n.do(a.clerk, "newResidentsGrantEntitlement", "grant { id }", **elections, personId=person)
            last[person] = "GRANTED"
    query = "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}}) { nodes { id } } }"
    (membership,) = (await n.ask(a.clerk, query, p=locals_[6]))["memberships"]["nodes"]
    await n.do(
        a.clerk, "coreEndMembership", "membership { id }", membershipId=membership["id"],
        until=n.clock.today().isoformat(),
    )  # fmt: skip
    login, registration = settled[5]  # the one who was refused
    await n.do(login, "newResidentsMoveAway", "registration { state }", registrationId=registration)
    await n.delivered()
    use = await n.refused(a.clerk, "newResidentsUseEntitlement", "use { id }", grantId=made["grant"]["id"])
    assert use == "ENTITLEMENT_STATE"  # the local's ended with the membership
    here = {"newcomers": set(newcomers) - {newcomers[5]}, "locals": set(locals_) - {locals_[6]}}
    told = (await report(a))["ELECTIONS"]
    for side, people in here.items():
        granted = sum(last[p] == "GRANTED" for p in people)
        refused = sum(last[p] == "REFUSED" for p in people)
        assert told[side + "Having"] == granted // 5 * 5
        assert told[side + "Refused"] == (None if 1 <= refused <= 4 else refused // 5 * 5)
    assert (told["newcomersRate"], told["newcomersRefused"], told["parity"]) == (1000, 0, "EQUAL")


STATUTORY = {"EligibilityPredicate.HOUSEHOLD_REGISTRATION", "VoterFact.HOUSEHOLD_REGISTRATION"}


async def test_no_rule_column_input_or_setting_knows_where_somebody_is_registered() -> None:
    """INV15 over the whole plugin: the word stands in explanations alone, never in code."""
    folder = Path(plugins.new_residents.__file__).parent
    words = re.compile(r"户籍|户口|hukou|household.?registration|huji|籍贯|native.?place", re.I)
    found = []
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.toml")]):
        text = path.read_text("utf-8")
        code = re.sub(r'""".*?"""|#[^\n]*', "", text, flags=re.S) if path.suffix == ".py" else text
        found += [f"{path.name}: {m[0]}" for m in words.finditer(code)]
    assert found == []


async def test_nothing_that_is_served_knows_where_somebody_is_registered(neighbourhood: Neighbourhood) -> None:
    """INV15 over every rule that is served: no column, permission, setting, input or term names it, in any plugin, but what
    an election's rule may ask for that cites a statute (`STATUTE_NEEDED`)."""
    n = neighbourhood
    words = re.compile(r"户籍|户口|hukou|household_?registration|huji", re.I)
    runtime = n.server.runtime
    names = [f"{m._meta.db_table}.{c}" for m in runtime.database.models for c in m._meta.fields_db_projection]
    names += list(runtime.kernel.permissions.rules)
    names += [f"{p}.{key}" for p, made in runtime.kernel.settings.declared.items() for key in made.keys]
    types = "{ __schema { types { name inputFields { name } fields { name } enumValues { name } } } }"
    for type in (await n.ask(None, types))["__schema"]["types"]:
        for part in ("inputFields", "fields", "enumValues"):
            names += [f"{type['name']}.{x['name']}" for x in type[part] or ()]
    assert len(names) > 500
    assert {name for name in names if words.search(name)} <= STATUTORY
