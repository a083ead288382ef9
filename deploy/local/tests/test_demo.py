"""The guest's journey: what it asks fits the schema, and what is wrong is told in a sentence."""

from pathlib import Path

import pytest
from aiohttp import web
from graphql import build_schema, parse, validate
from rich.console import Console

from tandem import demo
from tandem.demo import DemoFailed, ShopNotReachable, queries
from tandem.demo.shown import cart_table, check_totals, money, products_table
from tandem.ports import free_ports

SCHEMA = Path(__file__).parents[3] / "contracts" / "graphql" / "d2c.graphql"
DOCUMENTS = [name for name in vars(queries) if name.isupper() and not name.startswith("_")]


def gbp(amount):
    return {"amount": amount, "currency": "GBP"}


def taxed(net, tax, gross):
    return {"net": gbp(net), "tax": gbp(tax), "gross": gbp(gross)}


def make_cart(**changes):
    """3 lanterns at 3.39 and delivery at 3.95, with 20 % VAT in both."""
    total = taxed("11.77", "2.35", "14.12")
    totals = {
        "items": taxed("8.48", "1.69", "10.17"),
        "delivery": taxed("3.29", "0.66", "3.95"),
        "total": total,
        "taxes": [{"rate": "0.2", "name": "VAT 20 %", "amount": total}],
    }
    line = {
        "name": "White metal lantern [bold]",
        "sku": "71053",
        "quantity": 3,
        "unitPrice": gbp("3.39"),
        "total": taxed("8.48", "1.69", "10.17"),
    }
    return {"lines": [line], "totals": totals | changes}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_demo_asks_fits_the_schema(name):
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    assert validate(schema, parse(getattr(queries, name))) == []


async def test_without_a_shop_it_says_how_to_start_one():
    with pytest.raises(ShopNotReachable, match="make run"):
        await demo.play(f"http://127.0.0.1:{free_ports(1)[0]}", Console(quiet=True))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (web.Response(text="Hello"), "is it Tandem's gateway"),
        (web.json_response([1]), "is it Tandem's gateway"),
        (
            web.json_response(
                {
                    "data": None,
                    "errors": [{"message": "Away.", "extensions": {"code": "catalog-unavailable"}}],
                }
            ),
            r"Away\. \(catalog-unavailable\)",
        ),
        (web.json_response({"data": {"store": None, "categories": []}}), "demo shop loaded"),
    ],
)
async def test_a_shop_that_is_not_right_is_told(answer, told, aiohttp_url):
    with pytest.raises(DemoFailed, match=told):
        await demo.play(await aiohttp_url(answer), Console(quiet=True))


@pytest.fixture
async def aiohttp_url():
    """Serves one answer to every call."""
    runners = []

    async def serve(answer):
        async def handle(request):
            return answer

        runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.5)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()


def test_right_totals_are_right():
    check_totals(make_cart())


@pytest.mark.parametrize(
    "changes",
    [
        {"items": taxed("8.48", "1.69", "10.18")},
        {"delivery": taxed("3.30", "0.65", "3.95")},
        {"total": taxed("11.77", "2.35", "14.13")},
        {"taxes": []},
        {"taxes": [{"rate": "0.05", "amount": taxed("11.77", "2.35", "14.12")}]},
        {"taxes": [{"rate": "0.2", "amount": taxed("11.77", "2.36", "14.13")}]},
    ],
)
def test_wrong_totals_are_found(changes):
    with pytest.raises(DemoFailed):
        check_totals(make_cart(**changes))


def test_names_are_shown_as_they_are():
    console = Console(width=100)
    with console.capture() as shown:
        console.print(cart_table(make_cart()))
    assert "3 x" in shown.get()
    assert "White metal lantern [bold]" in shown.get()
    assert "£10.17" in shown.get()


def test_what_cannot_be_bought_is_shown_so():
    variant = {"sku": "1", "price": None, "availability": {"available": 0, "isInStock": False}}
    console = Console(width=100)
    with console.capture() as shown:
        console.print(products_table({"nodes": [{"name": "Lantern", "variants": [variant]}]}))
    assert "cannot be bought" in shown.get()


def test_money_is_written_as_people_do():
    assert (money("3.39", "GBP"), money("3.39", "SEK")) == ("£3.39", "3.39 SEK")
