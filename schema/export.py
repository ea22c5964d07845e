"""Any root list as rows for a file: the fields a caller may see, page by page through the planner."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from core.access import Grant, Viewer
from core.data.sheets import likely
from core.data.write import Writer
from core.enums import Role, Term
from core.errors import Refusal
from core.ids import new_id
from core.runtime import Runtime
from core.settings.store import as_uuid
from schema.execution import GraphQL
from schema.nodes.composed import Root
from schema.nodes.declare import NodeType, PythonField, ScalarField, ToOneField

PAGE = 100
LABELS = ("name", "title", "code")
PLAIN = (str, int, bool, datetime, date)
_TERM = re.compile(r"[((]([^()()]*[\u3400-\u9fff][^()()]*)[))][.。]?\s*(?:\[\w+\])?\s*$")
COMMON = {
    "id": "系统编号", "name": "名称", "title": "标题", "code": "代码", "version": "版本", "since": "起始", "until": "截止",
    "summary": "简介", "place": "地点", "startsAt": "开始时间", "endsAt": "结束时间", "joinedAt": "报名时间", "type": "类型",
    "occurredAt": "发生时间", "recordedAt": "记录时间", "registrationAuthority": "登记机关", "registrationNumber": "登记证号",
    "registeredUntil": "登记有效期", "placesTaken": "已报人数", "placesLeft": "剩余名额", "createdAt": "创建时间",
    "revokedAt": "收回时间", "permission": "权限", "data": "数据", "note": "备注", "score": "得分", "duties": "管护要求",
    "startsOn": "起始日", "submittedAt": "提交时间", "inspectedAt": "巡查时间", "statement": "说明", "actor": "主体",
    "organization": "组织", "parent": "上级区域", "person": "个人", "custodian": "管护单位", "adopter": "认领人",
    "organizer": "组织者", "claimant": "申请人", "amount": "数额", "reason": "事由", "endReason": "终止原因", "mode": "方式", "kind": "类型", "state": "状态",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One column of the file: how it is asked for, and how its value is found in a node of the answer."""

    name: str
    title: str
    selections: tuple[tuple[str | None, str], ...]  # by the concrete type it belongs to
    value: Callable[[Mapping[str, Any]], Any]


def system_viewer(roots: Sequence[Any]) -> Viewer:
    """The server's own eyes: an administrator of every root."""
    return Viewer(grants=tuple(Grant(new_id(), Role.ADMIN, as_uuid(root)) for root in roots))


class Export:
    """A list of a schema, with conditions, for a viewer. Refuses UNKNOWN_LIST, UNKNOWN_FIELD, BAD_ARGUMENT."""

    def __init__(
        self,
        graphql: GraphQL,
        list_name: str,
        *,
        where: Any = None,
        arguments: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        language: str = "zh-CN",
    ) -> None:
        composed = graphql.composed
        lists = [name for name, root in composed.roots.items() if root.form == "every"]
        if list_name not in lists:
            raise Refusal("UNKNOWN_LIST", list=list_name[:80], hint=_hint(list_name, lists))
        self.graphql, self.language = graphql, language
        self.root: Root = composed.roots[list_name]
        self.name = list_name
        self.title = _term(self.root.description) if language == "zh-CN" else list_name
        found = self._fields(self.root.node)
        if columns is not None:
            names = {f.name for f in found}
            for name in columns:
                if name not in names:
                    raise Refusal("UNKNOWN_FIELD", field=name[:80], hint=_hint(name, names))
            found = [f for name in dict.fromkeys(columns) for f in found if f.name == name]
        self.fields = found
        self._document(where, dict(arguments or {}))

    # --- what to ask ---------------------------------------------------------------------------------------

    def _fields(self, node: NodeType) -> list[Field]:
        own = [f for d in node.fields.values() if (f := self._field(node, d, None)) is not None]
        for concrete in node.concrete:
            shared = set(node.fields)
            own += [
                f
                for n, d in concrete.fields.items()
                if n not in shared and (f := self._field(concrete, d, concrete.name))
            ]
        merged: dict[str, Field] = {}
        for f in own:  # what several concrete types have is one column
            merged[f.name] = f if f.name not in merged else _either(merged[f.name], f)
        return sorted(merged.values(), key=lambda f: f.name in ("id", "version"))

    def _field(self, node: NodeType, declared: Any, on: str | None) -> Field | None:
        name = self.graphql.composed.camel(declared.name)
        alias = f"{on}_{name}" if on else name
        ask = f"{alias}: {name}" if on else name
        if isinstance(declared, ScalarField):
            show = self._shower(declared)
            return Field(name, self._title(name, declared), ((on, ask),), lambda n: show(n.get(alias)))
        if isinstance(declared, ToOneField):
            target = self.graphql.composed.type_of(declared.target)
            label = next((x for x in LABELS if isinstance(target.fields.get(x), ScalarField)), "id")
            title = self._title(name, declared, target)
            return Field(name, title, ((on, f"{ask} {{ {label} }}"),), lambda n: (n.get(alias) or {}).get(label))
        if isinstance(declared, PythonField) and declared.annotation in PLAIN and not declared.cost:
            return Field(name, self._title(name, declared), ((on, ask),), lambda n: n.get(alias))
        return None

    def _title(self, name: str, declared: Any, target: NodeType | None = None) -> str:
        if self.language != "zh-CN":
            return name
        found = _term(declared.description) or COMMON.get(name) or _term(getattr(declared, "enum", None).__doc__)
        return found or _term(target.description if target else None) or name

    def _shower(self, declared: ScalarField) -> Callable[[Any], Any]:
        clock, chinese = self.graphql.runtime.clock, self.language == "zh-CN"
        enum = declared.enum
        if enum is not None and issubclass(enum, Term) and chinese:
            return lambda v: enum(v).zh if v is not None else None
        if declared.kind == "instant":
            return lambda v: v and datetime.fromisoformat(v).astimezone(clock.zone).strftime("%Y-%m-%d %H:%M:%S")
        if declared.kind == "date":
            return lambda v: v and date.fromisoformat(v)
        if declared.kind == "bool":
            return lambda v: v if v is None else (("是" if v else "否") if chinese else str(v).lower())
        if declared.kind == "json":
            return lambda v: None if v is None else orjson.dumps(v).decode()
        return lambda v: v

    def _document(self, where: Any, arguments: dict[str, Any]) -> None:
        query = self.graphql.graphql.query_type
        assert query is not None
        known = query.fields[self.name].args
        given = {k: v for k, v in {**arguments, "where": where}.items() if v is not None}
        for name in given:
            if name not in known or name in ("first", "after"):
                raise Refusal("BAD_ARGUMENT", what=name[:80])
        self.variables = given
        asked: dict[str | None, list[str]] = {}
        for f in self.fields:
            for on, selection in f.selections:
                asked.setdefault(on, []).append(selection)
        parts = [" ".join(s) if on is None else f"... on {on} {{ {' '.join(s)} }}" for on, s in asked.items()]
        selection = " ".join(parts)
        declared = "".join(f", ${n}: {known[n].type}" for n in given)
        passed = "".join(f", {n}: ${n}" for n in given)
        self.text = (
            f"query($after: String{declared}) {{ {self.name}(first: {PAGE}, after: $after{passed})"
            f" {{ nodes {{ __typename {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )

    # --- asking --------------------------------------------------------------------------------------------

    async def rows(self, viewer: Viewer) -> AsyncIterator[list[Any]]:
        """One list of cells per node; the planner's refusals are raised."""
        after: str | None = None
        while True:
            variables = {**self.variables, **({"after": after} if after else {})}
            answer = await self.graphql.execute(self.text, variables, viewer=viewer, language=self.language)
            page = orjson.loads(orjson.dumps(answer))
            if page.get("errors"):
                error = page["errors"][0]
                code = error.get("extensions", {}).get("code", "INTERNAL_ERROR")
                if code in ("BAD_VARIABLES", "VALIDATION_FAILED", "UNKNOWN_AREA"):
                    raise Refusal("BAD_ARGUMENT", what=error["message"][:200])
                raise Refusal(code)
            found = page["data"][self.name]
            for node in found["nodes"]:
                yield [f.value(node) for f in self.fields]
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    async def write(self, writer: Writer, viewer: Viewer, progress: Callable[[int], None] = lambda rows: None) -> int:
        """Headers and every row; how many rows."""
        writer.row([f.title for f in self.fields])
        count = 0
        async for cells in self.rows(viewer):
            writer.row(cells)
            count += 1
            if count % PAGE == 0:
                progress(count)
        return count


def _either(one: Field, other: Field) -> Field:
    def value(node: Mapping[str, Any]) -> Any:
        found = one.value(node)
        return other.value(node) if found is None else found

    return Field(one.name, one.title, (*one.selections, *other.selections), value)


def _term(text: str | None) -> str | None:
    """The Chinese term that ends a description."""
    match = _TERM.search((text or "").strip())
    return match[1].split(",")[0].split(",")[0] if match else None


def _hint(word: str, known: Iterable[str]) -> Callable[[str], str]:
    near = likely(word, known)

    def hint(language: str) -> str:
        if near is None:
            return ""
        return f"(是否想写“{near}”?)" if language == "zh-CN" else f" (did you mean {near}?)"

    return hint


async def roots_of(runtime: Runtime) -> list[Any]:
    return [r[0] for r in await runtime.database.read("SELECT id FROM core_area WHERE parent_id IS NULL")]
