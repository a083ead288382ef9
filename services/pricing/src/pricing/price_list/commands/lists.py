"""Writes of price lists."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox, versions
from contracts.bulk import LineOutcome
from contracts.pricing import PriceList, PriceListChanged, PutPriceList
from pricing.errors import AudienceTooWide, PriceListFixed
from pricing.moments import window_in_utc
from pricing.price_list.domain import audience_key
from pricing.price_list.tables import ALL_STORES, EVERYBODY, PriceListRow, PriceListStoreRow
from pricing.price_list.views import as_price_list

_FIXED = ("currency", "is_tax_included")
_MOST_PAIRS = 20_000


async def put_price_list(
    session: AsyncSession,
    key: str,
    body: PutPriceList,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[PriceList, LineOutcome]:
    """Make or change a list; the same again changes nothing.

    Emits PriceListChanged. Raises VersionNotCurrent, PriceListFixed, MomentOutOfRange,
    AudienceTooWide.
    """
    wanted = _values(body)
    row = await _find_for_update(session, key)
    versions.check(row.version if row else None, if_match)
    if row is None:
        made = await _insert(session, {"key": key, "version": 1, "updated_at": now, **wanted})
        if made is not None:
            await _index(session, made)
            return _changed(session, made), LineOutcome.CREATED
        # Somebody made it between the look and the insert: then this is a change of theirs.
        row = await _find_for_update(session, key)
        assert row is not None  # noqa: S101 (lists are never deleted)
    for field in _FIXED:
        if getattr(row, field) != wanted[field]:
            raise PriceListFixed(field, getattr(row, field))
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return as_price_list(row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await _index(session, row)
    return _changed(session, row), LineOutcome.UPDATED


def _values(body: PutPriceList) -> dict[str, Any]:
    valid_from, valid_to = window_in_utc(body.valid_from, body.valid_to)
    if len(body.stores) * len(body.audience) > _MOST_PAIRS:
        raise AudienceTooWide(_MOST_PAIRS)
    audience = [one.model_dump(mode="json") for one in body.audience]
    return {
        **body.model_dump(),
        "audience": audience,
        "valid_from": valid_from,
        "valid_to": valid_to,
    }


async def _find_for_update(session: AsyncSession, key: str) -> PriceListRow | None:
    wanted = select(PriceListRow).where(PriceListRow.key == key)
    return await session.scalar(wanted.with_for_update(key_share=True))


async def _insert(session: AsyncSession, values: dict[str, Any]) -> PriceListRow | None:
    return await session.scalar(
        insert(PriceListRow).values(**values).on_conflict_do_nothing().returning(PriceListRow)
    )


async def _index(session: AsyncSession, row: PriceListRow) -> None:
    """Lead from each of the list's stores and buyers to it."""
    await session.execute(
        delete(PriceListStoreRow).where(PriceListStoreRow.price_list_id == row.id)
    )
    stores = sorted(set(row.stores)) or [ALL_STORES]
    audience = sorted({audience_key(one["level"], one["key"]) for one in row.audience})
    await session.execute(
        insert(PriceListStoreRow),
        [
            {"store": store, "audience": buyers, "price_list_id": row.id}
            for store in stores
            for buyers in audience or [EVERYBODY]
        ],
    )


def _changed(session: AsyncSession, row: PriceListRow) -> PriceList:
    price_list = as_price_list(row)
    outbox.add(
        session, PriceListChanged(price_list=price_list), subject=row.key, sequence=row.version
    )
    return price_list
