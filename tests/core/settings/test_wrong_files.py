"""Every mistake one can make in gongzhi.toml is told by file, line, key and remedy, in these words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.configuring import find_problems
from core.clock import Clock
from core.config import Config, config_from, look_over, read_config
from core.errors import ConfigurationError
from core.plugins import manifest
from core.plugins.host import Host
from core.problems import Problem, _texts
from core.settings.take_up import look_over_areas
from core.testing.kit import Databases
from core.toml import TomlFile

pytestmark = pytest.mark.needs("adoption", "points")
BOTH = 'plugins = ["adoption", "points"]\n'

# What is written, and what is said about it (after `gongzhi.toml:`).
CASES: dict[str, tuple[str | bytes, list[str]]] = {
    "misspelt key": ('databse = "sqlite:x.db"', ["1: unknown key databse; did you mean 'database'? (known: database, plugins, plugin_errors, time_zone, language, host, port, files, key_file, documents, accept_documents, viewer_quota, address_quota, unlimited, trusted_proxies, sign_in, area)"]),
    "unknown key": ("colour = 1", ["1: unknown key colour (known: database, plugins, plugin_errors, time_zone, language, host, port, files, key_file, documents, accept_documents, viewer_quota, address_quota, unlimited, trusted_proxies, sign_in, area)"]),
    "wrong type of port": ('port = "eight"', ["1: port: expected a port from 0 to 65535, found \"eight\""]),
    "port out of range": ("\nport = 99999", ["2: port: 99999 is not allowed; a port from 0 to 65535"]),
    "port is a truth value": ("port = true", ["1: port: expected a port from 0 to 65535, found true"]),
    "language": ('language = "fr"', ["1: language: \"fr\" is not allowed; zh-CN or en"]),
    "time zone": ('time_zone = "China/Xiamen"', ["1: time_zone: \"China/Xiamen\" is not allowed; a zone such as Asia/Shanghai"]),
    "time zone that climbs": ('time_zone = "../../etc/passwd"', ["1: time_zone: \"../../etc/passwd\" is not allowed; a zone such as Asia/Shanghai"]),
    "database": ('database = "mysql://x"', ["1: database: \"mysql://x\" is not allowed; sqlite:PATH or postgres://USER@HOST/NAME"]),
    "database in memory": ('database = "sqlite::memory:"', ["1: database: \"sqlite::memory:\" is not allowed; sqlite:PATH or postgres://USER@HOST/NAME"]),
    "mode": ('plugin_errors = "lenient"', ["1: plugin_errors: \"lenient\" is not allowed; strict or degrade"]),
    "plugins not a list": ('plugins = "adoption"', ["1: plugins: expected a list of plugin keys, found \"adoption\""]),
    "plugin not a text": ("plugins = [1]", ["1: plugins: expected a list of plugin keys, found 1"]),
    "plugin not installed": ('plugins = [\n  "adoption",\n  "pionts",\n]', ["3: plugin 'pionts' is not installed; did you mean 'points'? (available: adoption, points)"]),
    "plugin twice": ('plugins = ["points", "points"]', ["1: plugin 'points' is listed twice"]),
    "duplicate key": ("port = 1\nport = 2", ["2: Cannot overwrite a value, near: port = 2"]),
    "duplicate section": ("[area.xishan]\n[area.xishan]", ["2: Cannot declare ('area', 'xishan') twice, near: [area.xishan]"]),
    "not TOML": ("port 8000", ["1: Expected '=' after a key in a key/value pair, near: port 8000"]),
    "unclosed text": ('database = "sqlite:x', ["1: Unterminated string, near: database = \"sqlite:x"]),
    "empty file": ("", [" the file is empty; write what it should say, or remove it to use the defaults"]),
    "only comments": ("# nothing yet\n", [" the file is empty; write what it should say, or remove it to use the defaults"]),
    "not UTF-8": (b'port = 8000\nlanguage = "\xd6\xd0"', ["2: byte 0xd6 is not UTF-8; save the file as UTF-8"]),
    "area is no table": ("area = 3", ["1: area: expected [area.CODE] sections, found 3"]),
    "area section is no table": ("[area]\nxishan = 3", ["2: area.xishan: expected [area.xishan], found 3"]),
    "unknown word in an area": ('[area.xishan]\nenabled = ["points"]', ["2: unknown key area.xishan.enabled; did you mean 'enable'? (known: enable, disable, pilot, permissions, adoption, points)"]),
    "enable is no list": ('[area.xishan]\nenable = "points"', ["2: enable: expected enable = [\"adoption\"], found \"points\""]),
    "enable a plugin there is not": ('[area.xishan]\nenable = [\n "point",\n]', ["3: plugin 'point' is not in plugins = […]; did you mean 'points'? (listed: adoption, points)"]),
    "enable and disable": ('[area.xishan]\nenable = ["points"]\ndisable = ["points"]', ["3: area.xishan says enable and disable for 'points'; keep one"]),
    "enabled twice": ('[area.xishan]\nenable = ["points", "points"]', ["2: plugin 'points' is listed twice"]),
    "no host": ('host = ""', ['1: host: "" is not allowed; a name or address']),
    "host that is none": ('host = "no such host"', ['1: host: "no such host" is not allowed; a name or address']),
    "pilot beyond the calendar": ("[area.xishan]\npilot.points = 9999-12-31", ["2: pilot.points: expected the pilot's last day, such as 2027-03-31, found 9999-12-31"]),
    "article too long": (f'[area.xishan]\nadoption.notice_days = {{ value = 9, article = "{"条" * 101}" }}', [f'2: adoption.notice_days.article: expected at most 100 characters that can be printed, found "{"条" * 56}…']),
    "article that cannot be stored": ('[area.xishan]\nadoption.notice_days = { value = 9, article = "a\\u0000" }', ['2: adoption.notice_days.article: expected at most 100 characters that can be printed, found "a\\u0000"']),
    "enable and pilot": ('[area.xishan]\nenable = ["points"]\npilot.points = 2027-01-01', ["3: area.xishan says enable and pilot for 'points'; keep one"]),
    "pilot without a date": ('[area.xishan]\npilot.points = "soon"', ["2: pilot.points: expected the pilot's last day, such as 2027-03-31, found \"soon\""]),
    "pilot with an hour": ("[area.xishan]\npilot.points = 2027-01-01T08:00:00Z", ["2: pilot.points: expected the pilot's last day, such as 2027-03-31, found 2027-01-01T08:00:00+00:00"]),
    "pilot is no table": ("[area.xishan]\npilot = 2027-01-01", ["2: pilot: expected pilot.adoption = 2027-03-31, found 2027-01-01"]),
    "pilot of nothing": ("[area.xishan]\npilot.pts = 2027-01-01", ["2: plugin 'pts' is not in plugins = […]; did you mean 'points'? (listed: adoption, points)"]),
    "settings of a plugin there is not": ("[area.xishan]\nadopt.notice_days = 7", ["2: plugin 'adopt' is not in plugins = […]; did you mean 'adoption'? (listed: adoption, points)"]),
    "misspelt setting": ("[area.xishan]\nadoption.notice_dyas = 7", ["2: unknown setting adoption.notice_dyas; did you mean 'notice_days'? (known: pass_score, term_months, rectify_days, notice_days, asset_kinds, sign_days, end_notice_days, renew_days, inspect_months, fails_to_revoke, appeal_days)"]),
    "setting of the wrong type": ('[area.xishan]\nadoption.notice_days = "7"', ["2: adoption.notice_days: expected a whole number from 0 to 90, found \"7\""]),
    "setting out of range": ("[area.xishan]\nadoption.pass_score = 101", ["2: adoption.pass_score: expected a whole number from 1 to 100, found 101"]),
    "setting is a fraction": ("[area.xishan]\nadoption.pass_score = 60.5", ["2: adoption.pass_score: expected a whole number from 1 to 100, found 60.5"]),
    "setting is a list": ("[area.xishan]\nadoption.pass_score = [60]", ["2: adoption.pass_score: expected a whole number from 1 to 100, found [60]"]),
    "lock of no kind": ('[area.xishan]\nadoption.notice_days = { value = 7, lock = "mni" }', ["2: adoption.notice_days: lock \"mni\" does not fit; did you mean 'min'? (allowed: open, min, max, locked)"]),
    "lock that does not fit": ('[area.xishan]\nadoption.notice_days = { value = 7, lock = "subset" }', ["2: adoption.notice_days: lock \"subset\" does not fit (allowed: open, min, max, locked)"]),
    "lock is no text": ("[area.xishan]\nadoption.notice_days = { value = 7, lock = 1 }", ["2: adoption.notice_days: lock 1 does not fit (allowed: open, min, max, locked)"]),
    "setting says nothing": ("[area.xishan]\nadoption.notice_days = {}", ["2: adoption.notice_days: give a value, a lock, or both"]),
    "setting says too much": ("[area.xishan]\nadoption.notice_days = { value = 7, locked = true }", ["2: unknown key adoption.notice_days.locked; did you mean 'lock'? (known: value, lock, document, article)"]),
    "document is no text": ("[area.xishan]\nadoption.notice_days = { value = 7, document = 3 }", ["2: adoption.notice_days.document: expected document = \"…\", found 3"]),
    "unknown area": ('[area.xisan]\nenable = ["points"]', ["1: there is no area with the code 'xisan'; did you mean 'xishan'?"]),
    "unknown document": ('[area.xishan]\nadoption.notice_days = { value = 9, document = "没有的文件" }', ["2: no rule document 《没有的文件》 is in force in xishan or above it"]),
    "loosened minimum": ('[area.haicang]\nadoption.notice_days = { value = 7, lock = "min" }\n[area.xishan]\nadoption.notice_days = 5', ["4: adoption.notice_days = 5 is looser than haicang allows (min 7)"]),
    "loosened maximum": ('[area.haicang]\nadoption.term_months = { value = 24, lock = "max" }\n[area.xishan]\nadoption.term_months = 36', ["4: adoption.term_months = 36 is looser than haicang allows (max 24)"]),
    "loosened by the key's own rule": ("[area.dongfu]\nadoption.rectify_days = 10\n[area.xishan]\nadoption.rectify_days = 11", ["4: adoption.rectify_days = 11 is looser than dongfu allows (max 10)"]),
    "changed what is locked": ('[area.haicang]\nadoption.pass_score = { value = 70, lock = "locked" }\n[area.xishan-1]\nadoption.pass_score = 80', ["4: adoption.pass_score = 80 is looser than haicang allows (locked 70)"]),
    "trusted documents without any": ('accept_documents = "trusted"', ["1: there are no trusted documents; name a manifest or a folder with documents = …"]),
    "documents of a third kind": ('accept_documents = "known"', ['1: accept_documents: "known" is not allowed; any or trusted']),
    "quota below nothing": ("viewer_quota = -1", ["1: viewer_quota: -1 is not allowed; a whole number from 0 to 1000000000; 0 is no limit"]),
    "quota beyond measure": ("address_quota = 1000000001", ["1: address_quota: 1000000001 is not allowed; a whole number from 0 to 1000000000; 0 is no limit"]),
    "quota is a text": ('address_quota = "many"', ['1: address_quota: expected a whole number from 0 to 1000000000; 0 is no limit, found "many"']),
    "proxy is a name": ('trusted_proxies = [\n "127.0.0.1",\n "proxy.example",\n]', ['3: trusted_proxies: "proxy.example" is not allowed; a list of addresses and networks such as ["10.0.0.0/24"]']),
    "network with an address in it": ('trusted_proxies = ["10.0.0.7/24"]', ['1: trusted_proxies: "10.0.0.7/24" is not allowed; a list of addresses and networks such as ["10.0.0.0/24"]']),
    "proxies are no list": ('trusted_proxies = "10.0.0.1"', ['1: trusted_proxies: expected a list of addresses and networks such as ["10.0.0.0/24"], found "10.0.0.1"']),
    "unlimited is a number": ("unlimited = [127]", ['1: unlimited: 127 is not allowed; a list of addresses and networks such as ["127.0.0.0/8"]']),
    "everything at once": ('prot = 1\nlanguage = "fr"\nplugins = ["adoptoin"]', [
        "1: unknown key prot; did you mean 'port'? (known: database, plugins, plugin_errors, time_zone, language, host, port, files, key_file, documents, accept_documents, viewer_quota, address_quota, unlimited, trusted_proxies, sign_in, area)",
        "2: language: \"fr\" is not allowed; zh-CN or en",
        "3: plugin 'adoptoin' is not installed; did you mean 'adoption'? (available: adoption, points)",
    ]),
    "everything at once, on every level": ('prot = 1\ntime_zone = "Xiamen"\nplugins = ["adoption", "pionts"]\n[area.xisan]\nenable = ["points"]\nadoption.pass_score = 0\n[area.haicang]\nadoption.term_months = { value = 24, lock = "max" }\n[area.xishan]\nadoption.notice_dyas = 3\nadoption.term_months = 36\nadoption.notice_days = { value = 9, document = "没有" }', [
        "1: unknown key prot; did you mean 'port'? (known: database, plugins, plugin_errors, time_zone, language, host, port, files, key_file, documents, accept_documents, viewer_quota, address_quota, unlimited, trusted_proxies, sign_in, area)",
        '2: time_zone: "Xiamen" is not allowed; a zone such as Asia/Shanghai',
        "3: plugin 'pionts' is not installed; did you mean 'points'? (available: adoption, points)",
        "4: there is no area with the code 'xisan'; did you mean 'xishan'?",
        "6: adoption.pass_score: expected a whole number from 1 to 100, found 0",
        "10: unknown setting adoption.notice_dyas; did you mean 'notice_days'? (known: pass_score, term_months, rectify_days, notice_days, asset_kinds, sign_days, end_notice_days, renew_days, inspect_months, fails_to_revoke, appeal_days)",
        "11: adoption.term_months = 36 is looser than haicang allows (max 24)",
        "12: no rule document 《没有》 is in force in xishan or above it",
    ]),
    "database misspelt, so no other one is asked": ('databse = "sqlite:y.db"\n[area.xisan]\nenable = ["point"]', [
        "1: unknown key databse; did you mean 'database'? (known: database, plugins, plugin_errors, time_zone, language, host, port, files, key_file, documents, accept_documents, viewer_quota, address_quota, unlimited, trusted_proxies, sign_in, area)",
        "3: plugin 'point' is not in plugins = […]; did you mean 'points'? (listed: adoption, points)",
    ]),
}  # fmt: skip


async def problems_of(ours: Config, path: Path) -> list[Problem | str]:
    """What `gongzhi check` says of a file, asked of the demo's database and plugins."""
    try:
        config, known = look_over(path, {})
    except ConfigurationError as error:
        return list(error.problems)
    return [*(await find_problems(replace(config, database=ours.database, plugins=ours.plugins), known))[0]]


@pytest.fixture(scope="module")
def ours(databases: Databases) -> Iterator[Config]:
    """Nothing serves it: the check opens it as the command does."""
    url = databases.fresh("sqlite", "demo")
    yield databases.config(url)
    databases.drop(url)


@pytest.mark.anyio
@pytest.mark.parametrize("name", CASES)
async def test_a_mistake_is_told(ours: Config, tmp_path: Path, name: str) -> None:
    text, expected = CASES[name]
    path = tmp_path / "gongzhi.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = await problems_of(ours, path)
    said = [p.text() if isinstance(p, Problem) else p for p in found]
    installed = ", ".join(sorted(ours.plugins))
    assert said == [f"{path}:{line.replace('adoption, points', installed)}" for line in expected]
    for problem in found:
        assert isinstance(problem, Problem)
        assert problem.text("zh-CN") != problem.text("en")


@pytest.mark.anyio
async def test_a_good_file_is_good(ours: Config, tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(
        BOTH + '[area.haicang]\nenable = ["adoption", "points"]\n"adoption".notice_days = { value = 7, lock = "min" }\n'
        "[area.xishan]\npilot.points = 2030-01-01\nadoption.notice_days = 10\n",
        "utf-8-sig",
    )
    assert await problems_of(ours, path) == []


@pytest.mark.anyio
async def test_a_pilot_that_is_over_is_told_and_stops_nothing(ours: Config, tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(BOTH + "[area.haicang]\npilot.points = 2020-01-01\n", "utf-8")
    config, known = look_over(path, {})
    problems, notices = await find_problems(replace(config, database=ours.database, plugins=ours.plugins), known)
    assert problems == []
    assert [n.text() for n in notices if n.code == "PILOT_IS_OVER"] == [
        f"{path}:3: pilot.points: the pilot's last day in haicang is past; the area is as the one above it"
    ]


def test_what_is_listed_and_could_not_be_loaded_is_not_told_to_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text('[area.xishan]\nenable = ["forum"]\ndisable = ["forums"]\n', "utf-8")
    config = replace(config_from(TomlFile.read(path), {}), plugins=("disclosure", "forums", "ballots"))
    _, problems = look_over_areas(config, ["disclosure", "ballots"], {}, Clock("Asia/Shanghai"))
    assert [p.text() for p in problems] == [
        f"{path}:2: plugin 'forum' is not in plugins = […]; did you mean 'forums'? (listed: disclosure, forums, ballots)",
        f"{path}:3: plugin 'forums' is in plugins = […], but could not be loaded; mend that first",
    ]


def test_two_files_and_a_missing_one(tmp_path: Path) -> None:
    one, two = tmp_path / "a.toml", tmp_path / "b.toml"
    one.write_text("port = 1", "utf-8")
    assert told(lambda: read_config(one, {"GONGZHI_CONFIG": str(two)})) == [
        f"{one}: --config and GONGZHI_CONFIG={two} name two files; keep one of them"
    ]
    assert told(lambda: read_config(two, {})) == [f"{two}: no such file"]
    assert told(lambda: read_config(tmp_path, {})) == [f"{tmp_path}: cannot be read: Is a directory"]
    assert told(lambda: config_from(None, {"GONGZHI_PORT": "x"})) == [
        'GONGZHI_PORT: "x" is not allowed; a port from 0 to 65535'
    ]


MANIFEST = 'key = "{key}"\nversion = "1.0"\napi = "0.1"\ntitle = {{ en = "x", zh-CN = "x" }}\n'


def manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    for key, text in texts.items():
        (tmp_path / key).mkdir()
        (tmp_path / key / "plugin.toml").write_text(MANIFEST.format(key=key) + text, "utf-8")
    monkeypatch.setattr(manifest, "FIRST_PARTY", tmp_path)


def told(act: Callable[[], object]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        act()
    return caught.value.lines()


def test_a_cycle_is_shown_as_a_cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests(tmp_path, monkeypatch, one='needs = ["two"]', two='needs = ["three"]', three='needs = ["one"]')
    assert told(lambda: Host.load(["one", "two", "three"])) == ["plugins need each other: one → two → three → one"]


def test_a_need_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests(tmp_path, monkeypatch, one='needs = ["two"]', two="")
    assert told(lambda: Host.load(["one"])) == ["one needs two; add it to plugins = […]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('api = "0.1"\ncolour = 1\n', "2: unknown key colour (known: key, version, api, title,"),
        ('api = "0.2"\n', "1: needs api 0.2; this server speaks 0.1"),
        ('api = "0.2 - 0.9"\n', "1: needs api 0.2 - 0.9; this server speaks 0.1"),
        ('api = "new"\n', "1: needs api new; this server speaks 0.1"),
        ('api = "0.1"\nneeds = "points"\n', "2: needs: expected list, found 'points'"),
        ('api = "0.1"\n[permissions."other.do"]\nopen = true\ntitle = { en = "x", zh-CN = "x" }', "2: permission other.do: must begin with one."),
        ('api = "0.1"\n[permissions."one.do"]\ntitle = { en = "x", zh-CN = "x" }', "2: permission one.do: give either roles = [...] or open = true"),
        ('api = "0.1"\n[permissions."one.do"]\nroles = ["KING"]\ntitle = { en = "x", zh-CN = "x" }', "2: permission one.do: unknown role KING;"),
        ('api = "0.1"\n[permissions."one.do"]\nopen = true\ntitle = { en = "x" }', "2: permission one.do: title needs en and zh-CN"),
    ],
)  # fmt: skip
def test_a_wrong_manifest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    (tmp_path / "one").mkdir()
    head = 'key = "one"\nversion = "1.0"\ntitle = { en = "x", zh-CN = "x" }\n'
    body, _, tail = text.partition("[")
    (tmp_path / "one" / "plugin.toml").write_text(body + head + ("[" + tail if tail else ""), "utf-8")
    monkeypatch.setattr(manifest, "FIRST_PARTY", tmp_path)
    lines = told(lambda: Host.load(["one"]))
    line, _, rest = said.partition(":")
    moved = int(line) + (3 if "permission" in said else 0)
    assert len(lines) == 1
    assert lines[0].startswith(f"{tmp_path}/one/plugin.toml:{moved}:{rest}")


def test_every_problem_has_both_languages() -> None:
    assert all(set(texts) == {"en", "zh-CN"} for texts in _texts().values())


def test_lines_are_found_in_any_shape_of_toml() -> None:
    text = 'a = 1\n[b."c d"]\n# x = 1\ne.f = """\nx = 2\n"""\ng = [\n  "h", # i = 1\n  "j",\n]\n[[k]]\nl = {m = 1}\n'
    file = TomlFile(Path("x.toml"), text)
    assert file.line("a") == 1
    assert file.line("b", "c d", "e", "f") == 4
    assert file.line("x") is None
    assert file.line("b", "c d", "g", "j") == 9
    assert file.line("k", "l", "m") == 12
