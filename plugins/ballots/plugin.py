"""The hooks of ballots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.jobs import Job
from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.corrections import Merging
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.events import Handler
    from core.plugins import Port
    from core.rules.erasure import Erasing
    from core.runtime import Runtime
    from core.settings import Settings


@hookimpl
def gongzhi_models() -> str:
    return "plugins.ballots.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.ballots.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.ballots.settings import BallotsSettings

    return BallotsSettings


@hookimpl
def gongzhi_ports() -> list[Port[Any]]:
    from plugins.ballots.ports import BALLOTS

    return [BALLOTS]


@hookimpl
def gongzhi_providers() -> dict[str, Any]:
    from plugins.ballots.rules.port import PutToTheVote

    return {"ballots": PutToTheVote()}


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from plugins.ballots import rules

    return [Handler("ballots", "disclosure.notice.closed", rules.hear_notice)]


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from plugins.ballots import rules

    return [
        Job("ballots", "rolls", rules.FILLING_SQL, rules.go_on_filling),
        Job("ballots", "openings", rules.OPENING_SQL, rules.open_due),
        Job("ballots", "closings", rules.CLOSING_SQL, rules.close_due),
    ]


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.ballots.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_erasing() -> Erasing:
    from core.rules.erasure import Erasing
    from plugins.ballots.rules.mending import open_matters

    return Erasing("ballots", open_matters)


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.ballots.rules.duties import DUTIES

    return DUTIES


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.ballots.demo import fill

    return fill(runtime, district)
