"""Who may vote: rules, facts attested for people, rolls with their entries, and objections to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from tortoise import fields

from core.access import entered_by, own_matter
from core.database.guards import Guard, by_others, changed, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.ballots.models.common import AT_THE_DESK, DOER, keepers_of, roll_is, standing_over, stands
from plugins.ballots.terms import (
    EligibilityState,
    RollEntryState,
    RollObjectionState,
    RollObjectionWish,
    RollState,
    VoterFact,
    VoterFactState,
)

if TYPE_CHECKING:
    from plugins.ballots.models.ballots import Ballot


class EligibilityRule(Logged):
    """Who may vote in elections of a kind: an edition, in words the server reads and people can be told."""

    tag: ClassVar[str] = "ballots_rule"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    kind = fields.CharField(max_length=60)
    edition = fields.IntField()
    title = fields.CharField(max_length=200)
    clauses = fields.TextField()  # JSON: [{"basis": …, "all": [{"predicate": …, "months": …}]}]
    statute = fields.CharField(max_length=200, null=True)
    state = fields.CharEnumField(EligibilityState, description="EligibilityState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = impersonal("kind", "title", "clauses", "statute")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("area_id", "kind", where="state = 'IN_FORCE'", code="RULE_IN_FORCE"),
        unique("area_id", "kind", "edition", code="RULE_IN_FORCE"),
        check("edition", "NEW.edition >= 1"),
        check(
            "inv15_statute",
            "NEW.statute IS NOT NULL OR NEW.clauses NOT LIKE '%HOUSEHOLD_REGISTRATION%'",
            "STATUTE_NEEDED",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"OLD.state = 'REPLACED' OR {changed('kind', 'edition', 'clauses', 'statute', 'area_id', 'title')}",
            "APPEND_ONLY",
        ),
        index("area_id", "kind"),
        index("title"),
    )

    class Meta:
        table = "ballots_rule"


class Roll(Logged):
    """Who votes in an election or ballot; frozen when the first vote can be cast (INV7)."""

    tag: ClassVar[str] = "ballots_roll"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    rule: fields.ForeignKeyNullableRelation[EligibilityRule] = references("ballots.EligibilityRule", null=True)
    rule_id: UUID | None
    kind = fields.CharField(max_length=60)
    title = fields.CharField(max_length=200)
    as_of = fields.DateField()
    state = fields.CharEnumField(RollState, description="RollState", max_length=40)
    is_fixed = fields.BooleanField()
    is_filling = fields.BooleanField()
    filled_to = fields.UUIDField(null=True)
    left_out = fields.TextField(default="{}")  # JSON: how many the draft left out, by the code that says why
    drafted_at = fields.DatetimeField()
    posted_on = fields.DateField(null=True)
    objections_by = fields.DateField(null=True)
    frozen_at = fields.DatetimeField(null=True)
    settings_version = fields.BigIntField()
    notice_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("kind", "title", "left_out")

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse(
            "forward_only",
            "UPDATE",
            "NOT (NEW.state = OLD.state"
            " OR (OLD.state = 'DRAFT' AND NEW.state IN ('POSTED', 'DISCARDED'))"
            " OR (OLD.state = 'DRAFT' AND NEW.state = 'FROZEN' AND NEW.kind = 'DEFAULT')"
            " OR (OLD.state = 'POSTED' AND NEW.state IN ('FINAL', 'DISCARDED'))"
            " OR (OLD.state = 'FINAL' AND NEW.state IN ('FROZEN', 'DISCARDED'))"
            " OR (OLD.state = 'FROZEN' AND NEW.state = 'RELEASED'))",
            "ROLL_STATE",
        ),
        refuse("stays", "UPDATE", changed("kind", "rule_id", "area_id", "is_fixed"), "APPEND_ONLY"),
        refuse("as_of_stays", "UPDATE", f"OLD.state <> 'DRAFT' AND {changed('as_of')}", "APPEND_ONLY"),
        refuse("frozen_once", "UPDATE", f"OLD.frozen_at IS NOT NULL AND ({changed('frozen_at')})", "ROLL_FROZEN"),
        refuse(
            "inv7_objections_answered",
            "UPDATE",
            "NEW.state IN ('FINAL', 'FROZEN') AND EXISTS (SELECT 1 FROM ballots_objection o"
            " WHERE o.roll_id = NEW.id AND o.state = 'OPEN')",
            "OBJECTIONS_OPEN",
        ),
        refuse(
            "inv7_held",
            "UPDATE",
            "NEW.state = 'RELEASED' AND OLD.state <> 'RELEASED' AND (EXISTS (SELECT 1 FROM ballots_ballot b"
            " WHERE b.roll_id = NEW.id AND b.state IN ('ANNOUNCED', 'OPEN', 'COUNTING')) OR EXISTS (SELECT 1"
            " FROM ballots_election e WHERE e.roll_id = NEW.id AND e.state NOT IN ('SEATED', 'FAILED', 'CANCELLED')))",
            "ROLL_HELD",
        ),
        index("area_id", "drafted_at"),
        index("drafted_at"),
        index("is_filling"),
    )

    class Meta:
        table = "ballots_roll"


class Attestation(Logged):
    """A clerk saw what a rule asks for and core does not know: a date of birth, an application, a registration."""

    tag: ClassVar[str] = "ballots_attestation"
    called: ClassVar[tuple[str, str]] = ("What clerks saw for elections", "选举事项核对")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    fact = fields.CharEnumField(VoterFact, description="VoterFact", max_length=40)
    day = fields.DateField()
    evidence = fields.CharField(max_length=500)
    state = fields.CharEnumField(VoterFactState, description="VoterFactState", max_length=40)
    attested_by_id = fields.UUIDField(null=True)
    attested_at = fields.DatetimeField()

    about: ClassVar[tuple[str, ...]] = ("t.person_id IN ({ids})",)
    texts: ClassVar[tuple[Text, ...]] = (
        personal("evidence", of="person_id", keep=Keep("attested_at", "evidence_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("person_id", "area_id", "fact", where="state = 'VALID'", code="ALREADY_ATTESTED"),
        check("evidence", "length(NEW.evidence) > 0", "EMPTY_TEXT"),
        refuse(
            "stays",
            "UPDATE",
            f"OLD.state = 'WITHDRAWN' OR {changed('fact', 'day', 'evidence', 'attested_by_id')}",
            "APPEND_ONLY",
        ),
        *by_others("inv10_attested", "attested_by_id", own_matter("NEW.attested_by_id", "NEW.person_id")),
        index("area_id", "attested_at"),
        index("attested_at"),
        index("person_id"),
    )

    class Meta:
        table = "ballots_attestation"


class RollEntry(Logged):
    """A person or organization on a roll, and on what basis. `hold` is the kind of election while the roll is alive, so
    that nobody stands on two of a kind (INV7); it is worked out from the roll's state."""

    tag: ClassVar[str] = "ballots_entry"
    called: ClassVar[tuple[str, str]] = ("Entries on electoral rolls", "选民名册记录")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = references("ballots.Roll")
    roll_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    basis = fields.CharField(max_length=60)
    found = fields.TextField()  # JSON: what each predicate of the basis rests on
    state = fields.CharEnumField(RollEntryState, description="RollEntryState", max_length=40)
    consent: fields.ForeignKeyNullableRelation[Ballot] = references("ballots.Ballot", null=True)
    consent_id: UUID | None
    hold = fields.CharField(max_length=60, null=True)

    unlogged: ClassVar[tuple[str, ...]] = ("hold",)
    texts: ClassVar[tuple[Text, ...]] = (*impersonal("basis", "hold"), personal("found", of="actor_id", erased="[]"))

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("roll_id", "actor_id", code="ALREADY_ON_ROLL"),
        unique("actor_id", "hold", where="hold IS NOT NULL", code="ON_ANOTHER_ROLL"),
        refuse(
            "inv6_no_household",
            "INSERT",
            "EXISTS (SELECT 1 FROM core_actor k WHERE k.id = NEW.actor_id AND k.kind = 'HOUSEHOLD')",
            "VOTERS",
        ),
        refuse("inv7_frozen_new", "INSERT", f"NOT {roll_is('NEW', RollState.DRAFT, RollState.POSTED)}", "ROLL_FROZEN"),
        refuse(
            "inv7_frozen",
            "UPDATE",
            f"({changed('roll_id', 'actor_id', 'basis', 'state', 'consent_id')})"
            f" AND NOT {roll_is('OLD', RollState.DRAFT, RollState.POSTED)}",
            "ROLL_FROZEN",
        ),
        refuse("same_roll", "UPDATE", changed("roll_id", "area_id"), "APPEND_ONLY"),
        check(
            "consent_given",
            "NEW.consent_id IS NULL OR EXISTS (SELECT 1 FROM ballots_ballot b WHERE b.id = NEW.consent_id"
            " AND b.state = 'CLOSED' AND b.outcome = 'ADOPTED' AND b.kind = 'YES_NO' AND b.area_id = NEW.area_id"
            " AND b.subject_tag = 'ballots_entry' AND b.subject_id = NEW.id)",
            "CONSENT_NEEDED",
        ),
        unique("consent_id", where="consent_id IS NOT NULL", code="CONSENT_NEEDED"),
        refuse(
            "consent_needed",
            "UPDATE",
            "OLD.state = 'PENDING_CONSENT' AND NEW.state = 'LISTED' AND (NEW.consent_id IS NULL"
            f" OR {same('NEW.consent_id', 'OLD.consent_id')})",
            "CONSENT_NEEDED",
        ),
        index("roll_id", "state"),
        index("actor_id"),
    )

    class Meta:
        table = "ballots_entry"


class Objection(Logged):
    """Somebody says that a posted roll is wrong about somebody; answered by somebody else (INV10)."""

    tag: ClassVar[str] = "ballots_objection"
    called: ClassVar[tuple[str, str]] = ("Objections to electoral rolls", "名册异议")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = references("ballots.Roll")
    roll_id: UUID
    objector: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    objector_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    wish = fields.CharEnumField(RollObjectionWish, description="RollObjectionWish", max_length=40)
    statement = fields.TextField()
    state = fields.CharEnumField(RollObjectionState, description="RollObjectionState", max_length=40)
    submitted_at = fields.DatetimeField()
    answer = fields.TextField(null=True)
    answered_by_id = fields.UUIDField(null=True)
    answered_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal(
            "statement",
            of="t.objector_id IN ({ids}) OR t.person_id IN ({ids})",
            keep=Keep("submitted_at", "case_text_days"),
        ),
        personal(
            "answer",
            of="t.objector_id IN ({ids}) OR t.person_id IN ({ids})",
            keep=Keep("submitted_at", "case_text_days"),
        ),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("roll_id", "objector_id", "person_id", where="state = 'OPEN'", code="ALREADY_OBJECTED_TO_ROLL"),
        refuse("while_posted", "INSERT", f"NOT {roll_is('NEW', RollState.POSTED)}", "ROLL_STATE"),
        refuse("decided_stays", "UPDATE", "OLD.state <> 'OPEN'", "ROLL_OBJECTION_STATE"),
        check("answered", "(NEW.state IN ('UPHELD', 'DISMISSED')) = (NEW.answered_at IS NOT NULL)"),
        *by_others(
            "inv10_answer",
            "answered_by_id",
            own_matter("NEW.answered_by_id", "NEW.objector_id"),
            own_matter("NEW.answered_by_id", "NEW.person_id"),
            stands("NEW.answered_by_id", standing_over("NEW.roll_id")),
        ),
        refuse(
            "inv10_entered",
            "UPDATE",
            "NEW.answered_by_id IS NOT NULL AND OLD.answered_by_id IS NULL AND "
            + entered_by("NEW.answered_by_id", "NEW.id"),
            "ENTERED_BY_YOU",
        ),
        refuse(
            "inv10_withdrawn_at_the_desk",
            "UPDATE",
            f"NEW.state = 'WITHDRAWN' AND {AT_THE_DESK} AND ({own_matter(DOER, 'NEW.person_id')}"
            f" OR {stands(DOER, keepers_of('NEW.roll_id') + ' UNION ' + standing_over('NEW.roll_id'))})",
            "OWN_MATTER",
        ),
        index("roll_id", "submitted_at"),
        index("submitted_at"),
        index("objector_id"),
        index("person_id"),
    )

    class Meta:
        table = "ballots_objection"
