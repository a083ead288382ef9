"""Writes of the category tree, and what follows for the products that stand in it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.category import commands as categories
from catalog.category import queries
from catalog.category.commands import Verdict
from catalog.product import commands as products
from chassis import versions
from contracts.bulk import LineOutcome
from contracts.catalog import PutCategory


async def write_categories(
    session: AsyncSession, lines: Sequence[tuple[str, PutCategory]], *, now: datetime
) -> list[Verdict]:
    """Make or change categories; those below a moved one move with it, products too.

    Emits CategoryChanged and, where products moved, ProductChanged.
    """
    written = await categories.write_categories(session, lines, now=now)
    if written.moved:
        await products.follow_branches(session, written.moved, now=now)
    return written.verdicts


async def put_category(
    session: AsyncSession,
    key: str,
    body: PutCategory,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> LineOutcome:
    """Make or change one category; the same again changes nothing.

    Raises VersionNotCurrent, CategoryUnknown, CategoryInCycle, CategoryTooDeep.
    """
    await queries.hold_tree(session)
    if if_match is not None:
        versions.check(await queries.find_version(session, key), if_match)
    [verdict] = await write_categories(session, [(key, body)], now=now)
    for problem in verdict.problems:
        raise problem
    return verdict.outcome
