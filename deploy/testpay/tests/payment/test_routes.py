"""What a merchant sees: cards, keys, and a ledger that never gives more than there is."""

import asyncio

import pytest

from contracts.testpay import CARDS
from testpay.payment import domain

GBP = {"amount": "20.34", "currency": "GBP"}


def wish(token="tok_ok", *, reference="r", amount="20.34"):
    return {
        "reference": reference,
        "amount": {"amount": amount, "currency": "GBP"},
        "token": token,
    }


def ledger(answer):
    return [(entry["kind"], entry["amount"]["amount"]) for entry in answer.json()["entries"]]


def test_the_contract_tells_of_every_card():
    assert set(CARDS) == set(domain._CARDS)


@pytest.mark.parametrize(
    ("token", "status", "entries"),
    [
        ("tok_ok", "authorised", [("authorise", "20.34")]),
        ("tok_slow", "authorised", [("authorise", "20.34")]),
        ("tok_declined", "declined", []),
        ("tok_unheard_of", "declined", []),
        ("tok_pending", "pending", []),
    ],
)
async def test_a_card_does_what_its_name_says(post, get, token, status, entries):
    answer = await post("", wish(token))
    assert (answer.status_code, answer.json()["status"]) == (201, status)
    assert ledger(answer) == entries
    assert bool(answer.json()["reason"]) == (status == "declined")
    assert (await get("r")).json() == answer.json()


async def test_the_same_key_moves_nothing_twice(post):
    answers = [await post("", wish(), key="k") for _ in range(3)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert len(ledger(answers[0])) == 1
    other = await post("", wish(amount="1.00"), key="k")
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    another_key = await post("", wish())
    assert (another_key.status_code, another_key.json()["code"]) == (409, "payment-known")


async def test_twins_at_the_same_moment_move_once(post):
    answers = await asyncio.gather(*(post("", wish(), key="k") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    captures = await asyncio.gather(*(post("/r/captures", {"amount": GBP}) for _ in range(4)))
    assert sorted(answer.status_code for answer in captures) == [201, 409, 409, 409]


async def test_a_slow_answer_is_there_at_once_when_asked_again(post):
    slow = asyncio.create_task(post("", wish("tok_slow"), key="k"))
    while (again := await post("", wish("tok_slow"), key="k")).status_code != 201:
        assert not slow.done()
    assert again.json()["status"] == "authorised"
    assert (await slow).json() == again.json()


async def test_captures_and_refunds_add_up(post):
    await post("", wish())
    for amount in ("5.00", "15.34"):
        body = {"amount": {"amount": amount, "currency": "GBP"}}
        assert (await post("/r/captures", body)).status_code == 201
    penny = {"amount": {"amount": "0.01", "currency": "GBP"}}
    assert (await post("/r/captures", penny)).json()["code"] == "not-capturable"
    last = await post("/r/refunds", {"amount": GBP}, key="k")
    assert ledger(last)[1:] == [("capture", "5.00"), ("capture", "15.34"), ("refund", "20.34")]
    assert ledger(await post("/r/refunds", {"amount": GBP}, key="k")) == ledger(last)
    assert (await post("/r/refunds", penny)).json()["code"] == "not-refundable"
    assert (await post("/r/void")).json()["code"] == "not-voidable"


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "20.35"])
async def test_what_cannot_be_captured_is_refused(post, amount):
    await post("", wish())
    answer = await post("/r/captures", {"amount": {"amount": amount, "currency": "GBP"}})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "At most 20.34 GBP can be captured.",
    )
    euros = await post("/r/captures", {"amount": {"amount": "1.00", "currency": "EUR"}})
    assert euros.status_code == 409


async def test_a_void_gives_back_once_and_nothing_can_be_captured_after(post):
    await post("", wish())
    for _ in range(2):
        answer = await post("/r/void")
        assert (answer.status_code, answer.json()["status"]) == (200, "voided")
    assert ledger(answer) == [("authorise", "20.34"), ("void", "20.34")]
    assert (await post("/r/captures", {"amount": GBP})).status_code == 409


async def test_what_was_voided_before_it_came_is_refused_for_good(post):
    first = await post("/r/void")
    assert (first.json()["status"], first.json()["amount"]) == ("voided", None)
    late = await post("", wish())
    assert (late.status_code, late.json()["status"], ledger(late)) == (201, "voided", [])
    assert (await post("/r/captures", {"amount": GBP})).status_code == 409


async def test_a_declined_payment_stays_declined_when_it_is_voided(post):
    await post("", wish("tok_declined"))
    assert (await post("/r/void")).json()["status"] == "declined"


async def test_nobody_but_the_merchant_is_let_in(post, app_client, runtime):
    for shown in ({}, {"Authorization": "Bearer whsec_b3RoZXI="}, {"Authorization": "Basic x"}):
        answer = await app_client.post(
            "/v1/payments", json=wish(), headers={"Idempotency-Key": "k", **shown}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "merchant-unknown")
        assert (await app_client.get("/v1/payments/r", headers=shown)).status_code == 401
    runtime.settings = runtime.settings.model_copy(update={"testpay_secret": None})
    assert (await post("", wish(), Authorization="Bearer ")).status_code == 401


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reference": "a b"}, "/reference"),
        ({"token": "4111111111111111"}, "/token"),
        ({"amount": {"amount": "-1.00", "currency": "GBP"}}, "/amount"),
        ({"amount": {"amount": "1.005", "currency": "GBP"}}, "/amount"),
        ({"card": "4111"}, "/card"),
    ],
)
async def test_bad_input_says_which_field(post, get, change, pointer):
    answer = await post("", wish() | change)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await get("r")).json()["code"] == "payment-unknown"


async def test_a_key_is_required(post):
    answer = await post("", wish(), **{"Idempotency-Key": ""})
    assert (answer.status_code, answer.json()["code"]) == (400, "key-missing")
    assert (await post("/nobody/refunds", {"amount": GBP})).status_code == 404
