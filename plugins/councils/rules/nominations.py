"""Honorary villagers (乡贤) are nominated for their council by residents or members, and confirmed by the village (M03)."""

from __future__ import annotations

from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_text, needed, optional_text
from core.work import Work
from plugins.councils.models import AgendaItem, Body, Nomination, Resolution, Seat
from plugins.councils.rules.common import require_active
from plugins.councils.rules.standing import FILL
from plugins.councils.terms import REPRESENTING_KINDS, BodyKind, NominationState, ResolutionState, SeatState

NOMINATE = "councils.nominate"


async def nominate(work: Work, *, body_id: UUID, nominee_id: UUID, origin: str, contribution: str) -> Nomination:
    """A resident or a member puts somebody forward: where they come from, what they have done for the village. Neither is
    checked by the server (INV15): whoever confirms it reads it.

    Refuses NOT_AN_HONORARY_COUNCIL, NOT_FROM_HERE, NOT_A_PERSON, OWN_MATTER (nobody nominates themselves, or at the desk
    enters their own), ALREADY_PUT_FORWARD.
    """
    body = await work.lock(Body, body_id)
    work.require(NOMINATE, body)
    require_active(body)
    if body.kind is not BodyKind.RESPECTED_VILLAGERS:
        raise Refusal("NOT_AN_HONORARY_COUNCIL", path=("bodyId",))
    nominee, proposer = await work.get(Actor, nominee_id), await work.get(Actor, work.principal_id)
    if nominee.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("nomineeId",))
    if nominee.id in (proposer.id, work.person_id):
        raise Refusal("OWN_MATTER")
    await work.not_at_the_desk_of(nominee.id)
    seated = await work.find(Seat, body_id=body.id, holder_id=proposer.id, state=SeatState.FILLED)
    if not seated and (
        proposer.kind is not ActorKind.PERSON
        or await work.port(ELIGIBILITY).resident_since(work, proposer.id, body.area_id) is None
    ):
        raise Refusal("NOT_FROM_HERE")
    open_states = [NominationState.PROPOSED, NominationState.CONFIRMED]
    if await work.find(Nomination, body_id=body.id, nominee_id=nominee.id, state=open_states):
        raise Refusal("ALREADY_PUT_FORWARD", path=("nomineeId",))
    made = Nomination(
        id=new_id(), area_id=body.area_id, body_id=body.id, nominee_id=nominee.id, nominated_by_id=proposer.id,
        nominated_at=work.now, origin=clean_text(origin, "origin", limit=1000),
        contribution=clean_text(contribution, "contribution", limit=4000), state=NominationState.PROPOSED,
        resolution_id=None,
    )  # fmt: skip
    work.add(made)
    work.record("councils.nomination.made", made, area_id=body.area_id, data={"body": str(body.id)})
    return made


async def confirm_nomination(
    work: Work, *, nomination_id: UUID, reference: str | None, resolution_id: UUID | None
) -> Nomination:
    """The village confirms it: a clerk whose matter it is not, and who has not entered it, enters the villagers' meeting
    that did, or the resolution about them of a body that represents the villagers there or above, put since.

    Refuses NOMINATION_STATE, BODY_DISSOLVED, OWN_MATTER, ENTERED_BY_YOU, WHAT_CONFIRMS (neither, or no such resolution in
    effect).
    """
    body, nomination = await _open(work, nomination_id, NominationState.PROPOSED)
    require_active(body)
    await work.not_entered(nomination, "councils.nomination.made")
    said = optional_text(reference, "reference", limit=500)
    if resolution_id is not None:
        resolution = await work.get(Resolution, resolution_id)
        of = await work.get(Body, resolution.body_id)
        about = (await work.get(AgendaItem, resolution.item_id)).concerns_id
        is_the_village_s = of.kind in REPRESENTING_KINDS and of.area_id in work.place(body).chain
        is_about_it = about == nomination.nominee_id and resolution.put_at >= nomination.nominated_at
        if not is_the_village_s or not is_about_it or resolution.state is not ResolutionState.EFFECTIVE:
            raise Refusal("WHAT_CONFIRMS", path=("resolutionId",))
    elif said is None:
        raise Refusal("WHAT_CONFIRMS", path=("reference",))
    work.change(
        nomination, state=NominationState.CONFIRMED, decided_by_id=work.person_id, decided_at=work.now, reference=said,
        resolution_id=resolution_id,
    )  # fmt: skip
    work.record("councils.nomination.confirmed", nomination, area_id=body.area_id, data={"body": str(body.id)})
    return nomination


async def decline_nomination(work: Work, *, nomination_id: UUID, answer: str) -> Nomination:
    """It is not confirmed, or no longer before it fills a seat, and why. Refuses NOMINATION_STATE, OWN_MATTER."""
    body, nomination = await _open(work, nomination_id, NominationState.PROPOSED, NominationState.CONFIRMED)
    work.change(
        nomination, state=NominationState.DECLINED, decided_by_id=work.person_id, decided_at=work.now,
        answer=needed(answer, "answer"), reference=None, resolution_id=None,
    )  # fmt: skip
    work.record("councils.nomination.declined", nomination, area_id=body.area_id, data={"body": str(body.id)})
    return nomination


async def _open(work: Work, nomination_id: UUID, *allowed: NominationState) -> tuple[Body, Nomination]:
    body, nomination = await work.lock_with(Nomination, nomination_id, Body)
    work.require(FILL, body)
    work.expect_version(nomination)
    await work.not_own(nomination.nominee_id, nomination.nominated_by_id)
    if nomination.state not in allowed:
        raise Refusal("NOMINATION_STATE", state=nomination.state)
    return body, nomination


async def nominated(work: Work, body: Body, holder_id: UUID, mandate_of_id: UUID | None) -> Nomination | None:
    """The confirmed nomination by which somebody sits down in an honorary council; None where none is asked for: in other
    bodies, and of whom an organization sends. Refuses NOMINATION_NEEDED."""
    if body.kind is not BodyKind.RESPECTED_VILLAGERS or mandate_of_id is not None:
        return None
    found = await work.find(Nomination, body_id=body.id, nominee_id=holder_id, state=NominationState.CONFIRMED)
    if found is None:
        raise Refusal("NOMINATION_NEEDED", path=("holderId",))
    return found
