"""Every business failure of pricing.

```
Problem
├── NotFound
│   ├── PriceListUnknown        no list of that key
│   ├── PriceUnknown            the SKU has no price in that list at that moment
│   ├── TaxRateUnknown          no rate of that key
│   └── QuantityRuleUnknown     no quantity rule of that key
├── Conflict
│   ├── PriceListFixed          a list's currency or its way with tax would change
│   ├── QuantityRuleFixed       a quantity rule's SKU would change
│   └── TaxRateOverlaps         two rates for one country, class and moment
└── Invalid
    ├── MomentOutOfRange        a time that no calendar in UTC has
    ├── AudienceTooWide         too many stores times too many buyers
    ├── BuyerIsCaller           a member names another buyer
    ├── BuyerNotKnown           a buyer that there is not
    ├── PriceAlreadyPast        a window that ends before it begins
    ├── StoreUnknown            no store of that key
    ├── CurrencyNotOfStore      the store does not sell in it
    ├── CountryNotServed        the store does not send there
    ├── CountryWithoutTax       nobody said what tax is due there
    ├── TaxClassUnknown         no rate for that class of delivery or fee there
    ├── LineCurrencyDiffers     a delivery or fee in another currency
    ├── LineTooLarge            a line over the largest sum of money
    └── TotalTooLarge           all lines together over it
```
"""

from contracts.money import MAX_MINOR
from contracts.problems import Conflict, Invalid, NotFound


class PriceListUnknown(NotFound):
    """No list of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no price list {key!r}.")


class PriceUnknown(NotFound):
    """The SKU has no price in that list at that moment."""

    def __init__(self, key: str, sku: str) -> None:
        super().__init__(f"The price list {key!r} has no price for {sku!r} at that moment.")


class TaxRateUnknown(NotFound):
    """No rate of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no tax rate {key!r}.")


class QuantityRuleUnknown(NotFound):
    """No quantity rule of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no quantity rule {key!r}.")


class QuantityRuleFixed(Conflict):
    """A quantity rule's SKU would change."""

    def __init__(self, sku: str) -> None:
        super().__init__(
            f"sku of a quantity rule stays what it was ({sku}); make another rule.", field="/sku"
        )


class PriceListFixed(Conflict):
    """A list's currency or its way with tax would change under the prices that it has."""

    def __init__(self, field: str, present: object) -> None:
        super().__init__(
            f"{field} of a price list stays what it was ({present}); make another list.",
            field=f"/{field}",
        )


class TaxRateOverlaps(Conflict):
    """Two rates for one country, class and moment: nobody could say which holds."""

    def __init__(self, other: str) -> None:
        super().__init__(
            f"The tax rate {other!r} holds for the same country and class in part of that window;"
            " end it first.",
            field="/valid_from",
        )


class MomentOutOfRange(Invalid):
    """A time that is before the year 1 or after 9999 in UTC."""

    def __init__(self, field: str) -> None:
        super().__init__("must be within the years 1 to 9999 in UTC", field=field)


class AudienceTooWide(Invalid):
    """More pairs of store and buyers than a list may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"stores times audience come to more than {most}; make a group of the buyers, or name"
            " no stores",
            field="/audience",
        )


class BuyerIsCaller(Invalid):
    """A member asks for themselves, and for nobody else."""

    def __init__(self) -> None:
        super().__init__("a member is always priced as themselves; leave it out", field="/buyer")


class BuyerNotKnown(Invalid):
    """There is no such member, or access was taken from them."""

    def __init__(self) -> None:
        super().__init__("There is no such member.", field="/buyer")


class PriceAlreadyPast(Invalid):
    """Without a beginning a price holds from now on, and this one would have ended before."""

    def __init__(self) -> None:
        super().__init__(
            "lies in the past: name a valid_from to correct what was", field="/valid_to"
        )


class StoreUnknown(Invalid):
    """No store of that key, or its event has not come yet."""

    def __init__(self, store: str) -> None:
        super().__init__(f"There is no store {store!r}.", field="/store")


class CurrencyNotOfStore(Invalid):
    """The store does not sell in it."""

    def __init__(self, store: str, currency: str) -> None:
        super().__init__(f"The store {store!r} does not sell in {currency}.", field="/currency")


class CountryNotServed(Invalid):
    """The store does not send there."""

    def __init__(self, store: str, country: str) -> None:
        super().__init__(f"The store {store!r} does not serve {country}.", field="/country")


class CountryWithoutTax(Invalid):
    """Nobody said what tax is due there; a rate of 0 has to be said too."""

    def __init__(self, country: str) -> None:
        super().__init__(f"There is no tax rate for {country} at that moment.", field="/country")


class TaxClassUnknown(Invalid):
    """No rate for that class of delivery or fee there."""

    def __init__(self, index: int, tax_class: str, country: str) -> None:
        super().__init__(
            f"There is no rate for the tax class {tax_class!r} in {country} at that moment.",
            field=f"/lines/{index}/tax_class",
        )


class LineCurrencyDiffers(Invalid):
    """A delivery or fee in another currency than the rest."""

    def __init__(self, index: int, currency: str) -> None:
        super().__init__(
            f"must be in {currency}, the currency of all lines",
            field=f"/lines/{index}/unit_price/currency",
        )


class LineTooLarge(Invalid):
    """A line over the largest sum of money."""

    def __init__(self, index: int, ref: str) -> None:
        super().__init__(
            f"The line {ref!r} comes to more than {MAX_MINOR} minor units.",
            field=f"/lines/{index}/quantity",
        )


class TotalTooLarge(Invalid):
    """All lines together over the largest sum of money."""

    def __init__(self) -> None:
        super().__init__(
            f"The lines together come to more than {MAX_MINOR} minor units.", field="/lines"
        )
