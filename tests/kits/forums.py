"""What tests of forums do again and again, over HTTP: a forum with members, a topic that was deliberated, a ballot on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.ids import split_global
from core.testing.kit import Neighbourhood

TYPES = {
    "forums_forum": "ForumsForum", "forums_member": "ForumsMember", "forums_topic": "ForumsTopic",
    "forums_round": "ForumsRound", "forums_statement": "ForumsStatement", "forums_resolution": "ForumsResolution",
    "forums_moderation": "ForumsModeration", "forums_position": "ForumsPosition", "councils_body": "CouncilsBody",
    "councils_task": "CouncilsTask", "councils_agenda_item": "CouncilsAgendaItem", "ballots_ballot": "BallotsBallot",
}  # fmt: skip


@dataclass
class Forum:
    """A forum of 西山社; its members by login."""

    n: Neighbourhood
    area: str
    forum: str = ""
    members: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def begin(cls, n: Neighbourhood, *, members: int = 0, **more: Any) -> Forum:
        """An open forum with so many residents in it; the clock stands."""
        n.clock.set(n.clock.now())
        made = cls(n, await n.area_id("xishan"))
        made.forum = await made.found(**more)
        for login in await made.residents(members):
            await made.join(login)
        return made

    async def found(self, *, name: str = "同心合议厅", kind: str = "FORUM", **more: Any) -> str:
        answer = await self.n.do(
            "admin",
            "forumsFoundForum",
            "forum { id }",
            areaId=more.pop("area", self.area),
            kind=kind,
            name=name,
            **more,
        )
        return str(answer["forum"]["id"])

    async def person(self, login: str) -> str:
        return str((await self.n.ask(login, "{ viewer { id } }"))["viewer"]["id"])

    async def residents(self, count: int, area: str = "xishan", since: str = "2024-05-01") -> list[str]:
        """New people who live there, with accounts."""
        logins = await self.n.newcomers(count, area)
        for login in logins:
            await self.n.do(
                "admin", "coreAddMembership", "membership { id }", actorId=await self.person(login),
                areaId=await self.n.area_id(area), role="RESIDENT", since=since,
            )  # fmt: skip
        return logins

    async def join(self, login: str, forum: str | None = None, **more: Any) -> str:
        made = await self.n.do(login, "forumsJoin", "member { id }", forumId=forum or self.forum, **more)
        self.members[login] = made["member"]["id"]
        return str(made["member"]["id"])

    async def convenor(self, login: str) -> str:
        made = await self.n.do(
            "admin", "forumsSetConvenor", "member { isConvenor }", memberId=self.members[login], isConvenor=True
        )
        assert made["member"] == {"isConvenor": True}
        return login

    async def topic(self, who: str, title: str = "小区停车怎么办", matter: str = "ORDER", **more: Any) -> str:
        made = await self.n.do(
            who, "forumsOpenTopic", "topic { id }", forumId=more.pop("forum", self.forum), title=title, matter=matter,
            **more,
        )  # fmt: skip
        return str(made["topic"]["id"])

    async def say(self, who: str, topic: str, text: str = "先划线,再登记车辆。", **more: Any) -> str:
        made = await self.n.do(who, "forumsSpeak", "statement { id }", topicId=topic, text=text, **more)
        return str(made["statement"]["id"])

    async def deliberated(self, who: str, title: str = "小区停车怎么办", **more: Any) -> str:
        """A topic whose first round is over."""
        topic = await self.topic(who, title, **more)
        await self.say(who, topic)
        await self.days(8)
        return topic

    async def consensus(self, topic: str, who: str = "clerk", text: str = "内部道路单侧停车。", **more: Any) -> str:
        made = await self.n.do(
            who, "forumsProposeConsensus", "resolution { id state members }", topicId=topic, text=text, **more
        )
        assert made["resolution"]["state"] == "PENDING"
        return str(made["resolution"]["id"])

    async def ballot(self, topic: str, who: str = "clerk", **more: Any) -> tuple[str, str]:
        """The resolution and its ballot, which is open."""
        made = await self.n.do(
            who, "forumsMoveToBallot", "resolution { id ballotId }", topicId=topic, text="实行登记停车", **more
        )
        self.n.clock.advance(timedelta(minutes=1))
        await self.n.due()
        return str(made["resolution"]["id"]), str(made["resolution"]["ballotId"])

    async def position(self, who: str, resolution: str, stance: str, reason: str | None = None) -> str:
        """`done`, or the code it is refused with."""
        return await self.n.outcome(
            who, "forumsTakePosition", "position { id }", resolutionId=resolution, stance=stance, reason=reason
        )

    async def vote(self, who: str, ballot: str, *choices: int) -> str:
        return await self.n.outcome(who, "ballotsCast", "vote { id }", ballotId=ballot, choices=list(choices))

    async def see(self, id: str, selection: str, who: str | None = "admin") -> dict[str, Any]:
        kind = TYPES[split_global(id)[0]]
        query = f"query($i: ID!) {{ node(id: $i) {{ ... on {kind} {{ {selection} }} }} }}"
        found: dict[str, Any] = (await self.n.ask(who, query, i=id))["node"]
        return found

    async def tune(self, **values: Any) -> None:
        """Settings of 西山社."""
        await self.n.do(
            "admin", "coreSetPluginSettings", "area { id }", areaId=self.area, plugin="forums",
            settings=[{"key": key, "value": value} for key, value in values.items()],
        )  # fmt: skip

    async def days(self, count: int) -> dict[str, int]:
        self.n.clock.advance(timedelta(days=count))
        return await self.n.due()
