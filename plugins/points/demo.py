"""The point rules of the demo; the entries come by themselves, from what happens."""

from __future__ import annotations

from core.demo import DemoDistrict
from core.runtime import Runtime
from plugins.points import rules

_WORTH = {"adoption.inspection.passed": 10, "adoption.inspection.rectified": 5}


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(d.first_day + 1, lambda: _rules(d))


async def _rules(d: DemoDistrict) -> None:
    for event_type in sorted(_WORTH.keys() & rules.event_types(d.runtime.kernel)):
        points = _WORTH[event_type]
        await d.act(
            "admin",
            lambda w, e=event_type, p=points: rules.set_rule(  # type: ignore[misc]
                w, area_id=d.areas["haicang"], event_type=e, actor_kind=None, points=p
            ),
        )
