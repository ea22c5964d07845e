"""Whatever is seated, vacated, replaced, left, amended, turned off and on, in whatever order: the share of enterprises is
never out of its bounds unseen (INV5), and what is told of it is what an independent count says."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from core.enums import MembershipRole, Toggle
from core.errors import Refusal
from core.ids import split_global
from core.models import Area, Membership
from core.rules import actors
from core.rules.settings import toggle_plugin
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils.ports import COUNCILS
from plugins.enterprise_council import rules
from plugins.enterprise_council.models import EnterpriseSeat
from plugins.enterprise_council.terms import EnterpriseSeatState, SeatEnd
from tests.kits.enterprise_council import CoBuilding, Enterprise, enterprises

pytestmark = pytest.mark.anyio
KNOWN = {
    "ALREADY_SEATED", "BODY_FULL", "CATEGORY_FULL", "ENTERPRISE_NOT_HERE", "ENTERPRISE_SEATED", "ENTERPRISE_SEATS_FULL",
    "ENTERPRISE_SEAT_ENDED", "PLUGIN_DISABLED", "REPRESENTATIVE_MANDATE", "ALREADY_MEMBER", "SEAT_VACATED",
}  # fmt: skip


class Model:
    """The rows as they are stored, read straight from the tables."""

    def __init__(self, n: Neighbourhood, body: UUID) -> None:
        self.n, self.body = n, body
        self.fixed = self.most = 3  # as the charter has it; and as many as an amendment found there

    async def rows(self, sql: str) -> list[Any]:
        mark = self.n.server.runtime.database.dialect.mark(1)
        found: list[Any] = await self.n.server.runtime.database.read(sql.replace("?", mark), [self.body])
        return found

    async def check(self) -> None:
        """Bounds, places and what is told: by counting rows in Python."""
        ((size, is_valid),) = await self.rows("SELECT size, is_valid FROM councils_body WHERE id = ?")
        seats = await self.rows(
            "SELECT category, state, holder_id, mandate_of_id FROM councils_seat WHERE body_id = ? AND state <> 'VACATED'"
        )
        kept = await self.rows(
            "SELECT upper, lower, state, maximum, out_of FROM councils_seat_rule WHERE body_id = ? AND category = 'ENTERPRISE'"
            " AND state <> 'ENDED'"
        )
        ((upper, lower, state, parts, out_of),) = kept
        assert upper == lower == self.fixed
        enterprises = [s for s in seats if s[0] == "ENTERPRISE"]
        assert len(seats) <= size
        self.most = max(self.fixed, min(self.most, len(enterprises)))
        assert len(enterprises) <= self.most  # never more than there may be, or there were before an amendment
        assert len({str(s[3]) for s in enterprises}) == len(enterprises)
        assert {s[1] for s in enterprises} <= {"SUSPENDED" if state == "SUSPENDED" else "FILLED"}
        of_them = upper if out_of is None else math.ceil(Fraction(parts * len(seats), out_of))  # of those who sit there
        is_whole = len(enterprises) == upper and len(enterprises) <= of_them
        assert bool(is_valid) is (state == "SUSPENDED" or is_whole)  # never fewer, or too great a share, unseen
        checks = await self.rows(
            "SELECT counts, is_valid FROM councils_composition_check WHERE body_id = ? ORDER BY id DESC LIMIT 1"
        )
        counted = len(enterprises) if state == "IN_FORCE" else 0
        assert json.loads(checks[0][0]).get("ENTERPRISE", 0) == counted and checks[0][1] == is_valid
        own = await self.rows(
            "SELECT number, enterprise_id, state, council_seat_id FROM enterprise_council_seat WHERE body_id = ?"
            " AND state <> 'ENDED'"
        )
        assert len({r[0] for r in own}) == len(own)
        if state == "IN_FORCE":
            held = {str(r[1]) for r in own if r[2] == "HELD"}
            assert held == {str(s[3]) for s in enterprises}
            ((told, taken, whole),) = await self.rows(
                "SELECT seats, taken, is_whole FROM enterprise_council_share WHERE body_id = ?"
            )
            assert (told, taken, bool(whole)) == (upper, len(enterprises), len(enterprises) == upper)


@pytest.mark.parametrize("seed", [3, 11, 2026])
async def test_the_share_is_never_out_of_its_bounds_unseen(neighbourhood: Neighbourhood, seed: int) -> None:
    n, chance = neighbourhood, random.Random(seed)
    c = await CoBuilding.begin(n, size=10, members=2)
    body = split_global(c.body)[1]
    area = split_global(c.area)[1]
    firms: list[Enterprise] = [await c.enterprise(f"企业{number}") for number in range(5)]
    spare = {e.id: (await c.newcomer())[1] for e in firms}
    for e in firms:
        await c.mandate(spare[e.id], e.id)
    model, done = Model(n, body), 0
    is_on = True

    def raw(id: str) -> UUID:
        return split_global(id)[1]

    async def step(work: Work) -> dict[str, Any]:
        nonlocal is_on
        e, what = chance.choice(firms), chance.random()
        standing = await work.select(
            EnterpriseSeat, body_id=body, state=[EnterpriseSeatState.HELD, EnterpriseSeatState.VACANT]
        )
        if what < 0.45:
            person = chance.choice([e.person, spare[e.id]])
            await rules.seat_enterprise(
                work, body_id=body, enterprise_id=raw(e.id), representative_id=raw(person), letter="函"
            )
        elif what < 0.6 and standing:
            seat = chance.choice(standing)
            firm = next(f for f in firms if raw(f.id) == seat.enterprise_id)
            person = chance.choice([firm.person, spare[firm.id]])
            await rules.replace_representative(work, seat_id=seat.id, representative_id=raw(person), letter="新函")
        elif what < 0.7 and standing:
            await rules.end_seat(work, seat_id=chance.choice(standing).id, because=SeatEnd.REMOVED, reason="缺席")
        elif what < 0.8:
            here = await work.find(Membership, actor_id=raw(e.id), area_id=area, state="ACTIVE")
            if here is not None:
                await actors.end_membership(work, membership_id=here.id, until=here.since)
            else:
                await actors.add_membership(
                    work, actor_id=raw(e.id), area_id=area, role=MembershipRole.RESIDENT_UNIT,
                    since=work.clock.today(),
                )  # fmt: skip
        elif what < 0.9 and standing:
            seat = chance.choice(standing)
            if seat.council_seat_id is not None:  # the representative resigns, past this mechanism
                await work.port(COUNCILS).vacate(work, seat_id=seat.council_seat_id, because="RESIGNED")
        else:
            is_on = not is_on
            await toggle_plugin(
                work, area_id=(await work.get(Area, area)).id, plugin="enterprise_council",
                state=Toggle.ON if is_on else Toggle.OFF, pilot_until=None, reason=None,
            )  # fmt: skip
        return {}

    for number in range(45):
        if number % 15 == 14 and is_on:
            model.fixed = chance.choice([1, 2, 4])
            model.most = 10
            await c.charter(
                {"bodyId": c.body, "size": 10, "seatRules": [enterprises(model.fixed)]}, title=f"修订 {number}"
            )
        was_on = is_on
        try:
            await n.server.runtime.as_system(step)
            done += 1
        except Refusal as refusal:
            is_on = was_on
            assert refusal.code in KNOWN, refusal.code
        await n.due()
        await model.check()
    assert done > 15
