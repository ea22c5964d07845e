"""The plugin host: read `plugin.toml` first, import second, tell every problem at once."""

from core.plugins.hookspecs import hookimpl
from core.plugins.ports import Port

__all__ = ["Port", "hookimpl"]
