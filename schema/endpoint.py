"""The HTTP face: POST and GET /graphql, a page to try queries, and health. JSON in, JSON out, nothing internal shown."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any
from uuid import UUID

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core.access import ANONYMOUS, Viewer
from core.accounts import hash_token
from core.errors import Refusal
from core.messages import choose_language
from core.runtime import Runtime
from core.settings.take_up import TakeUp
from core.trusted import TrustedDocuments
from schema.answers import SAFE, Refused, answer, read_json, refuse
from schema.compose import KEPT_SETS, compose
from schema.execution import GraphQL
from schema.heads import headers_of
from schema.media import JSON, choose_media, wants_page
from schema.rates import BAD_TOKEN, REQUEST, Meter, OverLimit, Rates

MAX_VALUES = 10_000
MAX_NESTING = 100
READY_SECONDS = 5.0
BEARER = {"www-authenticate": "Bearer"}
READ, ALLOWED = ("GET", "HEAD"), "GET, HEAD, POST, OPTIONS"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
DOCUMENT = ("query", "documentId", "extensions")  # any of them asks for an operation
Act = Callable[[Request], Awaitable[Response]]


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
        self._page = files("schema").joinpath("page.html").read_text("utf-8")

    def routes(self) -> list[Route]:
        return [
            Route("/areas/{code}/graphql", self.limited(self.serve), methods=METHODS),
            Route("/", self.page, methods=["GET"]),
            Route("/livez", self.live, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
        ]

    async def serve(self, request: Request) -> Response:
        """One operation, after the draft “GraphQL over HTTP” (docs/decisions/0010)."""
        language, media = self._language(request), JSON
        try:
            reads = request.method in READ
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=SAFE | {"allow": ALLOWED})
            if not reads and request.method != "POST":
                raise Refused(405, "METHOD_NOT_ALLOWED", {"allow": ALLOWED}, allowed=ALLOWED)
            accept = headers_of(request).get("accept", "")
            if reads and not any(name in request.query_params for name in DOCUMENT) and wants_page(accept):
                return await self.page(request)
            chosen = choose_media(accept)
            if chosen is None:
                raise Refused(406, "NOT_ACCEPTABLE")
            media = chosen
            body = _from_query_string(request) if reads else await read_json(request)
            query, variables, name = _asked(body, self.trusted)
            viewer = await self.viewer(request)
            graphql, root_area = await self._contract(request.path_params.get("code"))
            response = await graphql.execute(
                query,
                variables,
                name,
                viewer=viewer,
                language=language,
                only_query=reads,
                root_area=root_area,
                meter=request.state.meter,
            )
            return answer(response, 200 if media == JSON or "data" in response else 400, media=media)
        except OverLimit as over:
            return self._over(over, language, media)
        except Refusal as refusal:
            return self._refuse(refusal, language, media)
        except Exception as error:
            return answer({"errors": [self.graphql.errors.internal(error, language)]}, 500, media=media)

    def limited(self, act: Act) -> Act:
        """The same within the quotas of its viewer and address: 429 beyond them, and headers that say what is left."""

        async def respond(request: Request) -> Response:
            meter: Meter = self.rates.meter(request)
            request.state.meter = meter
            try:
                meter.spend(REQUEST)
                response = await act(request)
            except OverLimit as over:
                response = self._over(over, self._language(request), JSON)
            if told := meter.headers():
                response.headers.update(told)
            return response

        return respond

    def _over(self, over: OverLimit, language: str, media: str) -> Response:
        message = self.runtime.messages.render(over.code, language, over.values)
        body = {"errors": [{"message": message, "extensions": {"code": over.code, **over.values}}]}
        return answer(body, 429, {"retry-after": str(over.seconds)}, media=media)

    async def stray(self, request: Request, error: Exception) -> Response:
        """An address that is none of ours, or a method that it does not have."""
        assert isinstance(error, HTTPException)
        refused = Refused(error.status_code, "NO_SUCH_ADDRESS")
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            refused = Refused(405, "METHOD_NOT_ALLOWED", {"allow": allowed}, allowed=allowed)
        return self._refuse(refused, self._language(request))

    def _language(self, request: Request) -> str:
        return choose_language(headers_of(request).get("accept-language", ""), self.language)

    def _refuse(self, refusal: Refusal, language: str, media: str = JSON) -> Response:
        if refusal.code == "MUTATION_OVER_GET":
            refusal = Refused(405, refusal.code, {"allow": "POST"})
        elif refusal.code in _DOCUMENT_STATUS:
            refusal = Refused(_DOCUMENT_STATUS[refusal.code], refusal.code, **refusal.values)
        elif not isinstance(refusal, Refused):
            refusal = Refused(503, refusal.code, {"retry-after": "1"}, **refusal.values)
        return refuse(refusal, self.runtime.messages, language, media=media)

    async def _contract(self, code: str | None) -> tuple[GraphQL, UUID | None]:
        """What to execute against: everything installed, or exactly what an area has on, and that area's id."""
        if code is None:
            return self.graphql, None
        contract = await self.runtime.on_in(code)
        if contract is None:
            raise Refused(404, "UNKNOWN_AREA", area=code[:80])
        area_id, live = contract
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
        return found, area_id

    async def viewer(self, request: Request) -> Viewer:
        """Who the bearer token stands for; seen afresh at least once a second (mutations look again themselves)."""
        viewer = await self._bearer(request)
        self.rates.seen(request.state.meter, viewer)
        return viewer

    async def _bearer(self, request: Request) -> Viewer:
        header = headers_of(request).get("authorization")
        if header is None:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > 200:
            raise Refused(401, "BAD_TOKEN", BEARER)
        viewer, cuts = await self.runtime.viewers.of(hash_token(token.strip())), self.runtime.kernel.cuts()
        if not viewer.signed_in:
            request.state.meter.owe(BAD_TOKEN)
            raise Refused(401, "BAD_TOKEN", BEARER)
        return viewer if viewer.cuts == cuts else replace(viewer, cuts=cuts)

    async def page(self, request: Request) -> Response:
        return HTMLResponse(self._page, headers=SAFE | {"content-security-policy": _PAGE_POLICY})

    async def live(self, request: Request) -> Response:
        return answer({"status": "live"}, 200)

    async def _may_look_inside(self, request: Request) -> bool:
        """Who asks from this machine itself, and who may turn plugins on and off; nobody else learns what is wrong."""
        if "authorization" not in headers_of(request):
            return self.rates.is_from_here(request)
        try:
            request.state.meter = self.rates.meter(request)
            viewer = await self._bearer(request)
        except Refusal:
            return False
        return bool(viewer.areas(self.runtime.book["core.plugin.toggle"]))

    async def ready(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self.runtime.database.check()
        except Exception:
            return answer({"status": "database does not answer"}, 503)
        if not await self._may_look_inside(request):
            return answer({"status": "ready"}, 200)
        kernel = self.runtime.kernel
        plugins = {key: str(kernel.health.status(key)) for key in {*kernel.plugins, *kernel.health.left_out}}
        body: dict[str, Any] = {"status": "ready", "plugins": dict(sorted(plugins.items()))}
        problems = {key: problem for key in body["plugins"] if (problem := kernel.health.problem(key)) is not None}
        if problems:
            body["problems"] = problems
        wrong = [*self.take_up.problems, *self.trusted.problems]
        for name, found in (("configuration", wrong), ("notices", self.take_up.notices)):
            if found:
                body[name] = [p.as_json(self.language) for p in found]
        return answer(body, 200)


class Application(Starlette):
    """What asks for /graphql goes straight to the endpoint, past the routes and middleware of all other addresses."""

    def __init__(self, endpoint: Endpoint, routes: Sequence[Route]) -> None:
        super().__init__(routes=[*endpoint.routes(), *routes], exception_handlers={HTTPException: endpoint.stray})
        self._graphql = endpoint.limited(endpoint.serve)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/graphql":
            await super().__call__(scope, receive, send)
            return
        response = await self._graphql(Request(scope, receive))
        await response(scope, receive, send)


_DOCUMENT_STATUS = {
    "UNTRUSTED_DOCUMENT": 403,
    "DOCUMENT_MISMATCH": 400,
    "BAD_DOCUMENT_ID": 400,
    "DOCUMENT_NOT_FOUND": 404,
    "PERSISTED_QUERY_NOT_FOUND": 200,  # which its clients take for an answer
    "PERSISTED_QUERY_NOT_SUPPORTED": 200,
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _asked(body: Any, trusted: TrustedDocuments) -> tuple[str, dict[str, Any] | None, str | None]:
    """Document, variables and operation name; a parameter that is null is one that was not sent."""
    if not isinstance(body, dict):
        raise Refused(400, "BAD_BODY", example='{"query": "{ version }"}')
    query, variables, name = trusted.text_for(body), body.get("variables"), body.get("operationName")
    if query is None:
        raise Refused(400, "NO_QUERY")
    if not isinstance(query, str):
        raise Refused(400, "BAD_PARAMETER", name="query")
    for parameter, type in _TYPES:
        value = body.get(parameter)
        if value is not None and not isinstance(value, type):
            raise Refused(400, "BAD_PARAMETER", name=parameter)
    if variables:
        _check_size(variables)
    return query, variables, name or None


_TYPES = (("variables", dict), ("operationName", str), ("extensions", dict))


def _check_size(variables: Any) -> None:
    """Refuse more values, or values nested deeper, than any operation needs; looks no further than needed."""
    level, count, depth = [variables], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > MAX_VALUES:
            raise Refused(400, "VARIABLES_TOO_LARGE", limit=MAX_VALUES)
        if depth > MAX_NESTING:
            raise Refused(400, "VARIABLES_TOO_DEEP", limit=MAX_NESTING)
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level = [value for values in inner for value in values]


def _from_query_string(request: Request) -> dict[str, Any]:
    """The parameters as a body would have them; empty ones were not sent, except an empty document."""
    given = request.query_params
    body: dict[str, Any] = {name: given.get(name) for name in ("query", "documentId", "operationName")}
    for name in ("variables", "extensions"):
        if text := given.get(name):
            try:
                body[name] = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise Refused(400, "BAD_JSON", what=f"{name}: {error}"[:100]) from None
    return body
