"""What guards of several tables ask: who stands, who decided, and how far a roll or ballot is."""

from __future__ import annotations

from core.access import own_matter
from plugins.ballots.terms import BallotState, RollState, VotingChannel

IS_OVER = "('SEATED', 'FAILED', 'CANCELLED')"


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
        f" WHERE l.roll_id = {roll} AND l.state NOT IN {IS_OVER} AND s.state NOT IN ('DECLINED', 'REJECTED')"
    )


def keepers_of(roll: str) -> str:
    """SQL: who drafted or posted a roll."""
    return (
        f"SELECT z.actor_id AS id FROM core_event z WHERE z.subject_id = {roll} AND z.actor_id IS NOT NULL"
        " AND z.type IN ('ballots.roll.drafted', 'ballots.roll.posted')"
    )


def deciders_of(election: str) -> str:
    """SQL: who decided about an election's candidates or about single people on its roll: they do not stand in it (INV10).
    So did who declined for a candidate at the desk. Who called it, and who drafted, posted or made final the roll as the
    rule has it, decided about nobody."""
    its_roll = f"(SELECT l.roll_id FROM ballots_election l WHERE l.id = {election})"
    return (
        "SELECT z.actor_id AS id FROM core_event z WHERE z.type IN ('ballots.candidate.rejected',"
        " 'ballots.election.prolonged', 'ballots.election.candidates_posted') AND z.actor_id IS NOT NULL AND z.subject_id IN"
        f" (SELECT {election} UNION ALL SELECT s.id FROM ballots_candidate s WHERE s.election_id = {election})"
        " UNION SELECT z.actor_id FROM core_event z JOIN ballots_candidate s ON s.id = z.subject_id"
        f" AND s.election_id = {election} WHERE z.type = 'ballots.candidate.declined' AND z.behalf_of_id IS NOT NULL"
        " AND z.actor_id IS NOT NULL"
        " UNION SELECT z.actor_id FROM core_event z WHERE z.type IN ('ballots.entry.added', 'ballots.entry.removed')"
        " AND z.actor_id IS NOT NULL AND EXISTS (SELECT 1 FROM ballots_entry n WHERE n.id = z.subject_id"
        f" AND n.roll_id = {its_roll})"
        " UNION SELECT o.answered_by_id FROM ballots_objection o WHERE o.answered_by_id IS NOT NULL"
        f" AND o.roll_id = {its_roll}"
    )


def stands(person: str, among: str) -> str:
    """SQL for a guard: the person is one of these, in one of their hats."""
    return f"EXISTS (SELECT 1 FROM ({among}) y WHERE {own_matter(person, 'y.id')})"


DOER = "(SELECT z.actor_id FROM core_event z WHERE z.id = NEW.event_id)"
AT_THE_DESK = "EXISTS (SELECT 1 FROM core_event z WHERE z.id = NEW.event_id AND z.behalf_of_id IS NOT NULL)"


def rival_at_the_desk(election: str, whose: str) -> str:
    """SQL for a guard: who enters this at the desk for `whose` is one of the others who stand, in one of their hats."""
    return f"{AT_THE_DESK} AND {stands(DOER, f'{standing_in(election)} AND s.actor_id <> {whose}')}"


def roll_is(row: str, *states: RollState) -> str:
    named = ", ".join(f"'{s.value}'" for s in states)
    return f"EXISTS (SELECT 1 FROM ballots_roll r WHERE r.id = {row}.roll_id AND r.state IN ({named}))"


def ballot_is(row: str, *states: BallotState, also: str = "") -> str:
    named = ", ".join(f"'{s.value}'" for s in states)
    return f"EXISTS (SELECT 1 FROM ballots_ballot b WHERE b.id = {row}.ballot_id AND b.state IN ({named}){also})"


def marks(of: str, channel: VotingChannel) -> str:
    return f"(SELECT count(*) FROM ballots_vote m WHERE m.ballot_id = {of} AND m.channel = '{channel.value}')"
