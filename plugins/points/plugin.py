"""The hooks of caring points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.events import Handler
from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.demo import DemoDistrict
    from core.runtime import Runtime

# What a rule can be set for. Who sends them does not matter here: the event names the actor to thank.
LISTENED = ("adoption.inspection.passed", "adoption.inspection.rectified")


@hookimpl
def gongzhi_models() -> str:
    return "plugins.points.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.points.graphql"


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from plugins.points.rules import award

    return [Handler("points", event_type, award) for event_type in LISTENED]


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.points.demo import fill

    return fill(runtime, district)
