"""What the tables of councils share."""

from __future__ import annotations

from core.database.guards import Guard, refuse

IS_ON = (
    "EXISTS (SELECT 1 FROM core_plugin_area p JOIN core_event e ON e.id = NEW.event_id WHERE p.plugin = NEW.kept_by"
    " AND p.area_id = NEW.area_id AND (p.until IS NULL OR p.until > e.recorded_at))"
)  # SQL: whoever keeps the seat is on where it lies
RESTING: tuple[Guard, ...] = (
    refuse("is_not_suspended_at_once", "INSERT", "NEW.state = 'SUSPENDED'", "KEEPER_IS_ON"),
    refuse(
        "is_suspended_where_its_keeper_is_off",
        "UPDATE",
        f"NEW.state = 'SUSPENDED' AND OLD.state <> 'SUSPENDED' AND (NEW.kept_by IS NULL OR {IS_ON})",
        "KEEPER_IS_ON",
    ),
    refuse(
        "goes_on_where_its_keeper_is_on",
        "UPDATE",
        f"OLD.state = 'SUSPENDED' AND NEW.state IN ('FILLED', 'IN_FORCE') AND NOT {IS_ON}",
        "PLUGIN_DISABLED",
    ),
)


def out_of_bounds(body: str) -> str:
    """SQL: some category of this body has fewer holders than its seats, or more than its share of those who sit there, as
    `rules.composition` has it."""
    sitting = "SELECT count(*) FROM councils_seat s WHERE s.body_id = r.body_id AND s.state = 'FILLED'"
    counted = f"({sitting} AND s.categories LIKE '%|' || r.category || '|%')"
    parts = f"r.maximum * ({sitting})"
    most = (
        "(CASE WHEN r.out_of IS NULL THEN r.upper"
        f" WHEN r.minimum < r.maximum OR r.rounding = 'DOWN' THEN {parts} / r.out_of"
        f" WHEN r.rounding = 'UP' THEN ({parts} + r.out_of - 1) / r.out_of"
        f" ELSE (2 * {parts} + r.out_of) / (2 * r.out_of) END)"
    )
    return (
        f"EXISTS (SELECT 1 FROM councils_seat_rule r WHERE r.body_id = {body} AND r.state = 'IN_FORCE'"
        f" AND ({counted} < r.lower OR {counted} > {most}))"
    )


def is_out(holder: str, meeting: str, at: str) -> str:
    """SQL: this actor is excluded then from this meeting (a row of councils_meeting), as `rules.exclusions` has it."""
    return (
        f"EXISTS (SELECT 1 FROM councils_exclusion x WHERE x.body_id = {meeting}.body_id AND x.concerns_id = {holder}"
        f" AND x.ended_at IS NULL AND (x.until > {at} OR x.until IS NULL AND x.meeting_id = {meeting}.id))"
    )
