"""A cart is opened."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile
from contracts.ids import new_id
from contracts.orders import (
    OpenCart,
    OpenedCart,
)
from orders.cart import domain, queries
from orders.cart.commands.change import put_in
from orders.cart.commands.rows import insert_cart
from orders.cart.secret import hash_secret, make_secret
from orders.cart.views import as_cart
from orders.store.queries import get_store


async def open_cart(
    runtime: Runtime,
    session: AsyncSession,
    body: OpenCart,
    *,
    profile: BuyerProfile | None,
    now: datetime,
) -> OpenedCart:
    """Open a cart, with lines maybe: a member's, or a guest's, whose secret is told this once.

    Raises StoreUnknown, StoreForCompanies, StoreForPeople, CurrencyNotSold, LocaleNotSpoken, and
    what `add_lines` raises.
    """
    adds = [line.sku for line in body.lines]
    async with runtime.reader.connect() as connection:
        store = await get_store(connection, body.store)
        cart = domain.open_cart(
            store,
            cart_id=new_id(),
            currency=body.currency,
            locale=body.locale,
            now=now,
            profile=profile,
        )
        if not cart.is_narrowed:
            sold = await queries.find_published(connection, cart, adds)
            cart = put_in(cart, body.lines, sold)
            around = await queries.look_around(connection, cart, sold)
    if cart.is_narrowed:
        sold = await queries.find_entitled(runtime, cart, adds)
        cart = put_in(cart, body.lines, sold)
        async with runtime.reader.connect() as connection:
            around = await queries.look_around(connection, cart, sold)
    resolution = await queries.price(runtime, cart, around.method)
    secret = make_secret() if profile is None else None
    secret_hash = None if secret is None else hash_secret(secret)
    await insert_cart(session, cart, secret_hash=secret_hash, now=now)
    return OpenedCart(cart=as_cart(cart, around, resolution), secret=secret)
