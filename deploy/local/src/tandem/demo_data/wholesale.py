"""The retail file, read for companies: which customers buy in bulk, and at which volume prices.

Nothing here knows of the shop's APIs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tandem.demo_data.articles import NOT_ARTICLES, read_lines

BULK_PIECES = 12
BULK_LINES = 16
EUR_PER_GBP = Decimal("1.15")
"""One rate for the whole demo, so that a price can be followed by hand."""
COUNTRIES = {
    "United Kingdom": "GB",
    "EIRE": "IE",
    "Norway": "NO",
    "Germany": "DE",
    "France": "FR",
    "Lithuania": "LT",
    "Italy": "IT",
    "Belgium": "BE",
    "Poland": "PL",
    "Portugal": "PT",
    "Spain": "ES",
    "Netherlands": "NL",
}
"""Where the portal for companies delivers, by the file's names (ISO 3166-1 alpha-2)."""
_FIRST = "Amber Birch Cedar Dover Elm Fern Grove Hazel Ivy Juniper Kestrel Linden".split()
_SECOND = "Bay Court Dale Gate Hill Lane Mews Park Quay Row Square Yard".split()


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the file that buys in bulk. Their name is made up: the file has none."""

    number: str
    country: str
    bought: Decimal
    skus: tuple[str, ...]

    @property
    def key(self) -> str:
        """Key of the company that the demo makes of them."""
        return f"customer-{self.number}"

    @property
    def name(self) -> str:
        """The same one every time."""
        place = int(self.number)
        return f"{_FIRST[place % 12]} {_SECOND[place // 12 % 12]} Gifts ({self.number})"


@dataclass(frozen=True, slots=True)
class VolumePrice:
    """From so many pieces on, each costs so much, in GBP without tax."""

    min_quantity: int
    price: Decimal


def read_customers() -> list[Customer]:
    """Customers of the file with many lines of a dozen pieces or more, by their number."""
    return find_customers(read_lines())


def find_customers(lines: Iterable[Mapping[str, str]]) -> list[Customer]:
    """Those with at least 16 sale lines of 12 pieces or more, in a country that is served."""
    by_number: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for line in lines:
        if line["CustomerID"].strip() and int(line["Quantity"]) > 0:
            by_number[line["CustomerID"].strip()].append(line)
    return [
        Customer(
            number=number,
            country=COUNTRIES[bought[0]["Country"]],
            bought=sum(
                (int(line["Quantity"]) * Decimal(line["UnitPrice"]) for line in bought), Decimal(0)
            ),
            skus=tuple(sorted({line["StockCode"].strip() for line in bought} - NOT_ARTICLES)),
        )
        for number, bought in sorted(by_number.items())
        if bought[0]["Country"] in COUNTRIES
        and sum(int(line["Quantity"]) >= BULK_PIECES for line in bought) >= BULK_LINES
    ]


def read_volume_prices() -> dict[str, list[VolumePrice]]:
    """The real volume prices of every article that was sold, by SKU."""
    return find_volume_prices(read_lines())


def find_volume_prices(lines: Iterable[Mapping[str, str]]) -> dict[str, list[VolumePrice]]:
    """The lowest price at each quantity, and of these only the points where the price falls.

    What was asked for the smallest quantity holds from one piece on.
    """
    lowest: defaultdict[str, dict[int, Decimal]] = defaultdict(dict)
    for line in lines:
        quantity, price = int(line["Quantity"]), Decimal(line["UnitPrice"])
        sku = line["StockCode"].strip()
        if quantity > 0 and price > 0 and sku and sku not in NOT_ARTICLES:
            lowest[sku][quantity] = min(price, lowest[sku].get(quantity, price))
    return {sku: _falling(prices) for sku, prices in sorted(lowest.items())}


def _falling(prices: Mapping[int, Decimal]) -> list[VolumePrice]:
    points: list[VolumePrice] = []
    for quantity in sorted(prices):
        if not points or prices[quantity] < points[-1].price:
            points.append(VolumePrice(quantity if points else 1, prices[quantity]))
    return points


def in_eur(price: Decimal, *, share: Decimal = Decimal(1)) -> Decimal:
    """A GBP price in EUR, some share of it, rounded half-up to four decimals."""
    return (price * EUR_PER_GBP * share).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
