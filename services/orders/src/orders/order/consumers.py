"""What lets a member's order go on: the decision of approvals."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import process
from chassis.clock import Clock
from chassis.inbox import Consumer
from contracts.approvals import ApprovalRequestDecided
from contracts.envelope import Event
from orders.order.domain import SUBJECT_TYPE


async def on_decided(session: AsyncSession, event: Event[ApprovalRequestDecided]) -> None:
    """Wake the placing that the request is about; it asks approvals for the truth.

    So an event that comes twice, late or for something that has ended does no harm.
    """
    request = event.data.request
    if request.subject_type == SUBJECT_TYPE:
        clock: Clock = session.info["clock"]
        await process.resume(session, request.subject_id, now=clock.now())


CONSUMER = Consumer(queue="orders.approvals", handlers={ApprovalRequestDecided: on_decided})
