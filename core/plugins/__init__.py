"""The plugin host: read `plugin.toml` first, import second, tell every problem at once."""

from core.plugins.hookspecs import hookimpl
from core.plugins.host import Host, Plugin

__all__ = ["Host", "Plugin", "hookimpl"]
