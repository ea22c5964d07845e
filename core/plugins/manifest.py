"""`plugin.toml`: what is known of a plugin before anything of it is imported."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from core.access import PermissionRule
from core.enums import Role
from core.errors import ConfigurationError
from core.problems import Problem, near
from core.settings.cuts import SECTION
from core.toml import TomlFile

API = (0, 1)
ENTRY_POINTS = "gongzhi.plugins"
FIRST_PARTY = Path(__file__).resolve().parent.parent.parent / "plugins"
RESERVED = ("core", "enable", "disable", "pilot", "area", SECTION)
OWNERS: dict[str, str] = {}  # top-level package of a third-party plugin → its key
KEY_LENGTH = 60  # of a permission: the key of a setting too
_KEY = re.compile(r"[a-z][a-z0-9_]{1,30}")
_API = re.compile(r"(\d+)\.(\d+)(?:\s*-\s*(\d+)\.(\d+))?")
_KNOWN: dict[str, type] = {
    "key": str, "version": str, "api": str, "title": dict, "mechanisms": list, "needs": list, "uses": list,
    "events_out": list, "events_in": list, "ports": list, "provides": list, "jobs": list, "permissions": dict,
    "commands": dict,
}  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """Static facts. `needs` must be loaded too, `uses` may be; `ports` are offered to others, `provides` fills them."""

    key: str
    version: str
    package: str
    folder: Path
    title: dict[str, str]
    mechanisms: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    events_out: tuple[str, ...] = ()
    events_in: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    permissions: tuple[PermissionRule, ...] = ()


def available() -> dict[str, tuple[Path, str]]:
    """Every plugin on this machine: key → (folder, package). First-party folders, then entry points; none imported."""
    found = {}
    if FIRST_PARTY.is_dir():
        for folder in sorted(FIRST_PARTY.iterdir()):
            if (folder / "plugin.toml").exists():
                found[folder.name] = (folder, f"plugins.{folder.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        package = entry.value.partition(":")[0]
        folder_of = _folder(package)
        if folder_of is not None:
            found.setdefault(entry.name, (folder_of, package))
            OWNERS.setdefault(package.partition(".")[0], entry.name)
    return found


def _folder(package: str) -> Path | None:
    """Where a package lies. Finding `a.b` imports `a` by Python's own rules, so plugins are top-level packages."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def read_permissions(file: TomlFile, owner: str) -> tuple[list[PermissionRule], list[Problem]]:
    """The `[permissions]` of a plugin, and what is wrong with them."""
    rules, problems = [], []
    table = file.data.get("permissions", {})

    def wrong(key: str, what: str) -> None:
        plugin = None if owner == "core" else owner
        problems.append(file.problem("PERMISSION_DECLARATION", "permissions", key, plugin=plugin, key=key, what=what))

    for key, spec in table.items() if isinstance(table, dict) else ():
        if not isinstance(spec, dict):
            wrong(key, "give title, and roles or open")
            continue
        if not key.startswith(owner + "."):
            wrong(key, f"must begin with {owner}.")
        if len(key) > KEY_LENGTH:
            wrong(key, f"is longer than {KEY_LENGTH} characters")
        is_open, roles = spec.get("open", False), spec.get("roles", [])
        unknown = [str(r) for r in roles if r not in Role.__members__]
        if unknown:
            wrong(key, f"unknown role {', '.join(unknown)}; there are {', '.join(Role.__members__)}")
        if bool(is_open) == bool(roles):
            wrong(key, "give either roles = [...] or open = true")
        title = spec.get("title", {})
        if not isinstance(title, dict) or set(title) != {"en", "zh-CN"}:
            wrong(key, "title needs en and zh-CN")
        known = frozenset(Role(r) for r in roles if r in Role.__members__)
        rules.append(PermissionRule(key, owner, known, bool(is_open), title))
    return rules, problems


def read_manifest(folder: Path, package: str, listed_as: str) -> tuple[Manifest | None, list[Problem]]:
    """The manifest of a plugin folder, and every problem in it; None when there is nothing to go on with."""
    path = folder / "plugin.toml"
    if not path.exists():
        return None, [Problem("MANIFEST_MISSING", {}, str(path), None, listed_as)]
    try:
        file = TomlFile.read(path)
    except ConfigurationError as error:
        found = [p for p in error.problems if isinstance(p, Problem)]
        return None, [Problem(p.code, p.values, p.file, p.line, listed_as) for p in found]
    problems: list[Problem] = []

    def wrong(code: str, *at: str, **values: Any) -> None:
        problems.append(file.problem(code, *at, plugin=listed_as, **values))

    data = file.data
    for key, value in data.items():
        expected = _KNOWN.get(key)
        if expected is None:
            wrong("UNKNOWN_KEY", key, key=key, known=", ".join(_KNOWN), near=near(key, _KNOWN))
        elif not isinstance(value, expected):
            wrong("WRONG_TYPE", key, key=key, expected=expected.__name__, found=repr(value)[:60])
    for key in ("key", "version", "api", "title"):
        if key not in data:
            wrong("MANIFEST_KEY_MISSING", key=key)
    key = data.get("key", listed_as)
    if not isinstance(key, str) or not _KEY.fullmatch(key) or key in RESERVED:
        wrong("BAD_PLUGIN_KEY", "key", key=key, reserved=", ".join(RESERVED))
    elif key != listed_as:
        wrong("WRONG_TYPE", "key", key="key", expected=repr(listed_as), found=repr(key))
    wanted = str(data.get("api", f"{API[0]}.{API[1]}"))
    if not _speaks(wanted):
        wrong("API_RANGE", "api", wanted=wanted, api=f"{API[0]}.{API[1]}")
    for name, call in data["commands"].items() if isinstance(data.get("commands"), dict) else ():
        if not isinstance(call, str) or not call.startswith(f"{package}.") or ":" not in call:
            wrong(
                "WRONG_TYPE",
                "commands",
                name,
                key=name,
                expected=f"{package}.<module>:<function>",
                found=repr(call)[:60],
            )
    permissions, wrong_ones = read_permissions(file, listed_as)
    problems += wrong_ones
    lists = {
        k: tuple(map(str, data.get(k, ()))) if isinstance(data.get(k, []), list) else ()
        for k in ("mechanisms", "needs", "uses", "events_out", "events_in", "ports", "provides", "jobs")
    }
    title = data.get("title", {})
    manifest = Manifest(
        listed_as, str(data.get("version", "")), package, folder,
        title if isinstance(title, dict) else {}, **lists, permissions=tuple(permissions),
    )  # fmt: skip
    return manifest, problems


def _speaks(wanted: str) -> bool:
    """`0.1`, or a range such as `0.1 - 0.3`, of which this server's api must be one."""
    match = _API.fullmatch(wanted.strip())
    if match is None:
        return False
    low = (int(match[1]), int(match[2]))
    high = (int(match[3]), int(match[4])) if match[3] else low
    return low <= API <= high
