"""What a community may tune. Ratios are whole per cent; a charter or rule may ask for more, never for less."""

from __future__ import annotations

from core.settings import Move, Settings, setting


class BallotsSettings(Settings):
    """Windows in days, residence in months, shares in per cent."""

    voting_age: int = setting(18, move=Move.LOCKED, ge=16, le=21, en="Age from which persons vote", zh="投票年龄")
    residence_months: int = setting(
        0,
        move=Move.MIN,
        ge=0,
        le=60,
        en="Months lived here before one votes, without a rule",
        zh="无规则时居住满若干月可投票",
    )
    roll_days: int = setting(
        20, move=Move.MIN, ge=0, le=90, en="Days a roll is posted before the vote", zh="名册公布至投票日的天数"
    )
    objection_days: int = setting(
        5, move=Move.MIN, ge=0, le=60, en="Days to object to a posted roll", zh="名册异议期(天)"
    )
    nomination_days: int = setting(7, move=Move.MIN, ge=0, le=60, en="Days to nominate", zh="提名期(天)")
    candidate_days: int = setting(
        3, move=Move.MIN, ge=0, le=60, en="Days candidates are posted before the vote", zh="候选人公布天数"
    )
    voting_hours: int = setting(
        1, move=Move.MIN, ge=0, le=720, en="Hours a ballot is open at the least", zh="投票至少开放小时数"
    )
    quorum_percent: int = setting(
        50,
        move=Move.MIN,
        ge=0,
        le=100,
        en="More than this share of the roll has to vote; 100: all, 0: none",
        zh="参与投票须超过名册的百分比(100 为全体,0 为不设)",
    )
    threshold_percent: int = setting(
        50,
        move=Move.MIN,
        ge=50,
        le=100,
        en="More than this share of the votes is needed; 100: all",
        zh="通过须超过票数的百分比(100 为全票)",
    )
    proxies_per_person: int = setting(
        3, move=Move.MAX, ge=0, le=10, en="Proxies one person may hold in a ballot", zh="每人最多接受委托数"
    )
    candidates_least: int = setting(
        1, move=Move.MIN, ge=0, le=5, en="Candidates there must be beyond the seats", zh="差额人数"
    )
