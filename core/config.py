"""`gongzhi.toml`: which database, which plugins, what areas have set. Environment variables go before the file.

The deployment's keys are read here; the `[area.*]` sections need the plugins' declarations and are read by
`core.settings.file` once those are loaded.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.clock import DEFAULT_ZONE
from core.database import connection_config
from core.errors import ConfigurationError
from core.keys import KeyRing
from core.messages import DEFAULT_LANGUAGE, LANGUAGES
from core.plugins.manifest import available
from core.problems import Problem, near
from core.sign_in.config import SignInConfig, read_sign_in
from core.toml import TomlFile, shown

FILE = "gongzhi.toml"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000
MODES = ("strict", "degrade")
ACCEPTED = ("any", "trusted")
THIS_MACHINE = ("127.0.0.0/8", "::1")
MAX_QUOTA = 1_000_000_000
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?")
ENVIRONMENT = {"database": "GONGZHI_DATABASE", "host": "GONGZHI_HOST", "port": "GONGZHI_PORT"}


def first_party() -> tuple[str, ...]:
    return tuple(key for key, (_, package) in available().items() if package.startswith("plugins."))


@dataclass(frozen=True)
class Config:
    """`plugins` defaults to every first-party plugin present; the address to 127.0.0.1:8000."""

    database: str = "sqlite:gongzhi.db"
    plugins: tuple[str, ...] = ()
    plugin_errors: str = "strict"
    time_zone: str = DEFAULT_ZONE
    language: str = DEFAULT_LANGUAGE
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    files: str = ""
    key_file: str = ""
    key: str = field(default="", repr=False)
    documents: str = ""
    accept_documents: str = "any"
    viewer_quota: int = 300_000
    address_quota: int = 3_000_000
    unlimited: tuple[str, ...] = THIS_MACHINE
    trusted_proxies: tuple[str, ...] = ()
    sign_in: SignInConfig = field(default_factory=SignInConfig)
    file: TomlFile | None = field(default=None, compare=False)
    path: Path | None = field(default=None, compare=False)  # of the file, or where one would be looked for

    @property
    def folder(self) -> Path:
        """Where uploads and exports lie for a day: beside a SQLite database, else in the system's temporary folder."""
        if self.files:
            return Path(self.files)
        if self.database.startswith("sqlite:"):
            return Path(self.database.removeprefix("sqlite:") + ".files")
        return Path(tempfile.gettempdir()) / f"gongzhi-{hashlib.sha256(self.database.encode()).hexdigest()[:16]}"

    @property
    def database_shown(self) -> str:
        """Which database, for people to read: where the file lies, or the address without its password."""
        if self.database.startswith("sqlite:"):
            return f"sqlite:{Path(self.database.removeprefix('sqlite:')).absolute()}"
        return re.sub(r"(//[^:/@]*):[^@]*@", r"\1@", self.database)

    @property
    def keys(self) -> KeyRing:
        """From GONGZHI_KEY, or the file; beside a SQLite database unless told, and made when first needed."""
        if self.key:
            return KeyRing(given=self.key)
        if self.key_file:
            return KeyRing(Path(self.key_file))
        if self.database.startswith("sqlite:"):
            return KeyRing(Path(self.database.removeprefix("sqlite:") + ".key"), makes=True)
        return KeyRing()

    @property
    def digest(self) -> str:
        """Of the file's text; empty without a file."""
        return hashlib.sha256(self.file.text.encode()).hexdigest() if self.file else ""


@dataclass(frozen=True)
class Option:
    """A key of the file: its type, what it may be and what it is for, in both languages."""

    type: type
    allowed_en: str
    allowed_zh: str
    en: str
    zh: str

    def allowed(self, language: str) -> str:
        return self.allowed_zh if language == "zh-CN" else self.allowed_en


OPTIONS: dict[str, Option] = {
    "database": Option(
        str, "sqlite:PATH or postgres://USER@HOST/NAME", "sqlite:路径 或 postgres://用户@主机/库名",
        "Where everything is kept.", "数据库地址。",
    ),
    "plugins": Option(
        list, "a list of plugin keys", "插件 key 的列表",
        "Which plugins are installed; every one in the tree unless told.", "安装哪些插件;默认为目录中的全部插件。",
    ),
    "plugin_errors": Option(
        str, "strict or degrade", "strict 或 degrade",
        "What a plugin that fails to load does: stop the start, or be left out.", "插件加载失败时:停止启动,或不加载该插件。",
    ),
    "time_zone": Option(
        str, "a zone such as Asia/Shanghai", "时区,如 Asia/Shanghai",
        "Civil time, for windows and periods; the database keeps it from its first start.",
        "民用时间所在时区;数据库自首次启动起即沿用。",
    ),
    "language": Option(
        str, "zh-CN or en", "zh-CN 或 en", "Of messages, where a client names none.", "客户端未指明时的消息语言。",
    ),
    "host": Option(str, "a name or address", "主机名或地址", "To listen on.", "监听地址。"),
    "port": Option(int, "a port from 0 to 65535", "0 至 65535 的端口", "To listen on.", "监听端口。"),
    "files": Option(
        str, "a folder", "文件夹路径",
        "Where spreadsheets lie while they are taken in or fetched; beside the database unless told.",
        "导入与导出文件的暂存目录;默认在数据库旁。",
    ),
    "key_file": Option(
        str, "a file", "文件路径",
        "Keys under which id numbers and sign-in identities are kept as digests, the one in use first; beside a SQLite"
        " database unless told. GONGZHI_KEY goes before it.",
        "证件号与登录标识摘要所用密钥的文件,首行为当前密钥;SQLite 默认在数据库旁。环境变量 GONGZHI_KEY 优先。",
    ),
    "documents": Option(
        str, "a JSON file, or a folder", "JSON 文件或文件夹",
        "Trusted documents: a manifest by SHA-256, or a folder of manifests and .graphql files.",
        "可信查询文档:以 SHA-256 为键的清单,或存放清单与 .graphql 文件的文件夹。",
    ),
    "accept_documents": Option(
        str, "any or trusted", "any 或 trusted",
        "Whether documents that are not trusted are answered.", "是否受理可信文档以外的查询。",
    ),
    "viewer_quota": Option(
        int, f"a whole number from 0 to {MAX_QUOTA}; 0 is no limit", f"0 至 {MAX_QUOTA} 的整数;0 为不限",
        "Cost that one account may cause in a minute; 300000 unless told.", "单个账户每分钟的查询成本上限;默认 300000。",
    ),
    "address_quota": Option(
        int, f"a whole number from 0 to {MAX_QUOTA}; 0 is no limit", f"0 至 {MAX_QUOTA} 的整数;0 为不限",
        "Cost that one address may cause in a minute (IPv6: a /64); 3000000 unless told.",
        "单个地址(IPv6 按 /64)每分钟的查询成本上限;默认 3000000。",
    ),
    "unlimited": Option(
        list, 'a list of addresses and networks such as ["127.0.0.0/8"]', '地址与网段的列表,如 ["127.0.0.0/8"]',
        "Who has no quota; this machine itself unless told.", "不受上限约束的地址;默认为本机。",
    ),
    "trusted_proxies": Option(
        list, 'a list of addresses and networks such as ["10.0.0.0/24"]', '地址与网段的列表,如 ["10.0.0.0/24"]',
        "Whose X-Forwarded-For or Forwarded is believed; nobody's unless told.",
        "采信其 X-Forwarded-For 或 Forwarded 的代理;默认不采信。",
    ),
    "sign_in": Option(
        dict, "[sign_in.phone] and [sign_in.oidc.KEY] sections", "[sign_in.phone] 与 [sign_in.oidc.标识] 小节",
        "Ways to sign in besides a password.", "密码以外的登录方式。",
    ),
    "area": Option(
        dict, "[area.CODE] sections", "[area.代码] 小节",
        "What areas enable, pilot, disable and set.", "各区域启用、试点、停用的插件及其设置。",
    ),
}  # fmt: skip


def config_path(path: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The file in force; None when none is named and there is none here."""
    named = environment.get("GONGZHI_CONFIG")
    if path is not None and named and Path(named).resolve() != path.resolve():
        raise ConfigurationError(Problem("TWO_FILES", {"other": named}, str(path)))
    if path is not None or named:
        return path or Path(str(named))
    return Path(FILE) if Path(FILE).exists() else None


def read_config(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration in force; raises ConfigurationError naming file, line, key, what is allowed and the likely
    meaning of a misspelt word, for every problem of the deployment's keys at once."""
    config, problems = look_over(path, environment)
    if problems:
        raise ConfigurationError(*problems)
    return config


def look_over(path: Path | None = None, environment: Mapping[str, str] | None = None) -> tuple[Config, list[Problem]]:
    """The configuration, with defaults for what is wrong in it, and what is wrong. Raises ConfigurationError where
    nothing can be read: no file, two files, no text, no TOML."""
    env = os.environ if environment is None else environment
    given = config_path(path, env)
    file = TomlFile.read(given) if given is not None else None
    if file is not None and not file.data:
        raise ConfigurationError(Problem("FILE_EMPTY", {}, str(given)))
    config, problems = _read(file, env)
    return replace(config, path=given or Path(FILE)), problems


def config_from(file: TomlFile | None, env: Mapping[str, str]) -> Config:
    """The deployment's keys of a parsed file, checked."""
    config, problems = _read(file, env)
    if problems:
        raise ConfigurationError(*problems)
    return config


def _read(file: TomlFile | None, env: Mapping[str, str]) -> tuple[Config, list[Problem]]:
    reader = _Reader(file, env)
    return reader.read(), sorted(reader.problems, key=lambda p: p.line or 0)


class _Reader:
    def __init__(self, file: TomlFile | None, env: Mapping[str, str]) -> None:
        self.file = file
        self.env = env
        self.data: dict[str, Any] = dict(file.data) if file else {}
        self.problems: list[Problem] = []

    def _problem(self, code: str, key: str, *at: str, **values: Any) -> None:
        name = ENVIRONMENT.get(key)
        if name and self.env.get(name):
            self.problems.append(Problem(code, {"key": name, **values}))
        elif self.file is not None:
            self.problems.append(self.file.problem(code, key, *at, **{"key": key, **values}))

    def _bad(self, key: str) -> None:
        option = OPTIONS[key]
        self._problem("BAD_VALUE", key, found=shown(self.data.pop(key)), allowed=option.allowed)

    def read(self) -> Config:
        for key, value in list(self.data.items()):
            option = OPTIONS.get(key)
            if option is None:
                self._problem("UNKNOWN_KEY", key, known=", ".join(OPTIONS), near=near(key, OPTIONS))
                del self.data[key]
            elif not isinstance(value, option.type) or isinstance(value, bool):
                self._problem("WRONG_TYPE", key, expected=option.allowed, found=shown(value))
                del self.data[key]
        for key, name in ENVIRONMENT.items():
            if self.env.get(name):
                self.data[key] = self.env[name]
        port = self._port()
        if not _HOST.fullmatch(self.data.get("host", DEFAULT_HOST)):
            self._bad("host")
        self._one_of("plugin_errors", MODES)
        self._one_of("language", LANGUAGES)
        self._one_of("accept_documents", ACCEPTED)
        if self.data.get("accept_documents") == "trusted" and not self.data.get("documents"):
            self._problem("NO_DOCUMENTS", "accept_documents")
        for key in ("viewer_quota", "address_quota"):
            if not 0 <= self.data.get(key, 0) <= MAX_QUOTA:
                self._bad(key)
        if "time_zone" in self.data:
            try:
                ZoneInfo(self.data["time_zone"])
            except (ZoneInfoNotFoundError, ValueError, OSError):
                self._bad("time_zone")
        if "database" in self.data:
            try:
                connection_config(self.data["database"])
            except (ConfigurationError, ValueError):
                self._bad("database")
        return Config(
            database=str(self.data.get("database", Config.database)),
            plugins=self._plugins(),
            plugin_errors=str(self.data.get("plugin_errors", Config.plugin_errors)),
            time_zone=str(self.data.get("time_zone", Config.time_zone)),
            language=str(self.data.get("language", Config.language)),
            host=str(self.data.get("host", Config.host)),
            port=port,
            files=str(self.data.get("files", "")),
            key_file=str(self.data.get("key_file", "")),
            key=self.env.get("GONGZHI_KEY", ""),
            documents=str(self.data.get("documents", "")),
            accept_documents=str(self.data.get("accept_documents", Config.accept_documents)),
            viewer_quota=int(self.data.get("viewer_quota", Config.viewer_quota)),
            address_quota=int(self.data.get("address_quota", Config.address_quota)),
            unlimited=self._networks("unlimited", THIS_MACHINE),
            trusted_proxies=self._networks("trusted_proxies", ()),
            sign_in=self._sign_in(),
            file=self.file,
            path=self.file.path if self.file else None,
        )

    def _one_of(self, key: str, allowed: tuple[str, ...]) -> None:
        if self.data.get(key, allowed[0]) not in allowed:
            self._bad(key)

    def _port(self) -> int:
        try:
            port = int(self.data.get("port", DEFAULT_PORT))
            if 0 <= port <= 65535:
                return port
        except (TypeError, ValueError):
            pass
        self._bad("port")
        return DEFAULT_PORT

    def _networks(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        found = []
        for text in self.data.get(key, default):
            try:
                found.append(str(ipaddress.ip_network(text if isinstance(text, str) else "")))
            except ValueError:
                self._problem("BAD_VALUE", key, str(text), found=shown(text), allowed=OPTIONS[key].allowed)
        return tuple(found)

    def _sign_in(self) -> SignInConfig:
        found, problems = read_sign_in(self.data.get("sign_in", {}))
        if self.file is not None:
            self.problems += [self.file.problem(code, *at, **values) for code, at, values in problems]
        return found

    def _plugins(self) -> tuple[str, ...]:
        here = available()
        if "plugins" not in self.data:
            return first_party()
        found: list[str] = []
        for key in self.data["plugins"]:
            if not isinstance(key, str):
                self._problem("WRONG_TYPE", "plugins", expected=OPTIONS["plugins"].allowed, found=shown(key))
            elif key not in here:
                values = {"plugin_key": key, "available": ", ".join(here) or "-", "near": near(key, here)}
                self._problem("PLUGIN_NOT_INSTALLED", "plugins", key, **values)
            elif key in found:
                self._problem("PLUGIN_TWICE", "plugins", key, plugin_key=key)
            else:
                found.append(key)
        return tuple(found)
