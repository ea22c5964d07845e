"""The year of an organization as the chain 分类评定 + 以奖代补 + 宣传公示: three links, each with what its yearly file and its
notices come to.

An entry counts where it is shown: where disclosure is on now, and at the endpoint of one area in its subtree (`root`). A
notice counts in the year in which it was published.
"""

from __future__ import annotations

_SHOWN = """EXISTS (SELECT 1 FROM core_plugin_area p WHERE p.plugin = 'disclosure' AND p.area_id = {t}.area_id
        AND (p.until IS NULL OR p.until > :now:)) AND (:root: IS NULL OR {t}.area_id IN (SELECT b.descendant_id
        FROM core_area_closure b WHERE b.until IS NULL AND b.ancestor_id = :root:))"""


def _notices(condition: str) -> str:
    return f"CAST(count(CASE WHEN {condition} THEN 1 END) AS integer)"


YEAR_CHAIN = f"""WITH who AS (
    SELECT k.id AS id FROM core_actor a JOIN core_actor k ON k.id = coalesce(a.merged_into_id, a.id)
    WHERE a.id = :organization: AND k.kind NOT IN ('PERSON', 'HOUSEHOLD') AND k.gone_at IS NULL
), links AS (
    SELECT :rating: AS id, 'RATING' AS link, 1 AS place UNION ALL SELECT :grant:, 'GRANT', 2
    UNION ALL SELECT :disclosure:, 'DISCLOSURE', 3
), filed AS (
    SELECT CASE WHEN f.heading IN ('GRANT', 'MONEY') THEN 'GRANT' WHEN f.heading = 'RATING' THEN 'RATING'
        WHEN f.heading IN ('DISCLOSURE', 'STORY') THEN 'DISCLOSURE' END AS link,
        f.amount AS amount, f.occurred_at AS at
    FROM disclosure_file_entry f JOIN who w ON f.organization_id = w.id
    WHERE f.year = :year: AND {_SHOWN.format(t="f")}
), told AS (
    SELECT n.state AS state,
        (SELECT count(*) FROM disclosure_objection o WHERE o.notice_id = n.id) AS objections
    FROM disclosure_notice n JOIN who w ON n.organization_id = w.id
    WHERE n.from_day >= :first: AND n.from_day <= :last: AND {_SHOWN.format(t="n")}
), ended AS (
    SELECT 'DISCLOSURE' AS link, CAST(count(*) AS integer) AS notices, {_notices("state = 'CLOSED_CLEAN'")} AS clean,
        {_notices("state = 'CLOSED_UPHELD'")} AS upheld, CAST(coalesce(sum(objections), 0) AS integer) AS objections
    FROM told
), sums AS (
    SELECT link, CAST(count(*) AS integer) AS entries, min(at) AS first_at, max(at) AS last_at,
        CAST(sum(amount) AS bigint) AS amount
    FROM filed GROUP BY link
)
SELECT l.id AS id, l.link AS link, l.place AS place, coalesce(s.entries, 0) AS entries, s.first_at AS first_at,
    s.last_at AS last_at, s.amount AS amount, e.notices AS notices, e.clean AS clean, e.upheld AS upheld,
    e.objections AS objections
FROM links l CROSS JOIN who w LEFT JOIN sums s ON s.link = l.link LEFT JOIN ended e ON e.link = l.link"""
