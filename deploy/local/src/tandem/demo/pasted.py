"""What a company's buyer takes from the portal's lists, and the text that they paste.

The text is as people have it: cells of a spreadsheet, a CSV file and a mail in one, with lines in
it that nobody can order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

from tandem.demo.shop import DemoFailed

LINES = 25
SEPARATORS = ("\t", ",", ";", " ", "  ")
PACK = 6
LINE_WORTH = Decimal(18)
"""At least, in the portal's currency without tax: 25 of them go over what the buyer may alone, and
far enough for the group of those that buy much."""
MOST_PIECES = 144
OUTSIDE = "22423"
"""The regency cakestand: sold to people and to other companies, but not to this one."""
UNKNOWN = "NO-SUCH-SKU"


@dataclass(frozen=True)
class Offer:
    """A product as the portal shows it: its prices by quantity, and how it is packed."""

    key: str
    sku: str
    name: str
    available: int
    tiers: tuple[tuple[int, Decimal], ...]
    multiple: int

    @classmethod
    def read(cls, product: Mapping[str, Any]) -> "Offer | None":
        """The offer, if it can be bought."""
        (variant, *_) = product["variants"]
        if variant["price"] is None or not variant["availability"]["isInStock"]:
            return None
        rule = variant["quantityRule"] or {"multiple": 1}
        return cls(
            key=product["key"],
            sku=variant["sku"],
            name=product["name"],
            available=variant["availability"]["available"],
            tiers=tuple(
                (tier["minQuantity"], Decimal(tier["unitPrice"]["amount"]))
                for tier in variant["price"]["tiers"]
            ),
            multiple=rule["multiple"],
        )

    def price_of(self, quantity: int) -> Decimal:
        """What one piece costs when so many are bought."""
        return [price for minimum, price in self.tiers if minimum <= quantity][-1]

    @property
    def quantity(self) -> int:
        """Whole packs for enough money, and as many as make it cheaper, if these are few."""
        cheaper = self.tiers[1][0] if len(self.tiers) > 1 else 1
        worth = (LINE_WORTH / self.price_of(PACK)).to_integral_value(rounding=ROUND_UP)
        wanted = max(int(worth), cheaper if cheaper <= 2 * PACK else 1)
        return -(-wanted // PACK) * PACK


def choose(offers: Sequence[Offer]) -> list[tuple[Offer, int]]:
    """What the buyer wants, and how much: things that cost less in bulk and are not packed."""
    wanted = [
        (offer, offer.quantity)
        for offer in offers
        if len(offer.tiers) > 1
        and offer.multiple == 1
        and offer.quantity <= min(MOST_PIECES, offer.available)
    ]
    if len(wanted) < LINES:
        raise DemoFailed(f"Only {len(wanted)} articles of the portal can be bought in bulk.")
    return wanted[:LINES]


def paste(
    wanted: Sequence[tuple[Offer, int]], offers: Sequence[Offer]
) -> tuple[str, dict[int, str]]:
    """The text with four bad lines in it, and the codes that these are refused with, by line."""
    packed = [offer for offer in offers if offer.multiple > 1]
    if not packed:
        raise DemoFailed("The portal sells nothing in packs; was the demo shop loaded?")
    lines = [
        f"{offer.sku}{SEPARATORS[place % len(SEPARATORS)]}{quantity}"
        for place, (offer, quantity) in enumerate(wanted)
    ]
    bad = {
        3: (f"{UNKNOWN};3", "sku-not-orderable"),
        8: (f"{OUTSIDE},2", "sku-not-orderable"),
        13: (f"{packed[0].sku}\t{packed[0].multiple + 1}", "off-multiple"),
        20: (f"{wanted[0][0].sku};a dozen", "quantity-unreadable"),
    }
    for number, (line, _) in sorted(bad.items()):
        lines.insert(number - 1, line)
    return "\n".join(lines), {number: code for number, (_, code) in bad.items()}
