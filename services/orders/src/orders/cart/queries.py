"""Reads of carts. Who asks must bring the secret; a wrong one is as if there were no cart."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis.runtime import Runtime
from contracts.orders import Address, Cart, CartStatus
from contracts.pricing import PriceResolution
from orders.cart.domain import CartState, Line, Surroundings, to_resolve
from orders.cart.secret import hash_secret, opens
from orders.cart.tables import CartLineRow, CartRow
from orders.cart.views import as_cart
from orders.clients import resolve_prices
from orders.delivery import queries as delivery
from orders.delivery.domain import Method
from orders.errors import CartNotFound
from orders.product import queries as products
from orders.stock import queries as stock

Source = AsyncConnection | AsyncSession

_CART = select(*(c for c in CartRow.__table__.columns if c.name != "created_at"))
_LINES = select(CartLineRow.id, CartLineRow.sku, CartLineRow.quantity).order_by(
    CartLineRow.position
)
_NO_HASH = hash_secret("")


async def get_cart(source: Source, cart_id: UUID, *, secret: str | None) -> CartState:
    """A cart that the secret opens. Raises CartNotFound."""
    row = (await source.execute(_CART.where(CartRow.id == cart_id))).one_or_none()
    if not opens(secret, row.secret_hash if row else _NO_HASH) or row is None:
        raise CartNotFound
    return await _with_lines(source, row)


async def require_secret(source: Source, cart_id: UUID, *, secret: str | None) -> None:
    """Raise CartNotFound unless the secret opens a cart of that id."""
    found = await source.execute(select(CartRow.secret_hash).where(CartRow.id == cart_id))
    secret_hash = found.scalar_one_or_none()
    if not opens(secret, secret_hash or _NO_HASH) or secret_hash is None:
        raise CartNotFound


async def get_priced_cart(runtime: Runtime, cart_id: UUID, *, secret: str | None) -> Cart:
    """A cart as it costs now, priced in one call. Raises CartNotFound and what pricing raises."""
    async with runtime.reader.connect() as connection:
        cart = await get_cart(connection, cart_id, secret=secret)
        around = await look_around(connection, cart)
    return as_cart(cart, around, await price(runtime, cart, around.method))


async def price(runtime: Runtime, cart: CartState, method: Method | None) -> PriceResolution | None:
    """Price everything in the cart and its delivery in one call; nothing needs no call."""
    asked = to_resolve(cart, method)
    return None if asked is None else await resolve_prices(runtime, asked)


async def get_cart_of_placing(session: AsyncSession, cart_id: UUID) -> CartState:
    """The cart that a placing is about; no secret needed, for the process has it in hand."""
    row = (await session.execute(_CART.where(CartRow.id == cart_id))).one()
    return await _with_lines(session, row)


async def get_secret_hash(source: Source, cart_id: UUID) -> bytes:
    """What is kept of a cart's secret. Raises CartNotFound."""
    found = await source.execute(select(CartRow.secret_hash).where(CartRow.id == cart_id))
    secret_hash = found.scalar_one_or_none()
    if secret_hash is None:
        raise CartNotFound
    return secret_hash


async def look_around(source: Source, cart: CartState) -> Surroundings:
    """What the cart's answer rests on besides prices."""
    skus = [line.sku for line in cart.lines]
    method = cart.delivery_method
    return Surroundings(
        skus=await products.find_published_skus(source, skus),
        available=await stock.find_available(source, skus),
        method=None if method is None else await delivery.find_method(source, method),
    )


async def _with_lines(source: Source, row: Row[Any]) -> CartState:
    found = await source.execute(_LINES.where(CartLineRow.cart_id == row.id))
    return CartState(
        id=row.id,
        version=row.version,
        status=CartStatus(row.status),
        store=row.store,
        currency=row.currency,
        country=row.country,
        locale=row.locale,
        updated_at=row.updated_at,
        lines=tuple(Line(*line) for line in found),
        email=row.email,
        delivery_address=_as_address(row.delivery_address),
        billing_address=_as_address(row.billing_address),
        delivery_method=row.delivery_method,
        placement_id=row.placement_id,
        order_number=row.order_number,
    )


def _as_address(stored: dict[str, Any] | None) -> Address | None:
    return None if stored is None else Address.model_validate(stored)
