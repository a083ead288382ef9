"""What catalog is made of."""

from catalog.assortment import queries as assortments
from catalog.assortment import routes as assortment_routes
from catalog.availability import commands as availability
from catalog.availability.consumers import CONSUMER
from catalog.category import queries as categories
from catalog.category import routes as category_routes
from catalog.db import Base
from catalog.entitlement import routes as entitlement_routes
from catalog.product import queries as products
from catalog.product import routes as product_routes
from catalog.settings import CatalogSettings
from catalog.store import queries as stores
from catalog.store import routes as store_routes
from catalog.tagging import routes as tagging_routes
from catalog.tree import routes as tree_routes
from chassis import buyers
from chassis.feed import Snapshot
from chassis.service import Service
from contracts.catalog import Assortment, Category, ProductFacts, Store

FEATURES = (
    store_routes,
    category_routes,
    tree_routes,
    product_routes,
    assortment_routes,
    tagging_routes,
    entitlement_routes,
)
SERVICE = Service(
    name="catalog",
    title="Tandem catalog",
    summary="Stores, categories, products, assortments, and which SKUs may be ordered.",
    settings=CatalogSettings,
    migrations="catalog.migrations",
    metadata=Base.metadata,
    routers=tuple(feature.router for feature in FEATURES),
    consumers=(CONSUMER, buyers.consumer("catalog.buyers")),
    copies=(availability.COPY, buyers.copy("catalog.buyers")),
    snapshots=(
        Snapshot("stores", Store, stores.stream_stores),
        Snapshot("categories", Category, categories.stream_categories),
        Snapshot("products", ProductFacts, products.stream_products),
        Snapshot("assortments", Assortment, assortments.stream_assortments),
    ),
)
