"""What comes of itself stands for whoever lives there long enough, newcomer or local, and the parity report counts it so."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from core.clock import months_later
from core.enums import MembershipRole
from core.ids import split_global, to_global
from core.rules.actors import add_membership, end_membership
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.new_residents import rules
from plugins.new_residents.terms import EntitlementRefusal, EqualGroup, IdentityCheck, ResidenceProofKind
from tests.kits.new_residents import Arriving, refused

pytestmark = pytest.mark.anyio
GRANT = "grant { id state ground }"
HELD = """query($p: ID!) { newResidentsGrants(first: 50, where: {person: {id: {eq: $p}}, state: {eq: GRANTED}}) { nodes {
    id entitlement { key } registration { id } decidedBy { id } } } }"""
AUTOMATIC = {"NEW_CITIZEN", "GRID", "FORUMS", "SUPERVISION", "PUBLIC_SERVICE", "VOLUNTEERING"}


async def held(a: Arriving, person: str) -> dict[str, Any]:
    nodes = (await a.n.ask(a.clerk, HELD, p=person))["newResidentsGrants"]["nodes"]
    return {g["entitlement"]["key"]: g for g in nodes}


async def recorded(a: Arriving, months: int, area: str | None = None) -> tuple[str, str, str]:
    """A local whom the desk has recorded: login, person, membership."""
    (login,) = await a.n.newcomers(1, "haihong")
    person = await a.person(login)
    made = await a.n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=person, areaId=area or a.haihong, role="RESIDENT",
        since=a.months_ago(months),
    )  # fmt: skip
    return login, person, made["membership"]["id"]


async def test_locals_have_what_comes_of_itself_as_newcomers_do(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    locals_ = [await recorded(a, 60) for _ in range(5)]
    offered = await a.catalogue()
    newcomers = [await a.person((await a.settled(14))[0]) for _ in range(5)]
    assert set(await held(a, newcomers[0])) == AUTOMATIC  # at once
    await n.due()
    login, person, membership = locals_[0]
    mine = await held(a, person)
    assert set(mine) == AUTOMATIC
    assert all(g["registration"] is None and g["decidedBy"] is None for g in mine.values())
    report = "query($a: ID!) { newResidentsParity(areaId: $a, first: 50) { nodes { entitlement { key } parity newcomersRate localsRate } } }"
    nodes = (await n.ask(None, report, a=a.haihong))["newResidentsParity"]["nodes"]
    told = {p["entitlement"]["key"]: (p["parity"], p["newcomersRate"], p["localsRate"]) for p in nodes}
    assert {key: told[key] for key in AUTOMATIC} == dict.fromkeys(AUTOMATIC, ("EQUAL", 1000, 1000))

    # Nobody decides about it; what is refused has not been reached, or a statute keeps it.
    about = {"entitlementId": offered["GRID"], "personId": person, "reason": "名额"}
    for ground in ("CAPACITY", "OTHER"):
        no = await n.refused(a.clerk, "newResidentsRefuseEntitlement", GRANT, **about, ground=ground)
        assert no == "ENTITLEMENT_AUTOMATIC"
    end = ("newResidentsEndEntitlement", GRANT)
    for who in (a.clerk, login):
        assert await n.refused(who, *end, grantId=mine["GRID"]["id"], reason="?") == "ENTITLEMENT_AUTOMATIC"
    clerk = split_global(await a.person(a.clerk))[1]
    sets = f"state = 'REFUSED', ground = 'OTHER', decided_by_id = '{clerk}'"
    assert await refused(n, mine["GRID"]["id"], sets, "REFUSED") == "ENTITLEMENT_AUTOMATIC"

    assert sum((await n.due()).values()) == 0  # nothing is given twice
    await n.do(
        a.clerk, "coreEndMembership", "membership { id }", membershipId=membership, until=n.clock.today().isoformat()
    )
    await n.delivered()
    assert await held(a, person) == {}
    await n.due()
    assert await held(a, person) == {}


async def test_months_pass_and_it_comes(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    await n.do(
        "admin", "newResidentsOfferEntitlement", "entitlement { id }", areaId=a.haicang, equalGroup="TREATMENT",
        key="HEALTH", title="年度体检", minMonths=12, automatic=True,
    )  # fmt: skip
    newcomer, _ = await a.settled(11)
    _, local, _ = await recorded(a, 11)
    people = (await a.person(newcomer), local)
    _, moved, here = await recorded(a, 13, await n.area_id("xingwang"))
    await n.do("admin", "coreEndMembership", "membership { id }", membershipId=here, until=n.clock.today().isoformat())
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=moved, areaId=a.haihong, role="RESIDENT",
        since=n.clock.today().isoformat(),
    )  # fmt: skip
    await n.due()
    assert [set(await held(a, p)) for p in (*people, moved)] == [set(), set(), {"HEALTH"}]  # the move was no break
    await a.days(32)
    assert [set(await held(a, p)) for p in people] == [{"HEALTH"}, {"HEALTH"}]


async def test_what_happens_while_it_is_off_is_made_good_when_it_is_on(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    await a.catalogue()
    _, left, membership = await recorded(a, 60)
    await n.due()
    assert set(await held(a, left)) == AUTOMATIC
    toggle = {"areaId": a.haihong, "plugin": "new_residents", "reason": "试用"}
    await n.do("admin", "coreTogglePlugin", "area { id }", **toggle, state="OFF")
    await n.do(
        "admin", "coreEndMembership", "membership { id }", membershipId=membership, until=n.clock.today().isoformat()
    )
    _, came, _ = await recorded(a, 60)
    await n.due()
    await n.do("admin", "coreTogglePlugin", "area { id }", **toggle, state="ON")
    await n.due()
    assert (await held(a, left), set(await held(a, came))) == ({}, AUTOMATIC)


async def test_a_statute_keeps_it_from_newcomers_until_it_ends(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    made = await n.do(
        "admin", "newResidentsDeclareException", "exception { id }", entitlementId=offered["GRID"],
        statute="某法第一条", reason="依法",
    )  # fmt: skip
    newcomer = await a.person((await a.settled(14))[0])
    _, local, _ = await recorded(a, 14)
    await n.due()
    assert (set(await held(a, newcomer)), set(await held(a, local))) == (AUTOMATIC - {"GRID"}, AUTOMATIC)
    said = {"entitlementId": offered["GRID"], "personId": newcomer, "ground": "STATUTE", "reason": "依法"}
    made_ = await n.do(a.clerk, "newResidentsRefuseEntitlement", GRANT, **said)  # to appeal against
    assert made_["grant"]["ground"] == "STATUTE"
    await n.do("admin", "newResidentsEndException", "exception { id }", exceptionId=made["exception"]["id"])
    await n.due()
    assert set(await held(a, newcomer)) == AUTOMATIC


# --- at random -------------------------------------------------------------------------------------------


@dataclass
class Known:
    """What the test knows of a person: where they live, since when, and the latest decision by entitlement."""

    area: UUID
    months: int
    is_new: bool
    is_pending: bool = False
    is_gone: bool = False
    latest: dict[UUID, str] = field(default_factory=dict)


@dataclass
class Rule:
    area: UUID
    months: int
    automatic: bool


async def done(n: Neighbourhood, rule: Any) -> Any:
    found: list[Any] = []

    async def run(work: Work) -> dict[str, Any]:
        found.append(await rule(work))
        return {}

    await n.server.runtime.as_system(run)
    return found[0]


def counted(people: list[Known], rule: Rule, id: UUID, within: dict[UUID, set[UUID]], asked: UUID) -> dict[str, Any]:
    """The straightforward count: who lives in the area asked for, today; of them, who has it and who was refused it."""
    counts: dict[tuple[bool, str], int] = defaultdict(int)
    for p in people:
        if p.is_gone or p.area not in within[asked]:
            continue
        counts[p.is_new, "all"] += 1
        if rule.automatic and p.area in within[rule.area]:
            # Whoever waits for the villagers lives there for what asks for no months, and for areas above the village.
            counts_here = not p.is_pending or rule.months == 0 or rule.area != p.area
            if p.months >= rule.months and counts_here:
                counts[p.is_new, "GRANTED"] += 1
        elif id in p.latest:
            counts[p.is_new, p.latest[id]] += 1
    told: dict[str, Any] = {}
    shares = {}
    for is_new, side in ((True, "newcomers"), (False, "locals")):
        has, no = counts[is_new, "GRANTED"], counts[is_new, "REFUSED"]
        hidden = [x // 5 * 5 if not 1 <= x <= 4 else None for x in (counts[is_new, "all"], has, no)]
        told |= dict(zip((side, f"{side}Having", f"{side}Refused"), hidden, strict=True))
        shares[side] = has * 1000 // (has + no) if has + no else None
        share = shares[side]
        told[f"{side}Rate"] = None if None in hidden[1:] or share is None else (share + 25) // 50 * 50
        if has + no < 5:
            told["parity"] = "TOO_FEW"
    if "parity" not in told:
        told["parity"] = "BELOW" if shares["newcomers"] + 50 < shares["locals"] else "EQUAL"
    return told


@pytest.mark.parametrize("seed", range(3))
async def test_the_report_is_a_plain_count(neighbourhood: Neighbourhood, seed: int) -> None:
    n, chance = neighbourhood, random.Random(310 + seed)
    a = await Arriving.begin(n)
    places = {code: split_global(await n.area_id(code))[1] for code in ("haihong", "xishan", "haicang", "xinyang")}
    homes = [places["haihong"], places["haihong"], places["haihong"], places["xishan"]]
    today = n.clock.today()

    def ago(months: int) -> date:
        return months_later(today, -months)

    offers: dict[UUID, Rule] = {}

    async def offer(number: int) -> None:
        rule = Rule(chance.choice(list(places.values())), chance.choice((0, 0, 6, 24)), chance.random() < 0.6)
        made = rules.Offer(chance.choice(list(EqualGroup)), f"T{number}", f"事项 {number}", rule.months, rule.automatic)
        (entitlement,) = await done(n, lambda w: rules.offer(w, area_id=rule.area, offers=[made]))
        offers[entitlement.id] = rule

    people: dict[str, Known] = {}
    clerk = await n.viewer(a.clerk)

    async def person(number: int) -> None:
        (id,) = await n.registered(f"某{number}", area="haihong")
        known = Known(chance.choice(homes), chance.randrange(1, 40), chance.random() < 0.5)
        actor = split_global(id)[1]
        if not known.is_new:
            membership = await done(
                n, lambda w: add_membership(
                    w, actor_id=actor, area_id=known.area, role=MembershipRole.RESIDENT, since=ago(known.months)
                ),
            )  # fmt: skip
            if chance.random() < 0.15:
                known.is_gone = True
                await done(n, lambda w: end_membership(w, membership_id=membership.id, until=today))
        else:
            known.is_pending = known.area == places["xishan"]
            registration = await done(
                n, lambda w: _registered(w, actor, known.area, ago(known.months), clerk.person_id)
            )
            if known.is_pending and chance.random() < 0.5:
                known.is_pending = False
                await done(n, lambda w: rules.record_consent(
                    _as(w, clerk.person_id), registration_id=registration.id, consented=True, evidence="记录",
                    decided_on=None,
                ))  # fmt: skip
            if chance.random() < 0.15:
                known.is_gone = True
                await done(n, lambda w: rules.move_away(w, registration_id=registration.id))
        people[id] = known

    for number in range(4):
        await offer(number)
    for number in range(44):
        await person(number)
    for number in range(4, 7):  # some are offered later, to who lives there already
        await offer(number)
    await n.due()
    manual = [id for id, rule in offers.items() if not rule.automatic]
    for id, known in people.items():
        for entitlement in chance.sample(manual, chance.randrange(len(manual) + 1)):
            for _ in range(chance.choice((1, 1, 2))):
                ground = chance.choice((None, None, EntitlementRefusal.OTHER, EntitlementRefusal.RESIDENCE))
                if known.latest.get(entitlement) == "GRANTED":
                    continue
                state = await _decided(n, clerk.person_id, entitlement, split_global(id)[1], ground)
                if state is not None:
                    known.latest[entitlement] = state
    within = {id: await _within(n, id) for id in places.values()}
    seen: set[str] = set()
    # The demo's own people live elsewhere: nobody but these lives in the two areas that are asked about.
    for code in ("haihong", "xishan"):
        others = await _others(n, places[code], set(people))
        report = """query($a: ID!) { newResidentsParity(areaId: $a, first: 100) { nodes { entitlement { id } parity newcomers
            newcomersHaving newcomersRefused newcomersRate locals localsHaving localsRefused localsRate } } }"""
        nodes = (await n.ask(None, report, a=to_global("area", places[code])))["newResidentsParity"]["nodes"]
        found = {split_global(p["entitlement"].pop("id"))[1]: p for p in nodes}
        for id, rule in offers.items():
            if rule.area not in within[places[code]] and places[code] not in within[rule.area]:
                assert id not in found
                continue
            told = {k: v for k, v in found[id].items() if k != "entitlement"}
            everybody = [*people.values(), *others]
            assert told == counted(everybody, rule, id, within, places[code]), (code, rule)
            seen.add(told["parity"])
    assert {"EQUAL", "TOO_FEW"} <= seen


def _as(work: Work, person_id: UUID | None) -> Work:
    """Done by the server in the name of a clerk."""
    from dataclasses import replace

    work.viewer = replace(work.viewer, person_id=person_id)
    return work


async def _registered(work: Work, person: UUID, area: UUID, since: date, clerk: UUID | None) -> Any:
    from core.access import Acting

    work.acting = Acting(behalf_of_id=person)
    made = await rules.register(
        work, area_id=area, address="x", since=since, evidence=[rules.Proof(ResidenceProofKind.LEASE, "租约")]
    )
    await work.flush_now()
    work.acting = Acting()
    await rules.verify_residence(
        _as(work, clerk), registration_id=made.id, since=since, identity=IdentityCheck.IN_PERSON
    )
    return made


async def _decided(
    n: Neighbourhood, clerk: UUID | None, entitlement: UUID, person: UUID, ground: EntitlementRefusal | None
) -> str | None:
    """Granted or refused by a clerk; None if neither could be."""
    from core.errors import Refusal

    about = {"entitlement_id": entitlement, "person_id": person}
    try:
        if ground is None:
            await done(n, lambda w: rules.grant_entitlement(_as(w, clerk), **about))
            return "GRANTED"
        await done(n, lambda w: rules.refuse_entitlement(_as(w, clerk), **about, ground=ground, reason="理由"))
    except Refusal:
        return None
    return "EARLY" if ground is EntitlementRefusal.RESIDENCE else "REFUSED"


async def _within(n: Neighbourhood, area: UUID) -> set[UUID]:
    sql = f"SELECT descendant_id FROM core_area_closure WHERE until IS NULL AND ancestor_id = {n.server.runtime.database.dialect.mark(1)}"
    return {UUID(str(row[0])) for row in await n.server.runtime.database.read(sql, [area])}


async def _others(n: Neighbourhood, area: UUID, known: set[str]) -> list[Known]:
    """People of the demo who live there, locals all of them."""
    mark = n.server.runtime.database.dialect.mark(1)
    sql = (
        "SELECT m.actor_id, m.area_id, min(m.since) FROM core_membership m JOIN core_area_closure c ON c.descendant_id ="
        f" m.area_id AND c.until IS NULL WHERE c.ancestor_id = {mark} AND m.role = 'RESIDENT' AND m.state = 'ACTIVE'"
        " AND NOT EXISTS (SELECT 1 FROM new_residents_registration r WHERE r.person_id = m.actor_id"
        " AND r.state = 'VERIFIED') GROUP BY m.actor_id, m.area_id"
    )
    found = []
    for actor, home, since in await n.server.runtime.database.read(sql, [area]):
        if to_global("actor", UUID(str(actor))) in known:
            continue
        day, months = date.fromisoformat(str(since)), 0
        while months_later(day, months + 1) <= n.clock.today():
            months += 1
        found.append(Known(UUID(str(home)), months, False))
    return found
