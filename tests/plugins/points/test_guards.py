"""What the database itself refuses of points, whoever writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.enums import ActorKind
from core.ids import new_id
from core.testing.kit import Neighbourhood
from tests.kits.guards import log, refused
from tests.kits.points import a_rule, earned, person

pytestmark = pytest.mark.anyio


async def copy(n: Neighbourhood, table: str, becomes: str | None = None, **change: Any) -> str:
    """The code refused when the table's latest row is written once more with these columns changed."""
    database = n.server.runtime.database
    model = next(m for m in database.models if m._meta.db_table == table)
    columns = list(model._meta.fields_db_projection.values())
    id = str(new_id())
    values = {"id": f"'{id}'", **change}
    if "event_id" in columns:
        values |= {"event_id": f"'{await log(n, id, becomes)}'", "version": "1"}
    chosen = ", ".join(values.get(c, c) for c in columns)
    last = f"SELECT id FROM {table} ORDER BY {'seq DESC, ' if 'seq' in columns else ''} id DESC LIMIT 1"
    return await refused(
        n, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} WHERE id = ({last})"
    )


async def id_of(n: Neighbourhood, table: str) -> str:
    return str((await n.server.runtime.database.read(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1"))[0][0])


async def test_the_database_holds_what_the_rules_say(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang = await n.area_id("haicang")
    rule = await a_rule(n)
    who, other = [await person(n, login) for login in await n.newcomers(2, "xishan")]
    await earned(n, who, 40, rule)
    company = await n.actor_id("企业甲")

    # Rules: one at a time, never edited.
    assert await copy(n, "points_rule") == "RULE_MOVED"
    for change in ("points = 11", "cap_per_day = 5", "until = NULL"):
        assert await refused(n, f"UPDATE points_rule SET {change} WHERE id = '{rule}'") == "RULE_STAYS"

    # Entries: the balance goes on, but each needs its reason.
    on = {"seq": "seq + 1", "reverses_id": "NULL", "balance_after": "balance_after + 5", "amount": "5"}
    award = {"rule_id": "NULL", "source_event_id": "NULL"}
    assert (
        await copy(n, "points_entry", **on, kind="'TRANSFER'", transfer_id=f"'{new_id()}'", **award) == "INVALID_VALUE"
    )
    assert await copy(n, "points_entry", **on, **award) == "INVALID_VALUE"
    spent = on | {"amount": "-5", "balance_after": "balance_after - 5"}
    assert await copy(n, "points_entry", **spent, source_event_id=f"'{new_id()}'") == "INVALID_VALUE"

    # A manual entry stands on a second person.
    grant = (await n.do(
        "admin", "pointsGrantManual", "grant { id }", areaId=haicang, actorId=company, amount=5, reason="捐赠",
        evidence="收据",
    ))["grant"]["id"].removeprefix("points_grant_")  # fmt: skip
    assert await copy(n, "points_entry", **on, **award, kind="'MANUAL'", grant_id=f"'{grant}'") == "GRANT_DECIDED"
    second = f"UPDATE points_grant SET state = 'CONFIRMED', event_id = '{await log(n, grant, 'CONFIRMED')}', decided_by_id = "
    assert await refused(n, f"{second} declared_by_id WHERE id = '{grant}'") == "OWN_MATTER"
    mine = (await n.viewer("company")).person_id
    assert await refused(n, f"{second} '{mine}' WHERE id = '{grant}'") == "OWN_MATTER"
    assert await copy(n, "points_grant", "CONFIRMED", state="'CONFIRMED'", decided_by_id=f"'{who}'") == "GRANT_DECIDED"
    assert await refused(n, f"UPDATE points_grant SET amount = 6 WHERE id = '{grant}'") == "GRANT_DECIDED"

    # Rewards: no stock below zero, no more than the limit, nothing without a receipt.
    login = next(name for name in n.tokens if name.startswith("n0-"))
    reward = (await n.do(
        "admin", "pointsListReward", "reward { id }", areaId=haicang, title="伞", cost=10, stock=5, limitPerActor=1,
    ))["reward"]["id"]  # fmt: skip
    await n.do(login, "pointsRedeem", "redemption { id }", rewardId=reward)
    assert await refused(n, "UPDATE points_reward SET stock = -1") == "OUT_OF_STOCK"
    assert await copy(n, "points_redemption", "RESERVED") == "REWARD_LIMIT"
    redemption = await id_of(n, "points_redemption")
    event = await log(n, redemption, "DELIVERED")
    handed = f"UPDATE points_redemption SET state = 'DELIVERED', event_id = '{event}'"
    assert await refused(n, handed) == "RECEIPT_NEEDED"
    assert await refused(n, f"{handed}, receipt = 'x', delivered_by_id = actor_id") == "OWN_MATTER"
    assert await refused(n, "UPDATE points_redemption SET cost = 1") == "REDEMPTION_STATE"

    # A disputed account redeems nothing, and nobody decides their own dispute.
    account = (
        await n.ask(
            login,
            "query($c: ID!) { pointsAccounts(where: {actor: {id: {eq: $c}}}) { nodes { id } } }",
            c=f"actor_{who}",
        )
    )["pointsAccounts"]["nodes"][0]["id"]
    await n.do(login, "pointsOpenDispute", "dispute { id }", accountId=account, reason="算错了")
    await n.do("admin", "pointsChangeReward", "reward { id }", rewardId=reward, limitPerActor=9)
    assert await copy(n, "points_redemption", "RESERVED") == "ACCOUNT_HELD"
    dispute = await id_of(n, "points_dispute")
    event = await log(n, dispute, "REJECTED")
    decided = f"UPDATE points_dispute SET state = 'REJECTED', event_id = '{event}', answer = 'x', decided_by_id = "
    assert await refused(n, decided + "opened_by_id") == "OWN_MATTER"
    await n.do(
        "clerk",
        "pointsResolveDispute",
        "dispute { id }",
        disputeId=f"points_dispute_{dispute}",
        upheld=False,
        answer="没有错",
    )
    assert await refused(n, "UPDATE points_dispute SET answer = 'y'") == "DISPUTE_DECIDED"

    # A closed ranking is closed.
    n.clock.set(n.clock.start_of(n.clock.today().replace(year=n.clock.today().year + 1, month=12, day=31)))
    await n.trust("admin")
    period = str(n.clock.today().year - 1)
    await n.do("admin", "pointsCloseRanking", "ranking { id }", areaId=haicang, kind="PERSON", period=period)
    assert await refused(n, "UPDATE points_place SET points = 1000") == "APPEND_ONLY"
    assert await refused(n, "DELETE FROM points_place") == "APPEND_ONLY"
    assert await refused(n, "UPDATE points_closed_ranking SET ranked = 99") == "APPEND_ONLY"
    for number in ("number", "number + 1", "0"):
        assert await copy(n, "points_place", actor_id=f"'{other}'", number=number) == "RANKING_CLOSED"


async def test_who_lives_with_them_or_stands_in_for_them_is_no_second_person(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    one, mate, deputy = [await person(n, login) for login in await n.newcomers(3, "xishan")]
    xishan = await n.area_id("xishan")
    actor = {"areaId": xishan, "amount": 5, "reason": "捐赠", "evidence": "收据", "actorId": f"actor_{one}"}
    grant = (await n.do("clerk", "pointsGrantManual", "grant { id }", **actor))["grant"]["id"].removeprefix(
        "points_grant_"
    )
    home = (await n.registered("一组 8 号", kind=ActorKind.HOUSEHOLD))[0]
    for who in (one, mate):
        add = {"actorId": f"actor_{who}", "organizationId": home, "role": "MEMBER", "since": "2024-01-01"}
        await n.do("admin", "coreAddMembership", "membership { id }", **add)
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=xishan, title="岗"))["post"]["id"]
    put = {"postId": post, "personId": f"actor_{one}"}
    held = (await n.do("admin", "coreAssignPost", "postHolding { id }", **put))["postHolding"]["id"]
    until = n.clock.now() + timedelta(days=3)
    appoint = {"postHoldingId": held, "personId": f"actor_{deputy}", "until": until.isoformat()}
    await n.do("admin", "coreAppointDeputy", "deputy { id }", **appoint)

    async def confirm(who: UUID) -> str:
        event = await log(n, grant, "CONFIRMED")
        return (
            f"UPDATE points_grant SET state = 'CONFIRMED', version = version + 1, event_id = '{event}',"
            f" decided_at = declared_at, decided_by_id = '{who}' WHERE id = '{grant}'"
        )

    for who in (one, mate, deputy):
        assert await refused(n, await confirm(who)) == "OWN_MATTER"
    n.clock.set(until + timedelta(seconds=1))
    assert await refused(n, await confirm(mate)) == "OWN_MATTER"
    sql = await confirm(deputy)  # whose time is over
    async with n.server.runtime.database.transaction() as transaction:
        await transaction.fetch(sql)
