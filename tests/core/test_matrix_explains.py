"""INV13 as a property: whatever is given, taken, handed over and cut, in whatever order, nobody may do, or see, what the
matrix and a role they hold there do not explain; and whatever these explain, they may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.ids import split_global, to_global
from core.settings.cuts import SECTION
from core.testing.kit import Databases, Neighbourhood, Refused, served

AREAS = ("haicang", "xishan", "haihong")
PERMISSIONS = ("core.actor.register", "core.actor.read", "core.role.grant", "points.grant.declare")
ROLES = ("CLERK", "INSPECTOR", "AREA_ADMIN", "ADMIN")
PEOPLE = 3
# Each step is a deed with four numbers that choose whom, where, what and which.
STEP = st.tuples(
    st.sampled_from(["grant", "grant", "grant to post", "revoke", "assign", "leave", "cut", "cut", "uncut"]),
    *(st.integers(0, 11) for _ in range(4)),
)


@dataclass
class World:
    n: Neighbourhood
    runner: asyncio.Runner
    areas: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)
    changed: int = 0

    async def begin(self) -> None:
        n = self.n
        await n.trust("admin")
        self.areas = {code: await n.area_id(code) for code in AREAS}
        for code in AREAS:
            await n.registered(f"赵钱{code}", area=code)
            made = await n.do("admin", "coreCreatePost", "post { id }", areaId=self.areas[code], title=f"岗位{code}")
            self.posts.append(made["post"]["id"])
        for login in await n.newcomers(PEOPLE, "haicang"):
            self.people[login] = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
        await n.quiet()

    async def act(self, deed: str, who: int, where: int, what: int, which: int) -> None:
        """Do one thing as the administrator; what is refused changes nothing, and is no matter here."""
        n, code = self.n, AREAS[where % len(AREAS)]
        area, person = self.areas[code], list(self.people.values())[who % PEOPLE]
        role, post = ROLES[what % len(ROLES)], self.posts[which % len(self.posts)]
        permission = PERMISSIONS[what % len(PERMISSIONS)]
        mutation, selection, input = "coreGrantRole", "roleGrant { id }", {"role": role, "areaId": area}
        if deed == "grant":
            input["actorId"] = person
        elif deed == "grant to post":
            input["postId"] = post
        elif deed in ("revoke", "leave"):
            table, tag = ("core_role_grant", "rolegrant") if deed == "revoke" else ("core_post_holding", "postholding")
            ended = "revoked_at" if deed == "revoke" else "until"
            rows = await n.server.runtime.database.read(f"SELECT id FROM {table} WHERE {ended} IS NULL ORDER BY id")
            rows = rows[1:] if deed == "revoke" else rows  # the first is the administrator's own
            id = to_global(tag, rows[(who + which) % len(rows)][0]) if rows else f"{tag}_{split_global(area)[1]}"
            mutation, selection, input = "coreRevokeRole", "roleGrant { id }", {"roleGrantId": id, "reason": "试"}
            if deed == "leave":
                mutation, selection, input = "coreLeavePost", "postHolding { id }", {"postHoldingId": id}
        elif deed == "assign":
            mutation, selection, input = "coreAssignPost", "postHolding { id }", {"postId": post, "personId": person}
        else:
            declared = [r for r in ROLES if r in n.server.runtime.book[permission].roles]
            kept = [r for number, r in enumerate(declared) if r == "ADMIN" or which >> number & 1]
            wish: Any = {"key": permission, "value": kept if deed == "cut" else None}
            mutation, selection = "coreSetPluginSettings", "area { id }"
            input = {"areaId": area, "plugin": SECTION, "settings": [wish]}
        try:
            await n.do("admin", mutation, selection, **input)
            self.changed += 1
        except Refused as refused:
            assert set(refused.codes) <= EXPECTED, (deed, refused)
        await n.server.take_up.follow_version()

    async def look(self) -> None:
        matrix = {code: await self._matrix(code) for code in AREAS}
        for login, person in self.people.items():
            roles = {code: await self._roles(person, code) for code in AREAS}
            viewer = await self.n.viewer(login)
            asked = [(code, permission) for code in AREAS for permission in PERMISSIONS]
            questions = [{"action": permission, "on": self.areas[code]} for code, permission in asked]
            answer = await self.n.server.graphql.execute(LOOK, {"q": questions}, viewer=viewer)
            data = json.loads(_dumps(answer["data"]))
            found = {at: d["allowed"] for at, d in zip(asked, data["canMany"], strict=True)}
            explained = {(code, p): bool(roles[code] & matrix[code][p]) for code, p in asked}
            assert found == explained, (login, roles, matrix)
            seen = {a["area"]["code"]: "*" not in a["name"] for a in data["actors"]["nodes"]}
            assert seen == {code: explained[code, "core.actor.read"] for code in AREAS}, (login, roles, matrix)

    async def _matrix(self, code: str) -> dict[str, set[str]]:
        """Which roles carry what there, as the API tells; and as the settings say, read apart."""
        query = (
            "query($c: String!) { area(code: $c) { permissionMatrix { permissions { key roles { role carries } } } } }"
        )
        rows = (await self.n.ask(None, query, c=code))["area"]["permissionMatrix"]["permissions"]
        told = {r["key"]: {c["role"] for c in r["roles"] if c["carries"]} for r in rows}
        said = await self.n.server.runtime.database.read(
            "SELECT s.key, s.value FROM core_setting s JOIN core_area a ON a.id = s.area_id"
            f" WHERE s.plugin = '{SECTION}' AND s.until_version IS NULL AND a.code IN ('haicang', '{code}')"
        )
        for permission in PERMISSIONS:
            left = {str(role) for role in self.n.server.runtime.book[permission].roles}
            for key, value in said:
                left &= set(json.loads(value)) if key == permission else left
            assert told[permission] == left, (code, permission, said)
        return told

    async def _roles(self, person: str, code: str) -> set[str]:
        """The roles a person holds there, in person or by a post, read apart from what the server makes of them."""
        id = str(split_global(person)[1])
        rows = await self.n.server.runtime.database.read(
            "SELECT g.role FROM core_role_grant g JOIN core_area a ON a.id = g.area_id WHERE g.revoked_at IS NULL"
            f" AND a.code IN ('haicang', '{code}') AND (g.actor_id = '{id}' OR g.post_id IN"
            f" (SELECT h.post_id FROM core_post_holding h WHERE h.person_id = '{id}' AND h.until IS NULL))"
        )
        return {row[0] for row in rows}


EXPECTED = {
    "ALREADY_GRANTED", "ALREADY_ENDED", "ALREADY_HOLDS_POST", "OUTSIDE_POST", "BAD_SETTING", "SETTING_TOO_LOOSE", "NOT_FOUND",
    "OWN_MATTER", "SETTINGS_CONTRADICT",
}  # fmt: skip
LOOK = (
    "query($q: [CanInput!]!) { canMany(questions: $q) { allowed }"
    ' actors(where: {name: {contains: "赵"}}, first: 100) { nodes { name area { code } } } }'
)


def _dumps(value: Any) -> bytes:
    import orjson

    return orjson.dumps(value)


@pytest.fixture
def world(databases: Databases, demo_url: str) -> Iterator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        made = World(runner.run(stack.enter_async_context(served(databases.config(demo_url), is_fresh=True))), runner)
        try:
            runner.run(made.begin())
            yield made
        finally:
            runner.run(stack.aclose())


@settings(
    max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(STEP, min_size=4, max_size=8))
def _play(world: World, steps: list[tuple[str, int, int, int, int]]) -> None:
    """One neighbourhood for all of them: each sequence goes on from where the last one ended."""
    for step in steps:
        world.runner.run(world.act(*step))
        world.runner.run(world.look())


@pytest.mark.needs("points")
def test_no_sequence_leaves_what_the_matrix_does_not_explain(world: World) -> None:
    _play(world)
    assert world.changed > 15
