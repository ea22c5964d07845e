"""Who verifiably lives where, since when: the port that elections and councils ask (`core.ports.Eligibility`).

Locals and newcomers are asked alike (INV15): what the desk has recorded and what it has verified counts, and nothing
tells where anybody is registered (户籍). A move inside the area does not break a residence; nor do a few days between two
homes (`gap_days`). While a village has not agreed, whoever waits for it does not live there as far as the village and
what lies below it is concerned; for a town or district above it they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from core.models import Area
from core.settings.store import as_day
from core.work import Work
from plugins.new_residents.settings import NewResidentsSettings

# Every stay of the person in the area or below: from verified registrations, and from memberships; `until` null while it
# lasts. Who moved away before the village agreed (without a membership) never lived there. Registrations of areas where
# the mechanism is off are left out, so that only what the desk recorded counts there.
STAYS = """
    SELECT r.since AS since, r.until AS until FROM new_residents_registration r
    JOIN core_area_closure c ON c.descendant_id = r.area_id AND c.ancestor_id = {0} AND c.until IS NULL
    WHERE r.person_id = {1} AND {on} AND (r.state = 'VERIFIED' OR (r.state = 'MOVED_AWAY' AND r.membership_id IS NOT NULL)
        OR ((r.state = 'MOVED_AWAY' OR {pending}) AND {above}))
    UNION ALL
    SELECT m.since, m.until FROM core_membership m
    JOIN core_area_closure c ON c.descendant_id = m.area_id AND c.ancestor_id = {0} AND c.until IS NULL
    WHERE m.actor_id = {1} AND m.role = 'RESIDENT' AND NOT EXISTS (
        SELECT 1 FROM new_residents_registration r WHERE r.person_id = m.actor_id AND r.area_id = m.area_id
        AND {on} AND (r.state = 'REVOKED' AND r.membership_id = m.id OR {pending}
        OR r.state = 'MOVED_AWAY' AND r.membership_id IS NULL AND r.until = m.until))
"""
_ON = (
    "EXISTS (SELECT 1 FROM core_plugin_area p WHERE p.area_id = r.area_id AND p.plugin = 'new_residents'"
    " AND (p.until IS NULL OR p.until > {2}))"
)
_PENDING = "r.state IN ('PENDING_CONSENT', 'CONSENT_REFUSED')"


@dataclass(frozen=True)
class Stay:
    """Somebody lived there from one day to another, both counted; `until` is None while they do."""

    since: date
    until: date | None


def unbroken_since(stays: Iterable[Stay], today: date, gap: int) -> date | None:
    """The first day of the stays that join, with at most `gap` days between two, up to today; None when none does.

    >>> unbroken_since([Stay(date(2024, 1, 1), date(2024, 6, 30)), Stay(date(2024, 7, 1), None)], date(2025, 1, 1), 0)
    datetime.date(2024, 1, 1)
    """
    begun = [s for s in stays if s.since <= today]
    here = [s for s in begun if s.until is None or s.until >= today]
    if not here:
        return None
    since = min(s.since for s in here)
    for stay in sorted(begun, key=lambda s: s.until or today, reverse=True):
        if (stay.until or today) + timedelta(days=gap + 1) >= since:
            since = min(since, stay.since)
    return since


class VerifiedResidence:
    """Provides `eligibility`."""

    async def resident_since(
        self, work: Work, person_id: UUID, area_id: UUID, *, on: date | None = None
    ) -> date | None:
        area = await work.get(Area, area_id)
        settings = await work.settings(NewResidentsSettings, area)
        kinds = ", ".join(f"'{kind}'" for kind in settings.consent_kinds) or "''"
        # The area asked for lies above the one that has to agree: no such area from it upwards to be asked.
        chain = ", ".join(f"'{id}'" for id in work.place(area).chain)
        above = f"NOT EXISTS (SELECT 1 FROM core_area v WHERE v.id IN ({chain}) AND v.kind IN ({kinds}))"
        sql = (
            STAYS.replace("{on}", _ON).replace("{pending}", _PENDING).replace("{above}", above)
        )  # fmt: skip
        rows = await work.rows(sql, area.id, person_id, work.now)
        stays = [Stay(day, as_day(row["until"])) for row in rows if (day := as_day(row["since"])) is not None]
        return unbroken_since(stays, on or work.recorded_on, settings.gap_days)
