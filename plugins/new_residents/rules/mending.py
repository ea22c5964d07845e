"""What may be undone, what happens when two actors prove to be one, what must be settled before one is erased, and what a
membership that the desk ends means here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from core.corrections import Finding, Merging, Undo
from core.enums import MembershipRole, MembershipState
from core.errors import Refusal
from core.events import EventRecord
from core.models import Logged, Membership
from core.work import Work
from plugins.new_residents.models import Appeal, DormitoryList, Evidence, Grant, Registration
from plugins.new_residents.rules.common import recorded_elsewhere, resident_memberships
from plugins.new_residents.rules.entitlements import RUNNING, end_with_residence
from plugins.new_residents.rules.residence import VERIFY, end_residence
from plugins.new_residents.terms import (
    LIVES_HERE,
    DormitoryListState,
    EntitlementStanding,
    ResidenceState,
    ResidentAppealState,
)

_OPEN = (ResidenceState.INVITED, ResidenceState.SUBMITTED, *LIVES_HERE)


async def reopen_rejected(work: Work, event: EventRecord) -> None:
    """The registration waits for a decision again. Refuses CANNOT_UNDO once there is an appeal, or another waits."""
    registration = await work.lock(Registration, event.subject_id)
    work.require(VERIFY, registration)
    await work.not_own(registration.person_id, registration.employer_id)
    if registration.state is not ResidenceState.REJECTED:
        raise Refusal("CANNOT_UNDO")
    waiting = await work.select(
        Registration, person_id=registration.person_id, area_id=registration.area_id, state=ResidenceState.SUBMITTED
    )
    appeals = await work.select(Appeal, registration_id=registration.id)
    if waiting or appeals:
        raise Refusal("CANNOT_UNDO")
    work.change(
        registration, state=ResidenceState.SUBMITTED, reason=None, decided_by_id=None, decided_on=None,
        closed_at=None,
    )  # fmt: skip
    work.record(
        "new_residents.registration.reopened", registration, area_id=registration.area_id,
        data={"event": str(event.id)},
    )  # fmt: skip


UNDOS = [Undo("new_residents", "new_residents.registration.rejected", reopen_rejected)]


# Residences whose membership the desk has ended, while the mechanism was off there.
ENDED_SQL = """SELECT r.id AS id, r.area_id AS area_id FROM new_residents_registration r
    JOIN core_membership m ON m.id = r.membership_id WHERE r.state = 'VERIFIED' AND m.state = 'ENDED'"""


async def residence_ended(work: Work, registration_id: UUID) -> None:
    """For the job: the desk has recorded that they no longer live here."""
    registration = await work.lock(Registration, registration_id)
    work.require("new_residents.residence.end", registration)
    if registration.state is not ResidenceState.VERIFIED or registration.membership_id is None:
        return
    membership = await work.get(Membership, registration.membership_id)
    if membership.state is MembershipState.ENDED:
        day = membership.until or work.happened_on
        await end_residence(work, registration, day, None, state=ResidenceState.MOVED_AWAY)


async def membership_ended(work: Work, event: EventRecord) -> None:
    """The desk no longer counts a local among the residents: what they have there ends."""
    membership = await work.get(Membership, event.subject_id)
    if membership.role is MembershipRole.RESIDENT and membership.area_id is not None:
        await _local_left(work, membership, membership.until or work.clock.civil_date(event.occurred_at))


async def _local_left(work: Work, membership: Membership, day: date) -> None:
    """End what a local has where they are recorded no longer."""
    left = await work.select(
        Grant, lock=True, person_id=membership.actor_id, area_id=membership.area_id, registration_id=None,
        state=list(RUNNING),
    )  # fmt: skip
    if not left or any(m.area_id == membership.area_id for m in await resident_memberships(work, membership.actor_id)):
        return
    for grant in left:
        end_with_residence(work, grant, day)


# --- two actors who are one ------------------------------------------------------------------------------


async def _open_of(work: Work, person_id: UUID) -> list[Registration]:
    return await work.select(Registration, person_id=person_id, state=list(_OPEN))


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move; two homes, two open registrations for one area, or an entitlement twice, are settled first."""
    ours, theirs = await _open_of(work, kept), await _open_of(work, gone)
    homes = [[r for r in side if r.state in LIVES_HERE] for side in (ours, theirs)]
    waiting = [{r.area_id for r in side if r.state is ResidenceState.SUBMITTED} for side in (ours, theirs)]
    lists = [
        {r.dormitory_id for r in await work.select(Registration, person_id=id) if r.dormitory_id} for id in (kept, gone)
    ]
    grants = [
        {g.entitlement_id for g in await work.select(Grant, person_id=id, state=list(RUNNING))} for id in (kept, gone)
    ]
    elsewhere = [
        r
        for side, other in zip(homes, (gone, kept), strict=True)
        for r in side
        if await recorded_elsewhere(work, r, other)
    ]
    twice = len(elsewhere) + min(len(homes[0]), len(homes[1])) + len(waiting[0] & waiting[1]) + len(lists[0] & lists[1])
    found = [
        Finding("new_residents_registration", len(await work.select(Registration, person_id=gone))),
        Finding("new_residents_list", len(await work.select(DormitoryList, employer_id=gone))),
        Finding("new_residents_registration", twice, "LIVES_ELSEWHERE"),
        Finding("new_residents_grant", len(grants[0] & grants[1]), "ENTITLED_ALREADY"),
    ]
    return [f for f in found if f.count]


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Registrations with what belongs to them, entitlements, appeals and lists go to the actor that stays."""
    data = {"kept": str(kept), "gone": str(gone)}
    rows: list[Registration | Evidence | Grant | Appeal | DormitoryList] = []
    for registration in await work.select(Registration, lock=True, person_id=gone):
        rows.append(work.change(registration, person_id=kept))
    for registration in [*await _open_of(work, kept), *(r for r in rows if isinstance(r, Registration))]:
        if membership_id := await _kept_membership(work, registration, kept, gone):
            rows.append(work.change(registration, membership_id=membership_id))
    for registration in await work.select(Registration, lock=True, employer_id=gone):
        rows.append(work.change(registration, employer_id=kept))
    for made in await work.select(DormitoryList, lock=True, employer_id=gone):
        rows.append(work.change(made, employer_id=kept))
    rows += [work.change(e, person_id=kept) for e in await work.select(Evidence, lock=True, person_id=gone)]
    rows += [work.change(g, person_id=kept) for g in await work.select(Grant, lock=True, person_id=gone)]
    rows += [work.change(a, person_id=kept) for a in await work.select(Appeal, lock=True, person_id=gone)]
    for row in rows[:1]:
        work.record("new_residents.registration.merged", row, area_id=row.area_id, data=data)


async def _kept_membership(work: Work, registration: Registration, kept: UUID, gone: UUID) -> UUID | None:
    """The membership on which a residence rests from now on, when the two had one each and its own has ended."""
    ended = {m.id for m in work.changed(Membership) if m.state is MembershipState.ENDED}
    if registration.membership_id not in ended or registration.state is not ResidenceState.VERIFIED:
        return None
    both = [m for id in (kept, gone) for m in await resident_memberships(work, id)]
    return next((m.id for m in both if m.area_id == registration.area_id and m.id not in ended), None)


MERGING = Merging("new_residents", preview_merge, move_merged)


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before an actor is erased: registrations are decided or withdrawn, a residence is over, appeals are decided."""
    lists = await work.select(DormitoryList, employer_id=actor_id, state=DormitoryListState.OPEN)
    asked = await work.select(Grant, person_id=actor_id, state=EntitlementStanding.REQUESTED)
    appeals = await work.select(Appeal, person_id=actor_id, state=ResidentAppealState.OPEN)
    kinds: dict[str, Sequence[Logged]] = {
        "new_residents_registration": await _open_of(work, actor_id),
        "new_residents_grant": asked,
        "new_residents_appeal": appeals,
        "new_residents_list": lists,
    }
    return [Finding(kind, len(rows), "OPEN_MATTERS") for kind, rows in kinds.items() if rows]
