"""The closed sets of enterprises in co-governance."""

from __future__ import annotations

from core.enums import ActorKind, OrganizationKind, Term

KEY = "enterprise_council"
ENTERPRISE = "ENTERPRISE"  # the category of seats that are kept here
CO_BUILDING = "CO_BUILDING"  # the kind of body that has such seats from its beginning


class ShareRounding(Term):
    """How the share of seats becomes a number of them (取整方式)."""

    UP = "UP", "向上取整"
    DOWN = "DOWN", "向下取整"
    NEAREST = "NEAREST", "四舍五入"


class EnterpriseSeatState(Term):
    """Whether an enterprise's seat has a representative (企业席位状态)."""

    HELD = "HELD", "有代表在任"
    VACANT = "VACANT", "待派代表"
    ENDED = "ENDED", "已终止"


class SeatEnd(Term):
    """Why an enterprise has its seat no longer (席位终止原因)."""

    WITHDRAWN = "WITHDRAWN", "企业退出"
    LEFT_AREA = "LEFT_AREA", "企业迁离"
    REMOVED = "REMOVED", "取消席位"
    TERM_OVER = "TERM_OVER", "任期届满"
    BY_CHARTER = "BY_CHARTER", "章程不再设此席位"
    DISSOLVED = "DISSOLVED", "组织撤销"


class PartyRole(Term):
    """As what a party is in a compact (公约主体)."""

    TOWN = "TOWN", "镇(街道)"
    VILLAGE = "VILLAGE", "村(社区)"
    ENTERPRISE = "ENTERPRISE", "企业"


COMMITTEES = (OrganizationKind.VILLAGERS_COMMITTEE, OrganizationKind.RESIDENTS_COMMITTEE)
KINDS = {
    PartyRole.TOWN: ActorKind.GOVERNMENT_BODY,
    PartyRole.VILLAGE: ActorKind.ORGANIZATION,
    PartyRole.ENTERPRISE: ActorKind.ENTERPRISE,
}


class CommitmentState(Term):
    """Life of a commitment (承诺状态)."""

    OPEN = "OPEN", "履行中"
    DELIVERED = "DELIVERED", "已履行,待确认"
    CONFIRMED = "CONFIRMED", "对方已确认"


class ConcernState(Term):
    """Life of an enterprise's concern (诉求状态)."""

    RAISED = "RAISED", "待交办"
    ASSIGNED = "ASSIGNED", "办理中"
    ANSWERED = "ANSWERED", "已答复"
    CLOSED = "CLOSED", "已办结"
    WITHDRAWN = "WITHDRAWN", "已撤回"


OPEN_CONCERN = (ConcernState.RAISED, ConcernState.ASSIGNED, ConcernState.ANSWERED)


class SelfHelpState(Term):
    """Life of a problem that somebody solves themselves (自助解决状态)."""

    DECLARED = "DECLARED", "已发现"
    STUDIED = "STUDIED", "已研究"
    SOLVED = "SOLVED", "已解决,待社区确认"
    CONFIRMED = "CONFIRMED", "社区已确认"
    ABANDONED = "ABANDONED", "已放弃"


OPEN_SELF_HELP = (SelfHelpState.DECLARED, SelfHelpState.STUDIED, SelfHelpState.SOLVED)
