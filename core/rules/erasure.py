"""Erasing a person who asks for it: nothing personal is left, and ledgers, notices and counts stay as they were (INV14).

The actor's row stays under a pseudonym, because entries, agreements and events name it. What the person still owes others
is settled first; then their texts go, wherever core and the plugins declared them (`core.personal`). It cannot be undone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.corrections import Finding
from core.enums import (
    AccountState,
    ActivityState,
    ActorKind,
    ConsentState,
    ExportState,
    GuardianshipState,
    ImportState,
    MandateState,
    MembershipState,
    ParticipationState,
)
from core.errors import Refusal
from core.models import (
    Account,
    Activity,
    Actor,
    Consent,
    DataExport,
    DataImport,
    Deputy,
    Event,
    EventText,
    Guardianship,
    Logged,
    Mandate,
    Membership,
    Participation,
    PersonDetail,
    PostHolding,
    RoleGrant,
    Transition,
)
from core.models.actor import GONE_NAME
from core.personal import Text, about, heading, personal_texts, replacement
from core.rules.inputs import clean_text, has_mobile, mask_name, sort_name
from core.settings.store import as_uuid
from core.work import Work

ERASE = "core.person.erase"
ERASED_EVENT = "core.person.erased"
AT_ONCE = 500  # rows read in one statement
# What goes with the texts, because it would say nothing without them or open a door.
_WITH: dict[type[Model], dict[str, Any]] = {
    Account: {"state": AccountState.DISABLED},
    PersonDetail: {"id_checked_at": None},
}


@dataclass(frozen=True)
class Erasing:
    """What of a plugin's must be settled before an actor can be erased: `blocks(work, actor_id)` finds it, with a count."""

    plugin: str
    blocks: Callable[[Work, UUID], Awaitable[list[Finding]]]


async def erase_person(work: Work, *, person_id: UUID, reason: str) -> Actor:
    """Erase a person, and households in which nobody else lives; for themselves, or whoever has the permission there.

    Refuses NOT_A_PERSON, HOLDS_OFFICE (roles, posts, mandates, wards: hand them over first), OPEN_MATTERS, and
    PHONE_MISPLACED, because the reason stays.
    """
    text = clean_text(reason, "reason", limit=500)
    if has_mobile(text):
        raise Refusal("PHONE_MISPLACED", path=("reason",))
    person = await _asked_for(work, person_id)
    alone, shared = await _households(work, person)
    for actor in (person, *alone):
        for finding in await findings(work, actor.id):
            raise Refusal(str(finding.code), path=("personId",), **told(work.transaction.database.models, finding))
    actors = [person, *alone]
    actors += await work.select(Actor, lock=True, merged_into_id=[a.id for a in actors])
    ids = [a.id for a in actors]
    await _leave(work, ids)
    for household in shared:
        if person.name in household.name:
            name = household.name.replace(person.name, GONE_NAME)
            work.change(household, name=name, masked_name=mask_name(name), sort_name=sort_name(name))
    await _end_files(work)
    work.record("core.person.left", person, area_id=person.area_id)
    await work.flush_now()
    for actor in actors:
        work.change(
            actor, name=GONE_NAME, masked_name=GONE_NAME, sort_name="~", address=None, erased_at=work.now,
            gone_at=actor.gone_at or work.now,
        )  # fmt: skip
    for model in work.transaction.database.models:
        await _erase_texts(work, model, ids)
    work.record(ERASED_EVENT, person, area_id=person.area_id, data={"actors": len(ids)}, text={"reason": text})
    return person


def told(models: Iterable[type[Model]], finding: Finding) -> dict[str, Any]:
    """What a finding's text says: how many of what, in words."""
    words = next((heading(m) for m in models if getattr(m, "tag", None) == finding.kind), {})
    return {"kind": lambda language: words.get(language, finding.kind), "count": finding.count}


async def _asked_for(work: Work, person_id: UUID) -> Actor:
    person = await work.lock(Actor, person_id)
    work.require(ERASE, person, owner=person.id)
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    return person


async def erasure_preview(work: Work, *, person_id: UUID) -> list[Finding]:
    """What `erase_person` would refuse with, all of it, and how many households would go too. Changes nothing."""
    person = await _asked_for(work, person_id)
    alone, _ = await _households(work, person)
    found = [finding for actor in (person, *alone) for finding in await findings(work, actor.id)]
    return [*([Finding("household", len(alone))] if alone else []), *found]


async def findings(work: Work, actor_id: UUID) -> list[Finding]:
    """What must be settled first, by kind."""
    found: list[Finding] = []

    def add(kind: str, rows: Iterable[Any], code: str) -> None:
        count = sum(1 for row in rows if getattr(row, "until", None) is None or row.until > work.now)
        if count:
            found.append(Finding(kind, count, code))

    office = "HOLDS_OFFICE"
    add(RoleGrant.tag, await work.select(RoleGrant, actor_id=actor_id, revoked_at=None), office)
    add(PostHolding.tag, await work.select(PostHolding, person_id=actor_id), office)
    add(Deputy.tag, await work.select(Deputy, person_id=actor_id, ended_at=None), office)
    add(Mandate.tag, await work.select(Mandate, person_id=actor_id, state=MandateState.ACTIVE), office)
    add(
        Guardianship.tag,
        await work.select(Guardianship, guardian_id=actor_id, state=GuardianshipState.ACTIVE),
        office,
    )
    running = [ActivityState.PLANNED.value, ActivityState.OPEN.value]
    organised = await work.select(Activity, organizer_id=actor_id, state=running)
    add(Activity.tag, organised, "OPEN_MATTERS")
    for erasing in work.kernel.erasings:
        found += await erasing.blocks(work, actor_id)
    return found


async def _households(work: Work, person: Actor) -> tuple[list[Actor], list[Actor]]:
    """The households of a person: those where nobody else lives, and those where somebody does."""
    alone: list[Actor] = []
    shared: list[Actor] = []
    theirs = await work.select(Membership, actor_id=person.id, state=MembershipState.ACTIVE)
    for id in sorted({m.organization_id for m in theirs if m.organization_id is not None}):
        household = await work.lock(Actor, id)
        if household.kind is ActorKind.HOUSEHOLD:
            members = await work.select(Membership, organization_id=id, state=MembershipState.ACTIVE)
            (alone if {m.actor_id for m in members} <= {person.id} else shared).append(household)
    return alone, shared


async def _leave(work: Work, ids: Sequence[UUID]) -> None:
    """End what goes on: memberships, places in activities to come, consents, and being somebody's ward."""
    today = work.clock.civil_date(work.now)
    active = MembershipState.ACTIVE
    memberships = [
        *await work.select(Membership, lock=True, actor_id=ids, state=active),
        *await work.select(Membership, lock=True, organization_id=ids, state=active),
    ]
    for membership in {m.id: m for m in memberships}.values():
        work.change(membership, state=MembershipState.ENDED, until=max(membership.since, today))
    for part in await work.select(Participation, lock=True, actor_id=ids, state=ParticipationState.JOINED):
        activity = await work.lock(Activity, part.activity_id)
        if activity.state in (ActivityState.PLANNED, ActivityState.OPEN):
            work.change(activity, places_taken=activity.places_taken - 1)
            work.change(part, state=ParticipationState.LEFT)
    for consent in await work.select(Consent, lock=True, person_id=ids, state=ConsentState.GIVEN):
        work.change(consent, state=ConsentState.WITHDRAWN, until=work.now)
    for ward in await work.select(Guardianship, lock=True, ward_id=ids, state=GuardianshipState.ACTIVE):
        work.change(ward, state=GuardianshipState.ENDED, until=work.now)


async def _end_files(work: Work) -> None:
    """Files that lie about for a day may hold the person: they are cleared away now, whoever asked for them."""
    waiting = [ImportState.RECEIVED.value, ImportState.CHECKED.value, ImportState.REFUSED.value]
    for model, states in ((DataImport, waiting), (DataExport, [ExportState.READY.value])):
        rows: list[Any] = await work.select(model, lock=True, state=states)
        for row in rows:
            if row.expires_at > work.now:
                work.change(row, expires_at=work.now)


async def _erase_texts(work: Work, model: type[Model], ids: Sequence[UUID]) -> None:
    """What a table holds on the actors, and what was said in the events of those rows."""
    if model not in (Actor, Event, Transition, EventText) and "id" in model._meta.fields_map and about(model):
        rows = f"SELECT t.id FROM {model._meta.db_table} t WHERE {' OR '.join(about(model))}"
        await run(
            work,
            "DELETE FROM core_event_text WHERE event_id IN"
            f" (SELECT e.id FROM core_event e WHERE e.subject_id IN ({rows}))",
            ids,
        )
    if model is Actor:
        return
    texts = sorted(personal_texts(model), key=lambda text: (not text.goes, str(text.whose)))
    for (goes, whose), group in groupby(texts, lambda text: (text.goes, str(text.whose))):
        if goes:
            await run(work, f"DELETE FROM {model._meta.db_table} AS t WHERE {whose}", ids)
        else:
            await erase_columns(work, model, list(group), await _ids(work, model, whose, ids))


async def erase_columns(work: Work, model: type[Model], texts: Sequence[Text], ids: Sequence[UUID]) -> int:
    """Queue what takes the place of these texts in these rows; in how many there was something."""
    count = 0
    for start in range(0, len(ids), AT_ONCE):
        rows: list[Any] = await work.select(model, lock=True, id=list(ids[start : start + AT_ONCE]))
        for row in rows:
            held = [text for text in texts if getattr(row, text.column) is not None]
            values: dict[str, Any] = {text.column: replacement(model, text, row.id) for text in held}
            for name in values:
                if isinstance(model._meta.fields_map[name], fields.JSONField):
                    values[name] = {}
            values |= _WITH.get(model, {})
            if all(getattr(row, name) == value for name, value in values.items()):
                continue
            count += 1
            if isinstance(row, Logged):
                work.change(row, **values)
            else:
                work.patch(row, **values)
    return count


async def _ids(work: Work, model: type[Model], whose: str, ids: Sequence[UUID]) -> list[UUID]:
    rows = await run(work, f"SELECT t.id FROM {model._meta.db_table} t WHERE {whose} ORDER BY t.id", ids)
    return [as_uuid(row["id"]) for row in rows]


async def run(work: Work, sql: str, ids: Sequence[UUID]) -> list[Any]:
    """A statement in which `{ids}` stands for the actors."""
    marks = ", ".join(["{}"] * len(ids))
    return await work.rows(sql.replace("{ids}", marks), *(list(ids) * sql.count("{ids}")))
