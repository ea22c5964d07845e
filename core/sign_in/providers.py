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
from core.sign_in.config import is_loopback
from core.sign_in.oidc import Oidc
from core.sign_in.phone import LogChannel, Phone


def providers_of(
    config: Config, ports: Mapping[str, Any], clock: Clock, environment: Mapping[str, str]
) -> dict[str, Provider]:
    """By key, in the order of the file. Raises ConfigurationError naming every one that cannot work."""
    wanted, file = config.sign_in, str(config.path) if config.path else None
    if not wanted.phone and not wanted.oidc:
        return {}
    keys = config.keys
    if keys.in_use() is None:
        raise ConfigurationError(Problem("KEY_MISSING", {}, file))
    found: dict[str, Provider] = {}
    if wanted.phone:
        if wanted.phone == "log":
            if not is_loopback(config.host):
                raise ConfigurationError(Problem("LOG_CHANNEL", {"host": config.host}, file))
            channel: Any = LogChannel()
        else:
            channel = ports["phone_codes"]
        found["phone"] = Phone(channel, keys, wanted.phone_title)
    for oidc in wanted.oidc:
        secret = environment.get(f"GONGZHI_OIDC_{oidc.key.upper()}_SECRET", "")
        secret = secret or _read(oidc.client_secret_file, f"sign_in.oidc.{oidc.key}.client_secret_file")
        found[oidc.key] = Oidc(oidc, secret, keys, clock)
    return found


def _read(path: str, key: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(Problem("SECRET_UNREADABLE", {"key": key, "path": path})) from error
