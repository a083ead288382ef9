"""Tax on an amount, as pure rules in whole minor units."""

from decimal import Decimal

_FINEST = 10**6


def tax_on_net(net_minor: int, rate: Decimal) -> int:
    """The tax to add, rounded half-up. A rate has at most six decimals."""
    return _half_up(net_minor * _millionths(rate), _FINEST)


def net_in_gross(gross_minor: int, rate: Decimal) -> int:
    """What is left without the tax that is in it, rounded half-up."""
    return _half_up(gross_minor * _FINEST, _FINEST + _millionths(rate))


def _millionths(rate: Decimal) -> int:
    return int(rate * _FINEST)


def _half_up(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def rate_text(rate: Decimal) -> str:
    """A rate as it crosses the border: `0.2`, not `0.200000`."""
    return f"{rate.normalize():f}"
