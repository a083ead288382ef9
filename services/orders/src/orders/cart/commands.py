"""Writes of carts.

A change is optimistic: the cart is read and changed in memory, priced with no transaction open,
and written in one if nobody was faster. Whoever loses reads again and tries anew, a few times;
so nothing is ever half done, and a cart is never stored that could not be priced.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, column, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis import versions
from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile
from contracts.ids import new_id
from contracts.orders import (
    AddCartLines,
    Cart,
    CartLineInput,
    CartStatus,
    ChangeCartLine,
    OpenCart,
    OpenedCart,
    QuickOrder,
    QuickOrdered,
    SetCartAddress,
    SetCartDelivery,
)
from contracts.pricing import PriceResolution
from orders.cart import domain, queries
from orders.cart.domain import CartState, Line, Opener, Surroundings
from orders.cart.quick_order import Taking, put_taken, read_list, refuse_unsellable, take
from orders.cart.secret import hash_secret, make_secret
from orders.cart.tables import CartLineRow, CartRow
from orders.cart.views import as_cart, as_quick_ordered
from orders.db import numbers, uuids
from orders.delivery import queries as delivery
from orders.errors import CartChanged, SkuNotOrderable, StoreUnknown
from orders.product.domain import SkuFacts
from orders.store import queries as stores
from orders.store.domain import StoreFacts

_ATTEMPTS = 5
Source = AsyncConnection | AsyncSession
Sold = Mapping[str, SkuFacts]
Change = Callable[[AsyncConnection, CartState, Sold], Awaitable[CartState]]
Review = Callable[[CartState, CartState, PriceResolution | None], CartState]


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
        store = await _get_store(connection, body.store)
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
            cart = _put_in(cart, body.lines, sold)
            around = await queries.look_around(connection, cart, sold)
    if cart.is_narrowed:
        sold = await queries.find_entitled(runtime, cart, adds)
        cart = _put_in(cart, body.lines, sold)
        async with runtime.reader.connect() as connection:
            around = await queries.look_around(connection, cart, sold)
    resolution = await queries.price(runtime, cart, around.method)
    secret = make_secret() if profile is None else None
    await session.execute(
        insert(CartRow).values(
            id=cart.id,
            secret_hash=None if secret is None else hash_secret(secret),
            version=cart.version,
            status=cart.status,
            created_at=now,
            **_chosen(cart, now=now),
        )
    )
    await _insert_lines(session, cart.id, cart.lines)
    return OpenedCart(cart=as_cart(cart, around, resolution), secret=secret)


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
        return _put_in(cart, body.lines, sold)

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
            await _get_store(connection, cart.store),
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


async def begin_placing(
    session: AsyncSession, cart_id: UUID, *, placement_id: UUID, now: datetime
) -> CartState:
    """Freeze an open cart: from now on a process has it in hand.

    Raises CartBeingPlaced, CartAlreadyOrdered.
    """
    await session.execute(select(CartRow.id).where(CartRow.id == cart_id).with_for_update())
    cart = await queries.get_cart_of_placing(session, cart_id)
    domain.require_open(cart)
    await _set_status(
        session, cart_id, now=now, status=CartStatus.PLACING, placement_id=placement_id
    )
    return cart


async def reopen_cart(
    session: AsyncSession, cart_id: UUID, *, placement_id: UUID, now: datetime
) -> None:
    """Give a cart back that this process had in hand; again changes nothing."""
    await _set_status(
        session,
        cart_id,
        _is_placed_by(placement_id),
        now=now,
        status=CartStatus.OPEN,
        placement_id=None,
    )


async def end_placing(
    session: AsyncSession, cart_id: UUID, *, placement_id: UUID, order_number: str, now: datetime
) -> None:
    """Note which order a cart became."""
    await _set_status(
        session,
        cart_id,
        _is_placed_by(placement_id),
        now=now,
        status=CartStatus.ORDERED,
        order_number=order_number,
    )


def _is_placed_by(placement_id: UUID) -> Any:
    return (CartRow.placement_id == placement_id) & (CartRow.status == CartStatus.PLACING)


async def _set_status(
    session: AsyncSession, cart_id: UUID, *conditions: Any, now: datetime, **values: Any
) -> None:
    await session.execute(
        update(CartRow)
        .where(CartRow.id == cart_id, *conditions)
        .values(version=CartRow.version + 1, updated_at=now, **values)
        .execution_options(synchronize_session=False)
    )


async def _get_store(source: Source, key: str) -> StoreFacts:
    store = await stores.find_store(source, key)
    if store is None:
        raise StoreUnknown(key)
    return store


def _put_in(cart: CartState, lines: Sequence[CartLineInput], sold: Sold) -> CartState:
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
        if await _write(session, before, after, now=now):
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


async def _write(
    session: AsyncSession, before: CartState, after: CartState, *, now: datetime
) -> bool:
    """Write what differs, if the cart is still at the version that was read; whether it was."""
    written = await session.execute(
        update(CartRow)
        .where(CartRow.id == before.id, CartRow.version == before.version)
        .values(version=before.version + 1, **_chosen(after, now=now))
        .returning(CartRow.id)
        .execution_options(synchronize_session=False)
    )
    if written.first() is None:
        return False
    old = {line.id: line for line in before.lines}
    new = {line.id: line for line in after.lines}
    await _delete_lines(session, [line_id for line_id in old if line_id not in new])
    await _insert_lines(session, after.id, [new[line_id] for line_id in new if line_id not in old])
    await _update_lines(
        session, [line for line in after.lines if line.id in old and old[line.id] != line]
    )
    return True


def _chosen(cart: CartState, *, now: datetime) -> dict[str, Any]:
    buyer, delivery_to, billed_to = cart.buyer, cart.delivery_address, cart.billing_address
    return {
        "member_id": cart.member_id,
        "company": None if buyer is None else buyer.company,
        "unit": None if buyer is None else buyer.unit,
        "store": cart.store,
        "currency": cart.currency,
        "country": cart.country,
        "locale": cart.locale,
        "email": cart.email,
        "delivery_address": None if delivery_to is None else delivery_to.model_dump(mode="json"),
        "billing_address": None if billed_to is None else billed_to.model_dump(mode="json"),
        "delivery_method": cart.delivery_method,
        "updated_at": now,
    }


async def _insert_lines(session: AsyncSession, cart_id: UUID, lines: Sequence[Line]) -> None:
    if lines:
        await session.execute(
            insert(CartLineRow),
            [
                {"id": line.id, "cart_id": cart_id, "sku": line.sku, "quantity": line.quantity}
                for line in lines
            ],
        )


async def _update_lines(session: AsyncSession, lines: Sequence[Line]) -> None:
    if not lines:
        return
    changed = (
        func.unnest(
            uuids([line.id for line in lines]),
            numbers([line.quantity for line in lines]),
        )
        .table_valued(column("id", Uuid()), column("quantity", BigInteger))
        .render_derived(name="changed")
    )
    await session.execute(
        update(CartLineRow)
        .where(CartLineRow.id == changed.c.id)
        .values(quantity=changed.c.quantity)
        .execution_options(synchronize_session=False)
    )


async def _delete_lines(session: AsyncSession, line_ids: Sequence[UUID]) -> None:
    if line_ids:
        await session.execute(
            delete(CartLineRow)
            .where(CartLineRow.id == func.any(uuids(line_ids)))
            .execution_options(synchronize_session=False)
        )
