"""What lines cost, over HTTP."""

import pytest

GBP = {"currency": "GBP"}


def money(amount):
    return {"amount": amount, **GBP}


@pytest.fixture
async def stocked(open_shop, product_facts):
    await open_shop.know_products(
        product_facts("A", skus=["A", "A-red"]),
        product_facts("B"),
        product_facts("C", tax_class="reduced"),
    )
    await open_shop.put_price("A", "3.39")
    await open_shop.put_price("B", "0.125")
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
        }
    ]
    assert answer["total"] == answer["lines"][0]["total"]
    assert answer["taxes"] == [{"rate": "0.2", "name": "VAT 0.2", "amount": answer["total"]}]
    assert (answer["store"], answer["currency"], answer["country"]) == ("d2c-uk", "GBP", "GB")
    assert answer["tax_display"] == "gross"


async def test_unit_price_finer_than_a_penny_is_rounded_once_a_line(stocked):
    answer = await stocked.resolved(("B", 1), ("B", 2), ("B", 100))
    assert [line["total"]["gross"]["amount"] for line in answer["lines"]] == [
        "0.13",
        "0.25",
        "12.50",
    ]
