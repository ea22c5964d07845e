"""Who asks: people in every role, made by the rules of a served neighbourhood, and what the test knows of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.enums import ActorKind, GuardianBasis, Role
from core.ids import to_global
from core.models import RoleGrant
from core.testing.forge import Forge
from core.testing.kit import Neighbourhood
from core.work import Work

HERE, BESIDE, ABOVE = "xishan", "haihong", "haicang"
AREAS = (HERE, BESIDE, ABOVE)
OF_MACHINE = frozenset({"core.actor.read", "core.event.read"})  # of all that who made it may do


@dataclass(frozen=True)
class Who:
    """Somebody who asks, as the test made them: no word of this comes from the server."""

    login: str | None  # under which the test keeps the token
    person: UUID | None = None
    organizations: frozenset[UUID] = frozenset()
    roles: tuple[tuple[Role, str], ...] = ()
    only: frozenset[str] | None = None  # the permissions of a machine's token; nothing is its own

    def acts_as(self, actor: UUID | None) -> bool:
        return actor is not None and (actor == self.person or actor in self.organizations)


async def people(n: Neighbourhood) -> tuple[dict[str, Who], list[UUID]]:
    """Everybody who asks: a role each, by the rules; and those of whom there are to be rows."""
    names = (
        "resident",
        "neighbour",
        "clerk here",
        "clerk beside",
        "clerk above",
        "area admin",
        "mandated",
        "former clerk",
        "deprived clerk",
        "lapsed clerk",
        "deputy",
        "guardian",
        "machine",
        "holder",
    )
    logins = dict(zip(names, await n.newcomers(len(names), HERE), strict=True))
    areas = {code: await n.area_id(code) for code in AREAS}
    persons = {name: (await n.viewer(login)).person_id for name, login in logins.items()}
    ids = {name: to_global("actor", person) for name, person in persons.items() if person}
    club = (await n.registered("海沧志愿队", kind=ActorKind.ORGANIZATION, area=HERE))[0]
    whos = {"anonymous": Who(None), "resident": Who(logins["resident"], persons["resident"])}
    whos["neighbour"] = Who(logins["neighbour"], persons["neighbour"])

    async def grant(name: str, role: Role, code: str) -> str:
        made = await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role=role.name, areaId=areas[code], actorId=ids[name]
        )
        return str(made["roleGrant"]["id"])

    for name, role, code in (
        ("clerk here", Role.CLERK, HERE), ("clerk beside", Role.CLERK, BESIDE), ("clerk above", Role.CLERK, ABOVE),
        ("area admin", Role.AREA_ADMIN, HERE),
    ):  # fmt: skip
        await grant(name, role, code)
        whos[name] = Who(logins[name], persons[name], roles=((role, code),))
    taken = await grant("deprived clerk", Role.CLERK, HERE)
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=taken, reason="离任")
    whos["deprived clerk"] = Who(logins["deprived clerk"], persons["deprived clerk"])
    mandate = {"organizationId": club, "areaId": areas[HERE]}
    await n.do("admin", "coreGiveMandate", "mandate { id }", personId=ids["mandated"], **mandate)
    organization = UUID(club.removeprefix("actor_"))
    whos["mandated"] = Who(logins["mandated"], persons["mandated"], frozenset({organization}))
    given = await n.do("admin", "coreGiveMandate", "mandate { id }", personId=ids["former clerk"], **mandate)
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=given["mandate"]["id"], reason="离任")
    whos["former delegate"] = Who(logins["former clerk"], persons["former clerk"])
    await _for_a_time(n, ids, areas, club)
    whos["lapsed clerk"] = Who(logins["lapsed clerk"], persons["lapsed clerk"])
    whos["deputy"] = Who(logins["deputy"], persons["deputy"], roles=((Role.CLERK, HERE),))
    await n.do(
        "admin", "coreRecordGuardianship", "guardianship { id }", wardId=ids["resident"], guardianId=ids["guardian"],
        basis=GuardianBasis.RELATIVE.name, evidence="户口簿",
    )  # fmt: skip
    whos["guardian"] = Who(logins["guardian"], persons["guardian"])
    await grant("machine", Role.AREA_ADMIN, ABOVE)
    await n.do("admin", "coreGiveMandate", "mandate { id }", personId=ids["machine"], **mandate)
    made = await n.do(
        logins["machine"], "coreCreateMachineToken", "secret", label="同步", permissions=sorted(OF_MACHINE),
        areaId=areas[HERE], expiresAt=(n.clock.now() + timedelta(days=300)).isoformat(),
    )  # fmt: skip
    n.tokens["machine"] = made["secret"]
    whos["machine"] = Who("machine", roles=((Role.AREA_ADMIN, HERE),), only=OF_MACHINE)
    admin = await n.viewer("admin")
    whos["admin"] = Who("admin", admin.person_id, roles=((Role.ADMIN, ABOVE),))
    owner = persons["resident"]
    assert owner is not None
    return whos, [owner, organization]


async def _for_a_time(n: Neighbourhood, ids: Mapping[str, str], areas: Mapping[str, str], club: str) -> None:
    """The deputy stands in for the holder of a post with a role. The lapsed clerk had all there is to have: a role by
    name, the post, a deputyship, a mandate, a ward; each until now, exactly."""
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=areas[HERE], title="社区专干"))["post"]["id"]
    role = {"role": Role.CLERK.name, "areaId": areas[HERE]}
    await n.do("admin", "coreGrantRole", "roleGrant { id }", postId=post, **role)
    made = await n.do("admin", "coreGrantRole", "roleGrant { id }", actorId=ids["lapsed clerk"], **role)
    end = n.clock.now() + timedelta(hours=1)

    async def hold(name: str, **term: str) -> str:
        held = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=ids[name], **term)
        return str(held["postHolding"]["id"])

    holder, term = await hold("holder"), {"until": end.isoformat()}
    await hold("lapsed clerk", **term)
    other = {"until": (end + timedelta(days=300)).isoformat()}
    for name, till in (("deputy", other), ("lapsed clerk", term)):
        deputy = {"postHoldingId": holder, "personId": ids[name]}
        await n.do("admin", "coreAppointDeputy", "deputy { id }", **deputy, **till)
    given = {"personId": ids["lapsed clerk"], "organizationId": club, "areaId": areas[HERE]}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **given, **term)
    ward = {"wardId": ids["resident"], "basis": GuardianBasis.APPOINTED.name, "evidence": "指定书"}
    await n.do("admin", "coreRecordGuardianship", "guardianship { id }", guardianId=ids["lapsed clerk"], **ward, **term)

    async def ends(work: Work) -> dict[str, Any]:  # no mutation gives a role until a day
        granted = await work.lock(RoleGrant, UUID(made["roleGrant"]["id"].removeprefix("rolegrant_")))
        work.change(granted, until=end)
        work.record("core.role.granted", granted, area_id=granted.area_id)
        return {}

    await n.server.runtime.as_system(ends)
    n.clock.set(end)


def unknown(forge: Forge, kind: ActorKind, area: UUID) -> UUID:
    token = forge.token()
    masked = kind in (ActorKind.PERSON, ActorKind.HOUSEHOLD)
    name = f"赵{token}云"
    return forge.actor(kind, area, name=name, masked_name="赵*云" if masked else name, sort_name=f"zhao {token} yun")
