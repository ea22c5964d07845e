"""The hooks of forums."""

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
    return "plugins.forums.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.forums.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.forums.settings import ForumsSettings

    return ForumsSettings


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from plugins.forums import rules

    heard = {
        "councils.seat.filled": rules.hear_seat,
        "councils.seat.vacated": rules.hear_seat,
        "councils.body.changed": rules.hear_body,
        "councils.body.dissolved": rules.hear_body,
        "ballots.ballot.closed": rules.hear_ballot,
        "ballots.ballot.cancelled": rules.hear_cancelled,
        "disclosure.notice.closed": rules.hear_notice,
        "new_residents.residence.withdrawn": rules.hear_residence,
        "core.membership.ended": rules.hear_membership,
    }
    return [Handler("forums", type, act) for type, act in heard.items()]


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from core.jobs import Job
    from plugins.forums import rules

    return [
        Job("forums", "rounds", rules.ROUNDS_SQL, rules.close_due),
        Job("forums", "consensus", rules.CONSENSUS_SQL, rules.settle_due),
        Job("forums", "exclusions", rules.EXCLUSIONS_SQL, rules.end_due),
    ]


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.forums.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_erasing() -> Erasing:
    from core.rules.erasure import Erasing
    from plugins.forums.rules.mending import open_matters

    return Erasing("forums", open_matters)


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.forums.rules.mending import DUTIES

    return DUTIES


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.forums.demo import fill

    return fill(runtime, district)
