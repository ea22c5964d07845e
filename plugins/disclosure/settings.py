"""What a community may tune. The source gives no numbers; public texts have five to seven days."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from core.settings import Move, Settings, setting

_EVENT_TYPES = re.compile(r"([a-z][a-z0-9_]*\.)+([a-z][a-z0-9_]*)?")


def _event_types(given: list[str]) -> list[str]:
    """`funds.payment.made`, or how such types begin: `funds.`"""
    for text in given:
        if not _EVENT_TYPES.fullmatch(text):
            raise ValueError(f"{text!r} is no event type")
    return given


class DisclosureSettings(Settings):
    """A window ends on the later of the two: so many calendar days, or so many working days, after the day of publication."""

    notice_days: int = setting(
        7, move=Move.MIN, ge=1, le=180, en="Calendar days a notice stands at least", zh="公示期不少于(自然日)"
    )
    notice_working_days: int = setting(
        0, move=Move.MIN, ge=0, le=120, en="Working days a notice stands at least; 0 asks for none",
        zh="公示期不少于(工作日,0 为不要求)",
    )  # fmt: skip
    answer_days: int = setting(
        5, move=Move.MAX, ge=1, le=60, en="Days to answer an objection, never beyond the window's end",
        zh="答复异议期限(天,不超过公示截止日)",
    )  # fmt: skip
    ends_on_working_day: bool = setting(
        False, en="A window that would end on a rest day ends on the next working day", zh="截止日遇休息日顺延"
    )
    verify_url: str = setting(
        "", max_length=300, pattern=r"^(https?://\S*\{hash\}\S*)?$",
        en="Address that the QR of a printed notice leads to, as https://… with {hash} where the seal goes",
        zh="公示二维码指向的查验网址,形如 https://…,其中 {hash} 代表存证值",
    )  # fmt: skip
    file_events: Annotated[list[str], AfterValidator(_event_types)] = setting(
        ["adoption.agreement.", "adoption.inspection.", "adoption.project.", "disclosure.notice.published",
         "disclosure.notice.closed", "disclosure.objection.answered", "disclosure.story.", "funds.", "grants.", "ratings."],
        move=Move.EXTEND, en="Event types, or how they begin up to a dot, that go into an organization's public yearly file",
        zh="归入组织年度档案的事件类型(可写以点结尾的前缀)",
    )  # fmt: skip
