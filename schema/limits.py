"""Limits that hold before anything is executed. Each fragment is measured once, however often it is spread."""

from __future__ import annotations

from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, GraphQLError, ValidationRule

MAX_DEPTH = 16


class DepthRule(ValidationRule):
    """Refuses operations nested more than 16 fields deep (introspection apart)."""

    def enter_document(self, node: Any, *_args: Any) -> None:
        fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
        measured: dict[str, int] = {}
        for definition in node.definitions:
            if isinstance(definition, FragmentDefinitionNode) or not hasattr(definition, "selection_set"):
                continue
            if _depth(definition.selection_set, fragments, measured) > MAX_DEPTH:
                self.report_error(GraphQLError(f"At most {MAX_DEPTH} levels of fields are allowed.", definition))


def _depth(selections: Any, fragments: dict[str, FragmentDefinitionNode], measured: dict[str, int]) -> int:
    deepest = 0
    for selection in selections.selections:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in measured:
                measured[name] = 0  # a cycle is another rule's business
                if name in fragments:
                    measured[name] = _depth(fragments[name].selection_set, fragments, measured)
            deepest = max(deepest, measured[name])
        elif selection.selection_set is not None:
            inner = _depth(selection.selection_set, fragments, measured)
            counts = 1 if isinstance(selection, FieldNode) and not selection.name.value.startswith("__") else 0
            deepest = max(deepest, inner + counts)
        else:
            deepest = max(deepest, 1)
    return deepest
