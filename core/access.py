"""Who is asking, what they were given, and where it reaches (INV13)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.database.dialect import Dialect
from core.enums import Authority, BehalfBasis, Role

LATELY = timedelta(days=30)  # how long what one belonged to or acted for goes on being one's own matter (INV10)


@dataclass(frozen=True)
class PermissionRule:
    """A permission as its owner declared it: the roles that carry it, or open to everyone signed in."""

    key: str
    owner: str
    roles: frozenset[Role]
    is_open: bool
    title: Mapping[str, str]


# What areas have cut: permission → role → the areas in which, and below which, that role carries it no longer.
Cuts = Mapping[str, Mapping[Role, frozenset[UUID]]]


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
    until: datetime | None = None  # its own end, or that of holding the post it belongs to
    deputy_id: UUID | None = None  # the person has it only while they stand in for who holds the post


@dataclass(frozen=True)
class HeldMandate:
    id: UUID
    organization_id: UUID
    area_id: UUID
    until: datetime | None = None


@dataclass(frozen=True)
class TokenScope:
    """What a machine's token is cut down to: these permissions, in this area and below."""

    token_id: UUID
    permissions: frozenset[str]
    area_id: UUID

    @property
    def told(self) -> dict[str, Any]:
        """For TOKEN_SCOPE's text."""
        return {"permissions": ", ".join(sorted(self.permissions))}

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
    cuts: Cuts = field(default_factory=dict, hash=False)
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

    def deputy_for(self, grant_id: UUID | None) -> UUID | None:
        """By standing in for whom the person has this grant."""
        return next((g.deputy_id for g in self.grants if g.id == grant_id), None)

    def _is_outside(self, rule: PermissionRule) -> bool:
        return self.scope is not None and rule.key not in self.scope.permissions

    def areas(self, rule: PermissionRule) -> list[UUID]:
        """The tops of the subtrees in all of which a role carries this permission: of roles that no area has cut."""
        if self._is_outside(rule):
            return []
        uncut = rule.roles - self.cuts.get(rule.key, {}).keys()
        return list(dict.fromkeys(g.area_id for g in self.grants if g.role in uncut))

    def is_everywhere(self, rule: PermissionRule) -> bool:
        """Does a role carry this permission wherever anything can lie?"""
        uncut = rule.roles - self.cuts.get(rule.key, {}).keys()
        return self.scope is None and any(g.is_everywhere and g.role in uncut for g in self.grants)

    def areas_of(self, rule: PermissionRule, role: Role) -> list[UUID]:
        """The tops of the subtrees in which this role carries this permission, but for where it is cut (`cut_in`)."""
        if self._is_outside(rule):
            return []
        return list(dict.fromkeys(g.area_id for g in self.grants if g.role is role and role in rule.roles))

    def cut_in(self, rule: PermissionRule, role: Role) -> list[UUID]:
        """The tops of the subtrees in which this role does not carry this permission."""
        return list(self.cuts.get(rule.key, {}).get(role, ()))


ANONYMOUS = Viewer()


@dataclass(frozen=True)
class Acting:
    """In whose name: oneself, an organization by mandate, or somebody at the desk, on what basis and evidence; or one's
    ward, which is looked up in the transaction (with `guardian_until`, its end where there is one)."""

    for_id: UUID | None = None
    behalf_of_id: UUID | None = None
    basis: BehalfBasis | None = None
    evidence: str | None = None
    is_guardian: bool = False
    guardian_until: datetime | None = None


@dataclass(frozen=True)
class Ground:
    """On what an act rests; written into its event and checked again there by the database."""

    authority: Authority
    permission: str | None = None
    grant_id: UUID | None = None
    mandate_id: UUID | None = None
    area_ids: frozenset[UUID] = field(default=frozenset())


def live(alias: str, now: str) -> str:
    """SQL: the row of `alias` is in force at a moment."""
    return f"{alias}.since <= {now} AND ({alias}.until IS NULL OR {alias}.until > {now})"


def _standing_in(person: str, now: str) -> str:
    """SQL: the person stands in for the holder `h` as their deputy `d`."""
    return f"d.person_id = {person} AND d.ended_at IS NULL AND {live('d', now)} AND {live('h', now)}"


def roles_sql(now: str, *, of: str | None = None, given: str = "1 = 1", to_come: bool = False) -> str:
    """SQL: who has which role at a moment, or with `to_come` from then on: by name, by holding a post, or standing in for
    its holder. `of` is the one person asked about; `given` is said of the grant `g` as well.

    A row for each way: `id`, `role`, `area_id`, `post_id`, `since` and `until` of the grant, `person_id`, `held_since` and
    `held_until` of the post, `deputy_id` and `deputy_until`.
    """

    def runs(alias: str) -> str:
        return f"({alias}.until IS NULL OR {alias}.until > {now})" if to_come else live(alias, now)

    def whose(column: str) -> str:
        return f"{column} IS NOT NULL" if of is None else f"{column} = {of}"

    grant = f"g.revoked_at IS NULL AND {runs('g')} AND {given}"
    columns = "g.id, g.role, g.area_id, g.post_id, g.since, g.until"
    of_the_post = f"core_role_grant g ON g.post_id = h.post_id AND {grant}"
    return f"""SELECT {columns}, d.person_id, h.since AS held_since, h.until AS held_until, d.id AS deputy_id,
        d.until AS deputy_until
      FROM core_deputy d JOIN core_post_holding h ON h.id = d.holding_id AND {runs("h")} JOIN {of_the_post}
      WHERE {whose("d.person_id")} AND d.ended_at IS NULL AND {runs("d")}
    UNION ALL SELECT {columns}, g.actor_id, NULL, NULL, NULL, NULL
      FROM core_role_grant g WHERE {whose("g.actor_id")} AND {grant}
    UNION ALL SELECT {columns}, h.person_id, h.since, h.until, NULL, NULL
      FROM core_post_holding h JOIN {of_the_post} WHERE {whose("h.person_id")} AND {runs("h")}"""


def own_sql(person: str, now: str, lately: str | None = None) -> str:
    """SQL: the ids of those whose matter is the person's own (INV10).

    Themselves, who they proved to be and those they stand in for; what these belong to, act for or guard, or did since
    `lately`, so that no hat is laid down for an hour; and who lives in one household with them.
    """
    stands_in_for = (
        "SELECT h.person_id AS id FROM core_deputy d JOIN core_post_holding h ON h.id = d.holding_id"
        f" WHERE {_standing_in(person, now)}"
    )
    who = f"SELECT {person} UNION {stands_in_for}"

    def worn(alias: str, *, ends: bool = True) -> str:
        until = f" AND ({alias}.until IS NULL OR {alias}.until > {lately or now})" if ends else ""
        if lately is None:
            return f"{alias}.state = 'ACTIVE'{until}"
        touched = f"EXISTS (SELECT 1 FROM core_event e WHERE e.id = {alias}.event_id AND e.recorded_at > {lately})"
        return f"CASE WHEN {alias}.state = 'ACTIVE' THEN 1 = 1{until} ELSE {touched} END"

    return f"""{stands_in_for}
      UNION SELECT b.organization_id FROM core_membership b WHERE b.actor_id IN ({who})
        AND b.organization_id IS NOT NULL AND {worn("b", ends=False)}
      UNION SELECT m.organization_id FROM core_mandate m WHERE m.person_id IN ({who}) AND {worn("m")}
      UNION SELECT w.ward_id FROM core_guardianship w WHERE w.guardian_id IN ({who}) AND {worn("w")}
      UNION SELECT o.actor_id FROM core_membership b
        JOIN core_actor k ON k.id = b.organization_id AND k.kind = 'HOUSEHOLD'
        JOIN core_membership o ON o.organization_id = k.id AND o.state = 'ACTIVE'
        WHERE b.actor_id IN ({who}) AND b.state = 'ACTIVE'
      UNION SELECT k.id FROM core_actor k WHERE k.merged_into_id = {person}
      UNION SELECT {person}"""


def own_matter(person: str, actor: str) -> str:
    """SQL for a guard, of a row with an event: `actor`'s matter is `person`'s own as of then (INV10). Rules ask
    `Work.concerned_in`, which knows of hats laid down lately as well."""
    then = "(SELECT n.recorded_at FROM core_event n WHERE n.id = NEW.event_id)"
    return f"{actor} IN ({own_sql(person, then)})"


def at_the_desk_of(actor: str) -> str:
    """SQL for a guard, of a row with an event: whoever enters it at the desk for somebody else, `actor`'s matter is their
    own (INV10). Rules ask `Work.not_at_the_desk_of`."""
    clerk = "(SELECT d.actor_id FROM core_event d WHERE d.id = NEW.event_id AND d.behalf_of_id IS NOT NULL)"
    return own_matter(clerk, actor)


def entered_by(person: str, subject: str, *types: str) -> str:
    """SQL: this person did something about `subject` (an event of one of these types, or of any) at the desk for somebody
    else (INV10). Rules ask `Work.not_entered`."""
    named = f" AND d.type IN ({', '.join(repr(t) for t in types)})" if types else ""
    return (
        f"EXISTS (SELECT 1 FROM core_event d WHERE d.subject_id = {subject} AND d.behalf_of_id IS NOT NULL{named} AND"
        f" (d.actor_id = {person} OR d.actor_id IN (SELECT k.id FROM core_actor k WHERE k.merged_into_id = {person})))"
    )


def viewer_sql(dialect: Dialect, key_mark: str, now_mark: str, *, by_account: bool = False) -> str:
    """One statement: account, person, grants and mandates behind a live token, or of an account."""
    if dialect.name == "sqlite":
        rows, pair = "json_group_array", "json_array"
    else:
        rows, pair = "json_agg", "json_build_array"
        now_mark = f"{now_mark}::timestamptz"
    token = f"core_token t JOIN core_account a ON a.id = t.account_id AND t.hash = {key_mark}"
    token += f" AND t.revoked_at IS NULL AND t.expires_at > {now_mark}"
    behind = f"(SELECT 1) one JOIN core_account a ON a.id = {key_mark}" if by_account else token
    token_id, scope, scope_area = ("NULL",) * 3 if by_account else ("t.id", "t.scope", "t.scope_area_id")
    area = "g.area_id" if by_account else _cut("g.area_id", "t.scope_area_id")
    return f"""SELECT a.id AS account_id, a.person_id AS person_id, {token_id} AS token_id, {scope} AS scope,
    {scope_area} AS scope_area_id,
    (SELECT {rows}({pair}(g.id, g.role, {area}, NOT EXISTS
        (SELECT 1 FROM core_area r WHERE r.parent_id IS NULL AND r.id <> g.area_id), g.deputy_id,
        g.until, g.held_until, g.deputy_until)) FROM ({roles_sql(now_mark, of="a.person_id")}) g) AS grants,
    (SELECT {rows}({pair}(m.id, m.organization_id, m.area_id, m.until)) FROM core_mandate m
      WHERE m.person_id = a.person_id AND m.state = 'ACTIVE' AND {live("m", now_mark)}) AS mandates
    FROM {behind} WHERE a.state = 'ACTIVE'"""


VIEWER = ("account_id", "person_id", "token_id", "scope", "scope_area_id", "grants", "mandates")


async def viewer_of(
    fetch: Callable[..., Awaitable[Sequence[Any]]], dialect: Dialect, account_id: UUID, now: datetime, cuts: Cuts
) -> Viewer:
    """Who holds an account; ANONYMOUS when it is disabled."""
    sql = viewer_sql(dialect, dialect.mark(1), dialect.mark(2), by_account=True)
    rows = await fetch(sql, account_id, now)
    return viewer_from(rows[0] if rows else None, None, cuts)


def _cut(area: str, within: str) -> str:
    """SQL: the top of what lies below both areas; null where nothing does. The first where there is no second."""

    def below(upper: str, lower: str) -> str:
        above = f"c.ancestor_id = {upper} AND c.descendant_id = {lower} AND c.until IS NULL"
        return f"WHEN EXISTS (SELECT 1 FROM core_area_closure c WHERE {above}) THEN {lower}"

    return f"CASE WHEN {within} IS NULL THEN {area} {below(area, within)} {below(within, area)} END"


def viewer_from(row: Mapping[str, Any] | None, token_hash: str | None, cuts: Cuts) -> Viewer:
    if row is None:
        return ANONYMOUS
    grants = (
        Grant(UUID(i), Role(r), UUID(a), bool(e), _first(*ends), UUID(d) if d else None)
        for i, r, a, e, d, *ends in json.loads(row["grants"] or "[]")
        if a is not None
    )
    mandates = json.loads(row["mandates"] or "[]")
    scope = None
    if row["scope"] is not None:
        permissions = json.loads(row["scope"])["permissions"]
        scope = TokenScope(_uuid(row["token_id"]), frozenset(permissions), _uuid(row["scope_area_id"]))
    return Viewer(
        account_id=_uuid(row["account_id"]),
        person_id=_uuid(row["person_id"]),
        token_hash=token_hash,
        grants=tuple(sorted(grants, key=lambda grant: grant.deputy_id is not None)),  # one's own first
        mandates=tuple(HeldMandate(UUID(i), UUID(o), UUID(a), _first(end)) for i, o, a, end in mandates),
        cuts=cuts,
        scope=scope,
    )


def _first(*ends: str | None) -> datetime | None:
    return min((datetime.fromisoformat(end) for end in ends if end is not None), default=None)


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
