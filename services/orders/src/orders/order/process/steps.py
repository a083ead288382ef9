"""Steps that placing a guest's and a member's order share, and what they read of the process."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.process import Go, Outcome, ProcessRow, Refuse, Step, Undo, Wait
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
from orders.errors import CartNotOrderable, PaymentDeclined
from orders.order import commands
from orders.order.domain import (
    Agreed,
    Submitter,
    Terms,
    agree,
    order_number,
    sold_skus,
    stock_hold_id,
)
from orders.payment import commands as payments
from orders.payment.domain import Authorised, Declined, Pending
from orders.settings import OrdersSettings
from orders.stock import commands as stock


def cart_id_of(row: ProcessRow) -> UUID:
    """The cart that is placed."""
    return UUID(row.data["cart_id"])


def body_of(row: ProcessRow) -> PlaceOrder:
    """What was submitted."""
    return PlaceOrder.model_validate({name: row.data.get(name) for name in PlaceOrder.model_fields})


def submitter_of(row: ProcessRow) -> Submitter | None:
    """The member who submitted; None for a guest."""
    submitter = row.data.get("submitter")
    return None if submitter is None else Submitter.model_validate(submitter)


def agreed_of(row: ProcessRow) -> Agreed:
    """What the check has fixed."""
    return Agreed.model_validate(row.data["agreed"])


def terms_of(row: ProcessRow) -> Terms | None:
    """What accounts said; None before that, and for a guest."""
    terms = row.data.get("terms")
    return None if terms is None else Terms.model_validate(terms)


def now_of(session: AsyncSession) -> datetime:
    """The time, in a room that has a session."""
    clock: Clock = session.info["clock"]
    return clock.now()


async def find_method(session: AsyncSession, cart: CartState) -> Method | None:
    """The delivery method that was chosen."""
    key = cart.delivery_method
    return None if key is None else await delivery.find_method(session, key)


@dataclass(frozen=True, slots=True)
class _Submission:
    """What the check looks at. The cart cannot change while it is being placed."""

    cart: CartState
    method: Method | None
    agreed_total: Money
    member_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Checked:
    submission: _Submission
    entitlements: dict[str, SkuEntitlement]
    resolution: PriceResolution


async def read_submission(session: AsyncSession, row: ProcessRow) -> _Submission:
    """What to ask about."""
    cart = await cart_queries.get_cart_of_placing(session, cart_id_of(row))
    submitter = submitter_of(row)
    return _Submission(
        cart=cart,
        method=await find_method(session, cart),
        agreed_total=body_of(row).agreed_total,
        member_id=None if submitter is None else submitter.member_id,
    )


async def ask_neighbours(runtime: Runtime, submission: _Submission) -> _Checked:
    """Catalog and pricing at once, on behalf of the member if it is one who orders."""
    cart, member_id = submission.cart, submission.member_id
    asked = to_resolve(cart, submission.method)
    if asked is None:
        raise CartNotOrderable(find_gaps(cart, submission.method))
    skus = [line.sku for line in cart.lines]
    entitlements, resolution = await asyncio.gather(
        clients.check_entitlement(runtime, cart.store, skus, member_id=member_id),
        clients.resolve_prices(runtime, asked, member_id=member_id),
    )
    return _Checked(submission, entitlements, resolution)


async def write_agreed(session: AsyncSession, row: ProcessRow, checked: _Checked) -> Outcome:
    """Fix what is ordered at which price."""
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


async def reopen(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    """The cart is its buyer's again."""
    await carts.reopen_cart(session, cart_id_of(row), placement_id=row.id, now=now_of(session))


async def _reserve(session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
    wanted = [(line.sku, line.quantity) for line in agreed_of(row).lines]
    await stock.reserve_stock(session, stock_hold_id(row.id), wanted, now=now_of(session))
    return Go()


async def _release(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    await stock.release_stock(session, stock_hold_id(row.id), now=now_of(session))


RESERVE = Step("reserve", write=_reserve, undo=Undo(write=_release))


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


async def _read_charge(session: AsyncSession, row: ProcessRow) -> _Charge | None:
    """What is to be charged; nothing on terms."""
    payment = body_of(row).payment
    if not isinstance(payment, TestPayment):
        return None
    return _Charge(
        key=payment_key_of(row.id),
        method=payment.method,
        token=payment.token,
        amount=agreed_of(row).totals.total.gross,
    )


def payment_key_of(placement_id: UUID) -> str:
    """What the provider knows a placing's payment by."""
    return f"{placement_id}:pay"


async def _authorise(runtime: Runtime, charge: _Charge | None) -> _Answer | None:
    if charge is None:
        return None
    settings = cast(OrdersSettings, runtime.settings)
    said = await clients.authorise_payment(
        runtime, charge.key, amount=charge.amount, token=charge.token
    )
    return _Answer(charge, said, ask_again=timedelta(seconds=settings.payment_poll_seconds))


async def _write_payment(session: AsyncSession, row: ProcessRow, answer: _Answer | None) -> Outcome:
    if answer is None:
        return Go()
    charge, said, now = answer.charge, answer.said, now_of(session)
    if isinstance(said, Pending):
        return Wait(until=now + answer.ask_again)
    if isinstance(said, Declined):
        return Refuse(PaymentDeclined(said.reason))
    await payments.note_authorised(
        session, charge.key, method=charge.method, amount=charge.amount, authorised=said, now=now
    )
    return Go()


async def _void(runtime: Runtime, charge: _Charge | None) -> None:
    if charge is not None:
        await clients.void_payment(runtime, charge.key)


async def _write_voided(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    await payments.note_voided(session, payment_key_of(row.id), now=now_of(session))


PAY = Step(
    "pay",
    read=_read_charge,
    call=_authorise,
    write=_write_payment,
    undo=Undo(read=_read_charge, call=_void, write=_write_voided),
)


async def place(session: AsyncSession, row: ProcessRow, _: Any) -> Go:
    """The order is there: a guest's with their secret, a member's with whom they act for."""
    now, order_id, body = now_of(session), new_id(), body_of(row)
    submitter, cart_id = submitter_of(row), cart_id_of(row)
    is_guest, is_charged = submitter is None, isinstance(body.payment, TestPayment)
    secret_hash = await cart_queries.get_secret_hash(session, cart_id) if is_guest else None
    serial = await commands.write_order(
        session,
        order_id,
        placement_id=row.id,
        cart=await cart_queries.get_cart_of_placing(session, cart_id),
        secret_hash=secret_hash,
        agreed=agreed_of(row),
        payment_key=payment_key_of(row.id) if is_charged else None,
        now=now,
        submitter=submitter,
        terms=None if is_charged else terms_of(row),
        purchase_order_number=body.purchase_order_number,
    )
    number = order_number(serial)
    await stock.bind_reservation(session, stock_hold_id(row.id), order_id=order_id, now=now)
    await carts.end_placing(session, cart_id, placement_id=row.id, order_number=number, now=now)
    return Go(result={"order_id": str(order_id), "order_number": number})
