"""A district with invented people to try things on: what `gongzhi demo` makes, the same for everybody on the same day.

The small story (`story.py`) is always there; around it, at any scale, `towns.py` settles a district as `plan.py` counts
it and `year.py` lets a year pass in it. Plugins add theirs through `gongzhi_demo`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from core.demo import towns, year
from core.demo.district import STORY_DAYS, DemoDistrict, Progress
from core.demo.inline import inline
from core.demo.mark import MADE
from core.demo.plan import DistrictPlan
from core.demo.story import ACCOUNTS, PASSWORD, activities_of, places_and_people, revoke_tokens
from core.models import Area
from core.plugins.host import Host
from core.runtime import Runtime
from core.work import Work

__all__ = ["ACCOUNTS", "PASSWORD", "DemoDistrict", "DistrictPlan", "make_demo"]


async def make_demo(
    runtime: Runtime, host: Host, plan: DistrictPlan | None = None, progress: Progress = lambda done, of: None
) -> DemoDistrict:
    """Fill an empty database: the small story, and a district around it as planned. The clock runs again afterwards."""
    clock = runtime.clock
    today = clock.civil_date(datetime.now(UTC))
    district = DemoDistrict(runtime, clock.start_of(today - timedelta(days=STORY_DAYS)), plan)
    with inline(runtime):
        try:
            district.at(district.first_day)
            await places_and_people(district, host)
            if plan is not None:
                towns.lay_out(district, plan)
                year.lay_out(district, plan)
            activities_of(district)
            for fill in host.manager.hook.gongzhi_demo(runtime=runtime, district=district):
                await fill
            await district.play(progress)
        finally:
            clock.run()
        await runtime.dispatcher.settle()
        await revoke_tokens(district)
        await district.system(lambda w: _made(w, district))
    return district


async def _made(w: Work, d: DemoDistrict) -> dict[str, Any]:
    """Say in the log that the demo is whole (see `mark.py`)."""
    root = await w.get(Area, d.areas["haicang"])
    w.record(MADE, root, area_id=root.id)
    return {}
