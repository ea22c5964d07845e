"""The providers of this server, as configured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.clock import Clock
from core.config import Config
from core.errors import ConfigurationError
from core.problems import Problem
from core.sign_in import Provider
from core.sign_in.config import OidcConfig, is_loopback
from core.sign_in.oidc import Oidc
from core.sign_in.phone import LogChannel, NoChannel, Phone


def providers_of(
    config: Config, ports: Mapping[str, Any], clock: Clock, environment: Mapping[str, str]
) -> dict[str, Provider]:
    """By key, in the order of the file. Raises ConfigurationError naming every one that cannot work."""
    wanted, problems = config.sign_in, list[Problem]()
    if not wanted.phone and not wanted.oidc:
        return {}
    keys = config.keys
    if keys.in_use() is None:
        problems.append(_problem(config, "KEY_MISSING", "sign_in"))
    found: dict[str, Provider] = {}
    if wanted.phone:
        channel: Any = LogChannel() if wanted.phone == "log" else ports["phone_codes"]
        if wanted.phone == "log" and not is_loopback(config.host):
            problems.append(_problem(config, "LOG_CHANNEL", "sign_in", "phone", "channel", host=config.host))
        if isinstance(channel, NoChannel):
            problems.append(_problem(config, "NO_CHANNEL", "sign_in", "phone", "channel", channel=wanted.phone))
        found["phone"] = Phone(channel, keys, wanted.phone_title)
    for oidc in wanted.oidc:
        try:
            found[oidc.key] = Oidc(oidc, _secret(oidc, environment), keys, clock)
        except (OSError, UnicodeDecodeError):
            at = ("sign_in", "oidc", oidc.key, "client_secret_file")
            problems.append(_problem(config, "SECRET_UNREADABLE", *at, key=".".join(at), path=oidc.client_secret_file))
    if problems:
        raise ConfigurationError(*problems)
    return found


def without_secret(config: Config, environment: Mapping[str, str]) -> list[Problem]:
    """The OpenID clients that have none: right for a public client, and mostly forgotten for any other."""
    found = []
    for oidc in config.sign_in.oidc:
        if not oidc.client_secret_file and not environment.get(_variable(oidc)):
            at = ("sign_in", "oidc", oidc.key)
            found.append(_problem(config, "NO_CLIENT_SECRET", *at, key=".".join(at), variable=_variable(oidc)))
    return found


def _variable(oidc: OidcConfig) -> str:
    return f"GONGZHI_OIDC_{oidc.key.upper()}_SECRET"


def _secret(oidc: OidcConfig, environment: Mapping[str, str]) -> str:
    given, path = environment.get(_variable(oidc), ""), oidc.client_secret_file
    return given or (Path(path).read_text("utf-8").strip() if path else "")


def _problem(config: Config, code: str, *at: str, **values: Any) -> Problem:
    return config.file.problem(code, *at, **values) if config.file else Problem(code, values)
