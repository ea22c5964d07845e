"""The hooks of new residents' services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.corrections import Merging, Undo
    from core.data.sheets import Sheet
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.events import Handler
    from core.jobs import Job
    from core.rules.erasure import Erasing
    from core.runtime import Runtime
    from core.settings import Settings


@hookimpl
def gongzhi_models() -> str:
    return "plugins.new_residents.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.new_residents.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.new_residents.settings import NewResidentsSettings

    return NewResidentsSettings


@hookimpl
def gongzhi_providers() -> dict[str, Any]:
    from plugins.new_residents.eligibility import VerifiedResidence

    return {"eligibility": VerifiedResidence()}


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from plugins.new_residents import rules

    return [
        Handler("new_residents", "ballots.ballot.closed", rules.ballot_closed),
        Handler("new_residents", "ballots.ballot.cancelled", rules.ballot_closed),
        Handler("new_residents", "core.consent.withdrawn", rules.consent_withdrawn),
        Handler("new_residents", "core.membership.ended", rules.membership_ended),
    ]


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from core.jobs import Job
    from plugins.new_residents import rules

    return [
        Job("new_residents", "invitations", rules.LAPSING_SQL, rules.lapse_invitation),
        Job("new_residents", "residences", rules.ENDED_SQL, rules.residence_ended),
        Job("new_residents", "entitling", rules.COMING_SQL, rules.entitle),
        Job("new_residents", "leaving", rules.LEFT_SQL, rules.leave),
    ]


@hookimpl
def gongzhi_undos() -> list[Undo]:
    from plugins.new_residents.rules.mending import UNDOS

    return UNDOS


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.new_residents.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.new_residents.rules.duties import DUTIES

    return DUTIES


@hookimpl
def gongzhi_erasing() -> Erasing:
    from core.rules.erasure import Erasing
    from plugins.new_residents.rules.mending import open_matters

    return Erasing("new_residents", open_matters)


@hookimpl
def gongzhi_sheets() -> list[Sheet]:
    from plugins.new_residents.imports import SHEETS

    return SHEETS


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.new_residents.demo import fill

    return fill(runtime, district)
