"""The closed sets of ballots."""

from __future__ import annotations

from core.enums import Term

FEWEST = 5  # papers of a secret ballot that are counted together, and shown by themselves


class EligibilityState(Term):
    """Whether an edition of an eligibility rule is in force (规则状态)."""

    IN_FORCE = "IN_FORCE", "现行"
    REPLACED = "REPLACED", "已被替代"


class EligibilityPredicate(Term):
    """What an eligibility rule may ask of a voter (资格条件)."""

    AGE = "AGE", "年满若干周岁"
    RESIDENCE = "RESIDENCE", "居住满若干月"
    MEMBERSHIP = "MEMBERSHIP", "在本区域登记为成员"
    ORGANIZATION = "ORGANIZATION", "驻区单位"
    APPLICATION = "APPLICATION", "本人申请"
    CONSENT = "CONSENT", "村民会议或代表会议同意"
    HOUSEHOLD_REGISTRATION = "HOUSEHOLD_REGISTRATION", "户籍(仅限法定规则)"


class VoterFact(Term):
    """What a clerk saw for a roll (核实事项)."""

    BORN = "BORN", "出生日期"
    APPLICATION = "APPLICATION", "本人书面申请"
    HOUSEHOLD_REGISTRATION = "HOUSEHOLD_REGISTRATION", "户籍所在"
    RIGHTS_SUSPENDED = "RIGHTS_SUSPENDED", "依法停止行使选举权利"


class VoterFactState(Term):
    """Whether what was seen still counts (核实状态)."""

    VALID = "VALID", "有效"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class RollState(Term):
    """Life of a roll (名册状态)."""

    DRAFT = "DRAFT", "编制中"
    POSTED = "POSTED", "已公布"
    FINAL = "FINAL", "已确认"
    FROZEN = "FROZEN", "已冻结"
    RELEASED = "RELEASED", "已结束"
    DISCARDED = "DISCARDED", "已作废"


class RollEntryState(Term):
    """Whether an entry carries a vote (选民登记状态)."""

    LISTED = "LISTED", "已列入"
    PENDING_CONSENT = "PENDING_CONSENT", "待村民会议或代表会议同意"
    REMOVED = "REMOVED", "已除名"


class RollObjectionWish(Term):
    """What an objection asks for (异议请求)."""

    ADD = "ADD", "应列入"
    REMOVE = "REMOVE", "不应列入"


class RollObjectionState(Term):
    """Life of an objection (异议状态)."""

    OPEN = "OPEN", "待处理"
    UPHELD = "UPHELD", "成立"
    DISMISSED = "DISMISSED", "不成立"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class ElectionState(Term):
    """Life of an election (选举状态)."""

    NOMINATING = "NOMINATING", "提名中"
    CANDIDATES = "CANDIDATES", "候选人已公布"
    VOTING = "VOTING", "投票中"
    DECIDED = "DECIDED", "结果已出"
    FAILED = "FAILED", "选举未成"
    SEATED = "SEATED", "已就任"
    CANCELLED = "CANCELLED", "已取消"


class CandidateState(Term):
    """Life of a candidacy (候选人状态)."""

    NOMINATED = "NOMINATED", "已提名"
    ACCEPTED = "ACCEPTED", "正式候选人"
    DECLINED = "DECLINED", "本人谢绝"
    REJECTED = "REJECTED", "资格不符"
    ELECTED = "ELECTED", "当选"
    NOT_ELECTED = "NOT_ELECTED", "未当选"


class BallotElectorate(Term):
    """How the voters of a ballot came to be (投票人范围)."""

    NAMED = "NAMED", "指定名单"
    ROLL = "ROLL", "经公布的选民名册"
    RESIDENTS = "RESIDENTS", "本区域全体合资格者"


class BallotKind(Term):
    """How a paper is filled in (投票方式)."""

    YES_NO = "YES_NO", "赞成或反对"
    SINGLE = "SINGLE", "单选"
    MULTIPLE = "MULTIPLE", "多选"
    RANKED = "RANKED", "排序"
    SCORE = "SCORE", "打分"


class BallotState(Term):
    """Life of a ballot (表决状态)."""

    ANNOUNCED = "ANNOUNCED", "已公告"
    OPEN = "OPEN", "投票中"
    COUNTING = "COUNTING", "计票中"
    CLOSED = "CLOSED", "已结束"
    CANCELLED = "CANCELLED", "已取消"
    ANNULLED = "ANNULLED", "结果已宣布无效"


class BallotOutcome(Term):
    """What a ballot came to, worked out by the server (表决结果)."""

    ADOPTED = "ADOPTED", "通过"
    REJECTED = "REJECTED", "未通过"
    NO_QUORUM = "NO_QUORUM", "未达法定人数"
    TIED = "TIED", "票数相等"
    ELECTED = "ELECTED", "已选出"


class ShareBase(Term):
    """Of what a threshold is a share (比例基数)."""

    ROLL = "ROLL", "名册人数"
    BALLOTS = "BALLOTS", "投票总数"
    VALID = "VALID", "有效票数"


class TieRule(Term):
    """What happens to equal votes for the last seat (同票处理)."""

    TIED = "TIED", "另行投票"
    LOT = "LOT", "抽签"
    REJECT = "REJECT", "视为未通过"


class VotingChannel(Term):
    """How somebody voted (投票渠道)."""

    ONLINE = "ONLINE", "线上"
    DESK = "DESK", "现场纸票"


class BallotBox(Term):
    """Where papers were put in (票箱)."""

    STATION = "STATION", "固定票箱"
    MOBILE = "MOBILE", "流动票箱"


class PaperBatchState(Term):
    """Whether a second teller has counted the same (计票状态)."""

    ENTERED = "ENTERED", "待复核"
    CONFIRMED = "CONFIRMED", "已复核"
    REJECTED = "REJECTED", "复核不符"


class VoteProxyState(Term):
    """Life of a proxy (委托状态)."""

    GIVEN = "GIVEN", "有效"
    WITHDRAWN = "WITHDRAWN", "已撤回"
