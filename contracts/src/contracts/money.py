"""Money: whole minor units in a currency; and unit prices, which may be finer than that."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    create_model,
)
from pydantic_core import core_schema

# ISO 4217, active currencies with an exponent other than two; every other active code has two.
_EXPONENTS = (
    dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
    | {"CLF": 4, "UYW": 4}
)
_TWO_DECIMALS = frozenset(
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN "
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG".split()
)
MAX_MINOR = 10**15
"""No sum of money is larger, whatever the currency: it fits a BIGINT with room to add up."""
UNIT_PRICE_DECIMALS = 6


def exponent(currency: str) -> int:
    """How many decimals a currency has (ISO 4217). Raises ValueError for an unknown code."""
    if currency in _EXPONENTS:
        return _EXPONENTS[currency]
    if currency in _TWO_DECIMALS:
        return 2
    raise ValueError(f"{currency!r} is not an ISO 4217 currency; use a code such as EUR or GBP")


def _known(currency: str) -> str:
    exponent(currency)
    return currency


Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(_known)]
"""An active ISO 4217 code."""


class CurrencyMismatch(ValueError):
    """Two amounts in different currencies were added or compared."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other} do not mix: convert first")


def _decimal(text: str, *, decimals: int, field: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f'{field} must be a decimal string such as "12.34"') from None
    if not value.is_finite():
        raise ValueError(f"{field} must be finite")
    places = value.as_tuple().exponent
    if isinstance(places, int) and -places > decimals:
        raise ValueError(f"{field} may have at most {decimals} decimals")
    return value


_WireAmount: Any = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,16}(\.[0-9]{1,4})?$")]
_WireCurrency: Any = Currency
_Wire = create_model(
    "Money",
    __config__=ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"amount": "12.34", "currency": "GBP"}]},
    ),
    __doc__="A sum of money.",
    amount=(
        _WireAmount,
        Field(
            description="A decimal string with at most the currency's decimals (ISO 4217).",
            examples=["12.34"],
        ),
    ),
    currency=(_WireCurrency, Field(description="ISO 4217 code.", examples=["GBP"])),
)


class Money:
    """A sum of money: whole minor units (cents, pence, yen) in one currency. Never a float.

    On the wire `{"amount": "12.34", "currency": "EUR"}`, the amount a decimal string with no
    more decimals than ISO 4217 gives the currency. Adding or comparing two currencies raises
    `CurrencyMismatch`. The largest sum is 10^15 minor units.
    """

    __slots__ = ("currency", "minor")
    minor: int
    currency: str

    def __init__(self, minor: int, currency: str) -> None:
        exponent(currency)
        if abs(minor) > MAX_MINOR:
            raise ValueError(f"amount is out of range: {MAX_MINOR} minor units at most")
        object.__setattr__(self, "minor", minor)
        object.__setattr__(self, "currency", currency)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Money is immutable: cannot set {name}")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in that currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: str, currency: str) -> Self:
        """Read a decimal string. ValueError when it is no number, too fine or too large."""
        places = exponent(currency)
        value = _decimal(amount, decimals=places, field="amount")
        if value.adjusted() > 18:
            raise ValueError(f"amount is out of range: {MAX_MINOR} minor units at most")
        return cls(int(value.scaleb(places)), currency)

    @classmethod
    def total(cls, parts: Iterable["Money"], currency: str) -> "Money":
        """Add up sums of one currency; nothing gives zero."""
        result = cls.zero(currency)
        for part in parts:
            result = result + part
        return result

    @property
    def amount(self) -> str:
        """The decimal string of the wire, always with all the currency's decimals."""
        places = exponent(self.currency)
        if places == 0:
            return str(self.minor)
        sign = "-" if self.minor < 0 else ""
        digits = str(abs(self.minor)).rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return (self.minor, self.currency) == (other.minor, other.currency)

    def __hash__(self) -> int:
        return hash((self.minor, self.currency))

    def __repr__(self) -> str:
        return f"Money({self.amount} {self.currency})"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        wire = handler.generate_schema(_Wire)
        from_wire = core_schema.no_info_after_validator_function(
            lambda wire_: cls.parse(wire_.amount, wire_.currency), wire
        )
        return core_schema.no_info_wrap_validator_function(
            lambda value, read: value if isinstance(value, cls) else read(value),
            from_wire,
            ref="contracts.money.Money",
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda money: {"amount": money.amount, "currency": money.currency}
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(_Wire.__pydantic_core_schema__)


def _not_negative(money: Money) -> Money:
    if money.minor < 0:
        raise ValueError("must not be negative")
    return money


def _positive(money: Money) -> Money:
    if money.minor <= 0:
        raise ValueError("must be more than zero")
    return money


Limit = Annotated[Money, AfterValidator(_not_negative)]
"""A sum that may be reached: zero or more."""

PositiveMoney = Annotated[Money, AfterValidator(_positive)]
"""A sum that is more than zero."""


def _unit_price(text: str) -> str:
    _decimal(text, decimals=UNIT_PRICE_DECIMALS, field="unit price")
    return text


UnitPriceAmount = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$"),
    AfterValidator(_unit_price),
]
"""A price for one piece as a decimal string, up to six decimals, never negative."""


class UnitPrice(BaseModel):
    """The price of one piece, which may be finer than the currency's smallest coin."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"amount": "0.125", "currency": "GBP"}]},
    )

    amount: UnitPriceAmount = Field(
        description="A decimal string with at most six decimals.", examples=["0.125"]
    )
    currency: Currency = Field(description="ISO 4217 code.", examples=["GBP"])

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> "UnitPrice":
        """Write a stored price as people do: no trailing zeros past the currency's decimals."""
        return cls(amount=plain_amount(amount, currency), currency=currency)

    def times(self, quantity: int) -> Money:
        """The amount of a line: rounded once, half-up, to the currency's exponent.

        This is the only place where a price is rounded (design: a line is rounded once).
        """
        return round_money(Decimal(self.amount) * quantity, self.currency)


def plain_amount(amount: Decimal, currency: str) -> str:
    """Decimal to string: at least the currency's decimals, no more zeros than that."""
    places = exponent(currency)
    text = f"{amount:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def round_money(value: Decimal, currency: str) -> Money:
    """Round half-up (away from zero at the half) to the currency's exponent."""
    places = exponent(currency)
    minor = value.scaleb(places).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return Money(int(minor), currency)
