"""The rules of adopt-a-spot (M12). The spot's row is locked first, always; then the agreement's, then the rest."""

from plugins.adoption.rules.agreements import (
    end_agreement,
    leave_agreement,
    log_upkeep,
    renew_agreement,
    resume_agreement,
    settle_term,
    sign_agreement,
    suspend_agreement,
    waive_notice,
)
from plugins.adoption.rules.assets import Position, accept_project, hand_over, list_asset, retire_asset, update_asset
from plugins.adoption.rules.claims import decide_claim, leave_claim, review_claim, submit_claim, withdraw_claim
from plugins.adoption.rules.inspections import OVERDUE_SQL, inspect, mark_overdue
from plugins.adoption.rules.revocations import (
    APPEAL_SQL,
    appeal,
    close_appeal_period,
    decide_appeal,
    dismiss_revocation,
    revoke,
)

__all__ = [
    "APPEAL_SQL", "OVERDUE_SQL", "Position", "accept_project", "appeal", "close_appeal_period", "decide_appeal", "decide_claim",
    "dismiss_revocation", "end_agreement", "hand_over", "inspect", "leave_agreement", "leave_claim", "list_asset", "log_upkeep", "mark_overdue",
    "renew_agreement", "resume_agreement", "retire_asset", "review_claim", "revoke", "settle_term", "sign_agreement",
    "submit_claim", "suspend_agreement", "update_asset", "waive_notice", "withdraw_claim",
]  # fmt: skip
