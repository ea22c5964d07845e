"""The hooks of adopt-a-spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.jobs import Job
from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.corrections import Merging, Undo
    from core.data.sheets import Sheet
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.rules.erasure import Erasing
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
def gongzhi_jobs() -> list[Job]:
    from core.agreement import over_sql
    from plugins.adoption import rules

    return [
        Job("adoption", "terms", over_sql("adoption_agreement"), rules.settle_term),
        Job("adoption", "rectifications", rules.OVERDUE_SQL, rules.mark_overdue),
        Job("adoption", "appeal_periods", rules.APPEAL_SQL, rules.close_appeal_period),
    ]


@hookimpl
def gongzhi_undos() -> list[Undo]:
    from plugins.adoption.rules.mending import UNDOS

    return UNDOS


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.adoption.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_erasing() -> Erasing:
    from core.rules.erasure import Erasing
    from plugins.adoption.rules.mending import open_matters

    return Erasing("adoption", open_matters)


@hookimpl
def gongzhi_sheets() -> list[Sheet]:
    from plugins.adoption.imports import SHEETS

    return SHEETS


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.adoption.rules.duties import DUTIES

    return DUTIES


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.adoption.demo import fill

    return fill(runtime, district)
