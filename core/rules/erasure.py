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

from tortoise.models import Model

from core.access import LATELY, own_sql
from core.corrections import Finding
from core.enums import (
    AccountState,
    ActivityState,
    ActorKind,
    ConsentState,
    ExportState,
    GuardianshipState,
    HandoverState,
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
    Handover,
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
IMPORT_WAITS = [s.value for s in ImportState if s not in (ImportState.APPLIED, ImportState.EXPIRED)]
EXPORT_WAITS = [ExportState.QUEUED.value, ExportState.READY.value]
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

    Refuses NOT_A_PERSON, HOLDS_OFFICE (roles, posts, mandates, wards: hand them over first), OPEN_MATTERS (planned
    hand-overs, activities, and what plugins say), and PHONE_MISPLACED, because the reason stays.
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
    await _end_files(work, [*ids, *(household.id for household in shared)])
    work.record("core.person.left", person, area_id=person.area_id)
    await work.flush_now()
    for actor in actors:
        work.change(
            actor, name=GONE_NAME, masked_name=GONE_NAME, sort_name="~", address=None, erased_at=work.now,
            gone_at=actor.gone_at or work.now,
        )  # fmt: skip
    for model in work.transaction.database.models:
        await _erase_texts(work, model, ids)
    work.record(
        ERASED_EVENT, person, area_id=person.area_id, data={"actors": len(ids)},
        text={"reason": text, "behalfEvidence": None},  # which may name them
    )  # fmt: skip
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
    gives = await work.select(Handover, giver_id=actor_id, state=HandoverState.PLANNED)
    takes = await work.select(Handover, taker_id=actor_id, state=HandoverState.PLANNED)
    add(Handover.tag, [*gives, *takes], "OPEN_MATTERS")
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
    """End what goes on: memberships, mandates for a household, places in activities to come, consents, and being
    somebody's ward."""
    today = work.clock.civil_date(work.now)
    active = MembershipState.ACTIVE
    memberships = [
        *await work.select(Membership, lock=True, actor_id=ids, state=active),
        *await work.select(Membership, lock=True, organization_id=ids, state=active),
    ]
    for membership in {m.id: m for m in memberships}.values():
        work.change(membership, state=MembershipState.ENDED, until=max(membership.since, today))
    for mandate in await work.select(Mandate, lock=True, organization_id=ids, state=MandateState.ACTIVE):
        work.change(mandate, state=MandateState.REVOKED)
    for part in await work.select(Participation, lock=True, actor_id=ids, state=ParticipationState.JOINED):
        activity = await work.lock(Activity, part.activity_id)
        if activity.state in (ActivityState.PLANNED, ActivityState.OPEN):
            work.change(activity, places_taken=activity.places_taken - 1)
            work.change(part, state=ParticipationState.LEFT)
    for consent in await work.select(Consent, lock=True, person_id=ids, state=ConsentState.GIVEN):
        work.change(consent, state=ConsentState.WITHDRAWN, until=work.now)
    for ward in await work.select(Guardianship, lock=True, ward_id=ids, state=GuardianshipState.ACTIVE):
        work.change(ward, state=GuardianshipState.ENDED, until=work.now)


async def _end_files(work: Work, ids: Sequence[UUID]) -> None:
    """Files that lie about for a day, or are being worked on, may hold these actors: their time is over now, whoever
    asked for them.

    An import holds what lies in its area and below: it ends if anything about them lies there. An export holds of them
    what everybody sees, unless whoever asked has or had a role or mandate at or above such a place, or theirs is their
    own matter: only then it ends.
    """
    places = await _places(work, ids)
    files: list[DataImport | DataExport] = [
        *await work.select(DataImport, lock=True, area_id=places, state=IMPORT_WAITS),
        *await work.select(DataExport, lock=True, by_id=await _askers(work, ids, places), state=EXPORT_WAITS),
    ]
    for file in files:
        if file.expires_at > work.now:
            work.change(file, expires_at=work.now)


async def _places(work: Work, ids: Sequence[UUID]) -> list[UUID]:
    """The areas at and above everything that is about these actors."""
    found: set[UUID] = set()
    for model in work.transaction.database.models:
        if "area_id" in model._meta.fields_db_projection.values() and about(model):
            rows = f"SELECT DISTINCT t.area_id AS id FROM {model._meta.db_table} t WHERE {' OR '.join(about(model))}"
            found |= {as_uuid(row["id"]) for row in await run(work, rows, ids) if row["id"] is not None}
    above = "SELECT DISTINCT ancestor_id AS id FROM core_area_closure WHERE until IS NULL AND descendant_id IN ({ids})"
    return [as_uuid(row["id"]) for row in await run(work, above, sorted(found))]


async def _askers(work: Work, ids: Sequence[UUID], places: Sequence[UUID]) -> list[UUID]:
    """Who waits for a file and may see more of these actors than everybody does."""
    values = [work.now, work.now - LATELY, *EXPORT_WAITS, *ids, *places]
    marks = [f"{{{n}}}" for n in range(len(values))]
    theirs, there = ", ".join(marks[4 : 4 + len(ids)]), ", ".join(marks[4 + len(ids) :])
    of_a_post = "core_post_holding h JOIN core_role_grant g ON g.post_id = h.post_id"
    rows = await work.rows(
        f"SELECT DISTINCT x.by_id AS id FROM core_data_export x WHERE x.state IN ({marks[2]}, {marks[3]}) AND ("
        f"EXISTS (SELECT 1 FROM ({own_sql('x.by_id', '{0}', '{1}')}) o WHERE o.id IN ({theirs})) OR x.by_id IN ("
        f"SELECT g.actor_id FROM core_role_grant g WHERE g.area_id IN ({there})"
        f" UNION SELECT h.person_id FROM {of_a_post} WHERE g.area_id IN ({there})"
        f" UNION SELECT d.person_id FROM {of_a_post} JOIN core_deputy d ON d.holding_id = h.id WHERE g.area_id IN ({there})"
        f" UNION SELECT m.person_id FROM core_mandate m WHERE m.area_id IN ({there})))",
        *values,
    )
    return [as_uuid(row["id"]) for row in rows]


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
