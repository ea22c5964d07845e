"""The closed sets of forums."""

from __future__ import annotations

from core.enums import Term


class ForumKind(Term):
    """What kind of forum it is; its body is of the same kind (议事厅类型)."""

    FORUM = "FORUM", "议事厅"
    JOINT = "JOINT", "联席会"
    SELF_GOVERNANCE_ASSOCIATION = "SELF_GOVERNANCE_ASSOCIATION", "小区自治促进会"


class ForumMembership(Term):
    """Who belongs to a forum, besides who holds a seat in its body (成员构成)."""

    OPEN = "OPEN", "开放:本区域居民均可加入"
    MIXED = "MIXED", "混合:居民与单位申请,经接纳加入"
    BODIES = "BODIES", "由各组织组成,各派一名代表"


class ForumState(Term):
    """Life of a forum (议事厅状态)."""

    ACTIVE = "ACTIVE", "运行中"
    CLOSED = "CLOSED", "已关闭"


class ForumMemberBasis(Term):
    """How somebody came to belong to a forum (成员来源)."""

    JOINED = "JOINED", "自行加入"
    ADMITTED = "ADMITTED", "申请接纳"
    SEATED = "SEATED", "席位成员"
    DELEGATED = "DELEGATED", "组织代表"


class ForumMemberState(Term):
    """Life of a membership in a forum (成员状态)."""

    APPLIED = "APPLIED", "待审核"
    ACTIVE = "ACTIVE", "正式成员"
    EXCLUDED = "EXCLUDED", "暂停参与"
    DECLINED = "DECLINED", "未接纳"
    LEFT = "LEFT", "已退出"
    ENDED = "ENDED", "已终止"


BELONGS = (ForumMemberState.APPLIED, ForumMemberState.ACTIVE, ForumMemberState.EXCLUDED)


class ForumTopicState(Term):
    """Life of a topic (议题状态)."""

    OPEN = "OPEN", "讨论中"
    DECIDING = "DECIDING", "决定中"
    RESOLVED = "RESOLVED", "已有结果"
    CLOSED = "CLOSED", "已结束,无结果"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class ForumRoundState(Term):
    """Life of a round of deliberation (轮次状态)."""

    OPEN = "OPEN", "进行中"
    CLOSED = "CLOSED", "已结束"


class ForumStatementState(Term):
    """Whether a statement stands (发言状态)."""

    SPOKEN = "SPOKEN", "有效"
    WITHDRAWN = "WITHDRAWN", "已撤回"
    HIDDEN = "HIDDEN", "已屏蔽"


class ForumModerationKind(Term):
    """What was done to keep order (管理措施类型)."""

    HIDE = "HIDE", "屏蔽发言"
    EXCLUDE = "EXCLUDE", "暂停参与"


class ForumModerationState(Term):
    """Life of a measure that keeps order (管理措施状态)."""

    IN_FORCE = "IN_FORCE", "有效"
    APPEALED = "APPEALED", "申诉中"
    UPHELD = "UPHELD", "维持"
    LIFTED = "LIFTED", "已撤销"
    OVER = "OVER", "已期满"


HOLDS = (ForumModerationState.IN_FORCE, ForumModerationState.APPEALED, ForumModerationState.UPHELD)


class ForumMethod(Term):
    """How a topic comes to a result (决定方式)."""

    CONSENSUS = "CONSENSUS", "共识(异议期)"
    BALLOT = "BALLOT", "投票"


class ForumElectorate(Term):
    """Whom a ballot asks (投票范围)."""

    MEMBERS = "MEMBERS", "成员"
    RESIDENTS = "RESIDENTS", "本区域居民"


class ForumResolutionState(Term):
    """Life of a result (结果状态)."""

    PENDING = "PENDING", "待定"
    ADOPTED = "ADOPTED", "通过,公示中"
    EFFECTIVE = "EFFECTIVE", "已生效"
    OBJECTED = "OBJECTED", "有异议,未达成共识"
    REJECTED = "REJECTED", "未通过"
    TIED = "TIED", "票数相同"
    NO_QUORUM = "NO_QUORUM", "参与人数不足"
    OVERTURNED = "OVERTURNED", "公示异议成立,撤销"
    WITHDRAWN = "WITHDRAWN", "已取消"


class ForumStance(Term):
    """What a member says to a proposed consensus (表态)."""

    AGREE = "AGREE", "同意"
    STAND_ASIDE = "STAND_ASIDE", "保留意见,不反对"
    OBJECT = "OBJECT", "反对"
