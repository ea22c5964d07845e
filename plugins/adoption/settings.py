"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from core.settings import Move, Settings, setting
from plugins.adoption.terms import AssetKind


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
    asset_kinds: list[AssetKind] = setting(
        list(AssetKind), move=Move.SUBSET, min_length=1, en="What may be opened to adoption here", zh="本社区认领范围"
    )
    sign_days: int = setting(
        30, move=Move.MAX, ge=1, le=180, en="Days to sign an agreement before it lapses", zh="协议签署期限(天)"
    )
    end_notice_days: int = setting(
        30, move=Move.MIN, ge=0, le=180, en="Days of notice before an agreement is ended early", zh="提前终止通知期(天)"
    )
    renew_days: int = setting(
        60, ge=1, le=365, en="Days before its end from which an agreement can be renewed", zh="到期前可续签天数"
    )
    inspect_months: int = setting(
        1, move=Move.MAX, ge=1, le=24, en="An inspection every so many months", zh="巡查间隔(月)"
    )
    fails_to_revoke: int = setting(
        2,
        move=Move.MAX,
        ge=1,
        le=10,
        en="Failures in a row after which revocation is proposed",
        zh="连续不合格几次建议取消",
    )
    appeal_days: int = setting(
        15, move=Move.MIN, ge=1, le=90, en="Days to appeal against a revocation", zh="取消认领申诉期(天)"
    )
