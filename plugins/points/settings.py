"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from core.settings import Move, Settings, setting


class PointsSettings(Settings):
    """Amounts in points, terms in months."""

    manual_limit: int = setting(
        100, move=Move.MAX, ge=1, le=1_000_000, en="Most points one manual entry may give", zh="单笔人工加分上限"
    )
    manual_month_limit: int = setting(
        300, move=Move.MAX, ge=1, le=1_000_000,
        en="Most points manual entries may give one actor in a month", zh="同一主体每月人工加分上限",
    )  # fmt: skip
    expire_months: int = setting(
        0,
        move=Move.OPEN,
        ge=0,
        le=120,
        en="Points expire after so many months; 0 is never",
        zh="积分有效期(月),0 为永久",
    )
