"""Limits on a document that hold before it is validated, because validating is what they protect.

Each fragment is measured once, however often it is spread; sizes are of what the spreads add up to.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

MAX_DEPTH = 16
MAX_FIELDS = 2_000
MAX_REPEATS = 20
MAX_ROOTS = 30
MAX_MUTATIONS = 10


class _Measure:
    """Of a selection set: the deepest nesting, the number of fields, and its top response keys by field name."""

    def __init__(self) -> None:
        self.depth = 0
        self.fields = 0
        self.top: Counter[str] = Counter()


def check_document(document: DocumentNode) -> list[GraphQLError]:
    """What is too much in it; empty when all is well."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    measured: dict[str, _Measure] = {}
    problems: list[GraphQLError] = []
    for definition in document.definitions:
        if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode)):
            _repeats(definition.selection_set, problems)
    if problems:
        return problems
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        found = _measure(definition.selection_set, fragments, measured)
        if found.depth > MAX_DEPTH:
            problems.append(_problem("TOO_DEEP", f"At most {MAX_DEPTH} levels of fields are allowed.", definition))
        if found.fields > MAX_FIELDS:
            said = f"At most {MAX_FIELDS} fields are allowed, fragments counted at every spread."
            problems.append(_problem("SELECTION_TOO_LARGE", said, definition))
        limit = MAX_MUTATIONS if definition.operation is OperationType.MUTATION else MAX_ROOTS
        if found.top.total() > limit:
            problems.append(_problem("TOO_MANY_ROOTS", f"At most {limit} root fields are allowed.", definition))
        if found.top["__schema"] > 1:
            problems.append(_problem("TOO_MANY_ROOTS", "Ask for __schema once.", definition))
    return problems


def _problem(code: str, message: str, node: Any) -> GraphQLError:
    return GraphQLError(message, node, extensions={"code": code})


def _repeats(selections: SelectionSetNode, problems: list[GraphQLError]) -> None:
    """Merging equal response keys is quadratic in how often one repeats."""
    keys: Counter[str] = Counter()
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            keys[selection.alias.value if selection.alias else selection.name.value] += 1
        inner = getattr(selection, "selection_set", None)
        if inner is not None:
            _repeats(inner, problems)
    for key, count in keys.items():
        if count > MAX_REPEATS:
            said = f"`{key}` is asked for {count} times in one place; at most {MAX_REPEATS} are allowed."
            problems.append(_problem("TOO_MANY_REPEATS", said, selections))


def _measure(
    selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], measured: dict[str, _Measure]
) -> _Measure:
    found = _Measure()
    for selection in selections.selections:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in measured:
                measured[name] = _Measure()  # a cycle is another rule's business
                if name in fragments:
                    measured[name] = _measure(fragments[name].selection_set, fragments, measured)
            _add(found, measured[name])
        elif isinstance(selection, FieldNode):
            found.top[selection.name.value] += 1
            found.fields += 1
            inner = _measure(selection.selection_set, fragments, measured) if selection.selection_set else _Measure()
            found.fields += inner.fields
            counts = 0 if selection.name.value.startswith("__") else 1
            found.depth = max(found.depth, inner.depth + counts)
        elif isinstance(selection, InlineFragmentNode):
            _add(found, _measure(selection.selection_set, fragments, measured))
        found.fields = min(found.fields, MAX_FIELDS + 1)
    return found


def _add(found: _Measure, inner: _Measure) -> None:
    found.depth = max(found.depth, inner.depth)
    found.fields += inner.fields
    found.top += inner.top
