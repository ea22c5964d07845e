"""What `schema` relies on in Strawberry and graphql-core that they do not promise; a name that fails is what moved."""

from __future__ import annotations

from typing import Any

import orjson
import strawberry
from graphql import GraphQLSchema, execute, parse
from graphql.execution.executor import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.execution import PlannedExecutor
from schema.planning.plan import Raw

seen: list[Any] = []


@strawberry.type
class Thing:
    name: str


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, info: strawberry.Info) -> Thing:
        seen.append(info)
        return Thing(name="x")


built = strawberry.Schema(Query)


def test_strawberry_keeps_graphql_cores_schema_in_schema() -> None:
    assert isinstance(built._schema, GraphQLSchema)


def test_strawberry_keeps_graphql_cores_info_in_raw_info() -> None:
    assert built.execute_sync("{ thing { name } }").data == {"thing": {"name": "x"}}
    raw = seen[-1]._raw_info
    assert [node.name.value for node in raw.field_nodes] == ["thing"]
    assert (raw.field_name, raw.path.as_list()) == ("thing", ["thing"])


def test_strawberrys_executor_is_graphql_cores_and_completes_every_value_by_complete_value() -> None:
    completed = []

    class Told(StrawberryGraphQLCoreExecutionContext):
        def complete_value(
            self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
        ) -> Any:
            completed.append((str(return_type), path.as_list()))
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    assert issubclass(StrawberryGraphQLCoreExecutionContext, Executor)
    found: Any = execute(built._schema, parse("{ thing { name } }"), executor_class=Told)
    assert found.data == {"thing": {"name": "x"}}
    assert ("Thing!", ["thing"]) in completed
    assert ("String!", ["thing", "name"]) in completed


def test_what_complete_value_returns_is_the_answer_as_it_is() -> None:
    query = built._schema.query_type
    assert query is not None
    field, before = query.fields["thing"], query.fields["thing"].resolve
    field.resolve = lambda *given: Raw('{"name":"planned"}')
    try:
        found: Any = execute(built._schema, parse("{ thing { name } }"), executor_class=PlannedExecutor)
    finally:
        field.resolve = before
    assert found.errors is None
    assert orjson.dumps(found.data) == b'{"thing":{"name":"planned"}}'
