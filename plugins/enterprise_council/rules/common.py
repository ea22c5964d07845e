"""What the rules of enterprises in co-governance share: who is here, who represents whom, whose matter it is."""

from __future__ import annotations

from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.models import Actor
from core.work import Work


def here_sql(actor: str, area: str, today: str) -> str:
    """SQL: this actor is a unit of this area, or of one below, on this day (驻区单位)."""
    return (
        "EXISTS (SELECT 1 FROM core_membership m JOIN core_area_closure c ON c.descendant_id = m.area_id"
        f" AND c.ancestor_id = {area} AND c.until IS NULL WHERE m.actor_id = {actor} AND m.role = 'RESIDENT_UNIT'"
        f" AND m.state = 'ACTIVE' AND m.since <= {today} AND (m.until IS NULL OR m.until >= {today}))"
    )


def sent_sql(person: str, organization: str, area: str, now: str) -> str:
    """SQL: this person has a mandate of this organization that covers this area at this instant."""
    return (
        "EXISTS (SELECT 1 FROM core_mandate d JOIN core_area_closure x ON x.ancestor_id = d.area_id"
        f" AND x.descendant_id = {area} AND x.until IS NULL WHERE d.person_id = {person}"
        f" AND d.organization_id = {organization} AND d.state = 'ACTIVE' AND (d.until IS NULL OR d.until > {now}))"
    )


async def enterprise_here(work: Work, enterprise_id: UUID, area_id: UUID, *path: str) -> Actor:
    """An enterprise that is a unit there; refuses NOT_AN_ENTERPRISE, ENTERPRISE_NOT_HERE."""
    enterprise = await work.get(Actor, enterprise_id)
    if enterprise.kind is not ActorKind.ENTERPRISE:
        raise Refusal("NOT_AN_ENTERPRISE", path=path)
    day = work.clock.civil_date(work.now)
    here = await work.rows(f"SELECT 1 AS yes WHERE {here_sql('{0}', '{1}', '{2}')}", enterprise.id, area_id, day)
    if not here:
        raise Refusal("ENTERPRISE_NOT_HERE", path=path)
    return enterprise


async def mandated(work: Work, person_id: UUID, enterprise: Actor, area_id: UUID) -> Actor:
    """A person whom the enterprise sends there; refuses REPRESENTATIVE_MANDATE."""
    person = await work.get(Actor, person_id)
    sent = await work.rows(
        f"SELECT 1 AS yes WHERE {sent_sql('{0}', '{1}', '{2}', '{3}')}", person.id, enterprise.id, area_id, work.now
    )
    if not sent:
        raise Refusal("REPRESENTATIVE_MANDATE", path=("representativeId",))
    return person
