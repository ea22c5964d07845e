"""The closed sets of disclosure."""

from __future__ import annotations

from core.enums import Term


class NoticeState(Term):
    """Life of a notice (公示状态)."""

    DRAFT = "DRAFT", "草稿"
    DISCARDED = "DISCARDED", "已作废"
    PUBLISHED = "PUBLISHED", "公示中"
    OBJECTED = "OBJECTED", "有异议待答复"
    RESOLVED = "RESOLVED", "异议已答复"
    CLOSED_CLEAN = "CLOSED_CLEAN", "期满无异议"
    CLOSED_UPHELD = "CLOSED_UPHELD", "期满异议成立"
    SUPERSEDED = "SUPERSEDED", "已被更正公示取代"


HIDDEN = (NoticeState.DRAFT, NoticeState.DISCARDED)  # from everybody but who publishes
RUNNING = (NoticeState.PUBLISHED, NoticeState.OBJECTED, NoticeState.RESOLVED)
CLOSED = (NoticeState.CLOSED_CLEAN, NoticeState.CLOSED_UPHELD)


class DayKind(Term):
    """Which days a window counts (期间计算方式)."""

    CALENDAR = "CALENDAR", "自然日"
    WORKING = "WORKING", "工作日"


class Masking(Term):
    """How people are named in a notice (姓名显示方式)."""

    MASKED = "MASKED", "隐去部分"
    FULL = "FULL", "全名"


class ObjectionState(Term):
    """Life of an objection (异议状态)."""

    OPEN = "OPEN", "待答复"
    REJECTED = "REJECTED", "不成立"
    UPHELD = "UPHELD", "成立"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class RecordKind(Term):
    """What a record of the chain seals (存证类型)."""

    PUBLISHED = "PUBLISHED", "发布"
    PROLONGED = "PROLONGED", "延长"
    POSTED = "POSTED", "张贴"
    OBJECTED = "OBJECTED", "提出异议"
    WITHDRAWN = "WITHDRAWN", "撤回异议"
    ANSWERED = "ANSWERED", "答复异议"
    CLOSED = "CLOSED", "办结"


class StoryState(Term):
    """Life of a story (宣传稿状态)."""

    DRAFT = "DRAFT", "草稿"
    PUBLISHED = "PUBLISHED", "已刊发"
    WITHDRAWN = "WITHDRAWN", "已撤下"


class StoryAnswer(Term):
    """What somebody who is in a story says to it (当事人答复)."""

    ASKED = "ASKED", "待答复"
    CONSENTED = "CONSENTED", "同意刊发"
    REFUSED = "REFUSED", "不同意"
    LEFT_OUT = "LEFT_OUT", "已不再涉及"


class Heading(Term):
    """Under which heading of an organization's yearly file something stands (年度档案栏目)."""

    RATING = "RATING", "分类评定"
    GRANT = "GRANT", "以奖代补"
    MONEY = "MONEY", "财务收支"
    DISCLOSURE = "DISCLOSURE", "宣传公示"
    STORY = "STORY", "宣传稿"
    ACTIVITY = "ACTIVITY", "活动与履约"
