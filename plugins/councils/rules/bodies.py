"""Bodies: founded, changed, dissolved; the rules for their seats; who is seated and who goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from core.clock import months_later
from core.enums import ActorKind, AreaKind, MandateState, MembershipRole, OrganizationKind
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor, Area, Mandate, Membership
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_name, needed, optional_text
from core.work import Work
from plugins.councils.models import Body, Seat, SeatRule
from plugins.councils.models.bodies import MOST_SEATS
from plugins.councils.ports import SEAT_KEEPER, KeptShare
from plugins.councils.rules import composition
from plugins.councils.rules.common import BALLOTS, packed, require_active, terms, unpacked
from plugins.councils.rules.nominations import nominated
from plugins.councils.rules.requests import end_with_body
from plugins.councils.rules.services import end_services
from plugins.councils.rules.standing import FILL, Standing, keeper, standing, vacate
from plugins.councils.terms import (
    ADVISORY_KINDS,
    FOR_AN_ORGANIZATION,
    HOLDING,
    RESIDENTS,
    SITTING,
    BodyKind,
    BodyState,
    NominationState,
    Rounding,
    SeatCategory,
    SeatedBy,
    SeatOffice,
    SeatRuleState,
    SeatState,
    VacatedBecause,
)

MANAGE = "councils.body.manage"
ORGANS = {
    BodyKind.COMMITTEE: (OrganizationKind.RESIDENTS_COMMITTEE, OrganizationKind.VILLAGERS_COMMITTEE),
    BodyKind.SUPERVISION: (
        OrganizationKind.VILLAGE_SUPERVISION_COMMITTEE,
        OrganizationKind.RESIDENTS_COMMITTEE,
        OrganizationKind.VILLAGERS_COMMITTEE,
    ),
}
BY_THEMSELVES = (
    VacatedBecause.TERM_OVER,
    VacatedBecause.DISSOLVED,
    VacatedBecause.MANDATE_ENDED,
    VacatedBecause.BY_CHARTER,
)
BELOW_COMMUNITY = (AreaKind.COMPOUND, AreaKind.HAMLET, AreaKind.GRID)
SENT_BY = {
    SeatCategory.ENTERPRISE: (ActorKind.ENTERPRISE,),
    SeatCategory.ORGANIZATION: (ActorKind.ORGANIZATION,),
    SeatCategory.RESIDENT_UNIT: (ActorKind.ORGANIZATION, ActorKind.ENTERPRISE),
    SeatCategory.GOVERNMENT: (ActorKind.GOVERNMENT_BODY,),
}


def _size(size: int) -> int:
    if not 1 <= size <= MOST_SEATS:
        raise Refusal("BODY_SIZE", path=("size",), limit=MOST_SEATS)
    return size


async def create_body(
    work: Work,
    *,
    area_id: UUID,
    kind: BodyKind,
    name: str,
    size: int,
    purpose: str | None = None,
    is_advisory: bool | None = None,
    organization_id: UUID | None = None,
) -> Body:
    """Found a body. Refuses BODY_EXISTS, BODY_SIZE, BELOW_A_COMMUNITY (a co-residents' council), NOT_ITS_ORGAN."""
    area = await work.get(Area, area_id)
    work.require(MANAGE, area)
    if kind is BodyKind.CO_RESIDENT and area.kind not in BELOW_COMMUNITY:
        raise Refusal("BELOW_A_COMMUNITY", path=("areaId",))
    organization = None if organization_id is None else await work.get(Actor, organization_id)
    if kind in ORGANS and (organization is None or organization.organization_kind not in ORGANS[kind]):
        raise Refusal("NOT_ITS_ORGAN", path=("organizationId",))
    if organization is not None and organization.kind is ActorKind.GOVERNMENT_BODY:
        raise Refusal("NOT_ITS_ORGAN", path=("organizationId",))
    body = Body(
        id=new_id(),
        area_id=area_id,
        kind=kind,
        name=clean_name(name, "name"),
        purpose=optional_text(purpose, "purpose", limit=2000),
        is_advisory=kind in ADVISORY_KINDS if is_advisory is None else is_advisory,
        size=_size(size),
        organization_id=None if organization is None else organization.id,
        state=BodyState.ACTIVE,
        founded_on=work.happened_on,
    )
    if await work.find(Body, area_id=area_id, name=body.name, state=BodyState.ACTIVE):
        raise Refusal("BODY_EXISTS", path=("name",))
    work.add(body)
    rules = [
        _kept(work, area, body, share) for share in await work.port(SEAT_KEEPER).of_a_new_body(work, area, str(kind))
    ]
    for rule in rules:
        work.add(rule)
    body.is_valid = not composition.violations([], rules)
    work.record("councils.body.created", body, area_id=area_id, data={"kind": str(kind)})
    if rules:
        composition.recheck(work, body, [], rules, is_noted=True)
    return body


def _kept(work: Work, area: Area, body: Body, share: KeptShare) -> SeatRule:
    """The fixed number of seats that a mechanism keeps in the body."""
    rounding = Rounding(share.rounding)
    lower, upper = composition.bounds(share.parts, share.parts, share.out_of, rounding, body.size)
    return SeatRule(
        id=new_id(), area_id=area.id, body_id=body.id, charter_id=None, category=SeatCategory(share.category),
        minimum=share.parts, maximum=share.parts, out_of=share.out_of, rounding=rounding, lower=lower, upper=upper,
        kept_by=share.kept_by, state=SeatRuleState.IN_FORCE, since=work.now,
    )  # fmt: skip


async def update_body(work: Work, *, body_id: UUID, name: str | None, purpose: str | None, size: int | None) -> Body:
    """Correct a body; its size only while no charter constitutes it (BY_THE_CHARTER), and not below who sits there."""
    body = await work.lock(Body, body_id)
    work.require(MANAGE, body)
    work.expect_version(body)
    require_active(body)
    if size is not None and body.charter_id is not None:
        raise Refusal("BY_THE_CHARTER")
    kept = await work.select(SeatRule, body_id=body.id, state=list(HOLDING))
    if size not in (None, body.size) and any(r.kept_by for r in kept):
        raise Refusal("BY_THE_CHARTER", path=("size",))
    changed: dict[str, object] = {}
    if name is not None:
        changed["name"] = clean_name(name, "name")
    if purpose is not None:
        changed["purpose"] = optional_text(purpose, "purpose", limit=2000)
    if size is None or size == body.size:
        work.change(body, **changed)
        work.record("councils.body.changed", body, area_id=body.area_id)
        return body
    now = await standing(work, body)
    seats, rules = now.seats, now.rules
    if _size(size) < len(seats):
        raise Refusal("BODY_FULL", path=("size",))
    body.size = size
    for rule in rules:
        lower, upper = composition.bounds(rule.minimum, rule.maximum, rule.out_of, rule.rounding, size)
        work.change(rule, lower=lower, upper=upper)
    composition.require_possible(size, rules)
    work.change(body, **changed, size=size, is_valid=not composition.violations(seats, rules))
    work.record("councils.body.changed", body, area_id=body.area_id)
    composition.recheck(work, body, seats, rules, is_noted=True)
    return body


async def dissolve_body(work: Work, *, body_id: UUID, reason: str) -> Body:
    """The body ends, and everybody's term in it; what it decided stays. Refuses BY_THE_CHARTER while one constitutes it."""
    body = await work.lock(Body, body_id)
    work.require(MANAGE, body)
    work.expect_version(body)
    require_active(body)
    if body.charter_id is not None:
        raise Refusal("BY_THE_CHARTER")
    text = needed(reason, "reason")
    for seat in (await standing(work, body)).taken:
        work.change(
            seat, state=SeatState.VACATED, vacated_on=work.happened_on, vacated_because=VacatedBecause.DISSOLVED,
        )  # fmt: skip
    await end_with_body(work, body)
    await end_services(work, body)
    work.change(body, state=BodyState.DISSOLVED, dissolved_on=work.happened_on)
    work.record("councils.body.dissolved", body, area_id=body.area_id, text={"reason": text})
    return body


async def set_seat_rule(
    work: Work,
    *,
    body_id: UUID,
    category: SeatCategory,
    minimum: int,
    maximum: int,
    out_of: int | None = None,
    rounding: Rounding = Rounding.UP,
) -> SeatRule:
    """Say how many seats a category has, in place of what was said before; only while no charter constitutes the body.

    Refuses BY_THE_CHARTER (INV5: then only an amendment moves it), KEPT_BY_MECHANISM, BAD_SEAT_RULE,
    SEAT_RULES_IMPOSSIBLE.
    """
    body = await work.lock(Body, body_id)
    work.require(MANAGE, body)
    require_active(body)
    if body.charter_id is not None:
        raise Refusal("BY_THE_CHARTER")
    if keeper(work, body, category, is_needed=False):
        raise Refusal("KEPT_BY_MECHANISM", path=("category",))
    lower, upper = composition.bounds(minimum, maximum, out_of, rounding, body.size)
    rule = SeatRule(
        id=new_id(), area_id=body.area_id, body_id=body.id, charter_id=None, category=category, minimum=minimum,
        maximum=maximum, out_of=out_of, rounding=rounding, lower=lower, upper=upper, state=SeatRuleState.IN_FORCE,
        since=work.now,
    )  # fmt: skip
    now = await standing(work, body)
    before = now.rules
    rules = [*(r for r in before if r.category is not category), rule]
    composition.require_possible(body.size, rules)
    for old in before:
        if old.category is category:
            work.change(old, state=SeatRuleState.ENDED, until=work.now)
    work.add(rule)
    work.record("councils.seat_rule.set", rule, area_id=body.area_id, data={"body": str(body.id)})
    composition.recheck(work, body, now.seats, rules)
    return rule


async def lift_seat_rule(work: Work, *, rule_id: UUID) -> SeatRule:
    """The category has no bounds any more. Refuses BY_THE_CHARTER, KEPT_BY_MECHANISM, SEAT_RULE_STATE."""
    body, rule = await work.lock_with(SeatRule, rule_id, Body)
    work.require(MANAGE, body)
    if body.charter_id is not None:
        raise Refusal("BY_THE_CHARTER")
    if rule.kept_by is not None:
        raise Refusal("KEPT_BY_MECHANISM")
    if rule.state is not SeatRuleState.IN_FORCE:
        raise Refusal("SEAT_RULE_STATE", state=rule.state)
    now = await standing(work, body)
    work.change(rule, state=SeatRuleState.ENDED, until=work.now)
    work.record("councils.seat_rule.ended", rule, area_id=body.area_id, data={"body": str(body.id)})
    composition.recheck(work, body, now.seats, [r for r in now.rules if r.id != rule.id])
    return rule


# --- who sits there --------------------------------------------------------------------------------------


async def fill_seat(
    work: Work,
    *,
    body_id: UUID,
    holder_id: UUID,
    category: SeatCategory,
    also: Sequence[SeatCategory] = (),
    office: SeatOffice = SeatOffice.MEMBER,
    via: SeatedBy = SeatedBy.APPOINTED,
    election_id: UUID | None = None,
    mandate_of_id: UUID | None = None,
    term_start: date | None = None,
    term_months: int | None = None,
    term_end: date | None = None,
    kept_by: str | None = None,
) -> Seat:
    """Seat a person, or whom an organization sends. Of two clerks who fill the last seat one is refused.

    `kept_by` is the mechanism that asks, where it keeps the category's seats. Refuses OWN_MATTER (nobody seats
    themselves), BODY_FULL, CATEGORY_FULL, ALREADY_SEATED, ORGANIZATION_SEATED, OFFICE_TAKEN, NOT_A_PERSON, NOT_FROM_HERE,
    MANDATE_NEEDED, SEAT_MANDATE, WRONG_CATEGORY, TERM_TOO_LONG, SEAT_TERM_AHEAD, KEPT_SEAT, NO_SUCH_SEATS,
    NOMINATION_NEEDED (M03), and what `_by_election` refuses.
    """
    body = await work.lock(Body, body_id)
    sends = kept_by is not None and not work.system and work.principal_id == mandate_of_id
    work.require(FILL, body, owner=mandate_of_id if sends else None)
    require_active(body)
    holder = await work.get(Actor, holder_id)
    if holder.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("holderId",))
    await work.not_own(holder.id)
    named = [category, *also]
    categories = await _counting(work, named, mandate_of_id)
    await _not_kept(work, body, named, categories, kept_by)
    sender = await _sender(work, body, categories, holder, mandate_of_id)
    await _resident(work, body, categories, holder)
    await _by_election(work, body, holder, via, election_id)
    nomination = await nominated(work, body, holder.id, sender)
    limit = (await terms(work, body)).term_months
    if term_months is not None and not 1 <= term_months <= limit:
        raise Refusal("TERM_TOO_LONG", path=("termMonths",), limit=limit)
    start = term_start or work.happened_on
    if SeatCategory.GOVERNMENT in categories and office is not SeatOffice.MEMBER:
        raise Refusal("GOVERNMENT_HAS_NO_VOTE", path=("office",))
    now = await standing(work, body)
    if kept_by is not None and not any(r.category is category for r in now.rules):
        raise Refusal("NO_SUCH_SEATS", path=("bodyId",), category=category.zh)
    seat = Seat(
        id=new_id(), area_id=body.area_id, body_id=body.id, holder_id=holder.id, mandate_of_id=sender, category=category,
        categories=packed([str(c) for c in categories]), office=office, via=via, election_id=election_id,
        is_voting=SeatCategory.GOVERNMENT not in categories, kept_by=kept_by, state=SeatState.FILLED,
        term_start=start, term_end=term_end or months_later(start, term_months or limit),
    )  # fmt: skip
    if seat.term_end > months_later(start, limit):
        raise Refusal("TERM_TOO_LONG", path=("termMonths",), limit=limit)
    if seat.term_end <= work.happened_on:
        raise Refusal("SEAT_TERM_OVER", path=("termStart",))
    if start > work.happened_on:
        raise Refusal("SEAT_TERM_AHEAD", path=("termStart",))
    _require_room(body, now, seat)
    work.add(seat)
    work.record(
        "councils.seat.filled", seat, area_id=body.area_id,
        data={"body": str(body.id), "holder": str(holder.id), "category": str(category)},
    )  # fmt: skip
    if nomination is not None:
        work.change(nomination, state=NominationState.SEATED)
        work.record("councils.nomination.seated", nomination, area_id=body.area_id, data={"seat": str(seat.id)})
    composition.recheck(work, body, [*now.seats, seat], now.rules)
    return seat


async def _counting(work: Work, named: Sequence[SeatCategory], mandate_of_id: UUID | None) -> list[SeatCategory]:
    """The categories in which a holder counts: whoever an enterprise sends is counted as an enterprise too, whatever the
    seat is called, so that a rule for those holds whenever it comes (INV5)."""
    if mandate_of_id is not None and (await work.get(Actor, mandate_of_id)).kind is ActorKind.ENTERPRISE:
        named = [*named, SeatCategory.ENTERPRISE]
    return list(dict.fromkeys(named))


async def _not_kept(
    work: Work, body: Body, named: Sequence[SeatCategory], categories: Sequence[SeatCategory], kept_by: str | None
) -> None:
    """The seat is for none that another mechanism keeps, by its name or because a rule for them holds. Refuses KEPT_SEAT,
    PLUGIN_DISABLED."""
    ruled = {r.category for r in await work.select(SeatRule, body_id=body.id, state=SeatRuleState.IN_FORCE)}
    for category in categories:
        if (category in named or category in ruled) and keeper(work, body, category) not in (None, kept_by):
            raise Refusal("KEPT_SEAT", path=("category",), category=category.zh)


async def _sender(
    work: Work, body: Body, categories: Sequence[SeatCategory], holder: Actor, mandate_of_id: UUID | None
) -> UUID | None:
    """The organization that sends the holder, whose mandate they have where the body lies, and have still; refuses
    MANDATE_NEEDED, SEAT_MANDATE, WRONG_CATEGORY."""
    needing = [c for c in categories if c in FOR_AN_ORGANIZATION]
    if mandate_of_id is None:
        if needing:
            raise Refusal("MANDATE_NEEDED", path=("mandateOfId",))
        return None
    organization = await work.get(Actor, mandate_of_id)
    if not needing or any(organization.kind not in SENT_BY[c] for c in needing):
        raise Refusal("WRONG_CATEGORY", path=("category",))
    held = await work.select(Mandate, person_id=holder.id, organization_id=organization.id, state=MandateState.ACTIVE)
    chain = work.place(body).chain
    if not any(m.area_id in chain and (m.until is None or m.until > work.now) for m in held):
        raise Refusal("SEAT_MANDATE", path=("mandateOfId",))
    return organization.id


async def _by_election(work: Work, body: Body, holder: Actor, via: SeatedBy, election_id: UUID | None) -> None:
    """Who sits as elected was elected: in an election there or right above or below, which is over, fills seats of no other
    body, and by which they have not sat before. On a server without ballots it is the clerk's word.

    Refuses PLUGIN_DISABLED, ELECTION_NEEDED, NOT_THE_ELECTED, ELECTION_OF_ANOTHER_BODY, SAT_BY_THIS_ELECTION."""
    is_there = work.kernel.provider(BALLOTS) is not None
    if (election_id is not None) != (via is SeatedBy.ELECTED and is_there):
        raise Refusal("ELECTION_NEEDED" if is_there else "PLUGIN_DISABLED", path=("electionId",), plugin="ballots")
    if election_id is None:
        return
    found = await work.port(BALLOTS, at=body).elected(work, election_id)
    is_near = found is not None and (found.area_id in work.place(body).chain or body.area_id in found.above)
    if found is None or not is_near or holder.id not in found.actor_ids:
        raise Refusal("NOT_THE_ELECTED", path=("holderId",))
    for seat in await work.select(Seat, election_id=election_id):
        if seat.body_id != body.id:
            raise Refusal("ELECTION_OF_ANOTHER_BODY", path=("electionId",))
        if seat.holder_id == holder.id:
            raise Refusal("SAT_BY_THIS_ELECTION", path=("electionId",))


async def _resident(work: Work, body: Body, categories: Sequence[SeatCategory], holder: Actor) -> None:
    if not any(c in RESIDENTS for c in categories):
        return
    if await work.port(ELIGIBILITY).resident_since(work, holder.id, body.area_id) is None:
        raise Refusal("NOT_FROM_HERE", path=("holderId",))


def _require_room(body: Body, now: Standing, seat: Seat) -> None:
    """What the database holds as well, said with the field it is about."""
    seats = now.taken
    if any(s.holder_id == seat.holder_id for s in seats):
        raise Refusal("ALREADY_SEATED", path=("holderId",))
    if seat.mandate_of_id is not None and any(s.mandate_of_id == seat.mandate_of_id for s in seats):
        raise Refusal("ORGANIZATION_SEATED", path=("mandateOfId",))
    if seat.office is SeatOffice.CHAIR and any(s.office is SeatOffice.CHAIR for s in seats):
        raise Refusal("OFFICE_TAKEN", path=("office",))
    if len(seats) >= body.size:
        raise Refusal("BODY_FULL", size=body.size)
    counts = composition.counted([*seats, seat])
    for rule in now.rules:
        if f"|{rule.category}|" in seat.categories and counts[str(rule.category)] > rule.upper:
            raise Refusal("CATEGORY_FULL", path=("category",), category=str(rule.category), limit=rule.upper)


async def vacate_seat(
    work: Work, *, seat_id: UUID, because: VacatedBecause, reason: str | None, on: date | None = None
) -> Seat:
    """Somebody goes: they resign, their organization calls them back, or the administration enters why.

    Refuses SEAT_VACATED, EMPTY_TEXT (a removal needs its reason), WRONG_VACATING.
    """
    body, seat = await work.lock_with(Seat, seat_id, Body)
    own = {seat.holder_id, seat.mandate_of_id}
    principal = None if work.system else work.principal_id
    work.require(FILL, body, owner=principal if principal in own else None)
    work.expect_version(seat)
    now = await standing(work, body)
    seat = now.of(seat.id)
    if because in BY_THEMSELVES:
        raise Refusal("WRONG_VACATING", path=("because",))
    if because is VacatedBecause.REMOVED:
        await work.not_own(seat.holder_id)
        needed(reason, "reason")
    day = on or work.happened_on
    if day > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("on",))
    if day < seat.term_start:
        raise Refusal("WRONG_VACATING", path=("on",))
    text = optional_text(reason, "reason", limit=2000)
    vacate(work, body, seat, because, day, text)
    composition.recheck(work, body, [s for s in now.seats if s.id != seat.id], now.rules)
    return seat


async def replace_holder(work: Work, *, seat_id: UUID, holder_id: UUID, kept_by: str | None) -> Seat:
    """Somebody else sits for the organization that holds the seat, for what is left of the term; the organization says
    so, or the administration. Refuses SEAT_VACATED, KEPT_SEAT, MANDATE_NEEDED, ALREADY_SEATED, NOT_A_PERSON, SEAT_MANDATE."""
    body, seat = await work.lock_with(Seat, seat_id, Body)
    principal = None if work.system else work.principal_id
    work.require(FILL, body, owner=principal if principal == seat.mandate_of_id else None)
    now = await standing(work, body)
    seat = now.of(seat.id)
    if keeper(work, body, seat.category) != kept_by:
        raise Refusal("KEPT_SEAT", category=seat.category.zh)
    holder = await work.get(Actor, holder_id)
    if holder.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("holderId",))
    categories = [SeatCategory(c) for c in unpacked(seat.categories)]
    sender = await _sender(work, body, categories, holder, seat.mandate_of_id)
    if sender is None:
        raise Refusal("MANDATE_NEEDED", path=("seatId",))
    await _resident(work, body, categories, holder)
    made = Seat(
        id=new_id(), area_id=body.area_id, body_id=body.id, holder_id=holder.id, mandate_of_id=sender,
        category=seat.category, categories=seat.categories, office=SeatOffice.MEMBER, via=SeatedBy.MANDATED,
        is_voting=seat.is_voting, kept_by=kept_by, state=SeatState.FILLED, term_start=work.happened_on, term_end=seat.term_end,
    )  # fmt: skip
    others = [s for s in now.seats if s.id != seat.id]
    _require_room(body, Standing(others, now.rules, now.suspended), made)
    vacate(work, body, seat, VacatedBecause.REPLACED, work.happened_on)
    work.add(made)
    work.record(
        "councils.seat.filled", made, area_id=body.area_id,
        data={"body": str(body.id), "holder": str(holder.id), "category": str(made.category), "before": str(seat.id)},
    )  # fmt: skip
    composition.recheck(work, body, [*others, made], now.rules)
    return made


async def hear_mandate(work: Work, event: EventRecord) -> None:
    """Whoever sat for an organization sits there no longer when it takes the mandate back, unless they have another."""
    mandate = await work.find(Mandate, id=event.subject_id)
    if mandate is not None:
        seats = await work.select(
            Seat, holder_id=mandate.person_id, mandate_of_id=mandate.organization_id, state=list(SITTING)
        )
        await _look_again(work, seats)


async def hear_membership(work: Work, event: EventRecord) -> None:
    """The desk has recorded that somebody lives there no longer."""
    membership = await work.find(Membership, id=event.subject_id)
    if membership is not None and membership.role is MembershipRole.RESIDENT:
        await _look_again(work, await work.select(Seat, holder_id=membership.actor_id, state=list(SITTING)))


async def hear_residence(work: Work, event: EventRecord) -> None:
    """A verified residence is over, or was none."""
    holder = UUID(event.data["person"])
    await _look_again(work, await work.select(Seat, holder_id=holder, state=list(SITTING)))


async def _look_again(work: Work, seats: Sequence[Seat]) -> None:
    """Whoever of these may not sit there any more goes, and the composition is counted anew."""
    for seat in seats:
        body = await work.lock(Body, seat.body_id)
        if "councils" in work.place(body).plugins:
            work.require(FILL, body)
            await standing(work, body)
