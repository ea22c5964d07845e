"""The hooks of disclosure."""

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
    return "plugins.disclosure.models"


@hookimpl
def gongzhi_graphql() -> str:
    return "plugins.disclosure.graphql"


@hookimpl
def gongzhi_settings() -> type[Settings]:
    from plugins.disclosure.settings import DisclosureSettings

    return DisclosureSettings


@hookimpl
def gongzhi_providers() -> dict[str, Any]:
    from plugins.disclosure.rules.gate import Gate

    return {"decision_gate": Gate()}


@hookimpl
def gongzhi_jobs() -> list[Job]:
    from core.jobs import Job
    from plugins.disclosure.rules import closing, stories

    return [
        Job("disclosure", "windows", closing.OVER_SQL, closing.close_when_over),
        Job("disclosure", "late_answers", closing.LATE_SQL, closing.mark_late),
        Job("disclosure", "stories", stories.UNASKED_SQL, stories.take_down),
    ]


@hookimpl
def gongzhi_handlers() -> list[Handler]:
    from core.events import Handler
    from core.pauses import ON_AGAIN
    from plugins.disclosure.rules.days_off import hear_on_again
    from plugins.disclosure.rules.files import OWN, hear
    from plugins.disclosure.rules.stories import hear_taken_back

    # `*` is what others send out; its own are named.
    files = [Handler("disclosure", type, hear) for type in ("*", *OWN)]
    taken_back = [
        Handler("disclosure", type, hear_taken_back) for type in ("core.consent.withdrawn", "core.person.erased")
    ]
    return [*files, *taken_back, *(Handler("disclosure", type, hear_on_again) for type in ON_AGAIN)]


@hookimpl
def gongzhi_merging() -> Merging:
    from plugins.disclosure.rules.mending import MERGING

    return MERGING


@hookimpl
def gongzhi_erasing() -> Erasing:
    from plugins.disclosure.rules.mending import ERASING

    return ERASING


@hookimpl
def gongzhi_duties() -> Duties:
    from plugins.disclosure.rules.mending import DUTIES

    return DUTIES


@hookimpl
def gongzhi_demo(runtime: Runtime, district: DemoDistrict) -> Any:
    from plugins.disclosure.demo import fill

    return fill(runtime, district)
