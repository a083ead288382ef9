"""Results that come later: told by webhook, told twice, told wrong, never told."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook

from chassis import process
from chassis.clock import Clock
from services.orders.tests.conftest import SECRET

PATH = "/v1/webhooks/testpay"
NOBODY = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:pay"


@pytest.fixture
async def waiting(shop, provider):
    """A guest whose card is pending at the provider, and the payment's reference."""
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    answer = await guest.place(key="k1", token="tok_pending")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    (reference,) = provider.payments
    return guest, reference


async def notify(shop, reference, *, secret=SECRET, at=None, **headers):
    """Send a notice, signed as the provider signs it."""
    said = '{"type":"payment.settled","timestamp":"2026-11-22T10:00:00Z","reference":"%s"}'
    body = said % reference
    at = at or datetime.now(UTC)
    signed = {
        "webhook-id": str(uuid4()),
        "webhook-timestamp": str(int(at.timestamp())),
        "Content-Type": "application/json",
    }
    signed["webhook-signature"] = Webhook(secret).sign(signed["webhook-id"], at, body)
    return await shop.client.post(PATH, content=body, headers={**signed, **headers})


async def due(shop):
    """Whether the placing is to be looked at now."""
    return await shop.scalar(
        "SELECT next_attempt_at <= now() FROM processes WHERE status = 'waiting'"
    )


async def test_a_notice_lets_the_order_go_on(shop, provider, waiting):
    guest, reference = waiting
    assert await shop.scalar("SELECT reserved FROM stock_items") == 3
    assert not await due(shop)
    provider.settle("authorised")
    assert (await notify(shop, reference)).status_code == 204
    assert await due(shop)
    await shop.work()
    placed = (await guest.place(key="k1", token="tok_pending")).json()
    assert placed["order"]["payment"]["status"] == "authorised"
    for _ in range(2):
        assert (await notify(shop, reference)).status_code == 204
    await shop.work()
    assert len(provider.charged) == 1
    await shop.check()


async def test_a_late_refusal_gives_everything_back(shop, provider, waiting):
    guest, reference = waiting
    provider.settle("declined")
    await notify(shop, reference)
    await shop.work()
    answer = await guest.place(key="k1", token="tok_pending")
    assert (answer.status_code, answer.json()["code"]) == (422, "payment-declined")
    assert await shop.scalar("SELECT reserved FROM stock_items") == 0
    assert (await guest.get()).json()["status"] == "open"
    assert provider.charged == {}
    await shop.check()


async def test_a_notice_before_the_result_changes_nothing(shop, provider, waiting):
    _, reference = waiting
    await notify(shop, reference)
    placement_id = await shop.scalar("SELECT id FROM processes")
    await process.drive(shop.runtime, placement_id)
    assert await shop.scalar("SELECT status FROM processes") == "waiting"
    assert provider.charged == {}


async def test_a_result_that_nobody_tells_is_asked_for(shop, provider, waiting):
    guest, _ = waiting
    provider.settle("authorised")
    await shop.work()  # as the worker does when the pause is over
    assert (await guest.place(key="k1", token="tok_pending")).status_code == 201
    assert len(provider.charged) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "whsec_b3RoZXI="},
        {"at": datetime(2026, 11, 22, tzinfo=UTC)},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "rubbish"},
        {"webhook-signature": "v1,ü€".encode()},
        {"webhook-id": ""},
        {"webhook-timestamp": "later"},
    ],
    ids=["secret", "old", "signature", "no signature", "no base64", "no id", "no time"],
)
async def test_a_notice_that_is_not_signed_is_refused(shop, provider, waiting, change):
    _, reference = waiting
    provider.settle("authorised")
    answer = await notify(shop, reference, **change)
    assert (answer.status_code, answer.json()["code"]) == (401, "notice-not-signed")
    assert not await due(shop)


@pytest.mark.parametrize("reference", ["x", NOBODY, "order:7"])
async def test_a_notice_that_nobody_waits_for_is_taken(shop, reference):
    assert (await notify(shop, reference)).status_code == 204


async def test_a_notice_of_another_form_says_what_is_wrong(shop):
    answer = await shop.client.post(PATH, json={"type": "payment.settled"})
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/timestamp", "/reference"}


async def test_time_runs_out_on_a_pending_payment_and_it_is_voided(shop, provider, waiting):
    guest, reference = waiting

    class Later(Clock):
        def now(self):
            return super().now().replace(year=2099)

    shop.runtime.clock = Later()
    shop.runtime.sessions.configure(info={"clock": shop.runtime.clock})
    await shop.work()
    assert provider.payments[reference].status == "voided"
    assert (await guest.get()).json()["status"] == "open"
    await shop.check()


async def test_without_a_provider_its_method_is_not_offered(shop):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"testpay_secret": None})
    answer = await guest.place()
    assert (answer.status_code, answer.json()["code"]) == (422, "payment-not-offered")
    assert answer.json()["errors"][0]["pointer"] == "/payment/method"
    assert (await guest.get()).json()["status"] == "open"
    assert (await notify(shop, "x")).status_code == 401
