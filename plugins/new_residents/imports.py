"""The spreadsheet of an employer's dormitory (单位宿舍名单): who is to be asked. It registers nobody."""

from __future__ import annotations

from datetime import timedelta

from core.data.core_sheets import AREA
from core.data.sheets import Column, Kind, Made, Row, Sheet
from core.errors import Refusal
from core.ids import new_id
from core.models import Entity
from core.rules.inputs import clean_name
from plugins.new_residents.models import ASKED, HOMES, DormitoryList, Registration
from plugins.new_residents.rules.dormitories import WORKERS
from plugins.new_residents.settings import NewResidentsSettings
from plugins.new_residents.terms import DormitoryListState, ResidenceState


def _make(row: Row) -> Made:
    """A list with its workers, each of whom answers within the days that hold there; whom the employer has had asked about
    this dormitory is not asked anew. Refuses TOO_MANY_WORKERS, TWICE_ON_LIST."""
    v, employer = row.values, row.targets["employer"][0]
    workers = row.targets["workers"]
    if len(workers) > WORKERS:
        raise Refusal("TOO_MANY_WORKERS", path=("workers",), limit=WORKERS)
    if len(set(workers)) != len(workers):
        raise Refusal("TWICE_ON_LIST", path=("workers",))
    address, since = clean_name(v["address"], "address"), v.get("since") or row.today
    new = [person for person in workers if row.is_new(employer, row.area_id, address, person)]
    notes = [("workers", "PEOPLE_ASKED", {"count": len(workers) - len(new)})] if len(new) < len(workers) else []
    by = row.today + timedelta(days=row.settings(NewResidentsSettings).confirm_days)
    made = DormitoryList(
        id=row.id, area_id=row.area_id, employer_id=employer, address=address, state=DormitoryListState.OPEN,
        submitted_at=row.now, confirm_by=by,
    )  # fmt: skip
    asked: list[Entity] = [
        Registration(
            id=new_id(), area_id=row.area_id, person_id=person, dormitory_id=row.id,
            state=ResidenceState.INVITED, address=address, claimed_since=since, submitted_at=row.now, confirm_by=by,
        )
        for person in new
    ]  # fmt: skip
    return Made(
        "new_residents.dormitory.submitted_in_confidence",
        row.area_id,
        [made, *asked] if asked else [],
        {"employer": str(employer), "workers": len(asked)},
        notes,
    )


SHEETS = [
    Sheet(
        "dormitories", "Dormitories", "宿舍名单", "new_residents.dormitory.import",
        (
            Column("employer", "Employer", "用人单位", Kind.REFERENCE, ("单位", "企业", "企业名称", "公司"), required=True, to=("organizations",), example="企业甲"),
            AREA,
            Column("address", "Address", "宿舍地址", Kind.TEXT, ("地址", "宿舍"), required=True, example="海虹路 88 号宿舍"),
            Column("workers", "Workers", "入住职工", Kind.REFERENCES, ("职工", "员工", "入住人员", "职工姓名"), required=True, to=("people",), example="林晓敏、陈志伟"),
            Column("since", "Since", "入住日期", Kind.DATE, ("起始日期", "入住时间"), example="2026-03-01"),
        ),
        _make,
        "SELECT t.id, t.area_id, t.address AS name, NULL AS credit_code, NULL AS since FROM new_residents_list t WHERE t.state = 'OPEN' AND t.:inside:",
        ("宿舍", "职工名单", "单位宿舍名单", "dormitory"), "new_residents",
        ("Who an employer says lives in its dormitory; each is asked, none is registered by it.", "用人单位申报的宿舍入住职工;逐人征求同意,不因名单而登记。"),
        already=f"{ASKED} WHERE t.:inside:", homes=HOMES,
    )
]  # fmt: skip
