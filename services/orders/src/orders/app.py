"""Orders, put together."""

from chassis import buyers
from chassis.feed import Snapshot
from chassis.service import Service
from contracts.orders import StockFacts
from orders.cart import routes as cart_routes
from orders.db import Base
from orders.delivery import routes as delivery_routes
from orders.order import consumers as decisions
from orders.order import routes as order_routes
from orders.order.process import COMPANY_PLACING, PLACING
from orders.payment import routes as payment_routes
from orders.product import consumers as products
from orders.settings import OrdersSettings
from orders.settlement import routes as settlement_routes
from orders.settlement.process import SETTLEMENT
from orders.stock import queries as stock
from orders.stock import routes as stock_routes
from orders.store import consumers as stores

FEATURES = (
    stock_routes,
    delivery_routes,
    cart_routes,
    order_routes,
    settlement_routes,
    payment_routes,
)
SERVICE = Service(
    name="orders",
    title="Tandem orders",
    summary="Stock, delivery methods, carts, placing what is in them, and their payments.",
    settings=OrdersSettings,
    migrations="orders.migrations",
    metadata=Base.metadata,
    routers=tuple(feature.router for feature in FEATURES),
    consumers=(
        stores.CONSUMER,
        products.CONSUMER,
        buyers.consumer("orders.buyers"),
        decisions.CONSUMER,
    ),
    copies=(stores.COPY, products.COPY, buyers.copy("orders.buyers")),
    snapshots=(Snapshot("stock", StockFacts, stock.stream_stock),),
    processes=(PLACING, COMPANY_PLACING, SETTLEMENT),
)
