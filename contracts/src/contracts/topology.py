"""Which events there are, and which queue takes which: every relay declares this first."""

from contracts.catalog import CategoryChanged, ProductChanged, StoreChanged
from contracts.envelope import EventData
from contracts.orders import OrderPlaced, PaymentChanged, StockChanged
from contracts.pricing import PriceChanged, PriceListChanged, TaxRateChanged

EXCHANGE = "tandem.events"

EVENTS: dict[str, type[EventData]] = {
    event.type: event
    for event in (
        StoreChanged,
        CategoryChanged,
        ProductChanged,
        PriceListChanged,
        PriceChanged,
        TaxRateChanged,
        StockChanged,
        OrderPlaced,
        PaymentChanged,
    )
}
"""Every event type and the model of its data."""

QUEUES: dict[str, tuple[str, ...]] = {
    "catalog.availability": (StockChanged.type,),
    "pricing.stores": (StoreChanged.type,),
    "pricing.products": (ProductChanged.type,),
    "orders.stores": (StoreChanged.type,),
    "orders.products": (ProductChanged.type,),
}
"""Durable queues, one a consuming feature (`<service>.<feature>`), and the types each takes."""

CONSUMED: frozenset[str] = frozenset(kind for kinds in QUEUES.values() for kind in kinds)
"""Types that somebody waits for: an unroutable publish of one of these is retried."""

SNAPSHOTS: dict[str, tuple[str, ...]] = {
    "catalog": ("stores", "categories", "products"),
    "pricing": ("price_lists", "prices", "tax_rates"),
    "orders": ("stock",),
    "accounts": (),
    "approvals": (),
}
"""What `GET /v1/snapshots/{type}` of each service streams."""
