"""What ballots keep: who may vote and on which roll, elections, ballots, and votes that nobody can be linked to."""

from plugins.ballots.models.ballots import Ballot, Option
from plugins.ballots.models.common import deciders_of, keepers_of, standing_in, standing_over
from plugins.ballots.models.elections import Candidate, Election
from plugins.ballots.models.rolls import Attestation, EligibilityRule, Objection, Roll, RollEntry
from plugins.ballots.models.votes import Paper, Papers, Proxy, Vote

__all__ = [
    "Attestation",
    "Ballot",
    "Candidate",
    "Election",
    "EligibilityRule",
    "Objection",
    "Option",
    "Paper",
    "Papers",
    "Proxy",
    "Roll",
    "RollEntry",
    "Vote",
    "deciders_of",
    "keepers_of",
    "standing_in",
    "standing_over",
]
