"""The hooks of enterprises in co-governance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.corrections import Merging
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.events import Handler
    from core.jobs import Job
    from core.rules.erasure import Erasing
    from core.runtime import Runtime
    from core.settings import Settings


@hookimpl
def gongzhi_models() -> str:
    return "plugins.enterprise_council.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.enterprise_council.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.enterprise_council.settings import EnterpriseCouncilSettings

    return EnterpriseCouncilSettings


@hookimpl
def gongzhi_providers() -> dict[str, Any]:
    from plugins.enterprise_council.keeping import Keeper

    return {"seat_keeper": Keeper()}


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from plugins.enterprise_council import rules

    return [
        Handler("enterprise_council", "councils.composition.changed", rules.hear_body),
        Handler("enterprise_council", "councils.body.dissolved", rules.hear_body),
        Handler("enterprise_council", "core.membership.ended", rules.hear_left),
    ]


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from core.jobs import Job
    from plugins.enterprise_council import rules

    return [
        Job("enterprise_council", "enterprises", rules.STANDING_SQL, rules.settle_seat),
        Job("enterprise_council", "compacts", rules.OVER_SQL, rules.settle_over),
    ]


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.enterprise_council.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_erasing() -> Erasing:
    from plugins.enterprise_council.rules.mending import ERASING

    return ERASING


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.enterprise_council.rules.mending import DUTIES

    return DUTIES


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.enterprise_council.demo import fill

    return fill(runtime, district)
