"""`[sign_in]` of `gongzhi.toml`: which providers there are."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.problems import near
from core.toml import shown

LEEWAY, MOST_LEEWAY = 60, 300  # seconds by which clocks may differ
_KEY = re.compile(r"[a-z][a-z0-9_]{0,29}")
_Problem = tuple[str, tuple[str, ...], dict[str, Any]]


@dataclass(frozen=True)
class OidcConfig:
    """An OpenID provider. The client's secret comes from GONGZHI_OIDC_<KEY>_SECRET, or from a file."""

    key: str
    title: str
    issuer: str
    client_id: str
    redirect_uris: tuple[str, ...]
    client_secret_file: str = ""
    leeway: int = LEEWAY


@dataclass(frozen=True)
class SignInConfig:
    """`phone` names the channel that carries codes; empty: nobody signs in by telephone."""

    phone: str = ""
    phone_title: str = "手机验证码"
    oidc: tuple[OidcConfig, ...] = ()


_SECTIONS: dict[str, type] = {"phone": dict, "oidc": dict}
_PHONE: dict[str, type] = {"channel": str, "title": str}
_OIDC: dict[str, type] = {
    "title": str, "issuer": str, "client_id": str, "redirect_uris": list, "client_secret_file": str, "leeway": int,
}  # fmt: skip
_NEEDED = ("issuer", "client_id", "redirect_uris")


def is_loopback(host: str) -> bool:
    """Is it this machine alone that can ask there?"""
    try:
        found = [ipaddress.ip_address(str(i[4][0]).split("%")[0]) for i in socket.getaddrinfo(host, None)]
        return all(address.is_loopback for address in found)
    except (OSError, ValueError):
        return False


def is_safe(url: str) -> bool:
    """Is what goes there read by nobody else: by https, or on this machine?"""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost"))


def read_sign_in(data: Mapping[str, Any]) -> tuple[SignInConfig, list[_Problem]]:
    """What the section says, and what is wrong in it: (code, place in the file, values)."""
    problems: list[_Problem] = []

    def known(table: Any, keys: Mapping[str, type], *at: str) -> dict[str, Any]:
        """The keys of a table that are right; `channel` and the rest by name and type."""
        found = {}
        for name, value in table.items():
            place, dotted = (*at, name), ".".join((*at, name))
            if name not in keys:
                problems.append(("UNKNOWN_KEY", place, dict(key=dotted, known=", ".join(keys), near=near(name, keys))))
            elif not isinstance(value, keys[name]) or isinstance(value, bool):
                problems.append(
                    ("WRONG_TYPE", place, dict(key=dotted, expected=keys[name].__name__, found=shown(value)))
                )
            else:
                found[name] = value
        return found

    sections = known(data, _SECTIONS, "sign_in")
    phone = known(sections.get("phone", {}), _PHONE, "sign_in", "phone")
    if "phone" in sections and not phone.get("channel"):
        problems.append(("KEY_NEEDED", ("sign_in", "phone"), dict(key="sign_in.phone.channel")))
    oidc = []
    for key, table in sections.get("oidc", {}).items():
        at = ("sign_in", "oidc", key)
        if not isinstance(table, dict):
            problems.append(("WRONG_TYPE", at, dict(key=".".join(at), expected="a section", found=shown(table))))
            continue
        if not _KEY.fullmatch(key) or key == "phone":
            problems.append(("BAD_VALUE", at, dict(key=".".join(at), found=shown(key), allowed="a-z, 0-9 and _")))
        given = known(table, _OIDC, *at)
        missing = [n for n in _NEEDED if not given.get(n)]
        told = [n for n in missing if n not in table or n in given]  # of another type: told already
        problems += [("KEY_NEEDED", at, dict(key=".".join((*at, n)))) for n in told]
        for name, urls in (("issuer", [given.get("issuer", "")]), ("redirect_uris", given.get("redirect_uris", []))):
            for url in urls if name not in missing else ():
                if not isinstance(url, str) or not is_safe(url):
                    allowed = "https://… (http:// on this machine only)"
                    values = dict(key=".".join((*at, name)), found=shown(url), allowed=allowed)
                    problems.append(("BAD_VALUE", (*at, name), values))
        if not 0 <= given.get("leeway", LEEWAY) <= MOST_LEEWAY:
            values = dict(key=".".join((*at, "leeway")), found=shown(given["leeway"]), allowed=f"0 … {MOST_LEEWAY}")
            problems.append(("BAD_VALUE", (*at, "leeway"), values))
        if not missing:
            given["redirect_uris"] = tuple(map(str, given["redirect_uris"]))
            oidc.append(OidcConfig(key, **({"title": key} | given)))
    found = SignInConfig(phone.get("channel", ""), phone.get("title", SignInConfig.phone_title), tuple(oidc))
    return found, problems
