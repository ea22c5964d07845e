"""What is wrong with `[sign_in]` is told by file and line, before anybody is served."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.clock import Clock
from core.config import Config, look_over, read_config
from core.errors import ConfigurationError
from core.problems import Problem
from core.sign_in.config import OidcConfig, SignInConfig
from core.sign_in.phone import LogChannel, NoChannel, PhoneChannel
from core.sign_in.providers import providers_of, without_secret
from core.testing.process import gongzhi

KEY = {"GONGZHI_KEY": "0123456789abcdef0123456789abcdef"}
GOOD = """[sign_in.phone]
channel = "plugin"
[sign_in.oidc.city]
issuer = "https://id.example.org"
client_id = "gongzhi"
redirect_uris = ["https://app.example.org/back", "http://localhost:5173/back"]
"""


def wrong(tmp_path: Path, text: str) -> list[tuple[str, int | None]]:
    path = tmp_path / "gongzhi.toml"
    path.write_text(text, "utf-8")
    return [(p.code, p.line) for p in look_over(path, {})[1]]


def keys_of(config: Config, channel: PhoneChannel | None = None) -> list[str]:
    return list(providers_of(config, {"phone_codes": channel or LogChannel()}, Clock(), {}))


def refused(config: Config, channel: PhoneChannel | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        keys_of(config, channel)
    problem = caught.value.problems[0]
    assert isinstance(problem, Problem)
    return problem.code


def test_a_good_section_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(GOOD, "utf-8")
    config = read_config(path, KEY)
    back = ("https://app.example.org/back", "http://localhost:5173/back")
    assert config.sign_in == SignInConfig(
        "plugin", oidc=(OidcConfig("city", "city", "https://id.example.org", "gongzhi", back),)
    )
    assert keys_of(config) == ["phone", "city"]
    assert keys_of(replace(config, sign_in=SignInConfig())) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('channel = "plugin"', "", ("KEY_NEEDED", 1)),
        ("[sign_in.phone]", "[sign_in.fone]", ("UNKNOWN_KEY", 1)),
        ("issuer", "isuer", ("UNKNOWN_KEY", 4)),
        ('client_id = "gongzhi"', "client_id = 5", ("WRONG_TYPE", 5)),
        ("https://id.example.org", "http://id.example.org", ("BAD_VALUE", 4)),
        ("https://id.example.org", "https://u@id.example.org", ("BAD_VALUE", 4)),
        ('"https://app.example.org/back"', '"app:back"', ("BAD_VALUE", 6)),
        ("[sign_in.oidc.city]", "[sign_in.oidc.City]", ("BAD_VALUE", 3)),
        ('client_id = "gongzhi"', 'client_id = "gongzhi"\nleeway = 301', ("BAD_VALUE", 6)),
    ],
)
def test_each_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, problem: tuple[str, int]) -> None:
    assert before in GOOD
    assert problem in wrong(tmp_path, GOOD.replace(before, after, 1))


def test_without_a_key_or_with_the_log_for_others_nothing_starts(tmp_path: Path) -> None:
    phone = Config(database="postgres://localhost/x", sign_in=SignInConfig("plugin"))
    assert refused(phone) == "KEY_MISSING"
    assert refused(replace(phone, key="short")) == "BAD_KEY"
    file = tmp_path / "key"
    with_file = replace(phone, key_file=str(file))
    assert refused(with_file) == "KEY_MISSING"
    file.write_text(KEY["GONGZHI_KEY"] + "\n", "utf-8")
    file.chmod(0o644)
    assert refused(with_file) == "OPEN_KEY_FILE"
    file.chmod(0o600)
    assert keys_of(with_file) == ["phone"]
    log = Config(sign_in=SignInConfig("log"), key=KEY["GONGZHI_KEY"])
    assert refused(replace(log, host="0.0.0.0")) == "LOG_CHANNEL"
    assert keys_of(log) == ["phone"]


def test_beside_a_sqlite_database_the_key_is_made(tmp_path: Path) -> None:
    assert keys_of(Config(database=f"sqlite:{tmp_path}/x.db", sign_in=SignInConfig("plugin"))) == ["phone"]
    assert (tmp_path / "x.db.key").stat().st_mode & 0o077 == 0


def test_a_channel_that_nobody_provides_and_a_forgotten_secret_are_told(tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text("plugins = []\n" + GOOD, "utf-8")
    config = read_config(path, KEY)
    assert refused(config, NoChannel()) == "NO_CHANNEL"
    assert keys_of(replace(config, sign_in=SignInConfig("log"), host="127.0.0.1")) == ["phone"]
    environment = {"GONGZHI_DATABASE": f"sqlite:{tmp_path}/x.db", **KEY}
    checked = gongzhi(tmp_path, "check", **environment)
    served = gongzhi(tmp_path, "serve", **environment)
    for done in (checked, served):
        assert done.returncode == 2
        assert "gongzhi.toml:3: sign_in.phone.channel = 'plugin': no plugin carries codes" in done.stderr
    assert "gongzhi.toml:4: sign_in.oidc.city has no client secret: set GONGZHI_OIDC_CITY_SECRET" in checked.stderr
    assert without_secret(config, {"GONGZHI_OIDC_CITY_SECRET": "s"}) == []


def test_a_secret_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(GOOD + 'client_secret_file = "nowhere"\n', "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        keys_of(read_config(path, KEY))
    assert [(p.code, p.line) for p in caught.value.problems if isinstance(p, Problem)] == [("SECRET_UNREADABLE", 7)]
