"""How the demo shows what the shop answers, and whether the sums in it are right."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from tandem.demo.pasted import Offer
from tandem.demo.shop import Article, expect


def products_table(connection: Mapping[str, Any]) -> Table:
    """A page of products: name, price, stock."""
    table = new_table("left", "right", "right")
    for product in connection["nodes"]:
        article = Article.read(product)
        cells = ("cannot be bought", "")
        if article is not None:
            cells = (money(article.price, article.currency), f"{article.available} in stock")
        add_row(table, product["name"], *cells)
    return table


def offers_table(offers: Sequence[tuple[Offer, int]]) -> Table:
    """Some of the portal's products: name, and what one costs from which quantity on."""
    table = new_table("left", "left")
    for offer, _ in offers:
        tiers = (f"{money(price, 'EUR')} from {minimum}" for minimum, price in offer.tiers)
        add_row(table, offer.name, ", ".join(tiers))
    return table


def refusals_table(refusals: Sequence[Mapping[str, Any]]) -> Table:
    """Lines of a pasted list that were not taken, and why."""
    table = new_table("right", "left", "left")
    for one in refusals:
        add_row(table, f"line {one['line']}", one["text"].replace("\t", " "), one["message"])
    return table


def cart_table(cart: Mapping[str, Any], *, part: str = "gross") -> Table:
    """The lines of a cart, each with the price of one and of all, with tax or without."""
    table = new_table("right", "left", "right", "right")
    for line in cart["lines"]:
        prices = (line["unitPrice"], line["total"][part])
        add_row(table, f"{line['quantity']} x", line["name"], *map(wire_money, prices))
    return table


def totals_table(totals: Mapping[str, Any]) -> Table:
    """What everything costs, and the VAT in it."""
    table = new_table("left", "right")
    for name in ("items", "delivery", "total"):
        add_row(table, name.capitalize(), wire_money(totals[name]["gross"]))
    for tax in totals["taxes"]:
        add_row(table, f"of it {tax['name']}", wire_money(tax["amount"]["tax"]))
    return table


def new_table(*justify: Literal["left", "right"]) -> Table:
    """A table without lines, indented as all answers are."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    for side in justify:
        table.add_column(justify=side)
    return table


def add_row(table: Table, *cells: str) -> None:
    """Text as it is: what the shop says is no markup."""
    table.add_row("  ", *map(Text, cells))


def check_totals(cart: Mapping[str, Any]) -> None:
    """Whether what a cart says it costs adds up, and has UK VAT in it."""
    _check_sums(cart, shown="gross")


def check_net_totals(cart: Mapping[str, Any]) -> None:
    """The same where prices are shown without VAT."""
    _check_sums(cart, shown="net")


def _check_sums(cart: Mapping[str, Any], *, shown: str) -> None:
    for line in cart["lines"]:
        price = Decimal(line["unitPrice"]["amount"]) * line["quantity"]
        told = Decimal(line["total"][shown]["amount"])
        expect(rounded(price) == told, f"{line['name']}: {price} is shown as {told}.")
    totals = cart["totals"]
    for part in ("net", "tax", "gross"):
        amounts = [Decimal(totals[name][part]["amount"]) for name in ("items", "delivery", "total")]
        holds = amounts[0] + amounts[1] == amounts[2]
        expect(holds, f"The totals do not add up: {part} {amounts}")
    for name in ("items", "delivery", "total"):
        net, tax, gross = (
            Decimal(totals[name][part]["amount"]) for part in ("net", "tax", "gross")
        )
        expect(net + tax == gross, f"The VAT of {name} does not add up: {net} + {tax} = {gross}?")
    lines = sum(Decimal(line["total"][shown]["amount"]) for line in cart["lines"])
    expect(lines == Decimal(totals["items"][shown]["amount"]), "Items are not the sum of lines.")
    expect(len(totals["taxes"]) == 1, f"There is VAT of several rates: {totals['taxes']}")
    vat = totals["taxes"][0]
    expect(Decimal(vat["rate"]) == Decimal("0.2"), f"VAT is {vat['rate']}, not 20 %.")
    expect(vat["amount"]["tax"] == totals["total"]["tax"], "The VAT is not that of the total.")


def rounded(amount: Decimal) -> Decimal:
    """To pence, half up."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def wire_money(amount: Mapping[str, str]) -> str:
    """The shop's money as people write it."""
    return money(amount["amount"], amount["currency"])


def money(amount: Decimal | str, currency: str) -> str:
    """As people write it."""
    sign = {"GBP": "£", "EUR": "€", "USD": "$"}.get(currency)
    return f"{sign}{amount}" if sign else f"{amount} {currency}"
