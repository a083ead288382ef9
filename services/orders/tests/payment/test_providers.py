"""The test provider."""

import pytest

from contracts.money import Money
from orders.payment.domain import Authorised, Declined
from orders.payment.providers import TestProvider as Provider

AMOUNT = Money(2034, "GBP")


async def test_the_good_card_is_paid_the_same_way_each_time():
    one, two = [await Provider().authorise("k", amount=AMOUNT, token="tok_ok") for _ in range(2)]
    assert one == two == Authorised(reference="test-k")


@pytest.mark.parametrize("token", ["tok_declined", "tok_other"])
async def test_every_other_card_is_declined(token):
    answer = await Provider().authorise("k", amount=AMOUNT, token=token)
    assert isinstance(answer, Declined)


async def test_voiding_what_is_not_there_is_no_failure():
    await Provider().void("k")
