"""The chassis is tested through a small service of its own, `shelf`."""

import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.service import Service

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def service() -> Service:
    """The service under test."""
    shelf: Service = import_module("shelf.app").SERVICE
    return shelf


@pytest.fixture
def end_sleeper(database: str, eventually: Callable[..., Awaitable[Any]]) -> Callable[[], Any]:
    """Ends the connection that is asleep in `pg_sleep`, as soon as one is."""
    return lambda: _eventually_true(database, eventually, "bool_or(pg_terminate_backend(pid))")


@pytest.fixture
def sleeper_is_asleep(
    database: str, eventually: Callable[..., Awaitable[Any]]
) -> Callable[[], Any]:
    """Waits until a connection is asleep in `pg_sleep`."""
    return lambda: _eventually_true(database, eventually, "count(*) > 0")


async def _eventually_true(
    database: str, eventually: Callable[..., Awaitable[Any]], what: str
) -> None:
    """Ask about the sleeping connections until the answer is true."""
    admin = await asyncpg.connect(database)
    try:
        await eventually(
            lambda: admin.fetchval(
                f"SELECT {what} FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'"
                " AND state = 'active' AND datname = current_database()"
            )
        )
    finally:
        await admin.close()
