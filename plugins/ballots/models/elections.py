"""Elections and who stands in them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.ballots.models.common import (
    AT_THE_DESK,
    DOER,
    IS_OVER,
    deciders_of,
    rival_at_the_desk,
    standing_in,
    stands,
)
from plugins.ballots.models.rolls import Roll
from plugins.ballots.terms import CandidateState, ElectionState


class Election(Logged):
    """Seats that are filled by a vote: nominations, candidates, a ballot, who was elected."""

    tag: ClassVar[str] = "ballots_election"
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    roll: fields.ForeignKeyRelation[Roll] = references("ballots.Roll")
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
        refuse("stays", "UPDATE", changed("seats", "roll_id", "area_id"), "APPEND_ONLY"),
        refuse("over", "UPDATE", f"OLD.state IN {IS_OVER}", "ELECTION_STATE"),
        refuse("inv10_run_by_others", "UPDATE", stands(DOER, standing_in("NEW.id")), "OWN_MATTER"),
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

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    election: fields.ForeignKeyRelation[Election] = references("ballots.Election")
    election_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    nominated_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
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
            f"NEW.state = 'REJECTED' AND OLD.state <> 'REJECTED' AND {stands(DOER, standing_in('NEW.election_id'))}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_no_rival_at_the_desk",
            "INSERT OR UPDATE",
            "NEW.state IN ('NOMINATED', 'ACCEPTED', 'DECLINED')"
            f" AND {rival_at_the_desk('NEW.election_id', 'NEW.actor_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_not_oneself_at_the_desk",
            "INSERT",
            f"{AT_THE_DESK} AND NEW.actor_id <> NEW.nominated_by_id AND {own_matter(DOER, 'NEW.actor_id')}",
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
