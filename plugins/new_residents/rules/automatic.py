"""Entitlements that come of themselves: they stand for whoever lives there long enough, newcomer or local, and for nobody
else. Nobody decides about them; a job sees to them, and verifying a residence does at once.
"""

from __future__ import annotations

from uuid import UUID

from core.enums import MembershipRole, MembershipState
from core.models import Membership
from core.ports import ELIGIBILITY
from core.work import Work
from plugins.new_residents.models import LIVING, Entitlement, Grant, ParityException, Registration
from plugins.new_residents.rules.common import lives_at
from plugins.new_residents.rules.entitlements import (
    GRANT,
    RUNNING,
    Standing,
    end_with_residence,
    granted,
    home_within,
    long_enough,
    new_grant,
)
from plugins.new_residents.terms import LIVES_HERE, EntitlementStanding, EntitlementState

# Where people live, as it is verified, or else as the desk has recorded.
_HOMES = f"""SELECT r.id AS id, r.area_id AS area_id, r.person_id AS person_id, 1 AS is_new
    FROM new_residents_registration r WHERE r.{LIVING}
    UNION ALL
    SELECT m.id AS id, m.area_id AS area_id, m.actor_id AS person_id, 0 AS is_new FROM core_membership m
    JOIN core_actor a ON a.id = m.actor_id WHERE m.role = 'RESIDENT' AND m.state = 'ACTIVE' AND m.organization_id IS NULL
    AND a.kind = 'PERSON' AND NOT EXISTS (
        SELECT 1 FROM new_residents_registration r WHERE r.person_id = m.actor_id AND r.{LIVING})"""


def _passed(since: str) -> str:
    """SQL: a day that is `e.min_months` after `since` has come, or will within three days (the ends of months differ)."""

    def months(day: str) -> str:
        return f"CAST(substr({day}, 1, 4) AS integer) * 12 + CAST(substr({day}, 6, 2) AS integer)"

    then, now = f"CAST({since} AS text)", f"CAST(CASE WHEN 1 = 1 THEN :today: ELSE {since} END AS text)"
    return (
        f"({months(now)} - ({months(then)}) > e.min_months OR ({months(now)} - ({months(then)}) = e.min_months"
        f" AND (substr({now}, 9, 2) >= substr({then}, 9, 2) OR substr({now}, 9, 2) >= '28')))"
    )


# Homes of those who lack something that comes of itself and may have lived there long enough: in all that is known of them.
COMING_SQL = f"""SELECT h.id AS id, h.area_id AS area_id FROM ({_HOMES}) h WHERE EXISTS (
    SELECT 1 FROM core_area_closure c JOIN new_residents_entitlement e ON e.area_id = c.ancestor_id
    WHERE c.descendant_id = h.area_id AND c.until IS NULL AND e.state = 'OFFERED' AND e.automatic
    AND NOT EXISTS (SELECT 1 FROM new_residents_grant g
        WHERE g.entitlement_id = e.id AND g.person_id = h.person_id AND g.state = 'GRANTED')
    AND NOT (h.is_new = 1 AND EXISTS (
        SELECT 1 FROM new_residents_exception x WHERE x.entitlement_id = e.id AND x.until IS NULL))
    AND (e.min_months = 0 OR EXISTS (SELECT 1 FROM core_membership s
            WHERE s.actor_id = h.person_id AND s.role = 'RESIDENT' AND {_passed("s.since")})
        OR EXISTS (SELECT 1 FROM new_residents_registration s
            WHERE s.person_id = h.person_id AND s.since IS NOT NULL AND {_passed("s.since")})))"""

# What somebody has, or asks for, where they no longer live; it may have been off there when they left.
LEFT_SQL = f"""SELECT g.id AS id, g.area_id AS area_id FROM new_residents_grant g
    JOIN new_residents_entitlement e ON e.id = g.entitlement_id
    WHERE g.state IN ('REQUESTED', 'GRANTED') AND NOT EXISTS (SELECT 1 FROM core_area_closure c
        JOIN ({_HOMES}) h ON h.area_id = c.descendant_id
        WHERE c.ancestor_id = e.area_id AND c.until IS NULL AND h.person_id = g.person_id)"""


async def entitle(work: Work, home_id: UUID) -> None:
    """For the job: what comes of itself to who lives in this home, a verified residence or a membership."""
    found = await work.select(Registration, lock=True, id=home_id, state=list(LIVES_HERE))
    if found:
        work.require(GRANT, found[0])
        await automatic_grants(work, found[0])
        return
    for membership in await work.select(
        Membership, lock=True, id=home_id, role=MembershipRole.RESIDENT, state=MembershipState.ACTIVE
    ):
        if await lives_at(work, membership.actor_id) is None:
            work.require(GRANT, membership)
            await automatic_grants(work, membership)


async def automatic_grants(work: Work, home: Registration | Membership) -> None:
    """Queue and record what comes of itself with a home, of every area it lies in."""
    chain = list(work.place(home).chain)
    offers = await work.select(Entitlement, area_id=chain, state=EntitlementState.OFFERED, automatic=True)
    if not offers:
        return
    is_new = isinstance(home, Registration)
    person_id = home.person_id if isinstance(home, Registration) else home.actor_id
    ids = [e.id for e in offers]
    exceptions = await work.select(ParityException, entitlement_id=ids, until=None) if is_new else []
    kept_from = {e.entitlement_id for e in exceptions}
    known = {
        g.entitlement_id: g
        for g in await work.select(Grant, lock=True, person_id=person_id, entitlement_id=ids, state=list(RUNNING))
    }
    port, day = work.port(ELIGIBILITY), work.happened_on
    assert home.area_id is not None
    for entitlement in offers:
        running = known.get(entitlement.id)
        if entitlement.id in kept_from or (running and running.state is EntitlementStanding.GRANTED):
            continue
        months = entitlement.min_months
        since = await port.resident_since(work, person_id, entitlement.area_id) if months else None
        standing = Standing(home, home.area_id, since)
        if not long_enough(entitlement, standing, day):
            continue
        if running is None:
            running = new_grant(work, entitlement, person_id, standing, EntitlementStanding.GRANTED)
            running.decided_on = day
        else:
            work.change(running, state=EntitlementStanding.GRANTED, decided_on=day)
        granted(work, running)


async def leave(work: Work, grant_id: UUID) -> None:
    """For the job: what somebody has where they no longer live ends."""
    grant = await work.lock(Grant, grant_id)
    entitlement = await work.get(Entitlement, grant.entitlement_id)
    if grant.state in RUNNING and await home_within(work, entitlement, grant.person_id) is None:
        end_with_residence(work, grant, work.happened_on)
