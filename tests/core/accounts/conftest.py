"""A neighbourhood in which one signs in by telephone (codes stand in the log) and by a real OpenID provider's process."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from core.sign_in.config import OidcConfig, SignInConfig
from core.testing.kit import Databases, Neighbourhood, served

KEY, SECRET = "canary-server-key-0123456789abcdef-0123", "canary-client-secret"
BACK = "http://localhost:5173/signed-in"


@dataclass
class OpenIdProcess:
    issuer: str

    def told(self, **what: Any) -> dict[str, Any]:
        answer: dict[str, Any] = httpx2.post(f"{self.issuer}/control", json=what).json()
        return answer

    def visit(self, url: str) -> tuple[str, str]:
        """What the person's browser comes back with: code and state."""
        asked = urlsplit(url)
        browser = HTTPConnection(str(asked.hostname), asked.port)  # which logs nothing
        browser.request("GET", f"{asked.path}?{asked.query}")
        place = urlsplit(str(browser.getresponse().headers["location"]))
        browser.close()
        assert f"{place.scheme}://{place.netloc}{place.path}" == BACK
        back = parse_qs(place.query)
        return back["code"][0], back["state"][0]


@pytest.fixture(scope="session")
def openid_process() -> Iterator[OpenIdProcess]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__).parents[2] / "kits" / "openid.py"), str(port)])
    found = OpenIdProcess(f"http://127.0.0.1:{port}")
    try:
        end = monotonic() + 30
        while True:
            try:
                found.told()
                break
            except httpx2.TransportError:
                assert process.poll() is None and monotonic() < end
                sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def openid(openid_process: OpenIdProcess) -> OpenIdProcess:
    openid_process.told(subject="subject-1", skew=0, wrong="", down=False)
    return openid_process


@pytest.fixture
async def city(
    databases: Databases, demo_url: str, openid: OpenIdProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Neighbourhood]:
    monkeypatch.setenv("GONGZHI_OIDC_CITY_SECRET", SECRET)
    city = OidcConfig("city", "海沧统一认证", openid.issuer, "gongzhi", (BACK,))
    config = replace(databases.config(demo_url), key=KEY, sign_in=SignInConfig("log", oidc=(city,)))
    async with served(config, is_fresh=True) as n:
        await n.trust("admin", "clerk", "resident")
        yield n


START = (
    "mutation($i: CoreStartSignInInput!)"
    " { coreStartSignIn(input: $i) { challenge url state expiresAt errors { code path } } }"
)
FINISH = (
    "mutation($i: CoreFinishSignInInput!) { coreFinishSignIn(input: $i) { token expiresAt ticket errors { code } } }"
)


async def begin(n: Neighbourhood, provider: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await n.ask(None, START, i={"provider": provider, **more}))["coreStartSignIn"]
    return answer


async def finish(n: Neighbourhood, challenge: str, code: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await n.ask(None, FINISH, i={"challenge": challenge, "code": code}))["coreFinishSignIn"]
    return answer


def code_of(answer: dict[str, Any]) -> str:
    """The one refusal, or OK."""
    return str(answer["errors"][0]["code"]) if answer["errors"] else "OK"
