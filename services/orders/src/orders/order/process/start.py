"""Begins to place a cart: a guest's by its secret, a member's by who they are."""

from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import process
from chassis.idempotency import Claim
from chassis.process import ProcessRow
from chassis.runtime import Runtime
from contracts.ids import new_id
from contracts.orders import PlaceOrder, TestPayment
from orders.cart import commands as carts
from orders.cart import queries as cart_queries
from orders.cart.domain import Opener, find_gaps
from orders.errors import CartNotOrderable, PaymentNotOffered, TermsNotOffered
from orders.order import commands
from orders.order.domain import submit_as
from orders.order.process.company import COMPANY_PLACING
from orders.order.process.guest import PLACING
from orders.order.process.steps import find_method, now_of
from orders.settings import OrdersSettings


async def begin_placing(
    runtime: Runtime, cart_id: UUID, body: PlaceOrder, *, opener: Opener, key: Claim
) -> ProcessRow:
    """Begin to place a cart, or find what was begun under the same key.

    Raises CartNotFound, BuyersOnly, PaymentNotOffered, TermsNotOffered, CartBeingPlaced,
    CartAlreadyOrdered, and CartNotOrderable for what can be seen without asking anybody; then
    nothing was begun, and the key stays free.
    """
    async with runtime.reader.connect() as connection:
        owner = await cart_queries.get_owner(connection, cart_id, opener=opener)
    buyer = opener.profile
    submitter = None if owner is None or buyer is None else submit_as(buyer)
    _require_offered(runtime, body, is_guest=submitter is None)

    async def freeze(session: AsyncSession, row: ProcessRow) -> None:
        now = now_of(session)
        frozen = await carts.begin_placing(session, cart_id, placement_id=row.id, now=now)
        gaps = find_gaps(frozen, await find_method(session, frozen))
        if gaps:
            raise CartNotOrderable(gaps)
        if submitter is not None:
            await commands.open_placement(
                session,
                row.id,
                cart=frozen,
                submitter=submitter,
                purchase_order_number=body.purchase_order_number,
                now=now,
            )

    whose = {} if submitter is None else {"submitter": submitter.model_dump(mode="json")}
    return await process.start(
        runtime,
        PLACING if submitter is None else COMPANY_PLACING,
        process_id=new_id(),
        key=key,
        data={"cart_id": str(cart_id), **body.model_dump(mode="json"), **whose},
        first=freeze,
    )


def _require_offered(runtime: Runtime, body: PlaceOrder, *, is_guest: bool) -> None:
    if not isinstance(body.payment, TestPayment):
        if is_guest:
            raise TermsNotOffered
        return
    if cast(OrdersSettings, runtime.settings).testpay_secret is None:
        raise PaymentNotOffered(body.payment.method)
