"""The spreadsheet of spots open to adoption (认领对象台账)."""

from __future__ import annotations

from core.data.core_sheets import ACTORS, AREA
from core.data.sheets import Column, Kind, Made, Row, Sheet
from core.rules.inputs import clean_name, clean_text
from plugins.adoption.models import Asset
from plugins.adoption.terms import AssetKind, AssetState


def _make(row: Row) -> Made:
    v = row.values
    asset = Asset(
        id=row.id,
        area_id=row.area_id,
        custodian_id=row.targets["custodian"][0],
        name=clean_name(v["name"], "name"),
        kind=AssetKind(v["kind"]),
        duties=clean_text(v["duties"], "duties"),
        state=AssetState.AVAILABLE,
    )
    return Made("adoption.asset.listed", row.area_id, [asset], {"kind": v["kind"]})


SHEETS = [
    Sheet(
        "assets", "Assets", "认领对象", "adoption.asset.list",
        (
            Column("name", "Name", "名称", Kind.TEXT, ("对象名称", "绿地名称", "资产名称"), required=True, example="绿地-03"),
            Column("kind", "Kind", "类型", Kind.CHOICE, ("对象类型", "类别"), required=True, example="绿地", terms=tuple(AssetKind)),
            AREA,
            Column("custodian", "Custodian", "管护单位", Kind.REFERENCE, ("责任单位", "管理单位", "权属单位"), required=True, to=ACTORS, example="西山社村民委员会"),
            Column("duties", "Duties", "管护要求", Kind.TEXT, ("认领要求", "职责", "养护要求"), required=True, limit=2000, example="每周浇水、除草"),
        ),
        _make,
        "SELECT t.id, t.area_id, t.name, NULL AS credit_code, NULL AS since FROM adoption_asset t WHERE t.state <> 'RETIRED' AND t.:inside:",
        ("资产", "绿地", "认领对象台账", "asset"), "adoption",
        ("Spots open to adoption; the custodian stays their owner.", "可供认领认管的绿地、空间与设施;管护单位仍为责任主体。"),
    )
]  # fmt: skip
