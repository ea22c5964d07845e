"""A12: a district enables all, a village turns points off; nothing breaks, nothing is lost, and bounds hold (INV17, INV18)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood, Refused

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]

AREA = """query($c: String!) { area(code: $c) { plugins {
  key state enabledBy own missingNeed version settings { key value origin setBy bound { move limit area } lockedBy ruleDocument { title article } }
} } }"""


async def plugin(n: Neighbourhood, code: str, key: str) -> dict[str, Any]:
    shown = (await n.ask("admin", AREA, c=code))["area"]["plugins"]
    found: dict[str, Any] = next(p for p in shown if p["key"] == key)
    return found


async def setting(n: Neighbourhood, code: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in (await plugin(n, code, "adoption"))["settings"] if s["key"] == name)
    return found


async def toggle(n: Neighbourhood, code: str, key: str, state: str, **more: Any) -> None:
    await n.do(
        "admin", "coreTogglePlugin", "area { code }", areaId=await n.area_id(code), plugin=key, state=state, **more
    )


async def inspect(n: Neighbourhood, score: int) -> str:
    agreement = (await n.ask(None, "{ adoptionAgreements(where: {state: {eq: ACTIVE}}) { nodes { id } } }"))[
        "adoptionAgreements"
    ]["nodes"][0]["id"]
    made = await n.do("inspector", "adoptionInspect", "inspection { id result }", agreementId=agreement, score=score)
    await n.delivered()
    return str(made["inspection"]["result"])


async def balance(n: Neighbourhood) -> int | None:
    mark = n.server.runtime.database.dialect.mark
    rows = await n.server.runtime.database.read(
        "SELECT coalesce(sum(e.amount), 0) FROM points_entry e JOIN points_account a ON a.id = e.account_id"
        f" JOIN core_actor c ON c.id = a.actor_id WHERE c.name = {mark(1)}", ["企业甲"],
    )  # fmt: skip
    return int(rows[0][0])


async def test_a_village_turns_points_off_and_on_again(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    before = await balance(n)
    assert before == 35
    assert await plugin(n, "xishan", "points") | {"settings": []} == {
        "key": "points", "state": "ON", "enabledBy": "haicang", "own": "INHERIT", "missingNeed": None, "version": 0,
        "settings": [],
    }  # fmt: skip
    introspection = "{ __schema { types { name } mutationType { fields { name } } } }"
    union = await n.ask(None, introspection)

    await toggle(n, "xishan", "points", "OFF", reason="村民代表会议决定")
    assert (await plugin(n, "xishan", "points"))["state"] == "OFF"
    assert (await plugin(n, "xishan-1", "points"))["enabledBy"] == "xishan"
    assert (await plugin(n, "hongtang", "points"))["state"] == "ON"

    # Adoption goes on there, without points and without an error.
    assert await inspect(n, 91) == "PASSED"
    assert await balance(n) == before
    # A points mutation there answers PLUGIN_DISABLED; next door it works.
    rule = {"eventType": "adoption.inspection.passed", "points": 3}
    xishan, hongtang = await n.area_id("xishan"), await n.area_id("hongtang")
    assert await n.refused("admin", "pointsSetRule", "rule { id }", areaId=xishan, **rule) == "PLUGIN_DISABLED"
    await n.do("admin", "pointsSetRule", "rule { id }", areaId=hongtang, **rule)
    # Reads there are null or empty, and say why beside the data.
    mine = '{ actors(where: {name: {eq: "陈志伟"}}) { nodes { name pointsBalance } } }'
    body = (await n.post("clerk", mine)).json()
    assert "errors" not in body
    assert body["data"]["actors"]["nodes"] == [{"name": "陈志伟", "pointsBalance": None}]
    assert body["extensions"]["notices"][0] | {"message": ""} == {
        "code": "PLUGIN_DISABLED", "plugin": "points", "areas": ["xishan"], "message": "",
    }  # fmt: skip
    entries = await n.ask("admin", '{ pointsEntries(where: {area: {within: "xishan"}}) { totalCount } }')
    assert entries["pointsEntries"]["totalCount"] == 0
    ranking = 'query($a: ID!) { pointsRanking(areaId: $a, kind: ENTERPRISE, period: "2026") { totalCount } }'
    with pytest.raises(Refused) as caught:
        await n.ask("admin", ranking, a=xishan)
    assert caught.value.codes == ["PLUGIN_DISABLED"]
    await n.ask("admin", ranking, a=hongtang)

    # On /graphql the contract is the same whatever an area enables; the area's own endpoint has its own.
    assert await n.ask(None, introspection) == union
    names = {}
    for code in ("xishan", "hongtang"):
        answer = (await n.http.post(f"/areas/{code}/graphql", json={"query": introspection})).json()["data"]
        names[code] = {t["name"] for t in answer["__schema"]["types"]}
        fields = {f["name"] for f in answer["__schema"]["mutationType"]["fields"]}
        assert ("pointsReverse" in fields) == (code == "hongtang")
    assert "PointsEntry" not in names["xishan"]
    assert "PointsEntry" in names["hongtang"]
    assert "AdoptionAsset" in names["xishan"]

    # On again: the old balance is there, what was missed is not, unless somebody asks.
    await toggle(n, "xishan", "points", "INHERIT", expectedVersion=1)
    await n.delivered()
    assert await balance(n) == before
    assert await inspect(n, 93) == "PASSED"
    gained = await balance(n)
    assert gained is not None and gained > before
    missed, failed, off = await n.server.runtime.dispatcher.replay("points")
    assert missed >= 1 and (failed, off) == (0, 0)  # what other mechanisms did there was missed as well
    assert await balance(n) == gained + (gained - before)
    assert await n.server.runtime.dispatcher.replay("points") == (0, 0, 0)
    log = await n.ask("admin", '{ events(where: {type: {eq: "core.plugin.toggled"}}, first: 2) { nodes { data } } }')
    assert [(e["data"]["from"], e["data"]["to"]) for e in log["events"]["nodes"]] == [
        ("OFF", "INHERIT"),
        ("INHERIT", "OFF"),
    ]


async def test_the_district_bounds_what_a_village_may_set(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang, xishan = await n.area_id("haicang"), await n.area_id("xishan")
    committee = await n.actor_id("西山社村民委员会")
    document = await n.do(
        "admin", "coreIssueRuleDocument", "ruleDocument { id state }",
        areaId=haicang, issuerId=committee, title="认领管理办法", edition="2026 试行", effectiveFrom="2026-01-01",
    )  # fmt: skip
    setting_of = ("coreSetPluginSettings", "area { code }")
    seven = {
        "key": "notice_days", "value": 7, "lock": "MIN",
        "ruleDocumentId": document["ruleDocument"]["id"], "article": "第三条",
    }  # fmt: skip
    await n.do("admin", *setting_of, areaId=haicang, plugin="adoption", settings=[seven])
    ten, five = {"key": "notice_days", "value": 10}, {"key": "notice_days", "value": 5}
    await n.do("admin", *setting_of, areaId=xishan, plugin="adoption", settings=[ten])
    with pytest.raises(Refused) as caught:
        await n.do("admin", *setting_of, areaId=xishan, plugin="adoption", settings=[five])
    assert caught.value.codes == ["SETTING_TOO_LOOSE"]
    assert "haicang" in caught.value.errors[0]["message"]
    assert "《认领管理办法》" in caught.value.errors[0]["message"]
    shown = await setting(n, "xishan", "notice_days")
    assert (shown["value"], shown["origin"], shown["setBy"]) == (10, "MUTATION", "xishan")
    assert shown["bound"] == {"move": "MIN", "limit": 7, "area": "haicang"}
    assert shown["ruleDocument"] == {"title": "认领管理办法", "article": "第三条"}
    assert (await setting(n, "hongtang", "notice_days"))["value"] == 7
    # A bound set later holds at once, even where something looser was set before.
    await n.do("admin", *setting_of, areaId=haicang, plugin="adoption", settings=[seven | {"value": 14}])
    held = await setting(n, "xishan", "notice_days")
    assert (held["value"], held["origin"]) == (14, "BOUND")
    # The version guards against two clerks at once.
    version = (await plugin(n, "xishan", "adoption"))["version"]
    stale = {"areaId": xishan, "plugin": "adoption", "settings": [{"key": "notice_days", "value": 20}]}
    await n.do("admin", *setting_of, expectedVersion=version, **stale)
    assert await n.refused("admin", *setting_of, expectedVersion=version, **stale) == "VERSION_CONFLICT"
    # Wrong keys, values, locks and people.
    for wrong, code in (
        ({"key": "notice_dayz", "value": 1}, "UNKNOWN_SETTING"),
        ({"key": "notice_days", "value": "ten"}, "BAD_SETTING"),
        ({"key": "notice_days", "value": 1000}, "BAD_SETTING"),
        ({"key": "notice_days", "value": True}, "BAD_SETTING"),
        ({"key": "notice_days", "value": 20, "lock": "SUBSET"}, "BAD_LOCK"),
    ):
        assert await n.refused("admin", *setting_of, areaId=xishan, plugin="adoption", settings=[wrong]) == code
    assert await n.refused("resident", *setting_of, **stale) == "NOT_PERMITTED"
    assert await n.refused("admin", *setting_of, areaId=xishan, plugin="adoptoin", settings=[ten]) == "UNKNOWN_PLUGIN"
    assert await n.refused("admin", *setting_of, areaId=xishan, plugin="points", settings=[ten]) == "UNKNOWN_SETTING"
    with pytest.raises(Refused, match=r"没有名为 adoptoin 的插件.*是否想写 'adoption'"):
        await toggle(n, "xishan", "adoptoin", "OFF")
    with pytest.raises(Refused) as caught:
        await n.do(
            "admin",
            *setting_of,
            areaId=xishan,
            plugin="adoption",
            settings=[ten | {"value": 20, "article": "条" * 101}],
        )
    assert (caught.value.codes, caught.value.errors[0]["path"]) == (["TEXT_TOO_LONG"], ["settings", "0", "article"])


async def test_a_rule_rests_on_a_document_in_force(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang, issuer = await n.area_id("haicang"), await n.actor_id("西山社村民委员会")
    issue = ("coreIssueRuleDocument", "ruleDocument { id state }")
    about = {"areaId": haicang, "issuerId": issuer, "title": "认领管理办法", "edition": "一"}
    for url in ("javascript:alert(1)", "ftp://example.org/x", "https://", "example.org"):
        assert await n.refused("admin", *issue, **about, effectiveFrom="2026-01-01", url=url) == "BAD_URL"
    tomorrow = (n.clock.today() + timedelta(days=1)).isoformat()

    async def cite(document: str) -> list[str]:
        seven = {"key": "notice_days", "value": 7, "ruleDocumentId": document}
        try:
            await n.do(
                "admin", "coreSetPluginSettings", "area { code }", areaId=haicang, plugin="adoption", settings=[seven]
            )
        except Refused as refused:
            assert refused.errors[0]["path"] == ["settings", "0", "ruleDocumentId"]
            return refused.codes
        return []

    future = await n.do("admin", *issue, **about, effectiveFrom=tomorrow, url="https://example.org/认领.pdf")
    assert await cite(future["ruleDocument"]["id"]) == ["DOCUMENT_NOT_IN_FORCE"]
    about["edition"] = "二"
    current = await n.do("admin", *issue, **about, effectiveFrom="2020-01-01")
    assert await cite(future["ruleDocument"]["id"]) == ["DOCUMENT_NOT_IN_FORCE"]
    assert await cite(current["ruleDocument"]["id"]) == []
    await n.do(
        "admin", "coreWithdrawRuleDocument", "ruleDocument { state }",
        ruleDocumentId=current["ruleDocument"]["id"], reason="重新制定",
    )  # fmt: skip
    assert await cite(current["ruleDocument"]["id"]) == ["DOCUMENT_NOT_IN_FORCE"]


async def test_a_pilot_comes_due(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    last = n.clock.today() + timedelta(days=3)
    await toggle(n, "haicang", "points", "OFF")
    await toggle(n, "hongtang", "points", "PILOT", pilotUntil=last.isoformat())
    assert (await plugin(n, "hongtang", "points"))["state"] == "PILOT"
    assert (await plugin(n, "xishan", "points"))["state"] == "OFF"
    n.clock.advance(timedelta(days=4))
    shown = await plugin(n, "hongtang", "points")
    assert (shown["state"], shown["enabledBy"]) == ("OFF", "haicang")
    rule = {"eventType": "adoption.inspection.passed", "points": 3, "areaId": await n.area_id("hongtang")}
    assert await n.refused("admin", "pointsSetRule", "rule { id }", **rule) == "PLUGIN_DISABLED"
    await n.server.take_up.look()
    log = await n.ask(
        "admin", '{ events(where: {type: {eq: "core.plugin.pilot_ended"}}) { nodes { authority area { code } } } }'
    )
    assert log["events"]["nodes"] == [{"authority": "SYSTEM", "area": {"code": "hongtang"}}]
    assert (await plugin(n, "hongtang", "points"))["own"] == "INHERIT"
    past = {"areaId": await n.area_id("hongtang"), "plugin": "points", "state": "PILOT", "pilotUntil": "2020-01-01"}
    assert await n.refused("admin", "coreTogglePlugin", "area { code }", **past) == "PILOT_END"


async def test_an_areas_own_endpoint_shows_its_subtree_and_changes_nothing_outside(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood

    async def at(code: str, who: str | None, query: str, **variables: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {n.tokens[who]}"} if who else {}
        body = {"query": query, "variables": variables}
        found: dict[str, Any] = (await n.http.post(f"/areas/{code}/graphql", json=body, headers=headers)).json()
        return found

    areas = "{ areas(orderBy: CODE_ASC) { nodes { code parent { code } } } activities { totalCount } adoptionAssets { totalCount } }"
    west = (await at("xishan", None, areas))["data"]
    assert [a["code"] for a in west["areas"]["nodes"]] == ["xishan", "xishan-1", "xishan-2"]
    assert west["areas"]["nodes"][0]["parent"] == {"code": "dongfu"}
    assert west["adoptionAssets"]["totalCount"] > 0
    east = (await at("haihong", None, areas))["data"]
    assert [a["code"] for a in east["areas"]["nodes"]] == ["haihong"]
    assert (east["activities"]["totalCount"], east["adoptionAssets"]["totalCount"]) == (0, 0)
    activity = (await n.ask(None, "{ activities { nodes { id } } }"))["activities"]["nodes"][0]["id"]
    one = "query($i: ID!) { node(id: $i) { id } }"
    assert (await at("haihong", None, one, i=activity))["data"] == {"node": None}
    assert (await at("xishan", None, one, i=activity))["data"] == {"node": {"id": activity}}
    register = "mutation($i: CoreRegisterActorInput!) { coreRegisterActor(input: $i) { actor { id } errors { code } } }"
    new = {"kind": "PERSON", "name": "新居民", "areaId": await n.area_id("hongtang")}
    refused = (await at("xishan", "admin", register, i=new))["data"]["coreRegisterActor"]
    assert refused == {"actor": None, "errors": [{"code": "OUTSIDE_ENDPOINT"}]}
    assert (await at("hongtang", "admin", register, i=new))["data"]["coreRegisterActor"]["errors"] == []
    unknown = await n.http.post("/areas/nowhere/graphql", json={"query": areas})
    assert (unknown.status_code, unknown.json()["errors"][0]["extensions"]["code"]) == (404, "UNKNOWN_AREA")
