"""Votes: marks of who voted, secret papers that nobody can be linked to, proxies, and papers counted by hand."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import live, own_matter
from core.database.guards import Guard, append_only, changed, check, index, refuse, unique
from core.models import Actor, Area, Entity, Logged, references
from core.personal import Text, impersonal
from plugins.ballots.models.ballots import Ballot
from plugins.ballots.models.common import AT_THE_DESK, DOER, ballot_is, marks, rival_at_the_desk
from plugins.ballots.terms import FEWEST, BallotBox, BallotState, PaperBatchState, VoteProxyState, VotingChannel

_ITS_ELECTION = "(SELECT b.election_id FROM ballots_ballot b WHERE b.id = NEW.ballot_id)"
_THEN = "(SELECT z.recorded_at FROM core_event z WHERE z.id = NEW.event_id)"
_HAS_MANDATE = (
    "EXISTS (SELECT 1 FROM core_mandate m JOIN core_area_closure c ON c.ancestor_id = m.area_id"
    " AND c.descendant_id = NEW.area_id AND c.until IS NULL WHERE m.person_id = NEW.cast_by_id"
    f" AND m.organization_id = NEW.voter_id AND m.state = 'ACTIVE' AND {live('m', _THEN)})"
)
_ON_ROLL = (
    "EXISTS (SELECT 1 FROM ballots_ballot b JOIN ballots_entry e ON e.roll_id = b.roll_id"
    " WHERE b.id = NEW.ballot_id AND e.actor_id = NEW.voter_id AND e.state = 'LISTED')"
)


class Vote(Logged):
    """Somebody has voted (INV6: once, however they voted). In an open ballot it says what; in a secret one, and for a
    paper from the desk, it does not."""

    tag: ClassVar[str] = "ballots_vote"
    called: ClassVar[tuple[str, str]] = ("Votes taken part in", "投票记录")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = references("ballots.Ballot")
    ballot_id: UUID
    voter: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    voter_id: UUID
    cast_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    cast_by_id: UUID
    is_proxy = fields.BooleanField()
    channel = fields.CharEnumField(VotingChannel, description="VotingChannel", max_length=40)
    choices = fields.CharField(max_length=2000, null=True)  # JSON: positions, or points by position

    texts: ClassVar[tuple[Text, ...]] = impersonal("choices")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("ballot_id", "voter_id", code="ALREADY_VOTED"),
        unique("ballot_id", "cast_by_id", where="NOT is_proxy", code="ALREADY_VOTED"),
        refuse("while_open", "INSERT", f"NOT {ballot_is('NEW', BallotState.OPEN)}", "BALLOT_STATE"),
        refuse("inv7_on_roll", "INSERT", f"NOT {_ON_ROLL}", "NOT_ON_ROLL"),
        refuse(
            "inv13_mandate",
            "INSERT",
            f"NOT NEW.is_proxy AND NEW.cast_by_id <> NEW.voter_id AND NOT {_HAS_MANDATE}",
            "NO_MANDATE",
        ),
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
        table = "ballots_vote"


class Paper(Entity):
    """A secret vote: what was chosen, and nothing else. Its id is random, it has no time, and it is written anew with
    others whenever somebody votes, so that nothing in the table's order leads to whoever filled it in."""

    tag: ClassVar[str] = "ballots_paper"

    ballot: fields.ForeignKeyRelation[Ballot] = references("ballots.Ballot")
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
            f"NOT {ballot_is('NEW', BallotState.OPEN, BallotState.COUNTING, also=' AND b.is_secret')}",
            "BALLOT_CLOSED",
        ),
        refuse(
            "inv8_closed", "DELETE", f"NOT {ballot_is('OLD', BallotState.OPEN, BallotState.COUNTING)}", "BALLOT_CLOSED"
        ),
        index("ballot_id", "id"),
    )

    class Meta:
        table = "ballots_paper"


class Proxy(Logged):
    """Somebody on the roll lets somebody else cast their vote, where the rule allows it."""

    tag: ClassVar[str] = "ballots_proxy"
    called: ClassVar[tuple[str, str]] = ("Proxies for votes", "委托投票")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = references("ballots.Ballot")
    ballot_id: UUID
    giver: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    giver_id: UUID
    holder: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    holder_id: UUID
    state = fields.CharEnumField(VoteProxyState, description="VoteProxyState", max_length=40)
    given_at = fields.DatetimeField()

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("ballot_id", "giver_id", where="state = 'GIVEN'", code="PROXY_GIVEN"),
        check("not_to_oneself", "NEW.giver_id <> NEW.holder_id", "NOT_TO_ITSELF"),
        refuse(
            "in_writing",
            "INSERT",
            "EXISTS (SELECT 1 FROM core_event z WHERE z.id = NEW.event_id AND z.behalf_basis <> 'WRITTEN')",
            "PROXY_IN_WRITING",
        ),
        refuse(
            "inv10_not_to_who_enters_it",
            "INSERT",
            f"{AT_THE_DESK} AND {own_matter(DOER, 'NEW.holder_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_no_rival_at_the_desk",
            "INSERT OR UPDATE",
            rival_at_the_desk(_ITS_ELECTION, "NEW.giver_id"),
            "OWN_MATTER",
        ),
        refuse(
            "before_the_vote",
            "INSERT OR UPDATE",
            "EXISTS (SELECT 1 FROM ballots_vote m WHERE m.ballot_id = NEW.ballot_id AND m.voter_id = NEW.giver_id)",
            "ALREADY_VOTED",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"OLD.state = 'WITHDRAWN' OR {changed('ballot_id', 'giver_id', 'holder_id')}",
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
    f"({marks('NEW.ballot_id', VotingChannel.DESK)} - NEW.valid - NEW.spoiled - (SELECT coalesce(sum(o.valid + o.spoiled), 0)"
    " FROM ballots_papers o WHERE o.ballot_id = NEW.ballot_id AND o.state <> 'REJECTED' AND o.id <> NEW.id))"
)
_STILL_VOTING = (
    " AND b.closes_at > (SELECT e.recorded_at FROM core_event e WHERE e.id = NEW.event_id)"
    " AND (SELECT count(*) FROM ballots_vote m WHERE m.ballot_id = b.id) < (SELECT count(*) FROM ballots_entry n"
    " WHERE n.roll_id = b.roll_id AND n.state = 'LISTED')"
)


class Papers(Logged):
    """Papers from a box, counted and entered by one teller, and counted again by another."""

    tag: ClassVar[str] = "ballots_papers"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    ballot: fields.ForeignKeyRelation[Ballot] = references("ballots.Ballot")
    ballot_id: UUID
    box = fields.CharEnumField(BallotBox, description="BallotBox", max_length=40)
    place = fields.CharField(max_length=200)
    counts = fields.TextField()  # JSON: [{"choices": […], "papers": n}]
    valid = fields.IntField()
    spoiled = fields.IntField()
    evidence = fields.TextField()  # a JSON list of texts
    state = fields.CharEnumField(PaperBatchState, description="PaperBatchState", max_length=40)
    entered_at = fields.DatetimeField()
    first_teller: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    first_teller_id: UUID
    second_teller: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
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
            f"NOT {ballot_is('NEW', BallotState.OPEN, BallotState.COUNTING, also=' AND b.has_papers')}",
            "BALLOT_STATE",
        ),
        refuse(
            "after_the_vote",
            "INSERT",
            f"{ballot_is('NEW', BallotState.OPEN, also=_STILL_VOTING)}",
            "BALLOT_RUNS",
        ),
        refuse(
            "papers_together",
            "INSERT",
            f"{ballot_is('NEW', BallotState.OPEN, BallotState.COUNTING, also=' AND b.is_secret')}"
            f" AND {_LEFT} > 0 AND ({_LEFT} < {FEWEST} OR NEW.valid + NEW.spoiled < {FEWEST})",
            "PAPERS_TOGETHER",
        ),
        refuse(
            "no_more_than_ticked",
            "INSERT OR UPDATE",
            "NEW.state <> 'REJECTED' AND NEW.valid + NEW.spoiled + (SELECT coalesce(sum(o.valid + o.spoiled), 0)"
            " FROM ballots_papers o WHERE o.ballot_id = NEW.ballot_id AND o.state <> 'REJECTED' AND o.id <> NEW.id)"
            f" > {marks('NEW.ballot_id', VotingChannel.DESK)}",
            "MORE_PAPERS_THAN_VOTERS",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"OLD.state <> 'ENTERED' OR {changed('counts', 'valid', 'spoiled', 'evidence', 'ballot_id', 'box', 'first_teller_id')}",
            "PAPERS_STATE",
        ),
        index("ballot_id", "entered_at"),
        index("entered_at"),
    )

    class Meta:
        table = "ballots_papers"
