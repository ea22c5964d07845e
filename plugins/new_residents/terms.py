"""The closed sets of new residents' services."""

from __future__ import annotations

from core.enums import Term


class ResidenceState(Term):
    """Life of a registration (登记状态)."""

    INVITED = "INVITED", "待本人确认"
    SUBMITTED = "SUBMITTED", "待核验"
    PENDING_CONSENT = "PENDING_CONSENT", "待村民同意"
    CONSENT_REFUSED = "CONSENT_REFUSED", "村民未同意"
    VERIFIED = "VERIFIED", "已核验"
    REJECTED = "REJECTED", "未通过"
    REVOKED = "REVOKED", "已撤销核验"
    MOVED_AWAY = "MOVED_AWAY", "已迁出"
    WITHDRAWN = "WITHDRAWN", "已撤回"
    DECLINED = "DECLINED", "本人未同意"
    LAPSED = "LAPSED", "逾期未确认"


OPEN = (ResidenceState.SUBMITTED,)
ASKED = (ResidenceState.PENDING_CONSENT, ResidenceState.CONSENT_REFUSED)
LIVES_HERE = (ResidenceState.VERIFIED, *ASKED)  # the facts are verified, whatever the villagers say


class ResidenceProofKind(Term):
    """What shows that somebody lives here (居住凭据类型)."""

    LEASE = "LEASE", "租赁合同"
    JOB = "JOB", "劳动合同或在职证明"
    DORMITORY = "DORMITORY", "单位宿舍证明"
    SCHOOL = "SCHOOL", "就学证明"
    PERMIT = "PERMIT", "居住证明"
    OTHER = "OTHER", "其他"


class IdentityCheck(Term):
    """How the person was found to be who they say; the document itself is not kept (身份核验)."""

    IN_PERSON = "IN_PERSON", "现场核验证件"
    REMOTE = "REMOTE", "线上实名核验"
    ON_FILE = "ON_FILE", "此前已核验"


class EqualGroup(Term):
    """The five ways of equal footing (五同)."""

    CITY = "CITY", "同城市"
    MANAGEMENT = "MANAGEMENT", "同管理"
    PARTICIPATION = "PARTICIPATION", "同参与"
    SERVICE = "SERVICE", "同服务"
    TREATMENT = "TREATMENT", "同待遇"


class EntitlementState(Term):
    """Whether an entitlement is offered (事项状态)."""

    OFFERED = "OFFERED", "提供中"
    RETIRED = "RETIRED", "已停止"


class EntitlementStanding(Term):
    """A person's standing in an entitlement (享有状态)."""

    REQUESTED = "REQUESTED", "待办理"
    GRANTED = "GRANTED", "已享有"
    REFUSED = "REFUSED", "未批准"
    ENDED = "ENDED", "已终止"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class EntitlementRefusal(Term):
    """Why an entitlement was refused; where somebody is registered (户籍) is none of them (不予办理原因)."""

    RESIDENCE = "RESIDENCE", "居住时间不足"
    STATUTE = "STATUTE", "法定例外"
    CAPACITY = "CAPACITY", "名额已满"
    OTHER = "OTHER", "其他"


class ResidentAppealState(Term):
    """Life of an appeal (申诉状态)."""

    OPEN = "OPEN", "待裁定"
    GRANTED = "GRANTED", "申诉成立"
    DISMISSED = "DISMISSED", "申诉不成立"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class ServicePointState(Term):
    """Whether a service point is there (服务点状态)."""

    OPEN = "OPEN", "服务中"
    CLOSED = "CLOSED", "已撤销"


class DormitoryListState(Term):
    """Whether a dormitory list still waits for answers (名单状态)."""

    OPEN = "OPEN", "确认中"
    CLOSED = "CLOSED", "已结束"


class ParityFinding(Term):
    """How newcomers fare beside locals in one entitlement (对等情况)."""

    EQUAL = "EQUAL", "同等"
    BELOW = "BELOW", "低于本地居民"
    STATUTORY = "STATUTORY", "法定例外"
    TOO_FEW = "TOO_FEW", "人数过少,不作比较"
