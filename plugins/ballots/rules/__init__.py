"""The rules of ballots (M32). A roll's row is locked first, then the election's, then the ballot's, then the rest; casting
holds the ballot against closing only, so that many vote at once."""

from plugins.ballots.rules.announcing import OPENING_SQL, announce, cancel, open_due
from plugins.ballots.rules.annulling import annul, hear_notice
from plugins.ballots.rules.boxes import confirm_papers, enter_papers, hand_out
from plugins.ballots.rules.casting import cast, give_proxy, withdraw_proxy
from plugins.ballots.rules.closing import CLOSING_SQL, close, close_due, recount
from plugins.ballots.rules.counting import Share, Terms, share
from plugins.ballots.rules.elections import (
    answer_nomination,
    call_election,
    cancel_election,
    nominate,
    post_candidates,
    prolong_nominations,
    put_to_vote,
    reject_candidate,
    seat,
)
from plugins.ballots.rules.eligibility import (
    Asked,
    Clause,
    attest,
    in_force,
    judge,
    look_up,
    make_rule,
    withdraw_attestation,
)
from plugins.ballots.rules.objections import answer_objection, submit_objection, withdraw_objection
from plugins.ballots.rules.rolls import (
    FILLING_SQL,
    add_entry,
    discard_roll,
    draft_roll,
    finalise_roll,
    go_on_filling,
    post_roll,
    remove_entry,
)

__all__ = [
    "CLOSING_SQL", "FILLING_SQL", "OPENING_SQL", "Asked", "Clause", "Share", "Terms", "add_entry", "announce", "annul",
    "answer_nomination", "answer_objection", "attest", "call_election", "cancel", "cancel_election", "cast", "close",
    "close_due", "confirm_papers", "discard_roll", "draft_roll", "enter_papers", "finalise_roll", "give_proxy",
    "go_on_filling", "hand_out", "hear_notice", "in_force", "judge", "look_up", "make_rule", "nominate", "open_due", "post_candidates", "post_roll",
    "prolong_nominations",
    "put_to_vote", "recount", "reject_candidate", "remove_entry", "seat", "share", "submit_objection", "withdraw_attestation",
    "withdraw_objection", "withdraw_proxy",
]  # fmt: skip
