"""What an expression may ask of the viewer, and of the areas a row lies in.

`viewer.acts_as(t.owner_id)`, `viewer.may("core.event.read", t.area_id)`, `AreaChain(t.area_id)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from core.access import LATELY, own_sql
from core.decisions import carries
from core.enums import Role
from core.models import Area
from schema.nodes.expressions import Env, Expr, Record, RowOf, Slot, SqlScope, Tables, now, select


@dataclass(frozen=True, eq=False)
class SignedIn(Expr):
    def sql(self, scope: SqlScope) -> str:
        return scope.parameter(Slot(lambda ctx: ctx.viewer.person_id, "viewer"), "uuid") + " IS NOT NULL"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return tables.viewer.signed_in


@dataclass(frozen=True, eq=False)
class ActsAs(Expr):
    """The actor is the viewer, or somebody they hold a mandate for."""

    is_compound = True
    actor: Expr

    def sql(self, scope: SqlScope) -> str:
        slot = Slot(lambda ctx: ctx.viewer.seen_as, "viewer's actors")
        return scope.among(self.actor.sql(scope), slot, "uuid")

    def evaluate(self, env: Env, tables: Tables) -> Any:
        value = self.actor.evaluate(env, tables)
        return None if value is None else value in tables.viewer.seen_as


@dataclass(frozen=True, eq=False)
class Is(Expr):
    """The viewer's own id of this kind: of their person (by any token: `person_id`), or of the account they signed in
    with, in person."""

    is_compound = True
    part: Expr
    own: Literal["self_id", "self_account_id", "person_id"]

    def sql(self, scope: SqlScope) -> str:
        mark = scope.parameter(Slot(lambda ctx: getattr(ctx.viewer, self.own), f"viewer's {self.own}"), "uuid")
        return f"{self.part.sql(scope)} = {mark}"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        own = getattr(tables.viewer, self.own)
        return self.part.evaluate(env, tables) == own if own else None


@dataclass(frozen=True, eq=False)
class ConcernedIn(Expr):
    """The actor's matter is the viewer's own, in any of their hats and by any token (`core.access.own_sql`): what is kept
    from whoever has a part in it."""

    is_compound = True
    actor: Expr

    def sql(self, scope: SqlScope) -> str:
        person = scope.parameter(Slot(lambda ctx: ctx.viewer.person_id, "viewer"), "uuid")
        at = scope.parameter(Slot(lambda ctx: ctx.now, "now"), "instant")
        lately = scope.parameter(Slot(lambda ctx: ctx.now - LATELY, "lately"), "instant")
        return f"{self.actor.sql(scope)} IN ({own_sql(person, at, lately)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        actor, person = self.actor.evaluate(env, tables), tables.viewer.person_id
        return None if actor is None or person is None else actor in self._own(person, tables)

    @staticmethod
    def _own(person: UUID, tables: Tables) -> set[Any]:
        lately = tables.now - LATELY
        recorded = {e["id"]: e["recorded_at"] for e in tables.rows("core_event")}
        holdings = {h["id"]: h for h in tables.rows("core_post_holding") if _is_live(h, tables)}
        stood_for = (
            holdings[d["holding_id"]]["person_id"]
            for d in tables.rows("core_deputy")
            if d["person_id"] == person
            and d["ended_at"] is None
            and d["holding_id"] in holdings
            and _is_live(d, tables)
        )
        who = {person, *stood_for}

        def worn(row: Record, until: Any = None) -> bool:
            if row["state"] == "ACTIVE":
                return until is None or bool(until > lately)
            at = recorded.get(row["event_id"])
            return at is not None and bool(at > lately)

        members = tables.rows("core_membership")
        active = [(b["actor_id"], b["organization_id"]) for b in members if b["state"] == "ACTIVE"]
        households = {k["id"] for k in tables.rows("core_actor") if k["kind"] == "HOUSEHOLD"}
        homes = {home for actor, home in active if actor in who and home in households}
        mandates, wards = tables.rows("core_mandate"), tables.rows("core_guardianship")
        return {
            *who,
            *(b["organization_id"] for b in members if b["actor_id"] in who and b["organization_id"] and worn(b)),
            *(m["organization_id"] for m in mandates if m["person_id"] in who and worn(m, m["until"])),
            *(w["ward_id"] for w in wards if w["guardian_id"] in who and worn(w, w["until"])),
            *(actor for actor, home in active if home in homes),
        }


def _is_live(row: Record, tables: Tables) -> bool:
    return bool(row["since"] <= tables.now and (row["until"] is None or row["until"] > tables.now))


@dataclass(frozen=True, eq=False)
class May(Expr):
    """A role of the viewer carries the permission in the area or above it (closure table, never a path prefix).

    For a value of each row it is told first whether the viewer has it everywhere; as a condition on rows that would keep
    an index on the area from serving it. Only where areas have cut permissions at all does each role stand by itself,
    with the areas where it is cut taken out.
    """

    is_compound = True
    permission: str
    area: Expr

    def sql(self, scope: SqlScope) -> str:
        permission = self.permission
        if scope.cuts:
            return f"({' OR '.join(self._of_role(role, scope) for role in Role)})"
        tops = Slot(lambda ctx: ctx.viewer.areas(ctx.book[permission]), f"areas of {permission}")
        if not scope.by_row:
            return f"{self.area.sql(scope)} IN ({scope.below(tops)})"
        everywhere = Slot(lambda ctx: ctx.viewer.is_everywhere(ctx.book[permission]), f"{permission} everywhere")
        area = self.area.sql(scope)
        return f"({scope.parameter(everywhere, 'bool')} AND {area} IS NOT NULL OR {area} IN ({scope.below(tops)}))"

    def _of_role(self, role: Role, scope: SqlScope) -> str:
        permission, area = self.permission, self.area.sql(scope)
        tops = Slot(lambda ctx: ctx.viewer.areas_of(ctx.book[permission], role), f"areas of {permission} by {role}")
        cut = Slot(lambda ctx: ctx.viewer.cut_in(ctx.book[permission], role), f"areas that cut {permission} for {role}")
        return f"{area} IN ({scope.below(tops)}) AND {area} NOT IN ({scope.below(cut)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        if area is None:
            return None
        rows = tables.rows("core_area_closure")
        chain = {c["ancestor_id"] for c in rows if c["descendant_id"] == area and c["until"] is None}
        viewer, rule = tables.viewer, tables.book[self.permission]
        return any(g.area_id in chain and carries(rule, g.role, viewer, chain) for g in viewer.grants)


@dataclass(frozen=True, eq=False)
class Enabled(Expr):
    """The plugin is on in this area now (or the row lies in no area)."""

    plugin: str
    area: Expr
    nullable: bool = False

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        found = (
            f"EXISTS (SELECT 1 FROM core_plugin_area {alias} WHERE {alias}.area_id = {self.area.sql(scope)}"
            f" AND {alias}.plugin = {scope.literal(self.plugin)}"
            f" AND ({alias}.until IS NULL OR {alias}.until > {now.sql(scope)}))"
        )
        return f"({self.area.sql(scope)} IS NULL OR {found})" if self.nullable else found

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        if area is None:
            return self.nullable
        return any(
            r["area_id"] == area and r["plugin"] == self.plugin and (r["until"] is None or r["until"] > tables.now)
            for r in tables.rows("core_plugin_area")
        )


@dataclass(frozen=True, eq=False)
class InEndpoint(Expr):
    """The area lies in the subtree of the endpoint that was asked (`/areas/<code>/graphql`)."""

    area: Expr

    def sql(self, scope: SqlScope) -> str:
        slot = Slot(lambda ctx: [ctx.root_area], "endpoint's area")
        return f"{self.area.sql(scope)} IN ({scope.below(slot)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        return area is not None and any(
            c["descendant_id"] == area and c["until"] is None and c["ancestor_id"] == tables.root_area
            for c in tables.rows("core_area_closure")
        )


def area_in_endpoint(code: Expr) -> Expr:
    """The area with this code lies in the subtree of the endpoint that was asked."""
    return select(Area).where(lambda a: (a.code == code) & InEndpoint(a.id)).exists()


@dataclass(frozen=True, eq=False)
class AreaChain(Expr):
    """The areas at and above an area with their distance, as JSON pairs (for Python-computed fields)."""

    area: Expr

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        pair = f"'[\"' || {scope.text(f'{alias}.ancestor_id')} || '\",' || {alias}.depth || ']'"
        joined = scope.join(pair)
        return (
            f"(SELECT '[' || coalesce({joined}, '') || ']' FROM core_area_closure {alias}"
            f" WHERE {alias}.until IS NULL AND {alias}.descendant_id = {self.area.sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        pairs = [
            [str(c["ancestor_id"]), c["depth"]]
            for c in tables.rows("core_area_closure")
            if c["descendant_id"] == area and c["until"] is None
        ]
        return json.dumps(pairs)


@dataclass(frozen=True, eq=False)
class AreaPath(Expr):
    """The names of the areas at and above an area with their distance, as JSON pairs (for Python-computed fields)."""

    area: Expr

    def sql(self, scope: SqlScope) -> str:
        above, named = scope.alias(), scope.alias()
        pair = f"'[' || {scope.quoted(f'{named}.name')} || ',' || {above}.depth || ']'"
        return (
            f"(SELECT '[' || coalesce({scope.join(pair)}, '') || ']' FROM core_area_closure {above}"
            f" JOIN core_area {named} ON {named}.id = {above}.ancestor_id"
            f" WHERE {above}.until IS NULL AND {above}.descendant_id = {self.area.sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        names = {a["id"]: a["name"] for a in tables.rows("core_area")}
        pairs = [
            [names[c["ancestor_id"]], c["depth"]]
            for c in tables.rows("core_area_closure")
            if c["descendant_id"] == area and c["until"] is None
        ]
        return json.dumps(pairs)


@dataclass(frozen=True, eq=False)
class Within(Expr):
    """`area` is the area with this code or lies below it today (closure table)."""

    is_compound = True
    area: Expr
    code: Expr

    def sql(self, scope: SqlScope) -> str:
        return (
            f"{self.area.sql(scope)} IN (SELECT c.descendant_id FROM core_area_closure c"
            f" WHERE c.until IS NULL AND c.ancestor_id ="
            f" (SELECT a.id FROM core_area a WHERE a.code = {self.code.sql(scope)}))"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area, code = self.area.evaluate(env, tables), self.code.evaluate(env, tables)
        tops = [a["id"] for a in tables.rows("core_area") if a["code"] == code]
        return any(
            c["descendant_id"] == area and c["until"] is None and c["ancestor_id"] in tops
            for c in tables.rows("core_area_closure")
        )


@dataclass(frozen=True, eq=False)
class AreaExists(Expr):
    """There is an area with this code."""

    code: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"EXISTS (SELECT 1 FROM core_area a WHERE a.code = {self.code.sql(scope)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        code = self.code.evaluate(env, tables)
        return any(a["code"] == code for a in tables.rows("core_area"))


class ViewerFacts:
    """`viewer` as declarations see it."""

    signed_in = SignedIn()

    @staticmethod
    def acts_as(actor: Expr) -> Expr:
        return ActsAs(actor)

    @staticmethod
    def is_self(actor: Expr) -> Expr:
        return Is(actor, "self_id")

    @staticmethod
    def is_account(account: Expr) -> Expr:
        return Is(account, "self_account_id")

    @staticmethod
    def is_person(person: Expr) -> Expr:
        """They, by whatever token: for what is kept from them."""
        return Is(person, "person_id")

    @staticmethod
    def concerned_in(actor: Expr) -> Expr:
        return ConcernedIn(actor)

    @staticmethod
    def may(permission: str, area: Expr) -> Expr:
        return May(permission, area)


viewer = ViewerFacts()


Scope = Callable[[RowOf, ViewerFacts], Expr]
