"""`gongzhi.toml`: which database, which plugins, which time zone and language. Environment variables override."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.clock import DEFAULT_ZONE
from core.errors import ConfigurationError
from core.messages import DEFAULT_LANGUAGE, LANGUAGES
from core.plugins.host import available

FILE = "gongzhi.toml"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000


@dataclass(frozen=True)
class Config:
    """`plugins` defaults to every first-party plugin present; the address to 127.0.0.1:8000."""

    database: str = "sqlite:gongzhi.db"
    plugins: tuple[str, ...] = ()
    time_zone: str = DEFAULT_ZONE
    language: str = DEFAULT_LANGUAGE
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    problems: tuple[str, ...] = field(default=(), repr=False)


_TYPES: dict[str, type] = {
    "database": str, "plugins": list, "time_zone": str, "language": str, "host": str, "port": int,
}  # fmt: skip


def read_config(path: Path | None = None, environment: dict[str, str] | None = None) -> Config:
    """The configuration in force; raises ConfigurationError naming file, key, what is allowed and the likely meaning."""
    env = dict(os.environ) if environment is None else environment
    given = path or Path(env.get("GONGZHI_CONFIG", FILE))
    data: dict[str, Any] = {}
    problems: list[str] = []
    if given.exists():
        try:
            data = tomllib.loads(given.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{given}: {error}") from error
    elif path is not None:
        raise ConfigurationError(f"{given}: no such file")
    for key, value in list(data.items()):
        if key not in _TYPES:
            near = difflib.get_close_matches(key, _TYPES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            problems.append(f"{given}: unknown key {key!r}{hint} (known: {', '.join(_TYPES)})")
        elif not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            problems.append(f"{given}: {key} must be a {_TYPES[key].__name__}, found {value!r}")
    for key, name in (("database", "GONGZHI_DATABASE"), ("host", "GONGZHI_HOST"), ("port", "GONGZHI_PORT")):
        if env.get(name):
            data[key] = env[name]
    try:
        port = int(data.get("port", DEFAULT_PORT))
        if not 0 <= port <= 65535:
            raise ValueError
    except (TypeError, ValueError):
        problems.append(f"port: {data['port']!r} is not a port number from 0 to 65535 (GONGZHI_PORT)")
        port = DEFAULT_PORT
    zone = data.get("time_zone", DEFAULT_ZONE)
    try:
        ZoneInfo(str(zone))
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(f"{given}: time_zone {zone!r} is not a known zone, such as Asia/Shanghai")
    language = data.get("language", DEFAULT_LANGUAGE)
    if language not in LANGUAGES:
        problems.append(f"{given}: language {language!r} must be one of {', '.join(LANGUAGES)}")
    here = available()
    plugins = data.get("plugins", [key for key, (_, package) in here.items() if package.startswith("plugins.")])
    for key in plugins if isinstance(plugins, list) else []:
        if key not in here:
            near = difflib.get_close_matches(str(key), here, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            problems.append(f"{given}: plugin {key!r} is not installed{hint} (available: {', '.join(here) or 'none'})")
    if problems:
        raise ConfigurationError(*problems)
    return Config(
        database=str(data.get("database", Config.database)),
        plugins=tuple(dict.fromkeys(plugins)),
        time_zone=str(zone),
        language=str(language),
        host=str(data.get("host", DEFAULT_HOST)),
        port=port,
    )
