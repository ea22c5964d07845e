"""Commands that plugins bring: `[commands]` in `plugin.toml`, name → `package.module:function`, a function as typer reads it.

They are there for every plugin on this machine, installed in a configuration or not; a function takes `--config` if it
needs one. Its module is imported only when the command is called, or when all commands are listed.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Sequence

import typer

from core.plugins.manifest import available


def commands() -> dict[str, str]:
    """What the plugins on this machine bring, the first to name a command first."""
    found: dict[str, str] = {}
    for folder, _ in available().values():
        try:
            said = tomllib.loads((folder / "plugin.toml").read_text("utf-8")).get("commands", {})
        except (OSError, ValueError):
            continue  # `gongzhi check` tells what is wrong with it
        for name, call in said.items() if isinstance(said, dict) else ():
            if isinstance(call, str) and ":" in call:
                found.setdefault(name, call)
    return found


def add_commands(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Add the command that is called, or all of them where none of the server's own is."""
    own = {c.name or str(getattr(c.callback, "__name__", "")).strip("_") for c in app.registered_commands}
    own |= {str(group.name) for group in app.registered_groups}
    called = next((a for a in arguments if not a.startswith("-")), None)
    if called in own:
        return
    brought = {name: call for name, call in commands().items() if name not in own}
    for name in [called] if called in brought else list(brought):
        module, _, function = brought[str(name)].partition(":")
        app.command(name)(getattr(importlib.import_module(module), function))
