"""Who may vote and on which roll, ballots with their votes, papers that nobody can be linked to, and elections."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, Refuse, append_only, check, index, refuse, same, unique
from core.models import Actor, Area, Entity, Logged
from core.personal import Keep, Text, impersonal, personal
from plugins.ballots.terms import (
    FEWEST,
    BallotBox,
    BallotKind,
    BallotOutcome,
    BallotState,
    CandidateState,
    ElectionState,
    EligibilityState,
    PaperBatchState,
    RollEntryState,
    RollObjectionState,
    RollObjectionWish,
    RollState,
    VoteProxyState,
    VoterFact,
    VoterFactState,
    VotingChannel,
)


def _to(model: str, *, null: bool = False) -> Any:
    options: Any = {"null": null}
    return fields.ForeignKeyField(model, on_delete=fields.RESTRICT, related_name=False, **options)


def _kept(*columns: str) -> str:
    """SQL: one of these columns is changed."""
    return " OR ".join(f"NOT {same(f'NEW.{c}', f'OLD.{c}')}" for c in columns)


def _by_others(name: str, column: str, *whose: str, among: str | None = None) -> tuple[Refuse, Refuse]:
    """INV10 for a column that names who decided: asked when it is written. `among` is a SELECT of more whose matter it is."""
    new, old = f"NEW.{column}", f"OLD.{column}"
    own = " OR ".join([*(own_matter(new, w) for w in whose), *([_stands(new, among)] if among else [])])
    return (
        refuse(f"{name}_new", "INSERT", f"{new} IS NOT NULL AND ({own})", "OWN_MATTER"),
        refuse(name, "UPDATE", f"{new} IS NOT NULL AND ({old} IS NULL OR {new} <> {old}) AND ({own})", "OWN_MATTER"),
    )


_IS_OVER = "('SEATED', 'FAILED', 'CANCELLED')"


def standing_in(election: str) -> str:
    """SQL: who stands in an election, asked or agreed: they run nothing of it (INV10)."""
    return (
        f"SELECT s.actor_id AS id FROM ballots_candidate s WHERE s.election_id = {election}"
        " AND s.state NOT IN ('DECLINED', 'REJECTED')"
    )


def standing_over(roll: str) -> str:
    """SQL: who stands in an election over a roll that is not over."""
    return (
        "SELECT s.actor_id AS id FROM ballots_candidate s JOIN ballots_election l ON l.id = s.election_id"
        f" WHERE l.roll_id = {roll} AND l.state NOT IN {_IS_OVER} AND s.state NOT IN ('DECLINED', 'REJECTED')"
    )


def deciders_of(election: str) -> str:
    """SQL: who decided about an election's candidates or about single people on its roll: they do not stand in it (INV10).
    Who called it, and who drafted, posted or made final the roll as the rule has it, decided about nobody."""
    its_roll = f"(SELECT l.roll_id FROM ballots_election l WHERE l.id = {election})"
    return (
        "SELECT z.actor_id AS id FROM core_event z WHERE z.type IN ('ballots.candidate.rejected',"
        " 'ballots.election.prolonged', 'ballots.election.candidates_posted') AND z.actor_id IS NOT NULL AND z.subject_id IN"
        f" (SELECT {election} UNION ALL SELECT s.id FROM ballots_candidate s WHERE s.election_id = {election})"
        " UNION SELECT z.actor_id FROM core_event z WHERE z.type IN ('ballots.entry.added', 'ballots.entry.removed')"
        " AND z.actor_id IS NOT NULL AND EXISTS (SELECT 1 FROM ballots_entry n WHERE n.id = z.subject_id"
        f" AND n.roll_id = {its_roll})"
        " UNION SELECT o.answered_by_id FROM ballots_objection o WHERE o.answered_by_id IS NOT NULL"
        f" AND o.roll_id = {its_roll}"
    )


def _votes(position: int) -> str:
    """SQL: votes of the first or second option, from a tally as it is written; 0 where it is none."""
    first = _after('[{"position": 0, "tied": false, "votes": ', "replace(NEW.tally, 'true', 'false')")
    said = first if position == 0 else _after(', "won": false}, {"position": 1, "tied": false, "votes": ', _rest(first))
    digits = f"substr({said}, 1, length({said}) - length({_rest(said)}))"
    return f"CAST(COALESCE(NULLIF({digits}, ''), '0') AS bigint)"


def _after(said: str, text: str) -> str:
    return f"substr({text}, {len(said) + 1})"


def _rest(text: str) -> str:
    """SQL: what comes after the digits that a text begins with."""
    return f"ltrim({text}, '0123456789')"


def _stands(person: str, among: str) -> str:
    """SQL for a guard: the person is one of these, in one of their hats."""
    return f"EXISTS (SELECT 1 FROM ({among}) y WHERE {own_matter(person, 'y.id')})"


_DOER = "(SELECT z.actor_id FROM core_event z WHERE z.id = NEW.event_id)"


def _roll_is(row: str, *states: RollState) -> str:
    named = ", ".join(f"'{s.value}'" for s in states)
    return f"EXISTS (SELECT 1 FROM ballots_roll r WHERE r.id = {row}.roll_id AND r.state IN ({named}))"


def _ballot_is(row: str, *states: BallotState, also: str = "") -> str:
    named = ", ".join(f"'{s.value}'" for s in states)
    return f"EXISTS (SELECT 1 FROM ballots_ballot b WHERE b.id = {row}.ballot_id AND b.state IN ({named}){also})"


# What a ballot came to.
_COUNTED = ("outcome", "tally", "voters", "cast_count", "valid", "spoiled", "lot", "closed_at", "notice_id")


def _marks(of: str, channel: VotingChannel) -> str:
    return f"(SELECT count(*) FROM ballots_mark m WHERE m.ballot_id = {of} AND m.channel = '{channel.value}')"


class EligibilityRule(Logged):
    """Who may vote in elections of a kind: an edition, in words the server reads and people can be told."""

    tag: ClassVar[str] = "ballots_rule"

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
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
            f"OLD.state = 'REPLACED' OR {_kept('kind', 'edition', 'clauses', 'statute', 'area_id', 'title')}",
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

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    rule: fields.ForeignKeyNullableRelation[EligibilityRule] = _to("ballots.EligibilityRule", null=True)
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
        refuse("stays", "UPDATE", _kept("kind", "rule_id", "area_id", "as_of", "is_fixed"), "APPEND_ONLY"),
        refuse("frozen_once", "UPDATE", f"OLD.frozen_at IS NOT NULL AND ({_kept('frozen_at')})", "ROLL_FROZEN"),
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

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    person: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
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
            f"OLD.state = 'WITHDRAWN' OR {_kept('fact', 'day', 'evidence', 'attested_by_id')}",
            "APPEND_ONLY",
        ),
        *_by_others("inv10_attested", "attested_by_id", "NEW.person_id"),
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

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = _to("ballots.Roll")
    roll_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    actor_id: UUID
    basis = fields.CharField(max_length=60)
    found = fields.TextField()  # JSON: what each predicate of the basis rests on
    state = fields.CharEnumField(RollEntryState, description="RollEntryState", max_length=40)
    consent: fields.ForeignKeyNullableRelation[Ballot] = _to("ballots.Ballot", null=True)
    consent_id: UUID | None
    hold = fields.CharField(max_length=60, null=True)

    unlogged: ClassVar[tuple[str, ...]] = ("hold",)
    texts: ClassVar[tuple[Text, ...]] = (*impersonal("basis", "hold"), personal("found", of="actor_id", erased="[]"))

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("roll_id", "actor_id", code="ALREADY_ON_ROLL"),
        unique("actor_id", "hold", where="hold IS NOT NULL", code="ON_ANOTHER_ROLL"),
        refuse("inv7_frozen_new", "INSERT", f"NOT {_roll_is('NEW', RollState.DRAFT, RollState.POSTED)}", "ROLL_FROZEN"),
        refuse(
            "inv7_frozen",
            "UPDATE",
            f"({_kept('roll_id', 'actor_id', 'basis', 'state', 'consent_id')})"
            f" AND NOT {_roll_is('OLD', RollState.DRAFT, RollState.POSTED)}",
            "ROLL_FROZEN",
        ),
        refuse("same_roll", "UPDATE", _kept("roll_id", "area_id"), "APPEND_ONLY"),
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

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = _to("ballots.Roll")
    roll_id: UUID
    objector: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    objector_id: UUID
    person: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
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
        refuse("while_posted", "INSERT", f"NOT {_roll_is('NEW', RollState.POSTED)}", "ROLL_STATE"),
        refuse("decided_stays", "UPDATE", "OLD.state <> 'OPEN'", "ROLL_OBJECTION_STATE"),
        check("answered", "(NEW.state IN ('UPHELD', 'DISMISSED')) = (NEW.answered_at IS NOT NULL)"),
        *_by_others(
            "inv10_answer", "answered_by_id", "NEW.objector_id", "NEW.person_id", among=standing_over("NEW.roll_id")
        ),
        index("roll_id", "submitted_at"),
        index("submitted_at"),
        index("objector_id"),
        index("person_id"),
    )

    class Meta:
        table = "ballots_objection"


class Election(Logged):
    """Seats that are filled by a vote: nominations, candidates, a ballot, who was elected."""

    tag: ClassVar[str] = "ballots_election"
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = _to("ballots.Roll")
    roll_id: UUID
    title = fields.CharField(max_length=200)
    seats = fields.IntField()
    state = fields.CharEnumField(ElectionState, description="ElectionState", max_length=40)
    called_at = fields.DatetimeField()
    nominations_by = fields.DateField()
    candidates_on = fields.DateField(null=True)
    settings_version = fields.BigIntField()
    notice_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("seats", "NEW.seats BETWEEN 1 AND 200"),
        refuse("stays", "UPDATE", _kept("seats", "roll_id", "area_id"), "APPEND_ONLY"),
        refuse("over", "UPDATE", f"OLD.state IN {_IS_OVER}", "ELECTION_STATE"),
        refuse("inv10_run_by_others", "UPDATE", _stands(_DOER, standing_in("NEW.id")), "OWN_MATTER"),
        refuse(
            "inv8_decided",
            "UPDATE",
            "NEW.state = 'DECIDED' AND OLD.state <> 'DECIDED' AND NOT EXISTS (SELECT 1 FROM ballots_ballot b"
            " WHERE b.election_id = NEW.id AND b.state = 'CLOSED' AND b.outcome IN ('ELECTED', 'TIED'))",
            "ELECTION_STATE",
        ),
        index("area_id", "called_at"),
        index("called_at"),
        index("title"),
    )

    class Meta:
        table = "ballots_election"


_DECIDED = f"EXISTS (SELECT 1 FROM ({deciders_of('NEW.election_id')}) y WHERE {own_matter('y.id', 'NEW.actor_id')})"


class Candidate(Logged):
    """Somebody who stands for election, having agreed to."""

    tag: ClassVar[str] = "ballots_candidate"
    called: ClassVar[tuple[str, str]] = ("Candidacies", "候选记录")

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    election: fields.ForeignKeyRelation[Election] = _to("ballots.Election")
    election_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    actor_id: UUID
    nominated_by: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    nominated_by_id: UUID
    nominated_at = fields.DatetimeField()
    statement = fields.TextField(null=True)
    state = fields.CharEnumField(CandidateState, description="CandidateState", max_length=40)

    about: ClassVar[tuple[str, ...]] = ("t.actor_id IN ({ids})", "t.nominated_by_id IN ({ids})")
    texts: ClassVar[tuple[Text, ...]] = (
        personal("statement", of="actor_id", keep=Keep("nominated_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("election_id", "actor_id", code="ALREADY_NOMINATED"),
        refuse(
            "inv10_rejected_by_others",
            "UPDATE",
            f"NEW.state = 'REJECTED' AND OLD.state <> 'REJECTED' AND {_stands(_DOER, standing_in('NEW.election_id'))}",
            "OWN_MATTER",
        ),
        refuse("inv10_decided_nothing", "INSERT", _DECIDED, "RAN_THIS_ELECTION"),
        refuse(
            "inv10_agrees_having_decided_nothing",
            "UPDATE",
            f"NEW.state = 'ACCEPTED' AND OLD.state <> 'ACCEPTED' AND {_DECIDED}",
            "RAN_THIS_ELECTION",
        ),
        refuse(
            "inv8_elected",
            "UPDATE",
            "NEW.state IN ('ELECTED', 'NOT_ELECTED') AND NOT EXISTS (SELECT 1 FROM ballots_ballot b"
            " WHERE b.election_id = NEW.election_id AND b.state = 'CLOSED')",
            "ELECTION_STATE",
        ),
        refuse(
            "no_more_than_seats",
            "UPDATE",
            "NEW.state = 'ELECTED' AND OLD.state <> 'ELECTED' AND (SELECT count(*) FROM ballots_candidate o"
            " WHERE o.election_id = NEW.election_id AND o.state = 'ELECTED' AND o.id <> NEW.id)"
            " >= (SELECT e.seats FROM ballots_election e WHERE e.id = NEW.election_id)",
            "ELECTION_STATE",
        ),
        index("election_id", "nominated_at"),
        index("actor_id", "nominated_at"),
        index("nominated_at"),
    )

    class Meta:
        table = "ballots_candidate"


class Ballot(Logged):
    """A question put to those on a roll. The server alone works out what it came to (INV8)."""

    tag: ClassVar[str] = "ballots_ballot"
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = _to("ballots.Roll")
    roll_id: UUID
    election: fields.ForeignKeyNullableRelation[Election] = _to("ballots.Election", null=True)
    election_id: UUID | None
    title = fields.CharField(max_length=200)
    question = fields.TextField(null=True)
    subject_tag = fields.CharField(max_length=60, null=True)
    subject_id = fields.UUIDField(null=True)
    kind = fields.CharEnumField(BallotKind, description="BallotKind", max_length=40)
    is_secret = fields.BooleanField()
    has_papers = fields.BooleanField()
    rule = fields.TextField()  # JSON, see plugins.ballots.rules.terms_of
    state = fields.CharEnumField(BallotState, description="BallotState", max_length=40)
    opens_at = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    planned_closes_at = fields.DatetimeField(null=True)  # as announced, where it was prolonged
    closed_at = fields.DatetimeField(null=True)
    outcome = fields.CharEnumField(BallotOutcome, description="BallotOutcome", max_length=40, null=True)
    tally = fields.TextField(null=True)  # JSON
    voters = fields.IntField(null=True)
    cast_count = fields.IntField(null=True)
    valid = fields.IntField(null=True)
    spoiled = fields.IntField(null=True)
    lot = fields.CharField(max_length=64, null=True)
    notice_id = fields.UUIDField(null=True)
    contested_at = fields.DatetimeField(null=True)  # an objection to its result was upheld

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "question", "subject_tag", "rule", "tally", "lot")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("opens_first", "NEW.closes_at > NEW.opens_at", "ENDS_BEFORE_START"),
        check("title_not_empty", "length(NEW.title) > 0", "EMPTY_TEXT"),
        check("inv8_outcome", "(NEW.outcome IS NOT NULL) = (NEW.state IN ('CLOSED', 'ANNULLED'))", "BALLOT_STATE"),
        check("inv8_tally", "(NEW.tally IS NOT NULL) = (NEW.state IN ('CLOSED', 'ANNULLED'))", "BALLOT_STATE"),
        check(
            "inv8_more_for_it",
            "CASE WHEN NEW.kind = 'YES_NO' AND NEW.outcome = 'ADOPTED' THEN"
            f" {_votes(0)} > {_votes(1)} OR ({_votes(0)} = {_votes(1)} AND NEW.rule LIKE '%\"ties\": \"LOT\"%')"
            " ELSE 1 = 1 END",
            "MORE_AGAINST_IT",
        ),
        refuse(
            "inv8_closed",
            "UPDATE",
            "OLD.state IN ('CANCELLED', 'ANNULLED') OR (OLD.state = 'CLOSED' AND"
            f" (NEW.state NOT IN ('CLOSED', 'ANNULLED') OR {_kept(*_COUNTED)}))",
            "BALLOT_CLOSED",
        ),
        refuse(
            "inv8_annulled",
            "UPDATE",
            "NEW.state = 'ANNULLED' AND (NEW.contested_at IS NULL OR NEW.election_id IS NULL)",
            "RESULT_STANDS",
        ),
        refuse(
            "annulled_by_who_may",
            "UPDATE",
            "((OLD.state = 'COUNTING' AND NEW.state = 'CANCELLED') OR NEW.state = 'ANNULLED') AND NOT EXISTS (SELECT 1"
            " FROM core_event e WHERE e.id = NEW.event_id AND e.permission = 'ballots.ballot.annul')",
            "COUNTING_BEGUN",
        ),
        refuse(
            "inv8_all_votes",
            "UPDATE",
            "NEW.state = 'CLOSED' AND OLD.state <> 'CLOSED' AND (OLD.state NOT IN ('OPEN', 'COUNTING')"
            f" OR NEW.cast_count <> {_marks('NEW.id', VotingChannel.ONLINE)} + {_marks('NEW.id', VotingChannel.DESK)}"
            f" OR (NEW.is_secret AND {_marks('NEW.id', VotingChannel.ONLINE)}"
            " <> (SELECT count(*) FROM ballots_paper p WHERE p.ballot_id = NEW.id)))",
            "PAPERS_DIFFER",
        ),
        refuse(
            "inv8_all_papers",
            "UPDATE",
            f"NEW.state = 'CLOSED' AND {_marks('NEW.id', VotingChannel.DESK)} <> (SELECT coalesce(sum(p.valid + p.spoiled),"
            " 0) FROM ballots_papers p WHERE p.ballot_id = NEW.id AND p.state = 'CONFIRMED')",
            "PAPERS_MISSING",
        ),
        refuse(
            "forward_only",
            "UPDATE",
            "NOT (NEW.state = OLD.state OR NEW.state = 'CANCELLED'"
            " OR (OLD.state = 'ANNOUNCED' AND NEW.state = 'OPEN')"
            " OR (OLD.state = 'OPEN' AND NEW.state IN ('COUNTING', 'CLOSED'))"
            " OR (OLD.state = 'COUNTING' AND NEW.state = 'CLOSED')"
            " OR (OLD.state = 'CLOSED' AND NEW.state = 'ANNULLED'))",
            "BALLOT_STATE",
        ),
        refuse(
            "inv7_frozen_roll",
            "UPDATE",
            f"NEW.state = 'OPEN' AND OLD.state = 'ANNOUNCED' AND NOT {_roll_is('NEW', RollState.FROZEN)}",
            "ROLL_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            _kept(
                "roll_id", "election_id", "kind", "is_secret", "has_papers", "rule", "title", "question", "subject_tag",
                "subject_id", "area_id",
            ),
            "APPEND_ONLY",
        ),
        refuse(
            "never_shorter",
            "UPDATE",
            f"NEW.opens_at < OLD.opens_at OR NEW.closes_at < OLD.closes_at"
            f" OR (OLD.state <> 'ANNOUNCED' AND ({_kept('opens_at')}))"
            f" OR (OLD.state NOT IN ('ANNOUNCED', 'OPEN') AND ({_kept('closes_at', 'planned_closes_at')}))"
            f" OR (OLD.planned_closes_at IS NOT NULL AND ({_kept('planned_closes_at')}))",
            "APPEND_ONLY",
        ),
        index("area_id", "opens_at"),
        index("opens_at"),
        index("closes_at"),
        index("state", "closes_at"),
        index("state", "opens_at"),
        index("roll_id"),
        index("subject_id"),
        index("title"),
    )  # fmt: skip

    class Meta:
        table = "ballots_ballot"


class Option(Logged):
    """What can be chosen; in an election, a candidate."""

    tag: ClassVar[str] = "ballots_option"
    called: ClassVar[tuple[str, str]] = ("Options of elections", "选举选项")

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = _to("ballots.Ballot")
    ballot_id: UUID
    position = fields.IntField()
    label = fields.CharField(max_length=200)
    candidate: fields.ForeignKeyNullableRelation[Candidate] = _to("ballots.Candidate", null=True)
    candidate_id: UUID | None

    texts: ClassVar[tuple[Text, ...]] = (
        personal("label", of="t.candidate_id IN (SELECT c.id FROM ballots_candidate c WHERE c.actor_id IN ({ids}))"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("ballot_id", "position", code="INVALID_VALUE"),
        refuse("before_it_opens", "INSERT", f"NOT {_ballot_is('NEW', BallotState.ANNOUNCED)}", "BALLOT_STATE"),
    )

    class Meta:
        table = "ballots_option"


_ON_ROLL = (
    "EXISTS (SELECT 1 FROM ballots_ballot b JOIN ballots_entry e ON e.roll_id = b.roll_id"
    " WHERE b.id = NEW.ballot_id AND e.actor_id = NEW.voter_id AND e.state = 'LISTED')"
)


class Mark(Logged):
    """Somebody has voted (INV6: once, however they voted). In an open ballot it says what; in a secret one, and for a
    paper from the desk, it does not."""

    tag: ClassVar[str] = "ballots_mark"
    called: ClassVar[tuple[str, str]] = ("Votes taken part in", "投票记录")

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = _to("ballots.Ballot")
    ballot_id: UUID
    voter: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    voter_id: UUID
    cast_by: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    cast_by_id: UUID
    is_proxy = fields.BooleanField()
    channel = fields.CharEnumField(VotingChannel, description="VotingChannel", max_length=40)
    choices = fields.CharField(max_length=2000, null=True)  # JSON: positions, or points by position

    texts: ClassVar[tuple[Text, ...]] = impersonal("choices")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("ballot_id", "voter_id", code="ALREADY_VOTED"),
        unique("ballot_id", "cast_by_id", where="NOT is_proxy", code="ALREADY_VOTED"),
        refuse("while_open", "INSERT", f"NOT {_ballot_is('NEW', BallotState.OPEN)}", "BALLOT_STATE"),
        refuse("inv7_on_roll", "INSERT", f"NOT {_ON_ROLL}", "NOT_ON_ROLL"),
        refuse(
            "secret",
            "INSERT",
            "(NEW.choices IS NULL) <> (NEW.channel = 'DESK'"
            " OR EXISTS (SELECT 1 FROM ballots_ballot b WHERE b.id = NEW.ballot_id AND b.is_secret))",
            "BALLOT_STATE",
        ),
        refuse(
            "proxy",
            "INSERT",
            "NEW.is_proxy AND NOT EXISTS (SELECT 1 FROM ballots_proxy p WHERE p.ballot_id = NEW.ballot_id"
            " AND p.giver_id = NEW.voter_id AND p.holder_id = NEW.cast_by_id AND p.state = 'GIVEN')",
            "NO_PROXY",
        ),
        refuse(
            "desk_has_papers",
            "INSERT",
            "NEW.channel = 'DESK' AND NOT EXISTS"
            " (SELECT 1 FROM ballots_ballot b WHERE b.id = NEW.ballot_id AND b.has_papers)",
            "NO_PAPERS",
        ),
        index("voter_id"),
        index("cast_by_id"),
        index("ballot_id", "channel"),
    )

    class Meta:
        table = "ballots_mark"


class Paper(Entity):
    """A secret vote: what was chosen, and nothing else. Its id is random, it has no time, and it is written anew with
    others whenever somebody votes, so that nothing in the table's order leads to whoever filled it in."""

    tag: ClassVar[str] = "ballots_paper"

    ballot: fields.ForeignKeyRelation[Ballot] = _to("ballots.Ballot")
    ballot_id: UUID
    choices = fields.CharField(max_length=2000)

    about: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[Text, ...]] = impersonal("choices")

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse("never_changed", "UPDATE", "1 = 1", "APPEND_ONLY"),
        refuse("never_emptied", "TRUNCATE", "1 = 1", "APPEND_ONLY"),
        refuse(
            "in_the_open",
            "INSERT",
            f"NOT {_ballot_is('NEW', BallotState.OPEN, BallotState.COUNTING, also=' AND b.is_secret')}",
            "BALLOT_CLOSED",
        ),
        refuse(
            "inv8_closed", "DELETE", f"NOT {_ballot_is('OLD', BallotState.OPEN, BallotState.COUNTING)}", "BALLOT_CLOSED"
        ),
        index("ballot_id", "id"),
    )

    class Meta:
        table = "ballots_paper"


class Proxy(Logged):
    """Somebody on the roll lets somebody else cast their vote, where the rule allows it."""

    tag: ClassVar[str] = "ballots_proxy"
    called: ClassVar[tuple[str, str]] = ("Proxies for votes", "委托投票")

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = _to("ballots.Ballot")
    ballot_id: UUID
    giver: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    giver_id: UUID
    holder: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    holder_id: UUID
    state = fields.CharEnumField(VoteProxyState, description="VoteProxyState", max_length=40)
    given_at = fields.DatetimeField()

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("ballot_id", "giver_id", where="state = 'GIVEN'", code="PROXY_GIVEN"),
        check("not_to_oneself", "NEW.giver_id <> NEW.holder_id", "NOT_TO_ITSELF"),
        refuse(
            "before_the_vote",
            "INSERT OR UPDATE",
            "EXISTS (SELECT 1 FROM ballots_mark m WHERE m.ballot_id = NEW.ballot_id AND m.voter_id = NEW.giver_id)",
            "ALREADY_VOTED",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"OLD.state = 'WITHDRAWN' OR {_kept('ballot_id', 'giver_id', 'holder_id')}",
            "APPEND_ONLY",
        ),
        index("ballot_id", "holder_id"),
        index("holder_id"),
        index("giver_id"),
    )

    class Meta:
        table = "ballots_proxy"


# So many papers were handed out and are in no batch.
_LEFT = (
    f"({_marks('NEW.ballot_id', VotingChannel.DESK)} - NEW.valid - NEW.spoiled - (SELECT coalesce(sum(o.valid + o.spoiled), 0)"
    " FROM ballots_papers o WHERE o.ballot_id = NEW.ballot_id AND o.state <> 'REJECTED' AND o.id <> NEW.id))"
)
_STILL_VOTING = (
    " AND b.closes_at > (SELECT e.recorded_at FROM core_event e WHERE e.id = NEW.event_id)"
    " AND (SELECT count(*) FROM ballots_mark m WHERE m.ballot_id = b.id) < (SELECT count(*) FROM ballots_entry n"
    " WHERE n.roll_id = b.roll_id AND n.state = 'LISTED')"
)


class Papers(Logged):
    """Papers from a box, counted and entered by one teller, and counted again by another."""

    tag: ClassVar[str] = "ballots_papers"

    area: fields.ForeignKeyRelation[Area] = _to("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = _to("ballots.Ballot")
    ballot_id: UUID
    box = fields.CharEnumField(BallotBox, description="BallotBox", max_length=40)
    place = fields.CharField(max_length=200)
    counts = fields.TextField()  # JSON: [{"choices": […], "papers": n}]
    valid = fields.IntField()
    spoiled = fields.IntField()
    evidence = fields.TextField()  # a JSON list of texts
    state = fields.CharEnumField(PaperBatchState, description="PaperBatchState", max_length=40)
    entered_at = fields.DatetimeField()
    first_teller: fields.ForeignKeyRelation[Actor] = _to("core.Actor")
    first_teller_id: UUID
    second_teller: fields.ForeignKeyNullableRelation[Actor] = _to("core.Actor", null=True)
    second_teller_id: UUID | None

    about: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[Text, ...]] = impersonal("place", "counts", "evidence")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("counts", "NEW.valid >= 0 AND NEW.spoiled >= 0 AND NEW.valid + NEW.spoiled > 0", "PAPERS_EMPTY"),
        check("evidence", "NEW.evidence <> '[]'", "EVIDENCE_NEEDED"),
        check(
            "two_tellers",
            "(NEW.second_teller_id IS NULL) = (NEW.state = 'ENTERED')"
            " AND (NEW.second_teller_id IS NULL OR NEW.second_teller_id <> NEW.first_teller_id)",
            "SAME_TELLER",
        ),
        refuse(
            "while_counted",
            "INSERT OR UPDATE",
            f"NOT {_ballot_is('NEW', BallotState.OPEN, BallotState.COUNTING, also=' AND b.has_papers')}",
            "BALLOT_STATE",
        ),
        refuse(
            "after_the_vote",
            "INSERT",
            f"{_ballot_is('NEW', BallotState.OPEN, also=_STILL_VOTING)}",
            "BALLOT_RUNS",
        ),
        refuse(
            "papers_together",
            "INSERT",
            f"{_ballot_is('NEW', BallotState.OPEN, BallotState.COUNTING, also=' AND b.is_secret')}"
            f" AND {_LEFT} > 0 AND ({_LEFT} < {FEWEST} OR NEW.valid + NEW.spoiled < {FEWEST})",
            "PAPERS_TOGETHER",
        ),
        refuse(
            "no_more_than_ticked",
            "INSERT OR UPDATE",
            "NEW.state <> 'REJECTED' AND NEW.valid + NEW.spoiled + (SELECT coalesce(sum(o.valid + o.spoiled), 0)"
            " FROM ballots_papers o WHERE o.ballot_id = NEW.ballot_id AND o.state <> 'REJECTED' AND o.id <> NEW.id)"
            f" > {_marks('NEW.ballot_id', VotingChannel.DESK)}",
            "MORE_PAPERS_THAN_VOTERS",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"OLD.state <> 'ENTERED' OR {_kept('counts', 'valid', 'spoiled', 'evidence', 'ballot_id', 'box', 'first_teller_id')}",
            "PAPERS_STATE",
        ),
        index("ballot_id", "entered_at"),
        index("entered_at"),
    )

    class Meta:
        table = "ballots_papers"
