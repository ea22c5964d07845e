"""How newcomers fare beside locals, entitlement by entitlement (INV15): sums alone, and none so small that it tells of one.

Sums are told in fives, rounded down, so that what lies between two of them tells of nobody either: six who live here less
five who have it, eight in a district less six in one of its two communities.

A newcomer is who has a verified registration, a local who lives there without one; nobody's household registration (户籍)
is known. `rate` is how many in a thousand of those who live here today and were decided about have it, by the latest
decision, to the nearest fifty; it is told only where none of its parts is hidden. Who was refused because they have not lived
here long enough is in no part of it: like is compared with like, and of what comes of itself everybody who lives here long
enough has it.
"""

from __future__ import annotations

from plugins.new_residents.models import LIVING

FEWEST = 5  # a count from 1 to 4 is not told, and others in steps of so many
TOLERANCE = 50  # in a thousand; by less the newcomers are not behind, and in such steps rates are told


def _people(newcomers: bool, state: str) -> str:
    return f"count(CASE WHEN q.nth = 1 AND q.is_new = {int(newcomers)} AND q.standing = '{state}' THEN q.person_id END)"


def _using(newcomers: bool) -> str:
    return (
        f"count(DISTINCT CASE WHEN q.is_new = {int(newcomers)} AND EXISTS"
        " (SELECT 1 FROM new_residents_use u WHERE u.grant_id = q.id) THEN q.person_id END)"
    )


def _told(count: str) -> str:
    return f"CASE WHEN {count} BETWEEN 1 AND {FEWEST - 1} THEN NULL ELSE CAST({count} / {FEWEST} * {FEWEST} AS integer) END"


def _rate(has: str, not_has: str) -> str:
    hidden = " OR ".join(f"{n} BETWEEN 1 AND {FEWEST - 1}" for n in (has, not_has))
    return (
        f"CASE WHEN {hidden} OR {has} + {not_has} = 0 THEN NULL"
        f" ELSE CAST((({has} * 1000) / ({has} + {not_has}) + {TOLERANCE // 2}) / {TOLERANCE} * {TOLERANCE} AS integer) END"
    )


# Who lives here today, each once; of what was decided about them, the latest per entitlement (`nth` 1): what they have
# comes first, because nobody has it twice.
PARITY = f"""WITH here AS MATERIALIZED (
    SELECT r.person_id AS person_id, 1 AS is_new FROM core_area_closure b
    JOIN new_residents_registration r ON r.area_id = b.descendant_id
    WHERE b.until IS NULL AND b.ancestor_id = :area: AND r.{LIVING}
    UNION
    SELECT m.actor_id AS person_id, 0 AS is_new FROM core_area_closure b
    JOIN core_membership m ON m.area_id = b.descendant_id JOIN core_actor a ON a.id = m.actor_id
    WHERE b.until IS NULL AND b.ancestor_id = :area: AND m.role = 'RESIDENT' AND m.state = 'ACTIVE'
    AND a.kind = 'PERSON' AND NOT EXISTS (SELECT 1 FROM new_residents_registration r
        WHERE r.person_id = m.actor_id AND r.{LIVING})
), ours AS MATERIALIZED (
    SELECT g.id, g.entitlement_id, g.person_id, h.is_new,
        CASE WHEN g.state = 'REFUSED' AND g.ground = 'RESIDENCE' THEN 'EARLY' ELSE g.state END AS standing, row_number() OVER (
        PARTITION BY g.entitlement_id, g.person_id ORDER BY CASE WHEN g.state = 'GRANTED' THEN 0 ELSE 1 END,
        coalesce(g.ended_on, g.decided_on) DESC, g.asked_at DESC, g.id DESC) AS nth
    FROM core_area_closure b JOIN new_residents_grant g ON g.area_id = b.descendant_id
    JOIN here h ON h.person_id = g.person_id
    WHERE b.until IS NULL AND b.ancestor_id = :area: AND g.state IN ('GRANTED', 'REFUSED', 'ENDED')
), counted AS (
    SELECT q.entitlement_id AS id,
        {_people(True, "GRANTED")} AS n_has, {_people(True, "REFUSED")} AS n_not, {_using(True)} AS n_use,
        {_people(False, "GRANTED")} AS l_has, {_people(False, "REFUSED")} AS l_not, {_using(False)} AS l_use
    FROM ours q GROUP BY q.entitlement_id
), people AS (
    SELECT count(CASE WHEN is_new = 1 THEN 1 END) AS newcomers, count(CASE WHEN is_new = 0 THEN 1 END) AS locals FROM here
), each AS (
    SELECT e.id, e.equal_group, coalesce(k.n_has, 0) AS n_has, coalesce(k.n_not, 0) AS n_not,
        coalesce(k.n_use, 0) AS n_use, coalesce(k.l_has, 0) AS l_has, coalesce(k.l_not, 0) AS l_not,
        coalesce(k.l_use, 0) AS l_use, EXISTS (SELECT 1 FROM new_residents_exception x
            WHERE x.entitlement_id = e.id AND x.until IS NULL) AS is_kept
    FROM new_residents_entitlement e LEFT JOIN counted k ON k.id = e.id
    WHERE e.state = 'OFFERED' AND (e.area_id IN (
        SELECT b.descendant_id FROM core_area_closure b WHERE b.until IS NULL AND b.ancestor_id = :area:) OR e.area_id IN (
        SELECT c.ancestor_id FROM core_area_closure c WHERE c.until IS NULL AND c.descendant_id = :area:))
)
SELECT h.id AS id, h.id AS entitlement_id, :area: AS area_id, h.equal_group AS equal_group,
    {_told("p.newcomers")} AS newcomers, {_told("h.n_has")} AS newcomers_having,
    {_told("h.n_not")} AS newcomers_refused, {_told("h.n_use")} AS newcomers_using,
    {_told("p.locals")} AS locals, {_told("h.l_has")} AS locals_having, {_told("h.l_not")} AS locals_refused,
    {_told("h.l_use")} AS locals_using, {_rate("h.n_has", "h.n_not")} AS newcomers_rate,
    {_rate("h.l_has", "h.l_not")} AS locals_rate,
    CASE WHEN h.is_kept THEN 'STATUTORY' WHEN h.n_has + h.n_not < {FEWEST} OR h.l_has + h.l_not < {FEWEST}
        THEN 'TOO_FEW' WHEN (h.n_has * 1000) / (h.n_has + h.n_not) + {TOLERANCE} < (h.l_has * 1000) / (h.l_has + h.l_not)
        THEN 'BELOW' ELSE 'EQUAL' END AS parity
FROM each h CROSS JOIN people p"""
