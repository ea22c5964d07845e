"""Every code that can be answered has its message in both languages, and every message is of use."""

from __future__ import annotations

import re
from pathlib import Path

import server
from core.config import Config
from core.plugins.host import Host, available

ROOT = Path(server.__file__).parent
CODE = re.compile(r"""(?:Refusal\(\s*|code=|, )"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\"""")


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    keys = [k for k, (_, package) in available().items() if package.startswith("plugins.")]
    messages = Host.load(keys).messages()
    used = set()
    for path in [*ROOT.glob("core/**/*.py"), *ROOT.glob("schema/**/*.py"), *ROOT.glob("plugins/**/*.py")]:
        used |= set(re.findall(r"""Refusal\(\s*"([A-Z_]+)\"""", path.read_text("utf-8")))
        used |= set(re.findall(r"""code="([A-Z_]+)\"""", path.read_text("utf-8")))
    assert used
    assert {code for code in used if code not in messages} <= {"INTERNAL"}


def test_the_defaults_need_no_file() -> None:
    assert Config().database.startswith("sqlite:")
