"""Every hook a plugin may implement. All are asked once, at start; what happens later travels as events.

A plugin implements them in `plugin.py` as module functions decorated with `hookimpl`. One that raises is named in the
boot report, and nobody else suffers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from core.corrections import Merging, Undo
    from core.data.sheets import Sheet
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.events import Handler
    from core.jobs import Job
    from core.plugins.ports import Port
    from core.rules.erasure import Erasing
    from core.runtime import Runtime
    from core.settings import Settings

hookspec = pluggy.HookspecMarker("gongzhi")
hookimpl = pluggy.HookimplMarker("gongzhi")


@hookspec
def gongzhi_models() -> str:  # type: ignore[empty-body]
    """The module with the plugin's ORM models, for example `plugins.adoption.models`. Table names begin with its key."""


@hookspec
def gongzhi_graphql() -> str:  # type: ignore[empty-body]
    """The module that declares its nodes, extensions and mutations; imported when the schema is composed."""


@hookspec
def gongzhi_settings() -> type[Settings]:  # type: ignore[empty-body]
    """What a community may tune: a model whose fields are made by `setting(...)`."""


@hookspec
def gongzhi_handlers() -> list[Handler]:  # type: ignore[empty-body]
    """Handlers of events, its own or others'. Each event is handled in a unit of work of its own, several of them in one
    transaction; a handler is idempotent by event id."""


@hookspec
def gongzhi_jobs() -> list[Job]:  # type: ignore[empty-body]
    """What time makes due, as listed under `jobs` in `plugin.toml`. Each row is settled in its own transaction."""


@hookspec
def gongzhi_undos() -> list[Undo]:  # type: ignore[empty-body]
    """How this plugin's events are undone soon after, for those where that can be done."""


@hookspec
def gongzhi_merging() -> Merging:  # type: ignore[empty-body]
    """What becomes of this plugin's rows when two actors prove to be one."""


@hookspec
def gongzhi_duties() -> Duties:  # type: ignore[empty-body]
    """What people are responsible for in this plugin: what a hand-over moves, and whose matter its rows are (INV10)."""


@hookspec
def gongzhi_erasing() -> Erasing:  # type: ignore[empty-body]
    """What of this plugin's must be settled before a person can be erased. What is erased then, its models declare."""


@hookspec
def gongzhi_sheets() -> list[Sheet]:  # type: ignore[empty-body]
    """Kinds of spreadsheet rows that `gongzhi import` takes in for this plugin."""


@hookspec
def gongzhi_ports() -> list[Port[Any]]:  # type: ignore[empty-body]
    """Ports this plugin offers to others, as listed under `ports` in `plugin.toml`."""


@hookspec
def gongzhi_providers() -> dict[str, Any]:  # type: ignore[empty-body]
    """Port name → object that does it, as listed under `provides` in `plugin.toml`."""


@hookspec
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    """Fill the demo district with the plugin's mechanism. Returns an awaitable, which names what happens on which day
    with `district.later(day, step)`; in a large district (`district.plan`) in all its `towns`."""
