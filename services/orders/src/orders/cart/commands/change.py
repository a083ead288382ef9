"""A cart changes: read, changed in memory, priced, written if nobody was faster."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis import versions
from chassis.runtime import Runtime
from contracts.ids import new_id
from contracts.orders import (
    AddCartLines,
    Cart,
    CartLineInput,
    ChangeCartLine,
    QuickOrder,
    QuickOrdered,
    SetCartAddress,
    SetCartDelivery,
)
from contracts.pricing import PriceResolution
from orders.cart import domain, queries
from orders.cart.commands.rows import write_cart
from orders.cart.domain import CartState, Opener, Surroundings
from orders.cart.quick_order import Taking, put_taken, read_list, refuse_unsellable, take
from orders.cart.views import as_cart, as_quick_ordered
from orders.delivery import queries as delivery
from orders.errors import CartChanged, SkuNotOrderable
from orders.product.domain import SkuFacts
from orders.store.queries import get_store

_ATTEMPTS = 5
Sold = Mapping[str, SkuFacts]
Change = Callable[[AsyncConnection, CartState, Sold], Awaitable[CartState]]
Review = Callable[[CartState, CartState, PriceResolution | None], CartState]


async def add_lines(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    body: AddCartLines,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Cart:
    """Put SKUs in; one that is in already grows.

    Raises SkuNotOrderable (all bad lines at once), QuantityTooLarge, CartTooLong.
    """

    async def change(_: AsyncConnection, cart: CartState, sold: Sold) -> CartState:
        return put_in(cart, body.lines, sold)

    return await _change(
        runtime,
        session,
        cart_id,
        change,
        adds=[line.sku for line in body.lines],
        opener=opener,
        if_match=if_match,
        now=now,
    )


async def quick_order(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    body: QuickOrder,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
) -> QuickOrdered:
    """Put a pasted list in, in one change; lines that cannot be taken are refused one by one.

    Catalog is asked once and pricing once; pricing once more where it refused lines.
    Raises QuickOrderTooLong and CartTooLong.
    """
    pasted, unreadable = read_list(body.text)
    taking = Taking([])

    async def change(_: AsyncConnection, cart: CartState, sold: Sold) -> CartState:
        nonlocal taking
        taking = take(cart, pasted, sold)
        return put_taken(cart, taking.taken, line_ids=[new_id() for _ in taking.taken])

    def review(
        before: CartState, after: CartState, resolution: PriceResolution | None
    ) -> CartState:
        nonlocal taking
        reviewed = refuse_unsellable(after, taking, resolution)
        if reviewed == taking:
            return after
        taking = reviewed
        return put_taken(before, taking.taken, line_ids=[new_id() for _ in taking.taken])

    cart = await _change(
        runtime,
        session,
        cart_id,
        change,
        review=review,
        adds=[line.sku for line in pasted],
        opener=opener,
        if_match=if_match,
        now=now,
    )
    return as_quick_ordered(cart, taking, unreadable)


async def change_line(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    line_id: UUID,
    body: ChangeCartLine,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Cart:
    """Set a line's quantity. Raises CartLineNotFound."""

    async def change(connection: AsyncConnection, cart: CartState, _: Sold) -> CartState:
        return domain.change_line(cart, line_id, body.quantity)

    return await _change(
        runtime, session, cart_id, change, opener=opener, if_match=if_match, now=now
    )


async def remove_line(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    line_id: UUID,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Cart:
    """Take a line out. Raises CartLineNotFound."""

    async def change(connection: AsyncConnection, cart: CartState, _: Sold) -> CartState:
        return domain.remove_line(cart, line_id)

    return await _change(
        runtime, session, cart_id, change, opener=opener, if_match=if_match, now=now
    )


async def set_address(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    body: SetCartAddress,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Cart:
    """Say who buys and where it goes. Raises CountryNotServed."""

    async def change(connection: AsyncConnection, cart: CartState, _: Sold) -> CartState:
        return domain.set_address(
            cart,
            await get_store(connection, cart.store),
            email=body.email,
            delivery=body.delivery_address,
            billing=body.billing_address,
        )

    return await _change(
        runtime, session, cart_id, change, opener=opener, if_match=if_match, now=now
    )


async def set_delivery(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    body: SetCartDelivery,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Cart:
    """Choose how it is brought. Raises DeliveryNotOffered."""

    async def change(connection: AsyncConnection, cart: CartState, _: Sold) -> CartState:
        method = await delivery.find_method(connection, body.delivery_method)
        return domain.set_delivery(cart, body.delivery_method, method)

    return await _change(
        runtime, session, cart_id, change, opener=opener, if_match=if_match, now=now
    )


def put_in(cart: CartState, lines: Sequence[CartLineInput], sold: Sold) -> CartState:
    """Put SKUs in that are all sold to the buyer. Raises SkuNotOrderable, QuantityTooLarge and
    CartTooLong.
    """
    wanted = [(line.sku, line.quantity) for line in lines]
    if unsold := domain.find_unsold(wanted, sold):
        raise SkuNotOrderable(unsold)
    return domain.add_lines(cart, wanted, line_ids=[new_id() for _ in wanted])


async def _change(
    runtime: Runtime,
    session: AsyncSession,
    cart_id: UUID,
    change: Change,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    now: datetime,
    adds: Collection[str] = (),
    review: Review | None = None,
) -> Cart:
    """Read, change, price, write; anew when somebody was faster. Raises CartNotFound, CartChanged,
    CartBeingPlaced, CartAlreadyOrdered, VersionNotCurrent, and what catalog and pricing raise.

    `adds` are SKUs that may be put in. `review` may change the outcome once it is priced, which
    is then priced again.
    """
    for _ in range(_ATTEMPTS):
        # Ends the transaction of a write that lost: nothing is held while we read and ask.
        await session.rollback()
        before, after, around = await _apply(
            runtime, cart_id, change, opener=opener, if_match=if_match, adds=adds
        )
        resolution = await queries.price(runtime, after, around.method)
        reviewed = after if review is None else review(before, after, resolution)
        if reviewed != after:
            after = reviewed
            resolution = await queries.price(runtime, after, around.method)
        if after == before:
            return as_cart(after, around, resolution)
        if await write_cart(session, before, after, now=now):
            written = replace(after, version=before.version + 1, updated_at=now)
            return as_cart(written, around, resolution)
    raise CartChanged


async def _apply(
    runtime: Runtime,
    cart_id: UUID,
    change: Change,
    *,
    opener: Opener,
    if_match: frozenset[str] | None,
    adds: Collection[str],
) -> tuple[CartState, CartState, Surroundings]:
    """The cart before and after the change, in memory. No connection is held while catalog is
    asked, which it is only for a narrowed cart.
    """
    async with runtime.reader.connect() as connection:
        before = await queries.get_cart(connection, cart_id, opener=opener)
        domain.require_open(before)
        versions.check(before.version, if_match)
        if not before.is_narrowed:
            sold = await queries.find_published(connection, before, adds)
            after = await change(connection, before, sold)
            return before, after, await queries.look_around(connection, after, sold)
    sold = await queries.find_entitled(runtime, before, adds)
    async with runtime.reader.connect() as connection:
        after = await change(connection, before, sold)
        return before, after, await queries.look_around(connection, after, sold)
