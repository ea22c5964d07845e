"""A village with voters: what the tests of ballots begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from core.enums import MembershipRole
from core.ids import split_global, to_global
from core.models import Area
from core.rules.actors import add_membership
from core.testing.kit import Neighbourhood
from core.work import Work

NONE = {"numerator": 0, "denominator": 1, "isMore": False}
HALF = {"numerator": 1, "denominator": 2, "isMore": True}


@dataclass
class Balloting:
    """Voters who live in a community, by login, with their actors' ids."""

    n: Neighbourhood
    area: str
    voters: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def begin(cls, n: Neighbourhood, voters: int = 0, code: str = "xishan") -> Balloting:
        n.clock.set(n.clock.now())
        made = cls(n, await n.area_id(code))
        await made.settle(voters, code)
        return made

    async def settle(self, count: int, code: str = "xishan", since: date | None = None) -> list[str]:
        """So many more people, who live there since a day, three years ago unless told; their logins."""
        if not count:
            return []
        logins = await self.n.newcomers(count, code)
        day = since or self.n.clock.today() - timedelta(days=3 * 365)
        people = {login: await self.n.actor_id(login) for login in logins}

        async def live(work: Work) -> dict[str, Any]:
            home = await work.find(Area, code=code)
            assert home is not None
            for actor in people.values():
                await add_membership(
                    work, actor_id=split_global(actor)[1], area_id=home.id, role=MembershipRole.RESIDENT, since=day
                )
            return {}

        await self.n.server.runtime.as_system(live)
        self.voters |= people
        return logins

    def at(self, **step: float) -> str:
        return (self.n.clock.now() + timedelta(**step)).isoformat()

    async def rule(self, kind: str = "VILLAGE_COMMITTEE", months: int = 12) -> str:
        made = await self.n.do(
            "admin", "ballotsMakeRule", "rule { id }", areaId=self.area, kind=kind, title="村委会选举选民资格",
            clauses=[{"basis": "RESIDENT_1Y", "all": [{"predicate": "RESIDENCE", "number": months}]}],
        )  # fmt: skip
        return str(made["rule"]["id"])

    async def roll(self, kind: str = "VILLAGE_COMMITTEE") -> str:
        made = await self.n.do(
            "clerk", "ballotsDraftRoll", "roll { id }", areaId=self.area, kind=kind, title="选民名册"
        )
        await self.n.due()
        return str(made["roll"]["id"])

    async def final_roll(self, kind: str = "VILLAGE_COMMITTEE") -> str:
        roll = await self.roll(kind)
        await self.n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
        self.n.clock.advance(timedelta(days=9))
        await self.n.due()  # its notice has ended, where it has one
        await self.n.do("clerk", "ballotsFinaliseRoll", "roll { id }", rollId=roll)
        return roll

    async def ballot(self, *, opened: bool = True, **more: Any) -> str:
        """A ballot of the voters, open for three days from now on."""
        given = {
            "areaId": self.area, "title": "凉亭改造", "opensAt": self.at(seconds=1), "closesAt": self.at(days=3),
            "voterIds": list(self.voters.values()), **more,
        }  # fmt: skip
        if given["voterIds"] is None or "rollId" in more:
            given.pop("voterIds")
        made = await self.n.do("clerk", "ballotsAnnounce", "ballot { id }", **given)
        if opened:
            self.n.clock.advance(timedelta(seconds=2))
            await self.n.due()
        return str(made["ballot"]["id"])

    async def vote(self, who: str, ballot: str, *choices: int, **more: Any) -> str:
        return await self.n.outcome(who, "ballotsCast", "vote { id }", ballotId=ballot, choices=list(choices), **more)

    async def over(self, ballot: str, **step: float) -> dict[str, Any]:
        """Time is up; what came of it."""
        self.n.clock.advance(timedelta(**(step or {"days": 4})))
        await self.n.due()
        return await self.see(ballot)

    async def see(
        self,
        ballot: str,
        fields: str = "state outcome voters cast valid spoiled tally { votes won tied }",
        who: str | None = None,
    ) -> dict[str, Any]:
        seen = await self.n.ask(who, f"query($i: ID!) {{ ballotsBallot(id: $i) {{ {fields} }} }}", i=ballot)
        found: dict[str, Any] = seen["ballotsBallot"]
        return found

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        database = self.n.server.runtime.database
        marks = [database.dialect.mark(n + 1) for n in range(len(values))]
        found: list[tuple[Any, ...]] = await database.read(sql.format(*marks), list(values))
        return found


def uuid(id: str) -> UUID:
    return split_global(id)[1]


def entry_id(id: Any) -> str:
    return to_global("ballots_entry", UUID(str(id)))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


QUORUM = {"quorum": {"numerator": 1, "denominator": 2}, "threshold": None}


LEVEL = ["0", "0", "01", "02", "12", "0", "0"]  # six for the first, two each for the others: one seat is open


@dataclass
class Election:
    """Seven voters, three of whom stand for two seats."""

    b: Balloting
    id: str
    roll: str

    @classmethod
    async def begin(cls, n: Neighbourhood, clean: bool = True) -> Election:
        b = await Balloting.begin(n, 7)
        await b.rule()
        roll = await b.final_roll()
        made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="村委会换届", seats=2)
        election = cls(b, made["election"]["id"], roll)
        for who in list(b.voters)[:3]:
            await n.do(who, "ballotsNominate", "candidate { id }", electionId=election.id, actorId=b.voters[who])
        n.clock.advance(timedelta(days=15))
        await n.do("admin", "ballotsPostCandidates", "election { id }", electionId=election.id)
        if clean:
            n.clock.advance(timedelta(days=9))
            await n.due()
        return election

    async def vote(self, papers: list[str], **rule: Any) -> dict[str, Any]:
        """Each of the voters fills in a paper, `02` for the first and the third; what came of it."""
        b, n, people = self.b, self.b.n, list(self.b.voters)
        made = await n.do(
            "admin", "ballotsOpen", "ballot { id options(first: 9) { nodes { position label } } }", electionId=self.id,
            opensAt=b.at(days=4), closesAt=b.at(days=5), rule={**QUORUM, **rule},
        )  # fmt: skip
        ballot = made["ballot"]["id"]
        places = {o["label"]: o["position"] for o in made["ballot"]["options"]["nodes"]}
        n.clock.advance(timedelta(days=4, minutes=1))
        for who, paper in zip(people, papers, strict=True):
            assert await b.vote(who, ballot, *(places[people[int(c)]] for c in paper)) == "done"
        seen = await b.over(ballot)
        again = await n.ask("resident", "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees outcome } }", i=ballot)
        assert again["ballotsRecount"] == {"agrees": True, "outcome": seen["outcome"]}
        return seen

    async def states(self) -> dict[str, str]:
        query = "query($i: ID!) { ballotsElection(id: $i) { candidates(first: 9) { nodes { state actor { id } } } } }"
        nodes = (await self.b.n.ask(None, query, i=self.id))["ballotsElection"]["candidates"]["nodes"]
        found = {c["actor"]["id"]: c["state"] for c in nodes}
        return {str(k): found[self.b.voters[who]] for k, who in enumerate(list(self.b.voters)[:3])}

    async def seat(self) -> str:
        b = self.b
        b.n.clock.advance(timedelta(days=20))  # the result has been public long enough, where it is made public
        await b.n.due()
        return str(
            (await b.n.do("admin", "ballotsSeat", "election { state }", electionId=self.id))["election"]["state"]
        )
