"""GraphQL over HTTP: the 61 audits of the public suite `graphql-http`, and what they leave open.

Each audit stands here under its id, with the request it makes and what must hold of the answer.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from core.testing.kit import Neighbourhood
from schema.answers import MAX_BODY

pytestmark = pytest.mark.anyio

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
ANY, NO = "*/*", None
TYPENAME = "{ __typename }"
TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
UNKNOWN = "{ 8f31403dfe404bccbb0e835f2629c6a7 }"
COERCE = "query CoerceFailure($id: ID!) { __typename }"
WRONG: tuple[Any, ...] = ({"ob": "ject"}, 0, False, ["array"])


@pytest.fixture(scope="module")
def dialect() -> str:
    """HTTP is the same on both databases."""
    return "sqlite"


@pytest.fixture(scope="module")
def neighbourhood(shared_neighbourhood: Neighbourhood) -> Neighbourhood:
    return shared_neighbourhood


@dataclass(frozen=True)
class Request:
    """A request; `accept` and `content` are headers, left out where they are None."""

    body: Any = None
    accept: str | None = ANY
    content: str | None = JSON
    method: str = "POST"
    params: dict[str, str] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    path: str = "/graphql"


async def send(n: Neighbourhood, request: Request) -> Any:
    body = request.body if isinstance(request.body, bytes | None) else json.dumps(request.body)
    content = request.content if request.method == "POST" else None
    given = n.http.build_request(request.method, request.path, params=request.params, content=body)
    for name, value in (("accept", request.accept), ("content-type", content)):
        given.headers.pop(name, None)
        if value is not None:
            given.headers[name] = value
    given.headers.update(dict(request.headers))
    return await n.http.send(given)


def post(body: Any, accept: str | None = ANY, **more: Any) -> Request:
    return Request(body, accept, **more)


def query(text: Any, accept: str | None = ANY, **more: Any) -> Request:
    return Request({"query": text} | more, accept)


def get(accept: str | None = ANY, **params: str) -> Request:
    return Request(accept=accept, method="GET", params=params)


@dataclass(frozen=True)
class Audit:
    id: str
    fact: str
    request: Request
    low: int = 200
    high: int = 0
    media: str = ""
    without: str = ""


def numbered(id: str, fact: str, requests: list[Request], low: int, **more: Any) -> list[Audit]:
    return [Audit(f"{id}{number}", fact, request, low, **more) for number, request in enumerate(requests)]


OPTIONAL = ("variables", "operationName", "extensions")
BAD_MAPS: tuple[Any, ...] = ("string", 0, False, ["array"])
MANY = (400, 499)
AUDITS = [
    Audit("22EB", "the draft's media type is served", query(TYPENAME, GRAPHQL), media=GRAPHQL),
    Audit("4655", "plain JSON is served", query(TYPENAME, JSON), media=JSON),
    Audit("47DE", "whoever takes anything gets plain JSON", query(TYPENAME, ANY), media=JSON),
    Audit("80D8", "whoever says nothing gets plain JSON", query(TYPENAME, NO), media=JSON),
    Audit("82A3", "the answer is UTF-8", query(TYPENAME, NO)),
    Audit("BF61", "a body in UTF-8 is read", post({"query": '{ __type(name: "跑🏃游🏊") { name } }'}, content=f"{JSON}; charset=utf-8")),
    Audit("78D5", "a body without a charset is UTF-8", query(TYPENAME)),
    Audit("2C94", "POST is served", query(TYPENAME)),
    Audit("5A70", "GET is served", get(query=TYPENAME)),
    Audit("9C48", "no mutation by GET", get(GRAPHQL, query="mutation { __typename }"), *MANY),
    Audit("9ABE", "a body without a type is refused", post({"query": TYPENAME}, content=None), *MANY),
    Audit("03D4", "a JSON body is read", query(TYPENAME)),
    Audit("A5BF", "a body is needed", post(None), 400),
    Audit("423L", "a query is needed", post({"notquery": TYPENAME}, GRAPHQL), 400),
    *numbered("LKJ", "query is a text", [query(wrong) for wrong in WRONG], 400),
    Audit("34A2", "a query is a text (draft)", query(TYPENAME, GRAPHQL)),
    Audit("13EE", "a query is a text (JSON)", query(TYPENAME, JSON), without="errors"),
    *numbered("6C0", "operationName is a text", [query(TYPENAME, operationName=wrong) for wrong in WRONG], 400),
    Audit("8161", "an operation is named (draft)", query("query Query { __typename }", GRAPHQL, operationName="Query")),
    Audit("B8B3", "an operation is named (JSON)", query("query Query { __typename }", JSON, operationName="Query"), without="errors"),
    *numbered("94B", "null is nothing sent (draft)", [query(TYPENAME, GRAPHQL, **{p: None}) for p in OPTIONAL], 200, without="errors"),
    *numbered("022", "null is nothing sent (JSON)", [query(TYPENAME, JSON, **{p: None}) for p in OPTIONAL], 200, without="errors"),
    *numbered("476", "variables are an object", [query(TYPENAME, variables=wrong) for wrong in BAD_MAPS], 400),
    Audit("2EA1", "variables are taken (draft)", query(TYPE, GRAPHQL, variables={"name": "sometype"})),
    Audit("28B9", "variables are taken (JSON)", query(TYPE, JSON, variables={"name": "sometype"}), without="errors"),
    Audit("D6D5", "variables by GET (draft)", get(GRAPHQL, query=TYPE, variables='{"name": "sometype"}'), without="errors"),
    Audit("6A70", "variables by GET (JSON)", get(JSON, query=TYPE, variables='{"name": "sometype"}'), without="errors"),
    *numbered("58B", "extensions are an object", [query(TYPENAME, extensions=wrong) for wrong in BAD_MAPS], 400),
    Audit("428F", "extensions are taken (draft)", query(TYPENAME, GRAPHQL, extensions={"some": "value"})),
    Audit("1B7A", "extensions are taken (JSON)", query(TYPENAME, JSON, extensions={"some": "value"}), without="errors"),
    Audit("B6DC", "what is no JSON is answered", post(b'{ "not a JSON', JSON), 200, 599),
    Audit("BCF8", "what is no JSON is 400 (JSON)", post(b'{ "not a JSON', JSON), 400),
    Audit("B7N8", "what is no JSON is 400 (draft)", post(b'{ "not a JSON', GRAPHQL), 400),
    Audit("8764", "a misspelt parameter is refused", post({"qeury": TYPENAME}), 400, 599),
    Audit("3E3A", "a misspelt parameter is 400", post({"qeury": TYPENAME}), 400),
    Audit("572B", "a syntax error is 200 (JSON)", query("{", JSON)),
    Audit("FDE2", "an invalid document is 200 (JSON)", query(UNKNOWN, JSON)),
    Audit("7B9B", "a bad variable is 200 (JSON)", query(COERCE, JSON, variables={"id": None})),
    Audit("865D", "a syntax error is an error (draft)", query("{", GRAPHQL), 400, 599),
    Audit("556A", "a syntax error is 400 (draft)", query("{", GRAPHQL), 400),
    Audit("D586", "a syntax error has no data (draft)", query("{", GRAPHQL), 400, without="data"),
    Audit("51FE", "an invalid document is an error (draft)", query(UNKNOWN, GRAPHQL), 400, 599),
    Audit("74FF", "an invalid document is 400 (draft)", query(UNKNOWN, GRAPHQL), 400),
    Audit("5E5B", "an invalid document has no data (draft)", query(UNKNOWN, GRAPHQL), 400, without="data"),
    Audit("86EE", "a bad variable is 400 (draft)", query(COERCE, GRAPHQL, variables={"id": None}), 400),
]  # fmt: skip


def test_there_are_61_audits() -> None:
    assert len({audit.id for audit in AUDITS}) == len(AUDITS) == 61


@pytest.mark.parametrize("audit", AUDITS, ids=lambda audit: f"{audit.id}-{audit.fact.replace(' ', '-')}")
async def test_an_audit_passes(neighbourhood: Neighbourhood, audit: Audit) -> None:
    answer = await send(neighbourhood, audit.request)
    assert audit.low <= answer.status_code <= (audit.high or audit.low), answer.text
    assert audit.media in answer.headers["content-type"]
    body = orjson.loads(answer.content)  # strict about UTF-8
    if audit.without:
        assert audit.without not in body


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON),
        (f"{GRAPHQL};q=0.5, */*", JSON),
        (f"{GRAPHQL}, */*", GRAPHQL),
        (f"{JSON}, */*", JSON),
        (f"{JSON}, */*;q=0.1", JSON),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"text/html, {JSON};q=0.1", JSON),
        ("APPLICATION/GraphQL-Response+JSON; Q=1; charset=UTF-8", GRAPHQL),
        ('application/json;charset="utf-8";q=0.3', JSON),
        (f"{JSON};profile=x", JSON),
        ('text/html;x="a, application/json", application/graphql-response+json', GRAPHQL),
        (f"multipart/mixed;deferSpec=20220824, {GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        ("text/html", None),
        ("image/*, text/*;q=0.5", None),
        (f"{JSON};q=0", None),
        ("*/*;q=0", None),
        (f"{JSON};charset=utf-16", None),
        (f"{JSON};q=2, {GRAPHQL};q=nan", None),
        (f"{JSON};q=x", None),
        ("application/jsonx, application/graphql+json", None),
        (",;,=;q", None),
    ],
)
async def test_accept_chooses_the_media_type(neighbourhood: Neighbourhood, accept: str, media: str | None) -> None:
    answer = await send(neighbourhood, query(TYPENAME, accept))
    if media is None:
        assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media}; charset=utf-8")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("application/json", None),
        ("Application/JSON ; Charset=\"UTF-8\"", None),
        ("application/json;charset=utf8;x=y", None),
        ("application/json; charset=utf-16", "UNSUPPORTED_CHARSET"),
        ("application/json; charset=gb18030", "UNSUPPORTED_CHARSET"),
        ("application/jsonx", "UNSUPPORTED_MEDIA_TYPE"),
        ("application/graphql", "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/form-data; boundary=x", "UNSUPPORTED_MEDIA_TYPE"),
        ("text/plain; application/json", "UNSUPPORTED_MEDIA_TYPE"),
        ("", "UNSUPPORTED_MEDIA_TYPE"),
    ],
)  # fmt: skip
async def test_only_json_in_utf8_is_read(neighbourhood: Neighbourhood, content: str, expected: str | None) -> None:
    answer = await send(neighbourhood, post({"query": TYPENAME}, content=content))
    assert (answer.status_code, code(answer)) == ((415, expected) if expected else (200, None))


def code(answer: Any) -> str | None:
    errors = answer.json().get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else None


@pytest.mark.parametrize(
    ("request_", "status", "expected"),
    [
        (query("query A { version } query B { version }", GRAPHQL), 400, "BAD_OPERATION_NAME"),
        (query("query A { version } query B { version }", JSON), 200, "BAD_OPERATION_NAME"),
        (query("query A { version } query B { version }", GRAPHQL, operationName="C"), 400, "BAD_OPERATION_NAME"),
        (query("query A { version } query B { version }", GRAPHQL, operationName="B"), 200, None),
        (query("query A { version }", GRAPHQL, operationName=""), 200, None),
        (query("fragment F on Query { version }", GRAPHQL), 400, "VALIDATION_FAILED"),
        (query("", GRAPHQL), 400, "PARSE_FAILED"),
        (query(" ", JSON), 200, "PARSE_FAILED"),
        (query("{ node(id: \"x\") { id } }", GRAPHQL), 200, "BAD_ID"),
        (post({"query": None}, JSON), 400, "NO_QUERY"),
        (get(GRAPHQL), 400, "NO_QUERY"),
        (get(GRAPHQL, query=""), 400, "PARSE_FAILED"),
        (get(GRAPHQL, query=TYPENAME, operationName="", variables="", extensions=""), 200, None),
        (get(GRAPHQL, query=TYPENAME, operationName="null"), 400, "BAD_OPERATION_NAME"),
        (get(GRAPHQL, query=TYPENAME, variables="null", extensions="null"), 200, None),
        (get(GRAPHQL, query=TYPENAME, variables="[]"), 400, "BAD_PARAMETER"),
        (get(JSON, query=TYPENAME, extensions="7"), 400, "BAD_PARAMETER"),
        (get(JSON, query=TYPENAME, variables="{"), 400, "BAD_JSON"),
        (get(GRAPHQL, query="query Q { version } mutation M { __typename }", operationName="Q"), 200, None),
        (get(JSON, query="query Q { version } mutation M { __typename }", operationName="M"), 405, "MUTATION_OVER_GET"),
        (get("text/html", query=TYPENAME), 406, "NOT_ACCEPTABLE"),
        (post({"query": TYPENAME}, "text/html", content="text/plain"), 406, "NOT_ACCEPTABLE"),
        (post({"query": TYPENAME}, GRAPHQL, headers=(("authorization", "Bearer x"),)), 401, "BAD_TOKEN"),
        (post({"query": TYPENAME}, GRAPHQL, path="/areas/nowhere/graphql"), 404, "UNKNOWN_AREA"),
        (post({"query": "{ nothing }"}, GRAPHQL, path="/areas/xishan/graphql"), 400, "VALIDATION_FAILED"),
    ],
)  # fmt: skip
async def test_what_the_audits_leave_open(
    neighbourhood: Neighbourhood, request_: Request, status: int, expected: str | None
) -> None:
    answer = await send(neighbourhood, request_)
    assert (answer.status_code, code(answer)) == (status, expected)
    if request_.accept == GRAPHQL:
        assert answer.headers["content-type"].startswith(GRAPHQL)
        assert ("data" in answer.json()) == (status == 200)
    if status == 405:
        assert answer.headers["allow"] == "POST"


async def test_each_method_is_answered(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    got = await send(n, get(GRAPHQL, query=TYPENAME))
    head = await send(n, Request(method="HEAD", params={"query": TYPENAME}, accept=GRAPHQL))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length"):
        assert head.headers[name] == got.headers[name]
    options = await send(n, Request(method="OPTIONS"))
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert not [name for name in options.headers if name.startswith("access-control")]
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "QUERY"):
        wrong = await send(n, Request({"query": TYPENAME}, method=method))
        assert (wrong.status_code, code(wrong)) == (405, "METHOD_NOT_ALLOWED"), method
        assert {"GET", "POST"} <= set(wrong.headers["allow"].split(", "))
    stray = await send(n, post({"query": TYPENAME}, path="/graphq"))
    assert (stray.status_code, code(stray)) == (404, "NO_SUCH_ADDRESS")


async def test_a_browser_gets_the_page_and_a_program_does_not(neighbourhood: Neighbourhood) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert (await send(neighbourhood, get(browser))).headers["content-type"].startswith("text/html")
    assert (await send(neighbourhood, get(browser, query=TYPENAME))).json() == {"data": {"__typename": "Query"}}
    assert (await send(neighbourhood, get(f"text/html;q=0, {JSON}"))).status_code == 400


@pytest.mark.parametrize(
    ("body", "headers", "status", "expected"),
    [
        (b"null", {}, 400, "BAD_BODY"),
        (b"5", {}, 400, "BAD_BODY"),
        (b'"{ version }"', {}, 400, "BAD_BODY"),
        (b'[{"query": "{ version }"}]', {}, 400, "BAD_BODY"),
        (b"", {}, 400, "BAD_JSON"),
        (b'{"query": "\xff"}', {}, 400, "BAD_JSON"),
        ('{"query": "{ version }"}'.encode("utf-16"), {}, 400, "BAD_JSON"),
        (b'\xef\xbb\xbf{"query": "{ version }"}', {}, 400, "BAD_JSON"),
        (b'{"query": "{ version }", "variables": {"a": NaN}}', {}, 400, "BAD_JSON"),
        (b'{"query": "{ version }", "variables": {"a": -Infinity}}', {}, 400, "BAD_JSON"),
        (b'{"query": "{ version }", "variables": {"a": ' + b"9" * 5_000 + b"}}", {}, 400, "BAD_JSON"),
        (b'{"query": "{ version }", "variables": ' + b'{"a":' * 100_000, {}, 400, "BAD_JSON"),
        (b'{"query": "{ version }", "variables": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}", {}, 400, "VARIABLES_TOO_DEEP"),
        (b'{"query": "{ version }", "variables": {"a": [' + b"0," * 10_001 + b"0]}}", {}, 400, "VARIABLES_TOO_LARGE"),
        (b'{"query": "{ version }"}', {"content-encoding": "gzip"}, 415, "UNSUPPORTED_ENCODING"),
        (b'{"query": "{ version }"}', {"content-encoding": "Identity"}, 200, None),
        (b" " * (MAX_BODY + 1), {}, 413, "BODY_TOO_LARGE"),
        (b"", {"content-length": "9" * 30}, 413, "BODY_TOO_LARGE"),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_request_is_refused(
    neighbourhood: Neighbourhood, body: bytes, headers: dict[str, str], status: int, expected: str | None
) -> None:
    for accept in (JSON, GRAPHQL):
        answer = await send(neighbourhood, Request(body, accept, headers=tuple(headers.items())))
        assert (answer.status_code, code(answer)) == (status, expected)


async def test_a_body_of_no_end_is_not_read_to_its_end(neighbourhood: Neighbourhood) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 400:
            sent += 1
            yield b"x" * 100_000

    answer = await neighbourhood.http.post("/graphql", content=endless(), headers={"content-type": JSON})
    assert (answer.status_code, code(answer), answer.headers["connection"]) == (413, "BODY_TOO_LARGE", "close")


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("query($i: [String!]!) { areas(where: {code: {in: $i}}) { totalCount } }", {"i": ["x"] * 10_000}, "VARIABLES_TOO_LARGE"),
        ("query($i: [String!]!) { areas(where: {code: {in: $i}}) { totalCount } }", {"i": ["x"] * 5_000}, "TOO_MANY_VALUES"),
        ("query($i: [ID!]!) { actors(where: {id: {in: $i}}) { totalCount } }", {"i": ["actor_x"] * 5_000}, "TOO_MANY_VALUES"),
        ("query($f: Int) { areas(first: $f) { totalCount } }", {"f": 10**25}, "BAD_VARIABLES"),
        ('{ areas(after: "LTU=") { totalCount nodes { id } } }', {}, "BAD_CURSOR"),
        ('{ areas(after: "\\ud83d\\ude00") { nodes { id } } }', {}, "BAD_CURSOR"),
        ("{ areas(first: -1) { nodes { id } } }", {}, "BAD_PAGE_SIZE"),
        (" ".join(f"query Q{n} {{ version }}" for n in range(51)), {}, "TOO_MANY_OPERATIONS"),
        ("{ version " + " ".join(f"@d{n}" for n in range(2_000)) + " }", {}, "VALIDATION_FAILED"),
        ("{ areas { nodes { " + " ".join(f"nam{n}" for n in range(1_500)) + " } } }", {}, "VALIDATION_FAILED"),
        ("{ " + "a " * 5_000 + "}", {}, "PARSE_FAILED"),
        ("{ a " * 1_500 + "}" * 1_500, {}, "PARSE_FAILED"),
        ("{ areas(where: " + "{not: " * 1_000 + "{}" + "}" * 1_000 + ") { totalCount } }", {}, "PARSE_FAILED"),
        (
            "{ areas { nodes { " + " ".join(f"...F{n}" for n in range(150)) + " } } } "
            + " ".join(f"fragment F{n} on Area {{ parent {{ id parent {{ id name }} }} }}" for n in range(150)),
            {}, "TOO_MANY_MERGES",
        ),
        ("{ areas { nodes { " + ("parent { " + "parent { id name kind } " * 20 + "} ") * 20 + "} } }", {}, "TOO_MANY_MERGES"),
        (
            "{ version } " + " ".join(
                f"fragment F{n} on Area {{ " + ("parent { " + "parent { id name } " * 20 + "} ") * 5 + "}" for n in range(4)
            ),
            {}, "TOO_MANY_MERGES",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)  # fmt: skip
async def test_too_much_is_refused_with_few_words(
    neighbourhood: Neighbourhood, text: str, variables: dict[str, Any], expected: str
) -> None:
    answer = await send(neighbourhood, query(text, GRAPHQL, variables=variables))
    assert code(answer) == expected
    assert len(answer.json()["errors"]) <= 21
    assert len(answer.content) < 10_000


async def test_what_applications_write_is_within_the_limits(neighbourhood: Neighbourhood) -> None:
    """Forty components that each spread their own fragment on the same list."""
    text = "{ areas(first: 2) { nodes { " + " ".join(f"...F{n}" for n in range(40)) + " } } } "
    text += " ".join(f"fragment F{n} on Area {{ id name a{n}: code parent {{ id name }} }}" for n in range(40))
    answer = await send(neighbourhood, query(text, GRAPHQL))
    assert answer.status_code == 200, answer.text


async def test_typos_are_explained_and_faults_are_not(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    typo = await send(n, query("{ areas { nodes { nam } } }"))
    assert "Did you mean 'name'" in typo.json()["errors"][0]["message"]

    async def broken(*_: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(n.server.runtime.viewers, "of", broken)
    fault = await send(n, post({"query": TYPENAME}, GRAPHQL, headers=(("authorization", "Bearer y"),)))
    assert (fault.status_code, code(fault)) == (500, "INTERNAL_ERROR")
    assert "swordfish" not in fault.text


@pytest.mark.parametrize(
    "request_",
    [
        query(TYPENAME), query("{", GRAPHQL), post(b"null"), get("text/html"), Request(method="PUT"), Request(method="TRACE"),
        Request(method="OPTIONS"), post({}, path="/nowhere"), post({}, path="/livez"), get("text/html", query=TYPENAME),
    ],
)  # fmt: skip
async def test_every_answer_has_the_safe_headers(neighbourhood: Neighbourhood, request_: Request) -> None:
    headers = (await send(neighbourhood, request_)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        ("en", "Send UTF-8."),
        ("zh-CN", "请使用 UTF-8 编码。"),
        (None, "请使用 UTF-8 编码。"),
        ("fr, en-GB ; q=0.5, zh;q=0.4", "Send UTF-8."),
        ("en;q=0, zh;q=0.1", "请使用 UTF-8 编码。"),
    ],
)
async def test_refusals_speak_the_language_asked_for(
    neighbourhood: Neighbourhood, spoken: str | None, said: str
) -> None:
    headers = (("accept-language", spoken),) if spoken else ()
    request = post({"query": TYPENAME}, content=f"{JSON}; charset=utf-16", headers=headers)
    answer = await send(neighbourhood, request)
    assert answer.json()["errors"][0]["message"] == said


async def test_a_limit_speaks_the_language_asked_for(neighbourhood: Neighbourhood) -> None:
    text = "{ " + " ".join(f"a{n}: version" for n in range(31)) + " }"
    for spoken, said in (("en", "At most 30 root fields"), ("zh-CN", "一次请求最多 30 个顶层字段")):
        answer = await send(neighbourhood, post({"query": text}, headers=(("accept-language", spoken),)))
        assert answer.json()["errors"][0]["message"].startswith(said)
