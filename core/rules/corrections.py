"""Mending mistakes: undoing an event soon after, and merging two actors who prove to be one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.corrections import Finding
from core.decisions import carries
from core.enums import (
    Authority,
    ConsentState,
    GuardianshipState,
    HandoverState,
    MandateState,
    MembershipState,
    ParticipationState,
)
from core.errors import NotPermitted, Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import (
    AccessRecord,
    Account,
    Activity,
    Actor,
    Consent,
    Deputy,
    Event,
    Guardianship,
    Handover,
    Link,
    Logged,
    Mandate,
    Membership,
    Participation,
    PersonDetail,
    Post,
    PostHolding,
    RoleGrant,
    RuleDocument,
)
from core.rules.actors import in_force, may_give_what_the_post_has, not_above_own
from core.rules.erasure import told
from core.rules.inputs import clean_text
from core.work import Work

# A slip is noticed the same day; what is older has been built upon, and is put right by a new act with its own reason.
UNDO_WITHIN = timedelta(hours=24)
UNDONE = "core.event.undone"
MERGE = "core.actor.merge"

# --- undo ------------------------------------------------------------------------------------------------


async def undo(work: Work, *, event_id: UUID, reason: str) -> Event:
    """Undo what an event did, as its type declares; by whoever did it, or whose role carries the same permission there.

    Every event this makes names the undone one as its cause; the last is `core.event.undone`, at most one for an event.
    Refuses CANNOT_UNDO, UNDO_TOO_LATE, ALREADY_UNDONE, NOT_PERMITTED.
    """
    work.in_person()
    text = clean_text(reason, "reason", limit=2000)
    event = await work.lock(Event, event_id)
    declared = work.kernel.undos.get(event.type)
    if declared is None or event.authority is Authority.SYSTEM:
        raise Refusal("CANNOT_UNDO")
    _may_undo(work, event)
    if await work.find(Event, cause_id=event.id, type=UNDONE) is not None:
        raise Refusal("ALREADY_UNDONE")
    if work.now - event.recorded_at > UNDO_WITHIN:
        raise Refusal("UNDO_TOO_LATE", hours=int(UNDO_WITHIN.total_seconds() // 3600))
    work.cause_id = event.id
    await declared.act(work, _record_of(event))
    area_id = work.events[-1].area_id if work.events else event.area_id
    data = {"event": str(event.id), "type": event.type}
    work.record(UNDONE, event, area_id=area_id, data=data, text={"reason": text})  # type: ignore[arg-type]
    return event


def _may_undo(work: Work, event: Event) -> None:
    if work.system or event.actor_id == work.viewer.person_id:
        return
    permission = event.permission or ""
    rule, above = work.book.rules.get(permission), work.place(event).chain
    covering = [g.role for g in work.viewer.grants if g.area_id in above]
    if rule is None or not any(carries(rule, role, work.viewer, above) for role in covering):
        raise NotPermitted(permission or event.type, "NOT_YOURS_TO_UNDO")


def _record_of(event: Event) -> EventRecord:
    return EventRecord(
        event.id, event.type, event.area_id, event.subject_tag, event.subject_id, event.actor_id,
        dict(event.data), event.occurred_at, event.transaction_id, event.seq,
    )  # fmt: skip


# --- merging ---------------------------------------------------------------------------------------------


def _ended(work: Work, row: Any) -> dict[str, Any]:
    return {"state": MembershipState.ENDED, "until": max(row.since, work.clock.civil_date(work.now))}


@dataclass(frozen=True)
class _Tie:
    """A column that names an actor. Of two running rows that are `same`, the later one ends as `end` says."""

    model: type[Logged]
    column: str
    same: tuple[str, ...] = ()
    running: dict[str, Any] = field(default_factory=dict)
    end: Callable[[Work, Any], dict[str, Any]] | None = None
    other: str | None = None  # the column with the other actor, who may be the one kept

    def runs(self, row: Any) -> bool:
        return all(getattr(row, column) == value for column, value in self.running.items())

    def key(self, row: Any) -> tuple[Any, ...]:
        return tuple(getattr(row, column) for column in self.same)


def _withdrawn(work: Work, row: Any) -> dict[str, Any]:
    return {"state": ConsentState.WITHDRAWN, "until": work.now}


def _over(work: Work, row: Any) -> dict[str, Any]:
    return {"state": GuardianshipState.ENDED, "until": work.now}


_GUARDS = {"state": GuardianshipState.ACTIVE}
_ACTIVE = {"state": MembershipState.ACTIVE}
_GIVEN = {"state": MandateState.ACTIVE}
_TIES = (
    _Tie(Membership, "actor_id", ("area_id", "organization_id", "role"), _ACTIVE, _ended, "organization_id"),
    _Tie(Membership, "organization_id", ("actor_id", "role"), _ACTIVE, _ended, "actor_id"),
    _Tie(Mandate, "person_id", ("organization_id", "area_id"), _GIVEN, lambda w, r: {"state": MandateState.REVOKED}),
    _Tie(Mandate, "organization_id", ("person_id", "area_id"), _GIVEN, lambda w, r: {"state": MandateState.REVOKED}),
    _Tie(PostHolding, "person_id", ("post_id",), {"until": None}, lambda w, r: {"until": w.now}),
    _Tie(Deputy, "person_id", ("holding_id",), {"ended_at": None}, lambda w, r: {"ended_at": w.now}),
    _Tie(Handover, "giver_id"),
    _Tie(Handover, "taker_id"),
    _Tie(RoleGrant, "actor_id", ("role", "area_id"), {"revoked_at": None}, lambda w, r: {"revoked_at": w.now}),
    _Tie(Account, "person_id"),
    _Tie(Consent, "person_id", ("purpose",), {"state": ConsentState.GIVEN}, _withdrawn),
    _Tie(Guardianship, "ward_id", ("guardian_id",), _GUARDS, _over, "guardian_id"),
    _Tie(Guardianship, "guardian_id", ("ward_id",), _GUARDS, _over, "ward_id"),
    _Tie(AccessRecord, "subject_id"),
    _Tie(AccessRecord, "reader_id"),
    _Tie(Activity, "organizer_id"),
    _Tie(RuleDocument, "issuer_id"),
)
_STANDING = (ParticipationState.LEFT, ParticipationState.JOINED, ParticipationState.ATTENDED)
# What the kept one takes over where it has nothing of its own.
_FACTS = ("registration_authority", "registration_number", "credit_code", "registered_until", "address")


@dataclass
class _Plan:
    """What merging would write, worked out once for the preview and for the act."""

    kept: Actor
    gone: Actor
    changes: list[tuple[Logged, dict[str, Any]]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    blocks: list[Finding] = field(default_factory=list)

    def change(self, row: Logged, kind: str, **values: Any) -> None:
        self.changes.append((row, values))
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def findings(self) -> list[Finding]:
        return [*(Finding(kind, count) for kind, count in self.counts.items()), *self.blocks]


async def merge_preview(work: Work, *, kept_id: UUID, gone_id: UUID) -> list[Finding]:
    """What `merge_actors` would do, by kind of row; a finding with a code blocks it. Changes nothing."""
    plan = await _plan(work, kept_id, gone_id)
    found = plan.findings()
    for merging in work.kernel.mergings:
        found += await merging.preview(work, plan.kept.id, plan.gone.id)
    return found


async def merge_actors(work: Work, *, kept_id: UUID, gone_id: UUID, reason: str) -> Actor:
    """`gone` proves to be `kept`: what names it names the one kept from now on, and its id leads there. Events stay.

    Refuses OWN_MATTER (INV10), DIFFERENT_KINDS, ALREADY_MERGED, BOTH_HAVE_ACCOUNTS, BOTH_HAVE_CREDIT_CODES,
    ROLE_ABOVE_OWN, and whatever blocks a plugin.
    """
    text = clean_text(reason, "reason", limit=2000)
    plan = await _plan(work, kept_id, gone_id)
    kept, gone = plan.kept, plan.gone
    blocked = list(plan.blocks)
    for merging in work.kernel.mergings:
        blocked += [f for f in await merging.preview(work, kept.id, gone.id) if f.code is not None]
    if blocked:
        first = blocked[0]
        raise Refusal(str(first.code), path=("goneId",), **told(work.transaction.database.models, first))
    facts = {name: getattr(gone, name) for name in _FACTS if getattr(kept, name) is None and getattr(gone, name)}
    work.change(gone, gone_at=work.now, merged_into_id=kept.id, credit_code=None)
    if facts:
        work.change(kept, **facts)
    for row, values in plan.changes:
        work.change(row, **values)
    for link in plan.links:
        work.add(link)
    data = {"kept": str(kept.id), "gone": str(gone.id)}
    work.record("core.actor.merged", gone, area_id=kept.area_id, data=data, text={"reason": text})
    for merging in work.kernel.mergings:
        await merging.move(work, kept.id, gone.id)
    return kept


async def _plan(work: Work, kept_id: UUID, gone_id: UUID) -> _Plan:
    # Always in one order, so that two merges crossing wait for each other and the second sees what the first did.
    held = {id: await work.lock(Actor, id) for id in sorted((kept_id, gone_id))}
    kept, gone = held[kept_id], held[gone_id]
    if kept.id == gone.id:
        raise Refusal("ALREADY_MERGED", path=("goneId",))
    if kept.kind is not gone.kind:
        raise Refusal("DIFFERENT_KINDS", path=("goneId",))
    await _allowed(work, kept, gone)
    plan = _Plan(kept, gone)
    for tie in _TIES:
        await _plan_tie(work, plan, tie)
    await _plan_participations(work, plan)
    await _plan_details(work, plan)
    await _plan_links(work, plan)
    for earlier in await work.select(Actor, lock=True, merged_into_id=gone.id):
        plan.change(earlier, "merged", merged_into_id=kept.id)
    planned = [
        [h.area_id for h in await work.select(Handover, giver_id=id, state=HandoverState.PLANNED)]
        for id in (kept.id, gone.id)
    ]
    if set(planned[0]) & set(planned[1]):
        plan.blocks.append(Finding(Handover.tag, 2, "HANDOVER_PLANNED"))
    if kept.credit_code and gone.credit_code:
        plan.blocks.append(Finding("credit_code", 2, "BOTH_HAVE_CREDIT_CODES"))
    return plan


async def _allowed(work: Work, kept: Actor, gone: Actor) -> None:
    """Merging hands on roles, posts and mandates, so whoever merges needs to be able to give each of them."""
    for actor in (gone, kept):
        if actor.area_id is None:
            raise Refusal("ACTOR_HAS_NO_AREA")
        work.require(MERGE, actor)
        if await work.concerned_in(actor.id):
            raise Refusal("OWN_MATTER")
    both = [kept.id, gone.id]
    for grant in await work.select(RoleGrant, actor_id=both, revoked_at=None):
        not_above_own(work, grant.role, work.require("core.role.grant", grant))
    holdings = await in_force(work, PostHolding, person_id=both)
    for deputy in await in_force(work, Deputy, person_id=both, ended_at=None):
        holdings.append(await work.get(PostHolding, deputy.holding_id))
    for holding in holdings:
        await may_give_what_the_post_has(work, await work.get(Post, holding.post_id))
    for mandate in await work.select(Mandate, person_id=both, state=MandateState.ACTIVE):
        work.require("core.mandate.manage", mandate)
    work.require(MERGE, kept)


async def _plan_tie(work: Work, plan: _Plan, tie: _Tie) -> None:
    kept, gone, kind = plan.kept, plan.gone, tie.model.tag
    moving = await work.select(tie.model, lock=True, **{tie.column: gone.id})
    if not moving:
        return
    theirs: list[Any] = await work.select(tie.model, lock=True, **{tie.column: kept.id})
    if tie.model is Account and theirs:
        plan.blocks.append(Finding(kind, 2, "BOTH_HAVE_ACCOUNTS"))
        return
    same = {tie.key(row): row for row in theirs if tie.running and tie.runs(row)}
    for row in moving:
        own: Any = row
        if tie.end is None or not tie.runs(own):
            plan.change(row, kind, **{tie.column: kept.id})
        elif tie.other is not None and getattr(own, tie.other) == kept.id:
            plan.change(row, f"{kind}.double", **tie.end(work, own))  # nobody belongs to themselves
        elif (double := same.get(tie.key(own))) is None:
            plan.change(row, kind, **{tie.column: kept.id})
        elif own.since >= double.since:
            plan.change(row, f"{kind}.double", **{tie.column: kept.id}, **tie.end(work, own))
        else:
            plan.change(double, f"{kind}.double", **tie.end(work, double))
            plan.change(row, kind, **{tie.column: kept.id})


async def _plan_participations(work: Work, plan: _Plan) -> None:
    """Of two parts in one activity the one kept has the better standing; the other leaves, and its place is free."""
    moving = await work.select(Participation, lock=True, actor_id=plan.gone.id)
    theirs = {p.activity_id: p for p in await work.select(Participation, lock=True, actor_id=plan.kept.id)}
    for row in moving:
        own = theirs.get(row.activity_id)
        if own is None:
            plan.change(row, row.tag, actor_id=plan.kept.id)
            continue
        best = max(row.state, own.state, key=_STANDING.index)
        if ParticipationState.LEFT not in (row.state, own.state):
            activity = await work.lock(Activity, row.activity_id)
            plan.changes.append((activity, {"places_taken": activity.places_taken - 1}))
        plan.change(row, f"{row.tag}.double", state=ParticipationState.LEFT)
        if own.state is not best:
            plan.changes.append((own, {"state": best}))


async def _plan_details(work: Work, plan: _Plan) -> None:
    """The one kept takes over what they lack; nobody has two id documents."""
    moving = await work.select(PersonDetail, lock=True, person_id=plan.gone.id)
    theirs = await work.select(PersonDetail, lock=True, person_id=plan.kept.id)
    if not moving:
        return
    gone, identity = moving[0], ("id_digest", "id_key", "id_last_four", "id_checked_at")
    if not theirs:
        plan.change(gone, gone.tag, person_id=plan.kept.id)
        return
    own = theirs[0]
    if own.id_digest is not None and gone.id_digest is not None:
        plan.blocks.append(Finding(own.tag, 2, "BOTH_HAVE_ID_NUMBERS"))
        return
    facts = {} if gone.id_digest is None else {name: getattr(gone, name) for name in identity}
    if own.phone is None and gone.phone is not None:
        facts["phone"] = gone.phone
    plan.change(gone, f"{gone.tag}.double", **dict.fromkeys(("phone", *identity)))
    if facts:
        plan.change(own, own.tag, **facts)


async def _plan_links(work: Work, plan: _Plan) -> None:
    """Links are facts and stay; the one kept gets the same ones."""
    for near, far in (("from_id", "to_id"), ("to_id", "from_id")):
        theirs, moving = [await work.select(Link, lock=False, **{near: id}) for id in (plan.kept.id, plan.gone.id)]
        known = {(getattr(row, far), row.kind) for row in theirs}
        for row in moving:
            if (getattr(row, far), row.kind) in known or getattr(row, far) == plan.kept.id:
                continue
            values = {c: getattr(row, c) for c in ("kind", "from_tag", "from_id", "to_tag", "to_id", "area_id")}
            plan.links.append(Link(id=new_id(), created_at=work.now, **(values | {near: plan.kept.id})))
            plan.counts[row.tag] = plan.counts.get(row.tag, 0) + 1
