"""Core's own sheets: areas, people, households, organizations, memberships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from core.data.sheets import Column, Kind, Made, Row, Sheet
from core.enums import ActorKind, AreaKind, MembershipRole, MembershipState, OrganizationKind, Registration
from core.errors import Refusal
from core.ids import new_id
from core.models import Area, AreaClosure, Entity, Membership, RegisterNumber
from core.rules.actors import new_actor
from core.rules.inputs import clean_name

ACTORS = ("people", "households", "organizations")
NUMBER = Column(
    "number",
    "Number",
    "编号",
    Kind.NUMBER,
    ("序列号", "档案编号", "人员编号", "户编号", "户号", "own number"),
    example="A-017",
)
AREA = Column(
    "area",
    "Area",
    "区域代码",
    Kind.AREA,
    ("区域", "所属区域", "社区", "网格", "所在网格", "area code"),
    example="xishan",
)
NAME = Column(
    "name", "Name", "名称", Kind.TEXT, ("单位名称", "组织名称", "企业名称", "机构名称", "全称"), required=True
)
ID_NUMBER = Column(
    "id_number",
    "Id number",
    "身份证号",
    Kind.ID_NUMBER,
    ("身份证号码", "身份证", "公民身份号码", "证件号码"),
    kept=False,
)
PHONE = Column("phone", "Phone", "联系电话", Kind.PHONE, ("电话", "手机", "手机号", "手机号码", "联系方式"), kept=False)


def _make_area(row: Row) -> Made:
    """`ancestors` come from the root down to the parent."""
    ancestors = row.targets["ancestors"]
    v = row.values
    area = Area(
        id=row.id, code=v["code"], name=clean_name(v["name"], "name"), kind=AreaKind(v["kind"]),
        parent_id=ancestors[-1] if ancestors else None,
    )  # fmt: skip
    above = [*ancestors, row.id]
    closures: list[Entity] = [
        AreaClosure(
            id=new_id(), ancestor_id=a, descendant_id=row.id, depth=len(above) - 1 - i, since=row.now, until=None
        )
        for i, a in enumerate(above)
    ]
    return Made("core.area.created", row.area_id, [area, *closures], {"code": area.code})


def _numbered(row: Row, sheet: str) -> list[Entity]:
    number = row.values.get("number")
    if number is None:
        return []
    assert row.register_id is not None
    return [RegisterNumber(id=new_id(), area_id=row.register_id, sheet=sheet, number=number, subject_id=row.id)]


def _member(row: Row, actor_id: object, role: MembershipRole, *, area: bool) -> Membership:
    return Membership(
        id=new_id(), actor_id=actor_id, area_id=row.area_id if area else None, organization_id=None if area else row.id,
        role=role, state=MembershipState.ACTIVE, since=row.values.get("since") or row.today,
    )  # fmt: skip


def _make_person(row: Row) -> Made:
    actor = new_actor(kind=ActorKind.PERSON, name=row.values["name"], area_id=row.area_id)
    actor.id = row.id
    rows: list[Entity] = [actor]
    if row.values.get("since"):
        rows.append(_member(row, row.id, MembershipRole.RESIDENT, area=True))
    return Made("core.actor.registered", row.area_id, rows + _numbered(row, "people"), {"kind": "PERSON"})


def _make_household(row: Row) -> Made:
    v = row.values
    actor = new_actor(kind=ActorKind.HOUSEHOLD, name=v["name"], area_id=row.area_id, address=v.get("address"))
    actor.id = row.id
    members = [
        _member(row, m, MembershipRole.MEMBER, area=False) for m in dict.fromkeys(row.targets.get("members", ()))
    ]
    rows = [actor, *members, *_numbered(row, "households")]
    return Made("core.actor.registered", row.area_id, rows, {"kind": "HOUSEHOLD"})


def _make_organization(row: Row) -> Made:
    v = row.values
    own = v["type"] in OrganizationKind.__members__
    actor = new_actor(
        kind=ActorKind.ORGANIZATION if own else ActorKind(v["type"]),
        organization_kind=OrganizationKind(v["type"]) if own else None,
        name=v["name"],
        area_id=row.area_id,
        registration=Registration(v["registration"]) if v.get("registration") else None,
        registration_authority=v.get("registration_authority"),
        registration_number=v.get("registration_number"),
        credit_code=v.get("credit_code"),
        registered_until=v.get("registered_until"),
    )
    actor.id = row.id
    rows = [actor, *_numbered(row, "organizations")]
    return Made("core.actor.registered", row.area_id, rows, {"kind": str(actor.kind)})


def _make_membership(row: Row) -> Made:
    """`places` hold the areas of what is named: of the area itself, or the home of the organization."""
    wholes = row.targets.get("organization", ())
    named = "area" in row.values
    if bool(wholes) == named:
        raise Refusal("ONE_OF_NEEDED", path=("organization",), fields="组织 organization, 区域代码 area")
    (member,) = row.targets["member"]
    if wholes and wholes[0] == member:
        raise Refusal("NOT_TO_ITSELF", path=("organization",))
    role = MembershipRole(row.values["role"])
    membership = Membership(
        id=row.id, actor_id=member, area_id=None if wholes else row.area_id, organization_id=wholes[0] if wholes else None,
        role=role, state=MembershipState.ACTIVE, since=row.values["since"],
    )  # fmt: skip
    place = row.homes[wholes[0]] if wholes else row.area_id
    return Made("core.membership.added", place, [membership], {"role": str(role)})


def _person_doubts(values: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    since, birthday = values.get("since"), values.get("id_number")
    if since and birthday and since < birthday:
        yield "since", "BEFORE_BIRTH"


def _organization_doubts(values: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    on, until = values.get("registered_on"), values.get("registered_until")
    if on and until and until < on:
        yield "registered_until", "DATES_REVERSED"
    elif until and until < today:
        yield "registered_until", "REGISTRATION_EXPIRED"
    if values.get("registration") == Registration.NONE.value and values.get("registration_number"):
        yield "registration", "REGISTRATION_UNCLEAR"


def _membership_doubts(values: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    of_areas = (MembershipRole.RESIDENT.value, MembershipRole.RESIDENT_UNIT.value)
    if values.get("role") in of_areas and values.get("organization") and not values.get("area"):
        yield "role", "ROLE_OF_AREAS"


def _actors(*kinds: ActorKind, everywhere: bool = False) -> str:
    listed = ", ".join(f"'{k}'" for k in kinds)
    since = (
        "(SELECT max(m.since) FROM core_membership m WHERE m.actor_id = a.id AND m.area_id = a.area_id"
        " AND m.role = 'RESIDENT' AND m.state = 'ACTIVE')"
    )
    return (
        f"SELECT a.id, a.area_id, a.name, a.credit_code, {since if ActorKind.PERSON in kinds else 'NULL'} AS since"
        f" FROM core_actor a WHERE a.kind IN ({listed}){'' if everywhere else ' AND a.:inside:'}"
    )


AREAS = Sheet(
    "areas", "Areas", "区域", "core.area.manage",
    (
        Column("code", "Code", "区域代码", Kind.CODE, ("代码", "编码", "area code"), required=True, example="xishan-3"),
        Column("name", "Name", "名称", Kind.TEXT, ("区域名称", "社区名称", "网格名称"), required=True, example="西山社三组"),
        Column("kind", "Level", "层级", Kind.CHOICE, ("区域层级", "类型", "级别", "kind"), required=True, example="网格", terms=tuple(AreaKind)),
        Column("parent", "Parent", "上级区域代码", Kind.AREA, ("上级", "上级区域", "上级代码", "所属上级", "parent code"), example="xishan"),
    ),
    _make_area, aliases=("区域表", "社区", "网格", "区划"),
    about=("The tree of areas; a parent may stand below its children.", "区域树;上级可以写在下级之后。"),
)  # fmt: skip
PEOPLE = Sheet(
    "people", "People", "人员", "core.actor.register",
    (
        NUMBER,
        Column("name", "Name", "姓名", Kind.PERSON_NAME, ("名字", "居民姓名", "full name"), required=True, example="林晓敏"),
        AREA,
        Column("since", "Moved in", "入住日期", Kind.DATE, ("居住起始日期", "入住时间", "居住日期", "迁入日期", "resident since"), example="2021-05-01"),
        ID_NUMBER, PHONE,
    ),
    _make_person, _actors(ActorKind.PERSON), ("居民", "人口", "居民花名册", "人员表", "个人", "person"),
    about=("With a day of moving in, the person becomes a resident of the area.", "填写入住日期的,登记为该区域居民。"),
    doubts=_person_doubts,
)  # fmt: skip
HOUSEHOLDS = Sheet(
    "households", "Households", "家庭", "core.actor.register",
    (
        NUMBER,
        Column("name", "Name", "户名", Kind.TEXT, ("家庭名称", "名称", "household"), required=True, example="西山社一组 3 号户"),
        AREA,
        Column("address", "Address", "住址", Kind.TEXT, ("地址", "门牌号", "房号", "居住地址"), example="3 号"),
        Column("members", "Members", "成员", Kind.REFERENCES, ("家庭成员", "户内成员", "成员姓名"), to=("people",), example="林晓敏、陈志伟"),
        Column("since", "Since", "立户日期", Kind.DATE, ("入住日期", "登记日期"), example="2021-05-01"),
    ),
    _make_household, _actors(ActorKind.HOUSEHOLD), ("户", "家庭表", "住户", "household"),
    about=("Members are taken in with a new household; later ones go into the memberships.", "新家庭的成员一并登记;以后新增的成员请填入成员关系表。"),
)  # fmt: skip
ORGANIZATIONS = Sheet(
    "organizations", "Organizations", "组织", "core.actor.register",
    (
        NUMBER,
        NAME,
        Column(
            "type", "Type", "类型", Kind.CHOICE, ("组织类型", "单位类型", "主体类型", "机构类型", "kind"), required=True, example="志愿服务队",
            terms=(ActorKind.ENTERPRISE, ActorKind.GOVERNMENT_BODY, *OrganizationKind),
            synonyms={"公司": ActorKind.ENTERPRISE, "机关": ActorKind.GOVERNMENT_BODY, "居委会": OrganizationKind.RESIDENTS_COMMITTEE, "村委会": OrganizationKind.VILLAGERS_COMMITTEE, "民非": OrganizationKind.PRIVATE_NON_ENTERPRISE, "志愿队": OrganizationKind.VOLUNTEER_TEAM},
        ),
        AREA,
        Column("credit_code", "Credit code", "统一社会信用代码", Kind.CREDIT_CODE, ("信用代码", "社会信用代码", "unified social credit code"), example="91350200MA2Y0ABC3T"),
        Column("registration", "Registration", "登记状态", Kind.CHOICE, ("登记备案", "登记备案状态"), example="已备案", terms=tuple(Registration)),
        Column("registration_authority", "Registered with", "登记机关", Kind.TEXT, ("登记管理机关", "备案机关"), example="海沧区民政局"),
        Column("registration_number", "Registration number", "登记证号", Kind.TEXT, ("登记号", "备案号", "证书编号"), limit=64, example="HC-017"),
        Column("registered_until", "Registered until", "登记有效期", Kind.DATE, ("有效期至", "有效期", "证书有效期"), future=True, example="2028-12-31"),
        Column("registered_on", "Registered on", "登记日期", Kind.DATE, ("成立日期", "注册日期", "备案日期"), kept=False, example="2018-03-05"),
        PHONE,
    ),
    _make_organization,
    _actors(ActorKind.ORGANIZATION, ActorKind.ENTERPRISE, ActorKind.GOVERNMENT_BODY, everywhere=True),
    ("企业", "单位", "社会组织", "组织表", "机关单位", "政府部门", "enterprises", "organization"),
    about=("Organizations, enterprises and government bodies.", "组织、企业与政府部门。"),
    doubts=_organization_doubts,
)  # fmt: skip
MEMBERSHIPS = Sheet(
    "memberships", "Memberships", "成员关系", "core.membership.manage",
    (
        Column("member", "Member", "成员", Kind.REFERENCE, ("姓名", "成员姓名", "成员名称", "主体"), required=True, to=ACTORS, example="林晓敏"),
        Column("organization", "Organization", "组织", Kind.REFERENCE, ("组织名称", "所属组织", "单位", "单位名称", "企业", "家庭"), to=("organizations", "households"), example="海虹志愿服务队"),
        AREA,
        Column("role", "Role", "成员身份", Kind.CHOICE, ("身份", "角色"), required=True, example="成员", terms=tuple(MembershipRole)),
        Column("since", "Since", "加入日期", Kind.DATE, ("起始日期", "入会日期", "入职日期", "加入时间"), required=True, example="2023-09-01"),
    ),
    _make_membership, aliases=("成员", "会员", "成员表", "membership"),
    about=("Who belongs to an organization or an area; name one of the two.", "主体属于哪个组织或区域,二者填其一。"),
    doubts=_membership_doubts,
)  # fmt: skip

SHEETS = (AREAS, PEOPLE, HOUSEHOLDS, ORGANIZATIONS, MEMBERSHIPS)
