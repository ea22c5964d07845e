"""Declaring a node: one class says what a type is, and the API, the filters, the SQL and the oracle follow from it.

    @node(models.Activity, order="-starts_at")
    class Activity(Node):
        \"\"\"Something people do together (活动).\"\"\"

        title: str = column()
        area: Area = to_one()
        participations: Connection["Participation"] = connection("activity_id")
        places_left: int | None = computed(lambda t: t.capacity - t.places_taken)

Source: design, "Compiled reads". A declaration is only read by `schema.compose`; it runs nothing.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Generic, TypeVar, cast

import strawberry
from tortoise.models import Model

from core.errors import ConfigurationError
from core.plugins.manifest import OWNERS
from schema.decisions import Decision
from schema.nodes.expressions import Expr, RowOf, case
from schema.nodes.telling import Public
from schema.nodes.viewing import Scope, viewer
from schema.scalars import JSON, Long

T = TypeVar("T")


ACTIONS = "What the viewer may do with it, and why or why not: in person, or in the name the answer tells (可执行操作)."


class Connection(Generic[T]):
    """Annotation of a list field: `Connection["Participation"]`."""


@strawberry.interface
class Node:
    """Anything with a global id (节点)."""

    id: strawberry.ID
    allowed_actions: list[Decision] = strawberry.field(description=ACTIONS)


@dataclass(kw_only=True)
class Field:
    """What every field has. `name` is the Python name; the API shows it in camelCase."""

    name: str = ""
    description: str | None = None
    plugin: str = "core"
    nullable: bool = False
    file: str = ""
    discloses: str | None = None  # why it may tell of rows of another table that not everybody sees


@dataclass(kw_only=True)
class ScalarField(Field):
    """A value of the row: a column or an expression. `kind` says how it is written as JSON."""

    expression: Callable[[RowOf], Expr]
    kind: str = ""
    enum: type[Enum] | None = None
    filterable: bool = True
    sortable: bool = False
    visible: Scope | None = None
    tag: str | None = None  # kind "id": the global id's tag

    def visible_expression(self, t: RowOf) -> Expr:
        """The expression as the viewer may see it: null where the field is not for them."""
        value = self.expression(t)
        if self.visible is None:
            return value
        return case(self.visible(t, viewer), value)


@dataclass(kw_only=True)
class ToOneField(Field):
    """The row a foreign key points at. Where `gate` does not hold it leads nowhere."""

    column: str
    target: type = object
    gate: Callable[[RowOf], Expr] | None = None


@dataclass(kw_only=True)
class ConnectionField(Field):
    """Rows of another type that belong to this one."""

    condition: Callable[[RowOf, RowOf], Expr]
    target: type = object


@dataclass(kw_only=True)
class PythonField(Field):
    """A value worked out after the statement, from hidden columns. `annotation` is its GraphQL type."""

    compute: Callable[[dict[str, Any], Any], Any]
    columns: Callable[[RowOf], dict[str, Expr]]
    settings: bool = True
    cost: int = 0
    annotation: Any = None


@dataclass(kw_only=True)
class FilterField:
    """A filter that is not a field: `within: "haicang"`. `test(t, argument)` is an expression."""

    name: str
    kind: str
    test: Callable[[RowOf, Expr], Expr]
    description: str
    discloses: str | None = None
    names_area: bool = False  # the argument is an area's code: of none, or outside the endpoint, the root is refused


@dataclass
class NodeType:
    """Everything declared about one type."""

    name: str
    origin: type
    model: type[Model]
    tag: str
    scope: Scope
    fields: dict[str, Field] = field(default_factory=dict)
    filters: list[FilterField] = field(default_factory=list)
    place: Callable[[RowOf], Expr] | None = None
    public_face: bool = False
    order: str = "id"
    plugin: str = "core"
    interface: NodeType | None = None
    kind: Enum | None = None
    discriminator: str | None = None
    concrete: list[NodeType] = field(default_factory=list)
    source: Source | None = None
    description: str = ""

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def is_public(self) -> bool:
        """May everybody see every row?"""
        return isinstance(self.scope, Public)

    @property
    def is_interface(self) -> bool:
        return self.discriminator is not None

    @property
    def merges(self) -> bool:
        """May a row of this type have been merged into another, so that its id stands for that one?"""
        return "merged_into_id" in self.model._meta.fields_map

    @property
    def place_may_be_null(self) -> bool:
        """May a row of this type lie in no area?"""
        if self.model._meta.db_table == "core_area":
            return False
        found = self.model._meta.fields_map.get("area_id") or self.model._meta.fields_map.get("area")
        return found is None or bool(found.null)

    def is_required(self, column: str) -> bool:
        """Does the database hold that there is always a value in this column?"""
        if self.source is not None:
            return False
        fields = self.model._meta.fields_map
        found = fields.get(column) or fields.get(column.removesuffix("_id"))
        return found is not None and not found.null

    def variants(self) -> list[NodeType]:
        """The concrete types a row of this type may be."""
        return self.concrete if self.is_interface else [self]


@dataclass(frozen=True)
class Source:
    """A list that is computed, not stored: a SELECT with named arguments (`:area`), one row per `id`.

    `arguments` maps each name to its GraphQL type and to how its value is bound; both databases run the same text.
    """

    sql: str
    columns: dict[str, str]
    arguments: dict[str, SourceArgument]


@dataclass(frozen=True)
class SourceArgument:
    annotation: Any
    bind: Callable[[Any, Any], Any]  # (value, context) → bound value
    sql_type: str
    of: str  # the GraphQL argument it is taken from
    description: str = ""
    names_area: bool = False  # the bound value is an area; where the plugin is off, the root answers PLUGIN_DISABLED


def column(
    name: str | None = None,
    *,
    filter: bool = True,
    order: bool = False,
    visible: Scope | None = None,
    description: str | None = None,
) -> Any:
    """A stored column; `order=True` needs an index that serves it."""
    return _Pending("column", dict(column=name, filterable=filter, sortable=order, visible=visible), description)


def computed(
    expression: Callable[[RowOf], Expr],
    *,
    visible: Scope | None = None,
    filter: bool = False,
    discloses: str | None = None,
    description: str | None = None,
) -> Any:
    """A value the database computes from the row, `computed(lambda t: t.capacity - t.places_taken)`.

    One that looks into another table, of which not everybody sees every row, asks the viewer there, is `visible` to
    some only, or says in `discloses` why it may tell.
    """
    options = dict(expression=expression, visible=visible, filterable=filter, discloses=discloses)
    return _Pending("computed", options, description)


def to_one(column: str | None = None, *, visible: Scope | None = None, description: str | None = None) -> Any:
    """The node a foreign key points at; the column defaults to `<field>_id`. To whom it is not `visible` it leads nowhere."""
    return _Pending("to_one", dict(column=column, visible=visible), description)


def connection(
    on: str | Callable[[RowOf, RowOf], Expr], *, discloses: str | None = None, description: str | None = None
) -> Any:
    """The nodes whose column `on` points here, or for which `on(child, t)` holds; `discloses` as in `computed`."""
    return _Pending("connection", dict(on=on, discloses=discloses), description)


def python(
    compute: Callable[[dict[str, Any], Any], Any],
    *,
    columns: Callable[[RowOf], dict[str, Expr]],
    settings: bool = True,
    cost: int = 0,
    discloses: str | None = None,
    description: str | None = None,
) -> Any:
    """A value worked out in Python from columns that the plan fetches with the row: `compute(values, facts)`.

    The annotation is a scalar or a plain Strawberry type, or a list of one. It can neither filter nor order. One that
    does not look at what areas have set says `settings=False`, and costs no second statement. What takes more than a
    millisecond says its `cost` in rows (some 10 µs each), and is worked out in a thread. `discloses` as in `computed`.
    """
    options = dict(compute=compute, columns=columns, settings=settings, cost=cost, discloses=discloses)
    return _Pending("python", options, description)


def masked(
    value: Callable[[RowOf], Expr],
    mask: Callable[[str], str],
    *,
    whole: Scope,
    part: Scope,
    description: str | None = None,
) -> Any:
    """A text that is shown whole to some, masked to others, and to nobody else. It can neither filter nor order, so nothing
    tells what the mask hides."""

    def columns(t: RowOf) -> dict[str, Expr]:
        return {"whole": case(whole(t, viewer), value(t)), "part": case(part(t, viewer), value(t))}

    def compute(values: dict[str, Any], facts: Any) -> str | None:
        if values["whole"] is not None:
            return str(values["whole"])
        return None if values["part"] is None else mask(str(values["part"]))

    return python(compute, columns=columns, settings=False, description=description)


@dataclass
class _Pending:
    form: str
    options: dict[str, Any]
    description: str | None


class Catalogue:
    """All declarations seen at import time. One per process, like the ORM's models."""

    def __init__(self) -> None:
        self.types: dict[type, NodeType] = {}
        self.extensions: list[tuple[type, type]] = []

    def by_name(self, name: str) -> NodeType:
        return next(t for t in self.types.values() if t.name == name)


CATALOGUE = Catalogue()


def owner_of(cls: type) -> str:
    """`plugins.adoption.graphql` belongs to adoption, `schema.nodes.core` to core; a wheel's package to its plugin."""
    parts = cls.__module__.split(".")
    if parts[0] == "plugins":
        return parts[1]
    return "core" if parts[0] in ("schema", "core") else OWNERS.get(parts[0], parts[0])


def node(
    model: type[Model],
    *,
    scope: Scope | None = None,
    place: Callable[[RowOf], Expr] | None = None,
    order: str = "id",
    filters: Iterable[FilterField] = (),
    source: Source | None = None,
    public_face: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Declare a type over a table. `order` is a column, `-` for descending. `scope` says which rows a viewer sees, or
    `public("why")`; there is no type without it. Raises ConfigurationError naming file and type.

    `place` is the area a row lies in, its column `area_id` unless told: where the plugin is off, its rows are not seen.
    """

    def declare(cls: type[T]) -> type[T]:
        origin = _strawberry_class(cls, (Node,), strawberry.type)
        kept = NodeType(
            cls.__name__, origin, model, tag_of(model), _decided(scope, cls), place=place or _own_area(model, source),
            order=order, filters=list(filters), source=source, public_face=public_face, plugin=owner_of(cls), description=(cls.__doc__ or "").strip(),
        )  # fmt: skip
        _keep(cls, kept)
        return cast(type[T], origin)

    return declare


def interface(
    model: type[Model],
    *,
    discriminator: str,
    scope: Scope | None = None,
    order: str = "id",
    filters: Iterable[FilterField] = (),
    public_face: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Declare an interface over a table whose `discriminator` column says which concrete type a row is."""

    def declare(cls: type[T]) -> type[T]:
        origin = _strawberry_class(cls, (Node,), strawberry.interface)
        kept = NodeType(
            cls.__name__, origin, model, tag_of(model), _decided(scope, cls), place=_own_area(model, None), order=order,
            filters=list(filters), public_face=public_face, discriminator=discriminator, plugin=owner_of(cls),
            description=(cls.__doc__ or "").strip(),
        )  # fmt: skip
        _keep(cls, kept)
        return cast(type[T], origin)

    return declare


def kind_of(parent: type, kind: Enum) -> Callable[[type[T]], type[T]]:
    """Declare a concrete type of an interface: the rows whose discriminator is `kind`."""

    def declare(cls: type[T]) -> type[T]:
        above = CATALOGUE.types[parent]
        origin = _strawberry_class(cls, (parent,), strawberry.type)
        kept = NodeType(
            cls.__name__, origin, above.model, above.tag, scope=above.scope, place=above.place, order=above.order,
            public_face=above.public_face, interface=above, kind=kind, plugin=owner_of(cls),
            description=(cls.__doc__ or "").strip(),
        )  # fmt: skip
        above.concrete.append(kept)
        _keep(cls, kept)
        return cast(type[T], origin)

    return declare


def extend(target: type) -> Callable[[type[T]], type[T]]:
    """Add fields to a type somebody else declared. Additive only: a name already taken is a boot error."""

    def declare(cls: type[T]) -> type[T]:
        CATALOGUE.extensions.append((target, cls))
        return cls

    return declare


def _decided(scope: Scope | None, cls: type) -> Scope:
    """Nothing is public because nobody thought of it."""
    if scope is None or (isinstance(scope, Public) and not scope.why.strip()):
        file = getattr(sys.modules[cls.__module__], "__file__", cls.__module__)
        raise ConfigurationError(
            f"{file}: {cls.__name__}: who sees a row? Say scope=…, an expression over the row and the viewer,"
            f' or scope=public("why everybody may")'
        )
    return scope


def tag_of(model: type[Model]) -> str:
    """The tag of a model's global ids."""
    return str(model.tag)  # type: ignore[attr-defined]


def _own_area(model: type[Model], source: Source | None) -> Callable[[RowOf], Expr] | None:
    """A row lies where its `area_id` says; an area lies in itself; a computed list says nothing."""
    if source is not None:
        return None
    if model._meta.db_table == "core_area":
        return lambda t: t.id
    return (lambda t: t.area_id) if "area_id" in model._meta.fields_map or "area" in model._meta.fields_map else None


def _strawberry_class(cls: type, bases: tuple[type, ...], decorate: Any) -> Any:
    doc = (cls.__doc__ or "").strip()
    bare = types.new_class(
        cls.__name__, bases, {}, lambda ns: ns.update(__module__=cls.__module__, __qualname__=cls.__qualname__)
    )
    return decorate(bare, description=doc)


def _keep(cls: type, kept: NodeType) -> None:
    kept.origin.__gz_declaration__ = cls  # type: ignore[attr-defined]
    CATALOGUE.types[kept.origin] = kept


_KINDS: dict[Any, str] = {
    str: "text",
    int: "int",
    bool: "bool",
    datetime: "instant",
    date: "date",
    strawberry.ID: "reference",
    Long: "long",
    JSON: "json",
}


def read_fields(cls: type, owner: NodeType) -> dict[str, Field]:
    """The fields a declaring class states, resolved against its module; raises ConfigurationError naming the file."""
    module = sys.modules[cls.__module__]
    names = {**vars(module), "Connection": Connection}
    file = getattr(module, "__file__", cls.__module__) or cls.__module__
    found: dict[str, Field] = {}
    for name, pending in vars(cls).items():
        if not isinstance(pending, _Pending):
            continue
        annotation = cls.__annotations__.get(name)
        if annotation is None:
            raise ConfigurationError(f"{file}: {cls.__name__}.{name} has no annotation")
        try:
            hint = eval(annotation, names) if isinstance(annotation, str) else annotation
        except NameError as error:
            raise ConfigurationError(f"{file}: {cls.__name__}.{name}: {error}") from error
        made = _field(name, pending, hint, f"{file}: {cls.__name__}.{name}")
        made.name, made.description, made.file = name, pending.description, file
        made.plugin = owner_of(cls)
        found[name] = made
    return found


def _field(name: str, pending: _Pending, hint: Any, where: str) -> Field:
    options = dict(pending.options)
    nullable = False
    arguments = typing.get_args(hint)
    if type(None) in arguments:
        nullable = True
        hint = next(a for a in arguments if a is not type(None))
    if pending.form == "python":
        return PythonField(annotation=hint, nullable=nullable, **options)
    if pending.form == "connection":
        target = typing.get_args(hint)[0]
        if isinstance(target, (str, typing.ForwardRef)):
            raise ConfigurationError(f"{where}: write Connection[Name] without inner quotes")
        on = options["on"]
        condition = (lambda c, t, on=on: getattr(c, on) == t.id) if isinstance(on, str) else on
        return ConnectionField(condition=condition, target=target, discloses=options["discloses"])
    if pending.form == "to_one":
        seen = options["visible"]
        gate = None if seen is None else (lambda t: seen(t, viewer))
        nullable = nullable or gate is not None
        return ToOneField(column=options["column"] or f"{name}_id", target=hint, nullable=nullable, gate=gate)
    enum = hint if isinstance(hint, type) and issubclass(hint, Enum) else None
    kind = "enum" if enum else _KINDS.get(hint)
    if kind is None:
        raise ConfigurationError(f"{where}: {hint!r} is no scalar this API has")
    if pending.form == "column":
        stored = options.pop("column") or name
        return ScalarField(
            expression=lambda t, stored=stored: getattr(t, stored),  # type: ignore[misc]
            kind=kind,
            enum=enum,
            nullable=nullable or options["visible"] is not None,
            **options,
        )
    return ScalarField(kind=kind, enum=enum, nullable=nullable or options["visible"] is not None, **options)
