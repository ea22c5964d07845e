"""Bodies, the rules for their seats, who sits there since when, and how their composition stood at every change."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, by_event, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, references
from core.personal import Text, impersonal
from plugins.councils.models.common import IS_ON, RESTING, out_of_bounds
from plugins.councils.terms import (
    BodyKind,
    BodyState,
    Rounding,
    SeatCategory,
    SeatedBy,
    SeatOffice,
    SeatRuleState,
    SeatState,
    VacatedBecause,
)

MOST_SEATS = 1000


class Body(Logged):
    """A deliberating body of an area; `size` is the number of its seats, of which shares are taken.

    `matters` is what an advisory body, or one that decides what it was given, was given by its charter: `|FUNDS|RULES|`;
    `|` where none constitutes it.
    """

    tag: ClassVar[str] = "councils_body"
    called: ClassVar[tuple[str, str]] = ("Bodies", "议事机构")
    refers: ClassVar[dict[str, str]] = {"charter_id": "councils_charter"}
    searchable: ClassVar[str | None] = "name"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    kind = fields.CharEnumField(BodyKind, description="BodyKind", max_length=40)
    name = fields.CharField(max_length=200)
    purpose = fields.TextField(null=True)
    is_advisory = fields.BooleanField()
    size = fields.IntField()
    matters = fields.CharField(max_length=200, default="|")
    organization: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    organization_id: UUID | None
    charter_id = fields.UUIDField(null=True)
    state = fields.CharEnumField(BodyState, description="BodyState", max_length=40)
    is_valid = fields.BooleanField(default=True)
    founded_on = fields.DateField()
    dissolved_on = fields.DateField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("name", "purpose", "matters")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("name_not_empty", "length(NEW.name) > 0"),
        check("size", f"NEW.size BETWEEN 1 AND {MOST_SEATS}", "BODY_SIZE"),
        check("given_by_a_charter", "NEW.matters = '|' OR NEW.charter_id IS NOT NULL", "ONLY_BY_CHARTER"),
        check("dissolved", "(NEW.state = 'DISSOLVED') = (NEW.dissolved_on IS NOT NULL)"),
        refuse("dissolved_for_good", "UPDATE", "OLD.state = 'DISSOLVED'", "BODY_DISSOLVED"),
        refuse("area_stays", "UPDATE", "NEW.area_id <> OLD.area_id", "INVALID_VALUE"),
        refuse(
            "composition_is_counted",
            "UPDATE",
            f"NEW.state = 'ACTIVE' AND NEW.is_valid = {out_of_bounds('NEW.id')}",
            "COMPOSITION_IS_COUNTED",
        ),
        refuse(
            "by_the_charter",
            "UPDATE",
            "OLD.charter_id IS NOT NULL AND (NEW.size <> OLD.size OR NEW.is_advisory <> OLD.is_advisory"
            f" OR NEW.matters <> OLD.matters OR NEW.charter_id IS NULL) AND NOT {by_event('councils.charter.enacted')}",
            "BY_THE_CHARTER",
        ),
        refuse(
            "kept_seats_are_so_many_of_so_many",
            "UPDATE",
            "NEW.size <> OLD.size AND EXISTS (SELECT 1 FROM councils_seat_rule r WHERE r.body_id = NEW.id"
            f" AND r.kept_by IS NOT NULL AND r.state IN ('IN_FORCE', 'SUSPENDED')) AND NOT {by_event('councils.charter.enacted')}",
            "BY_THE_CHARTER",
        ),
        unique("area_id", "name", where="state = 'ACTIVE'", code="BODY_EXISTS"),
        index("area_id", "name"),
        index("area_id", "kind"),
        index("name"),
        index("organization_id"),
        index("charter_id"),
    )

    class Meta:
        table = "councils_body"


class SeatRule(Logged):
    """How many seats of a body one category has: `minimum` to `maximum`, of `out_of` seats where it is a share.

    `lower` and `upper` are what that comes to for the size of the body. One of a draft charter is planned, and holds
    from its enactment (INV5). Of one that is `kept_by` another mechanism the number is fixed, only a charter moves it, and
    where that mechanism is off it is suspended together with its seats.
    """

    tag: ClassVar[str] = "councils_seat_rule"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    charter_id = fields.UUIDField(null=True)
    category = fields.CharEnumField(SeatCategory, description="SeatCategory", max_length=40)
    minimum = fields.IntField()
    maximum = fields.IntField()
    out_of = fields.IntField(null=True)
    rounding = fields.CharEnumField(Rounding, description="Rounding", max_length=40)
    lower = fields.IntField()
    upper = fields.IntField()
    kept_by = fields.CharField(max_length=40, null=True)
    state = fields.CharEnumField(SeatRuleState, description="SeatRuleState", max_length=40)
    since = fields.DatetimeField(null=True)
    until = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("kept_by")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("bounds", "NEW.minimum BETWEEN 0 AND NEW.maximum AND NEW.lower BETWEEN 0 AND NEW.upper", "BAD_SEAT_RULE"),
        check("share", "NEW.out_of IS NULL OR NEW.out_of BETWEEN 1 AND 1000 AND NEW.maximum <= NEW.out_of", "BAD_SEAT_RULE"),
        check("planned_by_a_charter", "NEW.state <> 'PLANNED' OR NEW.charter_id IS NOT NULL"),
        check("since", "(NEW.state = 'PLANNED') = (NEW.since IS NULL) OR NEW.state = 'ENDED'"),
        check("kept_is_fixed", "NEW.kept_by IS NULL OR NEW.minimum = NEW.maximum", "KEPT_IS_FIXED"),
        refuse(
            "only_by_amendment",
            "INSERT",
            "NEW.state = 'IN_FORCE' AND (EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id"
            " AND b.charter_id IS NOT NULL) OR NEW.kept_by IS NOT NULL AND EXISTS (SELECT 1 FROM councils_seat_rule o"
            " WHERE o.body_id = NEW.body_id AND o.category = NEW.category AND o.state <> 'PLANNED'))",
            "BY_THE_CHARTER",
        ),
        *RESTING,
        refuse(
            "kept_stays",
            "UPDATE",
            "OLD.kept_by IS NOT NULL AND (NEW.kept_by IS NULL OR NEW.lower <> OLD.lower OR NEW.upper <> OLD.upper"
            " OR NEW.state = 'ENDED' AND NOT "
            f"{by_event('councils.charter.enacted', 'councils.charter.revised', 'councils.charter.withdrawn')})",
            "BY_THE_CHARTER",
        ),
        refuse(
            "stays",
            "UPDATE",
            "NEW.body_id <> OLD.body_id OR NEW.category <> OLD.category OR NEW.minimum <> OLD.minimum"
            " OR NEW.maximum <> OLD.maximum OR NEW.rounding <> OLD.rounding OR OLD.state = 'ENDED'"
            " OR (NEW.state <> OLD.state AND EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id"
            " AND b.charter_id IS NOT NULL AND b.state = 'ACTIVE') AND NOT "
            f"{by_event('councils.charter.enacted', 'councils.charter.revised', 'councils.charter.withdrawn', 'councils.seats.suspended', 'councils.seats.restored')})",
            "BY_THE_CHARTER",
        ),
        unique("body_id", "category", where="state IN ('IN_FORCE', 'SUSPENDED')", code="SEAT_RULE_EXISTS"),
        index("body_id", "since"),
        index("charter_id"),
        index("kept_by", where="kept_by IS NOT NULL AND state <> 'ENDED'"),
    )  # fmt: skip

    class Meta:
        table = "councils_seat_rule"


class Seat(Logged):
    """Somebody's term in a body. `categories` are all in which the holder counts: `|ENTERPRISE|WOMEN|`.

    `term_end` is the first day they no longer sit. `election_id` is the election they sit by, where ballots keeps it: it
    fills seats of one body, and each of its elected sits by it once. An organization sits through the person it sends (`mandate_of`). A seat
    that is `kept_by` a mechanism is filled through it, and suspended where it is off: its term goes on, its place is kept.
    """

    tag: ClassVar[str] = "councils_seat"
    called: ClassVar[tuple[str, str]] = ("Seats in bodies", "席位")
    refers: ClassVar[dict[str, str]] = {"election_id": "ballots_election"}

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    holder: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    holder_id: UUID
    mandate_of: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    mandate_of_id: UUID | None
    category = fields.CharEnumField(SeatCategory, description="SeatCategory", max_length=40)
    categories = fields.CharField(max_length=200)
    office = fields.CharEnumField(SeatOffice, description="SeatOffice", max_length=40)
    via = fields.CharEnumField(SeatedBy, description="SeatedBy", max_length=40)
    election_id = fields.UUIDField(null=True)
    is_voting = fields.BooleanField()
    kept_by = fields.CharField(max_length=40, null=True)
    state = fields.CharEnumField(SeatState, description="SeatState", max_length=40)
    term_start = fields.DateField()
    term_end = fields.DateField()
    vacated_on = fields.DateField(null=True)
    vacated_because = fields.CharEnumField(VacatedBecause, description="VacatedBecause", max_length=40, null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("categories", "kept_by")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("term", "NEW.term_end > NEW.term_start", "TERM_BACKWARDS"),
        check("counts_in_its_own", "NEW.categories LIKE '%|' || NEW.category || '|%'"),
        refuse(
            "inv5_counts_as_an_enterprise",
            "INSERT",
            "NEW.mandate_of_id IS NOT NULL AND NEW.categories NOT LIKE '%|ENTERPRISE|%' AND EXISTS"
            " (SELECT 1 FROM core_actor a WHERE a.id = NEW.mandate_of_id AND a.kind = 'ENTERPRISE')",
            "WRONG_CATEGORY",
        ),
        check("government_has_no_vote", "NEW.categories NOT LIKE '%|GOVERNMENT|%' OR NOT NEW.is_voting"),
        check(
            "vacated",
            "(NEW.state = 'VACATED') = (NEW.vacated_on IS NOT NULL)"
            " AND (NEW.vacated_on IS NULL) = (NEW.vacated_because IS NULL)",
        ),
        check("by_an_election", "NEW.election_id IS NULL OR NEW.via = 'ELECTED'", "ELECTION_NEEDED"),
        refuse(
            "election_of_one_body",
            "INSERT",
            "NEW.election_id IS NOT NULL AND EXISTS (SELECT 1 FROM councils_seat s WHERE s.election_id = NEW.election_id"
            " AND s.body_id <> NEW.body_id)",
            "ELECTION_OF_ANOTHER_BODY",
        ),
        refuse("vacated_for_good", "UPDATE", "OLD.state = 'VACATED' AND NEW.state <> 'VACATED'", "SEAT_VACATED"),
        refuse(
            "stays",
            "UPDATE",
            f"NEW.body_id <> OLD.body_id OR (NEW.holder_id <> OLD.holder_id AND NOT {by_event('councils.seat.merged')})"
            " OR NEW.categories <> OLD.categories OR NEW.term_start <> OLD.term_start OR NEW.is_voting <> OLD.is_voting"
            " OR COALESCE(NEW.kept_by, '') <> COALESCE(OLD.kept_by, '')"
            f" OR NOT {same('NEW.election_id', 'OLD.election_id')}",
            "APPEND_ONLY",
        ),
        *RESTING,
        refuse("keeper_is_on", "INSERT", f"NEW.kept_by IS NOT NULL AND NOT {IS_ON}", "PLUGIN_DISABLED"),
        refuse(
            "so_many_are_kept",
            "INSERT",
            "NEW.kept_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM councils_seat_rule r WHERE r.body_id = NEW.body_id"
            " AND r.category = NEW.category AND r.kept_by = NEW.kept_by AND r.state = 'IN_FORCE')",
            "NO_SUCH_SEATS",
        ),
        refuse(
            "room",
            "INSERT",
            "NEW.state = 'FILLED' AND (SELECT count(*) FROM councils_seat s WHERE s.body_id = NEW.body_id"
            " AND s.state <> 'VACATED') >= (SELECT b.size FROM councils_body b WHERE b.id = NEW.body_id)",
            "BODY_FULL",
        ),
        refuse(
            "room_in_its_categories",
            "INSERT",
            "NEW.state = 'FILLED' AND EXISTS (SELECT 1 FROM councils_seat_rule r WHERE r.body_id = NEW.body_id"
            " AND r.state = 'IN_FORCE' AND NEW.categories LIKE '%|' || r.category || '|%' AND (SELECT count(*)"
            " FROM councils_seat s WHERE s.body_id = r.body_id AND s.state = 'FILLED'"
            " AND s.categories LIKE '%|' || r.category || '|%') >= r.upper)",
            "CATEGORY_FULL",
        ),
        refuse(
            "of_a_body_that_is",
            "INSERT",
            "EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.state <> 'ACTIVE')",
            "BODY_DISSOLVED",
        ),
        refuse(
            "by_mandate",
            "INSERT",
            "NEW.mandate_of_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM core_mandate m WHERE m.person_id = NEW.holder_id"
            " AND m.organization_id = NEW.mandate_of_id AND m.state = 'ACTIVE' AND (m.until IS NULL OR m.until >"
            " (SELECT n.recorded_at FROM core_event n WHERE n.id = NEW.event_id)) AND EXISTS (SELECT 1"
            " FROM core_area_closure x WHERE x.ancestor_id = m.area_id AND x.descendant_id = NEW.area_id"
            " AND x.until IS NULL))",
            "SEAT_MANDATE",
        ),
        unique("body_id", "holder_id", where="state <> 'VACATED'", code="ALREADY_SEATED"),
        unique("election_id", "holder_id", where="election_id IS NOT NULL", code="SAT_BY_THIS_ELECTION"),
        unique(
            "body_id",
            "mandate_of_id",
            where="state <> 'VACATED' AND mandate_of_id IS NOT NULL",
            code="ORGANIZATION_SEATED",
        ),
        unique("body_id", "office", where="state <> 'VACATED' AND office = 'CHAIR'", code="OFFICE_TAKEN"),
        index("body_id", "term_start"),
        index("body_id", "state"),
        index("holder_id", "term_start"),
        index("mandate_of_id"),
        index("term_start"),
        index("term_end", where="state <> 'VACATED'"),
        index("kept_by", where="kept_by IS NOT NULL AND state <> 'VACATED'"),
    )

    class Meta:
        table = "councils_seat"


class CompositionCheck(Logged):
    """How a body's composition stood after a change: never edited, and never other than what was counted (INV5)."""

    tag: ClassVar[str] = "councils_composition_check"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    checked_at = fields.DatetimeField()
    size = fields.IntField()
    filled = fields.IntField()
    counts = fields.TextField()  # JSON: category → how many count in it
    violations = fields.TextField()  # JSON: [category, count, lower, upper]
    is_valid = fields.BooleanField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("counts", "violations")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        refuse("counted", "INSERT", f"NEW.is_valid = {out_of_bounds('NEW.body_id')}", "COMPOSITION_IS_COUNTED"),
        index("body_id", "checked_at"),
        index("checked_at"),
    )

    class Meta:
        table = "councils_composition_check"
