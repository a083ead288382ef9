"""The journeys: what they ask fits the schemas, and what is wrong is told in a sentence."""

from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from graphql import build_schema, parse, validate
from rich.console import Console

from tandem import demo
from tandem.demo import DemoFailed, ShopNotReachable, live, portal_queries, queries
from tandem.demo.live import Live, Told
from tandem.demo.pasted import Offer, choose, paste
from tandem.demo.shown import (
    cart_table,
    check_net_totals,
    check_totals,
    money,
    products_table,
)
from tandem.demo_data import Credentials
from tandem.demo_data import partner as partners
from tandem.errors import NotRunnable
from tandem.ports import free_ports

SCHEMAS = Path(__file__).parents[3] / "contracts" / "graphql"
DOCUMENTS = [
    (schema, name, document)
    for schema, module in (("d2c", queries), ("b2b", portal_queries))
    for name, document in vars(module).items()
    if name.isupper() and not name.startswith("_")
]


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


@pytest.mark.parametrize(("schema", "name", "document"), DOCUMENTS)
def test_what_the_demo_asks_fits_the_schema(schema, name, document):
    built = build_schema((SCHEMAS / f"{schema}.graphql").read_text(encoding="utf-8"))
    assert validate(built, parse(document)) == [], name


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
        (
            web.json_response(
                {"code": "access-revoked", "detail": "It was taken away."}, status=401
            ),
            r"taken away\. \(access-revoked\)",
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


def test_totals_without_tax_are_right_where_prices_are_net():
    cart = make_cart()
    (line,) = cart["lines"]
    line["unitPrice"] = gbp("2.8267")
    check_net_totals(cart)
    with pytest.raises(DemoFailed, match="lantern"):
        check_totals(cart)


def make_offer(sku, *, tiers=(("1", "3.00"), ("4", "1.50")), available=1000, multiple=1):
    return Offer(
        key=sku,
        sku=sku,
        name=sku,
        available=available,
        tiers=tuple((int(minimum), Decimal(price)) for minimum, price in tiers),
        multiple=multiple,
    )


def test_a_price_is_that_of_the_quantity():
    offer = make_offer("1", tiers=(("1", "3.00"), ("4", "1.50"), ("48", "1.25")))
    assert [str(offer.price_of(many)) for many in (1, 3, 4, 48)] == ["3.00", "3.00", "1.50", "1.25"]
    assert offer.quantity == 12


def test_what_is_dear_rare_or_packed_is_not_chosen():
    good = [make_offer(str(number)) for number in range(30)]
    bad = [
        make_offer("one price", tiers=(("1", "3.00"),)),
        make_offer("few", available=11),
        make_offer("packed", multiple=6),
        make_offer("cheap", tiers=(("1", "0.02"), ("4", "0.01"))),
    ]
    assert choose([*bad, *good]) == [(offer, 12) for offer in good[:25]]
    with pytest.raises(DemoFailed, match="Only 24 articles"):
        choose([*bad, *good[:24]])


def test_a_pasted_text_says_which_of_its_lines_are_bad():
    offers = [*(make_offer(str(number)) for number in range(25)), make_offer("p", multiple=6)]
    text, bad = paste(choose(offers), offers)
    lines = text.split("\n")
    assert len(lines) == 29
    assert {number: lines[number - 1] for number in bad} == {
        3: "NO-SUCH-SKU;3",
        8: "22423,2",
        13: "p\t7",
        20: "0;a dozen",
    }
    assert lines[:2] == ["0\t12", "1,12"]
    with pytest.raises(DemoFailed, match="in packs"):
        paste(choose(offers), offers[:25])


def placed(way, at, status="PLACED"):
    return Told(way, at, {"placementChanged": {"id": "1", "status": status}})


async def test_each_way_is_waited_for_from_the_moment_that_counts(monkeypatch):
    heard = Live()
    for told in (placed("SSE", 1.0), placed("WebSocket", 5.5), placed("SSE", 5.0, "PENDING")):
        await heard.add(told)

    def is_placed(thing):
        return thing["status"] == "PLACED"

    monkeypatch.setattr(live, "PATIENCE_S", 0.05)
    with pytest.raises(DemoFailed, match="SSE did not tell a placementChanged"):
        await heard.wait("placementChanged", is_placed, since=4.0)
    await heard.add(placed("SSE", 6.0))
    assert await heard.wait("placementChanged", is_placed, since=4.0) == [1.5, 2.0]


async def test_an_end_of_both_ways_is_told(monkeypatch):
    heard = Live()
    await heard.add(Told("SSE", 5.0, {}, ended="access-revoked"))
    monkeypatch.setattr(live, "PATIENCE_S", 0.05)
    with pytest.raises(DemoFailed, match="WebSocket did not tell its end"):
        await heard.wait_for_end(since=4.0)
    await heard.add(Told("WebSocket", 5.5, {}, ended="closed 4403"))
    assert await heard.wait_for_end(since=4.0) == [1.5, 1.0]


async def test_a_company_without_its_merchant_is_told(monkeypatch):
    monkeypatch.setattr(partners, "FIRST_PAUSE_S", 0.001)
    port = free_ports(1)[0]
    urls = dict.fromkeys(
        ("gateway", "accounts", "catalog", "pricing", "orders"), f"http://127.0.0.1:{port}"
    )
    with pytest.raises(NotRunnable, match="accounts does not answer"):
        await demo.play_company(urls, Credentials("erp", "secret"), Console(quiet=True))


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
