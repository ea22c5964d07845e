"""The HTTP face: POST and GET /graphql, a page to try queries, and health. JSON in, JSON out, nothing internal shown."""

from __future__ import annotations

import json
from importlib.resources import files
from time import monotonic
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from core.access import ANONYMOUS, Viewer
from core.accounts import hash_token
from core.messages import choose_language
from core.runtime import Runtime
from schema.execution import GraphQL

MAX_BODY = 1_000_000
TOKEN_SECONDS = 1.0
TOKENS = 5_000
JSON = "application/json"


class Refused(Exception):
    """The request itself is wrong: an HTTP status with a stable code."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


class Endpoint:
    def __init__(self, graphql: GraphQL, runtime: Runtime, language: str) -> None:
        self.graphql = graphql
        self.runtime = runtime
        self.language = language
        self._viewers: dict[str, tuple[float, Viewer]] = {}
        self._page = files("schema").joinpath("page.html").read_text("utf-8")

    def routes(self) -> list[Route]:
        return [
            Route("/", self.page, methods=["GET"]),
            Route("/graphql", self.serve, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/livez", self.live, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
        ]

    async def serve(self, request: Request) -> Response:
        try:
            if request.method == "GET":
                if "query" not in request.query_params and "text/html" in request.headers.get("accept", ""):
                    return await self.page(request)
                query, variables, name = _from_query_string(request)
            elif request.method == "POST":
                query, variables, name = _from_body(await _read_body(request))
            else:
                raise Refused(405, "METHOD_NOT_ALLOWED", "Use POST, or GET for queries.", {"allow": "GET, POST"})
            response = await self.graphql.execute(
                query,
                variables,
                name,
                viewer=await self.viewer(request),
                language=choose_language(request.headers.get("accept-language"), self.language),
                only_query=request.method == "GET",
            )
        except Refused as refused:
            body = {"errors": [{"message": refused.message, "extensions": {"code": refused.code}}]}
            return _json(body, refused.status, refused.headers)
        except Exception as error:
            return _json({"errors": [self.graphql.internal_error(error, self.language)]}, 500)
        return _json(response, 200)

    async def viewer(self, request: Request) -> Viewer:
        """Who the bearer token stands for; seen afresh at least once a second (mutations look again themselves)."""
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
        return _json({"status": "live"}, 200)

    async def ready(self, request: Request) -> Response:
        try:
            await self.runtime.database.read("SELECT 1")
        except Exception:
            return _json({"status": "database unreachable"}, 503)
        return _json({"status": "ready"}, 200)


_SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store", "referrer-policy": "no-referrer"}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
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


def _from_body(body: dict[str, Any]) -> tuple[str, dict[str, Any] | None, str | None]:
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise Refused(400, "NO_QUERY", "`query` must be a document text.")
    if variables is not None and not isinstance(variables, dict):
        raise Refused(400, "BAD_VARIABLES", "`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "BAD_OPERATION_NAME", "`operationName` must be a text.")
    return query, variables, name


def _from_query_string(request: Request) -> tuple[str, dict[str, Any] | None, str | None]:
    body: dict[str, Any] = {"query": request.query_params.get("query")}
    if "variables" in request.query_params:
        try:
            body["variables"] = json.loads(request.query_params["variables"])
        except (ValueError, RecursionError):
            raise Refused(400, "BAD_JSON", "`variables` is not JSON.") from None
    if "operationName" in request.query_params:
        body["operationName"] = request.query_params["operationName"]
    return _from_body(body)
