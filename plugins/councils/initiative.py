"""Who starts activities (M46): residents, organizations, enterprises or the government, by the kind of whoever organises them.

A household counts with the residents. A residents' or villagers' committee is an organization, and never government; a
meeting that a clerk calls in their own name, without a seat in the body, is the government's.
"""

from __future__ import annotations

_KINDS = {
    "residents": "'PERSON', 'HOUSEHOLD'",
    "organizations": "'ORGANIZATION'",
    "enterprises": "'ENTERPRISE'",
    "government": "'GOVERNMENT_BODY'",
}
_KIND = (
    "(CASE WHEN o.kind = 'PERSON' AND EXISTS (SELECT 1 FROM councils_meeting m WHERE m.activity_id = a.id AND NOT EXISTS"
    " (SELECT 1 FROM councils_seat s WHERE s.body_id = m.body_id AND s.holder_id = o.id))"
    " THEN 'GOVERNMENT_BODY' ELSE o.kind END)"
)
_COUNTS = ", ".join(
    f"CAST(count(CASE WHEN {_KIND} IN ({kinds}) THEN 1 END) AS integer) AS {name}" for name, kinds in _KINDS.items()
)

# One row: the activities that begin in a period, in an area and below, neither merely planned nor called off.
INITIATIVE = (
    f"SELECT :area: AS id, :area: AS area_id, CAST(count(a.id) AS integer) AS activities, {_COUNTS}"
    " FROM core_area_closure c JOIN core_activity a ON a.area_id = c.descendant_id JOIN core_actor o ON o.id = a.organizer_id"
    " WHERE c.ancestor_id = :area: AND c.until IS NULL AND a.starts_at >= :start: AND a.starts_at < :end:"
    " AND a.state NOT IN ('PLANNED', 'CANCELLED')"
)


def percent(count: int, of: int) -> float | None:
    """With one decimal, half up; None of nothing.

    >>> percent(1, 3), percent(2, 3), percent(1, 16), percent(0, 0)
    (33.3, 66.7, 6.3, None)
    """
    return None if of == 0 else (2000 * count + of) // (2 * of) / 10
