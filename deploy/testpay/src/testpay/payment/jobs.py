"""What comes later: results of pending payments, and the webhooks that tell of them.

Webhooks are signed as Standard Webhooks 1.0 say and sent again, ever less often, until they are
taken.
"""

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from chassis.backoff import delay
from chassis.db import commit
from chassis.jobs import Job
from chassis.logs import get_logger
from chassis.runtime import Runtime
from contracts.problems import Problem
from testpay.payment.commands import settle_payments
from testpay.payment.tables import NoticeRow
from testpay.payment.views import as_notice
from testpay.settings import TestpaySettings

_PATH = "/v1/webhooks/testpay"
_WAIT_SECONDS = 5.0
_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0

log = get_logger(__name__)


async def settle(runtime: Runtime) -> None:
    """Settle what is due, then send every notice whose time has come, once."""
    async with runtime.sessions() as session:
        if await settle_payments(session, now=runtime.clock.now()):
            await commit(session, "job", "settle")
    async with runtime.reader.connect() as connection:
        due = select(NoticeRow.id).where(
            NoticeRow.times > 0, NoticeRow.next_attempt_at <= runtime.clock.now()
        )
        notice_ids = (await connection.scalars(due)).all()
    for notice_id in notice_ids:
        async with runtime.sessions() as session:
            notice = await session.get_one(NoticeRow, notice_id)
        is_taken = await _send(runtime, notice)
        async with runtime.sessions() as session:
            held = await session.get_one(NoticeRow, notice_id, with_for_update=True)
            _note(runtime, held, is_taken, runtime.clock.now())
            await commit(session, "job", "notice")


async def _send(runtime: Runtime, notice: NoticeRow) -> bool:
    """Whether the merchant took it."""
    body = as_notice(notice).model_dump_json()
    secret = cast(TestpaySettings, runtime.settings).testpay_secret
    if secret is None:
        return False
    now = runtime.clock.now()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(notice.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(str(notice.id), now, body),
    }
    orders = runtime.neighbours["orders"]
    try:
        await orders.post(
            _PATH,
            content=body.encode(),
            token=None,
            headers=headers,
            deadline=now.timestamp() + _WAIT_SECONDS,
        )
    except Problem as problem:
        log.info("notice not taken", notice_id=str(notice.id), why=problem.detail)
        return False
    return True


def _note(runtime: Runtime, notice: NoticeRow, is_taken: bool, now: datetime) -> None:
    if is_taken:
        notice.times -= 1
        return
    notice.attempts += 1
    seconds = delay(
        notice.attempts,
        first=_FIRST_RETRY_SECONDS,
        cap=_LONGEST_RETRY_SECONDS,
        random=runtime.random,
    )
    notice.next_attempt_at = now + timedelta(seconds=seconds)


SETTLE = Job(name="settle", every=timedelta(seconds=1), run=settle)
