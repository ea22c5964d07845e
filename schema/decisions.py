"""What a viewer may do, as the API shows it: `can`, `canMany`, and `allowedActions` of every node.

All of them ask `core.decisions.decide`, as rules do, about what a mutation declares: its permission, and whose matter a
row is. They say whether a mutation would be refused for permission; whether the row's state lets it happen is for the
rule to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry

from core.access import Acting
from core.decisions import Decision as Decided
from core.decisions import Place, decide
from core.decisions import Remedy as Found
from core.enums import RemedyKind, Role
from core.errors import Refusal
from core.ids import to_global
from core.messages import Messages
from core.models import Actor, PluginArea
from schema.nodes.expressions import Expr, ListOf, RowOf
from schema.nodes.viewing import AreaChain

if TYPE_CHECKING:
    from schema.mutations import MutationDeclaration, Subject
    from schema.nodes.declare import NodeType
    from schema.planning.python_fields import Facts


@strawberry.type(description="One thing that would turn a refusal into a yes (解决途径).")
class Remedy:
    kind: RemedyKind = strawberry.field(description="What kind of thing it is (类别).")
    roles: list[Role] = strawberry.field(description="Any of these roles would do, here or above (所需角色).")
    given_by: list[Role] = strawberry.field(description="Who can give it: holders of these roles here (可授予者).")
    organization_id: strawberry.ID | None = strawberry.field(description="Whose mandate is needed (授权组织).")
    plugin: str | None = strawberry.field(description="What would have to be on here (所需机制).")


@strawberry.type(description="Whether something may be done here, why, and what would change it (权限判定).")
class Decision:
    action: str = strawberry.field(description="What was asked about: a mutation, or a permission (操作).")
    permission: str = strawberry.field(
        description="The permission it came down to; empty where the question itself is wrong (权限)."
    )
    allowed: bool = strawberry.field(description="It would not be refused for permission (是否允许).")
    reason: str = strawberry.field(description="Why, as a stable code (原因代码).")
    message: str = strawberry.field(description="The same for people, in the request's language (原因).")
    until: datetime | None = strawberry.field(
        description="When what it rests on ends: a role, a post, a mandate, a guardianship, a pilot; null where no end is set (有效期至)."
    )
    acting_for: strawberry.ID | None = strawberry.field(
        description="The organization in whose name it holds; null: in person (代表组织)."
    )
    remedies: list[Remedy] = strawberry.field(description="What would change a refusal; empty when allowed (解决途径).")


def shown_remedies(remedies: Iterable[Found]) -> list[Remedy]:
    return [
        Remedy(
            kind=r.kind,
            roles=list(r.roles),
            given_by=list(r.given_by),
            organization_id=strawberry.ID(to_global(Actor.tag, r.organization_id)) if r.organization_id else None,
            plugin=r.plugin,
        )
        for r in remedies
    ]


def misasked(action: str, refusal: Refusal, messages: Messages, language: str) -> Decision:
    """The answer to one of many questions that cannot be asked."""
    return Decision(
        action=action,
        permission="",
        allowed=False,
        reason=refusal.code,
        message=messages.render(refusal.code, language, refusal.values),
        until=None,
        acting_for=None,
        remedies=[],
    )


def shown(action: str, decided: Decided, acting: Acting, messages: Messages, language: str) -> Decision:
    return Decision(
        action=action,
        permission=decided.permission,
        allowed=decided.allowed,
        reason=decided.reason,
        message=messages.render(decided.reason, language, decided.values),
        until=decided.until,
        acting_for=strawberry.ID(to_global(Actor.tag, acting.for_id)) if acting.for_id else None,
        remedies=shown_remedies(decided.remedies),
    )


@dataclass(frozen=True)
class Action:
    """A mutation as something that can be done with a row of one type."""

    name: str
    permission: str
    subject: Subject | None  # None: a permission was asked for by its own key
    kind: Enum | None = None  # of an interface's rows: the only ones


def actions_on(node: NodeType, declared: Iterable[MutationDeclaration], camel: Any) -> list[Action]:
    """What can be done with rows of a type, in the order in which it was declared."""
    kinds = {node.origin: None, **{concrete.origin: concrete.kind for concrete in node.concrete}}
    return [
        Action(camel(m.name), m.permission, subject, kinds[subject.node])
        for m in declared
        for subject in m.on
        if subject.node in kinds and isinstance(m.permission, str)
    ]


def columns_of(node: NodeType, t: RowOf, actions: Sequence[Action]) -> dict[str, Expr]:
    """What must be read of a row to decide: where it lies, what is on there, and whose matter it is."""
    found: dict[str, Expr] = {}
    if node.place is None:
        return found
    area = node.place(t)
    found["above"] = AreaChain(area)
    found["on"] = ListOf(PluginArea, lambda p: p.area_id == area, "plugin", "until")
    if node.discriminator is not None:
        found["kind"] = getattr(t, node.discriminator)
    for number, action in enumerate(actions):
        for place, owner in enumerate(action.subject.owners(t) if action.subject else ()):
            found[f"owner{number}.{place}"] = owner
    return found


@dataclass(frozen=True)
class Row:
    """What was read of a row (`columns_of`), to decide upon."""

    values: Mapping[str, Any]
    now: datetime

    @property
    def place(self) -> Place:
        return Place.read(self.values.get("above"), self.values.get("on"), self.now)

    def owners(self, number: int) -> set[UUID]:
        found: set[UUID] = set()
        for key, value in self.values.items():
            if value is not None and key.startswith(f"owner{number}."):
                text = str(value)
                found.update(UUID(id) for id, _ in json.loads(text) if id) if text.startswith("[") else found.add(
                    UUID(text)
                )
        return found


def allowed_actions(actions: Sequence[Action], values: Mapping[str, Any], facts: Facts) -> list[Decision]:
    """What the viewer may do with a row: in person, or else in the name of an organization whose mandate they hold."""
    kernel, viewer = facts.kernel, facts.viewer
    row = Row(values, facts.now)
    place = row.place
    hats = [Acting(), *(Acting(for_id=id) for id in dict.fromkeys(m.organization_id for m in viewer.mandates))]
    decisions = []
    for number, action in enumerate(actions):
        if action.kind is not None and action.kind.value != values["kind"]:
            continue
        owners, tried = row.owners(number), []
        for hat in hats:
            decided = decide(
                kernel.permissions, viewer, hat, action.permission, place, owners=owners, within=facts.root_area
            )
            tried.append((decided, hat))
            if decided.allowed:
                break
        decided, hat = tried[-1] if tried[-1][0].allowed else tried[0]
        decisions.append(shown(action.name, decided, hat, facts.messages, facts.language))
    return decisions
