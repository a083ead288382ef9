"""Placing an order: a durable process of four steps, placed or fully undone in the end.

```
check    catalog: may all of it be ordered? pricing: what does it cost?   undo: reopen the cart
reserve  stock, in our own database                                       undo: release
pay      the provider authorises; until it knows, wait                    undo: void
place    the order, its event; stock bound, cart ordered                  (no way back)
```
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import process
from chassis.clock import Clock
from chassis.idempotency import Claim
from chassis.process import Go, Outcome, Process, ProcessRow, Refuse, Step, Undo, Wait
from chassis.runtime import Runtime
from contracts.catalog import SkuEntitlement
from contracts.ids import new_id
from contracts.money import Money
from contracts.orders import PlaceOrder, TestPayment
from contracts.pricing import PriceResolution
from orders import clients
from orders.cart import commands as carts
from orders.cart import queries as cart_queries
from orders.cart.domain import CartState, find_gaps, to_resolve
from orders.delivery import queries as delivery
from orders.delivery.domain import Method
from orders.errors import CartNotOrderable, PaymentDeclined, PaymentNotOffered
from orders.order import commands
from orders.order.domain import Agreed, agree, order_number, sold_skus
from orders.payment import commands as payments
from orders.payment.domain import Authorised, Declined, Pending
from orders.settings import OrdersSettings
from orders.stock import commands as stock


@dataclass(frozen=True, slots=True)
class _Submission:
    """What the check looks at. The cart cannot change while it is being placed."""

    cart: CartState
    method: Method | None
    agreed_total: Money


@dataclass(frozen=True, slots=True)
class _Checked:
    submission: _Submission
    entitlements: dict[str, SkuEntitlement]
    resolution: PriceResolution


@dataclass(frozen=True, slots=True)
class _Charge:
    key: str
    method: str
    token: str
    amount: Money


@dataclass(frozen=True, slots=True)
class _Answer:
    charge: _Charge
    said: Authorised | Declined | Pending
    ask_again: timedelta


async def begin_placing(
    runtime: Runtime, cart_id: UUID, body: PlaceOrder, *, secret: str | None, key: Claim
) -> ProcessRow:
    """Begin to place a cart, or find what was begun under the same key.

    Raises CartNotFound, PaymentNotOffered, CartBeingPlaced, CartAlreadyOrdered, and
    CartNotOrderable for what can be seen without asking anybody; then nothing was begun, and the
    key stays free.
    """
    async with runtime.reader.connect() as connection:
        await cart_queries.require_secret(connection, cart_id, secret=secret)
    if cast(OrdersSettings, runtime.settings).testpay_secret is None:
        raise PaymentNotOffered(body.payment.method)

    async def freeze(session: AsyncSession, row: ProcessRow) -> None:
        cart = await carts.begin_placing(session, cart_id, placement_id=row.id, now=_now(session))
        gaps = find_gaps(cart, await _find_method(session, cart))
        if gaps:
            raise CartNotOrderable(gaps)

    return await process.start(
        runtime,
        PLACING,
        process_id=new_id(),
        key=key,
        data={"cart_id": str(cart_id), **body.model_dump(mode="json")},
        first=freeze,
    )


async def _read_submission(session: AsyncSession, row: ProcessRow) -> _Submission:
    cart = await cart_queries.get_cart_of_placing(session, _cart_id(row))
    agreed_total = row.data["agreed_total"]
    return _Submission(
        cart=cart,
        method=await _find_method(session, cart),
        agreed_total=Money.parse(agreed_total["amount"], agreed_total["currency"]),
    )


async def _ask_neighbours(runtime: Runtime, submission: _Submission) -> _Checked:
    cart = submission.cart
    asked = to_resolve(cart, submission.method)
    if asked is None:
        raise CartNotOrderable(find_gaps(cart, submission.method))
    entitlements, resolution = await asyncio.gather(
        clients.check_entitlement(runtime, cart.store, [line.sku for line in cart.lines]),
        clients.resolve_prices(runtime, asked),
    )
    return _Checked(submission, entitlements, resolution)


async def _write_agreed(session: AsyncSession, row: ProcessRow, checked: _Checked) -> Outcome:
    submission = checked.submission
    agreed = agree(
        submission.cart,
        submission.method,
        skus=sold_skus(checked.entitlements),
        resolution=checked.resolution,
        agreed_total=submission.agreed_total,
    )
    row.data["agreed"] = agreed.model_dump(mode="json")
    return Go()


async def _reopen(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    await carts.reopen_cart(session, _cart_id(row), placement_id=row.id, now=_now(session))


async def _reserve(session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
    wanted = [(line.sku, line.quantity) for line in _agreed(row).lines]
    await stock.reserve_stock(session, _hold_id(row), wanted, now=_now(session))
    return Go()


async def _release(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    await stock.release_stock(session, _hold_id(row), now=_now(session))


async def _read_charge(session: AsyncSession, row: ProcessRow) -> _Charge:
    payment = TestPayment.model_validate(row.data["payment"])
    return _Charge(
        key=_payment_key(row),
        method=payment.method,
        token=payment.token,
        amount=_agreed(row).totals.total.gross,
    )


async def _authorise(runtime: Runtime, charge: _Charge) -> _Answer:
    settings = cast(OrdersSettings, runtime.settings)
    return _Answer(
        charge,
        await clients.authorise_payment(
            runtime, charge.key, amount=charge.amount, token=charge.token
        ),
        ask_again=timedelta(seconds=settings.payment_poll_seconds),
    )


async def _write_payment(session: AsyncSession, row: ProcessRow, answer: _Answer) -> Outcome:
    charge, said, now = answer.charge, answer.said, _now(session)
    if isinstance(said, Pending):
        return Wait(until=now + answer.ask_again)
    if isinstance(said, Declined):
        return Refuse(PaymentDeclined(said.reason))
    await payments.note_authorised(
        session, charge.key, method=charge.method, amount=charge.amount, authorised=said, now=now
    )
    return Go()


async def _void(runtime: Runtime, charge: _Charge) -> None:
    await clients.void_payment(runtime, charge.key)


async def _write_voided(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    await payments.note_voided(session, _payment_key(row), now=_now(session))


async def _place(session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
    now, order_id = _now(session), new_id()
    cart_id = _cart_id(row)
    serial = await commands.write_order(
        session,
        order_id,
        placement_id=row.id,
        cart=await cart_queries.get_cart_of_placing(session, cart_id),
        secret_hash=await cart_queries.get_secret_hash(session, cart_id),
        agreed=_agreed(row),
        payment_key=_payment_key(row),
        now=now,
    )
    number = order_number(serial)
    await stock.bind_reservation(session, _hold_id(row), order_id=order_id, now=now)
    await carts.end_placing(session, cart_id, placement_id=row.id, order_number=number, now=now)
    return Go(result={"order_id": str(order_id), "order_number": number})


async def _find_method(session: AsyncSession, cart: CartState) -> Method | None:
    key = cart.delivery_method
    return None if key is None else await delivery.find_method(session, key)


def _cart_id(row: ProcessRow) -> UUID:
    return UUID(row.data["cart_id"])


def _agreed(row: ProcessRow) -> Agreed:
    return Agreed.model_validate(row.data["agreed"])


def _hold_id(row: ProcessRow) -> str:
    return f"{row.id}:reserve"


def _payment_key(row: ProcessRow) -> str:
    return f"{row.id}:pay"


def _now(session: AsyncSession) -> datetime:
    clock: Clock = session.info["clock"]
    return clock.now()


PLACING = Process(
    kind="placing",
    steps=(
        Step(
            "check",
            read=_read_submission,
            call=_ask_neighbours,
            write=_write_agreed,
            undo=Undo(write=_reopen),
        ),
        Step("reserve", write=_reserve, undo=Undo(write=_release)),
        Step(
            "pay",
            read=_read_charge,
            call=_authorise,
            write=_write_payment,
            undo=Undo(read=_read_charge, call=_void, write=_write_voided),
        ),
        Step("place", write=_place),
    ),
    pivot="place",
    deadline=timedelta(minutes=15),
)
"""Fifteen minutes to get to an order; then, as after a refusal, everything is undone."""
