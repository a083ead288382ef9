"""The retail file, read: which lines are articles, and what each is called, costs and sold.

Nothing here knows of the shop's APIs.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from tandem.demo_data.categories import category_of
from tandem.demo_data.names import is_description, tidy

FILE = "online-retail-10k.csv"
TRANSLATIONS = "names.json"
NOT_ARTICLES = frozenset({"POST", "DOT", "D", "M", "C2", "BANK CHARGES"})
"""Postage, discounts, manual lines, bank charges: stock codes that are no products."""
STOCK_TO_BEGIN_WITH = 1_000
STOCK_PER_PIECE_SOLD = 10


@dataclass(frozen=True, slots=True)
class Article:
    """An article of the file. SKUs are case-sensitive: `85123A` is not `85123a`."""

    sku: str
    name: str | None
    price: Decimal | None
    sold: int
    category: str

    @property
    def is_published(self) -> bool:
        """Without a price or a description nobody can buy it."""
        return self.name is not None and self.price is not None

    @property
    def shown_name(self) -> str:
        """The name, or the SKU for want of one."""
        return self.name or self.sku

    @property
    def stock(self) -> int:
        """Pieces to have in stock: enough for the demo to buy from for years."""
        return STOCK_TO_BEGIN_WITH + STOCK_PER_PIECE_SOLD * self.sold


def read_lines() -> list[dict[str, str]]:
    """The order lines of the file that comes with the package."""
    text = (files("tandem") / "data" / FILE).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def read_articles() -> list[Article]:
    """The articles of the file, by SKU."""
    return collect(read_lines())


def read_translations() -> dict[str, dict[str, str]]:
    """Names of the best sold articles in other languages, by SKU and locale."""
    names: dict[str, dict[str, str]] = json.loads(
        (files("tandem") / "data" / TRANSLATIONS).read_text(encoding="utf-8")
    )
    return names


def collect(lines: Iterable[Mapping[str, str]]) -> list[Article]:
    """Gather order lines into articles, by SKU.

    The description is the most frequent one in capitals, the price the highest ever asked, the
    quantity sold that of all sales (credit notes are no sales).
    """
    by_sku: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for line in lines:
        sku = line["StockCode"].strip()
        if sku and sku not in NOT_ARTICLES:
            by_sku[sku].append(line)
    return [_article(sku, of_sku) for sku, of_sku in sorted(by_sku.items())]


def _article(sku: str, lines: list[Mapping[str, str]]) -> Article:
    description = choose_description(line["Description"] for line in lines)
    price = max(Decimal(line["UnitPrice"]) for line in lines)
    return Article(
        sku=sku,
        name=tidy(description) if description else None,
        price=price if price > 0 else None,
        sold=sum(max(0, int(line["Quantity"])) for line in lines),
        category=category_of(description or ""),
    )


def choose_description(descriptions: Iterable[str]) -> str | None:
    """The most frequent description in capitals; among equals the one that comes first.

    Where there is none, one of several words in mixed case will do; a single small word is a
    note of the staff.
    """
    counted = Counter(" ".join(text.split()) for text in descriptions)
    in_capitals = [text for text in counted if is_description(text)]
    in_words = [text for text in counted if text[:1].isupper() and len(text.split()) > 1]
    return max(in_capitals or in_words, key=lambda text: counted[text], default=None)
