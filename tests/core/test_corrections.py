"""Mistakes are mended by new events: undone soon after, once; and two actors who prove to be one become one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.corrections import Finding, Merging
from core.errors import Refusal
from core.ids import from_global
from core.testing.kit import Neighbourhood, Refused
from core.work import Work

pytestmark = pytest.mark.anyio
UNDO = ("coreUndo", "event { id undone }")
MERGE = ("coreMergeActors", "actor { id }")


async def event_of(n: Neighbourhood, subject: str, type: str) -> str:
    """The newest event of a type about something, as the administrator sees it."""
    found = await n.ask(
        "admin",
        "query($s: ID!, $t: String!) { events(where: {subject: {eq: $s}, type: {eq: $t}}, first: 1) { nodes { id } } }",
        s=subject, t=type,
    )  # fmt: skip
    return str(found["events"]["nodes"][0]["id"])


async def undo(n: Neighbourhood, who: str, subject: str, type: str) -> None:
    event = await event_of(n, subject, type)
    done = await n.do(who, *UNDO, eventId=event, reason="点错了")
    assert done["event"] == {"id": event, "undone": True}


async def show(n: Neighbourhood, id: str, selection: str, who: str = "admin") -> Any:
    return (await n.ask(who, f"query($i: ID!) {{ node(id: $i) {{ id {selection} }} }}", i=id))["node"]


async def person(n: Neighbourhood, name: str, code: str = "xishan", **more: Any) -> str:
    more = {"kind": "PERSON", **more}
    made = await n.do("admin", "coreRegisterActor", "actor { id }", name=name, areaId=await n.area_id(code), **more)
    return str(made["actor"]["id"])


async def begun(n: Neighbourhood, title: str = "义诊", **more: Any) -> str:
    """An open activity of 西山社 that began an hour ago."""
    start = n.clock.now() + timedelta(hours=1)
    made = await n.do(
        "clerk", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title=title,
        startsAt=start.isoformat(), endsAt=(start + timedelta(hours=48)).isoformat(), **more,
    )  # fmt: skip
    id = str(made["activity"]["id"])
    await n.do("clerk", "coreOpenActivity", "activity { id }", activityId=id)
    n.clock.advance(timedelta(hours=2))
    return id


# --- undo ------------------------------------------------------------------------------------------------


async def test_what_happens_in_an_activity_is_undone_step_by_step(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    activity = await begun(n)
    state = "... on Activity { state placesTaken }"
    joined = await n.do("resident", "coreJoinActivity", "participation { id state }", activityId=activity)
    part = joined["participation"]["id"]
    assert await n.refused("clerk", *UNDO, eventId=await event_of(n, part, "core.activity.joined"), reason="?") == (
        "NOT_PERMITTED"  # joining is for everybody, so undoing it is for who did
    )
    attend = {"activityId": activity, "actorId": await n.actor_id("郑雅婷")}
    await n.do("clerk", "coreAttendActivity", "participation { id }", **attend)
    joining = await event_of(n, part, "core.activity.joined")
    assert await n.refused("resident", *UNDO, eventId=joining, reason="?") == "CANNOT_UNDO"  # somebody built on it
    attending = await event_of(n, part, "core.activity.attended")
    assert await n.refused("resident", *UNDO, eventId=attending, reason="?") == "NOT_FOUND"  # not theirs to see
    assert await n.refused("admin", *UNDO, eventId=attending, reason=" ") == "EMPTY_TEXT"
    await undo(n, "admin", part, "core.activity.attended")  # whoever may manage activities there
    assert await show(n, part, "... on Participation { state }") == {"id": part, "state": "JOINED"}
    assert (await show(n, activity, state))["placesTaken"] == 1
    assert await n.refused("clerk", *UNDO, eventId=attending, reason="again") == "ALREADY_UNDONE"
    undoing = await event_of(n, part, "core.activity.attended.undone")
    assert await n.refused("admin", *UNDO, eventId=undoing, reason="?") == "CANNOT_UNDO"  # an undo stays
    await n.do("resident", "coreLeaveActivity", "participation { id }", activityId=activity)
    await undo(n, "resident", part, "core.activity.left")
    walk_in = await n.do(
        "clerk", "coreAttendActivity", "participation { id }", activityId=activity, actorId=await n.actor_id("谢永强")
    )
    await undo(n, "clerk", walk_in["participation"]["id"], "core.activity.attended")
    assert await show(n, activity, state) == {"id": activity, "state": "OPEN", "placesTaken": 1}
    for verb, type, more in (
        ("coreFinishActivity", "core.activity.finished", {}),
        ("coreCancelActivity", "core.activity.cancelled", {"reason": "下雨"}),
    ):
        await n.do("clerk", verb, "activity { id }", activityId=activity, **more)
        await undo(n, "clerk", activity, type)
        assert (await show(n, activity, state))["state"] == "OPEN"
    log = await n.ask(
        "admin",
        'query($s: ID!) { events(where: {subject: {eq: $s}, type: {eq: "core.event.undone"}}) { nodes { data reason } } }',
        s=attending,
    )
    assert log["events"]["nodes"] == [
        {"data": {"event": attending.removeprefix("event_"), "type": "core.activity.attended"}, "reason": "点错了"}
    ]


async def test_memberships_mandates_roles_posts_and_areas_are_undone(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    someone, team, xishan = await person(n, "林小满"), await n.actor_id("海虹志愿服务队"), await n.area_id("xishan")
    made = await n.do(
        "clerk", "coreAddMembership", "membership { id }", actorId=someone, areaId=xishan, role="RESIDENT",
        since="2025-01-01",
    )  # fmt: skip
    id = made["membership"]["id"]
    await n.do("clerk", "coreEndMembership", "membership { id }", membershipId=id, until="2025-06-01")
    membership = "... on Membership { state until }"
    assert (await show(n, id, membership))["state"] == "ENDED"
    await undo(n, "clerk", id, "core.membership.ended")
    assert await show(n, id, membership) == {"id": id, "state": "ACTIVE", "until": None}
    added = await event_of(n, id, "core.membership.added")
    assert await n.refused("clerk", *UNDO, eventId=added, reason="?") == "CANNOT_UNDO"  # it has a history by now
    made = await n.do(
        "admin",
        "coreGiveMandate",
        "mandate { id }",
        personId=someone,
        organizationId=team,
        areaId=await n.area_id("haihong"),
    )
    id = made["mandate"]["id"]
    await undo(n, "admin", id, "core.mandate.given")
    assert (await show(n, id, "... on Mandate { state }"))["state"] == "REVOKED"
    made = await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=xishan, actorId=someone)
    id = made["roleGrant"]["id"]
    assert await n.refused("clerk", *UNDO, eventId=await event_of(n, id, "core.role.granted"), reason="?") == (
        "NOT_PERMITTED"
    )
    await undo(n, "admin", id, "core.role.granted")
    assert (await show(n, id, "... on RoleGrant { revokedAt }"))["revokedAt"] is not None
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=xishan, title="网格长"))["post"]["id"]
    made = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=someone)
    id = made["postHolding"]["id"]
    await n.do("admin", "coreLeavePost", "postHolding { id }", postHoldingId=id)
    await undo(n, "admin", id, "core.post.left")
    assert (await show(n, id, "... on PostHolding { until }"))["until"] is None
    await n.do("admin", "coreRenameArea", "area { id }", areaId=xishan, name="西山新社")
    await undo(n, "admin", xishan, "core.area.renamed")
    await n.do("admin", "coreMoveArea", "area { id }", areaId=xishan, parentId=await n.area_id("haihong"))
    await undo(n, "admin", xishan, "core.area.moved")
    assert await show(n, xishan, "... on Area { name parent { code } }") == {
        "id": xishan, "name": "西山社", "parent": {"code": "dongfu"},
    }  # fmt: skip
    seen = await n.ask(None, '{ area(code: "xishan-1") { ancestors(orderBy: CODE_ASC) { nodes { code } } } }')
    assert [a["code"] for a in seen["area"]["ancestors"]["nodes"]] == ["dongfu", "haicang", "xishan"]


async def test_who_was_registered_by_mistake_goes_while_nothing_names_them(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    wrong, used = await person(n, "吴小错"), await person(n, "吴小用")
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=used, areaId=await n.area_id("xishan"),
        role="RESIDENT", since="2025-01-01",
    )  # fmt: skip
    late, link = await person(n, "吴小迟"), await n.area_id("xishan")
    made = await n.do("admin", "coreLink", "link { id }", fromId=late, toId=link)
    await undo(n, "admin", wrong, "core.actor.registered")
    assert await show(n, wrong, "") is None
    search = '{ search(query: "吴小") { nodes { title } } }'
    assert [h["title"] for h in (await n.ask("admin", search))["search"]["nodes"]] == ["吴小用", "吴小迟"]
    join = {"areaId": link, "role": "RESIDENT", "since": "2025-01-01"}
    assert await n.refused("admin", "coreAddMembership", "membership { id }", actorId=wrong, **join) == "NOT_FOUND"
    for id in (used, late):
        event = await event_of(n, id, "core.actor.registered")
        assert await n.refused("admin", *UNDO, eventId=event, reason="?") == "CANNOT_UNDO"
    linked = await event_of(n, made["link"]["id"], "core.link.made")
    assert await n.refused("admin", *UNDO, eventId=linked, reason="?") == "CANNOT_UNDO"  # links are facts
    n.clock.advance(timedelta(hours=24, minutes=1))
    fresh = await person(n, "吴小新")
    n.clock.advance(timedelta(hours=24))
    await undo(n, "admin", fresh, "core.actor.registered")
    n.clock.advance(timedelta(hours=24))
    event = await event_of(n, await person(n, "吴小晚"), "core.actor.registered")
    n.clock.advance(timedelta(hours=24, minutes=1))
    assert await n.refused("admin", *UNDO, eventId=event, reason="?") == "UNDO_TOO_LATE"


async def test_ten_undo_one_event_at_once_and_one_does(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    activity = await begun(n)
    made = await n.do(
        "clerk", "coreAttendActivity", "participation { id }", activityId=activity, actorId=await n.actor_id("谢永强")
    )
    event = await event_of(n, made["participation"]["id"], "core.activity.attended")

    results = await asyncio.gather(
        *(n.outcome(who, *UNDO, eventId=event, reason="错") for who in ("clerk", "admin") * 5)
    )
    assert sorted(results) == ["ALREADY_UNDONE"] * 9 + ["done"]
    assert (await show(n, activity, "... on Activity { placesTaken }"))["placesTaken"] == 0
    mark = n.server.runtime.database.dialect.mark(1)
    with pytest.raises(Refusal, match="ALREADY_UNDONE"):  # the database itself takes no second one
        async with n.server.runtime.database.transaction() as transaction:
            await transaction.fetch(
                "INSERT INTO core_event (id, transaction_id, type, plugin, area_id, subject_tag, subject_id, authority,"
                " cause_id, data, occurred_at, recorded_at) SELECT " + mark + ", transaction_id, type, plugin, area_id,"
                " subject_tag, subject_id, 'SYSTEM', cause_id, data, occurred_at, recorded_at FROM core_event"
                " WHERE type = 'core.event.undone'",
                from_global(activity, "activity"),
            )


# --- merging ---------------------------------------------------------------------------------------------

PREVIEW = (
    "query($k: ID!, $g: ID!) { coreMergePreview(keptId: $k, goneId: $g) { possible findings { kind count code } } }"
)


async def preview(n: Neighbourhood, kept: str, gone: str, who: str = "admin") -> Any:
    return (await n.ask(who, PREVIEW, k=kept, g=gone))["coreMergePreview"]


@pytest.mark.needs("ballots")
async def test_people_are_told_what_is_still_open(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    merge = {"k": await person(n, "林晓明"), "g": (await n.ask("clerk", "{ viewer { id } }"))["viewer"]["id"]}
    told = "query($k: ID!, $g: ID!) { coreMergePreview(keptId: $k, goneId: $g) { findings { code count message } } }"
    found = (await n.ask("admin", told, **merge))["coreMergePreview"]["findings"]
    (blocks,) = [f for f in found if f["code"] == "OPEN_MATTERS"]  # a ballot that runs
    assert "{" not in blocks["message"] and str(blocks["count"]) in blocks["message"]
    with pytest.raises(Refused) as refused:
        await n.do("admin", *MERGE, keptId=merge["k"], goneId=merge["g"], reason="同一人")
    assert refused.value.errors[0]["message"] == blocks["message"]


async def test_two_who_prove_to_be_one_become_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    xishan = await n.area_id("xishan")
    kept, gone = await person(n, "林晓明"), await person(n, "林小明")
    for actor, since in ((kept, "2025-03-01"), (gone, "2021-03-01")):
        await n.do(
            "clerk",
            "coreAddMembership",
            "membership { id }",
            actorId=actor,
            areaId=xishan,
            role="RESIDENT",
            since=since,
        )
    team = await n.actor_id("海虹志愿服务队")
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=gone, organizationId=team, role="MEMBER",
        since="2022-01-01",
    )  # fmt: skip
    both, only = await begun(n, "都来了", capacity=5), await begun(n, "只来一个")
    for activity, actor in ((both, kept), (both, gone), (only, gone)):
        await n.do("clerk", "coreAttendActivity", "participation { id }", activityId=activity, actorId=actor)
    await n.do("admin", "coreLink", "link { id }", fromId=gone, toId=xishan)
    assert await n.refused("clerk", *MERGE, keptId=kept, goneId=gone, reason="同一人") == "NOT_PERMITTED"
    with pytest.raises(Refused, match="NOT_PERMITTED"):
        await preview(n, kept, gone, "clerk")
    seen = await preview(n, kept, gone)
    assert seen["possible"] is True
    counts = {f["kind"]: f["count"] for f in seen["findings"] if f["code"] is None}
    core = {k: v for k, v in counts.items() if not k.startswith(("points", "adoption"))}
    assert core == {
        "membership": 2, "membership.double": 1, "participation": 1, "participation.double": 1, "link": 1,
    }  # fmt: skip
    before = await show(n, gone, "... on Actor { name }")
    everyone = "{ actors { totalCount } }"
    total = (await n.ask("admin", everyone))["actors"]["totalCount"]
    await n.do("admin", *MERGE, keptId=kept, goneId=gone, reason="身份证核对为同一人")
    after = await show(
        n, gone,
        "... on Actor { name memberships(orderBy: ID_ASC) { nodes { state since area { code } organization { name } } }"
        " participations { nodes { state activity { title } } } }",
    )  # fmt: skip
    assert before["name"] == "林小明" and after["id"] == kept and after["name"] == "林晓明"
    running = [m for m in after["memberships"]["nodes"] if m["state"] == "ACTIVE"]
    assert sorted(m["since"] for m in running) == ["2021-03-01", "2022-01-01"]  # the longer residence stays
    assert sorted(p["activity"]["title"] for p in after["participations"]["nodes"]) == ["只来一个", "都来了"]
    assert (await show(n, both, "... on Activity { placesTaken }"))["placesTaken"] == 1
    assert (await n.ask("admin", everyone))["actors"]["totalCount"] == total - 1
    assert (await n.ask("admin", '{ search(query: "林小明") { totalCount } }'))["search"]["totalCount"] == 0
    # The old id goes on working: in filters, in lists of ids, in inputs.
    by_id = "query($i: ID!) { one: actors(where: {id: {eq: $i}}) { nodes { id } } many: actors(where: {id: {in: [$i]}})" \
            " { nodes { id } } m: memberships(where: {actor: {id: {eq: $i}}}) { totalCount } }"  # fmt: skip
    found = await n.ask("admin", by_id, i=gone)
    assert found["one"]["nodes"] == found["many"]["nodes"] == [{"id": kept}] and found["m"]["totalCount"] == 3
    again = await n.refused("clerk", "coreAttendActivity", "participation { id }", activityId=only, actorId=gone)
    assert again == "ALREADY_ATTENDED"
    spare = await begun(n, "第三场")
    await n.do("clerk", "coreAttendActivity", "participation { id }", activityId=spare, actorId=gone)
    assert (
        len((await show(n, kept, "... on Actor { participations { nodes { id } } }"))["participations"]["nodes"]) == 3
    )
    behalf = {"actorId": gone, "basis": "PHONE", "evidence": "来电"}
    joined = await n.do(
        "clerk",
        "coreLeaveActivity",
        "participation { actor { id } }",
        activityId=await joined_by(n, kept),
        onBehalfOf=behalf,
    )
    assert joined["participation"]["actor"]["id"] == kept
    # What happened, happened to whom it happened.
    log = await n.ask(
        "admin",
        'query($s: ID!) { events(where: {subject: {eq: $s}, type: {in: ["core.actor.registered", "core.actor.merged"]}})'
        " { nodes { type reason data } } }",
        s=gone,
    )
    assert [e["type"] for e in log["events"]["nodes"]] == ["core.actor.merged", "core.actor.registered"]
    assert await n.refused("admin", *MERGE, keptId=kept, goneId=gone, reason="再来") == "ALREADY_MERGED"


async def joined_by(n: Neighbourhood, actor: str) -> str:
    """An open activity the desk has signed somebody up for."""
    activity = await begun(n, "代报名")
    behalf = {"actorId": actor, "basis": "PHONE", "evidence": "来电"}
    await n.do("clerk", "coreJoinActivity", "participation { id }", activityId=activity, onBehalfOf=behalf)
    return activity


async def test_what_stands_against_a_merge(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    people = await n.newcomers(2, "xishan")
    with_account, other = [(await n.ask(p, "{ viewer { id } }"))["viewer"]["id"] for p in people]
    seen = await preview(n, with_account, other)
    assert seen["possible"] is False and "BOTH_HAVE_ACCOUNTS" in [f["code"] for f in seen["findings"]]
    assert await n.refused("admin", *MERGE, keptId=with_account, goneId=other, reason="?") == "BOTH_HAVE_ACCOUNTS"
    company, team = await n.actor_id("企业甲"), await n.actor_id("海虹志愿服务队")
    assert await n.refused("admin", *MERGE, keptId=company, goneId=team, reason="?") == "DIFFERENT_KINDS"
    me = (await n.ask("admin", "{ viewer { id } }"))["viewer"]["id"]
    plain = await person(n, "管理员乙", "haicang")
    assert await n.refused("admin", *MERGE, keptId=me, goneId=plain, reason="?") == "OWN_MATTER"
    # Whoever merges must be able to give what would be handed on.
    low = (await n.newcomers(1, "xishan"))[0]
    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=await n.area_id("xishan"),
        actorId=(await n.ask(low, "{ viewer { id } }"))["viewer"]["id"],
    )  # fmt: skip
    strong = await person(n, "书记甲")
    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="ADMIN", areaId=await n.area_id("xishan"), actorId=strong
    )
    assert await n.refused(low, *MERGE, keptId=strong, goneId=with_account, reason="?") == "ROLE_ABOVE_OWN"
    twin = await person(n, "丙")
    await n.do(low, *MERGE, keptId=twin, goneId=with_account, reason="同一人")
    await n.trust(people[0])
    assert (await n.ask(people[0], "{ viewer { id name } }"))["viewer"] == {"id": twin, "name": "丙"}  # and signs in as


async def test_two_merges_crossing_leave_one_and_a_chain_leads_to_its_end(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a, b, c = await person(n, "甲一"), await person(n, "甲二"), await person(n, "甲三")

    pairs = ((a, b), (b, a))
    merge = (n.outcome("admin", *MERGE, keptId=kept, goneId=gone, reason="同一人") for kept, gone in pairs)
    assert sorted(await asyncio.gather(*merge)) == ["ALREADY_MERGED", "done"]
    left = (await show(n, a, ""))["id"]
    assert left in (a, b) and (await show(n, b, ""))["id"] == left
    assert await n.outcome("admin", *MERGE, keptId=c, goneId=a, reason="同一人") == "done"  # by whichever id
    assert [(await show(n, id, ""))["id"] for id in (a, b, c)] == [c, c, c]
    rows = await n.server.runtime.database.read(
        "SELECT count(*) FROM core_actor g JOIN core_actor k ON k.id = g.merged_into_id WHERE k.gone_at IS NOT NULL"
    )
    assert rows[0][0] == 0


async def test_attending_while_being_merged_leaves_nothing_behind(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    kept, login = await person(n, "乙一"), (await n.newcomers(1, "xishan"))[0]
    gone = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    activities = [await begun(n, f"场次{i}") for i in range(8)]
    acts = [n.do(login, "coreJoinActivity", "participation { id }", activityId=a) for a in activities[:4]]
    acts += [
        n.do("clerk", "coreAttendActivity", "participation { id }", activityId=a, actorId=gone) for a in activities[4:]
    ]
    await asyncio.gather(*acts[::2], n.do("admin", *MERGE, keptId=kept, goneId=gone, reason="同一人"), *acts[1::2])
    seen = await show(n, kept, "... on Actor { participations { totalCount } }")
    assert seen["participations"]["totalCount"] == 8


async def test_plugins_have_their_say_in_a_merge(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    kept, gone = await person(n, "丁一"), await person(n, "丁二")
    asked: list[str] = []

    async def look(work: Work, kept_id: Any, gone_id: Any) -> list[Finding]:
        return [Finding("wishes", 2), *([Finding("wish", 1, "ALREADY_EXISTS")] if not asked else [])]

    async def move(work: Work, kept_id: Any, gone_id: Any) -> None:
        asked.append(f"{kept_id} {gone_id}")

    n.server.runtime.kernel.mergings = (Merging("wishes", look, move),)
    seen = await preview(n, kept, gone)
    assert not seen["possible"] and {"kind": "wishes", "count": 2, "code": None} in seen["findings"]
    assert await n.refused("admin", *MERGE, keptId=kept, goneId=gone, reason="?") == "ALREADY_EXISTS"
    asked.append("settled")
    await n.do("admin", *MERGE, keptId=kept, goneId=gone, reason="同一人")
    assert asked[1] == f"{from_global(kept, 'actor')} {from_global(gone, 'actor')}"
