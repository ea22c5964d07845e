"""Many at once: each row on its own, each with its answer, and none done twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

import schema.changing
from core.ids import new_id, to_global
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
ATTEND = """mutation($i: CoreAttendActivityBatchInput!) { coreAttendActivityBatch(input: $i) {
    results { row participation { id state actor { id } } errors { code path } }
    again: results { participation { activity { placesTaken } } }
    errors { code path } } }"""


async def activity(n: Neighbourhood, **more: Any) -> str:
    n.clock.set(n.clock.now())
    start = n.clock.now() + timedelta(hours=1)
    made = await n.do(
        "clerk", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title="村民大会",
        startsAt=start.isoformat(), endsAt=(start + timedelta(hours=3)).isoformat(), **more,
    )  # fmt: skip
    await n.do("clerk", "coreOpenActivity", "activity { id }", activityId=made["activity"]["id"])
    n.clock.advance(timedelta(hours=2))
    return str(made["activity"]["id"])


async def attend(n: Neighbourhood, rows: list[Any], who: str = "clerk", **more: Any) -> Any:
    return (await n.ask(who, ATTEND, i={"rows": rows, **more}))["coreAttendActivityBatch"]


async def places(n: Neighbourhood, id: str) -> int:
    seen = await n.ask(None, "query($i: ID!) { node(id: $i) { ... on Activity { placesTaken } } }", i=id)
    return int(seen["node"]["placesTaken"])


async def test_two_hundred_attendances_with_three_bad_rows_and_the_same_key_again(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    id = await activity(n)
    came = await n.registered(*(f"来人{i}" for i in range(198)))
    rows = [{"activityId": id, "actorId": actor} for actor in came]
    rows[7] = {"activityId": id, "actorId": came[3]}  # noted twice
    rows.insert(50, {"activityId": id, "actorId": to_global("area", new_id())})
    rows.insert(120, {"activityId": id, "actorId": to_global("actor", new_id())})
    bad = {7: "ALREADY_ATTENDED", 50: "BAD_ID", 120: "NOT_FOUND"}
    assert len(rows) == 200
    first = await attend(n, rows, idempotencyKey="meeting")
    assert first["errors"] == [] and [r["row"] for r in first["results"]] == list(range(200))
    assert {r["row"]: r["errors"][0]["code"] for r in first["results"] if r["errors"]} == bad
    assert [r["row"] for r in first["results"] if r["participation"] is None] == sorted(bad)
    assert first["results"][199]["participation"]["actor"]["id"] == came[197]
    assert set(first["again"][0]) == {"participation"} and set(first["again"][0]["participation"]) == {"activity"}
    assert await places(n, id) == 197
    events = '{ events(where: {type: {eq: "core.activity.attended"}}) { totalCount } }'
    counted = await n.ask("admin", events)
    again = await attend(n, rows, idempotencyKey="meeting")
    assert [r["participation"] for r in again["results"]] == [r["participation"] for r in first["results"]]
    assert {r["row"]: r["errors"][0]["code"] for r in again["results"] if r["errors"]} == bad
    assert await n.ask("admin", events) == counted
    rows[0] = {"activityId": id, "actorId": came[9]}
    changed = await attend(n, rows[:2], idempotencyKey="meeting")
    assert [e["code"] for e in changed["results"][0]["errors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert changed["results"][1]["errors"] == []


async def test_one_batch_sent_five_times_at_once_is_done_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    id = await activity(n, capacity=8)
    came = await n.registered(*(f"同来{i}" for i in range(10)))
    rows = [{"activityId": id, "actorId": actor} for actor in came]
    answers = await asyncio.gather(*(attend(n, rows, idempotencyKey="once") for _ in range(5)))
    assert await places(n, id) == 8
    for answer in answers:
        assert [bool(r["participation"]) for r in answer["results"]] == [True] * 8 + [False] * 2
        assert {e["code"] for r in answer["results"] for e in r["errors"]} == {"ACTIVITY_FULL"}
    assert len({str(a["results"][:8]) for a in answers}) == 1


async def test_a_batch_stops_where_it_is_told_to_and_when_time_is_up(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    id = await activity(n)
    came = await n.registered("甲某", "乙某", "丙某")
    rows = [{"activityId": id, "actorId": actor} for actor in came]
    wrong = [rows[0], {"activityId": id, "actorId": id}, rows[1], rows[2]]
    stopped = await attend(n, wrong, stopOnError=True)
    assert [[e["code"] for e in r["errors"]] for r in stopped["results"]] == [
        [], ["BAD_ID"], ["NOT_TRIED"], ["NOT_TRIED"],
    ]  # fmt: skip
    monkeypatch.setattr(schema.changing, "BATCH_SECONDS", -1.0)
    late = await attend(n, rows[1:], idempotencyKey="late")
    assert [[e["code"] for e in r["errors"]] for r in late["results"]] == [["NOT_TRIED"], ["NOT_TRIED"]]
    monkeypatch.undo()
    assert all(r["participation"] for r in (await attend(n, rows[1:], idempotencyKey="late"))["results"])
    assert await places(n, id) == 3


async def test_a_batch_is_refused_as_a_whole_when_it_is_no_batch(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    id = await activity(n)
    row = {"activityId": id, "actorId": await n.actor_id("谢永强")}
    for rows, more, code in (
        ([], {}, "BATCH_SIZE"),
        ([row] * 201, {}, "BATCH_SIZE"),
        ([row], {"idempotencyKey": ""}, "BAD_IDEMPOTENCY_KEY"),
        ([row], {"idempotencyKey": "x" * 197}, "BAD_IDEMPOTENCY_KEY"),
    ):
        refused = await attend(n, rows, **more)
        assert refused["results"] == [] and [e["code"] for e in refused["errors"]] == [code]
    strangers = await attend(n, [row], who="resident")
    assert [e["code"] for e in strangers["results"][0]["errors"]] == ["NOT_PERMITTED"]
    assert (await n.post(None, ATTEND, i={"rows": [row]})).json()["data"]["coreAttendActivityBatch"]["errors"] == [
        {"code": "NOT_SIGNED_IN", "path": []}
    ]
    assert await places(n, id) == 0


@pytest.mark.needs("adoption")
async def test_actors_memberships_and_inspections_come_in_batches_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    people = await n.ask(
        "clerk",
        "mutation($i: CoreRegisterActorBatchInput!) { coreRegisterActorBatch(input: $i) { results { actor { id name } errors { code path } } } }",
        i={
            "rows": [
                {"kind": "PERSON", "name": "甲某某", "areaId": xishan},
                {"kind": "PERSON", "name": " ", "areaId": xishan},
            ]
        },
    )
    made, empty = people["coreRegisterActorBatch"]["results"]
    assert made["actor"]["name"] == "甲某某" and empty == {
        "actor": None, "errors": [{"code": "EMPTY_TEXT", "path": ["name"]}],
    }  # fmt: skip
    row = {"actorId": made["actor"]["id"], "areaId": xishan, "role": "RESIDENT", "since": "2024-01-01"}
    joined = await n.ask(
        "clerk",
        "mutation($i: CoreAddMembershipBatchInput!) { coreAddMembershipBatch(input: $i) { results { membership { since } errors { code } } } }",
        i={"rows": [row, row]},
    )
    assert [r["errors"] for r in joined["coreAddMembershipBatch"]["results"]] == [[], [{"code": "ALREADY_MEMBER"}]]
    agreement = (await n.ask(None, "{ adoptionAgreements { nodes { id } } }"))["adoptionAgreements"]["nodes"][0]["id"]
    scored = await n.ask(
        "inspector",
        "mutation($i: AdoptionInspectBatchInput!) { adoptionInspectBatch(input: $i) { results { inspection { score } errors { code } } } }",
        i={"rows": [{"agreementId": agreement, "score": s} for s in (90, 101, 80)]},
    )
    assert scored["adoptionInspectBatch"]["results"] == [
        {"inspection": {"score": 90}, "errors": []},
        {"inspection": None, "errors": [{"code": "BAD_SCORE"}]},
        {"inspection": {"score": 80}, "errors": []},
    ]
