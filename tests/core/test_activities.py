"""An activity's life: organise, open, join, leave, attend, finish, cancel; and links between things."""

from __future__ import annotations

import json
from datetime import timedelta

import orjson
import pytest

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


async def test_an_activity_lives_from_plan_to_finish(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    start = n.clock.now() + timedelta(days=2)
    made = await n.do(
        "resident", "coreOrganiseActivity", "activity { id state version organizer { name } }",
        areaId=await n.area_id("xishan"), title="清理水渠", capacity=2,
        startsAt=start.isoformat(), endsAt=(start + timedelta(hours=2)).isoformat(),
    )  # fmt: skip
    id, state = made["activity"]["id"], "activity { state placesTaken version }"
    assert made["activity"]["organizer"]["name"] == "郑雅婷"
    join, leave = ("coreJoinActivity", "participation { state }"), ("coreLeaveActivity", "participation { state }")
    assert await n.refused("clerk", *join, activityId=id) == "ACTIVITY_STATE"
    opened = await n.do("resident", "coreOpenActivity", state, activityId=id, expectedVersion=1)
    assert opened["activity"] == {"state": "OPEN", "placesTaken": 0, "version": 2}
    assert await n.refused("resident", "coreOpenActivity", state, activityId=id, expectedVersion=1) == (
        "VERSION_CONFLICT"
    )
    await n.do("clerk", *join, activityId=id)
    await n.do("inspector", *join, activityId=id)
    assert await n.refused("company", *join, activityId=id) == "ACTIVITY_FULL"
    assert (await n.do("clerk", *leave, activityId=id))["participation"]["state"] == "LEFT"
    assert await n.refused("clerk", *leave, activityId=id) == "NOT_JOINED"
    assert (await n.do("clerk", *join, activityId=id))["participation"]["state"] == "JOINED"
    attend = ("coreAttendActivity", "participation { state }")
    came = await n.actor_id("陈志伟")
    assert await n.refused("resident", *attend, activityId=id, actorId=came) == "TOO_EARLY"
    n.clock.advance(timedelta(days=2, hours=1))
    assert (await n.do("resident", *attend, activityId=id, actorId=came))["participation"]["state"] == "ATTENDED"
    assert await n.refused("resident", *attend, activityId=id, actorId=came) == "ALREADY_ATTENDED"
    walk_in = await n.actor_id("谢永强")
    assert await n.refused("resident", *attend, activityId=id, actorId=walk_in) == "ACTIVITY_FULL"
    finished = await n.do("resident", "coreFinishActivity", state, activityId=id)
    assert finished["activity"]["state"] == "FINISHED"
    assert await n.refused("resident", "coreCancelActivity", state, activityId=id, reason="?") == "ACTIVITY_STATE"


async def test_one_thing_leads_to_another(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    found = (await n.ask(None, "{ activities(orderBy: STARTS_AT_ASC) { nodes { id } } }"))["activities"]["nodes"]
    first, second = found[0]["id"], found[1]["id"]
    made = await n.do("resident", "coreLink", "link { kind fromId toId }", fromId=first, toId=second)
    assert made["link"] == {"kind": "LED_TO", "fromId": first, "toId": second}
    assert await n.refused("resident", "coreLink", "link { id }", fromId=first, toId=second) == "ALREADY_LINKED"
    assert await n.refused("resident", "coreLink", "link { id }", fromId=first, toId=first) == "NOT_TO_ITSELF"
    seen = await n.ask(None, "query($i: ID!) { links(where: {toId: {eq: $i}}) { nodes { fromId } } }", i=second)
    assert seen["links"]["nodes"] == [{"fromId": first}]


async def test_moving_an_area_moves_what_lies_below_and_keeps_the_history(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan, haihong = await n.area_id("xishan"), await n.area_id("haihong")
    await n.do("admin", "coreMoveArea", "area { parent { code } }", areaId=xishan, parentId=haihong)
    seen = await n.ask(None, '{ area(code: "xishan-1") { ancestors(orderBy: CODE_ASC) { nodes { code } } } }')
    assert [a["code"] for a in seen["area"]["ancestors"]["nodes"]] == ["haicang", "haihong", "xinyang", "xishan"]
    closed = await n.server.runtime.database.read("SELECT count(*) FROM core_area_closure WHERE until IS NOT NULL")
    assert closed[0][0] == 6  # xishan and its two grids × what lay above: dongfu, and haicang, which begins anew


async def test_a_mutation_takes_at_most_eight_round_trips_and_one_read(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    if n.server.runtime.database.dialect.name == "sqlite":
        limit = 12  # no network between; SQLite cannot insert into three tables in one statement
    else:
        limit = 9  # eight in the transaction, one to read the payload
    found = await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }")
    join = {"activityId": found["activities"]["nodes"][0]["id"], "idempotencyKey": "count"}
    await n.ask("company", "{ version }")
    await n.quiet()
    viewer = await n.viewer("company")
    with n.statements() as statements:
        answer = await n.server.graphql.execute(
            "mutation($i: CoreActivityInput!) { coreJoinActivity(input: $i)"
            " { participation { state actor { name } activity { placesTaken } } errors { code } } }",
            {"i": join},
            viewer=viewer,
        )
    assert orjson.loads(orjson.dumps(answer))["data"]["coreJoinActivity"]["errors"] == []
    assert len(statements) <= limit, json.dumps(statements, indent=1)
