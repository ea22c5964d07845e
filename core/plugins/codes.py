"""The codes a plugin's source refuses with, so that one without a message is told before anybody meets it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_GUARDS = {"check": 2, "refuse": 3, "unique": None}  # where a code stands, if not as `code=`
_UNSEEN = {"INTERNAL", "ALREADY_EXISTS"}


@cache
def codes_in(folder: Path) -> dict[str, str]:
    """Code → `file:line`: what stands in `Refusal("CODE")`, `Refused(status, "CODE")`, decisions and guards."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                for code in _codes(node):
                    found.setdefault(code, f"{path}:{node.lineno}")
    return {code: where for code, where in found.items() if code not in _UNSEEN}


def _codes(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", None))
    given: list[ast.expr] = []
    if name == "Refusal":
        given = call.args[:1]
    elif name in ("Refused", "NotPermitted", "Decision"):
        given = call.args[1:2]
    elif name in _GUARDS:
        position = _GUARDS[name]
        given = [k.value for k in call.keywords if k.arg == "code"]
        given += call.args[position : position + 1] if position is not None else []
    for one in given:
        for either in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
            if isinstance(either, ast.Constant) and isinstance(either.value, str):
                yield either.value
