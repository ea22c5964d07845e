"""`can` says yes exactly when the mutation is not refused for permission: every mutation that is about a row, tried by
everybody, right after the question."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from core import viewers
from core.enums import ActorKind
from core.ids import to_global
from core.testing.kit import Neighbourhood
from schema.compose import core_schema
from schema.mutations import MutationDeclaration, Subject

pytestmark = pytest.mark.anyio

OF_PERMISSION = {"NOT_PERMITTED", "PLUGIN_DISABLED", "NOT_SIGNED_IN", "OUTSIDE_ENDPOINT"}
# Looked at before the row, so that nothing is learned of the permission.
BEFORE = {
    "BAD_SETTING",
    "UNKNOWN_SETTING",
    "UNKNOWN_PLUGIN",
    "PILOT_END",
    "NOT_FOUND",
    "DIFFERENT_KINDS",
    "NOT_TO_ITSELF",
    "ALREADY_MERGED",
    "NOT_ITS_BODY",
}
MISSING = {
    "coreImport", "adoptionDismissRevocation", "adoptionAppeal", "adoptionDecideAppeal", "pointsCancelRedemption",
    "pointsDeliverRedemption", "councilsAnswerOpinion", "councilsLiftExclusion", "councilsAppealExclusion",
    "councilsDecideExclusionAppeal", "newResidentsCloseDormitoryList", "newResidentsDecideAppeal",
    "newResidentsEndException", "newResidentsWithdrawAppeal",
}  # fmt: skip
OF_OTHERS = {"newResidentsAppealEntitlement", "newResidentsWithdrawRequest"}  # nobody who asks has one of the rows
ROWS = 4
GOOD = {"code": "new-area", "plugin": "points"}  # where any text would be refused before the row is looked at
REMEDIES = "remedies { kind roles givenBy organizationId plugin }"
CAN = (
    "query($a: String!, $on: ID!, $for: ID) { can(action: $a, on: $on, actingFor: $for) { allowed reason permission"
    f" {REMEDIES} }} }}"
)


class Inputs:
    """Fills in what an input needs; what it is about is given, the rest is any value of its type."""

    def __init__(self, n: Neighbourhood, known: dict[str, str]) -> None:
        self.n = n
        self.known = known

    def of(self, type_: GraphQLInputObjectType, given: dict[str, Any]) -> dict[str, Any]:
        needed = {k: f for k, f in type_.fields.items() if isinstance(f.type, GraphQLNonNull) and k not in given}
        return given | {name: self.value(name, field.type.of_type) for name, field in needed.items()}

    def value(self, name: str, type_: Any) -> Any:
        if isinstance(type_, GraphQLList):
            return []
        if isinstance(type_, GraphQLEnumType):
            return next(iter(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return self.of(type_, {})
        now = self.n.clock.now()
        if name in GOOD:
            return GOOD[name]
        return {
            "ID": self.known.get(name, self.known["actorId"]), "String": f"某{name}", "Int": 1, "Long": 1, "Boolean": False,
            "Instant": (now + timedelta(days=2 if name == "endsAt" else 1)).isoformat(),
            "Date": self.n.clock.today().isoformat(), "JSON": 1,
        }[type_.name]  # fmt: skip


async def kinds(n: Neighbourhood) -> list[str]:
    """An id of each kind of row there is."""
    found = []
    for node in n.server.graphql.composed.types.values():
        if node.source is None:
            rows = await n.server.runtime.database.read(f"SELECT id FROM {node.table} LIMIT 1")
            found += [to_global(node.tag, row[0]) for row in rows]
    return found


@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # who may is decided in Python
async def test_can_agrees_with_every_mutation(neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    n = neighbourhood
    monkeypatch.setattr(viewers, "SECONDS", 0)
    await n.trust("admin", "clerk", "inspector", "custodian", "company", "resident")
    composed = n.server.graphql.composed
    graphql = core_schema(n.server.graphql.schema)
    known = {"areaId": await n.area_id("xishan"), "actorId": await n.actor_id("谢永强")}
    any_id = await kinds(n)
    fitting: dict[str, dict[str, str]] = defaultdict(dict)  # what inputs took as the id of a second row
    known["keptId"], _ = await n.registered("企业丁", "企业戊", kind=ActorKind.ENTERPRISE)
    victims = await n.registered(*(f"新居民{number}" for number in range(ROWS)))
    one = {"onBehalfOf": {"actorId": victims[0], "basis": "WRITTEN", "evidence": "表"}}
    await n.do("clerk", "coreGiveConsent", "consent { id }", personId=victims[0], purpose="夏令营", basis="WRITTEN",
               evidence="表", **one)  # fmt: skip
    await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", wardId=victims[0], guardianId=victims[1],
               basis="PARENT", evidence="户口簿")  # fmt: skip
    hats = {"company": await n.actor_id("企业甲"), "custodian": await n.actor_id("西山社村民委员会")}
    known["assigneeId"] = hats["custodian"]
    inputs = Inputs(n, known)
    answers: dict[str, set[bool]] = defaultdict(set)

    async def ids(node: Any) -> list[str]:
        of_kind = "=" if node.kind is ActorKind.PERSON else "<>"
        where = f" WHERE kind {of_kind} 'PERSON' AND gone_at IS NULL" if node.table == "core_actor" else ""
        rows = await n.server.runtime.database.read(f"SELECT id FROM {node.table}{where} ORDER BY id DESC LIMIT {ROWS}")
        return [to_global(node.tag, row[0]) for row in rows]

    async def attempt(who: str, hat: str | None, declared: MutationDeclaration, subject: Subject, row: str) -> None:
        name, argument = composed.camel(declared.name), composed.camel(subject.argument)
        more = {"for": hat} if hat else {}
        question = await n.ask(who, CAN, a=name, on=row, **more)
        if question["can"] is None:
            return
        type_name = graphql.mutation_type.fields[name].args["input"].type.of_type.name  # type: ignore[union-attr]
        given: dict[str, Any] = {argument: row, **({"actingFor": hat} if hat else {})}
        if argument != "areaId" and declared.on[-1].argument == "area_id":  # about something there, or about the area
            place = f"query($i: ID!) {{ node(id: $i) {{ ... on {composed.types[subject.node].name} {{ area {{ id }} }} }} }}"
            given["areaId"] = (await n.ask(who, place, i=row))["node"]["area"]["id"]
        if name == "coreMoveArea":
            given["parentId"] = row
        if name == "coreGrantRole":
            given["actorId"] = known["actorId"]
        input = inputs.of(graphql.type_map[type_name], fitting[name] | given)  # type: ignore[arg-type]
        told = f"code path ... on PermissionError {{ permission reason {REMEDIES} }}"
        query = f"mutation($i: {type_name}!) {{ m: {name}(input: $i) {{ errors {{ {told} }} }} }}"
        errors = (await n.ask(who, query, i=input))["m"]["errors"]
        for id in any_id:
            if not errors or errors[0]["code"] != "BAD_ID":
                break
            field = errors[0]["path"][-1]
            fitting[name][field] = input[field] = id
            errors = (await n.ask(who, query, i=input))["m"]["errors"]
        code = errors[0]["code"] if errors else None
        # What `can` answers about is there to be seen; of anything else that the input names it says nothing.
        assert code != "NOT_FOUND" or errors[0]["path"] != [argument], (who, hat, name, row, question, errors)
        if code in BEFORE:
            return
        allowed = question["can"]["allowed"]
        assert allowed == (code not in OF_PERMISSION), (who, hat, name, row, question, errors)
        if not allowed:
            for part in ("reason", "permission", "remedies"):
                assert errors[0][part] == question["can"][part], (who, hat, name, part, question, errors)
        answers[name].add(allowed)

    tried = [(m, subject) for m in composed.mutations for subject in m.on]
    # Core's last, which take roles and mandates away, and of them erasure: who is erased is asked about no more.
    tried.sort(key=lambda pair: (pair[0].plugin == "core", pair[0].name == "core_erase_person"))
    for declared, subject in tried:
        for row in await ids(composed.types[subject.node]):
            for who in ("resident", "company", "custodian", "inspector", "clerk", "admin"):
                for hat in (None, hats.get(who)) if who in hats else (None,):
                    await attempt(who, hat, declared, subject, row)
    # There are no rows of these kinds in the demo; whatever there are rows of was told apart.
    untried = {composed.camel(m.name) for m, _ in tried} - answers.keys()
    assert untried <= MISSING, untried
    refused = {name for name, found in answers.items() if False in found}
    assert {"coreInvite", "coreSetPhone", "coreErasePerson", "coreDisableAccount"} <= refused
    assert {"coreRegisterActor", "coreOpenActivity", "adoptionInspect", "adoptionRenew", "pointsReverse"} <= refused
    assert {name for name, found in answers.items() if True not in found} <= OF_OTHERS
