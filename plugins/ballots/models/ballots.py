"""Ballots and their options, with what they came to."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, changed, check, index, refuse, unique
from core.models import Area, Logged, references
from core.personal import Text, impersonal, personal
from plugins.ballots.models.common import ballot_is, marks, roll_is
from plugins.ballots.models.elections import Candidate, Election
from plugins.ballots.models.rolls import Roll
from plugins.ballots.terms import BallotKind, BallotOutcome, BallotState, RollState, TieRule, VotingChannel

# What a ballot came to.
_COUNTED = (
    "outcome",
    "tally",
    "votes_for",
    "votes_against",
    "voters",
    "cast_count",
    "valid",
    "spoiled",
    "lot",
    "closed_at",
    "notice_id",
)


class Ballot(Logged):
    """A question put to those on a roll. The server alone works out what it came to (INV8)."""

    tag: ClassVar[str] = "ballots_ballot"
    called: ClassVar[tuple[str, str]] = ("Ballots", "表决")
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = references("ballots.Roll")
    roll_id: UUID
    election: fields.ForeignKeyNullableRelation[Election] = references("ballots.Election", null=True)
    election_id: UUID | None
    title = fields.CharField(max_length=200)
    question = fields.TextField(null=True)
    subject_tag = fields.CharField(max_length=60, null=True)
    subject_id = fields.UUIDField(null=True)
    kind = fields.CharEnumField(BallotKind, description="BallotKind", max_length=40)
    is_secret = fields.BooleanField()
    has_papers = fields.BooleanField()
    rule = fields.TextField()  # JSON, see plugins.ballots.rules.counting.terms_of
    ties = fields.CharEnumField(TieRule, description="TieRule", max_length=40)
    state = fields.CharEnumField(BallotState, description="BallotState", max_length=40)
    opens_at = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    planned_closes_at = fields.DatetimeField(null=True)  # as announced, where it was prolonged
    closed_at = fields.DatetimeField(null=True)
    outcome = fields.CharEnumField(BallotOutcome, description="BallotOutcome", max_length=40, null=True)
    tally = fields.TextField(null=True)  # JSON
    votes_for = fields.IntField(null=True)  # of a yes or no, with the next: what the tally says
    votes_against = fields.IntField(null=True)
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
            "inv8_yes_or_no",
            "(NEW.votes_for IS NOT NULL) = (NEW.kind = 'YES_NO' AND NEW.tally IS NOT NULL)"
            " AND (NEW.votes_for IS NULL) = (NEW.votes_against IS NULL)",
            "BALLOT_STATE",
        ),
        check(
            "inv8_more_for_it",
            "NEW.votes_for IS NULL OR NEW.outcome <> 'ADOPTED' OR NEW.votes_for > NEW.votes_against"
            " OR (NEW.ties = 'LOT' AND NEW.votes_for = NEW.votes_against AND NEW.votes_for > 0)",
            "MORE_AGAINST_IT",
        ),
        refuse(
            "inv8_closed",
            "UPDATE",
            "OLD.state IN ('CANCELLED', 'ANNULLED') OR (OLD.state = 'CLOSED' AND"
            f" (NEW.state NOT IN ('CLOSED', 'ANNULLED') OR {changed(*_COUNTED)}))",
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
            f" OR NEW.cast_count <> {marks('NEW.id', VotingChannel.ONLINE)} + {marks('NEW.id', VotingChannel.DESK)}"
            f" OR (NEW.is_secret AND {marks('NEW.id', VotingChannel.ONLINE)}"
            " <> (SELECT count(*) FROM ballots_paper p WHERE p.ballot_id = NEW.id)))",
            "PAPERS_DIFFER",
        ),
        refuse(
            "inv8_all_papers",
            "UPDATE",
            f"NEW.state = 'CLOSED' AND {marks('NEW.id', VotingChannel.DESK)} <> (SELECT coalesce(sum(p.valid + p.spoiled),"
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
            f"NEW.state = 'OPEN' AND OLD.state = 'ANNOUNCED' AND NOT {roll_is('NEW', RollState.FROZEN)}",
            "ROLL_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            changed(
                "roll_id", "election_id", "kind", "is_secret", "has_papers", "rule", "ties", "title", "question", "subject_tag",
                "subject_id", "area_id",
            ),
            "APPEND_ONLY",
        ),
        refuse(
            "never_shorter",
            "UPDATE",
            f"NEW.opens_at < OLD.opens_at OR NEW.closes_at < OLD.closes_at"
            f" OR (OLD.state <> 'ANNOUNCED' AND ({changed('opens_at')}))"
            f" OR (OLD.state NOT IN ('ANNOUNCED', 'OPEN') AND ({changed('closes_at', 'planned_closes_at')}))"
            f" OR (OLD.planned_closes_at IS NOT NULL AND ({changed('planned_closes_at')}))",
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

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = references("ballots.Ballot")
    ballot_id: UUID
    position = fields.IntField()
    label = fields.CharField(max_length=200)
    candidate: fields.ForeignKeyNullableRelation[Candidate] = references("ballots.Candidate", null=True)
    candidate_id: UUID | None

    texts: ClassVar[tuple[Text, ...]] = (
        personal("label", of="t.candidate_id IN (SELECT c.id FROM ballots_candidate c WHERE c.actor_id IN ({ids}))"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("ballot_id", "position", code="INVALID_VALUE"),
        refuse("before_it_opens", "INSERT", f"NOT {ballot_is('NEW', BallotState.ANNOUNCED)}", "BALLOT_STATE"),
    )

    class Meta:
        table = "ballots_option"
