"""The hooks of caring points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.corrections import Merging, Undo
    from core.demo import DemoDistrict
    from core.duties import Duties
    from core.events import Handler
    from core.jobs import Job
    from core.rules.erasure import Erasing
    from core.runtime import Runtime
    from core.settings import Settings


@hookimpl
def gongzhi_models() -> str:
    return "plugins.points.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.points.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.points.settings import PointsSettings

    return PointsSettings


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from plugins.points.rules import hear

    # One for all types: what voids an event must be heard after it.
    return [Handler("points", "*", hear)]


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from core.jobs import Job
    from plugins.points import accounts

    return [
        Job("points", "expiry", accounts.EXPIRING, accounts.expire),
        Job("points", "pending_reversals", accounts.PAYABLE, accounts.take_what_waits),
    ]


@hookimpl
def gongzhi_undos() -> list[Undo]:
    from core.corrections import Undo
    from plugins.points import grants, rewards

    return [
        Undo("points", "points.grant.confirmed", grants.undo_confirmation),
        Undo("points", "points.redemption.delivered", rewards.undo_delivery),
    ]


@hookimpl
def gongzhi_merging() -> Merging:
    from core.corrections import Merging
    from plugins.points import accounts

    return Merging("points", accounts.preview_merge, accounts.merge)


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.points.duties import DUTIES

    return DUTIES


@hookimpl
def gongzhi_erasing() -> Erasing:
    from core.rules.erasure import Erasing
    from plugins.points import accounts

    return Erasing("points", accounts.open_matters)


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.points.demo import fill

    return fill(runtime, district)
