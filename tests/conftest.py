"""Every test that asks for `dialect` runs on SQLite and on a PostgreSQL from a wheel."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

import core.database
import core.runtime
import schema.execution
from core import accounts
from core.testing.kit import INSTALLED, Databases, Neighbourhood, served, still
from core.testing.postgres import in_memory

gc.set_threshold(100_000, 20, 20)  # as the server does
# Hundreds sign in, and in vain: with the least work argon2 knows. Commands have processes of their own, and hash as ever.
accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

# A loaded machine may be slow: what is right does not become wrong then.
PATIENCE = 4
LOCK_MS = core.database.LOCK_MS
core.database.LOCK_MS *= PATIENCE
core.database.READ_SECONDS *= PATIENCE
core.runtime.RULE_SECONDS *= PATIENCE
schema.execution.REQUEST_SECONDS *= PATIENCE
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """A plugin's tests go with its folder: without the plugin they are not collected, and the header says so."""
    if collection_path.parent.name == "plugins" and collection_path.is_dir() and collection_path.name not in INSTALLED:
        return True
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """`-n auto`: one more than there are cores, as a third of a test's time is spent waiting for a database."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else min((os.cpu_count() or 1) + 1, 8)


def pytest_report_header() -> str:
    absent = sorted(p.name for p in (ROOT / "tests" / "plugins").iterdir() if p.is_dir() and p.name not in INSTALLED)
    absent = [name for name in absent if not name.startswith("_")]
    gone = f"; not collected, because the plugin folder is gone: {', '.join(absent)}" if absent else ""
    return f"plugins: {', '.join(INSTALLED)}{gone}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`@pytest.mark.needs("adoption", "points")`: deselected, visibly, where one of them is not there."""
    kept, gone = [], []
    for item in items:
        marker = item.get_closest_marker("needs")
        missing = [key for key in (marker.args if marker else ()) if key not in INSTALLED]
        (gone if missing else kept).append(item)
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = kept


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="gz-sqlite-", dir=in_memory()) as folder:
        made = Databases(Path(folder), INSTALLED)
        yield made
        made.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lock_ms(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many milliseconds a statement waits for a lock, as served; named before `neighbourhood`."""
    monkeypatch.setattr(core.database, "LOCK_MS", LOCK_MS)
    return LOCK_MS


@pytest.fixture
def demo_url(databases: Databases, dialect: str) -> Iterator[str]:
    url = databases.fresh(dialect, "demo")
    yield url
    databases.drop(url)


@pytest.fixture
def empty_url(databases: Databases, dialect: str) -> Iterator[str]:
    url = databases.fresh(dialect, "empty")
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def shared_url(databases: Databases, dialect: str) -> Iterator[str]:
    """A copy of the demo for a whole module; nothing of it may be served beside that (see `still`)."""
    databases.template("sqlite", "demo")  # commands are tried on copies of it, while this one is served
    url = databases.fresh(dialect, "demo")
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
async def shared_neighbourhood(
    databases: Databases, shared_url: str, anyio_backend: str
) -> AsyncIterator[Neighbourhood]:
    """One neighbourhood, in which nothing happens any more, for all tests of a module that only read or are refused."""
    async with still(databases.config(shared_url)) as made:
        yield made


@pytest.fixture
async def neighbourhood(databases: Databases, demo_url: str, anyio_backend: str) -> AsyncIterator[Neighbourhood]:
    """The demo neighbourhood, served; everyone in it is signed in."""
    async with served(databases.config(demo_url), is_fresh=True) as made:
        await made.trust("admin", "clerk", "inspector", "custodian", "company", "resident")
        yield made
