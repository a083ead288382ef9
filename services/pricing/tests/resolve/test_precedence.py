"""The list that gives the price, against a plain reading of the rule over all lists there are."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from contracts.buyers import AgreementFacts

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
SKUS = "ABC"
WINDOWS = [(None, None), (None, None), (NOW - DAY, NOW + DAY), (None, NOW - DAY), (NOW + DAY, None)]
AUDIENCES = [
    (level, f"{level}-{number}")
    for level in ("agreement", "unit", "company", "group")
    for number in range(3)
]


def draw_list(draw, number):
    valid_from, valid_to = draw.choice(WINDOWS)
    return {
        "key": f"list-{draw.randrange(1000):03}-{number}",
        "currency": draw.choice(["EUR", "EUR", "EUR", "GBP"]),
        "stores": draw.choice([[], [], ["b2b-eu"], ["d2c-uk"], ["b2b-eu", "d2c-uk"]]),
        "audience": draw.sample(AUDIENCES, draw.choice([0, 1, 1, 2])),
        "priority": draw.randrange(3),
        "valid_from": valid_from,
        "valid_to": valid_to,
        "is_published": draw.random() < 0.9,
        "skus": draw.sample(SKUS, draw.randrange(1, 4)),
    }


def draw_buyer(draw, make):
    agreements = []
    for number in draw.sample(range(3), draw.randrange(3)):
        valid_from, valid_to = draw.choice(WINDOWS)
        agreements.append(
            AgreementFacts(
                key=f"agreement-{number}",
                priority=draw.randrange(2),
                valid_from=valid_from,
                valid_to=valid_to,
            )
        )
    return make(
        company=f"company-{draw.randrange(3)}",
        units=[f"unit-{number}" for number in draw.sample(range(3), draw.randrange(1, 4))],
        groups=[f"group-{number}" for number in draw.sample(range(3), draw.randrange(4))],
        agreements=agreements,
    )


def holds(window):
    valid_from, valid_to = window
    return (valid_from is None or valid_from <= NOW) and (valid_to is None or valid_to > NOW)


def steps_of(buyer):
    """Sets of audiences, the strongest first; lists of one set compete by priority and key."""
    in_force = [one for one in buyer.agreements if holds((one.valid_from, one.valid_to))]
    in_force.sort(key=lambda one: (-one.priority, one.key))
    return [
        *({("agreement", one.key)} for one in in_force),
        *({("unit", unit)} for unit in buyer.units),
        {("company", buyer.company)},
        {("group", group) for group in buyer.groups},
    ]


def expected(lists, buyer, sku):
    """Key of the list that gives the price by a plain reading, or None."""
    candidates = [
        one
        for one in lists
        if one["currency"] == "EUR"
        and (not one["stores"] or "b2b-eu" in one["stores"])
        and one["is_published"]
        and holds((one["valid_from"], one["valid_to"]))
        and sku in one["skus"]
    ]
    candidates.sort(key=lambda one: (-one["priority"], one["key"]))
    for step in steps_of(buyer):
        for one in candidates:
            if step & set(one["audience"]):
                return one["key"]
    return next((one["key"] for one in candidates if not one["audience"]), None)


async def put_lists(shop, lists):
    for one in lists:
        window = {
            name: None if one[name] is None else one[name].isoformat()
            for name in ("valid_from", "valid_to")
        }
        await shop.put_list(
            one["key"],
            currency=one["currency"],
            is_tax_included=False,
            stores=one["stores"],
            audience=[{"level": level, "key": key} for level, key in one["audience"]],
            priority=one["priority"],
            is_published=one["is_published"],
            **window,
        )
        lines = [
            {"sku": sku, "tiers": [{"amount": "1"}], "valid_from": (NOW - DAY).isoformat()}
            for sku in one["skus"]
        ]
        await shop.bulk(lines, price_list=one["key"])


@pytest.mark.parametrize("count", [15, 120], ids=["few lists a buyer", "many lists a buyer"])
@pytest.mark.parametrize("seed", range(3))
async def test_the_list_is_the_one_that_a_plain_reading_finds(
    shop, store_facts, product_facts, buyer_facts, token_of, count, seed
):
    draw = random.Random(f"{count}/{seed}")
    lists = [draw_list(draw, number) for number in range(count)]
    buyers = [draw_buyer(draw, buyer_facts) for _ in range(12)]
    await shop.know_store(
        store_facts("b2b-eu", audience="b2b", currencies=["EUR"], tax_display="net")
    )
    await shop.know_products(*map(product_facts, SKUS))
    await shop.put_rate()
    await put_lists(shop, lists)
    await shop.know_buyers(*buyers)
    for known_at in ({}, {"known_at": datetime.now(UTC).isoformat()}):
        for buyer in buyers:
            answer = await shop.resolved(
                *SKUS, store="b2b-eu", token=token_of(buyer), at=NOW.isoformat(), **known_at
            )
            found = {line["sku"]: line["price_list"] for line in answer["lines"]}
            assert found == {sku: expected(lists, buyer, sku) for sku in SKUS}, buyer


async def test_what_was_known_is_answered_to_a_buyer_by_their_own_list(
    shop, store_facts, product_facts, buyer_facts, token_of
):
    buyer = buyer_facts()
    await shop.know_buyers(buyer)
    await shop.know_store(
        store_facts("b2b-eu", audience="b2b", currencies=["EUR"], tax_display="net")
    )
    await shop.know_products(product_facts("A"))
    await shop.put_rate()
    for key, audience in (
        ("everybody", []),
        ("own", [{"level": "company", "key": "acme"}]),
    ):
        await shop.put_list(key, currency="EUR", is_tax_included=False, audience=audience)
    since = {"valid_from": (NOW - DAY).isoformat()}
    moments = []
    for amount, key in (("10", "everybody"), ("8", "own"), ("7", "own")):
        await shop.put_price("A", amount, key, **since)
        moments.append(datetime.now(UTC).isoformat())
    for known_at, amount in zip(moments, ("10.00", "8.00", "7.00"), strict=True):
        answer = await shop.resolved("A", store="b2b-eu", token=token_of(buyer), known_at=known_at)
        assert answer["lines"][0]["unit_price"]["amount"] == amount
