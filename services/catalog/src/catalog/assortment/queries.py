"""Reads of assortments: themselves, what their rules name, and which are a buyer's."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from sqlalchemy import FromClause, Row, Select, Text, and_, any_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from catalog.assortment.domain import Target
from catalog.assortment.tables import AssignmentRow, AssortmentRow, ClauseRow
from catalog.assortment.views import as_assortment
from catalog.db import as_rows, recordset
from catalog.errors import AssortmentNotFound
from contracts.catalog import Assortment

_ASSORTMENTS = select(*AssortmentRow.__table__.c)


async def get_assortment(connection: AsyncConnection, key: str) -> Assortment:
    """One assortment. Raises AssortmentNotFound."""
    row = (await connection.execute(_ASSORTMENTS.where(AssortmentRow.key == key))).one_or_none()
    if row is None:
        raise AssortmentNotFound(key)
    return as_assortment(row)


async def list_assortments(
    connection: AsyncConnection, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Assortments by key, from behind `after`."""
    page = _ASSORTMENTS.where(AssortmentRow.key > after).order_by(AssortmentRow.key).limit(limit)
    return (await connection.execute(page)).all()


async def stream_assortments(connection: AsyncConnection) -> AsyncIterator[Assortment]:
    """Every assortment, for the snapshot."""
    async with connection.stream(_ASSORTMENTS.order_by(AssortmentRow.key)) as rows:
        async for row in rows:
            yield as_assortment(row)


async def is_known(session: AsyncSession, key: str) -> bool:
    """Whether there is an assortment of this key; they are never deleted."""
    found = await session.scalar(select(AssortmentRow.id).where(AssortmentRow.key == key))
    return found is not None


def clauses() -> FromClause:
    """What rules name, to be joined: `assortment_id, side, kind, key`."""
    return select(*ClauseRow.__table__.c).subquery("clauses")


def tags() -> FromClause:
    """All assortments, to be joined: `key, id`, and `is_whole` where it takes everything in."""
    return select(
        AssortmentRow.key, AssortmentRow.id, AssortmentRow.include.is_(None).label("is_whole")
    ).subquery("tags")


def _assigned() -> Select[*tuple[Any, ...]]:
    given = recordset(level=Text(), company=Text(), key=Text())
    is_here = bindparam("store", type_=Text) == any_(AssortmentRow.stores)
    return (
        select(
            AssortmentRow.id,
            AssortmentRow.key.label("assortment"),
            AssignmentRow.level,
            AssignmentRow.company,
            AssignmentRow.key,
            AssignmentRow.effect,
        )
        .select_from(given)
        .join(
            AssignmentRow,
            and_(
                AssignmentRow.level == given.c.level,
                AssignmentRow.company == given.c.company,
                AssignmentRow.key == given.c.key,
            ),
        )
        .join(AssortmentRow, AssortmentRow.id == AssignmentRow.assortment_id)
        .where(or_(func.cardinality(AssortmentRow.stores) == 0, is_here))
        .order_by(AssignmentRow.level, AssignmentRow.key, AssortmentRow.key, AssignmentRow.effect)
    )


_ASSIGNED = _assigned()


async def list_assigned(
    reader: AsyncConnection, targets: Collection[Target], *, store: str
) -> Sequence[Row[Any]]:
    """Assortments that are for any of these targets in a store, once for each assignment."""
    rows = as_rows(target._asdict() for target in targets)
    found: Sequence[Row[Any]] = (await reader.execute(_ASSIGNED, {"store": store, **rows})).all()
    return found
