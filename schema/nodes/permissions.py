"""Asking why: `can` and `canMany` for rows, and the matrix of roles and permissions as it stands in an area."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.info import Info

from core import models
from core.access import Acting, PermissionRule, Viewer
from core.decisions import carries, decide
from core.enums import Role
from core.errors import Refusal
from core.ids import from_global, split_global
from core.problems import did_you_mean, near
from core.settings.cuts import SECTION
from core.settings.store import as_instant
from schema.decisions import Action, Decision, Row, actions_on, columns_of, misasked, shown
from schema.mutations import MutationDeclaration
from schema.nodes.composed import Query, plain
from schema.nodes.core import Area
from schema.nodes.declare import NodeType, extend, python
from schema.nodes.expressions import Kept, RowOf, Slot
from schema.nodes.privacy import guards, guards_until
from schema.nodes.settings import read_versions, versions_of
from schema.nodes.telling import public
from schema.nodes.viewing import AreaChain
from schema.nodes.viewing import viewer as viewer_facts
from schema.planning.compile import Written
from schema.planning.python_fields import Facts
from schema.visible import Statement

QUESTIONS = 50


@strawberry.input(description="May I do this with this row? (权限提问).")
class CanInput:
    action: str = strawberry.field(
        description="A mutation such as `coreOpenActivity`, or a permission such as `core.actor.read` (操作)."
    )
    on: strawberry.ID = strawberry.field(description="The row, or the area, it is about (对象).")
    acting_for: strawberry.ID | None = strawberry.field(
        default=None, description="In the name of this organization, by mandate (代表组织)."
    )
    on_behalf_of: strawberry.ID | None = strawberry.field(
        default=None, description="At the desk for this actor, or as their guardian (代办)."
    )


class _Asked:
    """A question, with the row's type and what must be read of it."""

    def __init__(self, composed: Any, question: CanInput, book: Any, *path: str) -> None:
        self.question = question
        for_id, behalf_id = question.acting_for, question.on_behalf_of
        self.acting = Acting(
            from_global(for_id, "actor", *path, "actingFor") if for_id else None,
            from_global(behalf_id, "actor", *path, "onBehalfOf") if behalf_id else None,
        )
        try:
            tag, self.id = split_global(question.on)
        except Refusal as refusal:
            raise refusal.at(*path, "on") from None
        self.node: NodeType | None = composed.by_tag.get(tag)
        self.action = self._action(composed, book, path) if self.node is not None else None

    def _action(self, composed: Any, book: Any, path: tuple[str, ...]) -> Action:
        name = self.question.action
        assert self.node is not None
        other = next((m for m in composed.mutations if composed.camel(m.name) == name), None)
        known = {a.name: a for a in actions_on(self.node, composed.mutations, composed.camel)}
        if name in known:
            return known[name]
        if name in book:
            return Action(name, name, None)
        raise Refusal(
            "UNKNOWN_ACTION", path=(*path, "action"), action=name[:60], type=self.node.name,
            hint=_about(composed, other) if other else did_you_mean(near(name, [*known, *book.rules])),
        )  # fmt: skip

    def sql(self, statement: Statement, composed: Any) -> str:
        """The row's values as JSON, if a list would show it to the viewer; else NULL."""
        if self.node is None or self.action is None:
            return "NULL"
        alias = statement.alias()
        t, emit = RowOf(alias), statement.emit
        id = statement.parameter(Slot(lambda ctx: self.id), "uuid")
        id = Kept(self.node.table, Written(id)).sql(statement) if self.node.merges else id
        where = [f"{alias}.id = {id}"]
        where += [f"({c.sql(statement)})" for c in composed.conditions(self.node, t)]
        read = columns_of(self.node, t, [self.action])
        for name, actor_id in (("for", self.acting.for_id), ("behalf", self.acting.behalf_of_id)):
            if actor_id is not None:
                given = statement.parameter(Slot(lambda ctx, id=actor_id: id), "uuid")  # type: ignore[misc]
                read[name] = Kept(models.Actor._meta.db_table, Written(given))
        pairs = [(key, emit.value(e.sql(statement), "text")) for key, e in read.items()]
        if "behalf" in read:
            pairs.append(("guards", emit.value(guards(read["behalf"], viewer_facts).sql(statement), "bool")))
            ends = guards_until(read["behalf"], viewer_facts).sql(statement)
            pairs.append(("guards_until", emit.value(ends, "instant")))
        columns = emit.object(pairs)
        return f"(SELECT {columns} FROM {self.node.table} {alias} WHERE {' AND '.join(where)})"


def _about(composed: Any, mutation: MutationDeclaration) -> Callable[[str], str]:
    """The end of a message about a mutation that is not about this type: what it is about, or asks for."""
    types = ", ".join(composed.types[subject.node].name for subject in mutation.on if subject.node in composed.types)

    def hint(language: str) -> str:
        if types:
            return f";它针对 {types}" if language == "zh-CN" else f"; it is about {types}"
        if mutation.permission_key:
            return (
                f";请询问权限 {mutation.permission_key}"
                if language == "zh-CN"
                else f"; ask for its permission {mutation.permission_key}"
            )
        return ";本人事务无需权限" if language == "zh-CN" else "; it is for one's own matters, and needs no permission"

    return hint


async def _answers(info: Info[Any, Any], questions: list[CanInput], *, many: bool) -> list[Decision | None]:
    context = info.context
    graphql, kernel = context.graphql, context.graphql.runtime.kernel
    composed, database = graphql.composed, graphql.runtime.database
    asked: list[_Asked | Decision] = []
    for n, question in enumerate(questions):
        try:
            asked.append(_Asked(composed, question, kernel.permissions, *(("questions", str(n)) if many else ())))
        except Refusal as refusal:
            if not many:
                raise
            asked.append(misasked(question.action[:60], refusal, graphql.runtime.messages, context.language))
    if not asked:
        return []
    context.meter.look_at(len(asked), owed=False)
    statement = Statement(database.dialect, context)
    columns = [f"{one.sql(statement, composed) if isinstance(one, _Asked) else 'NULL'} AS r{n}"
               for n, one in enumerate(asked)]  # fmt: skip
    read = (await database.read(f"SELECT {', '.join(columns)}", statement.values))[0]
    found: list[Decision | None] = []
    for one, text in zip(asked, read, strict=True):
        if isinstance(one, Decision):
            found.append(one)
            continue
        if text is None or one.action is None:
            found.append(None)
            continue
        values = json.loads(text)
        row = Row(values, context.now)
        # As for mutations, a merged actor's id stands for the one kept.
        for_id, behalf_id = (UUID(values[name]) if name in values else None for name in ("for", "behalf"))
        ends = as_instant(values.get("guards_until"))
        acting = Acting(for_id, behalf_id, is_guardian=bool(values.get("guards")), guardian_until=ends)
        decided = decide(
            kernel.permissions, context.viewer, acting, one.action.permission, row.place,
            owners=row.owners(0), within=context.root_area,
        )  # fmt: skip
        found.append(shown(one.action.name, decided, acting, graphql.runtime.messages, context.language))
    return found


_SEEN = public("Everybody may ask; a row that the viewer does not see answers null.")


@extend(Query)
class PermissionsQuery:
    @plain(
        why="A decision is made in Python, of one row that is read for it (判定在程序中进行).",
        scope=_SEEN,
        description="May I do this with this row, why, and what would change it? Null where the row is hidden or missing (我能否操作).",
    )  # type: ignore[untyped-decorator]
    async def can(
        self,
        info: Info,
        action: str,
        on: strawberry.ID,
        acting_for: strawberry.ID | None = None,
        on_behalf_of: strawberry.ID | None = None,
    ) -> Decision | None:
        question = CanInput(action=action, on=on, acting_for=acting_for, on_behalf_of=on_behalf_of)
        return (await _answers(info, [question], many=False))[0]

    @plain(
        why="Decisions are made in Python, of rows that are read for them in one statement (判定在程序中进行).",
        scope=_SEEN,
        description="Up to 50 questions at once, answered in their order; one that cannot be asked has why as its reason (批量判定).",
    )  # type: ignore[untyped-decorator]
    async def can_many(self, info: Info, questions: list[CanInput]) -> list[Decision | None]:
        if len(questions) > QUESTIONS:
            raise Refusal("TOO_MANY_QUESTIONS", path=("questions",), limit=QUESTIONS)
        return await _answers(info, questions, many=True)


@strawberry.type(description="A role, and whether it carries a permission in this area (角色权限).")
class RolePermission:
    role: Role = strawberry.field(description="As its owner declared it (角色).")
    carries: bool = strawberry.field(description="It does here: nobody has cut it (是否具有).")
    cut_by: list[str] = strawberry.field(
        description="Codes of the areas, here or above, that took it from the role (收回权限的区域)."
    )


@strawberry.type(description="A permission as it stands in this area (权限).")
class AreaPermission:
    key: str = strawberry.field(description="As `can` takes it (权限代码).")
    title: str = strawberry.field(description="What it lets people do, in the request's language (名称).")
    plugin: str = strawberry.field(description="Who declared it: `core`, or a plugin (所属插件).")
    open: bool = strawberry.field(description="Everybody who is signed in has it (对所有登录用户开放).")
    roles: list[RolePermission] = strawberry.field(description="The roles its owner gave it to (角色).")


@strawberry.type(description="Which role may do what in this area (权限矩阵).")
class PermissionMatrix:
    version: int = strawberry.field(
        description="For `expectedVersion` of a cut; 0 before anything was cut here (版本)."
    )
    permissions: list[AreaPermission] = strawberry.field(description="Core's, then each plugin's (权限列表).")


def _matrix(values: dict[str, Any], facts: Facts) -> PermissionMatrix:
    chain = [UUID(id) for id, _ in sorted(json.loads(values["chain"]), key=lambda pair: -pair[1])]
    viewer = Viewer(cuts=facts.kernel.cuts(facts.book))
    rules = facts.kernel.permissions.rules.values()
    versions = read_versions(values["versions"])
    return PermissionMatrix(
        version=versions.get(SECTION, 0), permissions=[_permission(rule, chain, viewer, facts) for rule in rules]
    )


def _permission(rule: PermissionRule, chain: list[UUID], viewer: Viewer, facts: Facts) -> AreaPermission:
    return AreaPermission(
        key=rule.key,
        title=rule.title[facts.language],
        plugin=rule.owner,
        open=rule.is_open,
        roles=[
            RolePermission(
                role=role,
                carries=carries(rule, role, viewer, chain),
                cut_by=[facts.book.codes[a] for a in chain if a in viewer.cut_in(rule, role)],
            )
            for role in Role
            if role in rule.roles
        ],
    )


@extend(Area)
class AreaPermissions:
    permission_matrix: PermissionMatrix = python(
        _matrix,
        columns=lambda t: {
            "chain": AreaChain(t.id),
            "versions": versions_of(t),
        },
        discloses="Who may do what in an area is for everybody in it; nobody is named.",
        description="Which role may do what here, and what was cut by whom (权限矩阵).",
    )
