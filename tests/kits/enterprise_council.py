"""What tests of enterprises in co-governance do again and again, over HTTP: a co-building council with its enterprises."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.ids import split_global
from core.testing.kit import Neighbourhood, Refused

TYPES = {
    "councils_body": "CouncilsBody", "councils_seat": "CouncilsSeat", "councils_meeting": "CouncilsMeeting",
    "councils_charter": "CouncilsCharter", "enterprise_council_seat": "EnterpriseCouncilSeat",
    "enterprise_council_compact": "EnterpriseCouncilCompact", "enterprise_council_concern": "EnterpriseCouncilConcern",
    "enterprise_council_commitment": "EnterpriseCouncilCommitment",
    "enterprise_council_self_help": "EnterpriseCouncilSelfHelp",
}  # fmt: skip


@dataclass
class Enterprise:
    """An enterprise that is a unit of 西山社, with one person who has its mandate."""

    id: str
    name: str
    login: str
    person: str
    membership: str
    mandate: str


@dataclass
class CoBuilding:
    """A co-building council of 西山社: of 10 seats 3 are the enterprises'."""

    n: Neighbourhood
    area: str
    body: str = ""
    seats: dict[str, str] = field(default_factory=dict)  # councils' seats of residents, by name
    home: str = "xishan"

    @classmethod
    async def begin(
        cls, n: Neighbourhood, *, size: int = 10, members: int = 5, name: str = "社企共建理事会甲"
    ) -> CoBuilding:
        n.clock.set(n.clock.now())
        made = cls(n, await n.area_id("xishan"))
        made.body = await made.found(name=name, size=size)
        for number in range(members):
            await made.sit(f"村民{number}")
        return made

    async def found(self, *, name: str, size: int = 10, kind: str = "CO_BUILDING") -> str:
        made = await self.n.do(
            "admin", "councilsCreateBody", "body { id }", areaId=self.area, kind=kind, name=name, size=size
        )
        return str(made["body"]["id"])

    async def resident(self, name: str) -> str:
        (id,) = await self.n.registered(name, area=self.home)
        await self.n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=id, areaId=self.area, role="RESIDENT",
            since="2024-05-01",
        )  # fmt: skip
        return id

    async def sit(self, name: str, *, category: str = "RESIDENT") -> str:
        made = await self.n.do(
            "admin", "councilsFillSeat", "seat { id }", bodyId=self.body, holderId=await self.resident(name),
            category=category,
        )  # fmt: skip
        self.seats[name] = made["seat"]["id"]
        return str(made["seat"]["id"])

    async def person(self, login: str) -> str:
        return str((await self.n.ask(login, "{ viewer { id } }"))["viewer"]["id"])

    async def newcomer(self) -> tuple[str, str]:
        """Somebody with an account: login and id."""
        (login,) = await self.n.newcomers(1, self.home)
        return login, await self.person(login)

    async def mandate(self, person: str, enterprise: str, **more: Any) -> str:
        given = await self.n.do(
            "admin", "coreGiveMandate", "mandate { id }", personId=person, organizationId=enterprise, areaId=self.area,
            **more,
        )  # fmt: skip
        return str(given["mandate"]["id"])

    async def enterprise(self, name: str, *, is_here: bool = True) -> Enterprise:
        made = await self.n.do(
            "admin", "coreRegisterActor", "actor { id }", kind="ENTERPRISE", name=name,
            areaId=await self.n.area_id("haicang"),
        )  # fmt: skip
        id, membership = made["actor"]["id"], ""
        if is_here:
            membership = await self.move_in(id)
        login, person = await self.newcomer()
        return Enterprise(id, name, login, person, membership, await self.mandate(person, id))

    async def move_in(self, enterprise: str) -> str:
        added = await self.n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=enterprise, areaId=self.area,
            role="RESIDENT_UNIT", since="2024-01-01",
        )  # fmt: skip
        return str(added["membership"]["id"])

    async def seat(self, e: Enterprise, *, who: str = "clerk", **more: Any) -> str:
        made = await self.n.do(who, "enterpriseCouncilSeatEnterprise", "seat { id }", **self.seating(e, **more))
        await self.n.delivered()
        return str(made["seat"]["id"])

    def seating(self, e: Enterprise, **more: Any) -> dict[str, Any]:
        return {
            "bodyId": self.body, "enterpriseId": e.id, "representativeId": e.person, "letter": "委派函 1 号", **more,
        }  # fmt: skip

    async def see(self, id: str, selection: str, who: str | None = "admin") -> dict[str, Any]:
        kind = TYPES[split_global(id)[0]]
        found: dict[str, Any] = (
            await self.n.ask(who, f"query($i: ID!) {{ node(id: $i) {{ ... on {kind} {{ {selection} }} }} }}", i=id)
        )["node"]
        return found

    async def share(self, body: str | None = None) -> dict[str, Any] | None:
        """What is told of the body's share, once everything is delivered."""
        await self.n.delivered()
        found = await self.n.ask(
            None,
            "query($b: ID!) { enterpriseCouncilShares(where: {bodyId: {eq: $b}}) {"
            " nodes { size seats taken isWhole isValid } } }",
            b=body or self.body,
        )
        nodes = found["enterpriseCouncilShares"]["nodes"]
        return nodes[0] if nodes else None

    async def days(self, count: int) -> dict[str, int]:
        self.n.clock.advance(timedelta(days=count))
        return await self.n.due()

    async def toggle(self, state: str, area: str = "xishan", plugin: str = "enterprise_council") -> None:
        """Turn a mechanism on or off, and let everything follow."""
        await self.n.do(
            "admin", "coreTogglePlugin", "area { id }", areaId=await self.n.area_id(area), plugin=plugin, state=state
        )
        await self.n.due()

    # --- meetings and charters ---------------------------------------------------------------------------

    async def meet(self, *matters: str, came: int = 5) -> list[str]:
        """A meeting in session with an item of each matter."""
        items = []
        for matter in matters:
            made = await self.n.do(
                "clerk", "councilsProposeAgendaItem", "item { id }", bodyId=self.body, title=f"议题{matter}",
                matter=matter, onBehalfOf={"actorId": await self.n.actor_id("村民0"), "basis": "IN_PERSON", "evidence": "-"},
            )  # fmt: skip
            items.append(made["item"]["id"])
        starts = self.n.clock.now() + timedelta(days=6)
        meeting = await self.n.do(
            "admin", "councilsCallMeeting", "meeting { id }", bodyId=self.body, startsAt=starts.isoformat(),
            endsAt=(starts + timedelta(hours=2)).isoformat(), itemIds=items,
        )  # fmt: skip
        self.n.clock.advance(timedelta(days=6))
        seen = await self.see(self.body, "seats(first: 50, where: {state: {eq: FILLED}}) { nodes { id } }")
        opened = await self.n.do(
            "clerk", "councilsRecordAttendance", "meeting { state }", meetingId=meeting["meeting"]["id"],
            came=[{"seatId": s["id"]} for s in seen["seats"]["nodes"]],
        )  # fmt: skip
        assert opened["meeting"]["state"] == "OPEN"
        return items

    async def decide(self, item: str, votes_for: int) -> str:
        """The state of the resolution, or the code it is refused with."""
        try:
            made = await self.n.do(
                "clerk", "councilsPassResolution", "resolution { state }", itemId=item, text="同意", votesFor=votes_for,
                votesAgainst=0,
            )  # fmt: skip
        except Refused as refused:
            return str(refused.codes[0])
        return str(made["resolution"]["state"])

    async def charter(self, *constitutes: dict[str, Any], title: str = "西山社村民自治章程") -> None:
        """A charter that constitutes these bodies, voted on by the members and in force."""
        made = await self.n.do(
            "clerk", "councilsDraftCharter", "charter { id }", areaId=self.area, title=title,
            clauses=[{"key": "1", "heading": "总则", "text": "共商共建。"}], constitutes=list(constitutes),
        )  # fmt: skip
        charter = made["charter"]["id"]
        await self.n.do("clerk", "councilsConsult", "charter { state }", charterId=charter)
        self.n.clock.advance(timedelta(days=16))
        submit = {"charterId": charter, "byBallot": False, "electorate": 120}
        await self.n.do("clerk", "councilsSubmitCharter", "charter { state }", **submit)
        for teller in ("clerk", "admin"):
            await self.n.do(
                teller, "councilsEnterCharterVote", "charter { state }", charterId=charter, tookPart=100, votesFor=80,
                votesAgainst=20, evidence="签到册",
            )  # fmt: skip
        if "disclosure" in self.n.server.host.keys:
            await self.days(30)
        await self.n.do("clerk", "councilsEnactCharter", "charter { state }", charterId=charter)
        await self.n.delivered()


def enterprises(parts: int, out_of: int | None = None, **more: Any) -> dict[str, Any]:
    """A charter's rule: so many seats, or so many parts of them, are the enterprises'."""
    return {"category": "ENTERPRISE", "minimum": parts, "maximum": parts, "outOf": out_of, **more}
