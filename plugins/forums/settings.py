"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from core.settings import Move, Settings, setting


class ForumsSettings(Settings):
    """Percentages of majorities are to be exceeded: 50 is more than half."""

    residence_months: int = setting(
        0, move=Move.MAX, ge=0, le=12, en="Months somebody has lived here before they join an open forum",
        zh="加入开放议事厅所需居住月数",
    )  # fmt: skip
    topics_per_member: int = setting(
        3, ge=1, le=50, en="Topics of one member that are open at once", zh="每名成员同时讨论中的议题数"
    )
    round_days: int = setting(3, move=Move.MIN, ge=0, le=60, en="Days a round lasts at least", zh="每轮讨论最少天数")
    least_rounds: int = setting(
        1, move=Move.MIN, ge=1, le=10, en="Rounds before a topic may be decided", zh="决定前至少讨论轮数"
    )
    statements_per_round: int = setting(
        5, ge=1, le=100, en="Statements of one member in a round", zh="每名成员每轮发言次数"
    )
    statement_length: int = setting(1000, ge=50, le=5000, en="Characters of a statement", zh="每次发言字数")
    consensus_days: int = setting(
        5, move=Move.MIN, ge=1, le=60, en="Days to object to a proposed consensus", zh="共识异议期(天)"
    )
    consensus_percent: int = setting(
        20, move=Move.MIN, ge=1, le=100,
        en="A consensus counts when at least this percentage of the members took a position",
        zh="共识表态比例(不低于,%)",
    )  # fmt: skip
    ballot_days: int = setting(5, move=Move.MIN, ge=1, le=60, en="Days a ballot is open", zh="投票天数")
    ballot_quorum_percent: int = setting(
        50, move=Move.MIN, ge=0, le=99, en="More than this percentage of those on the roll has to vote",
        zh="投票参与比例(须超过,%)",
    )  # fmt: skip
    ballot_majority_percent: int = setting(
        50, move=Move.MIN, ge=50, le=99, en="More than this percentage of the votes is needed", zh="通过比例(须超过,%)"
    )
    announce_results: bool = setting(True, en="Results are made public before they take effect", zh="结果须先公示")
    exclusion_days: int = setting(
        30, move=Move.MAX, ge=1, le=365, en="Longest time somebody is excluded, in days", zh="暂停参与最长天数"
    )
    appeal_days: int = setting(
        15, move=Move.MIN, ge=1, le=90, en="Days to appeal against moderation", zh="管理措施申诉期(天)"
    )
