"""The hooks of councils."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.corrections import Merging
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.events import Handler
    from core.jobs import Job
    from core.plugins.ports import Port
    from core.rules.erasure import Erasing
    from core.runtime import Runtime
    from core.settings import Settings


@hookimpl
def gongzhi_models() -> str:
    return "plugins.councils.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.councils.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.councils.settings import CouncilsSettings

    return CouncilsSettings


@hookimpl
def gongzhi_ports() -> list[Port[Any]]:
    from plugins.councils.ports import COUNCILS, SEAT_KEEPER

    return [COUNCILS, SEAT_KEEPER]


@hookimpl
def gongzhi_providers() -> dict[str, Any]:
    from plugins.councils.ports import Provider

    return {"councils": Provider()}


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from plugins.councils import rules

    return [
        Handler("councils", "ballots.ballot.closed", rules.hear_ballot),
        Handler("councils", "ballots.ballot.cancelled", rules.hear_cancelled),
        Handler("councils", "disclosure.notice.closed", rules.hear_notice),
        Handler("councils", "core.mandate.revoked", rules.hear_mandate),
        Handler("councils", "core.membership.ended", rules.hear_membership),
        Handler("councils", "new_residents.residence.withdrawn", rules.hear_residence),
    ]


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from core.jobs import Job
    from plugins.councils import rules

    return [
        Job("councils", "terms", rules.TERMS_SQL, rules.settle_term),
        Job("councils", "kept_seats", rules.TURNED_SQL, rules.settle_turned),
        Job("councils", "delegations", rules.ENDING_SQL, rules.settle_end),
        Job("councils", "requests", rules.LAPSING_SQL, rules.settle_request),
        Job("councils", "exclusions", rules.EXCLUSIONS_SQL, rules.settle_exclusion),
    ]


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.councils.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_erasing() -> Erasing:
    from core.rules.erasure import Erasing
    from plugins.councils.rules.mending import open_matters

    return Erasing("councils", open_matters)


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.councils.rules.mending import DUTIES

    return DUTIES


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.councils.demo import fill

    return fill(runtime, district)
