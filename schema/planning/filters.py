"""`where`: nested operators over what the viewer may see of each field, so that a hidden value cannot be probed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.database.guards import Index, guards_of
from core.errors import Refusal
from core.ids import split_global
from schema.nodes.composed import ComposedSchema
from schema.nodes.declare import NodeType, ScalarField, ToOneField
from schema.nodes.expressions import Argument as ArgumentExpr
from schema.nodes.expressions import Column, GlobalId, RowOf, Slot
from schema.planning.arguments import Argument, check_list

if TYPE_CHECKING:
    from schema.planning.compile import Compiler

MAX_DEPTH = 8
NOBODY = UUID(int=0)  # no row's id, so that another type's is unequal to every one; null would be neither
_COMPARE = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def compile_filter(
    compiler: Compiler,
    composed: ComposedSchema,
    node: NodeType,
    alias: str,
    where: Argument,
    depth: int = 0,
    *,
    negated: bool = False,
) -> str:
    """An SQL condition; where `negated` never null instead of false. Refuses FILTER_TOO_DEEP, BAD_FILTER (a null
    operand), TOO_MANY_VALUES, TOO_MANY_CONDITIONS."""
    if depth > MAX_DEPTH:
        raise Refusal("FILTER_TOO_DEEP", limit=MAX_DEPTH)
    parts = []
    for name, argument in where.items():
        if argument.is_null:
            raise Refusal("BAD_FILTER", field=name)
        if name in ("and", "or"):
            elements = check_list(list(argument.elements()))
            inner = [compile_filter(compiler, composed, node, alias, a, depth + 1, negated=negated) for a in elements]
            parts.append(_joined(compiler, inner, name.upper()))
        elif name == "not":
            inside = compile_filter(compiler, composed, node, alias, argument, depth + 1, negated=True)
            parts.append(f"(NOT {inside})")
        elif (extra := next((f for f in node.filters if composed.camel(f.name) == name), None)) is not None:
            value = ArgumentExpr(Slot(lambda ctx, a=argument: a.read(ctx.variables)), extra.kind)  # type: ignore[misc]
            compiler.condition()
            parts.append(f"({extra.test(RowOf(alias), value).sql(compiler)})")
            if extra.names_area:
                compiler.areas.append(value)
        else:
            parts.append(_field(compiler, composed, node, alias, name, argument, depth, negated))
    return _joined(compiler, parts)


def _joined(compiler: Compiler, parts: list[str], word: str = "AND") -> str:
    if parts:
        return "(" + f" {word} ".join(parts) + ")"
    compiler.condition()
    return "(1 = 1)" if word == "AND" else "(1 = 0)"


def _field(
    compiler: Compiler,
    composed: ComposedSchema,
    node: NodeType,
    alias: str,
    name: str,
    argument: Argument,
    depth: int,
    negated: bool,
) -> str:
    field = composed.field(node, name)
    if isinstance(field, ToOneField):
        target = composed.type_of(field.target)
        compiler.condition()
        inner = compiler.alias()
        conditions = compiler._kind(target, inner)
        if not target.public_face:
            conditions += compiler._scope(target, RowOf(inner))
        if field.gate is not None:
            conditions.append(f"({field.gate(RowOf(alias)).sql(compiler)})")
        conditions.append(compile_filter(compiler, composed, target, inner, argument, depth + 1))
        found = f"SELECT {inner}.id FROM {target.table} {inner} WHERE {' AND '.join(conditions)}"
        # Of one row at most the database keeps the order of an index behind it; of none `=` is null.
        equals = "=" if not negated and _is_one(composed, target, argument) else "IN"
        # A row that leads nowhere and one that leads to what is hidden are to look the same under `not`, too.
        there = "" if not negated or node.is_required(field.column) else f"{alias}.{field.column} IS NOT NULL AND "
        return f"({there}{alias}.{field.column} {equals} ({found}))"
    assert isinstance(field, ScalarField)
    if isinstance(expression := field.expression(RowOf(alias)), GlobalId):
        return _reference(compiler, expression, argument)
    parts = []
    for operator, operand in argument.items():
        if operand.is_null:
            raise Refusal("BAD_FILTER", field=f"{name}.{operator}")
        compiler.condition()
        # Written where it is used: PostgreSQL takes no parameter that stands nowhere in the statement.
        sql = field.visible_expression(RowOf(alias)).sql(compiler)
        sql = f"({sql})" if field.kind == "bool" else sql  # it may be an OR, of which only the end would be compared
        parts.append(_operator(compiler, node, field, sql, operator, operand))
    return _joined(compiler, parts)


def _is_one(composed: ComposedSchema, node: NodeType, where: Argument) -> bool:
    """Does it ask for one id, or one value of a column that is unique?"""
    keys = {"id"} | {g.columns[0] for g in guards_of(node.model) if isinstance(g, Index) and g.is_key}
    for name, argument in where.items():
        if name in ("and", "or", "not") or any(composed.camel(f.name) == name for f in node.filters):
            continue
        field = composed.field(node, name)
        column = field.expression(RowOf("o")) if isinstance(field, ScalarField) and field.visible is None else None
        if isinstance(column, Column) and column.name in keys and any(o == "eq" for o, _ in argument.items()):
            return True
    return False


def _operator(
    compiler: Compiler, node: NodeType, field: ScalarField, sql: str, operator: str, operand: Argument
) -> str:
    sql_type = {"enum": "text", "reference": "text", "id": "uuid"}.get(field.kind, field.kind)
    convert: Callable[[Any], Any] = _converter(field)
    sqlite = compiler.emit.dialect.name == "sqlite"
    if operator == "in":
        slot = Slot(lambda ctx: [convert(v) for v in check_list(operand.read(ctx.variables))])
        if field.kind == "id" and node.merges:
            alias = compiler.alias()
            given = f"SELECT coalesce({alias}.merged_into_id, {alias}.id) FROM {node.table} {alias}"
            return f"({sql} IN ({given} WHERE {compiler.among(f'{alias}.id', slot, sql_type)}))"
        return f"({compiler.among(sql, slot, sql_type)})"
    if operator == "isNull":
        return f"(({sql} IS NULL) = {literal_bool(compiler, operand)})"
    mark = compiler.parameter(Slot(lambda ctx: convert(operand.read(ctx.variables))), sql_type)
    if field.kind == "id":
        mark = compiler.kept(node, mark)
    if operator in _COMPARE:
        return f"({sql} {_COMPARE[operator]} {mark})"
    if operator == "contains":
        return f"(instr({sql}, {mark}) > 0)" if sqlite else f"(position({mark} in {sql}) > 0)"
    return f"(substr({sql}, 1, length({mark})) = {mark})"  # startsWith


def literal_bool(compiler: Compiler, operand: Argument) -> str:
    return compiler.parameter(Slot(lambda ctx: operand.read(ctx.variables)), "bool")


def _converter(field: ScalarField) -> Callable[[Any], Any]:
    if field.kind == "id":
        tag = field.tag

        def own(value: Any) -> Any:
            found, id = split_global(value)
            return id if found == tag else NOBODY

        return own
    if field.kind == "enum":
        return lambda value: str(getattr(value, "value", value))
    return lambda value: value


def _reference(compiler: Compiler, expression: GlobalId, argument: Argument) -> str:
    """A global id stored as tag and UUID: compared in its parts, so that the index on the UUID serves."""
    parts = []
    for operator, operand in argument.items():
        if operand.is_null:
            raise Refusal("BAD_FILTER", field=operator)
        compiler.condition()
        id_sql, tag_sql = expression.id.sql(compiler), expression.tag.sql(compiler)
        if operator == "in":
            ids = Slot(lambda ctx, o=operand: [split_global(v)[1] for v in check_list(o.read(ctx.variables))])  # type: ignore[misc]
            tags = Slot(lambda ctx, o=operand: [split_global(v)[0] for v in o.read(ctx.variables)])  # type: ignore[misc]
            parts.append(f"({compiler.among(id_sql, ids, 'uuid')} AND {compiler.among(tag_sql, tags, 'text')})")
            continue
        id = compiler.parameter(Slot(lambda ctx, o=operand: split_global(o.read(ctx.variables))[1]), "uuid")  # type: ignore[misc]
        tag = compiler.parameter(Slot(lambda ctx, o=operand: split_global(o.read(ctx.variables))[0]), "text")  # type: ignore[misc]
        same = f"({id_sql} = {id} AND {tag_sql} = {tag})"
        parts.append(f"(NOT {same})" if operator == "ne" else same)
    return _joined(compiler, parts)
