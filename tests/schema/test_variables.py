"""Variables that came as they are need no coercion: what is taken so is what graphql-core would have made of it."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, build_schema, get_operation_ast, get_variable_values, parse
from hypothesis import example, given
from hypothesis import strategies as st

from schema.documents import Operation

SCHEMA = build_schema(
    'input In { a: Int! b: String = "x" } enum E { A B }'
    " type Query { f(a: Int, b: String, c: ID, d: Boolean, e: Float, g: In, h: E): Int }"
)
TYPES = ("Int", "Int!", "String", "String!", "ID", "ID!", "Boolean", "Boolean!", "Float", "[Int]", "[ID!]!", "In", "E!")
DEFAULTS = {"Int": "7", "String": '"d"', "ID": '"i"', "Boolean": "true"}
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**33), 2**33), st.floats(allow_nan=False), st.sampled_from(["", "1", "true", "居民"]),
    st.lists(st.integers(0, 3), max_size=2), st.just({"a": 1}), st.just("A"),
)  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(TYPES), st.booleans()), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["v0", "v1", "v2", "v3", "other"]), VALUES),
)
@example([("Int!", False)], {"v0": True})
@example([("Int!", False)], {"v0": 2**31})
@example([("Boolean", True)], {"v0": None})
@example([("String!", False)], {})
@example([("ID", False), ("Int", True)], {"v0": 5})
def test_what_is_taken_is_what_coercion_makes(declared: list[tuple[str, bool]], given: dict[str, Any]) -> None:
    parts = [
        f"$v{n}: {type_}" + (f" = {DEFAULTS[type_]}" if with_default and type_ in DEFAULTS else "")
        for n, (type_, with_default) in enumerate(declared)
    ]
    node = get_operation_ast(parse(f"query({', '.join(parts)}) {{ f }}"))
    assert node is not None
    ours = Operation(node).coerce(SCHEMA, given)
    theirs = get_variable_values(SCHEMA, node.variable_definitions or (), given)
    if isinstance(theirs, list):
        assert isinstance(ours, list)
        assert [str(e) for e in ours] == [str(e) for e in theirs]
        assert all(isinstance(e, GraphQLError) for e in ours)
    else:
        assert ours == theirs.coerced
        assert {k: type(v) for k, v in theirs.coerced.items()} == {k: type(v) for k, v in (ours or {}).items()}  # type: ignore[union-attr]
