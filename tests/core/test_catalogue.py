"""Every code that can be answered has its message in both languages, and every message is of use."""

from __future__ import annotations

from pathlib import Path

import server
from core.config import Config
from core.enums import ActivityState
from core.plugins.codes import codes_in
from core.plugins.host import Host
from core.problems import did_you_mean
from core.testing.kit import INSTALLED

ROOT = Path(server.__file__).parent


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    """`gongzhi check` holds plugins to this; core and schema have nobody else to do it."""
    host = Host.load(INSTALLED)
    messages = host.messages()
    assert host.without_message() == []
    used = codes_in(ROOT / "core") | codes_in(ROOT / "schema")
    assert {"NOT_SIGNED_IN", "APPEND_ONLY", "LEDGER_MOVED", "AREA_CYCLE"} <= set(used)
    assert {code: where for code, where in used.items() if code not in messages} == {}
    unseen = ("PARSE_FAILED", "VALIDATION_FAILED", "BAD_VARIABLES", "BAD_REQUEST", "INTERNAL_ERROR", "PLUGIN_FAILED")
    before_a_request = ("BAD_HTTP", "ADDRESS_TOO_LONG", "HEADERS_TOO_LARGE", "HEADERS_TOO_SLOW")
    assert [code for code in (*unseen, *before_a_request) if code not in messages] == []
    published = (ROOT / "docs" / "reference" / "codes.md").read_text("utf-8")
    assert [code for code in messages if f"| `{code}` |" not in published] == []


def test_messages_say_things_as_people_call_them() -> None:
    messages = Host.load(()).messages()
    state = {"state": ActivityState.OPEN}
    assert ActivityState.OPEN.zh in messages.render("ACTIVITY_STATE", "zh-CN", state)
    assert "open" in messages.render("ACTIVITY_STATE", "en", state)
    permission = {"permission": "core.actor.register"}
    assert messages.render("NOT_FOR_MACHINES", "zh-CN", permission).startswith("“登记主体”(core.actor.register)")
    for language, stop, question in (("en", ".", "?"), ("zh-CN", "。", "?")):
        for near, end in ((None, stop), ("points", question)):
            said = messages.render("UNKNOWN_PLUGIN", language, {"plugin": "ponits", "hint": did_you_mean(near)})
            assert said.endswith(end), said


def test_the_defaults_need_no_file() -> None:
    assert Config().database.startswith("sqlite:")
