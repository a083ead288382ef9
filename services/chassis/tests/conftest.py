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

    async def end() -> None:
        admin = await asyncpg.connect(database)
        try:
            await eventually(
                lambda: admin.fetchval(
                    "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE query ~ '^SELECT pg_sleep' AND state = 'active'"
                    " AND datname = current_database()"
                )
            )
        finally:
            await admin.close()

    return end
