"""OpenID Connect (Core 1.0, Discovery 1.0): the authorization code flow with PKCE (RFC 7636), state and nonce.

The verifier, state and nonce are worked out from the challenge, which only whoever began has, so nothing secret is kept.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import structlog
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from core.clock import Clock
from core.enums import ProviderKind
from core.errors import Refusal
from core.keys import KeyRing
from core.sign_in import Asked, Begun, derived
from core.sign_in.config import OidcConfig, is_safe

log = structlog.get_logger("gongzhi.sign_in")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
SECONDS = 5.0  # for one answer of the provider
MOST_BYTES = 1_000_000
KEPT = 600.0  # seconds for which what the provider publishes is believed
AGAIN = 5.0  # seconds between two looks for a key that was not there


class Untrue(Exception):
    """What the provider, or somebody who says so, sent is not to be believed; the text names the reason and no value."""


@dataclass(frozen=True)
class Published:
    """What a provider says of itself, and its keys."""

    authorization_endpoint: str
    token_endpoint: str
    keys: tuple[Any, ...]
    at: float


class Oidc:
    kind = ProviderKind.REDIRECT

    def __init__(self, config: OidcConfig, secret: str, keys: KeyRing, clock: Clock) -> None:
        self.config = config
        self.key, self.title = config.key, config.title
        self.keys = keys
        self.clock = clock
        self._secret = secret
        self._published: Published | None = None
        self._looking = asyncio.Lock()

    def counted(self, asked: Asked) -> Mapping[str, int]:
        self._redirect(asked)
        return {}

    def _redirect(self, asked: Asked) -> str:
        uri = asked.redirect_uri or self.config.redirect_uris[0]
        if uri not in self.config.redirect_uris:
            raise Refusal("BAD_REDIRECT_URI", path=("redirectUri",))
        return uri

    async def begin(self, secret: str, asked: Asked) -> Begun:
        redirect, state = self._redirect(asked), derived(secret, "state")
        published = await self._tried(self._look())
        challenge = hashlib.sha256(derived(secret, "verifier").encode()).digest()
        query = urlencode({
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": redirect,
            "scope": "openid",
            "state": state,
            "nonce": derived(secret, "nonce"),
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        })  # fmt: skip
        between = "&" if "?" in published.authorization_endpoint else "?"
        return Begun({"redirect_uri": redirect}, f"{published.authorization_endpoint}{between}{query}", state)

    async def subjects(self, secret: str, kept: Mapping[str, str], answer: str) -> list[str]:
        claims = await self._tried(self._claims(secret, kept["redirect_uri"], answer))
        return self.keys.digests(self.key, f"{self.config.issuer}\0{claims['sub']}")

    async def _tried(self, act: Any) -> Any:
        """The refusal of what went wrong: the log says what, and nothing of what was sent."""
        try:
            return await act
        except Untrue as untrue:
            log.warning("an OpenID provider's answer is not believed", provider=self.key, why=str(untrue))
            raise Refusal("SIGN_IN_FAILED") from None
        except (httpx2.HTTPError, TimeoutError) as error:
            log.error("an OpenID provider cannot be asked", provider=self.key, error=type(error).__name__)
            raise Refusal("PROVIDER_FAILED") from None

    # --- the token ---------------------------------------------------------------------------------------

    async def _claims(self, secret: str, redirect: str, code: str) -> dict[str, Any]:
        published = await self._look()
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": derived(secret, "verifier"),
            "client_id": self.config.client_id,
        }
        headers = {}
        if self._secret:
            pair = f"{quote(self.config.client_id, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749 §2.3.1
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = await self._fetch(published.token_endpoint, data, headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Untrue("there is no id_token")
        claims = await self._signed(token)
        self._check(claims, derived(secret, "nonce"))
        return claims

    async def _signed(self, token: str) -> dict[str, Any]:
        """The claims of a token that one of the provider's keys signed. For a key that is not known the provider is asked
        again: it may have a new one."""
        try:
            head = token.split(".")[0]
            header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
            kid = header.get("kid")
        except (ValueError, AttributeError):
            raise Untrue("the id_token is none") from None
        published = await self._look()
        found = _named(published, kid)
        if not found:
            found = _named(await self._look(older_than=AGAIN), kid)
        for key in found:
            try:
                return dict(jwt.decode(token, key, algorithms=ALGORITHMS).claims)
            except (JoseError, ValueError):
                continue
        raise Untrue("no key of the provider's signed it")

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """OpenID Connect Core §3.1.3.7."""
        now, leeway = self.clock.now().timestamp(), self.config.leeway
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.config.issuer:
            raise Untrue("iss is another")
        if self.config.client_id not in audiences:
            raise Untrue("aud is another")
        if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != self.config.client_id:
            raise Untrue("azp is another")
        for name in ("exp", "iat"):
            if not isinstance(claims.get(name), (int, float)) or isinstance(claims.get(name), bool):
                raise Untrue(f"{name} is no time")
        if claims["exp"] <= now - leeway:
            raise Untrue("exp has passed")
        if claims["iat"] > now + leeway:
            raise Untrue("iat is still to come")
        if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(
            claims["nonce"].encode(), nonce.encode()
        ):
            raise Untrue("nonce is another")
        if not isinstance(claims.get("sub"), str) or not 1 <= len(claims["sub"]) <= 255:
            raise Untrue("sub is none")

    # --- what the provider publishes ---------------------------------------------------------------------

    async def _look(self, older_than: float = KEPT) -> Published:
        """What is known of the provider, asked for anew when it is older than so many seconds."""
        async with self._looking:
            if self._published is None or monotonic() - self._published.at > older_than:
                self._published = await self._published_now()
            return self._published

    async def _published_now(self) -> Published:
        found = await self._fetch(self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.config.issuer:
            raise Untrue("the discovered issuer is another")
        places = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(isinstance(place, str) and is_safe(place) for place in places):
            raise Untrue("an endpoint is missing or not safe")
        keys = []
        for each in (await self._fetch(str(places[2]))).get("keys", []):
            try:
                if each.get("use", "sig") == "sig" and each.get("kty") in ("RSA", "EC", "OKP"):
                    keys.append(jwk.import_key(each))
            except (JoseError, ValueError, KeyError, AttributeError):
                continue  # of a kind that is not known here
        return Published(str(places[0]), str(places[1]), tuple(keys), monotonic())

    async def _fetch(
        self, url: str, data: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A JSON object: by GET, or what answers to a form. Nothing is followed elsewhere."""
        method = "GET" if data is None else "POST"
        async with (
            asyncio.timeout(SECONDS),
            httpx2.AsyncClient(follow_redirects=False) as http,
            http.stream(method, url, data=data, headers={"accept": "application/json", **(headers or {})}) as got,
        ):
            body = b""
            async for part in got.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise Untrue("the answer is too large")
        if got.status_code >= 500:
            raise httpx2.HTTPError(f"status {got.status_code}")
        if got.status_code != 200:
            raise Untrue(f"the answer is {got.status_code}")
        try:
            found = json.loads(body)
        except ValueError:
            raise Untrue("the answer is no JSON") from None
        if not isinstance(found, dict):
            raise Untrue("the answer is no object")
        return found


def _named(published: Published, kid: Any) -> list[Any]:
    return [key for key in published.keys if kid is None or key.kid == kid]
