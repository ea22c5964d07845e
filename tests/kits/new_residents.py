"""What tests of new residents do again and again, over HTTP: clerks at the desk, somebody who arrives, what they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.access import Acting
from core.clock import months_later
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id, split_global
from core.ports import ELIGIBILITY
from core.runtime import Command
from core.testing.kit import Neighbourhood
from core.work import Work

LEASE = {"kind": "LEASE", "reference": "租赁合同 2026-118 号"}


@dataclass
class Arriving:
    """A neighbourhood with a standing clock; 海虹社区 with two clerks, and 西山社, a village, with the demo's clerk."""

    n: Neighbourhood
    haihong: str
    xishan: str
    haicang: str
    clerk: str
    other: str

    @classmethod
    async def begin(cls, n: Neighbourhood) -> Arriving:
        n.clock.set(n.clock.now())
        haihong, xishan, haicang = [await n.area_id(code) for code in ("haihong", "xishan", "haicang")]
        clerk, other = await n.newcomers(2, "xingwang")
        made = cls(n, haihong, xishan, haicang, clerk, other)
        for login in (clerk, other):
            await made.role(login, "CLERK", made.haihong)
        return made

    async def person(self, login: str) -> str:
        return str((await self.n.ask(login, "{ viewer { id } }"))["viewer"]["id"])

    async def role(self, login: str, role: str, area: str) -> None:
        await self.n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role=role, areaId=area, actorId=await self.person(login)
        )

    async def employer(self, name: str, login: str) -> str:
        """An enterprise that this login acts for."""
        made = await self.n.do(
            "admin", "coreRegisterActor", "actor { id }", kind="ENTERPRISE", name=name, areaId=self.haihong
        )
        await self.n.do(
            "admin", "coreGiveMandate", "mandate { id }", personId=await self.person(login),
            organizationId=made["actor"]["id"], areaId=self.haicang,
        )  # fmt: skip
        return str(made["actor"]["id"])

    def months_ago(self, count: int) -> str:
        return months_later(self.n.clock.today(), -count).isoformat()

    async def register(self, login: str, area: str | None = None, months: int = 14, **more: Any) -> str:
        made = await self.n.do(
            login, "newResidentsRegister", "registration { id state }",
            areaId=area or self.haihong, address="海虹路 5 号 302 室", since=self.months_ago(months),
            **{"evidence": [LEASE], **more},
        )  # fmt: skip
        assert made["registration"]["state"] == "SUBMITTED"
        return str(made["registration"]["id"])

    async def verify(self, registration: str, months: int = 14, by: str | None = None, **more: Any) -> dict[str, Any]:
        made = await self.n.do(
            by or self.clerk, "newResidentsVerifyResidence", "registration { state since identity }",
            registrationId=registration, since=self.months_ago(months), **{"identity": "IN_PERSON", **more},
        )  # fmt: skip
        found: dict[str, Any] = made["registration"]
        return found

    async def settled(self, months: int = 14, area: str | None = None, by: str | None = None) -> tuple[str, str]:
        """Somebody whose residence is verified: their login, and the registration."""
        (login,) = await self.n.newcomers(1, "xinyang")
        registration = await self.register(login, area, months)
        await self.verify(registration, months, by)
        return login, registration

    async def catalogue(self, area: str | None = None) -> dict[str, str]:
        """The usual entitlements, offered; ids by key."""
        await self.n.do("admin", "newResidentsOfferCatalogue", "area { id }", areaId=area or self.haihong)
        query = (
            "query($a: ID!) { newResidentsEntitlements(first: 50, where: {area: {id: {eq: $a}}}) { nodes { id key } } }"
        )
        nodes = (await self.n.ask(None, query, a=area or self.haihong))["newResidentsEntitlements"]["nodes"]
        return {e["key"]: e["id"] for e in nodes}

    async def see(self, registration: str, selection: str, who: str = "admin") -> Any:
        query = f"query($i: ID!) {{ newResidentsRegistration(id: $i) {{ {selection} }} }}"
        return (await self.n.ask(who, query, i=registration))["newResidentsRegistration"]

    async def since(self, login: str, area: str) -> date | None:
        """What the port answers whoever asks since when this person lives there."""
        person = split_global(await self.person(login))[1]
        found: list[date | None] = []

        async def look(work: Work) -> dict[str, Any]:
            port = work.port(ELIGIBILITY)
            found.append(await port.resident_since(work, person, split_global(area)[1]))
            return {}

        await self.n.server.runtime.as_system(look)
        return found[0]

    async def hear(self, type: str, registration: str, data: dict[str, Any]) -> None:
        """Let the plugin hear an event of a mechanism that is not loaded here, as it would come."""
        tag, id = split_global(registration)
        event = EventRecord(
            new_id(), type, None, tag, id, None, {"subjectTag": tag, "subjectId": str(id), **data},
            self.n.clock.now(), 0, 0,
        )  # fmt: skip
        (handler,) = [
            h for h in self.n.server.runtime.dispatcher.handlers if (h.plugin, h.event_type) == ("new_residents", type)
        ]

        async def rule(work: Work) -> dict[str, Any]:
            await handler.handle(work, event)
            return {}

        await self.n.server.runtime.as_system(rule)
        await self.n.delivered()

    async def events(self, subject: str) -> list[str]:
        """Types of the events about a row, the oldest first."""
        query = "query($s: ID!) { events(first: 100, where: {subject: {eq: $s}}, orderBy: SEQ_ASC) { nodes { type } } }"
        return [e["type"] for e in (await self.n.ask("admin", query, s=subject))["events"]["nodes"]]

    async def undo(self, login: str, event_type: str, subject: str) -> None:
        """Undo the latest event of this type about a row, as this person; the bounds in time are core's matter."""
        runtime, id = self.n.server.runtime, split_global(subject)[1]
        mark = runtime.database.dialect.mark
        rows = await runtime.database.read(
            "SELECT id, area_id, subject_tag FROM core_event"
            f" WHERE type = {mark(1)} AND subject_id = {mark(2)} ORDER BY seq DESC LIMIT 1",
            [event_type, id],
        )
        record = EventRecord(
            UUID(str(rows[0][0])), event_type, UUID(str(rows[0][1])), rows[0][2], id, None, {}, self.n.clock.now(), 0, 0
        )

        async def rule(work: Work) -> dict[str, Any]:
            await self.n.server.host.undos[event_type].act(work, record)
            return {}

        await runtime.perform(Command("undo", await self.n.viewer(login), Acting()), rule)
        await self.n.delivered()

    async def days(self, count: int) -> dict[str, int]:
        """So many days pass, and what they make due is settled."""
        self.n.clock.advance(timedelta(days=count))
        return await self.n.due()


async def refused(n: Neighbourhood, row: str, sets: str, state: str) -> str:
    """The code with which an UPDATE of a row is refused that has an event of its own, so that only a guard can."""
    with pytest.raises(Refusal) as caught:
        await _update(n, row, sets, state)
    return caught.value.code


async def _update(n: Neighbourhood, row: str, sets: str, state: str) -> None:
    tag, id = split_global(row)
    database = n.server.runtime.database
    event, mark, now = new_id(), database.dialect.mark, n.clock.now()
    async with database.transaction() as transaction:
        await transaction.fetch(
            "INSERT INTO core_event (id, transaction_id, type, plugin, subject_tag, subject_id, authority, data,"
            f" occurred_at, recorded_at) VALUES ({mark(1)}, 0, 'x', 'core', 'x', {mark(1)}, 'SYSTEM', {mark(2)},"
            f" {mark(3)}, {mark(3)})",
            event, {}, now,
        )  # fmt: skip
        await transaction.fetch(
            "INSERT INTO core_transition (id, event_id, subject_tag, subject_id, to_state)"
            f" VALUES ({mark(1)}, {mark(2)}, 'x', {mark(3)}, {mark(4)})",
            new_id(), event, id, state,
        )  # fmt: skip
        await transaction.fetch(
            f"UPDATE {tag} SET {sets}, version = version + 1, event_id = {mark(1)} WHERE id = {mark(2)}", event, id
        )
