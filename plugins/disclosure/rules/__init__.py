"""The rules of disclosure (M43). The notice's row is locked first, then its objection's, then the area's chain."""

from plugins.disclosure.rules.closing import close
from plugins.disclosure.rules.notices import Named, discard, draft, edit, prolong, publish, record_posting
from plugins.disclosure.rules.objections import answer, object_to, withdraw
from plugins.disclosure.rules.rest_days import set_rest_days
from plugins.disclosure.rules.stories import answer_story, draft_story, edit_story, publish_story, withdraw_story

__all__ = [
    "Named", "answer", "answer_story", "close", "discard", "draft", "draft_story", "edit", "edit_story", "object_to",
    "prolong", "publish", "publish_story", "record_posting", "set_rest_days", "withdraw", "withdraw_story",
]  # fmt: skip
