"""May the viewer do this here? One pure function that rules, `can` and `allowedActions` all ask, so that they agree.

    decide(book, viewer, acting, "core.activity.manage", place, owners={activity.organizer_id})

A decision has a stable reason, what would change it, until when it holds, and the ground an act would rest on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from core.access import Acting, Grant, Ground, HeldMandate, PermissionBook, PermissionRule, TokenScope, Viewer
from core.enums import Authority, RemedyKind, Role
from core.errors import NotPermitted

Lasting = TypeVar("Lasting", Grant, HeldMandate)

ON_BEHALF = "core.act_on_behalf"
GRANT_ROLES, GIVE_MANDATES, TOGGLE = "core.role.grant", "core.mandate.manage", "core.plugin.toggle"


@dataclass(frozen=True)
class Place:
    """Where a row lies: its area and those above, from the root down, and the plugins that are on there, each with its
    end. No chain: in no area, where no role reaches and no plugin is off."""

    chain: tuple[UUID, ...]
    plugins: Mapping[str, datetime | None]

    @classmethod
    def read(cls, above: str | None, plugins: str | None, now: datetime) -> Place:
        """From what a statement says as JSON: pairs of an area's id and how far above it is, and pairs of a plugin and
        the instant at which it ends there, or null. None where there are none."""
        chain = sorted(json.loads(above or "[]"), key=lambda pair: -pair[1])
        ends = {plugin: end and datetime.fromisoformat(end) for plugin, end in json.loads(plugins or "[]")}
        return cls(tuple(UUID(id) for id, _ in chain), {p: end for p, end in ends.items() if end is None or end > now})


NOWHERE = Place((), {})


@dataclass(frozen=True)
class Remedy:
    """One thing that would change a refusal: any of `roles`, given by whoever has one of `given_by`; a mandate for
    `organization_id`; `plugin` turned on."""

    kind: RemedyKind
    roles: tuple[Role, ...] = ()
    given_by: tuple[Role, ...] = ()
    organization_id: UUID | None = None
    plugin: str | None = None


@dataclass(frozen=True)
class Decision:
    """`permission` is the one it came down to. `ground` is None where it is refused; `until` where no end is known."""

    permission: str
    reason: str
    ground: Ground | None = None
    until: datetime | None = None
    remedies: tuple[Remedy, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)  # for the reason's text

    @property
    def allowed(self) -> bool:
        return self.ground is not None

    def refusal(self) -> NotPermitted:
        """What a mutation answers."""
        return NotPermitted(self.permission, self.reason, self.remedies, **self.values)


def not_signed_in(permission: str) -> Decision:
    return Decision(permission, "NOT_SIGNED_IN", remedies=(Remedy(RemedyKind.SIGN_IN),))


def out_of_scope(permission: str, scope: TokenScope) -> Decision:
    """A machine's token was not made for this, or not for here."""
    return Decision(permission, "TOKEN_SCOPE", remedies=(Remedy(RemedyKind.SIGN_IN),), values=scope.told)


def decide(
    book: PermissionBook,
    viewer: Viewer,
    acting: Acting,
    permission: str,
    place: Place,
    *,
    owners: Collection[UUID] = (),
    within: UUID | None = None,
    system: bool = False,
) -> Decision:
    """Decide on `permission` at a place. `owners` are the actors whose own matter it is: they, and who holds a mandate
    for them there, may do it too; what is open to everybody, of a row that has owners, is theirs alone. `within` is the
    area of the endpoint that was asked.

    Looks at nothing but its arguments: a viewer is already of one moment.
    """
    rule = book[permission]
    chain = frozenset(place.chain)
    if rule.owner != "core" and chain and rule.owner not in place.plugins:
        who = Remedy(RemedyKind.PLUGIN, plugin=rule.owner, given_by=carriers(book[TOGGLE], viewer, chain))
        return Decision(permission, "PLUGIN_DISABLED", remedies=(who,), values={"plugin": rule.owner})
    if within is not None and within not in chain:
        return Decision(permission, "OUTSIDE_ENDPOINT")
    if system:
        return Decision(permission, "BY_SERVER", Ground(Authority.SYSTEM))
    if viewer.person_id is None:
        return not_signed_in(permission)
    if viewer.scope is not None and not viewer.scope.allows(permission, chain):
        return out_of_scope(permission, viewer.scope)
    mandate = None
    if acting.for_id is not None and acting.for_id != viewer.person_id:
        held = [m for m in viewer.mandates if m.organization_id == acting.for_id]
        mandate = _lasting(m for m in held if m.area_id in chain)
        if mandate is None:
            givers = carriers(book[GIVE_MANDATES], viewer, chain)
            need = Remedy(RemedyKind.MANDATE, given_by=givers, organization_id=acting.for_id)
            return Decision(permission, "MANDATE_ELSEWHERE" if held else "NO_MANDATE", remedies=(need,))
    grant: Grant | None = None

    def on(reason: str, authority: Authority, *ends: datetime | None) -> Decision:
        known = [e for e in (*ends, mandate.until if mandate else None, place.plugins.get(rule.owner)) if e is not None]
        ground = Ground(authority, rule.key, grant.id if grant else None, mandate.id if mandate else None, chain)
        return Decision(rule.key, reason, ground, min(known, default=None))

    if acting.behalf_of_id is not None:
        if not (acting.behalf_of_id in owners or (rule.is_open and not owners)):
            return Decision(permission, "NOT_THEIRS_TO_DO")
        if acting.is_guardian:
            return on("BY_GUARDIAN", Authority.GUARDIAN, acting.guardian_until)
        rule = book[ON_BEHALF]
        if viewer.scope is not None and not viewer.scope.allows(ON_BEHALF, chain):
            return out_of_scope(ON_BEHALF, viewer.scope)
    covering = [g for g in viewer.grants if g.area_id in chain and carries(rule, g.role, viewer, chain)]
    grant = _lasting(g for g in covering if g.deputy_id is None) or _lasting(covering)

    is_their_own = (acting.for_id or viewer.person_id) in owners
    at_the_desk = acting.behalf_of_id is not None
    if grant is not None:
        stays = not at_the_desk and is_their_own
        return on("BY_ROLE", Authority.ROLE, None if stays else grant.until)
    if not at_the_desk and is_their_own:
        return on("BY_MANDATE", Authority.MANDATE) if mandate else on("OWN", Authority.SELF)
    if not at_the_desk and rule.is_open:
        return Decision(rule.key, "NOT_YOURS") if owners else on("OPEN", Authority.OPEN)
    would = carriers(rule, viewer, chain)
    givers = carriers(book[GRANT_ROLES], viewer, chain)
    return Decision(
        rule.key, _why_no_role(rule, viewer, chain), remedies=(Remedy(RemedyKind.ROLE, would, givers),),
        values={"roles": lambda language: _names(would, language)},
    )  # fmt: skip


def _names(roles: Iterable[Role], language: str) -> str:
    return "、".join(role.zh for role in roles) if language == "zh-CN" else ", ".join(map(str, roles))


def carries(rule: PermissionRule, role: Role, viewer: Viewer, chain: Collection[UUID]) -> bool:
    """Does a role carry a permission where these areas are at and above, that is: has none of them cut it?"""
    return role in rule.roles and not any(a in chain for a in viewer.cuts.get(rule.key, {}).get(role, ()))


def carriers(rule: PermissionRule, viewer: Viewer, chain: Collection[UUID]) -> tuple[Role, ...]:
    """The roles that carry a permission there."""
    return tuple(role for role in Role if carries(rule, role, viewer, chain))


def _why_no_role(rule: PermissionRule, viewer: Viewer, chain: Collection[UUID]) -> str:
    declared = [g for g in viewer.grants if g.role in rule.roles]
    if any(g.area_id in chain for g in declared):
        return "ROLE_CUT"
    return "ROLE_ELSEWHERE" if declared else "NEEDS_ROLE"


def _lasting(found: Iterable[Lasting]) -> Lasting | None:
    """The one that holds longest."""
    lasting: Lasting | None = None
    for one in found:
        if lasting is None or (lasting.until is not None and (one.until is None or one.until > lasting.until)):
            lasting = one
    return lasting
