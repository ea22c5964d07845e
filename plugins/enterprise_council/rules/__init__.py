"""The rules of enterprises in co-governance (M11, M13). An area's row is locked first, then what lies there, then the body."""

from plugins.enterprise_council.rules.compacts import (
    OVER_SQL,
    NewCommitment,
    NewParty,
    confirm_delivery,
    deliver_commitment,
    end_compact,
    propose_compact,
    review_compact,
    settle_over,
    sign_compact,
)
from plugins.enterprise_council.rules.concerns import (
    answer_concern,
    assign_concern,
    close_concern,
    raise_concern,
    withdraw_concern,
)
from plugins.enterprise_council.rules.seats import (
    STANDING_SQL,
    end_seat,
    hear_body,
    hear_left,
    replace_representative,
    seat_enterprise,
    settle_seat,
)
from plugins.enterprise_council.rules.self_help import (
    abandon_self_help,
    confirm_solution,
    declare_self_help,
    file_solution,
    file_study,
)

__all__ = [
    "OVER_SQL",
    "STANDING_SQL",
    "NewCommitment",
    "NewParty",
    "abandon_self_help",
    "answer_concern",
    "assign_concern",
    "close_concern",
    "confirm_delivery",
    "confirm_solution",
    "declare_self_help",
    "deliver_commitment",
    "end_compact",
    "end_seat",
    "file_solution",
    "file_study",
    "hear_body",
    "hear_left",
    "propose_compact",
    "raise_concern",
    "replace_representative",
    "review_compact",
    "seat_enterprise",
    "settle_over",
    "settle_seat",
    "sign_compact",
    "withdraw_concern",
]
