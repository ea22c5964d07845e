"""An OpenID provider in a process of its own, honest unless told otherwise: `python openid.py PORT`.

`POST /control` with {"subject", "skew", "wrong", "rotate", "down"} says whom it knows the next visitor as, by how many
seconds its clock is wrong, what is wrong with its tokens, whether it takes a new key, and whether it fails.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from joserfc import jwk, jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "gongzhi", "canary-client-secret"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: dict[str, str], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token that the library refuses to make."""
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest()) if secret else ''}"


class OpenId:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys: list[Any] = []
        self.told: dict[str, Any] = {"subject": "subject-1", "skew": 0, "wrong": "", "down": False}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked_for_keys = 0
        self.rotate()

    def rotate(self) -> None:
        self.keys[:] = [jwk.generate_key("RSA", 2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})]

    async def discovery(self, request: Request) -> Response:
        if self.told["down"]:
            return JSONResponse({}, 503)
        issuer = "https://elsewhere.example" if self.told["wrong"] == "issuer" else self.issuer
        return JSONResponse({
            "issuer": issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        })  # fmt: skip

    async def jwks(self, request: Request) -> Response:
        self.asked_for_keys += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (
            asked["client_id"] == CLIENT
            and asked["response_type"] == "code"
            and asked["code_challenge_method"] == "S256"
        )
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request) -> Response:
        if self.told["down"]:
            return JSONResponse({}, 503)
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(str(form.get("code")), None)  # once
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = encoded(digest)
        is_theirs = (
            asked is not None
            and request.headers.get("authorization") == f"Basic {pair}"
            and asked["redirect_uri"] == form.get("redirect_uri")
            and asked["code_challenge"] == challenge
        )
        if not is_theirs or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])})

    def id_token(self, nonce: str) -> str:
        wrong, now = self.told["wrong"], int(time.time()) + self.told["skew"]
        claims: dict[str, Any] = {
            "iss": self.issuer, "sub": self.told["subject"], "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
        }  # fmt: skip
        other: dict[str, dict[str, Any]] = {
            "iss": {"iss": "https://elsewhere.example"},
            "aud": {"aud": "somebody else"},
            "azp": {"aud": [CLIENT, "somebody else"], "azp": "somebody else"},
            "nonce": {"nonce": "another"},
            "exp": {"exp": now - 3600},
            "sub": {"sub": ""},
        }
        key, header = self.keys[0], {"alg": "RS256", "kid": self.keys[0].kid}
        if wrong == "key":  # somebody else's, under the name of ours
            key = jwk.generate_key("RSA", 2048)
        if wrong == "none":
            return by_hand({"alg": "none", "kid": key.kid}, claims, None)
        if wrong == "hmac":  # our public key taken for a shared secret
            return by_hand({"alg": "HS256", "kid": key.kid}, claims, key.as_pem(private=False))
        return jwt.encode(header, claims | other.get(wrong, {}), key, algorithms=["RS256"])

    async def control(self, request: Request) -> Response:
        told = await request.json()
        if told.pop("rotate", False):
            self.rotate()
        self.told |= told
        return JSONResponse({"asked_for_keys": self.asked_for_keys})

    def app(self) -> Starlette:
        routes = [
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/jwks", self.jwks),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/control", self.control, methods=["POST"]),
        ]
        return Starlette(routes=routes)


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(OpenId(f"http://127.0.0.1:{port}").app(), host="127.0.0.1", port=port, log_level="warning")
