"""What lines cost, over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from contracts.pricing import ResolvePrices
from pricing.price_list.domain import reach_of
from pricing.resolve import queries

GBP = {"currency": "GBP"}
DELIVERY = {"kind": "delivery", "unit_price": {"amount": "4.80", **GBP}, "tax_class": "standard"}


def money(amount):
    return {"amount": amount, **GBP}


def outcomes(answer):
    return [line["outcome"] for line in answer["lines"]]


def amounts(answer):
    return [line["unit_price"] and line["unit_price"]["amount"] for line in answer["lines"]]


@pytest.fixture
async def stocked(open_shop, product_facts):
    """A is 3.39 and from 12 on 2.95, B an eighth of a pound; C has no price, D is not out yet."""
    await open_shop.know_products(
        product_facts("A", skus=["A", "A-red"]),
        product_facts("B"),
        product_facts("C"),
        product_facts("D", is_published=False),
        product_facts("E", tax_class="luxury"),
    )
    tiers = [{"amount": "3.39"}, {"min_quantity": 12, "amount": "2.95"}]
    await open_shop.put("price-lists/public-uk/prices/A", {"tiers": tiers})
    for sku, amount in (("B", "0.125"), ("D", "1"), ("E", "1"), ("F", "1")):
        await open_shop.put_price(sku, amount)
    return open_shop


async def test_line_is_priced_with_the_tax_that_is_in_it(stocked):
    answer = await stocked.resolved(("A", 6))
    assert answer["lines"] == [
        {
            "ref": "1",
            "kind": "item",
            "sku": "A",
            "quantity": 6,
            "outcome": "priced",
            "unit_price": money("3.39"),
            "is_tax_included": True,
            "total": {"net": money("16.95"), "tax": money("3.39"), "gross": money("20.34")},
            "tax_rate": "0.2",
            "price_list": "public-uk",
            "tier_min_quantity": 1,
            "tiers": None,
            "quantity_problem": None,
        }
    ]
    assert answer["total"] == answer["lines"][0]["total"]
    assert answer["taxes"] == [{"rate": "0.2", "name": "VAT 0.2", "amount": answer["total"]}]
    assert (answer["store"], answer["currency"], answer["country"]) == ("d2c-uk", "GBP", "GB")
    assert answer["tax_display"] == "gross"


async def test_unit_price_finer_than_a_penny_is_rounded_once_a_line(stocked):
    answer = await stocked.resolved(("B", 1), ("B", 2), ("B", 100))
    gross = [line["total"]["gross"]["amount"] for line in answer["lines"]]
    assert gross == ["0.13", "0.25", "12.50"]


async def test_tier_goes_by_the_quantity_of_the_line(stocked):
    answer = await stocked.resolved(("A", 11), ("A", 12), ("A", 1_000_000))
    assert [line["tier_min_quantity"] for line in answer["lines"]] == [1, 12, 12]
    assert amounts(answer) == ["3.39", "2.95", "2.95"]


async def test_line_without_a_price_leaves_the_others_alone(stocked):
    """No price, not out yet, no rate for its class, product not heard of, SKU of nobody."""
    answer = await stocked.resolved("A", "C", "D", "E", "F", "nobody", "a")
    assert outcomes(answer) == ["priced"] + ["no_price"] * 6
    unpriced = answer["lines"][1]
    assert (unpriced["unit_price"], unpriced["total"], unpriced["price_list"]) == (None, None, None)
    assert answer["total"]["gross"] == money("3.39")


async def test_lines_all_without_a_price_come_to_nothing(stocked):
    answer = await stocked.resolved("C")
    assert answer["total"] == {"net": money("0.00"), "tax": money("0.00"), "gross": money("0.00")}
    assert answer["taxes"] == []


async def test_same_sku_in_several_lines_is_priced_in_each(stocked):
    answer = await stocked.resolved(("A", 1), ("B", 8), ("A", 12), ("A", 1))
    gross = [line["total"]["gross"]["amount"] for line in answer["lines"]]
    assert gross == ["3.39", "1.00", "35.40", "3.39"]
    assert [line["ref"] for line in answer["lines"]] == ["1", "2", "3", "4"]
    assert answer["total"]["gross"] == money("43.18")


async def test_delivery_and_fees_are_taxed_beside_items(stocked):
    await stocked.put_rate(tax_class="reduced", rate="0.05")
    fee = {
        "kind": "fee",
        "unit_price": money("1.00"),
        "tax_class": "reduced",
        "is_tax_included": False,
        "quantity": 2,
    }
    answer = await stocked.resolved(("A", 6), DELIVERY, fee)
    _, delivery, fees = answer["lines"]
    assert delivery["total"] == {
        "net": money("4.00"),
        "tax": money("0.80"),
        "gross": money("4.80"),
    }
    assert (delivery["sku"], delivery["price_list"], delivery["outcome"]) == (None, None, "priced")
    assert fees["unit_price"] == money("1.05")
    assert fees["total"]["gross"] == money("2.10")
    assert [(one["rate"], one["amount"]["gross"]["amount"]) for one in answer["taxes"]] == [
        ("0.2", "25.14"),
        ("0.05", "2.10"),
    ]
    assert answer["total"]["gross"] == money("27.24")


async def test_delivery_alone_is_priced(stocked):
    assert outcomes(await stocked.resolved(DELIVERY)) == ["priced"]


@pytest.mark.parametrize(
    ("display", "included", "unit", "total"),
    [
        ("gross", True, "3.39", ("16.95", "3.39", "20.34")),
        ("net", False, "3.39", ("20.34", "4.07", "24.41")),
        ("net", True, "2.825", ("16.95", "3.39", "20.34")),
        ("gross", False, "4.068", ("20.34", "4.07", "24.41")),
    ],
)
async def test_price_is_told_as_the_store_shows_it(
    shop, store_facts, product_facts, display, included, unit, total
):
    await shop.know_store(store_facts(tax_display=display))
    await shop.know_products(product_facts("A"))
    await shop.put_rate()
    await shop.put_list(is_tax_included=included)
    await shop.put_price("A", "3.39")
    answer = await shop.resolved(("A", 6))
    (line,) = answer["lines"]
    assert (line["unit_price"], line["is_tax_included"]) == (money(unit), display == "gross")
    parts = line["total"]
    assert tuple(parts[name]["amount"] for name in ("net", "tax", "gross")) == total
    assert answer["tax_display"] == display


async def test_first_list_with_the_sku_wins_with_its_own_tiers(stocked):
    """Never a tier of another list, even where that would be cheaper."""
    await stocked.put_list("special", priority=10)
    await stocked.put_price("A", "3.00", "special")
    answer = await stocked.resolved(("A", 1), ("A", 100), ("B", 8))
    assert [line["price_list"] for line in answer["lines"]] == ["special", "special", "public-uk"]
    assert amounts(answer) == ["3.00", "3.00", "0.125"]


async def test_lists_of_one_priority_go_by_key(stocked):
    for key, amount in (("a-list", "1"), ("z-list", "2"), ("A-list", "3")):
        await stocked.put_list(key)
        await stocked.put_price("A", amount, key)
    assert amounts(await stocked.resolved("A")) == ["3.00"]


@pytest.mark.parametrize(
    "change",
    [
        {"is_published": False},
        {"stores": ["b2b-eu"]},
        {"valid_from": "2999-01-01T00:00:00Z"},
        {"valid_to": "2020-01-01T00:00:00Z"},
        {"currency": "EUR"},
        {"priority": -1},
    ],
)
async def test_list_that_does_not_hold_gives_no_price(stocked, change):
    await stocked.put_list("special", **{"priority": 10, **change})
    await stocked.put_price("A", "1", "special")
    assert amounts(await stocked.resolved("A")) == ["3.39"]


async def test_list_of_the_store_holds(stocked):
    await stocked.put_list("special", priority=10, stores=["b2b-eu", "d2c-uk"])
    await stocked.put_price("A", "1", "special")
    assert amounts(await stocked.resolved("A")) == ["1.00"]


async def test_past_and_future_and_what_was_known_are_answered(stocked):
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    future = (now + 2 * hour).isoformat()
    await stocked.put_price("B", "9", valid_from=future)
    await stocked.put_price("B", "7", valid_from=(now - 5 * hour).isoformat(), valid_to=future)
    assert amounts(await stocked.resolved("B")) == ["7.00"]
    assert amounts(await stocked.resolved("B", at=future)) == ["9.00"]
    assert amounts(await stocked.resolved("B", at=(now - hour).isoformat())) == ["7.00"]
    assert amounts(await stocked.resolved("B", known_at=now.isoformat())) == ["0.125"]
    before = await stocked.resolved("B", known_at=(now - hour).isoformat())
    assert outcomes(before) == ["no_price"]
    both = {"at": future, "known_at": now.isoformat()}
    assert amounts(await stocked.resolved("B", **both)) == ["0.125"]


async def test_rate_is_the_one_of_the_moment(stocked):
    turn = "2999-01-01T00:00:00Z"
    old = {"country": "GB", "tax_class": "standard", "rate": "0.2", "name": "VAT"}
    await stocked.put("tax-rates/GB-standard", {**old, "valid_to": turn})
    await stocked.put("tax-rates/new", {**old, "rate": "0.25", "valid_from": turn})
    assert (await stocked.resolved("A"))["lines"][0]["tax_rate"] == "0.2"
    assert (await stocked.resolved("A", at=turn))["lines"][0]["tax_rate"] == "0.25"


async def test_store_with_several_currencies_and_countries(stocked, store_facts):
    await stocked.know_store(
        store_facts("eu", currencies=["EUR", "JPY"], countries=["FR", "DE"], tax_display="net")
    )
    await stocked.put_rate("FR", rate="0.2")
    await stocked.put_rate("DE", rate="0.19")
    for key, currency, amount in (("eur", "EUR", "9.99"), ("jpy", "JPY", "1500")):
        await stocked.put_list(key, currency=currency, is_tax_included=False)
        await stocked.put_price("A", amount, key)
    by_default = await stocked.resolved("A", store="eu")
    assert (by_default["currency"], by_default["country"]) == ("EUR", "FR")
    yen = await stocked.resolved(("A", 3), store="eu", currency="JPY", country="DE")
    assert yen["total"]["gross"] == {"amount": "5355", "currency": "JPY"}
    assert yen["lines"][0]["tax_rate"] == "0.19"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"store": "nowhere"}, "store-unknown", "/store"),
        ({"store": "a/b"}, "invalid-input", "/store"),
        ({"currency": "EUR"}, "currency-not-of-store", "/currency"),
        ({"currency": "XYZ"}, "invalid-input", "/currency"),
        ({"country": "FR"}, "country-not-served", "/country"),
        ({"country": "fr"}, "invalid-input", "/country"),
        ({"at": "0001-01-01T00:00:00+01:00"}, "moment-out-of-range", "/at"),
        ({"known_at": "9999-12-31T23:59:59-01:00"}, "moment-out-of-range", "/known_at"),
        ({"at": "soon"}, "invalid-input", "/at"),
        ({"lines": []}, "invalid-input", "/lines"),
        ({"lines": [{"ref": "1", "sku": "A", "quantity": 0}]}, None, "/lines/0/quantity"),
        ({"lines": [{"ref": "1", "sku": "A", "quantity": -1}]}, None, "/lines/0/quantity"),
        ({"lines": [{"ref": "1", "sku": "A", "quantity": 1.5}]}, None, "/lines/0/quantity"),
        ({"lines": [{"ref": "1", "sku": "A", "quantity": "2"}]}, None, "/lines/0/quantity"),
        ({"lines": [{"ref": "1", "sku": "A", "quantity": 1000001}]}, None, "/lines/0/quantity"),
        ({"lines": [{"ref": "1", "sku": "A", "quantity": 10**40}]}, None, "/lines/0/quantity"),
        ({"lines": [{"ref": "1", "sku": "a\0"}]}, None, "/lines/0/sku"),
        ({"lines": [{"ref": "", "sku": "A"}]}, None, "/lines/0/ref"),
        ({"lines": [{"ref": "1", "sku": "A"}, {"ref": "1", "sku": "B"}]}, None, ""),
        ({"lines": [{"ref": "1", "kind": "gift"}]}, None, "/lines/0/kind"),
        ({"lines": [{"ref": "1", "sku": "A", "tax_class": "zero"}]}, None, "/lines/0"),
        ({"lines": [{"ref": "1", **DELIVERY, "sku": "A"}]}, None, "/lines/0"),
        (
            {"lines": [{"ref": "1", **DELIVERY, "tax_class": "luxury"}]},
            "tax-class-unknown",
            "/lines/0/tax_class",
        ),
        (
            {"lines": [{"ref": "1", **DELIVERY, "unit_price": {"amount": "1", "currency": "EUR"}}]},
            "line-currency-differs",
            "/lines/0/unit_price/currency",
        ),
        ({"buyer": "me"}, "invalid-input", "/buyer"),
    ],
)
async def test_what_cannot_be_priced_is_named(stocked, change, code, pointer):
    answer = await stocked.resolve("A", **change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    if code:
        assert answer.json()["code"] == code


async def test_country_without_any_rate_is_named(shop, store_facts, product_facts):
    await shop.know_store(store_facts())
    await shop.know_products(product_facts("A"))
    await shop.put_list()
    await shop.put_price("A", "1")
    answer = await shop.resolve("A")
    assert (answer.status_code, answer.json()["code"]) == (422, "country-without-tax")
    assert answer.json()["errors"][0]["pointer"] == "/country"


async def test_line_over_the_largest_sum_is_named(stocked):
    await stocked.put_price("B", "999999999999")
    answer = await stocked.resolve("A", ("B", 1_000_000))
    assert (answer.status_code, answer.json()["code"]) == (422, "line-too-large")
    assert answer.json()["errors"][0]["pointer"] == "/lines/1/quantity"
    assert "'2'" in answer.json()["detail"]


async def test_lines_together_over_the_largest_sum_are_told(stocked):
    await stocked.put_price("B", "5000000")
    answer = await stocked.resolve(("B", 1_000_000), ("B", 1_000_000), ("B", 1_000_000))
    assert (answer.status_code, answer.json()["code"]) == (422, "total-too-large")
    assert answer.json()["errors"][0]["pointer"] == "/lines"


async def test_guest_and_partner_get_the_same_answer(stocked):
    body = {"store": "d2c-uk", "lines": [{"ref": "1", "sku": "A"}], "at": "2030-01-01T00:00:00Z"}
    path = "/v1/prices/resolve"
    guest = await stocked.client.post(path, json=body)
    partner = await stocked.client.post(path, json=body, headers=stocked.headers)
    assert guest.status_code == 200
    assert guest.json() == partner.json()


async def test_thousand_lines_take_one_statement(stocked, product_facts):
    skus = [f"S{n:04}" for n in range(1000)]
    await stocked.know_products(*(product_facts(sku) for sku in skus))
    await stocked.bulk([{"sku": sku, "tiers": [{"amount": "1.23"}]} for sku in skus])
    statements = []
    engine = stocked.runtime.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    answer = await stocked.resolved(*skus, *skus)
    assert len(statements) == 1
    assert outcomes(answer) == ["priced"] * 2000
    assert answer["total"]["gross"] == money("2460.00")
    too_many = await stocked.resolve(*skus, *skus, "A")
    assert too_many.status_code == 422


@pytest.mark.parametrize(
    ("store", "audience", "sku"),
    [
        ("*", "", "'X' || id || '-' || n"),
        ("b2b-eu", "", "CASE n WHEN 1 THEN 'A' ELSE 'B' || n END"),
        ("*", "group:volume", "CASE n WHEN 1 THEN 'A' ELSE 'B' || n END"),
        ("*", "group:volume", "CASE n WHEN 1 THEN 'A' ELSE 'X' || id || '-' || n END"),
    ],
)
async def test_lists_that_cannot_hold_are_never_looked_at(stocked, store, audience, sku):
    """A thousand more lists, first in line: the plan touches next to none of their rows."""
    await fill_lists(stocked.runtime, f"'{store}'", f"'{audience}'", sku)
    rows, read = await find_and_count(stocked, None)
    assert read < 50
    assert {row.sku: row.price_list for row in rows} == {
        "A": "public-uk",
        "B": "public-uk",
        "C": None,
    }


@pytest.mark.parametrize("others", ["'B' || n", "'X' || id || '-' || n"])
async def test_a_buyer_pays_nothing_for_the_lists_of_other_companies(stocked, buyer_facts, others):
    """All thousand lists have a price for A in this store; one of them is the buyer's.

    Their other SKUs are in all of them too, or in one each.
    """
    await fill_lists(
        stocked.runtime,
        "'d2c-uk'",
        "'company:c' || id",
        f"CASE n WHEN 1 THEN 'A' ELSE {others} END",
    )
    async with stocked.runtime.engine.connect() as connection:
        mine = await connection.scalar(text("SELECT id FROM price_lists WHERE key = 'more-7'"))
    buyer = buyer_facts(company=f"c{mine}", groups=["volume", "friends"])
    rows, read = await find_and_count(stocked, reach_of(buyer, at=datetime.now(UTC)))
    assert read < 50
    assert {row.sku: row.price_list for row in rows} == {
        "A": "more-7",
        "B": "public-uk",
        "C": None,
    }


async def find_and_count(stocked, reach):
    """The offers for A, B and C, and how many rows of lists and prices were read for them."""
    rows_read = text(
        "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('prices', 'price_lists', 'price_list_stores')"
    )
    lines = [{"ref": one, "sku": one} for one in "ABC"]
    asked = ResolvePrices.model_validate({"store": "d2c-uk", "lines": lines})
    async with stocked.runtime.engine.connect() as connection:
        before = await connection.scalar(rows_read)
        now = datetime.now(UTC)
        rows = await queries.find_offers(connection, asked, at=now, known_at=None, reach=reach)
        return rows, await connection.scalar(rows_read) - before


async def fill_lists(runtime, store, audience, sku):
    """Make a thousand lists with a higher priority and twenty prices each.

    Their store, audience and SKUs are SQL, of the list's `id` and the price's number `n`.
    """
    statements = (
        "INSERT INTO price_lists (key, name, currency, stores, audience, is_tax_included,"
        " priority, is_published, version, updated_at) SELECT 'more-' || n, 'More', 'GBP', '{}',"
        " '[]', true, 5, true, 1, now() FROM generate_series(1, 1000) AS n",
        "INSERT INTO price_list_stores (store, audience, price_list_id)"
        f" SELECT {store}, {audience}, id FROM price_lists"
        " WHERE key LIKE 'more-%'",
        f"INSERT INTO priced_skus SELECT id, {sku}, 1 FROM price_lists,"
        " generate_series(1, 20) AS n WHERE key LIKE 'more-%'",
        "INSERT INTO prices (price_list_id, sku, sequence, tier_quantities, tier_amounts,"
        " valid_from, recorded_from) SELECT price_list_id, priced_skus.sku, 1, '{1}', '{1}',"
        " now(), now() FROM priced_skus JOIN price_lists ON id = price_list_id"
        " WHERE key LIKE 'more-%'",
        "ANALYZE",
    )
    async with runtime.sessions() as session:
        for statement in statements:
            await session.execute(text(statement))
        await session.commit()
