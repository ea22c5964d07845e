"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from core.enums import AreaKind
from core.settings import Move, Settings, setting


class NewResidentsSettings(Settings):
    """Deadlines in days."""

    evidence_needed: int = setting(
        1, move=Move.MIN, ge=1, le=4, en="Kinds of evidence needed to verify a residence", zh="核验居住所需凭据种类数"
    )
    appeal_days: int = setting(15, move=Move.MIN, ge=1, le=90, en="Days to appeal against a decision", zh="申诉期(天)")
    confirm_days: int = setting(
        30,
        move=Move.MAX,
        ge=1,
        le=90,
        en="Days a worker has to confirm what the employer's list says",
        zh="职工确认名单登记的期限(天)",
    )
    gap_days: int = setting(
        30, move=Move.MIN, ge=0, le=90, en="Days between two homes that do not break a residence", zh="迁居间断天数"
    )
    consent_kinds: list[AreaKind] = setting(
        [AreaKind.VILLAGE, AreaKind.HAMLET],
        move=Move.EXTEND,
        en="Kinds of areas where the villagers' consent is needed",
        zh="须经村民同意的区域类型",
    )
