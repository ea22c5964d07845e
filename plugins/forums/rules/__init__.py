"""The rules of forums (M33). Whoever speaks or leads holds the topic, then its round or resolution; who takes a position,
the resolution alone. A forum's row is held by nobody who holds one of these."""

from plugins.forums.rules.decisions import (
    CONSENSUS_SQL,
    assign_task,
    hear_ballot,
    hear_cancelled,
    hear_notice,
    move_to_ballot,
    propose_consensus,
    refer,
    settle_due,
    take_effect,
    take_position,
    withdraw_resolution,
)
from plugins.forums.rules.forums import close_forum, found_forum, hear_body, hear_seat, update_forum
from plugins.forums.rules.members import (
    decide_application,
    hear_membership,
    hear_residence,
    join_forum,
    leave_forum,
    send_delegate,
    set_convenor,
)
from plugins.forums.rules.moderation import (
    EXCLUSIONS_SQL,
    appeal,
    decide_appeal,
    end_due,
    exclude_member,
    hide_statement,
    lift,
)
from plugins.forums.rules.statements import speak, withdraw_statement
from plugins.forums.rules.topics import (
    ROUNDS_SQL,
    close_due,
    close_round,
    close_topic,
    open_round,
    open_topic,
    summarise_round,
    withdraw_topic,
)

__all__ = [
    "CONSENSUS_SQL", "EXCLUSIONS_SQL", "ROUNDS_SQL", "appeal", "assign_task", "close_due", "close_forum", "close_round",
    "close_topic", "decide_appeal", "decide_application", "end_due", "exclude_member", "found_forum", "hear_ballot",
    "hear_body", "hear_cancelled", "hear_membership", "hear_notice", "hear_residence", "hear_seat", "hide_statement",
    "join_forum", "leave_forum", "lift", "move_to_ballot", "open_round", "open_topic", "propose_consensus", "refer",
    "send_delegate", "set_convenor", "settle_due", "speak", "summarise_round", "take_effect", "take_position",
    "update_forum", "withdraw_resolution", "withdraw_statement", "withdraw_topic",
]  # fmt: skip
