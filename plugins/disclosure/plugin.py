"""The hooks of disclosure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.plugins import hookimpl

if TYPE_CHECKING:
    from core.jobs import Job
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
    from plugins.disclosure.rules import closing

    return [
        Job("disclosure", "windows", closing.OVER_SQL, closing.close_when_over),
        Job("disclosure", "late_answers", closing.LATE_SQL, closing.mark_late),
    ]
