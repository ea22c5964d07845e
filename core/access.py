"""Who is asking, what they were given, and where it reaches (INV13)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.database.dialect import Dialect
from core.enums import Authority, BehalfBasis, Role


@dataclass(frozen=True)
class PermissionRule:
    """A permission as its owner declared it: the roles that carry it, or open to everyone signed in."""

    key: str
    owner: str
    roles: frozenset[Role]
    is_open: bool
    title: Mapping[str, str]


class PermissionBook:
    """Every declared permission. Unknown keys are a programming error, told at once."""

    def __init__(self, rules: Iterable[PermissionRule]) -> None:
        self.rules = {rule.key: rule for rule in rules}

    def __getitem__(self, key: str) -> PermissionRule:
        return self.rules[key]

    def __contains__(self, key: str) -> bool:
        return key in self.rules


@dataclass(frozen=True)
class Grant:
    id: UUID
    role: Role
    area_id: UUID
    is_everywhere: bool = False  # every area lies at or below it


@dataclass(frozen=True)
class HeldMandate:
    id: UUID
    organization_id: UUID
    area_id: UUID


@dataclass(frozen=True)
class TokenScope:
    """What a machine's token is cut down to: these permissions, in this area and below."""

    permissions: frozenset[str]
    area_id: UUID

    def allows(self, permission: str, above: Iterable[UUID]) -> bool:
        """May it be used for something that lies in these areas, from the root down?"""
        return permission in self.permissions and self.area_id in above


@dataclass(frozen=True)
class Viewer:
    """The person behind a request, as of one moment. `ANONYMOUS` has nothing.

    With a `scope` it is a machine of theirs: `grants` reach no further than that, and what is personal stays theirs.
    """

    account_id: UUID | None = None
    person_id: UUID | None = None
    token_hash: str | None = None
    grants: tuple[Grant, ...] = ()
    mandates: tuple[HeldMandate, ...] = ()
    organizations: frozenset[UUID] = frozenset()
    scope: TokenScope | None = None

    @property
    def signed_in(self) -> bool:
        return self.person_id is not None

    @property
    def actor_ids(self) -> list[UUID]:
        """The person and everyone they may act for."""
        own = [self.person_id] if self.person_id else []
        return [*own, *dict.fromkeys(m.organization_id for m in self.mandates)]

    @property
    def self_id(self) -> UUID | None:
        """Whose personal matters are shown."""
        return None if self.scope else self.person_id

    @property
    def self_account_id(self) -> UUID | None:
        return None if self.scope else self.account_id

    @property
    def seen_as(self) -> list[UUID]:
        """As whom rows of one's own are shown."""
        return [] if self.scope else self.actor_ids

    def holds(self, rule: PermissionRule, above: Iterable[UUID]) -> bool:
        """Does a role carry this permission in one of these areas?"""
        return not {*self.areas(rule)}.isdisjoint(above)

    def areas(self, rule: PermissionRule) -> list[UUID]:
        """The tops of the subtrees in which a role carries this permission."""
        if self.scope is not None and rule.key not in self.scope.permissions:
            return []
        return list(dict.fromkeys(g.area_id for g in self.grants if g.role in rule.roles))

    def is_everywhere(self, rule: PermissionRule) -> bool:
        """Does a role carry this permission wherever anything can lie?"""
        return self.scope is None and any(g.is_everywhere and g.role in rule.roles for g in self.grants)


ANONYMOUS = Viewer()


@dataclass(frozen=True)
class Acting:
    """In whose name: oneself, an organization by mandate, or somebody at the desk, on what basis and evidence."""

    for_id: UUID | None = None
    behalf_of_id: UUID | None = None
    basis: BehalfBasis | None = None
    evidence: str | None = None


@dataclass(frozen=True)
class Ground:
    """On what an act rests; written into its event and checked again there by the database."""

    authority: Authority
    permission: str | None = None
    grant_id: UUID | None = None
    mandate_id: UUID | None = None
    area_ids: frozenset[UUID] = field(default=frozenset())


def viewer_sql(dialect: Dialect, key_mark: str, now_mark: str, *, by_account: bool = False) -> str:
    """One statement: account, person, grants, mandates and organizations behind a live token, or of an account."""
    if dialect.name == "sqlite":
        rows, pair = "json_group_array", "json_array"
    else:
        rows, pair = "json_agg", "json_build_array"
        now_mark = f"{now_mark}::timestamptz"

    def live(alias: str) -> str:
        return f"{alias}.since <= {now_mark} AND ({alias}.until IS NULL OR {alias}.until > {now_mark})"

    token = f"core_token t JOIN core_account a ON a.id = t.account_id AND t.hash = {key_mark}"
    token += f" AND t.revoked_at IS NULL AND t.expires_at > {now_mark}"
    behind = f"(SELECT 1) one JOIN core_account a ON a.id = {key_mark}" if by_account else token
    scope, scope_area = ("NULL", "NULL") if by_account else ("t.scope", "t.scope_area_id")
    area = "g.area_id" if by_account else _cut("g.area_id", "t.scope_area_id")
    return f"""SELECT a.id AS account_id, a.person_id AS person_id, {scope} AS scope, {scope_area} AS scope_area_id,
    (SELECT {rows}({pair}(g.id, g.role, {area}, NOT EXISTS
        (SELECT 1 FROM core_area r WHERE r.parent_id IS NULL AND r.id <> g.area_id))) FROM core_role_grant g
      WHERE g.revoked_at IS NULL AND {live("g")} AND (g.actor_id = a.person_id OR g.post_id IN
        (SELECT h.post_id FROM core_post_holding h WHERE h.person_id = a.person_id AND {live("h")}))) AS grants,
    (SELECT {rows}({pair}(m.id, m.organization_id, m.area_id)) FROM core_mandate m
      WHERE m.person_id = a.person_id AND m.state = 'ACTIVE' AND {live("m")}) AS mandates,
    (SELECT {rows}(organization_id) FROM core_membership
      WHERE actor_id = a.person_id AND state = 'ACTIVE' AND organization_id IS NOT NULL) AS organizations
    FROM {behind} WHERE a.state = 'ACTIVE'"""


VIEWER = ("account_id", "person_id", "scope", "scope_area_id", "grants", "mandates", "organizations")


def _cut(area: str, within: str) -> str:
    """SQL: the top of what lies below both areas; null where nothing does. The first where there is no second."""

    def below(upper: str, lower: str) -> str:
        above = f"c.ancestor_id = {upper} AND c.descendant_id = {lower} AND c.until IS NULL"
        return f"WHEN EXISTS (SELECT 1 FROM core_area_closure c WHERE {above}) THEN {lower}"

    return f"CASE WHEN {within} IS NULL THEN {area} {below(area, within)} {below(within, area)} END"


def viewer_from(row: Mapping[str, Any] | None, token_hash: str | None) -> Viewer:
    if row is None:
        return ANONYMOUS
    grants = json.loads(row["grants"] or "[]")
    mandates = json.loads(row["mandates"] or "[]")
    scope = None
    if row["scope"] is not None:
        permissions = json.loads(row["scope"])["permissions"]
        scope = TokenScope(frozenset(permissions), _uuid(row["scope_area_id"]))
    return Viewer(
        account_id=_uuid(row["account_id"]),
        person_id=_uuid(row["person_id"]),
        token_hash=token_hash,
        grants=tuple(Grant(UUID(i), Role(r), UUID(a), bool(e)) for i, r, a, e in grants if a is not None),
        mandates=tuple(HeldMandate(UUID(i), UUID(o), UUID(a)) for i, o, a in mandates),
        organizations=frozenset(UUID(o) for o in json.loads(row["organizations"] or "[]")),
        scope=scope,
    )


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
