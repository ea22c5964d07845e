"""Asking whether and why: `can`, `canMany`, `allowedActions`, and the same words in a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from strawberry.utils.str_converters import to_camel_case

from core import decisions
from core.enums import ActorKind
from core.errors import GongzhiError
from core.ids import from_global
from core.plugins.host import Host
from core.rules import areas
from core.runtime import Command
from core.testing.kit import Neighbourhood, Refused
from core.work import Work
from schema.compose import compose, core_schema
from schema.mutations import MUTATIONS
from schema.sign_in import SIGN_IN_FIELDS

pytestmark = pytest.mark.anyio

DECISION = (
    "action permission allowed reason message until actingFor remedies { kind roles givenBy organizationId plugin }"
)
CAN = (
    "query($a: String!, $on: ID!, $for: ID, $behalf: ID) { can(action: $a, on: $on, actingFor: $for,"
    f" onBehalfOf: $behalf) {{ {DECISION} }} }}"
)


async def can(n: Neighbourhood, who: str | None, action: str, on: str, **more: str) -> dict[str, Any]:
    return dict((await n.ask(who, CAN, a=action, on=on, **more))["can"])


@pytest.mark.needs("adoption")
async def test_a_decision_tells_why_and_what_would_change_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haihong, xishan, haicang = await n.area_id("haihong"), await n.area_id("xishan"), await n.area_id("haicang")
    company, register = await n.actor_id("企业甲"), "coreRegisterActor"
    neighbour = (await n.registered("林阿婆"))[0]
    activity = (
        await n.do(
            "resident", "coreOrganiseActivity", "activity { id }", areaId=xishan, title="大扫除",
            startsAt="2030-01-01T08:00:00+08:00", endsAt="2030-01-01T09:00:00+08:00",
        )
    )["activity"]["id"]  # fmt: skip

    async def reason(who: str | None, action: str, on: str, **more: str) -> tuple[bool, str, list[str]]:
        found = await can(n, who, action, on, **more)
        return found["allowed"], found["reason"], [r["kind"] for r in found["remedies"]]

    assert await reason("clerk", register, xishan) == (True, "BY_ROLE", [])
    assert await reason("clerk", register, haihong) == (False, "ROLE_ELSEWHERE", ["ROLE"])
    assert await reason("resident", register, xishan) == (False, "NEEDS_ROLE", ["ROLE"])
    assert await reason(None, register, xishan) == (False, "NOT_SIGNED_IN", ["SIGN_IN"])
    assert await reason("resident", "coreJoinActivity", activity) == (True, "OPEN", [])
    assert await reason("resident", "coreOpenActivity", activity) == (True, "OWN", [])
    assert await reason("company", "coreOpenActivity", activity) == (False, "NEEDS_ROLE", ["ROLE"])
    assert await reason("resident", register, xishan, **{"for": company}) == (False, "NO_MANDATE", ["MANDATE"])
    # At the desk: what the one at home may do themselves, by a clerk's role.
    assert await reason("clerk", "coreJoinActivity", activity, behalf=neighbour) == (True, "BY_ROLE", [])
    assert (await can(n, "clerk", "coreJoinActivity", activity, behalf=neighbour))["permission"] == "core.act_on_behalf"
    assert await reason("clerk", register, xishan, behalf=neighbour) == (False, "NOT_THEIRS_TO_DO", [])
    # A permission by its own key, for what is read.
    assert await reason("clerk", "core.actor.read", xishan) == (True, "BY_ROLE", [])
    assert await reason("clerk", "core.actor.read", haicang) == (False, "ROLE_ELSEWHERE", ["ROLE"])

    await n.do("admin", "coreTogglePlugin", "area { id }", areaId=xishan, plugin="adoption", state="OFF")
    off = await can(n, "clerk", "adoptionListAsset", xishan)
    assert (off["reason"], off["remedies"][0]["plugin"]) == ("PLUGIN_DISABLED", "adoption")
    assert off["remedies"][0]["givenBy"] == ["AREA_ADMIN", "ADMIN"]
    listing = (
        "mutation($i: AdoptionListAssetInput!) { adoptionListAsset(input: $i) { errors { code"
        " ... on PermissionError { permission reason remedies { kind roles givenBy organizationId plugin } } } } }"
    )
    spot = {"areaId": xishan, "custodianId": company, "name": "老井", "kind": "TREE", "duties": "清理"}
    told = (await n.ask("clerk", listing, i=spot))["adoptionListAsset"]["errors"][0]
    assert told == {"code": off["reason"]} | {key: off[key] for key in ("permission", "reason", "remedies")}

    needs = await can(n, "resident", register, xishan)
    assert needs["remedies"][0] | {} == {
        "kind": "ROLE", "roles": ["CLERK", "AREA_ADMIN", "ADMIN"], "givenBy": ["AREA_ADMIN", "ADMIN"],
        "organizationId": None, "plugin": None,
    }  # fmt: skip
    assert needs["message"] == "您没有相应角色;需要其中之一:社区工作人员、区域管理员、系统管理员。"
    query = (
        "mutation($i: CoreRegisterActorInput!) { coreRegisterActor(input: $i) { errors { code message"
        " ... on PermissionError { permission reason remedies { kind roles givenBy organizationId plugin } } } } }"
    )
    asked = await n.ask("resident", query, i={"kind": "PERSON", "name": "某人", "areaId": xishan})
    error = asked["coreRegisterActor"]["errors"][0]
    assert {k: error[k] for k in ("permission", "reason", "remedies")} == {
        k: needs[k] for k in ("permission", "reason", "remedies")
    }
    assert needs["message"] in error["message"]


async def test_what_is_hidden_is_asked_about_as_what_is_missing(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    granted = await n.ask("admin", "{ roleGrants(first: 1) { nodes { id } } }")
    hidden = granted["roleGrants"]["nodes"][0]["id"]
    missing = "rolegrant_00000000-0000-7000-8000-000000000000"
    for id in (hidden, missing):
        assert (await n.ask("resident", CAN, a="coreRevokeRole", on=id))["can"] is None
    assert (await can(n, "admin", "coreRevokeRole", hidden))["allowed"]
    with pytest.raises(Refused, match="UNKNOWN_ACTION") as refused:
        await n.ask("admin", CAN, a="coreOpenActivty", on=await n.area_id("xishan"))
    assert refused.value.codes == ["UNKNOWN_ACTION"]
    for action, hint in (
        ("coreOpenActivity", ";它针对 Activity。"),
        ("coreLink", ";请询问权限 core.link。"),
        ("coreSignOut", ";本人事务无需权限。"),
        ("coreRenameAre", ";是否想写 'coreRenameArea'?"),
    ):
        with pytest.raises(Refused, match="UNKNOWN_ACTION") as refused:
            await n.ask("admin", CAN, a=action, on=await n.area_id("xishan"))
        assert hint in refused.value.errors[0]["message"]
    with pytest.raises(Refused, match="BAD_ID"):
        await n.ask("admin", CAN, a="coreOpenActivity", on="xishan")


async def test_fifty_questions_are_one_statement(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    areas = (await n.ask("clerk", "{ areas(first: 10) { nodes { id code } } }"))["areas"]["nodes"]
    asked = [{"action": "core.actor.read", "on": area["id"]} for area in areas]
    query = "query($q: [CanInput!]!) { canMany(questions: $q) { allowed reason } }"
    asked = (asked * 50)[:50]
    await n.ask("clerk", query, q=asked)
    await n.quiet()
    with n.statements() as seen:
        answers = (await n.ask("clerk", query, q=asked))["canMany"]
    assert len(seen) == 1
    by_code = {area["code"]: answer["allowed"] for area, answer in zip(areas, answers, strict=False)}
    assert by_code["xishan"]
    assert not by_code["haicang"]
    with pytest.raises(Refused, match="TOO_MANY_QUESTIONS"):
        await n.ask("clerk", query, q=[*asked, asked[0]])
    assert (await n.ask("clerk", query, q=[]))["canMany"] == []


async def test_one_wrong_question_of_many_is_answered_as_such(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    asked = [
        {"action": "core.actor.read", "on": xishan},
        {"action": "core.actor.raed", "on": xishan},
        {"action": "core.actor.read", "on": "xishan"},
        {"action": "coreRenameArea", "on": "area_00000000-0000-7000-8000-000000000000"},
        {"action": "coreRegisterActor", "on": xishan},
    ]
    query = f"query($q: [CanInput!]!) {{ canMany(questions: $q) {{ {DECISION} }} }}"
    answers = (await n.ask("clerk", query, q=asked))["canMany"]
    assert [a and (a["action"], a["allowed"], a["reason"]) for a in answers] == [
        ("core.actor.read", True, "BY_ROLE"),
        ("core.actor.raed", False, "UNKNOWN_ACTION"),
        ("core.actor.read", False, "BAD_ID"),
        None,
        ("coreRegisterActor", True, "BY_ROLE"),
    ]
    assert "core.actor.read" in answers[1]["message"] and answers[1]["permission"] == ""
    assert (await n.ask("clerk", query, q=asked[1:2]))["canMany"][0]["reason"] == "UNKNOWN_ACTION"


async def test_a_person_and_their_account_can_be_asked_about(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    me = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]
    household = (await n.registered("王家", kind=ActorKind.HOUSEHOLD))[0]
    for who, action, reason in (
        ("resident", "coreErasePerson", "OWN"),
        ("resident", "coreSetPhone", "OWN"),
        ("resident", "coreRecordIdNumber", "NEEDS_ROLE"),
        ("company", "coreErasePerson", "NEEDS_ROLE"),
        ("admin", "coreErasePerson", "BY_ROLE"),
        ("admin", "coreResetPassword", "BY_ROLE"),
        ("company", "coreResetPassword", "NEEDS_ROLE"),
    ):
        assert (await can(n, who, action, me))["reason"] == reason, (who, action)
    listed = "query($id: ID!) { node(id: $id) { ... on Actor { allowedActions { action allowed } } } }"
    mine = {a["action"]: a["allowed"] for a in (await n.ask("resident", listed, id=me))["node"]["allowedActions"]}
    assert mine["coreErasePerson"] and not mine["coreInvite"]
    theirs = {a["action"] for a in (await n.ask("clerk", listed, id=household))["node"]["allowedActions"]}
    assert "coreDisclose" in theirs and not theirs & {"coreErasePerson", "coreInvite", "coreSetPhone"}


async def test_a_refusal_and_an_answer_are_of_one_source(neighbourhood: Neighbourhood) -> None:
    """Signed out, by a machine's token, and where the mechanism is off, too."""
    n = neighbourhood
    xishan = await n.area_id("xishan")
    made = await n.do("admin", "coreCreateMachineToken", "secret", label="x", permissions=["core.actor.read"],
                      areaId=xishan, expiresAt=(n.clock.now() + timedelta(days=9)).isoformat())  # fmt: skip
    n.tokens["machine"] = made["secret"]
    query = (
        "mutation($i: CoreRenameAreaInput!) { coreRenameArea(input: $i) { errors { code"
        " ... on PermissionError { permission reason remedies { kind roles givenBy organizationId plugin } } } } }"
    )
    for who, code, kind in ((None, "NOT_SIGNED_IN", "SIGN_IN"), ("machine", "NOT_PERMITTED", "SIGN_IN"),
                            ("clerk", "NOT_PERMITTED", "ROLE")):  # fmt: skip
        asked = await can(n, who, "coreRenameArea", xishan)
        error = (await n.ask(who, query, i={"areaId": xishan, "name": "某"}))["coreRenameArea"]["errors"][0]
        assert error.pop("code") == code
        assert error == {k: asked[k] for k in error} and error["remedies"][0]["kind"] == kind


@pytest.mark.needs("adoption")
async def test_every_node_tells_what_may_be_done_with_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    query = "{ adoptionAgreements(first: 3) { nodes { id allowedActions { action allowed reason actingFor until } } } }"
    await n.ask("company", query)
    await n.quiet()
    with n.statements() as seen:
        rows = (await n.ask("company", query))["adoptionAgreements"]["nodes"]
    assert len(seen) == 1
    company = await n.actor_id("企业甲")
    found = {a["action"]: a for a in rows[0]["allowedActions"]}
    assert found["adoptionEndAgreement"]["allowed"], found
    assert found["adoptionEndAgreement"]["reason"] == "BY_MANDATE"
    assert found["adoptionEndAgreement"]["actingFor"] == company
    assert not found["adoptionInspect"]["allowed"]
    asked = await can(n, "company", "adoptionEndAgreement", rows[0]["id"], **{"for": company})
    assert asked["allowed"]
    # In person they may not: the same question without the hat.
    assert not (await can(n, "company", "adoptionEndAgreement", rows[0]["id"]))["allowed"]
    node = "query($id: ID!) { node(id: $id) { id allowedActions { action } } }"
    assert (await n.ask(None, node, id=company))["node"]["allowedActions"][0]["action"] == "coreAddMembership"


async def test_a_decision_tells_until_when(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    login = (await n.newcomers(1, "xishan"))[0]
    person = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    club = (await n.registered("书画社", kind=ActorKind.ORGANIZATION))[0]
    end = n.clock.now().replace(microsecond=0) + timedelta(days=30)
    await n.do(
        "admin", "coreGiveMandate", "mandate { id }", personId=person, organizationId=club, areaId=xishan,
        until=end.isoformat(),
    )  # fmt: skip
    await n.trust(login)
    more = {"for": club}
    found = await can(n, login, "coreOrganiseActivity", xishan, **more)
    assert (found["reason"], found["until"]) == ("OPEN", end.strftime("%Y-%m-%dT%H:%M:%S.000Z")), found
    assert (await can(n, login, "coreOrganiseActivity", xishan))["until"] is None
    n.clock.set(end)
    await n.trust(login)
    assert (await can(n, login, "coreOrganiseActivity", xishan, **more))["reason"] == "NO_MANDATE"


async def test_a_rule_that_asks_for_what_its_mutation_does_not_declare_fails(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    area_id = from_global(await n.area_id("xishan"), "area")
    command = Command("coreRenameArea", await n.viewer("admin"), asks=frozenset({"core.link"}))

    async def rename(work: Work) -> dict[str, Any]:
        await areas.rename_area(work, area_id=area_id, name="改名")
        return {}

    with pytest.raises(GongzhiError, match=r"asked for core\.area\.manage, which its mutation does not declare"):
        await n.server.runtime.perform(command, rename)
    assert (await n.ask(None, '{ area(code: "xishan") { name } }'))["area"]["name"] != "改名"
    await n.server.runtime.perform(replace(command, asks=frozenset({"core.area.manage"})), rename)


def test_every_reason_has_its_text() -> None:
    """`codes_in` finds most of them; these stand where it does not look."""
    messages = Host(()).messages()
    others = ("BY_ROLE", "BY_MANDATE", "OWN", "OPEN", "NEEDS_ROLE", "ROLE_ELSEWHERE", "ROLE_CUT", "MANDATE_ELSEWHERE")
    source = Path(decisions.__file__).read_text("utf-8")
    assert [code for code in others if code not in messages or f'"{code}"' not in source] == []


def test_every_mutation_says_what_it_asks_for() -> None:
    schema = core_schema(compose(("adoption", "points"), Host(("adoption", "points")).permissions()))
    camel = {to_camel_case(m.name): m for m in MUTATIONS}
    batches = {to_camel_case(m.batch.name) for m in MUTATIONS if m.batch}
    assert schema.mutation_type is not None
    shown = set(schema.mutation_type.fields) - batches - {to_camel_case(name) for name in SIGN_IN_FIELDS}
    assert shown <= camel.keys()
    assert {name for name in shown if not isinstance(camel[name].permission, str)} == {
        "coreSignOut", "coreExport", "coreExportHoldings", "coreLinkIdentity", "coreRevokeToken", "coreUndo",
        "coreUnlinkIdentity",
    }  # fmt: skip
