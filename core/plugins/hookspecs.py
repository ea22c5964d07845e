"""Every hook a plugin may implement. All are asked once, at start; what happens later travels as events.

A plugin implements them in `plugin.py` as module functions decorated with `hookimpl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from core.demo import DemoDistrict
    from core.events import Handler
    from core.runtime import Runtime

hookspec = pluggy.HookspecMarker("gongzhi")
hookimpl = pluggy.HookimplMarker("gongzhi")


@hookspec
def gongzhi_models() -> str:  # type: ignore[empty-body]
    """The module with the plugin's ORM models, for example `plugins.adoption.models`. Table names begin with its key."""


@hookspec
def gongzhi_graphql() -> str:  # type: ignore[empty-body]
    """The module that declares its nodes, extensions and mutations; imported when the schema is composed."""


@hookspec
def gongzhi_handlers() -> list[Handler]:  # type: ignore[empty-body]
    """Handlers of events, its own or others'. Each runs in its own transaction and is idempotent by event id."""


@hookspec
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    """Fill the demo district with the plugin's mechanism. Returns an awaitable; runs after core's part."""
