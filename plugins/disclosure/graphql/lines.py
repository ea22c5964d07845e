"""The line of a chain file that belongs to a record, worked out by the statement that reads the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plugins.disclosure import models, seal
from plugins.disclosure.graphql.texts import Texts, pairs
from plugins.disclosure.terms import HIDDEN, RecordKind
from schema.nodes.expressions import Expr, RowOf, select

WHY = "Of objections only those by name are in it, and drafts have no record."


def columns(t: RowOf) -> dict[str, Expr]:
    """What a record sealed, as far as everybody may read it."""

    def of_notice(n: RowOf) -> Expr:
        return (n.id == t.notice_id) & (t.kind == RecordKind.PUBLISHED) & ~n.state.is_in(list(HIDDEN))

    def of_objection(kind: RecordKind) -> Callable[[RowOf], Expr]:
        return lambda o: (o.id == t.objection_id) & (o.is_confidential == False) & (t.kind == kind)  # noqa: E712

    published = select(models.Notice).where(of_notice)
    objected = select(models.Objection).where(of_objection(RecordKind.OBJECTED))
    answered = select(models.Objection).where(of_objection(RecordKind.ANSWERED))
    posted = select(models.Posting).where(lambda p: p.id == t.posting_id)
    found: dict[str, Expr] = {"record": t.body, "hash": t.hash}
    for name, rows in (("title", published), ("body", published), ("text", objected), ("answer", answered)):
        found[name] = rows.first(name, order_by="id")
        found[f"{name}_salt"] = rows.first(f"{name}_salt", order_by="id")
    for name in ("place", "evidence", "salt"):
        found[name] = posted.first(name, order_by="id")
    is_published = t.kind == RecordKind.PUBLISHED
    found["items"] = Texts(
        models.Item, lambda i: (i.notice_id == t.notice_id) & is_published, "position", "salt", "text"
    )
    return found


def line(values: dict[str, Any], facts: Any) -> str:
    texts = [(values[f"{n}_salt"], values[n]) for n in ("title", "body", "text", "answer")]
    texts += [(values["salt"], values["place"]), (values["salt"], values["evidence"]), *pairs(values["items"])]
    return seal.line_of(values["record"], values["hash"], [(salt, text) for salt, text in texts if salt and text])
