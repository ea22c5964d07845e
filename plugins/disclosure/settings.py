"""What a community may tune. The source gives no numbers; public texts have five to seven days."""

from __future__ import annotations

from core.settings import Move, Settings, setting


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
        "", max_length=300, en="Address that the QR of a printed notice leads to; {hash} stands for the seal",
        zh="公示二维码指向的查验网址({hash} 代表存证值)",
    )  # fmt: skip
    file_events: list[str] = setting(
        ["adoption.agreement.", "adoption.inspection.", "adoption.project.", "disclosure.notice.published",
         "disclosure.notice.closed", "disclosure.objection.answered", "disclosure.story.", "funds.", "grants.", "ratings."],
        move=Move.EXTEND, en="Event types, or how they begin, that go into an organization's public yearly file",
        zh="归入组织年度档案的事件类型(可写前缀)",
    )  # fmt: skip
