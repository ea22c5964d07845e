"""What becomes of a query: its SQL and parameters, its cost, and the ways the database would take to its tables."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any, NoReturn

import typer

import server
from core.cli import err, language, out
from core.config import Config
from core.database.paths import Path, Way, paths
from core.errors import Refusal
from schema.execution import GraphQL, RequestContext, cost_of_fields, parsed
from schema.planning.plan import MAX_ROWS, Plan
from schema.rates import REQUEST
from schema.scalars import show_instant

TEXTS = {
    "cost": (
        "cost {total}: {request} for the request, {rows} for rows it may look at (at most {limit}), {fields} for the schema",
        "代价 {total}:请求 {request},至多查看的行数 {rows}(上限 {limit}),模式内省 {fields}",
    ),
    Way.SEARCH: ("{table}: by {index} ({by})", "{table}:按索引 {index}({by})"),
    Way.WALK: ("{table}: in the order of {index}, as far as needed", "{table}:按 {index} 的顺序,够用为止"),
    Way.SCAN: ("! {table}: full scan, every row is read", "! {table}:全表扫描,逐行读取"),
    "again": ("{line}, again for each row of another table", "{line},对另一表的每一行重复"),
    "no statement": ("no root field needs the database", "没有需要查询数据库的根字段"),
    "no operation": ("name one of the document's operations with --operation", "请用 --operation 指明文档中的一个操作"),
    "not a query": (
        "only queries become one statement; a mutation runs its rule first",
        "只有查询才编译为一条语句;变更先执行其规则",
    ),
    "variables": ("--variables is not JSON: {error}", "--variables 不是 JSON:{error}"),
}


def _text(key: str, **values: Any) -> str:
    return TEXTS[key][language() == "zh-CN"].format(**values)


async def explain(config: Config, text: str, operation_name: str | None, variables: str, as_json: bool) -> None:
    """Prints it for an anonymous viewer; exits 2 with the errors when the document or its variables are wrong."""
    running = await server.Server.open(config)
    try:
        graphql = running.graphql
        plan, context, fields = _planned(graphql, text, operation_name, variables)
        rows = plan.rows(context.variables)
        cost = {"total": REQUEST + fields + rows, "request": REQUEST, "rows": rows, "fields": fields, "limit": MAX_ROWS}
        values = [slot.value(context) for slot, _ in plan.slots]
        database = running.runtime.database
        with parsed():
            found = await paths(database, plan.sql, values) if plan.keys else []
        parameters = [
            {"mark": database.dialect.mark(n), "type": sql_type, "name": slot.name, "value": _plain(value)}
            for n, ((slot, sql_type), value) in enumerate(zip(plan.slots, values, strict=True), 1)
        ]
        if as_json:
            ways = [
                {"table": p.table, "as": p.alias, "way": p.way, "index": p.index, "by": p.by, "again": p.again}
                for p in found
            ]
            shown = {
                "dialect": database.dialect.name, "roots": plan.keys, "cost": cost, "sql": plan.sql if plan.keys else None,
                "parameters": parameters, "paths": ways,
            }  # fmt: skip
            print(json.dumps(shown, ensure_ascii=False, indent=2))
            return
        sql = plan.sql if plan.keys else f"-- {_text('no statement')}"
        lines = [f"-- {database.dialect.name}; roots: {', '.join(plan.keys)}", f"-- {_text('cost', **cost)}", sql]
        for p in parameters:
            lines.append(f"-- {p['mark']} {p['type']} ({p['name']}) = {json.dumps(p['value'], ensure_ascii=False)}")
        out.print("\n".join([*lines, *_ways(found)]), markup=False)
    except Refusal as refusal:
        _stop(running.runtime.messages.render(refusal.code, language(), refusal.values))
    finally:
        await running.close()


def _planned(
    graphql: GraphQL, text: str, operation_name: str | None, variables: str
) -> tuple[Plan, RequestContext, int]:
    """The plan, the context it is bound in, and what its root fields cost beside rows."""
    prepared = graphql.prepare(text)
    if prepared.errors:
        _stop(*(graphql.errors.said(error, language()) for error in prepared.errors))
    operation = prepared.operation(operation_name)
    if operation is None:
        _stop(_text("no operation"))
    if not operation.is_query:
        _stop(_text("not a query"))
    try:
        given = json.loads(variables)
    except ValueError as error:
        _stop(_text("variables", error=error))
    coerced = operation.coerce(graphql.graphql, given)
    if isinstance(coerced, list):
        _stop(*(error.message for error in coerced))
    context = RequestContext(graphql, prepared, variables=coerced)
    shape = graphql.shape(prepared, operation, context)
    plan = graphql.plan(prepared, shape, context)
    plan.check(context)
    return plan, context, cost_of_fields(operation, shape)


def _ways(found: list[Path]) -> list[str]:
    """A line for each way to a table, with how often it is taken in the statement; full scans last."""
    counted = Counter((p.table, p.way, p.index, p.by, p.again) for p in found)
    lines = []
    for (table, way, index, by, again), times in sorted(counted.items(), key=_scans_last):
        line = f"-- {_text(way, table=table, index=index, by=by)}"
        line = _text("again", line=line) if again and way is Way.SCAN else line
        lines.append(f"{line} ×{times}" if times > 1 else line)
    return lines


def _scans_last(counted: tuple[tuple[str, Way, str | None, str, bool], int]) -> tuple[bool, str]:
    (table, way, *_), _ = counted
    return way is Way.SCAN, table


def _plain(value: Any) -> Any:
    """A bound value as JSON has it: instants and ids as their text."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    return json.loads(json.dumps(value, default=lambda v: show_instant(v) if isinstance(v, datetime) else str(v)))


def _stop(*errors: str) -> NoReturn:
    for error in errors:
        err.print(f"gongzhi: {error}", markup=False)
    raise typer.Exit(2)
