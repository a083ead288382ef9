"""Writes of assortments, and what follows for the tags of products."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.assortment import commands as assortments
from catalog.category import queries as categories
from catalog.product import tags
from contracts.bulk import LineOutcome
from contracts.catalog import Assortment, PutAssortment


async def put_assortment(
    session: AsyncSession,
    key: str,
    body: PutAssortment,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Assortment, LineOutcome]:
    """Make or change an assortment; the same again changes nothing.

    Where its rules changed, the tags of products change in the same transaction, while nobody
    else writes products or categories: who wrote before is seen here, who writes afterwards sees
    the new rules. Emits AssortmentChanged. Raises VersionNotCurrent.
    """
    written = await assortments.write_assortment(session, key, body, if_match=if_match, now=now)
    if written.has_new_rule:
        await categories.hold_tree(session)
        await tags.follow_assortment(session, written.tag)
    return written.assortment, written.outcome
