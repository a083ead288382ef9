"""Results that come later, and the webhooks that tell of them: again until they are taken."""

import json

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from contracts.problems import Unavailable
from contracts.testpay import PaymentNotice
from deploy.testpay.tests.conftest import SECRET
from deploy.testpay.tests.payment.test_routes import ledger, wish
from testpay.payment.jobs import settle

PATH = "/v1/webhooks/testpay"
NOW_DUE = text("UPDATE notices SET next_attempt_at = settled_at")


@pytest.fixture
def taken(neighbour_fake):
    """The notices that the merchant took."""
    notices = []

    def take(call):
        notices.append(call)
        return 204, b""

    neighbour_fake.on("orders", "POST", PATH, take)
    return notices


@pytest.mark.parametrize(
    ("token", "status", "notices"),
    [
        ("tok_pending", "authorised", 1),
        ("tok_pending_declined", "declined", 1),
        ("tok_twice", "authorised", 2),
        ("tok_silent", "authorised", 0),
        ("tok_ok", "authorised", 0),
    ],
)
async def test_a_late_result_is_told_as_often_as_the_card_says(
    runtime, post, get, taken, token, status, notices
):
    await post("", wish(token))
    for _ in range(3):
        await settle(runtime)
    payment = await get("r")
    assert payment.json()["status"] == status
    assert len(ledger(payment)) == (status == "authorised")
    assert len(taken) == notices
    assert len({call.headers["webhook-id"] for call in taken}) == min(notices, 1)
    for call in taken:
        told = PaymentNotice.model_validate(Webhook(SECRET).verify(call.body, call.headers))
        assert told.reference == "r"


async def test_a_notice_that_is_not_taken_is_sent_again(runtime, post, neighbour_fake, taken):
    await post("", wish("tok_pending"))
    neighbour_fake.on("orders", "POST", PATH, (500, b""))
    await settle(runtime)
    assert not taken

    async def due():
        async with runtime.sessions() as session:
            await session.execute(NOW_DUE)
            await session.commit()

    neighbour_fake.on("orders", "POST", PATH, refuse)
    await due()
    await settle(runtime)
    neighbour_fake.on("orders", "POST", PATH, lambda call: taken.append(call) or (204, b""))
    await settle(runtime)
    assert not taken, "it was sent before its pause was over"
    await due()
    await settle(runtime)
    assert [json.loads(call.body)["reference"] for call in taken] == ["r"]
    await due()
    await settle(runtime)
    assert len(taken) == 1


async def test_a_payment_that_was_voided_meanwhile_gets_no_result(runtime, post, get, taken):
    await post("", wish("tok_pending"))
    assert (await post("/r/void")).json()["status"] == "voided"
    await settle(runtime)
    assert ((await get("r")).json()["status"], taken) == ("voided", [])


def refuse(call):
    raise Unavailable("later")
