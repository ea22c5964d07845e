"""Whatever hats people put on, lay down and stand in for: whose matter is theirs, and what they may do, is as told (INV10)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.access import LATELY, Acting, own_matter
from core.enums import ActorKind, BehalfBasis, GuardianBasis, MembershipRole, OrganizationKind, Role
from core.errors import Refusal
from core.ids import split_global
from core.models import Area, Deputy, Guardianship, Mandate, Membership, Participation, Post, PostHolding
from core.rules import actors, deputies, people
from core.runtime import Command
from core.settings.store import as_uuid
from core.testing.kit import Neighbourhood
from core.viewers import SECONDS
from core.work import Work

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


@dataclass
class Hat:
    """A membership, mandate, guardianship, holding or deputyship as this test remembers it."""

    kind: str
    id: UUID
    who: UUID
    of: UUID  # the organization, household or ward; for a deputyship the holding; for a holding the post
    since: datetime
    until: datetime | None = None
    laid_down: datetime | None = None

    def runs(self, now: datetime) -> bool:
        return self.laid_down is None and self.since <= now and (self.until is None or self.until > now)


@dataclass
class Wardrobe:
    """People who change hats at random, and what must follow from that."""

    n: Neighbourhood
    me: UUID
    login: str
    people: list[UUID]
    bodies: list[UUID]
    homes: list[UUID]
    posts: dict[UUID, UUID]  # → the area in which its role holds
    area: UUID
    hats: list[Hat] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.n.clock.now()

    async def run(self, rule: Callable[[Work], Awaitable[Any]]) -> Any:
        found: list[Any] = []

        async def once(work: Work) -> dict[str, Any]:
            found.append(await rule(work))
            return {}

        await self.n.server.runtime.as_system(once)
        return found[-1]

    def own(self, lately: datetime) -> set[UUID]:
        """Whose matter is mine, with hats laid down since `lately`."""
        now = self.now
        held = {h.id: h for h in self.hats if h.kind == "post" and h.runs(now)}
        me = {self.me} | {
            held[h.of].who
            for h in self.hats
            if h.kind == "deputy" and h.who == self.me and h.runs(now) and h.of in held
        }
        found = set(me)
        members = [h for h in self.hats if h.kind == "member"]
        for hat in (h for h in self.hats if h.kind in ("member", "mandate", "guardian") and h.who in me):
            recent = hat.laid_down is None or hat.laid_down > lately
            if recent and (hat.until is None or hat.until > lately or hat.laid_down is not None):
                found.add(hat.of)
            if hat.kind == "member" and hat.of in self.homes and hat.laid_down is None:
                found |= {m.who for m in members if m.of == hat.of and m.laid_down is None}
        return found

    def posts_of_mine(self) -> set[UUID]:
        held = {h.id: h for h in self.hats if h.kind == "post" and h.runs(self.now)}
        by_holding = {h.of for h in held.values() if h.who == self.me}
        return by_holding | {
            held[h.of].of
            for h in self.hats
            if h.kind == "deputy" and h.who == self.me and h.runs(self.now) and h.of in held
        }

    def acts_for(self) -> set[UUID]:
        return {h.of for h in self.hats if h.kind == "mandate" and h.who == self.me and h.runs(self.now)}

    async def compare(self) -> None:
        viewer = await self.n.viewer(self.login)
        own: list[frozenset[UUID]] = []

        async def look(work: Work) -> dict[str, Any]:
            own.append(await work.own())
            return {}

        await self.n.server.runtime.perform(Command("look", viewer), look)
        assert own[-1] == self.own(self.now - LATELY)
        assert {m.organization_id for m in viewer.mandates} == self.acts_for()
        assert {g.area_id for g in viewer.grants} == {self.posts[p] for p in self.posts_of_mine()}

    async def compare_guards(self) -> None:
        """What the database itself takes for mine, of a row whose event was the last."""
        database = self.n.server.runtime.database
        me = f"'{self.me}'" + ("::uuid" if database.dialect.name == "postgres" else "")
        last = "(SELECT id AS event_id FROM core_event ORDER BY seq DESC LIMIT 1) new"
        rows = await database.read(f"SELECT a.id FROM core_actor a, {last} WHERE {own_matter(me, 'a.id')}")
        assert {as_uuid(row[0]) for row in rows} == self.own(self.now)

    # --- changes ---------------------------------------------------------------------------------------------

    async def join(self, r: random.Random) -> None:
        who, of = r.choice([self.me, *self.people]), r.choice([*self.bodies, *self.homes])
        since = self.n.clock.today() - timedelta(days=400)
        row: Membership = await self.run(
            lambda w: actors.add_membership(
                w, actor_id=who, organization_id=of, role=MembershipRole.MEMBER, since=since
            )
        )
        self.hats.append(Hat("member", row.id, who, of, self.now))

    async def act_for(self, r: random.Random) -> None:
        who, of = r.choice([self.me, *self.people]), r.choice(self.bodies)
        until = r.choice([None, self.now + timedelta(days=r.randint(1, 20))])
        row: Mandate = await self.run(
            lambda w: actors.give_mandate(w, person_id=who, organization_id=of, area_id=self.area, until=until)
        )
        self.hats.append(Hat("mandate", row.id, who, of, self.now, until))

    async def guard(self, r: random.Random) -> None:
        who, ward = r.sample([self.me, *self.people], 2)
        until = r.choice([None, self.now + timedelta(days=r.randint(1, 20))])
        row: Guardianship = await self.run(
            lambda w: people.record_guardianship(
                w, ward_id=ward, guardian_id=who, basis=GuardianBasis.PARENT, evidence="户口簿", until=until
            )
        )
        self.hats.append(Hat("guardian", row.id, who, ward, self.now, until))

    async def hold(self, r: random.Random) -> None:
        who, post = r.choice([self.me, *self.people]), r.choice(list(self.posts))
        until = r.choice([None, self.now + timedelta(days=r.randint(1, 40))])
        row: PostHolding = await self.run(lambda w: actors.assign_post(w, post_id=post, person_id=who, until=until))
        self.hats.append(Hat("post", row.id, who, post, self.now, until))

    async def stand_in(self, r: random.Random) -> None:
        held = [h for h in self.hats if h.kind == "post"]
        if not held:
            return
        holding, since = r.choice(held), self.now + timedelta(days=r.choice([0, 0, 3]))
        until = since + timedelta(days=r.randint(1, 15))
        row: Deputy = await self.run(
            lambda w: deputies.appoint_deputy(w, holding_id=holding.id, person_id=self.me, since=since, until=until)
        )
        self.hats.append(Hat("deputy", row.id, self.me, holding.id, since, until))

    async def lay_down(self, r: random.Random) -> None:
        worn = [h for h in self.hats if h.laid_down is None]
        if not worn:
            return
        hat = r.choice(worn)
        long_ago = self.n.clock.today() - timedelta(days=300)  # entered now, whenever it is said to have been
        ends: dict[str, Callable[[Work], Awaitable[Any]]] = {
            "member": lambda w: actors.end_membership(w, membership_id=hat.id, until=long_ago),
            "mandate": lambda w: actors.revoke_mandate(w, mandate_id=hat.id, reason="撤销"),
            "guardian": lambda w: people.end_guardianship(w, guardianship_id=hat.id, reason="成年"),
            "post": lambda w: actors.leave_post(w, holding_id=hat.id),
            "deputy": lambda w: deputies.end_deputy(w, deputy_id=hat.id),
        }
        await self.run(ends[hat.kind])
        hat.laid_down = self.now


async def wardrobe(n: Neighbourhood) -> Wardrobe:
    n.clock.set(n.clock.now())
    (login,) = await n.newcomers(1, "xishan")
    viewer = await n.viewer(login)
    assert viewer.person_id

    async def people(work: Work) -> tuple[list[UUID], list[UUID], list[UUID], dict[UUID, UUID], UUID]:
        areas = {a.code: a.id for a in await work.select(Area)}
        home = areas["xishan"]

        async def made(kind: ActorKind, count: int) -> list[UUID]:
            club = OrganizationKind.CLUB if kind is ActorKind.ORGANIZATION else None
            return [
                (
                    await actors.register_actor(
                        work, kind=kind, name=f"{kind.zh}{i}", area_id=home, organization_kind=club
                    )
                ).id
                for i in range(count)
            ]

        posts: dict[UUID, UUID] = {}
        for code in ("xishan", "xishan-1"):
            post: Post = await actors.create_post(work, area_id=areas[code], title="岗")
            posts[post.id] = areas[code]
        await work.flush_now()
        for post_id, area_id in posts.items():
            await actors.grant_role(work, role=Role.CLERK, area_id=area_id, post_id=post_id)
        kinds = (ActorKind.PERSON, ActorKind.ORGANIZATION, ActorKind.HOUSEHOLD)
        persons, bodies, homes = [await made(kind, 2) for kind in kinds]
        return persons, bodies, homes, posts, home

    w = Wardrobe(n, as_uuid(viewer.person_id), login, [], [], [], {}, as_uuid(viewer.person_id))
    w.people, w.bodies, w.homes, w.posts, w.area = await w.run(people)
    return w


@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_hats(neighbourhood: Neighbourhood, seed: int) -> None:
    r = random.Random(seed)
    w = await wardrobe(neighbourhood)
    changes = [w.join, w.act_for, w.guard, w.hold, w.stand_in, w.lay_down, w.lay_down]
    done = 0
    for _ in range(70):
        try:
            await r.choice(changes)(r)
            done += 1
            await w.compare_guards()
        except Refusal:
            pass  # held already, over already: nothing has changed
        await w.compare()
        w.n.clock.set(w.now + r.choice([MINUTE, MINUTE, timedelta(days=r.randint(1, 12))]))
        await w.compare()
    assert done > 30


async def test_a_mandate_ends_to_the_second(neighbourhood: Neighbourhood) -> None:
    """For acting at once, though who the token stands for was looked up a moment ago; for reading within that second."""
    n = neighbourhood
    n.clock.set(n.clock.now())
    (login,) = await n.newcomers(1, "xishan")
    me = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    xishan, body = await n.area_id("xishan"), await n.actor_id("西山社村民委员会")
    until = n.clock.now() + timedelta(minutes=10)
    give = {"personId": me, "organizationId": body, "areaId": xishan, "until": until.isoformat()}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **give)
    member = {"actorId": await n.actor_id("谢永强"), "organizationId": body, "role": "MEMBER", "since": "2024-01-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", **member)
    start = until + timedelta(days=1)
    when = {"startsAt": start.isoformat(), "endsAt": (start + timedelta(hours=1)).isoformat()}
    organise = {"areaId": xishan, "title": "会", "actingFor": body, **when}
    find = "query($o: ID!) { memberships(where: {organization: {id: {eq: $o}}}) { totalCount } }"

    async def seen() -> int:
        return int((await n.ask(login, find, o=body))["memberships"]["totalCount"])

    await asyncio.sleep(SECONDS)
    n.clock.set(until - timedelta(seconds=1))
    made = await n.do(login, "coreOrganiseActivity", "activity { id organizer { id } }", **organise)
    assert made["activity"]["organizer"]["id"] == body and await seen() == 1
    event = "query($s: ID!) { events(where: {subject: {eq: $s}}) { nodes { actor { id } mandate { organization { id } } } } }"
    said = (await n.ask("admin", event, s=made["activity"]["id"]))["events"]["nodes"]
    assert said == [{"actor": {"id": me}, "mandate": {"organization": {"id": body}}}]
    n.clock.set(until + timedelta(seconds=1))
    assert await n.refused(login, "coreOrganiseActivity", "activity { id }", **organise) == "NOT_PERMITTED"
    await asyncio.sleep(SECONDS)
    assert await seen() == 0


async def test_the_event_keeps_the_hat_and_for_whom_and_on_what_basis(neighbourhood: Neighbourhood) -> None:
    """A clerk who may act for an organization too acts at the desk: whose place they took is what counts."""
    n = neighbourhood
    me = (await n.ask("clerk", "{ viewer { id } }"))["viewer"]["id"]
    xishan, body = await n.area_id("xishan"), await n.actor_id("西山社村民委员会")
    give = {"personId": me, "organizationId": body, "areaId": xishan}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **give)
    found = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    somebody = await n.actor_id("谢永强")
    behalf = {"actorId": somebody, "basis": "WRITTEN", "evidence": "监护证 3 号"}
    joined = await n.do(
        "clerk", "coreJoinActivity", "participation { id actor { id } }",
        activityId=found[0]["id"], onBehalfOf=behalf, actingFor=body,
    )  # fmt: skip
    assert joined["participation"]["actor"]["id"] == somebody
    event = """query($s: ID!) { events(where: {subject: {eq: $s}}) { nodes { actor { id } behalfOf { id } behalfBasis
      behalfEvidence authority mandate { organization { id } } } } }"""
    assert (await n.ask("admin", event, s=joined["participation"]["id"]))["events"]["nodes"] == [
        {
            "actor": {"id": me}, "behalfOf": {"id": somebody}, "behalfBasis": "WRITTEN",
            "behalfEvidence": "监护证 3 号", "authority": "ROLE", "mandate": {"organization": {"id": body}},
        }
    ]  # fmt: skip


async def test_who_enters_at_the_desk_and_who_somebody_was_before_is_them(neighbourhood: Neighbourhood) -> None:
    """A clerk joined somebody in; another record proves to be theirs: what either decided or entered is their own."""
    n = neighbourhood
    found = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    behalf = {"actorId": await n.actor_id("谢永强"), "basis": "PHONE", "evidence": "电话 3 号"}
    joined = await n.do(
        "clerk", "coreJoinActivity", "participation { id }", activityId=found[0]["id"], onBehalfOf=behalf
    )
    (before,) = await n.registered("旧档案")
    me = (await n.ask("clerk", "{ viewer { id } }"))["viewer"]["id"]
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=me, goneId=before, reason="同一人")
    row = split_global(joined["participation"]["id"])[1]

    async def codes(login: str, rule: Callable[[Work], Awaitable[None]], **acting: Any) -> str:
        async def once(work: Work) -> dict[str, Any]:
            await rule(work)
            return {}

        try:
            command = Command("look", await n.viewer(login), acting=Acting(**acting))
            await n.server.runtime.perform(command, once)
        except Refusal as refusal:
            return refusal.code
        return "done"

    async def entered(work: Work) -> None:
        await work.not_entered(await work.get(Participation, row))

    async def joined_only(work: Work) -> None:
        await work.not_entered(await work.get(Participation, row), "core.participation.cancelled")

    once, they = split_global(before)[1], split_global(behalf["actorId"])[1]
    assert [await codes(w, entered) for w in ("clerk", "admin")] == ["ENTERED_BY_YOU", "done"]
    assert await codes("clerk", joined_only) == "done"
    assert [await codes(w, lambda work: work.not_own(None, once)) for w in ("clerk", "admin")] == ["OWN_MATTER", "done"]
    desk = {"behalf_of_id": they, "basis": BehalfBasis.PHONE}
    assert await codes("clerk", lambda work: work.not_at_the_desk_of(once), **desk) == "OWN_MATTER"
    assert await codes("clerk", lambda work: work.not_at_the_desk_of(once)) == "done"
    assert await codes("admin", lambda work: work.not_at_the_desk_of(once, None), **desk) == "done"
