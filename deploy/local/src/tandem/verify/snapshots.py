"""Each database as it was at one moment, read in streams that hold few rows in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

_ROWS_AT_ONCE = 500
_TIMEOUT_S = 20


class Snapshot:
    """One database, in a transaction that can change nothing and sees no change of others."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, statement: str, *values: Any) -> AsyncIterator[Any]:
        """The rows of a query, as they come."""
        async for row in self._connection.cursor(statement, *values, prefetch=_ROWS_AT_ONCE):
            yield row

    async def row(self, statement: str, *values: Any) -> Any:
        """The only row of a query."""
        return await self._connection.fetchrow(statement, *values)


@asynccontextmanager
async def open_snapshots(databases: Mapping[str, str]) -> AsyncIterator[dict[str, Snapshot]]:
    """A snapshot of each database by its name, all of them as of now."""
    async with AsyncExitStack() as stack:
        opened = {}
        for name, url in databases.items():
            connection = await asyncpg.connect(
                url,
                timeout=_TIMEOUT_S,
                server_settings={"jit": "off", "application_name": "tandem verify"},
            )
            stack.push_async_callback(connection.close)
            await stack.enter_async_context(
                connection.transaction(isolation="repeatable_read", readonly=True)
            )
            await connection.execute("SELECT 1 FROM pg_class LIMIT 1")  # the snapshot is taken now
            opened[name] = Snapshot(connection)
        yield opened


async def side_by_side(
    left: AsyncIterator[Any], right: AsyncIterator[Any]
) -> AsyncIterator[tuple[Any, Any]]:
    """Pairs of rows with the same first column, None where one side has none.

    Both must come in the order of that column, each of its values at most once.
    """
    ours, theirs = await anext(left, None), await anext(right, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < theirs[0]):
            yield ours, None
            ours = await anext(left, None)
        elif ours is None or theirs[0] < ours[0]:
            yield None, theirs
            theirs = await anext(right, None)
        else:
            yield ours, theirs
            ours, theirs = await anext(left, None), await anext(right, None)
