"""Asking whether and why: `can`, `canMany`, `allowedActions`, the matrix, and what areas cut."""

from __future__ import annotations

from core.testing.kit import Neighbourhood, Refused

CAN = (
    "query($a: String!, $on: ID!, $for: ID, $behalf: ID) { can(action: $a, on: $on, actingFor: $for,"
    " onBehalfOf: $behalf) { action permission allowed reason message until actingFor"
    " remedies { kind roles givenBy organizationId plugin } } }"
)


async def test_a_decision_tells_why_and_what_would_change_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.trust("admin", "clerk", "resident", "company")
    haihong, xishan = await n.area_id("haihong"), await n.area_id("xishan")

    async def can(who: str | None, action: str, on: str, **more: str) -> dict[str, object]:
        return dict((await n.ask(who, CAN, a=action, on=on, **more))["can"])

    assert (await can("clerk", "coreRegisterActor", xishan))["reason"] == "BY_ROLE"
    found = await can("clerk", "coreRegisterActor", haihong)
    assert found["reason"] == "ROLE_ELSEWHERE"
    print(found)
    print(await n.ask("clerk", "{ area(code: \"xishan\") { allowedActions { action allowed reason until } permissionMatrix { version permissions { key open roles { role carries cutBy } } } } activities(first:2) { nodes { allowedActions { action allowed reason actingFor until } } } adoptionAgreements(first:2) { nodes { allowedActions { action allowed reason actingFor until } } } }"))
