"""Closed sets: stored under their GraphQL names, each value with its Chinese term."""

from __future__ import annotations

from enum import Enum
from typing import Self


class Term(str, Enum):
    """Base of every enum: `OPEN = "OPEN", "报名中"`. The value is stored; `.zh` is shown to people."""

    zh: str

    def __new__(cls, value: str, zh: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        return member

    def __str__(self) -> str:
        return str(self.value)


class AreaKind(Term):
    """Level of an area (区域层级)."""

    DISTRICT = "DISTRICT", "区"
    SUBDISTRICT = "SUBDISTRICT", "街道"
    TOWN = "TOWN", "镇"
    COMMUNITY = "COMMUNITY", "社区"
    VILLAGE = "VILLAGE", "村"
    COMPOUND = "COMPOUND", "小区"
    HAMLET = "HAMLET", "自然村"
    GRID = "GRID", "网格"


class ActorKind(Term):
    """What kind of actor (主体类型)."""

    PERSON = "PERSON", "个人"
    HOUSEHOLD = "HOUSEHOLD", "家庭"
    ORGANIZATION = "ORGANIZATION", "组织"
    ENTERPRISE = "ENTERPRISE", "企业"
    GOVERNMENT_BODY = "GOVERNMENT_BODY", "政府部门"


class OrganizationKind(Term):
    """What kind of organization (组织类型)."""

    RESIDENTS_COMMITTEE = "RESIDENTS_COMMITTEE", "居民委员会"
    VILLAGERS_COMMITTEE = "VILLAGERS_COMMITTEE", "村民委员会"
    VILLAGE_SUPERVISION_COMMITTEE = "VILLAGE_SUPERVISION_COMMITTEE", "村务监督委员会"
    SOCIAL_ORGANIZATION = "SOCIAL_ORGANIZATION", "社会团体"
    PRIVATE_NON_ENTERPRISE = "PRIVATE_NON_ENTERPRISE", "民办非企业单位"
    SOCIAL_WORK = "SOCIAL_WORK", "社工机构"
    VOLUNTEER_TEAM = "VOLUNTEER_TEAM", "志愿服务队"
    CLUB = "CLUB", "俱乐部"
    RESEARCH = "RESEARCH", "研究机构"


class Registration(Term):
    """Legal standing of an organization (登记备案状态)."""

    REGISTERED = "REGISTERED", "已登记"
    FILED = "FILED", "已备案"
    NONE = "NONE", "未登记"


class MembershipRole(Term):
    """In what quality an actor belongs to an area or organization (成员身份)."""

    RESIDENT = "RESIDENT", "居民"
    RESIDENT_UNIT = "RESIDENT_UNIT", "驻区单位"
    MEMBER = "MEMBER", "成员"
    STAFF = "STAFF", "工作人员"


class MembershipState(Term):
    """Whether a membership is running (成员关系状态)."""

    ACTIVE = "ACTIVE", "有效"
    ENDED = "ENDED", "已结束"


class MandateState(Term):
    """Whether a mandate may be used (授权状态)."""

    ACTIVE = "ACTIVE", "有效"
    REVOKED = "REVOKED", "已撤销"


class HandoverState(Term):
    """How far a hand-over of duties has come (移交状态)."""

    PLANNED = "PLANNED", "待移交"
    DONE = "DONE", "已移交"
    CANCELLED = "CANCELLED", "已取消"


class ActivityState(Term):
    """Life of an activity (活动状态)."""

    PLANNED = "PLANNED", "筹备中"
    OPEN = "OPEN", "报名中"
    FINISHED = "FINISHED", "已结束"
    CANCELLED = "CANCELLED", "已取消"


class ParticipationState(Term):
    """A participant's standing in an activity (参与状态)."""

    JOINED = "JOINED", "已报名"
    LEFT = "LEFT", "已退出"
    ATTENDED = "ATTENDED", "已参加"


class Role(Term):
    """Roles given to a person or a post in an area and everything below it (角色)."""

    CLERK = "CLERK", "社区工作人员"
    INSPECTOR = "INSPECTOR", "巡查员"
    AREA_ADMIN = "AREA_ADMIN", "区域管理员"
    ADMIN = "ADMIN", "系统管理员"


class RemedyKind(Term):
    """What would turn a refusal into a yes (解决途径)."""

    SIGN_IN = "SIGN_IN", "登录"
    ROLE = "ROLE", "授予角色"
    MANDATE = "MANDATE", "出具授权"
    PLUGIN = "PLUGIN", "启用机制"


class Authority(Term):
    """On what ground an act was allowed (依据)."""

    ROLE = "ROLE", "角色授权"
    MANDATE = "MANDATE", "组织授权"
    OPEN = "OPEN", "人人可为"
    SELF = "SELF", "本人事务"
    SYSTEM = "SYSTEM", "系统"
    GUARDIAN = "GUARDIAN", "监护"


class BehalfBasis(Term):
    """How a person without an account asked for something at the desk (代办依据)."""

    IN_PERSON = "IN_PERSON", "本人到场"
    PHONE = "PHONE", "电话"
    WRITTEN = "WRITTEN", "书面"
    GUARDIAN = "GUARDIAN", "监护人"  # who acts is the guardian, and is recorded as such


class AccountState(Term):
    """Whether an account may sign in (账户状态)."""

    INVITED = "INVITED", "待接受邀请"
    ACTIVE = "ACTIVE", "正常"
    DISABLED = "DISABLED", "停用"


class TicketKind(Term):
    """What a ticket is good for, once (凭证用途)."""

    INVITATION = "INVITATION", "开户邀请"
    PASSWORD_RESET = "PASSWORD_RESET", "重设密码"
    CHALLENGE = "CHALLENGE", "登录验证"
    IDENTITY = "IDENTITY", "待核实身份"


class ProviderKind(Term):
    """How a sign-in provider knows somebody (登录方式)."""

    PHONE = "PHONE", "手机验证码"
    REDIRECT = "REDIRECT", "统一认证"


class Move(Term):
    """How an area below may move a setting (下级可调方式)."""

    OPEN = "OPEN", "下级自定"
    MIN = "MIN", "不得低于"
    MAX = "MAX", "不得高于"
    SUBSET = "SUBSET", "只可选取其中"
    EXTEND = "EXTEND", "可以增补"
    LOCKED = "LOCKED", "不得更改"


class Toggle(Term):
    """What an area says about a mechanism (启停设定)."""

    INHERIT = "INHERIT", "随上级"
    OFF = "OFF", "停用"
    PILOT = "PILOT", "试点"
    ON = "ON", "启用"


class PluginState(Term):
    """Whether a mechanism is on in an area (启用状态)."""

    OFF = "OFF", "停用"
    PILOT = "PILOT", "试点"
    ON = "ON", "启用"


class Origin(Term):
    """Where a value comes from (来源)."""

    DEFAULT = "DEFAULT", "默认值"
    FILE = "FILE", "配置文件"
    MUTATION = "MUTATION", "在线设定"
    BOUND = "BOUND", "上级限制"


class DocumentState(Term):
    """Whether a rule document is in force (制度文件状态)."""

    IN_FORCE = "IN_FORCE", "有效"
    SUPERSEDED = "SUPERSEDED", "已被取代"
    WITHDRAWN = "WITHDRAWN", "已废止"


class ImportState(Term):
    """How far a spreadsheet has come (导入状态)."""

    RECEIVED = "RECEIVED", "已收到"
    CHECKING = "CHECKING", "检查中"
    CHECKED = "CHECKED", "检查通过"
    APPLYING = "APPLYING", "导入中"
    APPLIED = "APPLIED", "已导入"
    REFUSED = "REFUSED", "未通过"
    EXPIRED = "EXPIRED", "已过期"


class Severity(Term):
    """Whether a finding stops an import (严重程度)."""

    ERROR = "ERROR", "错误"
    WARNING = "WARNING", "提示"


class ExportState(Term):
    """How far an export has come (导出状态)."""

    QUEUED = "QUEUED", "排队中"
    READY = "READY", "可下载"
    FAILED = "FAILED", "失败"
    EXPIRED = "EXPIRED", "已过期"


class ExportFormat(Term):
    """As what kind of file (导出格式)."""

    XLSX = "XLSX", "Excel 工作簿"
    CSV = "CSV", "逗号分隔文本"
    JSON = "JSON", "JSON 文本"


class SensitiveField(Term):
    """A fact about somebody that is shown only for a purpose, and each time noted (敏感信息项)."""

    ADDRESS = "ADDRESS", "住址"
    PHONE = "PHONE", "电话"
    ID_LAST_FOUR = "ID_LAST_FOUR", "证件号后四位"


class ConsentState(Term):
    """Whether a consent holds (同意状态)."""

    GIVEN = "GIVEN", "已同意"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class ConsentBasis(Term):
    """How consent was given (同意方式)."""

    ONLINE = "ONLINE", "本人在线"
    IN_PERSON = "IN_PERSON", "本人到场"
    WRITTEN = "WRITTEN", "书面"
    GUARDIAN = "GUARDIAN", "监护人代为"


class GuardianBasis(Term):
    """Why somebody is a guardian (监护依据)."""

    PARENT = "PARENT", "父母"
    RELATIVE = "RELATIVE", "近亲属"
    APPOINTED = "APPOINTED", "指定监护"
    AGREED = "AGREED", "意定监护"


class GuardianshipState(Term):
    """Whether a guardianship runs (监护状态)."""

    ACTIVE = "ACTIVE", "有效"
    ENDED = "ENDED", "已结束"
