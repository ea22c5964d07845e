"""Trusted documents against the schema: which of them frontends could no longer send."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, parse

import server
from core.cli import err, language, out
from core.cli.configuring import opened
from core.config import Config
from core.errors import ConfigurationError
from core.plugins.host import Host
from core.problems import Problem, near
from core.trusted import Entry, TrustedDocuments
from schema.compose import compose, core_schema
from schema.documents import MAX_TOKENS, checks_of, read_document
from schema.errors import Errors


@dataclass(frozen=True)
class Failing:
    """One thing that is wrong with a document. `line` and `column` are of the document, `manifest_line` of its entry."""

    entry: Entry
    operation: str
    error: GraphQLError
    message: str

    @property
    def at(self) -> tuple[int, int]:
        found = self.error.locations
        return (found[0].line, found[0].column) if found else (1, 1)

    def text(self) -> str:
        line, column = self.at
        stands = f"{self.entry.file}:{self.entry.line}" if self.entry.line else self.entry.file
        named = f" {self.operation}" if self.operation else ""
        return f"{stands}:{named} {line}:{column}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        line, column = self.at
        found = {
            "id": f"sha256:{self.entry.hash}",
            "file": self.entry.file,
            "manifestLine": self.entry.line,
            "operation": self.operation or None,
            "line": line,
            "column": column,
            "message": self.message,
        }
        return {k: v for k, v in found.items() if v is not None}


async def check(config: Config, path: Path | None, area: str | None, as_json: bool) -> None:
    """Every document against the schema as configured, or as an area's endpoint has it; exits 2 when one fails."""
    host = server.load_host(replace(config, plugin_errors="degrade"))
    trusted = TrustedDocuments.of(replace(config, documents=str(path)) if path else config)
    if not trusted.entries:
        raise ConfigurationError(Problem("NO_DOCUMENTS"))
    errors = Errors(host.messages())
    checked = checks_of(core_schema(await _schema(config, host, area)))
    failing = [
        Failing(entry, _operation(entry.text, error), error, errors.said(error, language()))
        for entry in trusted.entries.values()
        for error in read_document(entry.text, checked)[1]
    ]
    failed = len({f.entry.hash for f in failing})
    if as_json:
        found = {"ok": not failing, "documents": len(trusted), "failing": [f.as_json() for f in failing]}
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for one in failing:
            err.print(f"✗ {one.text()}", markup=False)
        chinese = language() == "zh-CN"
        if failing:
            said = "{} 份文档中有 {} 份不再有效" if chinese else "of {} documents {} no longer validate"
            err.print(said.format(len(trusted), failed), markup=False)
        else:
            out.print(("✓ {} 份文档全部有效" if chinese else "✓ all {} documents validate").format(len(trusted)))
    if failing:
        raise typer.Exit(2)


async def _schema(config: Config, host: Host, area: str | None) -> Any:
    if area is None:
        return server.compose_schema(host)
    async with opened(config, host) as runtime:
        found = await runtime.on_in(area)
        if found is None:
            codes = [row[0] for row in await runtime.database.read("SELECT code FROM core_area")]
            raise ConfigurationError(Problem("UNKNOWN_AREA", {"area": area, "near": near(area, codes)}))
    return compose([key for key in host.keys if key in found[1]], host.permissions(), rooted=True)


def _operation(text: str, error: GraphQLError) -> str:
    """The operation or fragment that an error stands in; of a document that cannot be parsed, none."""
    try:
        document: DocumentNode = parse(text, max_tokens=MAX_TOKENS)
    except (GraphQLError, RecursionError):
        return ""
    at = next(iter(error.positions or ()), 0)
    for definition in document.definitions:
        name = getattr(definition, "name", None)
        if name and definition.loc and definition.loc.start <= at <= definition.loc.end:
            return str(name.value)
    names = [d.name.value for d in document.definitions if isinstance(d, OperationDefinitionNode) and d.name]
    return names[0] if names else ""
