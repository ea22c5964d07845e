"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from core.settings import Move, Settings, setting


class AdoptionSettings(Settings):
    """Scores are 0 to 100, terms in months, deadlines in days."""

    pass_score: int = setting(
        60, move=Move.MIN, ge=1, le=100, en="An inspection passes from this score", zh="巡查合格分"
    )
    term_months: int = setting(
        12, move=Move.MAX, ge=1, le=120, en="Term of a new agreement, in months", zh="协议期限(月)"
    )
    rectify_days: int = setting(
        15, move=Move.MAX, ge=1, le=180, en="Days to put a failed inspection right", zh="整改期限(天)"
    )
    notice_days: int = setting(
        0, move=Move.MIN, ge=0, le=90, en="Days a claim is on notice before it may be accepted", zh="认领申请公示天数"
    )
