"""Rankings (M44) that let people catch up (M47): per area, kind of actor and period, with the place before and the gap.

The upper half is for everyone; in the lower half each sees only themselves. Fewer than four are shown whole, because
who is missing could be read off anyway.
"""

from __future__ import annotations

import re
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Area
from core.settings.store import as_uuid
from core.work import Work
from plugins.points.models import Place, Ranking

FEWEST = 4

# The same text serves the API (a computed list) and the rule that closes a ranking. What was earned counts in the
# period it was earned in, and not at all once it is reversed; spending, expiry and transfers never cost a place.
# The period before is as it was closed, or as it is where nobody closed it.
STANDINGS = f"""WITH earned AS (
    SELECT coalesce(a.merged_into_id, a.id) AS account_id, e.amount, e.occurred_at
    FROM points_entry e JOIN points_account a ON a.id = e.account_id
    WHERE e.kind IN ('AWARD', 'MANUAL') AND e.occurred_at >= :before: AND e.occurred_at < :end:
      AND e.area_id IN (SELECT x.descendant_id FROM core_area_closure x
                        WHERE x.until IS NULL AND x.ancestor_id = :area:)
      AND NOT EXISTS (SELECT 1 FROM points_entry v WHERE v.reverses_id = e.id)
), sums AS (
    SELECT w.account_id, w.occurred_at >= :start: AS is_now, CAST(sum(w.amount) AS bigint) AS points
    FROM earned w JOIN points_account a ON a.id = w.account_id JOIN core_actor c ON c.id = a.actor_id
    WHERE c.kind = :kind: GROUP BY w.account_id, w.occurred_at >= :start:
), placed AS (
    SELECT s.account_id, s.is_now, s.points,
        CAST(rank() OVER (PARTITION BY s.is_now ORDER BY s.points DESC) AS integer) AS place,
        CAST(count(*) OVER (PARTITION BY s.is_now) AS integer) AS n,
        max(s.points) OVER (PARTITION BY s.is_now ORDER BY s.points DESC
                            GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING) - s.points AS gap
    FROM sums s
), halves AS (
    SELECT p.*, CASE WHEN p.n < {FEWEST} OR p.place * 2 <= p.n + 1 THEN 1 ELSE 0 END AS upper FROM placed p
), former AS (
    SELECT q.actor_id, q.place, q.upper FROM points_place q JOIN points_closed_ranking k ON k.id = q.ranking_id
    WHERE k.area_id = :area: AND k.actor_kind = :kind: AND k.period = :previous:
    UNION ALL
    SELECT a.actor_id, h.place, h.upper FROM halves h JOIN points_account a ON a.id = h.account_id
    WHERE NOT h.is_now AND NOT EXISTS (SELECT 1 FROM points_closed_ranking k
        WHERE k.area_id = :area: AND k.actor_kind = :kind: AND k.period = :previous:)
)
SELECT a.id AS id, a.actor_id AS actor_id, :area: AS area_id, h.points AS points, h.place AS place, h.gap AS gap,
    h.upper AS upper, f.place AS previous_place, coalesce(f.upper, 0) AS previous_upper
FROM halves h JOIN points_account a ON a.id = h.account_id LEFT JOIN former f ON f.actor_id = a.actor_id
WHERE h.is_now"""

_PARTS = {"H": 2, "Q": 4, "": 12}


def period_before(period: str) -> str:
    """`2026` → `2025`, `2026-H1` → `2025-H2`, `2026-07` → `2026-06`; refuses BAD_PERIOD."""
    match = re.fullmatch(r"(\d{4})(?:-([HQ]?)(\d{1,2}))?", period)
    if match is None:
        raise Refusal("BAD_PERIOD", value=period[:20])
    year = int(match[1])
    if match[3] is None:
        return f"{year - 1:04}"
    part, width = int(match[3]), 1 if match[2] else 2
    if part == 1:
        year, part = year - 1, _PARTS[match[2]] + 1
    return f"{year:04}-{match[2]}{part - 1:0{width}}"


async def close_ranking(work: Work, *, area_id: UUID, kind: ActorKind, period: str) -> Ranking:
    """Freeze the ranking of a period that is over. Refuses BAD_PERIOD, PERIOD_NOT_OVER, RANKING_CLOSED."""
    area = await work.lock(Area, area_id)
    work.require("points.ranking.close", area)
    start, end = work.clock.period(period)
    if end > work.now:
        raise Refusal("PERIOD_NOT_OVER", path=("period",))
    if await work.find(Ranking, area_id=area_id, actor_kind=kind, period=period):
        raise Refusal("RANKING_CLOSED")
    previous = period_before(period)
    values = {
        "area": area_id, "kind": kind, "start": start, "end": end, "previous": previous,
        "before": work.clock.period(previous)[0],
    }  # fmt: skip
    sql = STANDINGS
    for number, name in enumerate(values):
        sql = sql.replace(f":{name}:", f"{{{number}}}")
    rows = await work.rows(f"{sql} ORDER BY h.place, a.id", *values.values())
    ranking = Ranking(
        id=new_id(), area_id=area_id, actor_kind=kind, period=period, closed_at=work.now, ranked=len(rows)
    )  # fmt: skip
    work.add(ranking)
    for number, row in enumerate(rows, 1):
        work.append(
            Place(
                id=new_id(), ranking_id=ranking.id, area_id=area_id, number=number, actor_id=as_uuid(row["actor_id"]),
                place=row["place"], points=int(row["points"]), gap=row["gap"], upper=row["upper"],
                previous_place=row["previous_place"], previous_upper=row["previous_upper"],
            )
        )  # fmt: skip
    work.record(
        "points.ranking.closed",
        ranking,
        area_id=area_id,
        data={"kind": str(kind), "period": period, "ranked": len(rows)},
    )
    return ranking
