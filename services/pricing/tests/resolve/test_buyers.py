"""What companies pay, and in which quantities: lists for some buyers, by precedence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.buyers import AgreementFacts, BuyerProfile
from contracts.ids import new_id
from pricing.price_list.domain import audience_key, reach_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
EUR = {"currency": "EUR"}
LEVELS = {
    "agreement": "acme-2026",
    "unit": "acme-shop",
    "company": "acme",
    "group": "volume",
}


def agreement(key="acme-2026", *, priority=0, days=(None, None)):
    start, end = (None if day is None else NOW + timedelta(days=day) for day in days)
    return AgreementFacts(key=key, priority=priority, valid_from=start, valid_to=end)


@pytest.fixture
async def portal(shop, store_facts, product_facts):
    """The store b2b-eu; A is 10.00 for everybody, and no list is for anybody else yet."""
    await shop.know_store(
        store_facts(
            "b2b-eu", audience="b2b", currencies=["EUR"], tax_display="net", countries=["GB"]
        ),
        store_facts("d2c-uk", currencies=["GBP", "EUR"]),
    )
    await shop.know_products(product_facts("A"), product_facts("B"))
    await shop.put_rate()
    await put_list(shop, "everybody", "10.00")
    return shop


async def put_list(shop, key, amount, *audience, sku="A", tiers=None, **changes):
    """A net list in EUR with a price; `audience` are pairs of level and key."""
    await shop.put_list(
        key,
        **EUR,
        is_tax_included=False,
        audience=[{"level": level, "key": one} for level, one in audience],
        **changes,
    )
    body = {"tiers": tiers} if tiers else {"tiers": [{"amount": amount}]}
    answer = await shop.put(f"price-lists/{key}/prices/{sku}", body)
    assert answer.is_success, answer.text


async def price(shop, token, sku="A", quantity=1, **changes):
    answer = await shop.resolve((sku, quantity), store="b2b-eu", token=token, **changes)
    assert answer.status_code == 200, answer.text
    (line,) = answer.json()["lines"]
    return line["unit_price"] and line["unit_price"]["amount"], line["price_list"]


async def test_the_strongest_level_gives_the_price(portal, buyer_facts, token_of):
    buyer = buyer_facts(groups=["volume"], agreements=[agreement()])
    await portal.know_buyers(buyer)
    token = token_of(buyer)
    assert await price(portal, token) == ("10.00", "everybody")
    for amount, level in enumerate(reversed(LEVELS), start=11):  # dearer, and yet it goes first
        await put_list(portal, f"for-{level}", f"{amount}.00", (level, LEVELS[level]))
        assert await price(portal, token) == (f"{amount}.00", f"for-{level}")


async def test_a_list_without_the_sku_leaves_it_to_the_next(portal, buyer_facts, token_of):
    buyer = buyer_facts(groups=["volume"])
    await portal.know_buyers(buyer)
    await put_list(portal, "own", "1.00", ("company", "acme"), sku="B")
    await put_list(portal, "volume", "2.00", ("group", "volume"))
    assert await price(portal, token_of(buyer)) == ("2.00", "volume")
    assert await price(portal, token_of(buyer), sku="B") == ("1.00", "own")


async def test_the_nearest_unit_goes_first(portal, buyer_facts, token_of):
    shop, head = buyer_facts(), buyer_facts(units=["acme-head"])
    await portal.know_buyers(shop, head)
    await put_list(portal, "head", "8.00", ("unit", "acme-head"))
    assert await price(portal, token_of(shop)) == ("8.00", "head")
    await put_list(portal, "shop", "9.00", ("unit", "acme-shop"), priority=-5)
    assert await price(portal, token_of(shop)) == ("9.00", "shop")
    assert await price(portal, token_of(head)) == ("8.00", "head")


async def test_within_a_level_the_lists_priority_decides_then_its_key(
    portal, buyer_facts, token_of
):
    buyer = buyer_facts(groups=["volume", "friends"])
    await portal.know_buyers(buyer)
    await put_list(portal, "b", "2.00", ("group", "volume"))
    await put_list(portal, "a", "3.00", ("group", "friends"))
    assert await price(portal, token_of(buyer)) == ("3.00", "a")
    await put_list(portal, "b", "2.00", ("group", "volume"), priority=1)
    assert await price(portal, token_of(buyer)) == ("2.00", "b")


async def test_tiers_are_those_of_one_list(portal, buyer_facts, token_of):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    tiers = [{"amount": "9.00"}, {"min_quantity": 12, "amount": "7.50"}]
    await put_list(portal, "own", "", ("company", "acme"), tiers=tiers)
    await put_list(
        portal, "everybody", "", tiers=[{"amount": "10"}, {"min_quantity": 6, "amount": "1"}]
    )
    for quantity, amount in ((1, "9.00"), (11, "9.00"), (12, "7.50"), (100, "7.50")):
        assert await price(portal, token_of(buyer), quantity=quantity) == (amount, "own")


async def test_tiers_are_told_where_asked_for(portal, buyer_facts, token_of):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    tiers = [{"min_quantity": 1, "amount": "9.00"}, {"min_quantity": 12, "amount": "7.50"}]
    await put_list(portal, "own", "", ("company", "acme"), tiers=tiers)
    token = token_of(buyer)
    answer = await portal.resolve("A", "B", store="b2b-eu", token=token, include_tiers=True)
    assert [line["tiers"] for line in answer.json()["lines"]] == [tiers, None]
    plain = await portal.resolve("A", store="b2b-eu", token=token)
    assert plain.json()["lines"][0]["tiers"] is None
    gross = await portal.resolve("A", currency="EUR", token=token, include_tiers=True)
    shown = gross.json()["lines"][0]
    assert [tier["amount"] for tier in shown["tiers"]] == ["10.80", "9.00"]
    assert shown["unit_price"]["amount"] == "10.80"


async def test_an_agreement_gives_its_price_while_it_holds(portal, buyer_facts, token_of):
    past, future = agreement("past", days=(-9, -1)), agreement("future", days=(1, 9), priority=5)
    buyer = buyer_facts(agreements=[past, future, agreement("now", days=(-1, 1))])
    await portal.know_buyers(buyer)
    token = token_of(buyer)
    for key, amount in (("past", "1"), ("now", "2"), ("future", "3")):
        await put_list(portal, key, amount, ("agreement", key), valid_from="2020-01-01T00:00:00Z")
        path = f"price-lists/{key}/prices/A"
        body = {"tiers": [{"amount": amount}], "valid_from": "2020-01-01T00:00:00Z"}
        assert (await portal.put(path, body)).is_success
    moments = {NOW - timedelta(days=5): "past", NOW: "now", NOW + timedelta(days=5): "future"}
    for moment, key in moments.items():
        assert (await price(portal, token, at=moment.isoformat()))[1] == key


async def test_the_agreement_of_the_highest_priority_goes_first(portal, buyer_facts, token_of):
    buyer = buyer_facts(agreements=[agreement("a"), agreement("b", priority=2)])
    await portal.know_buyers(buyer)
    await put_list(portal, "list-a", "1", ("agreement", "a"), priority=9)
    await put_list(portal, "list-b", "2", ("agreement", "b"))
    assert await price(portal, token_of(buyer)) == ("2.00", "list-b")


async def test_another_companys_price_never_shows(portal, buyer_facts, token_of):
    acme = buyer_facts()
    globex = buyer_facts(company="globex", units=["globex-head"])
    await portal.know_buyers(acme, globex)
    await put_list(portal, "acme", "1.00", ("company", "acme"), ("unit", "acme-shop"))
    assert await price(portal, token_of(acme)) == ("1.00", "acme")
    assert await price(portal, token_of(globex)) == ("10.00", "everybody")


async def test_a_change_of_group_is_the_next_price(portal, buyer_facts, token_of):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    token = token_of(buyer)
    await put_list(portal, "volume", "9.50", ("group", "volume"))
    assert await price(portal, token) == ("10.00", "everybody")
    await portal.know_buyers(buyer.model_copy(update={"sequence": 2, "groups": ["volume"]}))
    assert await price(portal, token) == ("9.50", "volume")


async def test_a_list_that_is_for_nobody_else_any_more(portal, buyer_facts, token_of):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    await put_list(portal, "own", "1.00", ("company", "acme"))
    assert await price(portal, token_of(buyer)) == ("1.00", "own")
    await put_list(portal, "own", "1.00", ("company", "globex"))
    assert await price(portal, token_of(buyer)) == ("10.00", "everybody")
    await put_list(portal, "own", "1.00", priority=1)
    assert await price(portal, token_of(buyer)) == ("1.00", "own")


async def test_a_service_asks_for_a_member(portal, buyer_facts, make_token):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    await put_list(portal, "own", "1.00", ("company", "acme"))
    token = make_token(kind="service", subject="orders", on_behalf_of=str(buyer.member_id))
    assert await price(portal, token) == ("1.00", "own")


async def test_a_partner_with_the_scope_names_a_buyer(portal, buyer_facts, make_token, token_of):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    await put_list(portal, "own", "1.00", ("company", "acme"))
    may = make_token(scopes=("pricing:resolve:any",))
    assert await price(portal, may, buyer=str(buyer.member_id)) == ("1.00", "own")
    assert await price(portal, may) == ("10.00", "everybody")
    for token, status, code in [
        (make_token(scopes=("pricing:read",)), 403, "missing-scope"),
        (None, 401, "token-missing"),
        (token_of(buyer), 422, "buyer-is-caller"),
    ]:
        answer = await portal.resolve("A", store="b2b-eu", token=token, buyer=str(buyer.member_id))
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_buyer_that_there_is_not(portal, make_token, neighbour_fake):
    may = make_token(scopes=("pricing:resolve:any",))
    answer = await portal.resolve("A", store="b2b-eu", token=may, buyer=str(new_id()))
    assert (answer.status_code, answer.json()["code"]) == (422, "buyer-not-known")
    assert answer.json()["errors"][0]["pointer"] == "/buyer"


async def test_a_store_for_companies_prices_nothing_for_others(portal, make_token):
    for token, status, code in [
        (None, 401, "token-missing"),
        (make_token(scopes=("pricing:read",)), 403, "missing-scope"),
        (make_token(kind="service", subject="orders"), 403, "missing-scope"),
    ]:
        answer = await portal.resolve("A", store="b2b-eu", token=token)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_removed_member_and_a_stale_copy_get_no_price(
    portal, buyer_facts, token_of, neighbour_fake
):
    buyer = buyer_facts()
    await portal.know_buyers(buyer.model_copy(update={"sequence": 2, "is_active": False}))
    gone = await portal.resolve("A", store="b2b-eu", token=token_of(buyer))
    assert (gone.status_code, gone.json()["code"]) == (401, "access-revoked")
    other = buyer_facts(sequence=5)
    await portal.know_buyers(other.model_copy(update={"sequence": 4}))
    neighbour_fake.down.add("accounts")
    stale = await portal.resolve("A", store="b2b-eu", token=token_of(other))
    assert stale.status_code == 503


RULES = [
    ([{"minimum": 6}], {5: "below-minimum", 6: None, 7: None}),
    ([{"maximum": 10}], {10: None, 11: "above-maximum"}),
    ([{"multiple": 6}], {1: "below-minimum", 6: None, 7: "off-multiple", 12: None}),
    ([{"minimum": 10, "multiple": 6}], {6: "below-minimum", 10: "below-minimum", 12: None}),
    ([{"multiple": 4}, {"multiple": 6}], {4: "below-minimum", 12: None, 16: "off-multiple"}),
    ([{"minimum": 3}, {"minimum": 8}, {"maximum": 9}], {7: "below-minimum", 8: None}),
    ([{"multiple": 999_983}, {"multiple": 999_979}], {999_983: "below-minimum"}),
    ([{"maximum": 9}, {"minimum": 10}], {9: "below-minimum", 10: "above-maximum"}),
]


@pytest.mark.parametrize(("rules", "quantities"), RULES)
async def test_quantities_that_are_not_sold_are_told_beside_the_price(
    portal, buyer_facts, token_of, rules, quantities
):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    for number, rule in enumerate(rules):
        await portal.put_rule(f"rule-{number}", "A", **rule)
    await portal.put_rule("elsewhere", "A", minimum=999, stores=["d2c-uk"])
    await portal.put_rule("of-another", "B", minimum=999)
    for quantity, code in quantities.items():
        answer = await portal.resolve(("A", quantity), store="b2b-eu", token=token_of(buyer))
        (line,) = answer.json()["lines"]
        problem = line["quantity_problem"]
        assert (problem and problem["code"]) == code, quantity
        assert line["outcome"] == "priced"


async def test_a_problem_says_what_would_do(portal, buyer_facts, token_of):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    await portal.put_rule("a", "A", minimum=10, multiple=6)
    answer = await portal.resolve(("A", 7), store="b2b-eu", token=token_of(buyer))
    assert answer.json()["lines"][0]["quantity_problem"] == {
        "code": "below-minimum",
        "message": "A is sold from 12 pieces, in multiples of 6.",
        "minimum": 12,
        "maximum": None,
        "multiple": 6,
    }


@pytest.mark.parametrize(
    "rules",
    [
        [{"multiple": 999_983}, {"multiple": 999_979}, {"multiple": 999_961}],
        [{"maximum": 9}, {"minimum": 10}],
        [{"maximum": 5}, {"multiple": 6}],
    ],
)
async def test_rules_that_exclude_each_other_say_so(portal, buyer_facts, token_of, rules):
    buyer = buyer_facts()
    await portal.know_buyers(buyer)
    for number, rule in enumerate(rules):
        await portal.put_rule(f"rule-{number}", "A", **rule)
    answer = await portal.resolve("A", store="b2b-eu", token=token_of(buyer))
    problem = answer.json()["lines"][0]["quantity_problem"]
    assert problem["message"] == "A is sold in no quantity at all: its rules exclude each other."
    assert max(problem["minimum"], problem["multiple"]) <= 1_000_001


async def test_a_guests_rule_holds_in_a_store_for_people(portal, product_facts):
    await portal.put_rule("a", "A", maximum=2, stores=["d2c-uk"])
    answer = await portal.resolved(("A", 3), currency="EUR")
    assert answer["lines"][0]["quantity_problem"]["message"] == "A is sold from 1 to 2 pieces."


async def test_an_audience_that_is_too_wide_or_wrong(portal):
    body = {"name": "x", "currency": "EUR", "is_tax_included": False}
    many = [{"level": "company", "key": f"c{number}"} for number in range(500)]
    stores = [f"s{number}" for number in range(100)]
    wide = await portal.put("price-lists/wide", {**body, "audience": many, "stores": stores})
    assert (wide.status_code, wide.json()["code"]) == (422, "audience-too-wide")
    for audience, pointer in [
        ([{"level": "planet", "key": "x"}], "/audience/0/level"),
        ([{"level": "group", "key": "a b"}], "/audience/0/key"),
        ([{"level": "group"}], "/audience/0/key"),
        ("group", "/audience"),
        (many * 3, "/audience"),
    ]:
        answer = await portal.put("price-lists/wrong", {**body, "audience": audience})
        assert answer.status_code == 422
        assert pointer in [one["pointer"] for one in answer.json()["errors"]]


KEYS = st.sampled_from("abc")


@given(
    units=st.lists(KEYS, min_size=1, max_size=3, unique=True),
    groups=st.lists(KEYS, max_size=3, unique=True),
    agreements=st.lists(
        st.builds(
            agreement,
            KEYS,
            priority=st.integers(-2, 2),
            days=st.sampled_from([(None, None), (-1, 1), (-2, -1), (1, 2), (None, 0), (0, None)]),
        ),
        max_size=3,
        unique_by=lambda one: one.key,
    ),
)
def test_precedence_is_what_a_plain_reading_says(units, groups, agreements):
    profile = BuyerProfile(
        member_id=new_id(),
        sequence=1,
        is_active=True,
        company="acme",
        units=units,
        roles=[],
        groups=groups,
        agreements=agreements,
        country="GB",
        currency="EUR",
    )
    reach = reach_of(profile, at=NOW)
    by_rank = dict(zip(reach.audiences, reach.ranks, strict=True))
    assert len(by_rank) == len(reach.audiences)
    assert max(by_rank.values()) == by_rank[""]

    def rank(level, key):
        return by_rank.get(audience_key(level, key))

    in_force = [
        one
        for one in agreements
        if (one.valid_from is None or one.valid_from <= NOW)
        and (one.valid_to is None or one.valid_to > NOW)
    ]
    assert {one.key for one in agreements if rank("agreement", one.key) is not None} == {
        one.key for one in in_force
    }
    best_first = sorted(in_force, key=lambda one: (-one.priority, one.key))
    ordered = [rank("agreement", one.key) for one in best_first]
    ordered += [rank("unit", unit) for unit in units]
    ordered.append(rank("company", "acme"))
    assert ordered == list(range(len(ordered)))
    assert {rank("group", group) for group in groups} <= {len(ordered)}
