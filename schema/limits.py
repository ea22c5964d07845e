"""Limits on a document that hold before it is validated, because validating is what they protect.

Each fragment is measured once, however often it is spread; sizes are of what the spreads add up to.
"""

from __future__ import annotations

from collections import Counter

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from core.errors import Refusal

MAX_OPERATIONS = 50
MAX_DEPTH = 16
MAX_FIELDS = 2_000
MAX_REPEATS = 20
MAX_MERGES = 5_000
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
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    measured: dict[str, _Measure] = {}
    problems: list[GraphQLError] = []
    if len(operations) > MAX_OPERATIONS:
        return [problem(Refusal("TOO_MANY_OPERATIONS", limit=MAX_OPERATIONS))]
    for definition in document.definitions:
        if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode)):
            _repeats(definition.selection_set, problems)
    if problems:
        return problems
    for operation in operations:
        found = _measure(operation.selection_set, fragments, measured)
        if found.depth > MAX_DEPTH:
            problems.append(problem(Refusal("TOO_DEEP", limit=MAX_DEPTH), operation))
        if found.fields > MAX_FIELDS:
            problems.append(problem(Refusal("SELECTION_TOO_LARGE", limit=MAX_FIELDS), operation))
        limit = MAX_MUTATIONS if operation.operation is OperationType.MUTATION else MAX_ROOTS
        if found.top.total() > limit:
            problems.append(problem(Refusal("TOO_MANY_ROOTS", limit=limit), operation))
        if found.top["__schema"] > 1:
            problems.append(problem(Refusal("TOO_MANY_ROOTS", limit=limit), operation))
    alone = [f for name, f in fragments.items() if name not in measured]
    if any(_measure(f.selection_set, fragments, measured).fields > MAX_FIELDS for f in alone):
        problems.append(problem(Refusal("SELECTION_TOO_LARGE", limit=MAX_FIELDS)))
    elif not problems and sum(_merges([d.selection_set], fragments) for d in (*operations, *alone)) > MAX_MERGES:
        problems.append(problem(Refusal("TOO_MANY_MERGES", limit=MAX_MERGES)))
    return problems


def problem(refusal: Refusal, node: Node | None = None) -> GraphQLError:
    return GraphQLError(refusal.code, node, original_error=refusal)


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
            problems.append(problem(Refusal("TOO_MANY_REPEATS", key=key, count=count, limit=MAX_REPEATS), selections))


def _merges(sets: list[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode]) -> int:
    """How many pairs of selections validation compares, because they share a response key or are spread together.

    Only for a document whose fields, fragments counted at every spread, are within MAX_FIELDS.
    """
    groups: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    waiting = list(sets)
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                groups.setdefault(selection.alias.value if selection.alias else selection.name.value, []).append(
                    selection
                )
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                spread.add(selection.name.value)
                if selection.name.value in fragments:
                    waiting.append(fragments[selection.name.value].selection_set)
    found = len(spread) * (len(spread) - 1) // 2
    for nodes in groups.values():
        found += len(nodes) * (len(nodes) - 1) // 2
        inner = [node.selection_set for node in nodes if node.selection_set]
        if inner and found <= MAX_MERGES:
            found += _merges(inner, fragments)
    return found


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
