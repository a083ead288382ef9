"""Which events there are, and which queue takes which: every relay declares this first."""

from contracts.approvals import ApprovalRequestDecided, ApprovalRequestOpened
from contracts.buyers import AccessRevoked, BuyerProfileChanged
from contracts.catalog import AssortmentChanged, CategoryChanged, ProductChanged, StoreChanged
from contracts.companies import CompanyChanged, GroupMembershipChanged
from contracts.envelope import EventData
from contracts.orders import (
    OrderPlaced,
    OrderShipped,
    PaymentChanged,
    PlacementChanged,
    StockChanged,
)
from contracts.pricing import (
    PriceChanged,
    PriceListChanged,
    QuantityRuleChanged,
    TaxRateChanged,
)

EXCHANGE = "tandem.events"

EVENTS: dict[str, type[EventData]] = {
    event.type: event
    for event in (
        StoreChanged,
        CategoryChanged,
        ProductChanged,
        AssortmentChanged,
        PriceListChanged,
        PriceChanged,
        TaxRateChanged,
        QuantityRuleChanged,
        StockChanged,
        OrderPlaced,
        OrderShipped,
        PlacementChanged,
        PaymentChanged,
        CompanyChanged,
        GroupMembershipChanged,
        BuyerProfileChanged,
        AccessRevoked,
        ApprovalRequestOpened,
        ApprovalRequestDecided,
    )
}
"""Every event type and the model of its data."""

QUEUES: dict[str, tuple[str, ...]] = {
    "catalog.availability": (StockChanged.type,),
    "catalog.buyers": (BuyerProfileChanged.type,),
    "pricing.stores": (StoreChanged.type,),
    "pricing.products": (ProductChanged.type,),
    "pricing.buyers": (BuyerProfileChanged.type,),
    "accounts.orders": (OrderPlaced.type,),
    "approvals.buyers": (BuyerProfileChanged.type,),
    "orders.stores": (StoreChanged.type,),
    "orders.products": (ProductChanged.type,),
    "orders.buyers": (BuyerProfileChanged.type,),
    "orders.approvals": (ApprovalRequestDecided.type,),
}
"""Durable queues, one a consuming feature (`<service>.<feature>`), and the types each takes."""

CONSUMED: frozenset[str] = frozenset(kind for kinds in QUEUES.values() for kind in kinds)
"""Types that somebody waits for: an unroutable publish of one of these is retried."""

SNAPSHOTS: dict[str, tuple[str, ...]] = {
    "catalog": ("stores", "categories", "products", "assortments"),
    "pricing": ("price_lists", "prices", "tax_rates", "quantity_rules"),
    "orders": ("stock",),
    "accounts": ("companies", "buyer_profiles"),
    "approvals": (),
}
"""What `GET /v1/snapshots/{type}` of each service streams."""
