"""The rules of disclosure (M43). The notice's row is locked first, then its objection's, then the area's chain."""

from plugins.disclosure.rules.closing import close
from plugins.disclosure.rules.notices import Named, discard, draft, edit, prolong, publish, record_posting
from plugins.disclosure.rules.objections import answer, object_to, withdraw
from plugins.disclosure.rules.rest_days import set_rest_days

__all__ = [
    "Named", "answer", "close", "discard", "draft", "edit", "object_to", "prolong", "publish", "record_posting",
    "set_rest_days", "withdraw",
]  # fmt: skip
