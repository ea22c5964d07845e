"""What a community may tune. The source gives no ratio; these are sane defaults."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from core.settings import Move, Settings, setting
from plugins.enterprise_council.terms import ShareRounding


class EnterpriseCouncilSettings(Settings):
    """Percentages are of a body's seats, terms in months, deadlines in days."""

    share_percent: int = setting(
        30, ge=1, le=90, en="Share of enterprise seats in a new co-building council, within the bounds below",
        zh="新设社企共建理事会的企业席位比例(%)",
    )  # fmt: skip
    share_rounding: ShareRounding = setting(
        ShareRounding.NEAREST, en="How that share becomes a number of seats", zh="企业席位取整方式"
    )
    least_percent: int = setting(
        5, move=Move.MIN, ge=1, le=90, en="A charter gives enterprises at least this share of the seats",
        zh="章程所定企业席位比例下限(%)",
    )  # fmt: skip
    most_percent: int = setting(
        49, move=Move.MAX, ge=1, le=90, en="A charter gives enterprises at most this share of the seats",
        zh="章程所定企业席位比例上限(%)",
    )  # fmt: skip
    compact_months: int = setting(
        36, move=Move.MAX, ge=1, le=120, en="Longest term of a compact, in months", zh="共建公约最长期限(月)"
    )
    sign_days: int = setting(
        30, move=Move.MAX, ge=1, le=180, en="Days to sign a compact before it lapses", zh="公约签署期限(天)"
    )
    end_notice_days: int = setting(
        30, move=Move.MIN, ge=0, le=180, en="Days of notice before a party leaves a compact", zh="退出公约通知期(天)"
    )
    review_months: int = setting(
        12, move=Move.MAX, ge=1, le=24, en="A compact is reviewed every so many months", zh="公约评议间隔(月)"
    )
    concern_days: int = setting(
        15, move=Move.MAX, ge=1, le=90, en="Days to answer an enterprise's concern", zh="企业诉求答复期限(天)"
    )

    @model_validator(mode="after")
    def _least_is_within_most(self) -> Self:
        if self.least_percent > self.most_percent:
            raise ValueError("least_percent is more than most_percent")
        return self
