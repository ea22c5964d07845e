"""The HTTP face: POST and GET /graphql, a page to try queries, and health. JSON in, JSON out, nothing internal shown."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from importlib.resources import files
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from core.access import ANONYMOUS, Viewer
from core.accounts import hash_token
from core.errors import Refusal
from core.messages import choose_language
from core.rules.areas import is_area_code
from core.runtime import Runtime
from core.settings.store import as_instant, as_uuid
from core.settings.take_up import TakeUp
from core.trusted import TrustedDocuments
from schema.compose import KEPT_SETS, compose
from schema.execution import GraphQL
from schema.rates import BAD_TOKEN, REQUEST, Meter, OverLimit, Rates

MAX_BODY = 1_000_000
MAX_VALUES = 10_000
TOKEN_SECONDS = 1.0
READY_SECONDS = 5.0
TOKENS = 5_000
JSON = "application/json"
Act = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """The request itself is wrong: an HTTP status with a stable code."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


class Endpoint:
    def __init__(
        self,
        graphql: GraphQL,
        runtime: Runtime,
        take_up: TakeUp,
        language: str,
        trusted: TrustedDocuments,
        rates: Rates,
    ) -> None:
        self.graphql = graphql
        self.runtime = runtime
        self.take_up = take_up
        self.language = language
        self.trusted = trusted
        self.rates = rates
        self._composing = asyncio.Lock()
        self._by_set: OrderedDict[frozenset[str], GraphQL] = OrderedDict()
        self._viewers: dict[str, tuple[float, Viewer]] = {}
        self._page = files("schema").joinpath("page.html").read_text("utf-8")

    def routes(self) -> list[Route]:
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/graphql", self.limited(self.serve), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/areas/{code}/graphql", self.limited(self.serve), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/livez", self.live, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
        ]

    async def serve(self, request: Request) -> Response:
        try:
            if request.method == "GET":
                if not _ASKED & request.query_params.keys() and "text/html" in request.headers.get("accept", ""):
                    return await self.page(request)
                query, variables, name = _from_query_string(request, self.trusted)
            elif request.method == "POST":
                query, variables, name = _from_body(await _read_body(request), self.trusted)
            else:
                raise Refused(405, "METHOD_NOT_ALLOWED", "Use POST, or GET for queries.", {"allow": "GET, POST"})
            viewer = await self.viewer(request)
            language = choose_language(request.headers.get("accept-language"), self.language)
            graphql, root_area = await self._contract(request.path_params.get("code"), language)
            response = await graphql.execute(
                query,
                variables,
                name,
                viewer=viewer,
                language=language,
                only_query=request.method == "GET",
                root_area=root_area,
                meter=request.state.meter,
            )
            return answer(response, 200)
        except OverLimit:
            raise
        except Refused as refused:
            body = {"errors": [{"message": refused.message, "extensions": {"code": refused.code}}]}
            return answer(body, refused.status, refused.headers)
        except Refusal as refusal:
            language = choose_language(request.headers.get("accept-language"), self.language)
            message = self.runtime.messages.render(refusal.code, language, refusal.values)
            body = {"errors": [{"message": message, "extensions": {"code": refusal.code}}]}
            if refusal.code in _DOCUMENT_STATUS:
                return answer(body, _DOCUMENT_STATUS[refusal.code])
            return answer(body, 503, {"retry-after": "1"})
        except Exception as error:
            return answer({"errors": [self.graphql.internal_error(error, self.language)]}, 500)

    def limited(self, act: Act) -> Act:
        """The same within the quotas of its viewer and address: 429 beyond them, and headers that say what is left."""

        async def respond(request: Request) -> Response:
            meter: Meter = self.rates.meter(request)
            request.state.meter = meter
            try:
                meter.spend(REQUEST)
                response = await act(request)
            except OverLimit as over:
                language = choose_language(request.headers.get("accept-language"), self.language)
                message = self.runtime.messages.render(over.code, language, over.values)
                body = {"errors": [{"message": message, "extensions": {"code": over.code, **over.values}}]}
                response = answer(body, 429, {"retry-after": str(over.seconds)})
            response.headers.update(meter.headers())
            return response

        return respond

    async def _contract(self, code: str | None, language: str) -> tuple[GraphQL, UUID | None]:
        """What to execute against: everything installed, or exactly what an area has on, and that area's id."""
        if code is None:
            return self.graphql, None
        database, now = self.runtime.database, self.runtime.clock.now()
        rows = []
        if is_area_code(code):
            rows = await database.read(
                "SELECT a.id, p.plugin, p.until FROM core_area a LEFT JOIN core_plugin_area p ON p.area_id = a.id"
                f" WHERE a.code = {database.dialect.mark(1)}",
                [code],
            )
        if not rows:
            message = self.runtime.messages.render("UNKNOWN_AREA", language, {"area": code[:80]})
            raise Refused(404, "UNKNOWN_AREA", message)
        live = frozenset(
            plugin
            for _, plugin, until in rows
            if plugin in self.runtime.kernel.plugins and ((end := as_instant(until)) is None or end > now)
        )
        found = self._by_set.get(live)
        if found is None:
            # Composing takes a moment; others are served meanwhile.
            async with self._composing:
                schema = await asyncio.to_thread(compose, live, self.runtime.book, rooted=True)
            found = GraphQL(schema, self.runtime, self.graphql.sign_in, self.graphql.documents)
            self._by_set[live] = found
            while len(self._by_set) > KEPT_SETS:
                self.graphql.documents.forget(self._by_set.popitem(last=False)[1])
        self._by_set.move_to_end(live)
        return found, as_uuid(rows[0][0])

    async def viewer(self, request: Request) -> Viewer:
        """Who the bearer token stands for; seen afresh at least once a second (mutations look again themselves)."""
        viewer = await self._bearer(request)
        self.rates.seen(request.state.meter, viewer)
        return viewer

    async def _bearer(self, request: Request) -> Viewer:
        header = request.headers.get("authorization")
        if header is None:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > 200:
            raise Refused(401, "BAD_TOKEN", "Send `Authorization: Bearer <token>`.", {"www-authenticate": "Bearer"})
        digest = hash_token(token.strip())
        kept = self._viewers.get(digest)
        if kept is not None and monotonic() - kept[0] < TOKEN_SECONDS:
            return kept[1]
        viewer = await self.runtime.viewer(digest)
        if not viewer.signed_in:
            self._viewers.pop(digest, None)
            request.state.meter.owe(BAD_TOKEN)
            raise Refused(
                401, "BAD_TOKEN", "This token is unknown, expired or revoked; sign in again.",
                {"www-authenticate": "Bearer"},
            )  # fmt: skip
        if len(self._viewers) >= TOKENS:
            self._viewers.clear()
        self._viewers[digest] = (monotonic(), viewer)
        return viewer

    async def page(self, request: Request) -> Response:
        return HTMLResponse(self._page, headers=_SAFE | {"content-security-policy": _PAGE_POLICY})

    async def live(self, request: Request) -> Response:
        return answer({"status": "live"}, 200)

    async def ready(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self.runtime.database.check()
        except Exception:
            return answer({"status": "database does not answer"}, 503)
        kernel = self.runtime.kernel
        plugins = {key: str(kernel.health.status(key)) for key in {*kernel.plugins, *kernel.health.left_out}}
        body: dict[str, Any] = {"status": "ready", "plugins": dict(sorted(plugins.items()))}
        wrong = [*self.take_up.problems, *self.trusted.problems]
        for name, found in (("configuration", wrong), ("notices", self.take_up.notices)):
            if found:
                body[name] = [p.as_json(self.language) for p in found]
        return answer(body, 200)


_ASKED = {"query", "documentId", "extensions"}
_DOCUMENT_STATUS = {
    "BAD_DOCUMENT_ID": 400,
    "DOCUMENT_MISMATCH": 400,
    "UNTRUSTED_DOCUMENT": 403,
    "DOCUMENT_NOT_FOUND": 404,
    "PERSISTED_QUERY_NOT_FOUND": 200,  # which its clients take for an answer
    "PERSISTED_QUERY_NOT_SUPPORTED": 200,
}
_SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store", "referrer-policy": "no-referrer"}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def answer(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    """A JSON response with the headers every answer has."""
    return Response(orjson.dumps(body), status, media_type=JSON, headers=_SAFE | (headers or {}))


async def _read_body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "Send application/json.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "UNSUPPORTED_ENCODING", "Send the body without compression.")
    size, parts = 0, []
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY:
                raise Refused(413, "BODY_TOO_LARGE", f"At most {MAX_BODY} bytes.")
            parts.append(chunk)
    except ClientDisconnect:
        raise Refused(400, "BAD_BODY", "The body did not arrive whole.") from None
    try:
        body = orjson.loads(b"".join(parts))
    except orjson.JSONDecodeError as error:
        raise Refused(400, "BAD_JSON", f"The body is not JSON: {str(error)[:100]}") from None
    if not isinstance(body, dict):
        raise Refused(400, "BAD_BODY", 'The body must be an object such as {"query": "{ version }"}.')
    return body


def _from_body(body: dict[str, Any], trusted: TrustedDocuments) -> tuple[str, dict[str, Any] | None, str | None]:
    query, variables, name = trusted.text_for(body), body.get("variables"), body.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise Refused(400, "NO_QUERY", "`query` must be a document text.")
    if variables is not None and not isinstance(variables, dict):
        raise Refused(400, "BAD_VARIABLES", "`variables` must be an object.")
    if variables is not None and _values_in(variables) > MAX_VALUES:
        raise Refused(400, "VARIABLES_TOO_LARGE", f"At most {MAX_VALUES} values in `variables`.")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "BAD_OPERATION_NAME", "`operationName` must be a text.")
    return query, variables, name


def _values_in(value: Any) -> int:
    """How many values there are, counted no further than needed."""
    waiting, count = [value], 0
    while waiting and count <= MAX_VALUES:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one[: MAX_VALUES + 1])
    return count


def _from_query_string(request: Request, trusted: TrustedDocuments) -> tuple[str, dict[str, Any] | None, str | None]:
    body: dict[str, Any] = {k: request.query_params.get(k) for k in ("query", "documentId")}
    for key in ("variables", "extensions"):
        if key in request.query_params:
            try:
                body[key] = orjson.loads(request.query_params[key])
            except orjson.JSONDecodeError:
                raise Refused(400, "BAD_JSON", f"`{key}` is not JSON.") from None
    if "operationName" in request.query_params:
        body["operationName"] = request.query_params["operationName"]
    return _from_body(body, trusted)
