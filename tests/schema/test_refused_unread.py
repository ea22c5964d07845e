"""What is refused before anything is done, and what only reads: bad queries and requests, and those that ask too much."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio
NOBODY = "actor_00000000-0000-7000-8000-000000000000"
DOUBLING = "".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }} " for i in range(30))
PARENTS = "".join(
    f"fragment P{i} on Area {{ " + " ".join(f"a{k}: parent {{ ...P{i + 1} }}" for k in range(9)) + " } "
    for i in range(6)
)


@pytest.fixture(scope="module")
def neighbourhood(shared_neighbourhood: Neighbourhood) -> Neighbourhood:
    return shared_neighbourhood


async def test_an_unknown_id_is_told_with_its_field(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person, xishan = await n.actor_id("谢永强"), await n.area_id("xishan")
    give = {"personId": person, "organizationId": await n.actor_id("企业甲"), "areaId": xishan}
    for field, tag in (("personId", "actor"), ("organizationId", "actor"), ("areaId", "area")):
        wrong = give | {field: NOBODY.replace("actor", tag)}
        with pytest.raises(Refused) as caught:
            await n.do("admin", "coreGiveMandate", "mandate { id }", **wrong)
        assert [(e["code"], e["path"]) for e in caught.value.errors] == [("NOT_FOUND", [field])]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ areas(first: 101) { totalCount } }", "BAD_PAGE_SIZE"),
        ("{ areas(first: -1) { nodes { id } } }", "BAD_PAGE_SIZE"),
        ('{ areas(after: "Incorrect padding") { nodes { id } } }', "BAD_CURSOR"),
        ('{ areas(after: "ID_ASC.00000000-0000-7000-8000-000000000000") { nodes { id } } }', "BAD_CURSOR"),
        ("{ areas(where: {code: {eq: null}}) { nodes { id } } }", "BAD_FILTER"),
        ('{ node(id: "activity_1") { id } }', "BAD_ID"),
        ("{ nothing }", "VALIDATION_FAILED"),
        ("{ areas(first: \"x\") { totalCount } }", "VALIDATION_FAILED"),
        ("{ areas {", "PARSE_FAILED"),
        ("query A { version } query B { version }", "BAD_OPERATION_NAME"),
        ("query($f: Int!) { areas(first: $f) { totalCount } }", "BAD_VARIABLES"),
        ("{ a: areas { nodes " + "{ children { nodes " * 20 + "{ id }" + "} }" * 20 + " } }", "TOO_DEEP"),
    ],
)  # fmt: skip
async def test_a_bad_query_has_a_code(neighbourhood: Neighbourhood, query: str, code: str) -> None:
    body = (await neighbourhood.post(None, query)).json()
    assert body["errors"][0]["extensions"]["code"] == code
    assert body["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"null", {}, 400),
        (b"[]", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b'{"query": 1}', {}, 400),
        (b'{"query": "{ version }", "variables": []}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"query": NaN}', {}, 400),
        (b"x" * 1_000_001, {}, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"content-type": "application/jsonx"}, 415),
        (b"{}", {"content-encoding": "gzip"}, 415),
        (b'{"query": "{ version }"}', {"authorization": "Bearer nonsense"}, 401),
        (b'{"query": "{ version }"}', {"authorization": "Basic eDp4"}, 401),
    ],
)
async def test_a_bad_request_is_refused_with_a_status_and_a_code(
    neighbourhood: Neighbourhood, body: bytes, headers: dict[str, str], status: int
) -> None:
    response = await neighbourhood.http.post(
        "/graphql", content=body, headers={"content-type": "application/json"} | headers
    )
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"]


async def test_the_wrong_method_names_the_right_ones(neighbourhood: Neighbourhood) -> None:
    response = await neighbourhood.http.put("/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


async def test_a_mutation_by_get_is_refused(neighbourhood: Neighbourhood) -> None:
    query = 'mutation { coreSignIn(input: {login: "a", password: "b"}) { token } }'
    body = (await neighbourhood.http.get("/graphql", params={"query": query})).json()
    assert body["errors"][0]["extensions"]["code"] == "MUTATION_OVER_GET"


async def test_a_mutation_without_a_viewer_says_sign_in_first(neighbourhood: Neighbourhood) -> None:
    found = await neighbourhood.ask(None, "{ activities { nodes { id } } }")
    query = "mutation($i: CoreActivityInput!) { coreJoinActivity(input: $i) { errors { code message } } }"
    answer = await neighbourhood.ask(None, query, i={"activityId": found["activities"]["nodes"][0]["id"]})
    assert answer["coreJoinActivity"]["errors"][0]["code"] == "NOT_SIGNED_IN"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ ...F0 } " + DOUBLING + "fragment F30 on Query { version }", "SELECTION_TOO_LARGE"),
        ("{ areas { nodes { ...P0 } } } " + PARENTS + "fragment P6 on Area { id }", "SELECTION_TOO_LARGE"),
        ("{ " + " ".join(f"a{n}: areas {{ totalCount }}" for n in range(31)) + " }", "TOO_MANY_ROOTS"),
        ("{ a: __schema { types { name } } b: __schema { types { name } } }", "TOO_MANY_ROOTS"),
        ("{ " + "areas(first: 1) { totalCount } " * 450 + "}", "TOO_MANY_REPEATS"),
        (
            "{ areas(first: 100) { nodes { children(first: 100) { nodes { children(first: 100) { nodes { id } } } } } } }",
            "QUERY_TOO_LARGE",
        ),
        (
            "mutation { ...M } fragment M on Mutation { "
            + " ".join(f'm{n}: coreSignIn(input: {{login: "x", password: "y"}}) {{ token }}' for n in range(11))
            + " }",
            "TOO_MANY_ROOTS",
        ),
        ('{ area(code: "a\\u0000b") { id } }', "BAD_TEXT"),
        ('{ areas(where: {name: {contains: "\\u0000"}}) { nodes { id } } }', "BAD_TEXT"),
        ("{ areas(where: {or: [" + "{code: {eq: \"x\"}}" * 101 + "]}) { nodes { id } } }", "TOO_MANY_VALUES"),
        ('{ activities(where: {startsAt: {lt: "0999-12-31T00:00:00Z"}}) { totalCount } }', "VALIDATION_FAILED"),
        ('{ activities(where: {startsAt: {lt: "9999-12-31T00:00:00Z"}}) { totalCount } }', "VALIDATION_FAILED"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "query",
)  # fmt: skip
async def test_too_much_is_refused(neighbourhood: Neighbourhood, query: str, code: str) -> None:
    response = await neighbourhood.post(None, query)
    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] == code


async def test_introspection_as_tools_send_it_works(neighbourhood: Neighbourhood) -> None:
    from graphql import build_client_schema, get_introspection_query

    answer = await neighbourhood.ask(None, get_introspection_query(input_value_deprecation=True))
    assert "Area" in build_client_schema(answer).type_map  # type: ignore[arg-type]


async def test_variables_are_bounded_and_whole(neighbourhood: Neighbourhood) -> None:
    query = "query($w: AreaWhere) { areas(where: $w) { totalCount } }"
    body = (await neighbourhood.post(None, query, w={"or": [{}] * 10_001})).json()
    assert body["errors"][0]["extensions"]["code"] == "VARIABLES_TOO_LARGE"
    http = neighbourhood.http
    half = await http.get(
        "/graphql", params={"query": "query($c: String!) { area(code: $c) { id } }", "variables": '{"c": "\\ud800"}'}
    )
    assert (half.status_code, half.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_JSON")


@pytest.mark.needs("points")
@pytest.mark.parametrize("cursor", ["PLACE_ASC.00000000-0000-7000-8000-000000000000:99999999999", "x", ""])
async def test_a_cursor_made_by_hand(neighbourhood: Neighbourhood, cursor: str) -> None:
    query = """query($a: ID!, $c: String) { pointsRanking(areaId: $a, kind: ENTERPRISE, period: "2026", after: $c) { nodes { place } } }"""
    body = (await neighbourhood.post(None, query, a=await neighbourhood.area_id("haicang"), c=cursor)).json()
    assert body["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
    query = query.replace("2026", "0001").replace(", after: $c", "").replace(", $c: String", "")
    body = (await neighbourhood.post(None, query, a=await neighbourhood.area_id("haicang"))).json()
    assert body["errors"][0]["extensions"]["code"] == "BAD_PERIOD"
