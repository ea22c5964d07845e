"""A person who asks for it is erased: no trace of them in a dump, while balances, counts and ledgers are the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.accounts import create_account, issue_token
from core.data import settle as settle_rows
from core.enums import ActorKind
from core.errors import Refusal
from core.ids import from_global
from core.models import Actor, Area
from core.personal import personal_texts
from core.retention import settle
from core.rules.corrections import undo
from core.rules.erasure import erase_columns
from core.settings.store import as_uuid
from core.testing.kit import Neighbourhood, Refused
from core.work import Work
from schema.export import Export
from schema.transfers import Transfers

pytestmark = pytest.mark.anyio

NAME, LOGIN, STREET, SECOND = "欧阳鸿渐", "ouyang-hj", "鹭江里 7 号 1203 室", "欧阳鸿建"
CANARIES = (NAME, LOGIN, "鹭江里", SECOND, "鸿渐", "ouyang", "老寒腿", "K-7781")
ERASE = ("coreErasePerson", "")
PREVIEW = "query($i: ID!) { coreErasurePreview(personId: $i) { kind count code message } }"


async def truths(n: Neighbourhood) -> dict[str, Any]:
    """What stays true whoever goes: how many rows of each kind there are, and what the ledger adds up to."""
    database = n.server.runtime.database
    derived = {
        "core_event",
        "core_transition",
        "core_event_text",
        "core_search_entry",
        "core_search_term",
        "core_token",
    }
    kept = [m._meta.db_table for m in database.models if m._meta.db_table not in derived]
    found: dict[str, Any] = {t: (await database.read(f"SELECT count(*) FROM {t}"))[0][0] for t in kept}
    for _, name in (("", "idempotency"), ("", "register_number"), ("", "sign_in_failures")):
        found.pop(f"core_{name}")
    if "points_entry" in kept:
        entries = "SELECT account_id, seq, amount, balance_after FROM points_entry ORDER BY account_id, seq"
        found["ledger"] = [tuple(map(str, row)) for row in await database.read(entries)]
    parts = "SELECT state, count(*) FROM core_participation GROUP BY state ORDER BY state"
    found["participations"] = [tuple(row) for row in await database.read(parts)]
    return found


async def someone(n: Neighbourhood) -> str:
    """A person of whom there is a trace everywhere; their id."""
    area = await n.area_id("xishan")
    made = await n.do("clerk", "coreRegisterActor", "actor { id }", kind="PERSON", name=NAME, areaId=area)
    id = str(made["actor"]["id"])
    twin = await n.do("clerk", "coreRegisterActor", "actor { id }", kind="PERSON", name=SECOND, areaId=area)
    home = await n.do(
        "clerk", "coreRegisterActor", "actor { id }", kind="HOUSEHOLD", name=f"{NAME}家", areaId=area, address=STREET
    )
    since = n.clock.today().isoformat()
    await n.do(
        "clerk", "coreAddMembership", "membership { id }", actorId=id, organizationId=home["actor"]["id"],
        role="MEMBER", since=since,
    )  # fmt: skip
    await n.do("clerk", "coreAddMembership", "membership { id }", actorId=id, areaId=area, role="RESIDENT", since=since)
    await n.do(
        "admin", "coreMergeActors", "actor { id }", keptId=id, goneId=twin["actor"]["id"], reason=f"{NAME}写错了"
    )

    async def account(work: Work) -> dict[str, Any]:
        person = await work.get(Actor, from_global(id, "actor"))
        row = await create_account(work, person=person, login=LOGIN, password_hash="x" * 20)
        return {"account": str(row.id)}

    runtime = n.server.runtime
    opened = await runtime.as_system(account)
    n.tokens[LOGIN], _ = await issue_token(runtime, UUID(opened["account"]), timedelta(days=2000))
    return id


async def took_part(n: Neighbourhood, id: str) -> str:
    """They come to an activity, and join another one; the id of the second."""
    second = ""
    for title in ("义诊", "读书会"):
        start = n.clock.now() + timedelta(hours=1)
        made = await n.do(
            "clerk", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title=title,
            startsAt=start.isoformat(), endsAt=(start + timedelta(hours=48)).isoformat(), capacity=5,
        )  # fmt: skip
        second = str(made["activity"]["id"])
        await n.do("clerk", "coreOpenActivity", "activity { id }", activityId=second)
        await n.do(LOGIN, "coreJoinActivity", "participation { id }", activityId=second)
        if title == "义诊":
            n.clock.advance(timedelta(hours=2))
            await n.do("clerk", "coreAttendActivity", "participation { id }", activityId=second, actorId=id)
            await n.do("clerk", "coreFinishActivity", "activity { id }", activityId=second)
    await n.delivered()
    return second


async def test_nothing_personal_is_left_and_what_was_counted_is_the_same(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    id = await someone(n)
    joined = await took_part(n, id)
    before_text = await n.dump()
    assert [c for c in CANARIES[:4] if c not in before_text] == []
    before = await truths(n)
    assert await n.refused("resident", *ERASE, personId=id, reason="?") == "NOT_PERMITTED"
    assert await n.refused("clerk", *ERASE, personId=id, reason="?") == "NOT_PERMITTED"
    assert (await n.post(LOGIN, "{ viewer { name } }")).json()["data"]["viewer"]["name"] == NAME
    assert await n.refused(LOGIN, *ERASE, personId=id, reason="有事请打 139-5920-1234") == "PHONE_MISPLACED"
    await n.do(LOGIN, *ERASE, personId=id, reason="本人申请注销", idempotencyKey=f"{LOGIN} goes")
    await n.delivered()
    after_text = await n.dump()
    assert [line for line in after_text.splitlines() if any(c in line for c in CANARIES)] == []
    after = await truths(n)
    left = dict(before["participations"])
    left["JOINED"] -= 1
    left["LEFT"] = left.get("LEFT", 0) + 1
    assert dict(after.pop("participations")) == {k: v for k, v in left.items() if v}
    before.pop("participations")
    assert after == before
    # They are nobody any more: no sign-in, no list, no search; where they took part there is a pseudonym.
    assert await n.refused(LOGIN, "coreSignOut", "") == "BAD_TOKEN"
    assert (await n.ask("admin", "query($i: ID!) { node(id: $i) { id } }", i=id))["node"] is None
    parts = await n.ask(
        "admin", "query($i: ID!) { node(id: $i) { ... on Activity { placesTaken participations { nodes { actor { name } } } } } }",
        i=joined,
    )  # fmt: skip
    assert parts["node"]["placesTaken"] == 0 and parts["node"]["participations"]["nodes"] == [
        {"actor": {"name": "已注销"}}
    ]
    found = await n.ask("admin", "query($q: String!) { search(query: $q) { totalCount } }", q="欧阳")
    assert found["search"]["totalCount"] == 0
    events = await n.ask(
        "admin", "query($i: ID!) { events(where: {subject: {eq: $i}}) { nodes { type reason actor { name } } } }", i=id
    )
    newest = events["events"]["nodes"][0]
    assert newest == {"type": "core.person.erased", "reason": "本人申请注销", "actor": {"name": "已注销"}}
    # And for good.
    assert await n.refused("admin", *ERASE, personId=id, reason="?") == "NOT_FOUND"
    assert await n.refused("admin", "coreMergeActors", "actor { id }", keptId=id, goneId=id, reason="?") == "NOT_FOUND"


async def test_what_a_person_owes_others_is_handed_over_first(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    xishan, team = await n.area_id("xishan"), await n.actor_id("海虹志愿服务队")
    (me, ward, org) = (
        *await n.registered("田小禾", "田小苗"),
        (await n.registered("田家", kind=ActorKind.ORGANIZATION))[0],
    )
    office = {"personId": me, "reason": "本人申请"}
    grant = await n.do("admin", "coreGrantRole", "roleGrant { id }", role="INSPECTOR", areaId=xishan, actorId=me)
    assert await n.refused("admin", *ERASE, **office) == "HOLDS_OFFICE"
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=grant["roleGrant"]["id"], reason="交接")
    mandate = await n.do(
        "admin",
        "coreGiveMandate",
        "mandate { id }",
        personId=me,
        organizationId=team,
        areaId=await n.area_id("haicang"),
    )
    assert await n.refused("admin", *ERASE, **office) == "HOLDS_OFFICE"
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=mandate["mandate"]["id"], reason="交接")
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=xishan, title="楼长"))["post"]["id"]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="INSPECTOR", areaId=xishan, postId=post)
    held = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=me)
    assert await n.refused("admin", *ERASE, **office) == "HOLDS_OFFICE"
    found = (await n.ask("admin", PREVIEW, i=me))["coreErasurePreview"]
    assert [(f["kind"], f["count"], f["code"]) for f in found] == [("postholding", 1, "HOLDS_OFFICE")]
    assert "任职:1" in found[0]["message"]
    with pytest.raises(Refused, match="NOT_PERMITTED"):
        await n.ask("resident", PREVIEW, i=me)
    await n.do("admin", "coreLeavePost", "postHolding { id }", postHoldingId=held["postHolding"]["id"])
    guards = await n.do(
        "admin",
        "coreRecordGuardianship",
        "guardianship { id }",
        wardId=ward,
        guardianId=me,
        basis="PARENT",
        evidence="户口簿",
    )
    assert await n.refused("admin", *ERASE, **office) == "HOLDS_OFFICE"
    await n.do(
        "admin",
        "coreEndGuardianship",
        "guardianship { id }",
        guardianshipId=guards["guardianship"]["id"],
        reason="成年",
    )
    assert await n.refused("admin", *ERASE, personId=org, reason="?") == "NOT_A_PERSON"
    assert (await n.ask("admin", PREVIEW, i=me))["coreErasurePreview"] == []
    # At the desk, for whoever has no account: a clerk does what the person may do themselves.
    desk = {"onBehalfOf": {"actorId": me, "basis": "WRITTEN", "evidence": "申请书 3 号"}}
    assert await n.refused("inspector", *ERASE, **office, **desk) == "NOT_PERMITTED"
    await n.do("clerk", *ERASE, **office, **desk)
    rows = await n.server.runtime.database.read(
        "SELECT authority, behalf_basis FROM core_event WHERE type = 'core.person.erased'"
    )
    assert [tuple(map(str, r)) for r in rows] == [("ROLE", "WRITTEN")]
    assert "申请书 3 号" not in await n.dump()


async def test_a_household_goes_with_the_last_and_loses_the_name_of_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    xishan, since = await n.area_id("xishan"), n.clock.today().isoformat()
    first, second = await n.registered("田小禾", "罗大佑")
    home = (await n.do(
        "clerk", "coreRegisterActor", "actor { id }", kind="HOUSEHOLD", name="田小禾家", areaId=xishan, address="祠堂边 2 栋",
    ))["actor"]["id"]  # fmt: skip
    for person in (first, second):
        await n.do(
            "clerk",
            "coreAddMembership",
            "membership { id }",
            actorId=person,
            organizationId=home,
            role="MEMBER",
            since=since,
        )
    shown = "query($i: ID!) { node(id: $i) { ... on Household { name address } } }"
    await n.do("admin", *ERASE, personId=first, reason="本人申请")
    assert (await n.ask("admin", shown, i=home))["node"] == {"name": "已注销家", "address": "祠堂边 ***"}
    assert "田小禾" not in await n.dump()
    await n.do("admin", *ERASE, personId=second, reason="本人申请")
    assert (await n.ask("admin", shown, i=home))["node"] is None
    assert [c for c in ("罗大佑", "祠堂边 2") if c in await n.dump()] == []


async def test_a_planned_hand_over_is_called_off_before_either_side_goes(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    xishan, day = await n.area_id("xishan"), (n.clock.today() + timedelta(days=2)).isoformat()
    giver, taker = await n.registered("田小禾", "罗大佑")
    order = {"areaId": xishan, "fromId": giver, "toId": taker, "date": day}
    planned = await n.do("admin", "coreHandOver", "handover { id }", **order)
    for side in (giver, taker):
        found = (await n.ask("admin", PREVIEW, i=side))["coreErasurePreview"]
        assert [(f["kind"], f["count"], f["code"]) for f in found] == [("handover", 1, "OPEN_MATTERS")]
        assert await n.refused("admin", *ERASE, personId=side, reason="本人申请") == "OPEN_MATTERS"
    await n.do("admin", "coreCancelHandOver", "handover { id }", handoverId=planned["handover"]["id"])
    for side in (giver, taker):
        await n.do("admin", *ERASE, personId=side, reason="本人申请")


async def given_and_ended(n: Neighbourhood, what: str, person: str) -> tuple[str, str]:
    """Something a person was given and has no more; its id and the type of the event that ended it."""
    xishan, since = await n.area_id("xishan"), n.clock.today().isoformat()

    async def done(mutation: str, kind: str, **input: Any) -> str:
        return str((await n.do("admin", mutation, f"{kind} {{ id }}", **input))[kind]["id"])

    if what == "membership":
        at = await done("coreAddMembership", what, actorId=person, areaId=xishan, role="RESIDENT", since=since)
        await done("coreEndMembership", what, membershipId=at, until=since)
        return at, "core.membership.ended"
    if what == "mandate":
        for_whom = await n.actor_id("西山社村民委员会")
        at = await done("coreGiveMandate", what, personId=person, organizationId=for_whom, areaId=xishan)
        await done("coreRevokeMandate", what, mandateId=at, reason="交接")
        return at, "core.mandate.revoked"
    if what == "roleGrant":
        at = await done("coreGrantRole", what, role="INSPECTOR", areaId=xishan, actorId=person)
        await done("coreRevokeRole", what, roleGrantId=at, reason="交接")
        return at, "core.role.revoked"
    post = await done("coreCreatePost", "post", areaId=xishan, title="楼长")
    if what == "postHolding":
        at = await done("coreAssignPost", what, postId=post, personId=person)
        await done("coreLeavePost", what, postHoldingId=at)
        return at, "core.post.left"
    assert what == "deputy"
    held = await done("coreAssignPost", "postHolding", postId=post, personId=await n.actor_id("谢永强"))
    until = (n.clock.now() + timedelta(days=9)).isoformat()
    at = await done("coreAppointDeputy", what, postHoldingId=held, personId=person, until=until)
    await done("coreEndDeputy", what, deputyId=at)
    return at, "core.deputy.ended"


@pytest.mark.parametrize("what", ["membership", "mandate", "roleGrant", "postHolding", "deputy"])
async def test_an_undo_gives_nothing_back_to_who_is_gone(neighbourhood: Neighbourhood, what: str) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    (person,) = await n.registered("田小禾")
    row, type = await given_and_ended(n, what, person)
    await n.do("admin", *ERASE, personId=person, reason="本人申请")
    event = await n.ask(
        "admin",
        "query($s: ID!, $t: String!) { events(where: {subject: {eq: $s}, type: {eq: $t}}) { nodes { id } } }",
        s=row, t=type,
    )  # fmt: skip
    undo = {"eventId": event["events"]["nodes"][0]["id"], "reason": "点错了"}
    assert await n.refused("admin", "coreUndo", "event { id }", **undo) == "ACTOR_GONE"


async def test_an_undo_gives_no_place_back_to_who_is_gone(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    id = await someone(n)
    activity = await took_part(n, id)
    await n.do(LOGIN, "coreLeaveActivity", "participation { id }", activityId=activity)
    left = '{ events(where: {type: {eq: "core.activity.left"}}, first: 1) { nodes { id } } }'
    event = (await n.ask("admin", left))["events"]["nodes"][0]["id"]
    await n.do(LOGIN, *ERASE, personId=id, reason="本人申请注销")

    async def give_back(work: Work) -> dict[str, Any]:
        await undo(work, event_id=from_global(event, "event"), reason="点错了")
        return {}

    with pytest.raises(Refusal, match="ACTOR_GONE"):
        await n.server.runtime.as_system(give_back)


async def test_nobody_acts_for_a_household_that_is_gone(neighbourhood: Neighbourhood) -> None:
    """And the receipt of who did does not tell its name."""
    n = neighbourhood
    n.clock.set(n.clock.now())
    (login,) = await n.newcomers(1, "xishan")
    neighbour = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    first, second = await n.registered("田小禾", "罗大佑")
    (home,) = await n.registered("田小禾家", kind=ActorKind.HOUSEHOLD)
    xishan, since = await n.area_id("xishan"), n.clock.today().isoformat()
    await n.do(
        "clerk",
        "coreAddMembership",
        "membership { id }",
        actorId=first,
        organizationId=home,
        role="MEMBER",
        since=since,
    )
    give = {"personId": neighbour, "organizationId": home, "areaId": xishan}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **give)
    order = {"areaId": xishan, "fromId": neighbour, "toId": second}
    receipt = await n.do("admin", "coreHandOver", "handover { lines { nodes { title stays } } }", **order)
    assert receipt["handover"]["lines"]["nodes"] == [{"title": "HOUSEHOLD", "stays": "MANDATE_IS_PERSONAL"}]
    await n.do("admin", *ERASE, personId=first, reason="本人申请")
    assert "田小禾" not in await n.dump()
    start = n.clock.now() + timedelta(days=1)
    when = {"startsAt": start.isoformat(), "endsAt": (start + timedelta(hours=1)).isoformat()}
    organise = {"areaId": xishan, "title": "会", "actingFor": home, **when}
    assert await n.refused(login, "coreOrganiseActivity", "activity { id }", **organise) == "NOT_PERMITTED"


async def test_files_that_may_hold_the_person_are_cleared_away(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    transfers = await by_hand(n)
    (me,) = await n.registered("田小禾")
    asked = await n.do(
        "clerk", "coreExport", "dataExport { id }", list="actors", where={"name": {"contains": "田小禾"}}, format="CSV"
    )
    await transfers.run_due()
    body = "姓名,区域代码\n田小禾,xishan\n".encode()
    headers = {"authorization": f"Bearer {n.tokens['clerk']}"}
    sent = await n.http.post("/imports?area=xishan&name=people.csv", content=body, headers=headers)
    assert sent.status_code == 201
    files = [p for p in transfers.folder.iterdir() if "田小禾".encode() in p.read_bytes()]
    assert sorted(p.suffix for p in files) == [".export", ".import"]
    await n.do("admin", *ERASE, personId=me, reason="本人申请")
    await transfers.run_due()
    assert [p for p in files if p.exists()] == []
    state = "query($i: ID!) { dataExport(id: $i) { state } }"
    assert (await n.ask("clerk", state, i=asked["dataExport"]["id"]))["dataExport"]["state"] == "EXPIRED"
    # Whom somebody else asked for stands in their request until it is kept long enough.
    n.clock.advance(timedelta(days=31))
    await settle(n.server.runtime)
    assert "田小禾" not in await n.dump()


EXPORT, IMPORT = "dataExport(id: $i) { state }", "dataImport(id: $i) { state }"


async def state(n: Neighbourhood, who: str, field: str, id: str) -> str:
    found = await n.ask(who, f"query($i: ID!) {{ {field} }}", i=id)
    return str(found[field.partition("(")[0]]["state"])


async def by_hand(n: Neighbourhood) -> Transfers:
    """Time stands still, and exports and imports wait to be run."""
    n.clock.set(n.clock.now())
    await n.server.transfers.stop()
    return n.server.transfers


async def sent(n: Neighbourhood, who: str, area: str, name: str) -> str:
    """A spreadsheet with one person in it; the import's id."""
    body = f"姓名,区域代码\n{name},{area}\n".encode()
    headers = {"authorization": f"Bearer {n.tokens[who]}"}
    answer = await n.http.post(f"/imports?area={area}&name=people.csv", content=body, headers=headers)
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def test_a_file_that_is_being_written_is_cleared_away_too(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    transfers = await by_hand(n)
    (me,) = await n.registered("田小禾")
    asked = await n.do("clerk", "coreExport", "dataExport { id }", list="actors", format="CSV")
    write, written = Export.write, []

    async def and_then_erase(export: Export, writer: Any, viewer: Any) -> int:
        rows = await write(export, writer, viewer)
        await n.do("admin", *ERASE, personId=me, reason="本人申请")
        written.append(rows)
        return rows

    monkeypatch.setattr(Export, "write", and_then_erase)
    await transfers.run_due()
    assert written and await state(n, "clerk", EXPORT, asked["dataExport"]["id"]) == "EXPIRED"
    assert [p for p in transfers.folder.glob("*.export")] == []


@pytest.mark.parametrize("apply", [False, True])
async def test_a_file_that_is_being_taken_in_is_cleared_away_too(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch, apply: bool
) -> None:
    n = neighbourhood
    transfers = await by_hand(n)
    (me,) = await n.registered("田小禾")
    id = await sent(n, "clerk", "xishan", "田小禾")
    await n.do("clerk", "coreImport", "dataImport { id }", importId=id, apply=apply)
    build = settle_rows.build
    erased = []

    def and_then_erase(*arguments: Any) -> Any:
        done = build(*arguments)
        if not erased:
            going = n.do("admin", *ERASE, personId=me, reason="本人申请")
            erased.append(asyncio.run_coroutine_threadsafe(going, loop).result(20))
        return done

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(settle_rows, "build", and_then_erase)
    await transfers.run_due()
    assert erased and await state(n, "clerk", IMPORT, id) == "EXPIRED"
    assert [p for p in transfers.folder.iterdir() if str(from_global(id, "dataimport")) in p.name] == []
    assert "田小禾" not in await n.dump()


async def test_files_that_cannot_hold_the_person_stay(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    transfers = await by_hand(n)
    (me,) = await n.registered("田小禾", area="haihong")
    files = [(who, EXPORT, await n.do(who, "coreExport", "dataExport { id }", list="activities", format="CSV"))
             for who in ("clerk", "resident", "inspector")]  # fmt: skip
    await transfers.run_due()
    found = [(who, field, str(made["dataExport"]["id"])) for who, field, made in files]
    found += [("admin", IMPORT, await sent(n, "admin", area, "王小明")) for area in ("xishan", "haihong", "haicang")]
    await n.do("admin", *ERASE, personId=me, reason="本人申请")
    await transfers.run_due()
    # The clerk's and the resident's places are elsewhere, the inspector's role is over the whole district.
    assert [await state(n, *file) for file in found] == [
        "READY", "READY", "EXPIRED", "RECEIVED", "EXPIRED", "EXPIRED",
    ]  # fmt: skip


async def test_every_text_of_the_demo_can_be_erased(neighbourhood: Neighbourhood) -> None:
    """What is declared for plugins, unasked, gets past every guard of theirs."""
    n = neighbourhood
    await n.delivered()
    await n.quiet()
    database, count = n.server.runtime.database, 0

    for model in database.models:
        texts = [t for t in personal_texts(model) if not t.goes]
        if not texts or model is Actor:
            continue
        ids = [as_uuid(row[0]) for row in await database.read(f"SELECT id FROM {model._meta.db_table}")]

        async def rule(work: Work, model: Any = model, texts: Any = texts, ids: Any = ids) -> dict[str, Any]:
            nonlocal count
            count += await erase_columns(work, model, texts, ids)
            root = (await work.select(Area, parent_id=None))[0]
            work.require("core.area.manage", root)
            work.record("core.person.erased", root, area_id=root.id)
            return {}

        await n.server.runtime.as_system(rule)
    assert count > 5
