"""The terms of caring points, with their Chinese names."""

from __future__ import annotations

from core.enums import Term


class RuleState(Term):
    """Whether a rule gives points now (规则状态)."""

    SCHEDULED = "SCHEDULED", "待生效"
    ACTIVE = "ACTIVE", "生效"
    RETIRED = "RETIRED", "停用"


class CapPeriod(Term):
    """The civil period a cap counts in (封顶周期)."""

    MONTH = "MONTH", "月"
    QUARTER = "QUARTER", "季度"
    HALF_YEAR = "HALF_YEAR", "半年"
    YEAR = "YEAR", "年"


class EntryKind(Term):
    """Why points came or went (流水类型)."""

    AWARD = "AWARD", "按规则计分"
    MANUAL = "MANUAL", "人工加分"
    REVERSAL = "REVERSAL", "冲正"
    REDEMPTION = "REDEMPTION", "兑换"
    EXPIRY = "EXPIRY", "过期"
    TRANSFER = "TRANSFER", "账户合并转移"


class GrantState(Term):
    """Life of a manual entry (人工加分状态)."""

    PENDING = "PENDING", "待复核"
    CONFIRMED = "CONFIRMED", "已确认"
    DECLINED = "DECLINED", "未通过"


class PendingState(Term):
    """Whether a reversal still waits for points (待冲正状态)."""

    WAITING = "WAITING", "待扣回"
    DONE = "DONE", "已扣回"


class DisputeState(Term):
    """Life of a dispute (异议状态)."""

    OPEN = "OPEN", "处理中"
    UPHELD = "UPHELD", "异议成立"
    REJECTED = "REJECTED", "异议不成立"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class RedemptionState(Term):
    """Life of a redemption (兑换状态)."""

    RESERVED = "RESERVED", "已预留"
    DELIVERED = "DELIVERED", "已领取"
    CANCELLED = "CANCELLED", "已取消"
