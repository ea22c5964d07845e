"""The closed sets of councils and charters."""

from __future__ import annotations

from core.enums import Term


class BodyKind(Term):
    """What kind of body it is (议事组织类型)."""

    RESIDENTS_COUNCIL = "RESIDENTS_COUNCIL", "居民理事会"
    RESPECTED_VILLAGERS = "RESPECTED_VILLAGERS", "乡贤理事会"
    MORALITY_PANEL = "MORALITY_PANEL", "道德评议会"
    VILLAGERS_COUNCIL = "VILLAGERS_COUNCIL", "村民议事会"
    CO_RESIDENT = "CO_RESIDENT", "同驻共建理事会"
    REPRESENTATIVES = "REPRESENTATIVES", "居民(村民)代表会议"
    COMMITTEE = "COMMITTEE", "居(村)民委员会"
    SUPERVISION = "SUPERVISION", "监督委员会"
    CO_BUILDING = "CO_BUILDING", "社企共建理事会"
    FORUM = "FORUM", "议事厅"
    JOINT = "JOINT", "联席会"
    SELF_GOVERNANCE_ASSOCIATION = "SELF_GOVERNANCE_ASSOCIATION", "小区自治促进会"
    OTHER = "OTHER", "其他"


ADVISORY_KINDS = (BodyKind.RESPECTED_VILLAGERS, BodyKind.MORALITY_PANEL)
REPRESENTING_KINDS = (BodyKind.REPRESENTATIVES, BodyKind.VILLAGERS_COUNCIL)  # they speak for the villagers
GIVEN_POWERS_KINDS = (BodyKind.VILLAGERS_COUNCIL,)  # they decide what they were given, and refer the rest up


class BodyState(Term):
    """Life of a body (组织状态)."""

    ACTIVE = "ACTIVE", "运行中"
    DISSOLVED = "DISSOLVED", "已撤销"


class SeatCategory(Term):
    """Whom a seat is for; a holder may count in several (席位类别)."""

    RESIDENT = "RESIDENT", "居民"
    REPRESENTATIVE = "REPRESENTATIVE", "居民(村民)代表"
    NEW_RESIDENT = "NEW_RESIDENT", "新居民"
    WOMEN = "WOMEN", "妇女"
    RESPECTED = "RESPECTED", "乡贤"
    ENTERPRISE = "ENTERPRISE", "企业"
    RESIDENT_UNIT = "RESIDENT_UNIT", "驻区单位"
    ORGANIZATION = "ORGANIZATION", "社会组织"
    EXPERT = "EXPERT", "专家"
    GOVERNMENT = "GOVERNMENT", "政府部门(列席,无表决权)"


RESIDENTS = (SeatCategory.RESIDENT, SeatCategory.REPRESENTATIVE, SeatCategory.NEW_RESIDENT)
FOR_AN_ORGANIZATION = (
    SeatCategory.ENTERPRISE,
    SeatCategory.RESIDENT_UNIT,
    SeatCategory.ORGANIZATION,
    SeatCategory.GOVERNMENT,
)


class Rounding(Term):
    """How a share of the seats becomes a number of them (取整方式)."""

    UP = "UP", "向上取整"
    DOWN = "DOWN", "向下取整"
    NEAREST = "NEAREST", "四舍五入"


class SeatRuleState(Term):
    """Whether a seat rule holds (席位规则状态)."""

    PLANNED = "PLANNED", "章程草案中"
    IN_FORCE = "IN_FORCE", "有效"
    SUSPENDED = "SUSPENDED", "暂停(所属机制停用)"
    ENDED = "ENDED", "已失效"


class SeatState(Term):
    """Whether somebody sits there (席位状态)."""

    FILLED = "FILLED", "在任"
    SUSPENDED = "SUSPENDED", "暂停(所属机制停用)"
    VACATED = "VACATED", "已离任"


SITTING = (SeatState.FILLED, SeatState.SUSPENDED)
HOLDING = (SeatRuleState.IN_FORCE, SeatRuleState.SUSPENDED)


class SeatOffice(Term):
    """What its holder does in the body (职务)."""

    CHAIR = "CHAIR", "理事长(主任)"
    VICE_CHAIR = "VICE_CHAIR", "副理事长(副主任)"
    SECRETARY = "SECRETARY", "秘书"
    MEMBER = "MEMBER", "成员"


OFFICERS = (SeatOffice.CHAIR, SeatOffice.VICE_CHAIR, SeatOffice.SECRETARY)


class SeatedBy(Term):
    """How somebody came to sit there (产生方式)."""

    ELECTED = "ELECTED", "选举"
    APPOINTED = "APPOINTED", "推选或委派"
    EX_OFFICIO = "EX_OFFICIO", "当然成员"
    MANDATED = "MANDATED", "单位委派"


class VacatedBecause(Term):
    """Why somebody no longer sits there (离任原因)."""

    RESIGNED = "RESIGNED", "辞任"
    TERM_OVER = "TERM_OVER", "任期届满"
    REMOVED = "REMOVED", "罢免"
    LEFT_AREA = "LEFT_AREA", "迁离"
    MANDATE_ENDED = "MANDATE_ENDED", "委派终止"
    REPLACED = "REPLACED", "更换代表"
    DISSOLVED = "DISSOLVED", "组织撤销"
    BY_CHARTER = "BY_CHARTER", "章程不再设此席位"
    OTHER = "OTHER", "其他"


class Matter(Term):
    """What is decided about; a charter lists those that need a whole composition (事项类别)."""

    FUNDS = "FUNDS", "集体资金与财务"
    PROJECT = "PROJECT", "建设项目"
    LAND = "LAND", "集体土地与资产"
    RULES = "RULES", "公约与制度"
    PERSONNEL = "PERSONNEL", "人事与评议"
    FACILITIES = "FACILITIES", "公共设施与环境"
    ORDER = "ORDER", "治安与秩序"
    WELFARE = "WELFARE", "民生与福利"
    ACTIVITIES = "ACTIVITIES", "文体活动"
    OTHER = "OTHER", "其他"


class MeetingState(Term):
    """Life of a meeting (会议状态)."""

    CALLED = "CALLED", "已通知"
    OPEN = "OPEN", "进行中"
    ADJOURNED = "ADJOURNED", "未达法定人数,流会"
    CLOSED = "CLOSED", "已结束"
    CONFIRMED = "CONFIRMED", "记录已确认"
    CANCELLED = "CANCELLED", "已取消"


class AttendanceState(Term):
    """Whether a member came (到会情况)."""

    PRESENT = "PRESENT", "到会"
    EXCUSED = "EXCUSED", "请假"
    ABSENT = "ABSENT", "缺席"


class CallToOrderKind(Term):
    """For what somebody is called to order (警告事由)."""

    OVER_TIME = "OVER_TIME", "超时发言"
    INTERRUPTION = "INTERRUPTION", "打断他人"
    OTHER = "OTHER", "其他"


class ExclusionState(Term):
    """What was said about an exclusion; whether they may come back already is another matter (责令退场状态)."""

    DECLARED = "DECLARED", "已宣布"
    APPEALED = "APPEALED", "申诉中"
    UPHELD = "UPHELD", "维持"
    OVERTURNED = "OVERTURNED", "申诉成立,撤销"


class AgendaState(Term):
    """Life of an agenda item (议题状态)."""

    PROPOSED = "PROPOSED", "待审定"
    PLACED = "PLACED", "已列入议程"
    DECLINED = "DECLINED", "未列入"
    REFERRED = "REFERRED", "已提交上级组织"
    VOTED = "VOTED", "已表决"


class VoteMethod(Term):
    """How a resolution is voted on (表决方式)."""

    HAND_COUNT = "HAND_COUNT", "举手计数"
    BALLOT = "BALLOT", "投票"


class ResolutionState(Term):
    """Life of a resolution (决议状态)."""

    VOTING = "VOTING", "投票中"
    ADOPTED = "ADOPTED", "通过,公示中"
    EFFECTIVE = "EFFECTIVE", "已生效"
    REJECTED = "REJECTED", "未通过"
    DEFECTIVE = "DEFECTIVE", "组成不合规,不成立"
    OVERTURNED = "OVERTURNED", "异议成立,撤销"
    CANCELLED = "CANCELLED", "表决取消"


PASSED = (ResolutionState.ADOPTED, ResolutionState.EFFECTIVE)


class TaskState(Term):
    """Life of a follow-up task (决议事项状态)."""

    OPEN = "OPEN", "办理中"
    REPORTED = "REPORTED", "已反馈"
    CONFIRMED = "CONFIRMED", "已确认"
    CANCELLED = "CANCELLED", "已取消"


class ReportKind(Term):
    """What kind of report it is (报告类型)."""

    ANNUAL = "ANNUAL", "年度报告"
    SUPERVISION = "SUPERVISION", "监督报告"


class CharterState(Term):
    """Life of a charter's version (章程状态)."""

    DRAFT = "DRAFT", "起草中"
    CONSULTATION = "CONSULTATION", "征求意见"
    VOTING = "VOTING", "表决中"
    ADOPTED = "ADOPTED", "通过,公示中"
    IN_FORCE = "IN_FORCE", "施行中"
    SUPERSEDED = "SUPERSEDED", "已被取代"
    REJECTED = "REJECTED", "未通过"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class CharterParameter(Term):
    """What a clause tells the server (章程参数)."""

    QUORUM_PERCENT = "QUORUM_PERCENT", "到会须超过的百分比"
    MAJORITY_PERCENT = "MAJORITY_PERCENT", "赞成须超过的百分比"
    TERM_MONTHS = "TERM_MONTHS", "任期(月)"
    NOTICE_DAYS = "NOTICE_DAYS", "会议提前通知天数"
    SPEAKING_MINUTES = "SPEAKING_MINUTES", "每人发言时限(分钟)"
    CALLS_TO_ORDER = "CALLS_TO_ORDER", "责令退场前须警告的次数"
    EXCLUSION_DAYS = "EXCLUSION_DAYS", "禁止到会最长天数(0 为仅限当次会议)"
    APPEAL_DAYS = "APPEAL_DAYS", "对责令退场的申诉期(天)"
    LISTED_MATTER = "LISTED_MATTER", "组成不全时不得议决的事项"
    REQUEST_RESIDENTS_ONE_IN = "REQUEST_RESIDENTS_ONE_IN", "几分之一居民联名可要求开会"
    REQUEST_MEMBERS_ONE_IN = "REQUEST_MEMBERS_ONE_IN", "几分之一成员联名可要求开会"


class DelegationState(Term):
    """Life of a delegation (放权状态)."""

    ACTIVE = "ACTIVE", "有效"
    REVOKED = "REVOKED", "已收回"
    ENDED = "ENDED", "已期满"


class RequestState(Term):
    """Life of a request for a meeting (会议请求状态)."""

    OPEN = "OPEN", "联名中"
    DUE = "DUE", "已达人数,应召开会议"
    MET = "MET", "已召集会议"
    LAPSED = "LAPSED", "已失效"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class SupportState(Term):
    """Whether somebody's support of a request counts (联名状态)."""

    GIVEN = "GIVEN", "有效"
    WITHDRAWN = "WITHDRAWN", "已撤回"
    VOID = "VOID", "已迁离或离任,不计"


class ActivityStarter(Term):
    """Who started an activity, by the kind of its organizer (活动发起主体)."""

    RESIDENTS = "RESIDENTS", "居民(个人、家庭)"
    ORGANIZATIONS = "ORGANIZATIONS", "组织(含居委会、村委会)"
    ENTERPRISES = "ENTERPRISES", "企业"
    GOVERNMENT = "GOVERNMENT", "政府部门"


class NominationState(Term):
    """Life of a nomination for an honorary villagers' council (乡贤提名状态)."""

    PROPOSED = "PROPOSED", "待村民确认"
    CONFIRMED = "CONFIRMED", "已确认"
    DECLINED = "DECLINED", "未获确认"
    SEATED = "SEATED", "已任职"
