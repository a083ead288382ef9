"""Pricing, put together."""

from chassis import buyers
from chassis.feed import Snapshot
from chassis.service import Service
from contracts.pricing import PriceFacts, PriceList, QuantityRule, TaxRate
from pricing.db import Base
from pricing.price_list import queries as price_lists
from pricing.price_list import routes as price_list_routes
from pricing.product import consumers as products
from pricing.quantity_rule import queries as quantity_rules
from pricing.quantity_rule import routes as quantity_rule_routes
from pricing.resolve import routes as resolve_routes
from pricing.settings import PricingSettings
from pricing.store import consumers as stores
from pricing.tax import queries as taxes
from pricing.tax import routes as tax_routes

SERVICE = Service(
    name="pricing",
    title="Tandem pricing",
    summary="Price lists, prices over two times, tax rates, and what lines cost whom.",
    settings=PricingSettings,
    migrations="pricing.migrations",
    metadata=Base.metadata,
    routers=(
        price_list_routes.router,
        tax_routes.router,
        quantity_rule_routes.router,
        resolve_routes.router,
    ),
    consumers=(stores.CONSUMER, products.CONSUMER, buyers.consumer("pricing.buyers")),
    copies=(stores.COPY, products.COPY, buyers.copy("pricing.buyers")),
    snapshots=(
        Snapshot("price_lists", PriceList, price_lists.stream_price_lists),
        Snapshot("prices", PriceFacts, price_lists.stream_prices),
        Snapshot("tax_rates", TaxRate, taxes.stream_tax_rates),
        Snapshot("quantity_rules", QuantityRule, quantity_rules.stream_quantity_rules),
    ),
)
