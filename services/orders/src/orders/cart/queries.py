"""Reads of carts. A guest must bring the secret, a member be the one whose cart it is; else it is
as if there were no cart.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis.paging import decode_cursor, encode_cursor
from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile
from contracts.orders import Address, Cart, CartBuyer, CartStatus
from contracts.paging import Page
from contracts.pricing import PriceResolution
from orders.cart.domain import CartState, Line, Opener, Surroundings, buyer_of, to_resolve
from orders.cart.secret import hash_secret, opens
from orders.cart.tables import CartLineRow, CartRow
from orders.cart.views import as_cart
from orders.clients import check_entitlement, resolve_prices
from orders.db import uuids
from orders.delivery import queries as delivery
from orders.delivery.domain import Method
from orders.errors import CartNotFound, CartNotPriceable, CartTooExpensive
from orders.product import queries as products
from orders.product.domain import SkuFacts, sold_skus
from orders.stock import queries as stock
from orders.store import queries as stores

Source = AsyncConnection | AsyncSession

_CART: Select[Any] = select(
    *(c for c in CartRow.__table__.columns if c.name != "created_at"),
    stores.is_narrowed(CartRow.store).label("is_narrowed"),
)
_LINES = select(CartLineRow.id, CartLineRow.sku, CartLineRow.quantity).order_by(
    CartLineRow.position
)
_OWNER: Select[Any] = select(
    *(CartRow.__table__.c[name] for name in ("secret_hash", "member_id", "company"))
)
_NO_HASH = hash_secret("")
_PRICED_AT_ONCE = 8


async def get_cart(source: Source, cart_id: UUID, *, opener: Opener) -> CartState:
    """A cart that the opener may open. Raises CartNotFound."""
    row = (await source.execute(_CART.where(CartRow.id == cart_id))).one_or_none()
    if not _opens(opener, row) or row is None:
        raise CartNotFound
    return await _with_lines(source, row, opener.profile)


async def get_owner(source: Source, cart_id: UUID, *, opener: Opener) -> UUID | None:
    """Whose cart it is that the opener may open: a member's, or None for a guest's.

    Raises CartNotFound.
    """
    row = (await source.execute(_OWNER.where(CartRow.id == cart_id))).one_or_none()
    if not _opens(opener, row) or row is None:
        raise CartNotFound
    owner: UUID | None = row.member_id
    return owner


def _opens(opener: Opener, row: Row[Any] | None) -> bool:
    """Whether a cart is the opener's. A cart that is not there takes as long as a wrong secret."""
    if row is None or row.member_id is None:
        return opens(opener.secret, _NO_HASH if row is None else row.secret_hash)
    return opener.is_owner(member_id=row.member_id, company=row.company)


async def get_priced_cart(runtime: Runtime, cart_id: UUID, *, opener: Opener) -> Cart:
    """A cart as it costs now, priced in one call. Raises CartNotFound and what pricing raises."""
    async with runtime.reader.connect() as connection:
        cart = await get_cart(connection, cart_id, opener=opener)
        sold = {} if cart.is_narrowed else await find_published(connection, cart)
        around = await look_around(connection, cart, sold)
    if not cart.is_narrowed:
        return as_cart(cart, around, await price(runtime, cart, around.method))
    entitled, resolution = await asyncio.gather(
        find_entitled(runtime, cart), price(runtime, cart, around.method)
    )
    return as_cart(cart, replace(around, skus=entitled), resolution)


async def list_open_carts(
    runtime: Runtime, profile: BuyerProfile, *, limit: int, after: str | None
) -> Page[Cart]:
    """A member's open carts, the newest first, each priced in one call, a few at a time.

    One that pricing cannot price is listed without prices.
    """
    async with runtime.reader.connect() as connection:
        carts, following = await _list_carts(connection, profile, limit=limit, after=after)
        available = await stock.find_available(
            connection, list({line.sku for cart in carts for line in cart.lines})
        )
        methods = {
            key: await delivery.find_method(connection, key)
            for key in {cart.delivery_method for cart in carts}
            if key is not None
        }
    turns = asyncio.Semaphore(_PRICED_AT_ONCE)

    async def as_priced(cart: CartState) -> Cart:
        method = methods.get(cart.delivery_method or "")
        async with turns:
            entitled, resolution = await asyncio.gather(
                find_entitled(runtime, cart), _price_if_possible(runtime, cart, method)
            )
        return as_cart(cart, Surroundings(entitled, available, method), resolution)

    items = await asyncio.gather(*(as_priced(cart) for cart in carts))
    return Page(items=list(items), next=following)


async def _list_carts(
    source: Source, profile: BuyerProfile, *, limit: int, after: str | None
) -> tuple[list[CartState], str | None]:
    statement = _CART.where(
        CartRow.member_id == profile.member_id,
        CartRow.company == profile.company,
        CartRow.status == CartStatus.OPEN,
    )
    if after is not None:
        (last_id,) = decode_cursor(after, UUID)
        statement = statement.where(CartRow.id < last_id)
    rows = (await source.execute(statement.order_by(CartRow.id.desc()).limit(limit + 1))).all()
    shown = rows[:limit]
    found = await source.execute(
        select(CartLineRow.cart_id, CartLineRow.id, CartLineRow.sku, CartLineRow.quantity)
        .where(CartLineRow.cart_id == func.any(uuids([row.id for row in shown])))
        .order_by(CartLineRow.position)
    )
    lines: dict[UUID, list[Line]] = {row.id: [] for row in shown}
    for cart_id, line_id, sku, quantity in found:
        lines[cart_id].append(Line(line_id, sku, quantity))
    carts = [_as_state(row, lines[row.id], profile) for row in shown]
    return carts, encode_cursor(shown[-1].id) if len(rows) > limit else None


async def price(runtime: Runtime, cart: CartState, method: Method | None) -> PriceResolution | None:
    """Price everything in the cart and its delivery in one call; nothing needs no call."""
    asked = to_resolve(cart, method)
    if asked is None:
        return None
    return await resolve_prices(runtime, asked, member_id=cart.member_id)


async def _price_if_possible(
    runtime: Runtime, cart: CartState, method: Method | None
) -> PriceResolution | None:
    try:
        return await price(runtime, cart, method)
    except (CartNotPriceable, CartTooExpensive):
        return None


async def find_published(
    source: Source, cart: CartState, adds: Collection[str] = ()
) -> dict[str, SkuFacts]:
    """What is published of a cart's SKUs and those to be put in."""
    return await products.find_published_skus(source, {line.sku for line in cart.lines} | set(adds))


async def find_entitled(
    runtime: Runtime, cart: CartState, adds: Collection[str] = ()
) -> dict[str, SkuFacts]:
    """What a cart's buyer may order of its SKUs and those to be put in, in one call to catalog.

    Nothing needs no call. Raises NeighbourUnavailable.
    """
    skus = [*(line.sku for line in cart.lines), *adds]
    if not skus:
        return {}
    return sold_skus(await check_entitlement(runtime, cart.store, skus, member_id=cart.member_id))


async def get_cart_of_placing(session: AsyncSession, cart_id: UUID) -> CartState:
    """The cart that a placing is about; no secret needed, for the process has it in hand."""
    row = (await session.execute(_CART.where(CartRow.id == cart_id))).one()
    return await _with_lines(session, row)


async def get_secret_hash(source: Source, cart_id: UUID) -> bytes:
    """What is kept of a guest cart's secret. Raises CartNotFound, also for a member's cart."""
    found = await source.execute(select(CartRow.secret_hash).where(CartRow.id == cart_id))
    secret_hash = found.scalar_one_or_none()
    if secret_hash is None:
        raise CartNotFound
    return secret_hash


async def look_around(
    source: Source, cart: CartState, sold: Mapping[str, SkuFacts]
) -> Surroundings:
    """What the cart's answer rests on besides prices, of those SKUs that are sold to the buyer."""
    method = cart.delivery_method
    return Surroundings(
        skus=sold,
        available=await stock.find_available(source, [line.sku for line in cart.lines]),
        method=None if method is None else await delivery.find_method(source, method),
    )


async def _with_lines(
    source: Source, row: Row[Any], profile: BuyerProfile | None = None
) -> CartState:
    found = await source.execute(_LINES.where(CartLineRow.cart_id == row.id))
    return _as_state(row, [Line(*line) for line in found], profile)


def _as_state(row: Row[Any], lines: Sequence[Line], profile: BuyerProfile | None) -> CartState:
    """A cart as it is stored; one that its member opens is for the unit they act for now."""
    buyer = None
    if row.member_id is not None:
        buyer = CartBuyer(member_id=row.member_id, company=row.company, unit=row.unit)
        if profile is not None:
            buyer = buyer_of(profile)
    return CartState(
        id=row.id,
        version=row.version,
        status=CartStatus(row.status),
        store=row.store,
        currency=row.currency,
        country=row.country,
        locale=row.locale,
        updated_at=row.updated_at,
        lines=tuple(lines),
        email=row.email,
        delivery_address=_as_address(row.delivery_address),
        billing_address=_as_address(row.billing_address),
        delivery_method=row.delivery_method,
        placement_id=row.placement_id,
        order_number=row.order_number,
        buyer=buyer,
        is_narrowed=buyer is not None or row.is_narrowed,
    )


def _as_address(stored: dict[str, Any] | None) -> Address | None:
    return None if stored is None else Address.model_validate(stored)
