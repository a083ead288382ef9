"""Reads of delivery methods."""

from sqlalchemy import any_, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis.paging import decode_cursor, encode_cursor
from contracts.orders import DeliveryMethod
from contracts.paging import Page
from orders.delivery.domain import Method
from orders.delivery.tables import DeliveryMethodRow
from orders.delivery.views import as_delivery_method
from orders.errors import DeliveryMethodNotFound

Source = AsyncConnection | AsyncSession
_ALL = select(*DeliveryMethodRow.__table__.columns)


async def get_delivery_method(source: Source, key: str) -> DeliveryMethod:
    """One delivery method. Raises DeliveryMethodNotFound."""
    found = await source.execute(_ALL.where(DeliveryMethodRow.key == key))
    row = found.one_or_none()
    if row is None:
        raise DeliveryMethodNotFound(key)
    return as_delivery_method(row)


async def find_method(source: Source, key: str) -> Method | None:
    """What rules need of a delivery method, if there is one of that key."""
    row = DeliveryMethodRow
    found = await source.execute(
        select(
            row.key,
            row.name,
            row.stores,
            row.countries,
            row.price,
            row.currency,
            row.is_tax_included,
            row.tax_class,
        ).where(row.key == key)
    )
    method = found.one_or_none()
    if method is None:
        return None
    return Method(
        key=method.key,
        name=method.name,
        stores=tuple(method.stores),
        countries=tuple(method.countries),
        price=method.price,
        currency=method.currency,
        is_tax_included=method.is_tax_included,
        tax_class=method.tax_class,
    )


async def list_delivery_methods(
    source: Source, *, store: str | None, country: str | None, limit: int, after: str | None
) -> Page[DeliveryMethod]:
    """Methods offered in a store and a country (each only if given), by position, then key."""
    row = DeliveryMethodRow
    statement = _ALL
    if store is not None:
        statement = statement.where(
            or_(func.cardinality(row.stores) == 0, literal(store) == any_(row.stores))
        )
    if country is not None:
        statement = statement.where(literal(country) == any_(row.countries))
    if after is not None:
        position, key = decode_cursor(after, int, str)
        statement = statement.where(tuple_(row.position, row.key) > tuple_(position, key))
    statement = statement.order_by(row.position, row.key).limit(limit + 1)
    rows = (await source.execute(statement)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=[as_delivery_method(one) for one in rows[:limit]],
        next=encode_cursor(last.position, last.key) if last else None,
    )
