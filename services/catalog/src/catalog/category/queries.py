"""Reads of categories."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, SQLColumnExpression, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from catalog.category.tables import CategoryRow
from catalog.category.views import as_category
from catalog.errors import CategoryNotFound
from chassis.db import lock_number
from contracts.catalog import Category

TREE = lock_number("catalog:tree")
_CATEGORIES = select(*CategoryRow.__table__.c)


async def get_category(connection: AsyncConnection, key: str) -> Category:
    """One category. Raises CategoryNotFound."""
    row = (await connection.execute(_CATEGORIES.where(CategoryRow.key == key))).one_or_none()
    if row is None:
        raise CategoryNotFound(key)
    return as_category(row)


async def find_version(session: AsyncSession, key: str) -> int | None:
    """The present version of a category."""
    return await session.scalar(select(CategoryRow.version).where(CategoryRow.key == key))


async def list_categories(
    connection: AsyncConnection,
    *,
    after: str,
    limit: int,
    condition: Callable[[SQLColumnExpression[str]], ColumnElement[bool]] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Sequence[Row[Any]]:
    """Categories by key, from behind `after`; with a condition on the key only those it lets
    through, executed with what is `given` for it.
    """
    page = _CATEGORIES.where(CategoryRow.key > after).order_by(CategoryRow.key).limit(limit)
    if condition is not None:
        page = page.where(condition(CategoryRow.key))
    return (await connection.execute(page, given)).all()


def is_known(key: ColumnElement[str]) -> ColumnElement[bool]:
    """Condition: there is a category of this key."""
    return exists().where(CategoryRow.key == key)


async def keep_tree(session: AsyncSession) -> None:
    """Let nobody write the tree until the commit; many may keep it at once.

    Who wants to write it waits in a queue, so that writers of products cannot starve it.
    """
    await session.execute(select(func.pg_advisory_xact_lock_shared(TREE)))


async def hold_tree(session: AsyncSession) -> None:
    """Let nobody else keep or write the tree until the commit."""
    await session.execute(select(func.pg_advisory_xact_lock(TREE)))


async def get_paths(session: AsyncSession, keys: Collection[str]) -> Mapping[str, list[str]]:
    """Paths of those of these categories that exist."""
    rows = await session.execute(
        select(CategoryRow.key, CategoryRow.path).where(CategoryRow.key.in_(keys))
    )
    return {row.key: row.path for row in rows}


async def get_branches(
    session: AsyncSession, keys: Collection[str], *, parents: Collection[str]
) -> dict[str, CategoryRow]:
    """These categories with all below them, and their new parents. Whoever calls holds the tree."""
    rows = await session.scalars(
        select(CategoryRow).where(
            or_(CategoryRow.path.overlap(list(keys)), CategoryRow.key.in_(parents))
        )
    )
    return {row.key: row for row in rows}


async def stream_categories(connection: AsyncConnection) -> AsyncIterator[Category]:
    """Every category, for the snapshot; those above come first."""
    by_depth = _CATEGORIES.order_by(CategoryRow.path)
    async with connection.stream(by_depth) as rows:
        async for row in rows:
            yield as_category(row)
