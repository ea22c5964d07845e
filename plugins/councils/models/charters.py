"""Charters (自治章程) in versions, of which one is in force in an area at any instant; and delegated powers (行政放权)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, append_only, by_event, check, index, refuse, same, unique
from core.ledger import LARGEST
from core.models import Actor, Area, Logged, RuleDocument, references
from core.personal import Text, impersonal
from plugins.councils.models.bodies import Body
from plugins.councils.terms import CharterParameter, CharterState, DelegationState, Matter

_OPEN_TEXT = (
    "EXISTS (SELECT 1 FROM councils_charter c WHERE c.id = NEW.charter_id AND c.state IN ('DRAFT', 'CONSULTATION'))"
)
_TWO_TELLERS = (
    "EXISTS (SELECT 1 FROM councils_charter_count a JOIN councils_charter_count b ON b.charter_id = a.charter_id"
    " AND b.pair = a.pair AND b.entered_by_id <> a.entered_by_id AND b.took_part = a.took_part"
    " AND b.votes_for = a.votes_for AND b.votes_against = a.votes_against WHERE a.charter_id = NEW.id"
    " AND a.took_part = NEW.took_part AND a.votes_for = NEW.votes_for AND a.votes_against = NEW.votes_against)"
)
_RESIDENTS = (
    "(SELECT count(DISTINCT m.actor_id) FROM core_membership m JOIN core_area_closure c ON c.descendant_id = m.area_id"
    " AND c.ancestor_id = NEW.area_id AND c.until IS NULL JOIN core_actor a ON a.id = m.actor_id AND a.kind = 'PERSON'"
    " AND a.gone_at IS NULL JOIN core_event e ON e.id = NEW.event_id WHERE m.role = 'RESIDENT' AND m.state = 'ACTIVE'"
    " AND m.since <= e.recorded_at AND (m.until IS NULL OR m.until >= e.recorded_at))"
)  # on the last day of a residence as on the day after it: the database knows no civil day

_THEN = "(SELECT e.recorded_at FROM core_event e WHERE e.id = NEW.event_id)"


class Charter(Logged):
    """A version of an area's charter. Only the members' vote adopts it, and only enacting ends the one before. `electorate` is
    how many might vote: the ballot's roll, or what an assembly's was when it was put to it."""

    tag: ClassVar[str] = "councils_charter"
    called: ClassVar[tuple[str, str]] = ("Charters drafted", "起草的章程")
    refers: ClassVar[dict[str, str]] = {"notice_id": "disclosure_notice", "ballot_id": "ballots_ballot"}

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    number = fields.IntField()
    title = fields.CharField(max_length=200)
    state = fields.CharEnumField(CharterState, description="CharterState", max_length=40)
    drafted_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    drafted_by_id: UUID
    drafted_at = fields.DatetimeField()
    drafting_body: fields.ForeignKeyNullableRelation[Body] = references("councils.Body", null=True)
    drafting_body_id: UUID | None
    consultation_until = fields.DateField(null=True)
    ballot_id = fields.UUIDField(null=True)
    notice_id = fields.UUIDField(null=True)
    quorum_percent = fields.IntField(null=True)
    majority_percent = fields.IntField(null=True)
    electorate = fields.IntField(null=True)
    took_part = fields.IntField(null=True)
    votes_for = fields.IntField(null=True)
    votes_against = fields.IntField(null=True)
    adopted_at = fields.DatetimeField(null=True)
    effective_from = fields.DatetimeField(null=True)
    superseded_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("area_id", where="state = 'IN_FORCE'", code="CHARTER_IN_FORCE"),
        unique("area_id", "number", code="CHARTER_EXISTS"),
        unique("area_id", where="state = 'VOTING'", code="CHARTER_BEING_VOTED"),
        check("title_not_empty", "length(NEW.title) > 0"),
        check(
            "in_force_since",
            "(NEW.state IN ('IN_FORCE', 'SUPERSEDED')) = (NEW.effective_from IS NOT NULL)"
            " AND (NEW.state = 'SUPERSEDED') = (NEW.superseded_at IS NOT NULL)"
            " AND (NEW.superseded_at IS NULL OR NEW.superseded_at > NEW.effective_from)",
        ),
        check(
            "adopted_by_the_members",
            "NEW.state NOT IN ('ADOPTED', 'IN_FORCE', 'SUPERSEDED') OR (NEW.adopted_at IS NOT NULL"
            " AND NEW.took_part * 100 > NEW.quorum_percent * NEW.electorate"
            " AND NEW.votes_for * 100 > NEW.majority_percent * NEW.took_part)",
            "NOT_ADOPTED",
        ),
        check(
            "adds_up",
            "NEW.took_part IS NULL OR (NEW.votes_for >= 0 AND NEW.votes_against >= 0 AND NEW.took_part <= NEW.electorate"
            " AND NEW.votes_for + NEW.votes_against <= NEW.took_part)",
            "HANDS_DO_NOT_ADD_UP",
        ),
        check(
            "two_tellers",
            f"NEW.took_part IS NULL OR NEW.ballot_id IS NOT NULL OR {_TWO_TELLERS}",
            "CHARTER_NOT_COUNTED",
        ),
        check("electorate", "NEW.electorate IS NULL OR NEW.state NOT IN ('DRAFT', 'CONSULTATION', 'WITHDRAWN')"),
        refuse(
            "electorate_of_an_assembly",
            "UPDATE",
            "NEW.ballot_id IS NULL AND NEW.state = 'VOTING' AND (NEW.electorate IS NULL OR"
            f" (NOT {same('NEW.electorate', 'OLD.electorate')} AND NEW.electorate < {_RESIDENTS}))",
            "ELECTORATE_TOO_SMALL",
        ),
        refuse(
            "electorate_stays",
            "UPDATE",
            f"OLD.electorate IS NOT NULL AND NOT {same('NEW.electorate', 'OLD.electorate')}"
            " AND EXISTS (SELECT 1 FROM councils_charter_count k WHERE k.charter_id = NEW.id)",
            "APPEND_ONLY",
        ),
        refuse(
            "path",
            "UPDATE",
            "NEW.state <> OLD.state AND NOT ("
            "(OLD.state = 'DRAFT' AND NEW.state IN ('CONSULTATION', 'WITHDRAWN'))"
            " OR (OLD.state = 'CONSULTATION' AND NEW.state IN ('VOTING', 'DRAFT', 'WITHDRAWN'))"
            " OR (OLD.state = 'VOTING' AND NEW.state IN ('ADOPTED', 'REJECTED'))"
            f" OR (OLD.state = 'VOTING' AND NEW.state = 'CONSULTATION' AND {by_event('councils.charter.reopened')})"
            " OR (OLD.state = 'ADOPTED' AND NEW.state IN ('IN_FORCE', 'REJECTED'))"
            " OR (OLD.state = 'IN_FORCE' AND NEW.state = 'SUPERSEDED'))",
            "CHARTER_STATE",
        ),
        refuse(
            "consulted_on_from_now",
            "UPDATE",
            "NEW.state = 'CONSULTATION' AND OLD.state = 'DRAFT' AND (NEW.consultation_until IS NULL"
            f" OR NEW.consultation_until <= {_THEN})",
            "CONSULTATION_BEGINS_NOW",
        ),
        refuse(
            "consulted_on_to_the_end",
            "UPDATE",
            "NEW.state = 'VOTING' AND OLD.state = 'CONSULTATION' AND (NEW.consultation_until IS NULL"
            f" OR NEW.consultation_until <> OLD.consultation_until OR NEW.consultation_until >= {_THEN})",
            "CONSULTATION_BEGINS_NOW",
        ),
        refuse(
            "superseded_by_another",
            "UPDATE",
            f"NEW.state = 'SUPERSEDED' AND OLD.state = 'IN_FORCE' AND NOT {by_event('councils.charter.enacted')}",
            "CHARTER_STATE",
        ),
        refuse(
            "no_gap_between_versions",
            "UPDATE",
            "NEW.state = 'IN_FORCE' AND OLD.state <> 'IN_FORCE' AND EXISTS (SELECT 1 FROM councils_charter o"
            " WHERE o.area_id = NEW.area_id AND o.state = 'SUPERSEDED') AND NOT EXISTS (SELECT 1"
            " FROM councils_charter o WHERE o.area_id = NEW.area_id AND o.state = 'SUPERSEDED'"
            " AND o.superseded_at = NEW.effective_from)",
            "CHARTER_GAP",
        ),
        refuse(
            "none_later_was_in_force",
            "UPDATE",
            "NEW.state = 'IN_FORCE' AND OLD.state <> 'IN_FORCE' AND EXISTS (SELECT 1 FROM councils_charter o"
            " WHERE o.area_id = NEW.area_id AND o.state IN ('IN_FORCE', 'SUPERSEDED') AND o.adopted_at > NEW.adopted_at)",
            "CHARTER_LEFT_BEHIND",
        ),
        refuse(
            "counted_once",
            "UPDATE",
            "OLD.adopted_at IS NOT NULL AND (NEW.votes_for <> OLD.votes_for OR NEW.took_part <> OLD.took_part"
            " OR NEW.electorate <> OLD.electorate OR NEW.adopted_at <> OLD.adopted_at)",
            "APPEND_ONLY",
        ),
        refuse(
            "title_stays",
            "UPDATE",
            "NEW.title <> OLD.title AND OLD.state NOT IN ('DRAFT', 'CONSULTATION')",
            "CHARTER_STATE",
        ),
        index("area_id", "effective_from"),
        index("area_id", "drafted_at"),
        index("drafted_at"),
        index("drafted_by_id"),
        index("title"),
        index("ballot_id"),
        index("notice_id"),
    )

    class Meta:
        table = "councils_charter"


class Count(Logged):
    """What one teller counted in the members' assembly. Two make a `pair`: of two different tellers, and they hold where
    their figures are the same."""

    tag: ClassVar[str] = "councils_charter_count"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    charter: fields.ForeignKeyRelation[Charter] = references("councils.Charter")
    charter_id: UUID
    pair = fields.IntField()
    took_part = fields.IntField()
    votes_for = fields.IntField()
    votes_against = fields.IntField()
    evidence = fields.TextField()
    entered_by_id = fields.UUIDField()
    entered_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("evidence")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        check(
            "adds_up",
            "NEW.took_part > 0 AND NEW.votes_for >= 0 AND NEW.votes_against >= 0"
            " AND NEW.votes_for + NEW.votes_against <= NEW.took_part",
            "HANDS_DO_NOT_ADD_UP",
        ),
        refuse(
            "while_an_assembly_votes",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM councils_charter c WHERE c.id = NEW.charter_id AND c.state = 'VOTING'"
            " AND c.ballot_id IS NULL AND NEW.took_part <= c.electorate)",
            "CHARTER_STATE",
        ),
        refuse(
            "two_of_a_pair",
            "INSERT",
            "(SELECT count(*) FROM councils_charter_count k WHERE k.charter_id = NEW.charter_id AND k.pair = NEW.pair) > 1",
            "CHARTER_STATE",
        ),
        unique("charter_id", "pair", "entered_by_id", code="OWN_MATTER"),
        refuse(
            "inv10_two_tellers",
            "INSERT",
            "EXISTS (SELECT 1 FROM councils_charter_count k WHERE k.charter_id = NEW.charter_id AND k.pair = NEW.pair"
            f" AND {own_matter('NEW.entered_by_id', 'k.entered_by_id')})",
            "OWN_MATTER",
        ),
        index("charter_id", "entered_at"),
        index("entered_at"),
    )

    class Meta:
        table = "councils_charter_count"


class Clause(Logged):
    """A clause of a charter; one with a parameter tells the server a number, within what the settings allow (INV17)."""

    tag: ClassVar[str] = "councils_clause"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    charter: fields.ForeignKeyRelation[Charter] = references("councils.Charter")
    charter_id: UUID
    key = fields.CharField(max_length=80)
    position = fields.IntField()
    heading = fields.CharField(max_length=200)
    text = fields.TextField()
    parameter = fields.CharEnumField(CharterParameter, description="CharterParameter", max_length=40, null=True)
    value = fields.IntField(null=True)
    matter = fields.CharEnumField(Matter, description="Matter", max_length=40, null=True)
    is_dropped = fields.BooleanField(default=False)

    texts: ClassVar[tuple[Text, ...]] = impersonal("key", "heading", "text")

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse("while_it_is_drafted", "INSERT OR UPDATE", f"NOT {_OPEN_TEXT}", "CHARTER_STATE"),
        check(
            "parameter",
            "NEW.parameter IS NULL AND NEW.value IS NULL AND NEW.matter IS NULL"
            " OR NEW.parameter = 'LISTED_MATTER' AND NEW.matter IS NOT NULL AND NEW.value IS NULL"
            " OR NEW.parameter <> 'LISTED_MATTER' AND NEW.value IS NOT NULL AND NEW.matter IS NULL",
            "CLAUSE_PARAMETER",
        ),
        unique("charter_id", "key", where="is_dropped = FALSE", code="CLAUSE_EXISTS"),
        index("charter_id", "position"),
    )

    class Meta:
        table = "councils_clause"


class Constituted(Logged):
    """A body that a charter constitutes: from its enactment the body has this size, these powers and the charter's seat
    rules."""

    tag: ClassVar[str] = "councils_constituted"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    charter: fields.ForeignKeyRelation[Charter] = references("councils.Charter")
    charter_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    size = fields.IntField()
    is_advisory = fields.BooleanField()
    matters = fields.CharField(max_length=200)
    is_dropped = fields.BooleanField(default=False)

    texts: ClassVar[tuple[Text, ...]] = impersonal("matters")

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse("while_it_is_drafted", "INSERT OR UPDATE", f"NOT {_OPEN_TEXT}", "CHARTER_STATE"),
        unique("charter_id", "body_id", where="is_dropped = FALSE", code="ALREADY_CONSTITUTED"),
        index("charter_id"),
    )

    class Meta:
        table = "councils_constituted"


class Delegation(Logged):
    """A matter of the government that a body decides from now on, within bounds, until it is over or revoked (M46)."""

    tag: ClassVar[str] = "councils_delegation"
    called: ClassVar[tuple[str, str]] = ("Delegated matters", "下放事项")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    title = fields.CharField(max_length=200)
    matter = fields.CharEnumField(Matter, description="Matter", max_length=40)
    government: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    government_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    instrument = fields.CharField(max_length=200)
    rule_document: fields.ForeignKeyNullableRelation[RuleDocument] = references("core.RuleDocument", null=True)
    rule_document_id: UUID | None
    bounds = fields.TextField(null=True)
    budget = fields.BigIntField(null=True)
    since = fields.DateField()
    ends_on = fields.DateField(null=True)
    state = fields.CharEnumField(DelegationState, description="DelegationState", max_length=40)
    ended_on = fields.DateField(null=True)
    reason = fields.TextField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "instrument", "bounds", "reason")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("term", "NEW.ends_on IS NULL OR NEW.ends_on > NEW.since", "TERM_BACKWARDS"),
        check("budget", f"NEW.budget IS NULL OR NEW.budget BETWEEN 1 AND {LARGEST}"),
        check(
            "ended",
            "(NEW.state = 'ACTIVE') = (NEW.ended_on IS NULL) AND (NEW.state <> 'REVOKED' OR NEW.reason IS NOT NULL)"
            " AND (NEW.state <> 'ENDED' OR NEW.ends_on IS NOT NULL AND NEW.ended_on = NEW.ends_on)",
        ),
        refuse(
            "stays",
            "UPDATE",
            "NEW.since <> OLD.since OR NEW.matter <> OLD.matter OR NEW.body_id <> OLD.body_id"
            f" OR NOT {same('NEW.ends_on', 'OLD.ends_on')}",
            "APPEND_ONLY",
        ),
        refuse("ended_for_good", "UPDATE", f"OLD.state <> 'ACTIVE' AND NOT {by_event('councils.delegation.merged')}", "DELEGATION_STATE"),
        refuse(
            "by_government",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM core_actor a WHERE a.id = NEW.government_id AND a.kind = 'GOVERNMENT_BODY')",
            "NOT_GOVERNMENT",
        ),
        refuse(
            "inv13_government_of_here",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM core_actor a JOIN core_area_closure x ON x.ancestor_id = a.area_id AND x.until IS NULL"
            " JOIN councils_body b ON b.area_id = x.descendant_id WHERE a.id = NEW.government_id AND b.id = NEW.body_id)",
            "GOVERNMENT_ELSEWHERE",
        ),
        unique("body_id", "matter", "title", where="state = 'ACTIVE'", code="DELEGATION_EXISTS"),
        index("area_id", "since"),
        index("body_id", "matter"),
        index("government_id"),
        index("since"),
        index("ends_on", where="state = 'ACTIVE'"),
    )  # fmt: skip

    class Meta:
        table = "councils_delegation"


class TakenBack(Logged):
    """A delegated matter that the government decided itself all the same: on record, with its reason."""

    tag: ClassVar[str] = "councils_taken_back"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    delegation: fields.ForeignKeyRelation[Delegation] = references("councils.Delegation")
    delegation_id: UUID
    what = fields.TextField()
    reason = fields.TextField()
    noted_by_id = fields.UUIDField()
    noted_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("what", "reason")

    guards: ClassVar[tuple[Guard, ...]] = (*append_only(), index("delegation_id", "noted_at"), index("noted_at"))

    class Meta:
        table = "councils_taken_back"
