"""The providers of this server, as configured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.clock import Clock
from core.config import Config
from core.errors import ConfigurationError
from core.problems import Problem
from core.sign_in import Keyed, Provider
from core.sign_in.config import is_loopback
from core.sign_in.oidc import Oidc
from core.sign_in.phone import LogChannel, Phone

SHORTEST_KEY = 32


def keyed_of(config: Config, environment: Mapping[str, str]) -> Keyed | None:
    """The server's key, from GONGZHI_KEY or the file; None where there is none. Raises ConfigurationError for one that
    cannot be read or is too short."""
    text = environment.get("GONGZHI_KEY") or _read(config.key_file, "key_file")
    if not text:
        return None
    if len(text) < SHORTEST_KEY:
        raise ConfigurationError(Problem("KEY_TOO_SHORT", {"least": SHORTEST_KEY}, config.key_file or None))
    return Keyed(text.encode())


def providers_of(
    config: Config, ports: Mapping[str, Any], clock: Clock, environment: Mapping[str, str]
) -> dict[str, Provider]:
    """By key, in the order of the file. Raises ConfigurationError naming every one that cannot work."""
    wanted, file = config.sign_in, str(config.path) if config.path else None
    if not wanted.phone and not wanted.oidc:
        return {}
    keyed = keyed_of(config, environment)
    if keyed is None:
        raise ConfigurationError(Problem("KEY_MISSING", {}, file))
    found: dict[str, Provider] = {}
    if wanted.phone:
        if wanted.phone == "log":
            if not is_loopback(config.host):
                raise ConfigurationError(Problem("LOG_CHANNEL", {"host": config.host}, file))
            channel: Any = LogChannel()
        else:
            channel = ports["phone_codes"]
        found["phone"] = Phone(channel, keyed, wanted.phone_title)
    for oidc in wanted.oidc:
        secret = environment.get(f"GONGZHI_OIDC_{oidc.key.upper()}_SECRET", "")
        secret = secret or _read(oidc.client_secret_file, f"sign_in.oidc.{oidc.key}.client_secret_file")
        found[oidc.key] = Oidc(oidc, secret, keyed, clock)
    return found


def _read(path: str, key: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(Problem("SECRET_UNREADABLE", {"key": key, "path": path})) from error
