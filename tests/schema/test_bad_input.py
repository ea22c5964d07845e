"""Bad input: a typed error with a stable code, and nothing changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
LONG = "长" * 10_000
NOBODY = "actor_00000000-0000-7000-8000-000000000000"


async def fingerprint(n: Neighbourhood) -> Any:
    """Everything that a refused request must leave as it was: every row of every table, but for who was seen when."""
    database = n.server.runtime.database
    tables = [m._meta.db_table for m in database.models if m._meta.db_table not in ("core_token", "core_delivery")]
    return {t: sorted(map(repr, await database.read(f"SELECT * FROM {t}"))) for t in tables}


def activity(n: Neighbourhood, **changes: Any) -> dict[str, Any]:
    start = n.clock.now() + timedelta(days=1)
    made: dict[str, Any] = {
        "title": "活动", "startsAt": start.isoformat(), "endsAt": (start + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    return made | changes


async def test_every_refusal_is_typed_and_changes_nothing(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan, haihong = await n.area_id("xishan"), await n.area_id("haihong")
    past = (n.clock.now() - timedelta(days=1)).isoformat()
    theirs = '{state: {eq: FINISHED}, organizer: {name: {eq: "西山社村民委员会"}}}'
    finished = await n.ask(None, f"{{ activities(where: {theirs}) {{ nodes {{ id version }} }} }}")
    over = finished["activities"]["nodes"][0]
    await n.delivered()
    await n.quiet()
    before = await fingerprint(n)
    organise, actor = ("coreOrganiseActivity", "activity { id }"), ("coreRegisterActor", "actor { id }")
    cases: list[tuple[str, str, tuple[str, str], dict[str, Any]]] = [
        ("BAD_ID", "clerk", organise, activity(n, areaId="nonsense")),
        ("BAD_ID", "clerk", organise, activity(n, areaId=NOBODY)),
        ("NOT_FOUND", "clerk", organise, activity(n, areaId="area_00000000-0000-7000-8000-000000000000")),
        ("IN_THE_PAST", "clerk", organise, activity(n, areaId=xishan, startsAt=past)),
        ("ENDS_BEFORE_START", "clerk", organise, activity(n, areaId=xishan, endsAt=past)),
        ("BAD_CAPACITY", "clerk", organise, activity(n, areaId=xishan, capacity=0)),
        ("TEXT_TOO_LONG", "clerk", organise, activity(n, areaId=xishan, title=LONG)),
        ("EMPTY_TEXT", "clerk", organise, activity(n, areaId=xishan, title="   ")),
        ("BAD_TEXT", "clerk", organise, activity(n, areaId=xishan, title="a\x00b")),
        ("BAD_TEXT", "clerk", organise, activity(n, areaId=xishan, title="a\nb")),
        ("IN_THE_FUTURE", "clerk", organise, activity(n, areaId=xishan, occurredAt="2999-01-01T00:00:00Z")),
        ("NO_MANDATE", "clerk", organise, activity(n, areaId=xishan, actingFor=NOBODY)),
        ("BAD_IDEMPOTENCY_KEY", "clerk", organise, activity(n, areaId=xishan, idempotencyKey="")),
        ("ROLE_ELSEWHERE", "clerk", actor, {"kind": "PERSON", "name": "某人", "areaId": haihong}),
        ("NEEDS_ROLE", "resident", actor, {"kind": "PERSON", "name": "某人", "areaId": xishan}),
        ("ORGANIZATION_KIND_NEEDED", "clerk", actor, {"kind": "ORGANIZATION", "name": "某社", "areaId": xishan}),
        ("FIELD_NOT_FOR_KIND", "clerk", actor, {"kind": "PERSON", "name": "某", "areaId": xishan, "creditCode": "9"}),
        ("BAD_CREDIT_CODE", "clerk", actor, {"kind": "ENTERPRISE", "name": "某", "areaId": xishan, "creditCode": "9"}),
        ("TEXT_TOO_LONG", "clerk", actor, {"kind": "PERSON", "name": LONG, "areaId": xishan}),
        ("AREA_CODE_TAKEN", "admin", ("coreCreateArea", "area { id }"),
         {"code": "xishan", "name": "又一个", "kind": "GRID", "parentId": xishan}),
        ("BAD_AREA_CODE", "admin", ("coreCreateArea", "area { id }"),
         {"code": "西山", "name": "西山", "kind": "GRID", "parentId": xishan}),
        ("AREA_CYCLE", "admin", ("coreMoveArea", "area { id }"),
         {"areaId": await n.area_id("dongfu"), "parentId": xishan}),
        ("ACTIVITY_STATE", "resident", ("coreJoinActivity", "participation { id }"), {"activityId": over["id"]}),
        ("ACTIVITY_STATE", "custodian", ("coreCancelActivity", "activity { id }"),
         {"activityId": over["id"], "reason": "晚了", "actingFor": await n.actor_id("西山社村民委员会")}),
        ("VERSION_CONFLICT", "admin", ("coreFinishActivity", "activity { id }"),
         {"activityId": over["id"], "expectedVersion": over["version"] - 1}),
        ("ROLE_ABOVE_OWN", "admin", ("coreGrantRole", "roleGrant { id }"),
         {"role": "ADMIN", "areaId": xishan, "actorId": await n.actor_id("西山社一组 3 号户")}),
    ]  # fmt: skip
    for expected, who, (mutation, selection), arguments in cases:
        if expected == "ROLE_ABOVE_OWN":
            expected = "NOT_A_PERSON"
        code = await reason_or_code(n, who, mutation, selection, arguments)
        assert code == expected, (mutation, arguments)
    assert await fingerprint(n) == before


@pytest.mark.needs("adoption", "points")
async def test_mechanisms_refuse_alike(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.delivered()
    await n.quiet()
    xishan, haihong = await n.area_id("xishan"), await n.area_id("haihong")
    company, committee = await n.actor_id("企业甲"), await n.actor_id("西山社村民委员会")
    facts = await n.ask(
        "admin",
        """{ adoptionAgreements { nodes { id version state } } pointsEntries(first: 1) { nodes { id } }
             adoptionAssets { nodes { id state area { code } } } adoptionClaims { nodes { id state } } }""",
    )
    running = next(a for a in facts["adoptionAgreements"]["nodes"] if a["state"] == "ACTIVE")["id"]
    free = next(a for a in facts["adoptionAssets"]["nodes"] if a["state"] == "AVAILABLE")["id"]
    claim = next((c["id"] for c in facts["adoptionClaims"]["nodes"] if c["state"] == "SUBMITTED"), None)
    entry = facts["pointsEntries"]["nodes"][0]["id"]
    nothing = "00000000-0000-7000-8000-000000000000"
    before = await fingerprint(n)
    spot = {"areaId": xishan, "custodianId": committee, "name": "新绿地", "kind": "GREEN_SPACE", "duties": "浇水"}
    rule = {"areaId": xishan, "eventType": "adoption.inspection.passed", "points": 3}
    listing, submit = ("adoptionListAsset", "asset { id }"), ("adoptionSubmitClaim", "claim { id }")
    decide, inspect = ("adoptionDecideClaim", "claim { id }"), ("adoptionInspect", "inspection { id }")
    end, sign = ("adoptionEndAgreement", "agreement { id }"), ("adoptionSignAgreement", "agreement { id }")
    set_rule, reverse = ("pointsSetRule", "rule { id }"), ("pointsReverse", "entry { id }")
    cases: list[tuple[str, str, tuple[str, str], dict[str, Any]]] = [
        ("BAD_ID", "clerk", listing, spot | {"areaId": company}),
        ("BAD_ID", "clerk", listing, spot | {"custodianId": "x" * 10_000}),
        ("NOT_FOUND", "clerk", listing, spot | {"custodianId": f"actor_{nothing}"}),
        ("ROLE_ELSEWHERE", "clerk", listing, spot | {"areaId": haihong}),
        ("NEEDS_ROLE", "resident", listing, spot),
        ("TEXT_TOO_LONG", "clerk", listing, spot | {"name": LONG}),
        ("EMPTY_TEXT", "clerk", listing, spot | {"name": " "}),
        ("ASSET_EXISTS", "clerk", listing, spot | {"name": "绿地-03"}),
        ("BAD_ID", "company", submit, {"assetId": running, "mode": "CARE"}),
        ("NOT_FOUND", "company", submit, {"assetId": f"adoption_asset_{nothing}", "mode": "CARE"}),
        ("TEXT_TOO_LONG", "company", submit, {"assetId": free, "mode": "CARE", "statement": LONG}),
        ("NO_MANDATE", "resident", submit, {"assetId": free, "mode": "CARE", "actingFor": company}),
        ("NOT_FOUND", "custodian", decide, {"claimId": f"adoption_claim_{nothing}", "accept": True}),
        ("BAD_ID", "inspector", inspect, {"agreementId": entry, "score": 80}),
        ("BAD_SCORE", "inspector", inspect, {"agreementId": running, "score": 101}),
        ("BAD_SCORE", "inspector", inspect, {"agreementId": running, "score": -1}),
        ("NOT_FOUND", "inspector", inspect,
         {"agreementId": running, "score": 80, "recheckOfId": f"adoption_inspection_{nothing}"}),
        ("TEXT_TOO_LONG", "inspector", inspect, {"agreementId": running, "score": 80, "note": LONG}),
        ("NEEDS_ROLE", "resident", inspect, {"agreementId": running, "score": 80}),
        ("NEEDS_ROLE", "resident", end, {"agreementId": running, "reason": "x"}),
        ("EMPTY_TEXT", "admin", end, {"agreementId": running, "reason": ""}),
        ("VERSION_CONFLICT", "admin", end, {"agreementId": running, "reason": "x", "expectedVersion": 999}),
        ("AGREEMENT_STATE", "company", sign, {"agreementId": running, "actingFor": company}),
        ("BAD_POINTS", "admin", set_rule, rule | {"points": 0}),
        ("BAD_POINTS", "admin", set_rule, rule | {"points": 1_000_001}),
        ("UNKNOWN_EVENT_TYPE", "admin", set_rule, rule | {"eventType": LONG}),
        ("NOT_FOUND", "admin", set_rule, rule | {"areaId": f"area_{nothing}"}),
        ("NEEDS_ROLE", "clerk", set_rule, rule | {"areaId": haihong}),
        ("NOT_FOUND", "admin", reverse, {"entryId": f"points_entry_{nothing}", "reason": "x"}),
        ("EMPTY_TEXT", "admin", reverse, {"entryId": entry, "reason": " "}),
        ("NEEDS_ROLE", "resident", reverse, {"entryId": entry, "reason": "x"}),
    ]  # fmt: skip
    if claim is not None:
        cases += [
            ("EMPTY_TEXT", "admin", decide, {"claimId": claim, "accept": False}),
            ("ASSET_TAKEN", "admin", decide, {"claimId": claim, "accept": True, "startsOn": "2020-01-01"}),
        ]
    for expected, who, (mutation, selection), arguments in cases:
        code = await reason_or_code(n, who, mutation, selection, arguments)
        assert code == expected, (mutation, {k: str(v)[:60] for k, v in arguments.items()})
    assert await fingerprint(n) == before
    await n.do("admin", *end, agreementId=running, reason="到期")
    n.clock.advance(timedelta(days=31))  # the notice is over
    assert (await n.due())["adoption.terms"] == 1
    before = await fingerprint(n)
    for (mutation, selection), more in ((inspect, {"score": 80}), (end, {"reason": "x"}), (sign, {})):
        who = (
            "inspector"
            if mutation == "adoptionInspect"
            else "company"
            if mutation == "adoptionSignAgreement"
            else "admin"
        )
        acting = {"actingFor": company} if who == "company" else {}
        code = await reason_or_code(n, who, mutation, selection, {"agreementId": running} | more | acting)
        assert code == "AGREEMENT_STATE", mutation
    assert await fingerprint(n) == before


async def reason_or_code(n: Neighbourhood, who: str, mutation: str, selection: str, arguments: dict[str, Any]) -> str:
    """The code, or for a refused permission the kind of reason."""
    from core.testing.kit import INPUT_NAMES

    kind = INPUT_NAMES.get(mutation, mutation[0].upper() + mutation[1:] + "Input")
    query = (
        f"mutation($i: {kind}!) {{ {mutation}(input: $i)"
        f" {{ {selection} errors {{ code message ... on PermissionError {{ reason }} }} }} }}"
    )
    payload = (await n.ask(who, query, i=arguments))[mutation]
    assert payload[selection.split()[0]] is None
    (error,) = payload["errors"]
    assert error["message"]
    assert error["message"] != error["code"]
    return str(error.get("reason", error["code"])).split(":")[0]


async def test_a_value_that_is_none_is_told_with_its_path(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    organise = "mutation($i: CoreOrganiseActivityInput!) { coreOrganiseActivity(input: $i) { errors { code } } }"
    join = "mutation($i: CoreAddMembershipInput!) { coreAddMembership(input: $i) { errors { code } } }"
    held = activity(n, areaId=NOBODY.replace("actor", "area"))
    member = {"actorId": NOBODY, "role": "MEMBER"}
    cases: dict[str, tuple[Any, ...]] = {
        "startsAt": ("yesterday", "2030-01-02", "2030-01-02T08:00:00", 5, True, None,
                     "9999-12-31T23:59:59+08:00", "0001-01-01T00:00:00+08:00"),
        "occurredAt": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
        "areaId": ({"id": 1}, 1.5, True), "capacity": (2**31, "3"), "title": (5, None), "nonsense": (1,),
        "since": ("2030-02-30", "9999-12-31", "0001-01-01", "2030-01-01T00:00:00Z", 20300101),
    }  # fmt: skip
    for field, values in cases.items():
        query, given = (join, member) if field == "since" else (organise, held)
        for value in values:
            body = (await n.post("clerk", query, i=given | {field: value})).json()
            assert "data" not in body, value
            assert [e["extensions"]["code"] for e in body["errors"]] == ["BAD_VARIABLES"], value
            assert field in body["errors"][0]["message"]


async def test_the_latest_and_the_earliest_moment_are_served(neighbourhood: Neighbourhood) -> None:
    """The edges of what is taken overflow nowhere later."""
    n = neighbourhood
    xishan = await n.area_id("xishan")
    late = {"startsAt": "2999-12-31T22:00:00-12:00", "endsAt": "2999-12-31T23:59:59.999Z"}
    code = await n.refused("clerk", "coreOrganiseActivity", "activity { id }", **activity(n, areaId=xishan) | late)
    assert code == "ENDS_BEFORE_START"
    late["startsAt"] = "2999-12-31T22:00:00Z"
    await n.do("clerk", "coreOrganiseActivity", "activity { id }", **activity(n, areaId=xishan) | late)
    query = "query($a: String) { activities(first: 1, after: $a) { nodes { endsAt } pageInfo { endCursor } } }"
    page = (await n.ask(None, query))["activities"]
    assert page["nodes"] == [{"endsAt": "2999-12-31T23:59:59.999Z"}]
    assert (await n.ask(None, query, a=page["pageInfo"]["endCursor"]))["activities"]["nodes"] != page["nodes"]
    early = {"actorId": await n.actor_id("谢永强"), "areaId": xishan, "role": "MEMBER", "since": "1851-01-01"}
    await n.do("clerk", "coreAddMembership", "membership { id }", **early)
