"""What tests of councils do again and again, over HTTP: a council with members, a meeting in session, a charter in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.ids import split_global
from core.testing.kit import Neighbourhood

TYPES = {
    "councils_body": "CouncilsBody", "councils_seat": "CouncilsSeat", "councils_meeting": "CouncilsMeeting",
    "councils_agenda_item": "CouncilsAgendaItem", "councils_resolution": "CouncilsResolution", "councils_task": "CouncilsTask",
    "councils_charter": "CouncilsCharter", "councils_delegation": "CouncilsDelegation", "councils_opinion": "CouncilsOpinion",
    "councils_seat_rule": "CouncilsSeatRule", "councils_charter_count": "CouncilsCharterCount", "activity": "Activity",
    "councils_meeting_request": "CouncilsMeetingRequest", "councils_service": "CouncilsService",
    "councils_nomination": "CouncilsNomination",
}  # fmt: skip
MEMBERS = ("黄丽华", "张建国", "吴思远", "郑雅婷", "许文杰", "蔡美玲", "谢永强")


@dataclass
class Council:
    """A body of 西山社 with its seats by the holder's name."""

    n: Neighbourhood
    area: str
    body: str = ""
    seats: dict[str, str] = field(default_factory=dict)
    honorary: set[str] = field(default_factory=set)  # bodies whose members the village confirms

    @classmethod
    async def begin(cls, n: Neighbourhood, *, size: int = 5, members: int = 5, **more: Any) -> Council:
        """A residents' council with so many residents in it, who all live in 西山社; the clock stands."""
        n.clock.set(n.clock.now())
        made = cls(n, await n.area_id("xishan"))
        made.body = await made.found(size=size, **more)
        names = [f"议员{number}" for number in range(members)]
        for name in names:
            await made.seat(await made.resident(name), name=name)
        return made

    async def found(
        self, *, name: str = "一组居民理事会", kind: str = "RESIDENTS_COUNCIL", size: int = 5, **more: Any
    ) -> str:
        answer = await self.n.do(
            "admin", "councilsCreateBody", "body { id }", areaId=more.pop("area", self.area), kind=kind, name=name,
            size=size, **more,
        )  # fmt: skip
        if kind == "RESPECTED_VILLAGERS":
            self.honorary.add(answer["body"]["id"])
        return str(answer["body"]["id"])

    async def confirmed(self, holder: str, body: str) -> None:
        """Put forward by a villager, and confirmed by the village."""
        made = await self.n.do(
            "clerk", "councilsNominate", "nomination { id }", bodyId=body, nomineeId=holder, origin="祖籍本村",
            contribution="捐资修路",
        )  # fmt: skip
        await self.n.do(
            "admin", "councilsConfirmNomination", "nomination { state }", nominationId=made["nomination"]["id"],
            reference="村民会议第 3 号记录",
        )  # fmt: skip

    async def resident(self, name: str, area: str = "xishan") -> str:
        """A new person who lives there."""
        (id,) = await self.n.registered(name, area=area)
        await self.n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=id, areaId=await self.n.area_id(area),
            role="RESIDENT", since="2024-05-01",
        )  # fmt: skip
        return id

    async def person(self, login: str) -> str:
        return str((await self.n.ask(login, "{ viewer { id } }"))["viewer"]["id"])

    async def seat(
        self, holder: str, *, name: str = "", body: str | None = None, category: str = "RESIDENT", **more: Any
    ) -> str:
        if (body or self.body) in self.honorary and "mandateOfId" not in more:
            await self.confirmed(holder, body or self.body)
        made = await self.n.do(
            "admin",
            "councilsFillSeat",
            "seat { id }",
            bodyId=body or self.body,
            holderId=holder,
            category=category,
            **more,
        )
        self.seats[name or holder] = made["seat"]["id"]
        return str(made["seat"]["id"])

    async def rule(self, category: str, minimum: int, maximum: int, out_of: int | None = None, **more: Any) -> str:
        made = await self.n.do(
            "admin", "councilsSetSeatRule", "seatRule { id }", bodyId=self.body, category=category, minimum=minimum,
            maximum=maximum, outOf=out_of, **more,
        )  # fmt: skip
        return str(made["seatRule"]["id"])

    async def propose(self, title: str, matter: str = "FACILITIES", *, who: str = "admin", **more: Any) -> str:
        if who == "admin" and "onBehalfOf" not in more:
            who = "clerk"
        made = await self.n.do(
            who, "councilsProposeAgendaItem", "item { id state }", bodyId=more.pop("body", self.body), title=title,
            matter=matter, **more,
        )  # fmt: skip
        return str(made["item"]["id"])

    async def call(self, *items: str, days: int = 6, who: str = "admin", **more: Any) -> str:
        """A meeting so many days from now, for two hours."""
        starts = self.n.clock.now() + timedelta(days=days)
        made = await self.n.do(
            who, "councilsCallMeeting", "meeting { id state }", bodyId=more.pop("body", self.body),
            startsAt=starts.isoformat(), endsAt=(starts + timedelta(hours=2)).isoformat(), itemIds=list(items), **more,
        )  # fmt: skip
        assert made["meeting"]["state"] == "CALLED"
        return str(made["meeting"]["id"])

    async def open(self, meeting: str, came: Sequence[str] | None = None, *, days: int = 6) -> dict[str, Any]:
        """Its day has come; all are there unless told, and whoever is not is named as absent."""
        self.n.clock.advance(timedelta(days=days))
        made = await self.n.do(
            "clerk", "councilsRecordAttendance", "meeting { state members present quorumMet }", meetingId=meeting,
            came=[
                {"seatId": s, "state": "PRESENT" if came is None or s in came else "ABSENT"} for s in dict.fromkeys([*self.seats.values(), *(came or ())])
            ],
        )  # fmt: skip
        found: dict[str, Any] = made["meeting"]
        return found

    async def session(self, *titles: str, matter: str = "FACILITIES", **more: Any) -> list[str]:
        """A meeting in session with these items; their ids."""
        items = [await self.propose(title, matter, **more) for title in titles]
        await self.open(await self.call(*items))
        return items

    async def decide(
        self, item: str, votes_for: int, votes_against: int = 0, *, who: str = "clerk", **more: Any
    ) -> dict[str, Any]:
        made = await self.n.do(
            who, "councilsPassResolution",
            "resolution { id state eligible recused votesFor votesAgainst votesAbstained }",
            itemId=item, text="同意实施", votesFor=votes_for, votesAgainst=votes_against, **more,
        )  # fmt: skip
        found: dict[str, Any] = made["resolution"]
        return found

    async def see(self, id: str, selection: str, who: str | None = "admin") -> dict[str, Any]:
        kind = TYPES[split_global(id)[0]]
        query = f"query($i: ID!) {{ node(id: $i) {{ ... on {kind} {{ {selection} }} }} }}"
        found: dict[str, Any] = (await self.n.ask(who, query, i=id))["node"]
        return found

    async def days(self, count: int) -> dict[str, int]:
        self.n.clock.advance(timedelta(days=count))
        return await self.n.due()

    # --- charters ----------------------------------------------------------------------------------------

    async def draft(self, title: str = "西山社村民自治章程", *, clauses: Any = None, **more: Any) -> str:
        made = await self.n.do(
            "clerk", "councilsDraftCharter", "charter { id state }", areaId=more.pop("area", self.area), title=title,
            clauses=clauses or [{"key": "1", "heading": "总则", "text": "村民自治。"}], **more,
        )  # fmt: skip
        return str(made["charter"]["id"])

    async def adopt(self, charter: str, *, votes_for: int = 70) -> str:
        """Through consultation and assembly, counted by two; its state then."""
        await self.n.do("clerk", "councilsConsult", "charter { state }", charterId=charter)
        self.n.clock.advance(timedelta(days=16))
        await self.n.do(
            "clerk", "councilsSubmitCharter", "charter { state }", charterId=charter, byBallot=False, electorate=120
        )
        for teller in ("clerk", "admin"):
            made = await self.n.do(
                teller, "councilsEnterCharterVote", "charter { state }", charterId=charter, tookPart=100,
                votesFor=votes_for, votesAgainst=100 - votes_for, evidence="签到册 3 页、照片 5 张",
            )  # fmt: skip
        return str(made["charter"]["state"])

    async def noticed(self) -> None:
        """What was adopted has been public long enough, where it is made public."""
        if "disclosure" in self.n.server.host.keys:
            await self.days(30)

    async def enact(self, charter: str) -> None:
        await self.noticed()
        made = await self.n.do("clerk", "councilsEnactCharter", "charter { state }", charterId=charter)
        assert made["charter"]["state"] == "IN_FORCE"
