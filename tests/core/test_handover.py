"""Hand-overs and deputies: what goes to whom with a receipt, who stands in and until when, and what neither gives."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.duties import Duties, Duty, Held, Taking
from core.enums import ActivityState
from core.errors import Refusal
from core.ids import from_global
from core.models import Activity, Actor
from core.testing.kit import Neighbourhood
from core.work import PendingEvent, Work

pytestmark = pytest.mark.anyio

RECEIPT = """handover { id state takesEffectOn doneAt note giver { id } taker { id }
  lines { nodes { subject title stays area { code } movedBy { type data } } } }"""


async def me(n: Neighbourhood, who: str) -> str:
    return str((await n.ask(who, "{ viewer { id } }"))["viewer"]["id"])


async def post(n: Neighbourhood, title: str, area: str, role: str | None, holder: str | None) -> tuple[str, str]:
    """A post, what it carries and who holds it; the post's and the holding's id."""
    at = await n.area_id(area)
    made = (await n.do("admin", "coreCreatePost", "post { id }", areaId=at, title=title))["post"]["id"]
    if role:
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role=role, areaId=at, postId=made)
    if holder is None:
        return made, ""
    put = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=made, personId=holder)
    return made, put["postHolding"]["id"]


async def organised(n: Neighbourhood, who: str, area: str = "xishan") -> str:
    starts = n.clock.now() + timedelta(days=20)
    when = {"startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=2)).isoformat()}
    made = await n.do(
        who, "coreOrganiseActivity", "activity { id }", areaId=await n.area_id(area), title="议事会", **when
    )
    return str(made["activity"]["id"])


def lines(receipt: dict[str, Any]) -> dict[str, str | None]:
    return {line["title"]: line["stays"] for line in receipt["lines"]["nodes"]}


async def read(n: Neighbourhood, id: str) -> dict[str, Any]:
    """A receipt as the administrator reads it."""
    fields = RECEIPT.partition("{")[2].rpartition("}")[0]
    found = await n.ask("admin", f"query($i: ID!) {{ node(id: $i) {{ ... on Handover {{ {fields} }} }} }}", i=id)
    return dict(found["node"])


async def holders(n: Neighbourhood, post_id: str) -> list[str]:
    """Who holds a post now."""
    holds = "query($p: ID!) { node(id: $p) { ... on Post { holdings { nodes { person { id } until } } } } }"
    held = (await n.ask("admin", holds, p=post_id))["node"]["holdings"]["nodes"]
    return [h["person"]["id"] for h in held if h["until"] is None]


async def test_everything_moves_that_can_and_the_receipt_says_what_and_why(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    giver, taker = (await n.newcomers(2, "xishan-1"))[:2]
    one, other = await me(n, giver), await me(n, taker)
    xishan = await n.area_id("xishan")
    kept, _ = await post(n, "网格员", "xishan", "CLERK", one)
    await post(n, "楼长", "haihong", None, one)
    activity = await organised(n, giver)
    mandate = {"personId": one, "organizationId": await n.actor_id("西山社村民委员会"), "areaId": xishan}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **mandate)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="INSPECTOR", areaId=xishan, actorId=one)
    order = {"areaId": xishan, "fromId": one, "toId": other, "note": "调任", "idempotencyKey": "h1"}
    assert await n.refused(giver, "coreHandOver", RECEIPT, **order) == "NOT_PERMITTED"
    receipt = (await n.do("admin", "coreHandOver", RECEIPT, **order))["handover"]
    assert receipt["state"] == "DONE" and receipt["note"] == "调任"
    assert lines(receipt) == {
        "网格员": None,
        "楼长": "OUTSIDE_HANDOVER",
        "议事会": None,
        "西山社村民委员会": "MANDATE_IS_PERSONAL",
        "INSPECTOR": "ROLE_IS_PERSONAL",
    }
    moved = {line["title"]: line["movedBy"] for line in receipt["lines"]["nodes"] if line["movedBy"]}
    assert {title: event["type"] for title, event in moved.items()} == {
        "网格员": "core.post.assigned",
        "议事会": "core.activity.handed_over",
    }
    assert all(event["data"]["handover"] in receipt["id"] for event in moved.values())
    # The same again is the same receipt, and nothing moves twice.
    again = (await n.do("admin", "coreHandOver", RECEIPT, **order))["handover"]
    assert again == receipt
    holds = "query($p: ID!) { node(id: $p) { ... on Post { holdings { nodes { person { id } until } } } } }"
    held = (await n.ask("admin", holds, p=kept))["node"]["holdings"]["nodes"]
    assert [h["person"]["id"] for h in held if h["until"] is None] == [other]
    # Both see it, nobody else does; and the taker runs the activity now.
    find = "query($i: ID!) { node(id: $i) { id } }"
    for who, seen in ((giver, True), (taker, True), ("admin", True), ("resident", False), ("inspector", False)):
        assert ((await n.ask(who, find, i=receipt["id"]))["node"] is not None) is seen, who
    assert await n.refused(giver, "coreOpenActivity", "activity { id }", activityId=activity) == "NOT_PERMITTED"
    await n.do(taker, "coreOpenActivity", "activity { id }", activityId=activity)
    # The giver's role went with the post at once.
    register = {"kind": "PERSON", "name": "新人", "areaId": xishan}
    assert await n.refused(giver, "coreRegisterActor", "actor { id }", **register) == "NOT_PERMITTED"
    await n.do(taker, "coreRegisterActor", "actor { id }", **register)


async def test_a_planned_hand_over_waits_for_its_day(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    giver, taker, third = await n.newcomers(3, "xishan")
    one, other = await me(n, giver), await me(n, taker)
    xishan = await n.area_id("xishan")
    await post(n, "网格员", "xishan", "CLERK", one)
    changed, _ = await post(n, "文书", "xishan", None, one)
    day = n.clock.today() + timedelta(days=10)
    order = {"areaId": xishan, "fromId": one, "toId": other, "date": day.isoformat()}
    planned = (await n.do("admin", "coreHandOver", RECEIPT, **order))["handover"]
    assert planned["state"] == "PLANNED" and planned["lines"]["nodes"] == []
    assert await n.refused("admin", "coreHandOver", RECEIPT, **(order | {"toId": await me(n, third)})) == (
        "HANDOVER_PLANNED"
    )
    assert (await n.due())["core.handovers"] == 0
    # Who plans a hand-over gives what the post has then, not what it is given afterwards.
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=xishan, postId=changed)
    n.clock.set(n.clock.now() + timedelta(days=11))
    assert (await n.due())["core.handovers"] == 1
    assert (await n.due())["core.handovers"] == 0
    done = await read(n, planned["id"])
    assert done["state"] == "DONE"
    assert lines(done) == {"网格员": None, "文书": "POST_CHANGED"}
    event = '{ events(where: {type: {eq: "core.post.assigned"}}, first: 1) { nodes { authority actor { id } data } } }'
    (moved,) = (await n.ask("admin", event))["events"]["nodes"]
    assert (moved["authority"], moved["actor"]) == ("SYSTEM", None) and moved["data"]["handover"] in planned["id"]
    code = await n.refused("admin", "coreCancelHandOver", "handover { id }", handoverId=planned["id"])
    assert code == "HANDOVER_OVER"


@pytest.mark.parametrize(
    ("meanwhile", "stays"),
    [
        ("nothing", "ROLE_ABOVE_OWN"),
        ("the role is cut", "NOT_PERMITTED"),
        ("the role is taken", "NOT_PERMITTED"),
        ("the account is closed", "NOT_PERMITTED"),
    ],
)
async def test_what_a_planner_may_not_hand_over_on_the_day_stays(
    neighbourhood: Neighbourhood, meanwhile: str, stays: str
) -> None:
    n = neighbourhood
    low, giver, taker = await n.newcomers(3, "xishan")
    planner, one, other = [await me(n, who) for who in (low, giver, taker)]
    xishan = await n.area_id("xishan")
    grant = {"role": "AREA_ADMIN", "areaId": xishan, "actorId": planner}
    given = (await n.do("admin", "coreGrantRole", "roleGrant { id }", **grant))["roleGrant"]["id"]
    made, _ = await post(n, "书记", "xishan", "ADMIN" if meanwhile == "nothing" else "CLERK", one)
    day = (n.clock.today() + timedelta(days=1)).isoformat()
    order = {"areaId": xishan, "fromId": one, "toId": other, "date": day}
    planned = (await n.do(low, "coreHandOver", "handover { id }", **order))["handover"]["id"]
    if meanwhile == "the role is cut":
        wish = {"key": "core.role.grant", "value": ["ADMIN"]}
        await n.do(
            "admin", "coreSetPluginSettings", "area { id }", areaId=xishan, plugin="permissions", settings=[wish]
        )
    elif meanwhile == "the role is taken":
        await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=given, reason="调离")
    elif meanwhile == "the account is closed":
        await n.do("admin", "coreDisableAccount", "", personId=planner, reason="调离")
    n.clock.set(n.clock.now() + timedelta(days=2))
    assert (await n.due())["core.handovers"] == 1
    done = await read(n, planned)
    assert done["state"] == "DONE" and lines(done) == {"书记": stays}
    assert await holders(n, made) == [one]


async def test_a_machine_plans_no_hand_over(neighbourhood: Neighbourhood) -> None:
    """By then nothing is known of what it was cut down to; at once it moves what it may, and no post."""
    n = neighbourhood
    one, other = [await me(n, who) for who in await n.newcomers(2, "xishan")]
    xishan, ends = await n.area_id("xishan"), (n.clock.now() + timedelta(days=30)).isoformat()
    made, _ = await post(n, "网格员", "xishan", "CLERK", one)
    machine = {"label": "交接机", "permissions": ["core.handover"], "areaId": xishan, "expiresAt": ends}
    n.tokens["machine"] = (await n.do("admin", "coreCreateMachineToken", "secret", **machine))["secret"]
    order = {"areaId": xishan, "fromId": one, "toId": other}
    later = order | {"date": (n.clock.today() + timedelta(days=1)).isoformat()}
    assert await n.refused("machine", "coreHandOver", "handover { id }", **later) == "TOKEN_SCOPE"
    await n.do("machine", "coreHandOver", "handover { id }", **order)
    found = "{ handovers { nodes { lines { nodes { title stays } } } } }"
    (receipt,) = (await n.ask("admin", found))["handovers"]["nodes"]
    assert receipt["lines"]["nodes"] == [{"title": "网格员", "stays": "NOT_PERMITTED"}]
    assert await holders(n, made) == [one]


@pytest.mark.parametrize("meanwhile", ["the taker is gone", "the taker proves to be the planner"])
async def test_a_planned_hand_over_has_two_sides_on_its_day(neighbourhood: Neighbourhood, meanwhile: str) -> None:
    n = neighbourhood
    low, giver = await n.newcomers(2, "xishan")
    planner, one = await me(n, low), await me(n, giver)
    (taker,) = await n.registered("丙")
    xishan = await n.area_id("xishan")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=xishan, actorId=planner)
    made, _ = await post(n, "网格员", "xishan", "CLERK", one)
    day = (n.clock.today() + timedelta(days=1)).isoformat()
    order = {"areaId": xishan, "fromId": one, "toId": taker, "date": day}
    planned = (await n.do(low, "coreHandOver", "handover { id }", **order))["handover"]["id"]
    if meanwhile == "the taker is gone":

        async def go(work: Work) -> dict[str, Any]:
            actor = await work.lock(Actor, from_global(taker, "actor"))
            work.change(actor, gone_at=work.now)
            work.record("core.actor.registered.undone", actor, area_id=actor.area_id)
            return {}

        await n.server.runtime.as_system(go)
    else:
        await n.do("admin", "coreMergeActors", "actor { id }", keptId=planner, goneId=taker, reason="同一人")
    n.clock.set(n.clock.now() + timedelta(days=2))
    assert (await n.due())["core.handovers"] == 1
    state = "query($i: ID!) { node(id: $i) { ... on Handover { state } } }"
    assert (await n.ask("admin", state, i=planned))["node"] == {"state": "CANCELLED"}
    assert await holders(n, made) == [one]


@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)  # on SQLite nobody waits once it has begun
async def test_a_hand_over_that_waits_too_long_is_refused_whole(lock_ms: int, neighbourhood: Neighbourhood) -> None:
    """Somebody else holds a row of one duty: that is no reason for it to stay."""
    n = neighbourhood
    one, other = [await me(n, who) for who in await n.newcomers(2, "xishan")]
    made, _ = await post(n, "网格员", "xishan", "CLERK", one)
    before = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=made, personId=other)
    await n.do("admin", "coreLeavePost", "postHolding { id }", postHoldingId=before["postHolding"]["id"])
    order = {"areaId": await n.area_id("xishan"), "fromId": one, "toId": other}
    held, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with n.server.runtime.database.transaction() as transaction:
            former = from_global(before["postHolding"]["id"], "postholding")
            await transaction.fetch("SELECT 1 AS yes FROM core_post_holding WHERE id = $1 FOR UPDATE", former)
            held.set()
            await over.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    code = await n.refused("admin", "coreHandOver", "handover { id }", **order)
    over.set()
    await holding
    assert code == "BUSY"
    assert await holders(n, made) == [one]
    await n.do("admin", "coreHandOver", "handover { id }", **order)
    assert await holders(n, made) == [other]


async def test_a_planned_hand_over_is_cancelled(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    one, other = [await me(n, who) for who in await n.newcomers(2, "xishan")]
    day = (n.clock.today() + timedelta(days=3)).isoformat()
    order = {"areaId": await n.area_id("xishan"), "fromId": one, "toId": other, "date": day}
    made = (await n.do("admin", "coreHandOver", "handover { id }", **order))["handover"]["id"]
    assert await n.refused("clerk", "coreCancelHandOver", "handover { id }", handoverId=made) == "NOT_FOUND"
    gone = await n.do("admin", "coreCancelHandOver", "handover { state }", handoverId=made, reason="不调了")
    assert gone["handover"]["state"] == "CANCELLED"
    n.clock.set(n.clock.now() + timedelta(days=4))
    assert (await n.due())["core.handovers"] == 0


async def test_what_no_hand_over_does(neighbourhood: Neighbourhood) -> None:
    """Nobody takes over by their own hand, gives more than they may, or reaches out of their area."""
    n = neighbourhood
    low, other, far = [*await n.newcomers(2, "xishan"), *await n.newcomers(1, "haihong")]
    xishan = await n.area_id("xishan")
    admin = await me(n, low)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=xishan, actorId=admin)
    one = await me(n, other)
    await post(n, "书记", "xishan", "ADMIN", one)
    give = {"areaId": xishan, "fromId": one, "toId": await n.actor_id("陈志伟")}
    company = await n.actor_id("企业甲")
    for change, code in (
        ({"toId": admin}, "OWN_MATTER"),
        ({"toId": one}, "HANDOVER_TO_ONESELF"),
        ({"toId": company}, "NOT_A_PERSON"),
        ({"toId": await me(n, far)}, "NOT_OF_THE_AREA"),
        ({"areaId": await n.area_id("dongfu")}, "NOT_PERMITTED"),
        ({"date": (n.clock.today() - timedelta(days=1)).isoformat()}, "IN_THE_PAST"),
        ({"date": date(2099, 1, 1).isoformat()}, "TOO_FAR_AHEAD"),
    ):
        assert await n.refused(low, "coreHandOver", RECEIPT, **(give | change)) == code, change
    receipt = (await n.do(low, "coreHandOver", RECEIPT, **(give | {"toId": await me(n, "inspector")})))["handover"]
    assert lines(receipt) == {"书记": "ROLE_ABOVE_OWN"}


async def test_plugins_say_what_moves_and_what_stays(neighbourhood: Neighbourhood) -> None:
    """A mechanism moves its own rows; what it refuses stays, and a fault of its undoes the whole hand-over."""
    n = neighbourhood
    giver, taker = await n.newcomers(2, "xishan")
    one, other = await me(n, giver), await me(n, taker)
    _, holding = await post(n, "网格员", "xishan", "CLERK", one)
    named = [await organised(n, giver), await organised(n, giver, "xishan-1")]
    moved: list[str] = []
    kernel = n.server.runtime.kernel

    async def find(work: Work, person_id: UUID) -> list[Held]:
        found = await work.select(Activity, lock=True, organizer_id=person_id, state=ActivityState.PLANNED)
        return [Held(a, a, f"值班{i}") for i, a in enumerate(found)]

    async def move(work: Work, held: Held, taking: Taking) -> PendingEvent:
        moved.append(held.title)
        if held.title == "值班0":
            raise Refusal("ACTIVITY_FULL")
        if kernel.health.left_out.get("fails"):
            raise RuntimeError("the mechanism has a fault")
        row: Any = held.row
        work.change(row, place="新值班室")
        return work.record("core.activity.handed_over", row, area_id=row.area_id, data=taking.data)

    posts = Duties("core", kernel.duties[0].kinds[:1])
    kernel.duties = (posts, Duties("core", (Duty(find, move),)))
    order = {"areaId": await n.area_id("xishan"), "fromId": one, "toId": other}
    kernel.health.left_out["fails"] = "yes"
    query = "mutation($i: CoreHandOverInput!) { coreHandOver(input: $i) { handover { id } errors { code } } }"
    assert (await n.post("admin", query, i=order)).json()["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    del kernel.health.left_out["fails"]
    seen = "query($h: ID!) { node(id: $h) { ... on PostHolding { until } } }"
    assert (await n.ask("admin", seen, h=holding))["node"] == {"until": None}
    assert (await n.ask("admin", "{ handovers { totalCount } }"))["handovers"]["totalCount"] == 0
    receipt = (await n.do("admin", "coreHandOver", RECEIPT, **order))["handover"]
    assert lines(receipt) == {"网格员": None, "值班0": "ACTIVITY_FULL", "值班1": None}
    assert moved == ["值班0", "值班1"] * 2
    places = "query($i: [ID!]!) { nodes(ids: $i) { ... on Activity { place } } }"
    assert (await n.ask("admin", places, i=named))["nodes"] == [{"place": None}, {"place": "新值班室"}]


@pytest.mark.needs("adoption")
async def test_a_custodian_s_spot_stays_theirs(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    one, other = [await me(n, who) for who in await n.newcomers(2, "xishan")]
    xishan = await n.area_id("xishan")
    spot = {"areaId": xishan, "custodianId": one, "name": "老井", "kind": "TREE", "duties": "清理"}
    await n.do("clerk", "adoptionListAsset", "asset { id }", **spot)
    receipt = (await n.do("admin", "coreHandOver", RECEIPT, areaId=xishan, fromId=one, toId=other))["handover"]
    assert lines(receipt) == {"老井": "OWNERSHIP_STAYS"}


async def test_two_hand_overs_at_once_move_everything_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    giver, *takers = [await me(n, who) for who in await n.newcomers(5, "xishan")]
    made, _ = await post(n, "网格员", "xishan", "CLERK", giver)
    order = {"areaId": await n.area_id("xishan"), "fromId": giver}
    answers = await asyncio.gather(*(n.do("admin", "coreHandOver", RECEIPT, **order, toId=t) for t in takers))
    moved = [a["handover"]["taker"]["id"] for a in answers if lines(a["handover"]) == {"网格员": None}]
    assert len(moved) == 1 and all(lines(a["handover"]) in ({}, {"网格员": None}) for a in answers)
    holds = "query($p: ID!) { node(id: $p) { ... on Post { holdings { nodes { person { id } until } } } } }"
    held = (await n.ask("admin", holds, p=made))["node"]["holdings"]["nodes"]
    assert [h["person"]["id"] for h in held if h["until"] is None] == moved


async def test_who_is_merged_between_plan_and_day(neighbourhood: Neighbourhood) -> None:
    """Two planned givers block a merge; when giver and taker prove to be one, nothing is handed over or lost."""
    n = neighbourhood
    one, other = [await me(n, who) for who in await n.newcomers(2, "xishan")]
    (third,) = await n.registered("丙")
    xishan = await n.area_id("xishan")
    made, _ = await post(n, "网格员", "xishan", "CLERK", one)
    day = (n.clock.today() + timedelta(days=3)).isoformat()
    plan = ("coreHandOver", "handover { id }")
    first = (await n.do("admin", *plan, areaId=xishan, fromId=one, toId=third, date=day))["handover"]["id"]
    second = (await n.do("admin", *plan, areaId=xishan, fromId=third, toId=other, date=day))["handover"]["id"]
    merge = ("coreMergeActors", "actor { id }")
    together = {"keptId": one, "goneId": third, "reason": "同一人"}
    assert await n.refused("admin", *merge, **together) == "HANDOVER_PLANNED"
    await n.do("admin", "coreCancelHandOver", "handover { id }", handoverId=second)
    await n.do("admin", *merge, **together)
    n.clock.set(n.clock.now() + timedelta(days=4))
    assert (await n.due())["core.handovers"] == 1
    state = "query($i: ID!) { node(id: $i) { ... on Handover { state } } }"
    assert (await n.ask("admin", state, i=first))["node"] == {"state": "CANCELLED"}
    holds = "query($p: ID!) { node(id: $p) { ... on Post { holdings { nodes { person { id } until } } } } }"
    held = (await n.ask("admin", holds, p=made))["node"]["holdings"]["nodes"]
    assert held == [{"person": {"id": one}, "until": None}]


async def test_a_deputy_has_the_post_s_roles_for_the_time(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    holder, stand_in = await n.newcomers(2, "xishan")
    one, other = await me(n, holder), await me(n, stand_in)
    xishan = await n.area_id("xishan")
    _, holding = await post(n, "窗口", "xishan", "CLERK", one)
    start = n.clock.now() + timedelta(days=1)
    end = start + timedelta(days=7)
    appoint = {"postHoldingId": holding, "personId": other, "since": start.isoformat(), "until": end.isoformat()}
    assert await n.refused(holder, "coreAppointDeputy", "deputy { id }", **appoint) == "NOT_PERMITTED"
    assert await n.refused("admin", "coreAppointDeputy", "deputy { id }", **(appoint | {"personId": one})) == (
        "DEPUTY_OF_ONESELF"
    )
    own = appoint | {"personId": await me(n, "admin")}
    assert await n.refused("admin", "coreAppointDeputy", "deputy { id }", **own) == "OWN_MATTER"
    deputy = (await n.do("admin", "coreAppointDeputy", "deputy { id person { id } }", **appoint))["deputy"]["id"]
    assert await n.refused("admin", "coreAppointDeputy", "deputy { id }", **appoint) == "ALREADY_DEPUTY"

    async def register(name: str) -> dict[str, Any]:
        made = await n.do(
            stand_in, "coreRegisterActor", "actor { id }", kind="PERSON", name=name, areaId=xishan
        )  # fmt: skip
        find = "query($s: ID!) { events(where: {subject: {eq: $s}}) { nodes { deputy { id holding { person { id } post { title } } } actor { id } fromAbove } } }"
        found = (await n.ask("admin", find, s=made["actor"]["id"]))["events"]["nodes"]
        return dict(found[0])

    refused = {"kind": "PERSON", "name": "早了", "areaId": xishan}
    assert await n.refused(stand_in, "coreRegisterActor", "actor { id }", **refused) == "NOT_PERMITTED"
    n.clock.set(start + timedelta(seconds=1))
    event = await register("代办一")
    assert event == {
        "deputy": {"id": deputy, "holding": {"person": {"id": one}, "post": {"title": "窗口"}}},
        "actor": {"id": other},
        "fromAbove": False,
    }
    n.clock.set(end + timedelta(seconds=1))  # by itself
    assert await n.refused(stand_in, "coreRegisterActor", "actor { id }", **refused) == "NOT_PERMITTED"
    assert await n.refused("admin", "coreEndDeputy", "deputy { id }", deputyId=deputy) == "ALREADY_ENDED"


@pytest.mark.parametrize("end", ["deputy", "holder", "leaves", "handed over", "term"])
async def test_a_deputy_goes_at_once(neighbourhood: Neighbourhood, end: str) -> None:
    """When it is ended, by either of them, and when the holder no longer holds the post, or their term is over."""
    n = neighbourhood
    holder, stand_in, third = await n.newcomers(3, "xishan")
    one, other = await me(n, holder), await me(n, stand_in)
    xishan, now = await n.area_id("xishan"), n.clock.now()
    place, _ = await post(n, "窗口", "xishan", "CLERK", None)
    term = {"until": (now + timedelta(days=2)).isoformat()} if end == "term" else {}
    put = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=place, personId=one, **term)
    holding, until = put["postHolding"]["id"], (now + timedelta(days=7)).isoformat()
    made = await n.do("admin", "coreAppointDeputy", "deputy { id }", postHoldingId=holding, personId=other, until=until)
    await n.do(stand_in, "coreRegisterActor", "actor { id }", kind="PERSON", name="甲", areaId=xishan)
    if end in ("deputy", "holder"):
        code = await n.refused(third, "coreEndDeputy", "deputy { id }", deputyId=made["deputy"]["id"])
        assert code == "NOT_PERMITTED"
        await n.do(
            {"deputy": stand_in, "holder": holder}[end], "coreEndDeputy", "deputy { id }", deputyId=made["deputy"]["id"]
        )
    elif end == "leaves":
        await n.do("admin", "coreLeavePost", "postHolding { id }", postHoldingId=holding)
    elif end == "term":
        n.clock.set(now + timedelta(days=3))
    else:
        order = {"areaId": xishan, "fromId": one, "toId": await me(n, third)}
        await n.do("admin", "coreHandOver", "handover { id }", **order)
    refused = {"kind": "PERSON", "name": "乙", "areaId": xishan}
    assert await n.refused(stand_in, "coreRegisterActor", "actor { id }", **refused) == "NOT_PERMITTED"


async def test_a_deputy_who_gives_away_a_post_gains_nothing(neighbourhood: Neighbourhood) -> None:
    """A post one stands in for is one's own, as if one held it: roles come to it by others."""
    n = neighbourhood
    holder, stand_in = await n.newcomers(2, "xishan")
    xishan = await n.area_id("xishan")
    made, holding = await post(n, "主任", "xishan", "AREA_ADMIN", await me(n, holder))
    until = (n.clock.now() + timedelta(days=7)).isoformat()
    appoint = {"postHoldingId": holding, "personId": await me(n, stand_in), "until": until}
    await n.do("admin", "coreAppointDeputy", "deputy { id }", **appoint)
    grant = {"role": "CLERK", "areaId": xishan, "postId": made}
    assert await n.refused(stand_in, "coreGrantRole", "roleGrant { id }", **grant) == "OWN_MATTER"
    longer = appoint | {"until": (n.clock.now() + timedelta(days=90)).isoformat()}
    assert await n.refused(stand_in, "coreAppointDeputy", "deputy { id }", **longer) == "OWN_MATTER"


async def test_a_term_ends_by_itself(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    (holder,) = await n.newcomers(1, "xishan")
    one, xishan = await me(n, holder), await n.area_id("xishan")
    made, _ = await post(n, "网格员", "xishan", "CLERK", None)
    term = n.clock.now() + timedelta(days=30)
    put = {"postId": made, "personId": one}
    await n.do("admin", "coreAssignPost", "postHolding { id }", **put, until=term.isoformat())
    assert await n.refused("admin", "coreAssignPost", "postHolding { id }", **put) == "ALREADY_HOLDS_POST"
    register = {"kind": "PERSON", "name": "甲", "areaId": xishan}
    n.clock.set(term - timedelta(seconds=1))
    await n.do(holder, "coreRegisterActor", "actor { id }", **register)
    n.clock.set(term + timedelta(seconds=1))
    assert await n.refused(holder, "coreRegisterActor", "actor { id }", **register) == "NOT_PERMITTED"
    await n.do("admin", "coreAssignPost", "postHolding { id }", **put)
