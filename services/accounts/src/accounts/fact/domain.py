"""What orders say of a company, as plain values."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS_12 = timedelta(days=365)
"""How far back `spend_12_months_minor` looks."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A company's orders, added up. Spend is gross, in minor units of the company's currency;
    orders in another currency count, but are not part of it."""

    orders: int = 0
    lifetime_spend_minor: int = 0
    last_order_at: datetime | None = None
