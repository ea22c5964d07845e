"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from core.settings import Move, Settings, setting
from plugins.councils.terms import Matter


class CouncilsSettings(Settings):
    """Percentages are to be exceeded: 50 is more than half. A charter may be stricter, never laxer; about conduct
    milder, never harsher."""

    quorum_percent: int = setting(
        50, move=Move.MIN, ge=33, le=99,
        en="A meeting has its quorum when more than this percentage of the voting members is there",
        zh="会议法定到会比例(须超过,%)",
    )  # fmt: skip
    majority_percent: int = setting(
        50, move=Move.MIN, ge=50, le=99,
        en="A resolution passes when more than this percentage of those who may vote there is for it",
        zh="决议通过比例(须超过,%)",
    )  # fmt: skip
    term_months: int = setting(
        36, move=Move.MAX, ge=1, le=120, en="Longest term of a seat, in months", zh="最长任期(月)"
    )
    notice_days: int = setting(
        5, move=Move.MIN, ge=0, le=60, en="Days of notice before a meeting", zh="会议提前通知天数"
    )
    calls_to_order: int = setting(
        2, move=Move.MIN, ge=1, le=20,
        en="How often somebody is called to order at a meeting before they may be excluded from it",
        zh="责令退场前须警告的次数",
    )  # fmt: skip
    exclusion_days: int = setting(
        30, move=Move.MAX, ge=0, le=365,
        en="Longest exclusion from a body's meetings, in days; 0: the rest of that meeting only",
        zh="禁止到会最长天数(0 为仅限当次会议)",
    )  # fmt: skip
    appeal_days: int = setting(
        7, move=Move.MIN, ge=1, le=90, en="Days to appeal against an exclusion", zh="对责令退场的申诉期(天)"
    )
    listed_matters: list[Matter] = setting(
        [Matter.FUNDS, Matter.PROJECT, Matter.LAND, Matter.RULES, Matter.PERSONNEL], move=Move.EXTEND,
        en="Not decided by a body whose composition is not as it has to be", zh="组成不合规时不得议决的事项",
    )  # fmt: skip
    announced_matters: list[Matter] = setting(
        [Matter.FUNDS, Matter.PROJECT, Matter.LAND, Matter.RULES, Matter.PERSONNEL], move=Move.EXTEND,
        en="Resolutions about these are made public before they take effect", zh="决议须先公示的事项",
    )  # fmt: skip
    ballot_days: int = setting(3, ge=1, le=60, en="Days a body's ballot is open", zh="组织内投票天数")
    consultation_days: int = setting(
        15, move=Move.MIN, ge=1, le=180, en="Days a draft charter is open to comments", zh="章程征求意见天数"
    )
    charter_ballot_days: int = setting(7, ge=1, le=60, en="Days the ballot on a charter is open", zh="章程投票天数")
    charter_quorum_percent: int = setting(
        50, move=Move.MIN, ge=50, le=99,
        en="A vote on a charter counts when more than this percentage of the members took part",
        zh="章程表决参与比例(须超过,%)",
    )  # fmt: skip
    charter_majority_percent: int = setting(
        50, move=Move.MIN, ge=50, le=99,
        en="A charter is adopted when more than this percentage of those who took part is for it",
        zh="章程通过比例(须超过,%)",
    )  # fmt: skip
    request_residents_one_in: int = setting(
        10, move=Move.MIN, ge=1, le=1000,
        en="A meeting is due when one in so many residents, or more, ask for it", zh="几分之一以上居民联名,应召开会议",
    )  # fmt: skip
    request_members_one_in: int = setting(
        3, move=Move.MIN, ge=1, le=1000,
        en="A meeting is due when one in so many voting members, or more, ask for it", zh="几分之一以上成员联名,应召开会议",
    )  # fmt: skip
    request_days: int = setting(
        60, move=Move.MIN, ge=1, le=366, en="Days a request for a meeting is open to supporters", zh="会议请求联名天数"
    )
    requested_within_days: int = setting(
        10, move=Move.MAX, ge=1, le=90,
        en="A meeting that is due has to be held within so many days", zh="应召开的会议须在几日内召开",
    )  # fmt: skip
