"""The closed sets of adopt-a-spot."""

from __future__ import annotations

from core.enums import Term


class AssetKind(Term):
    """What can be adopted (认领对象类型)."""

    GREEN_SPACE = "GREEN_SPACE", "绿地"
    SPACE = "SPACE", "空间"
    PUBLIC_FACILITY = "PUBLIC_FACILITY", "公共设施"
    TREE = "TREE", "树木"
    PROJECT = "PROJECT", "待建项目"


class AssetState(Term):
    """Whether a spot can be claimed (认领对象状态)."""

    AVAILABLE = "AVAILABLE", "可认领"
    RESERVED = "RESERVED", "已预定"
    ADOPTED = "ADOPTED", "已认领"
    BUILT = "BUILT", "已验收,待移交"
    RETIRED = "RETIRED", "已撤下"


class CoordinateSystem(Term):
    """The system a position is given in; they differ by some hundred metres (坐标系)."""

    WGS84 = "WGS84", "WGS84 世界坐标"
    GCJ02 = "GCJ02", "国测局坐标(高德、腾讯)"
    BD09 = "BD09", "百度坐标"
    CGCS2000 = "CGCS2000", "2000 国家大地坐标"


class AdoptionMode(Term):
    """Give money or material (认领), or give labour (认管)."""

    FUND = "FUND", "认领"
    CARE = "CARE", "认管"


class ClaimState(Term):
    """Life of a claim (申请状态)."""

    SUBMITTED = "SUBMITTED", "待审核"
    REVIEWED = "REVIEWED", "已初审"
    ACCEPTED = "ACCEPTED", "已通过"
    REJECTED = "REJECTED", "未通过"
    WITHDRAWN = "WITHDRAWN", "已撤回"


OPEN_CLAIM = (ClaimState.SUBMITTED, ClaimState.REVIEWED)


class InspectionResult(Term):
    """Outcome of an inspection (巡查结果)."""

    PASSED = "PASSED", "合格"
    FAILED = "FAILED", "不合格"
    VOIDED = "VOIDED", "已作废"


class RevocationState(Term):
    """Life of a revocation (取消认领状态)."""

    PROPOSED = "PROPOSED", "建议取消"
    DISMISSED = "DISMISSED", "不予取消"
    REVOKED = "REVOKED", "已取消,可申诉"
    APPEALED = "APPEALED", "申诉中"
    UPHELD = "UPHELD", "维持取消"
    OVERTURNED = "OVERTURNED", "撤销取消"
    FINAL = "FINAL", "已生效"
