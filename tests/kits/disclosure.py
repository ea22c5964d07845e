"""What tests of disclosure do again and again, over HTTP: a notice published, objected to, answered; days that pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.ids import split_global
from core.testing.kit import Neighbourhood

START = datetime(2027, 3, 1, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai, in a year without an arrangement
KINDS = {"disclosure_notice": "DisclosureNotice", "disclosure_objection": "DisclosureObjection",
         "disclosure_record": "DisclosureRecord"}  # fmt: skip


@dataclass
class Disclosing:
    """A neighbourhood with a standing clock, 西山社, and an administrator of it who answers for the clerk."""

    n: Neighbourhood
    xishan: str

    @classmethod
    async def begin(cls, n: Neighbourhood, at: datetime = START) -> Disclosing:
        n.clock.set(at)
        await n.due()  # what the demo's year has left over is settled before anything is told
        return cls(n, await n.area_id("xishan"))

    async def draft(self, title: str = "居民理事会候选名单", **more: Any) -> str:
        made = await self.n.do(
            "clerk", "disclosureDraft", "notice { id state lastDay }", areaId=self.xishan,
            **{"kind": "名单", "title": title, "body": "现将名单予以公示。", **more},
        )  # fmt: skip
        assert made["notice"]["state"] == "DRAFT"
        return str(made["notice"]["id"])

    async def publish(self, title: str = "居民理事会候选名单", *, items: Any = (), **more: Any) -> str:
        id = await self.draft(title, **more)
        made = await self.n.do("clerk", "disclosurePublish", "notice { state }", noticeId=id, items=list(items))
        assert made["notice"]["state"] == "PUBLISHED"
        return id

    async def object(self, notice: str, who: str = "resident", text: str = "名单中一人不住本社", **more: Any) -> str:
        made = await self.n.do(who, "disclosureObject", "objection { id state }", noticeId=notice, text=text, **more)
        return str(made["objection"]["id"])

    async def answer(self, objection: str, *, uphold: bool = False, answer: str = "经核实,均为本社居民") -> str:
        made = await self.n.do(
            "admin", "disclosureAnswerObjection", "objection { state notice { state } }",
            objectionId=objection, uphold=uphold, answer=answer,
        )  # fmt: skip
        return str(made["objection"]["notice"]["state"])

    async def see(self, id: str, selection: str, who: str | None = None) -> dict[str, Any]:
        """Fields of one node."""
        query = f"query($i: ID!) {{ node(id: $i) {{ ... on {KINDS[split_global(id)[0]]} {{ {selection} }} }} }}"
        found: dict[str, Any] = (await self.n.ask(who, query, i=id))["node"]
        return found

    async def state(self, id: str) -> str:
        return str((await self.see(id, "state"))["state"])

    async def days(self, count: float) -> dict[str, int]:
        """So many days pass, and what they make due is settled."""
        self.n.clock.advance(timedelta(days=count))
        return await self.n.due()

    async def tune(self, **values: Any) -> None:
        """Settings of the village."""
        await self.n.do(
            "admin", "coreSetPluginSettings", "area { id }", areaId=self.xishan, plugin="disclosure",
            settings=[{"key": key, "value": value} for key, value in values.items()],
        )  # fmt: skip


def drawn(text: str) -> str:
    """The squares of a QR code, as SVG draws them."""
    import segno  # comes with the plugin

    return (
        str(segno.make_qr(text, error="m").svg_inline(border=4, omitsize=True)).partition(' d="')[2].partition('"')[0]
    )


def squares(page: Any) -> set[tuple[int, int]]:
    """Column and row of each dark square of the QR on a page."""
    found: list[tuple[float, ...]] = []

    def visit(operator: bytes, operands: list[Any], *_: Any) -> None:
        if operator == b"re":
            found.append(tuple(map(float, operands)))

    page.extract_text(visitor_operand_before=visit)
    left, top, side = min(f[0] for f in found), max(f[1] for f in found), found[0][2]
    return {(round((x - left) / side), round((top - y) / side)) for x, y, _, _ in found}


LINES = """query($after: String) { disclosureRecords(first: 3, after: $after, orderBy: SEQ_ASC,
    where: {area: {code: {eq: "xishan"}}}) { nodes { line isIntact } pageInfo { hasNextPage endCursor } } }"""


async def chain(n: Neighbourhood, who: str | None = None) -> list[str]:
    """The file as anybody fetches it, page by page."""
    found: list[str] = []
    after = None
    while True:
        page = (await n.ask(who, LINES, after=after))["disclosureRecords"]
        found += [r["line"] for r in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]
