"""The hooks of adopt-a-spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.data.sheets import Sheet
    from core.demo import DemoDistrict
    from core.runtime import Runtime
    from core.settings import Settings


@hookimpl
def gongzhi_models() -> str:
    return "plugins.adoption.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.adoption.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.adoption.settings import AdoptionSettings

    return AdoptionSettings


@hookimpl
def gongzhi_sheets() -> list[Sheet]:
    from plugins.adoption.imports import SHEETS

    return SHEETS


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.adoption.demo import fill

    return fill(runtime, district)
