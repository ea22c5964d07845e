"""A council in session whose order is kept: its members by login, what they are told, and what they put."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.testing.kit import Neighbourhood
from tests.kits.councils import TYPES, Council

TYPES |= {"councils_exclusion": "CouncilsExclusion", "councils_call_to_order": "CouncilsCallToOrder"}
CALL = ("councilsCallToOrder", "callToOrder { id kind reason }")
EXCLUDE = ("councilsExclude", "exclusion { id state until endedAt }")
LIFT = ("councilsLiftExclusion", "exclusion { state endedAt }")
APPEAL = ("councilsAppealExclusion", "exclusion { state }")
DECIDE = ("councilsDecideExclusionAppeal", "exclusion { state endedAt }")
PASS = ("councilsPassResolution", "resolution { id state eligible putOut keptOut votesAbstained restsOnExclusions }")
EFFECT = ("councilsTakeEffect", "resolution { state }")
COME = ("councilsRecordAttendance", "meeting { state members present }")


@dataclass
class House:
    """A council in session: its members by login, each with an account; the first is the chair."""

    c: Council
    logins: list[str]
    people: dict[str, str]
    meeting: str = ""
    items: list[str] = field(default_factory=list)

    @classmethod
    async def begin(cls, n: Neighbourhood, members: int = 5, *, titles: tuple[str, ...] = ("修凉亭",)) -> House:
        c = await Council.begin(n, size=members, members=0)
        logins = await n.newcomers(members, "xishan")
        made = cls(c, list(logins), {login: await c.person(login) for login in logins})
        for number, login in enumerate(logins):
            await n.do(
                "admin", "coreAddMembership", "membership { id }", actorId=made.people[login], areaId=c.area,
                role="RESIDENT", since="2024-05-01",
            )  # fmt: skip
            await c.seat(made.people[login], name=login, office="MEMBER" if number else "CHAIR")
        await made.sit(*titles)
        return made

    @property
    def chair(self) -> str:
        return self.logins[0]

    async def sit(self, *titles: str, came: list[str] | None = None, matter: str = "FACILITIES") -> None:
        """A meeting of who came, all unless told."""
        self.items = [await self.c.propose(title, matter) for title in titles]
        self.meeting = await self.c.call(*self.items)
        await self.c.open(self.meeting, [self.c.seats[login] for login in came or self.logins])

    def at(self, login: str) -> dict[str, Any]:
        return {"meetingId": self.meeting, "actorId": self.people[login]}

    async def warn(self, login: str, times: int = 2) -> None:
        for _ in range(times):
            await self.c.n.do(self.chair, *CALL, **self.at(login), kind="INTERRUPTION", reason="多次打断他人")

    async def exclude(self, login: str, **more: Any) -> str:
        await self.warn(login)
        made = await self.c.n.do(self.chair, *EXCLUDE, **self.at(login), reason="不听劝阻", **more)
        return str(made["exclusion"]["id"])

    def day(self, days: int) -> str:
        return (self.c.n.clock.today() + timedelta(days=days)).isoformat()

    async def put(self, votes_for: int, votes_against: int = 0, *, item: int = 0, who: str = "clerk") -> dict[str, Any]:
        made = await self.c.n.do(
            who, *PASS, itemId=self.items[item], text="同意", votesFor=votes_for, votesAgainst=votes_against
        )
        found: dict[str, Any] = made["resolution"]
        return found

    async def close(self) -> None:
        await self.c.n.do(
            "clerk", "councilsCloseMeeting", "meeting { state }", meetingId=self.meeting, minutes="会议有争执。"
        )
