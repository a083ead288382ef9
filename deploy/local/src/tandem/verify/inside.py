"""What must hold within one database: which checks are asked of which, and how."""

from collections.abc import AsyncIterator

from tandem.verify.check import Check
from tandem.verify.companies import DECISIONS, LEDGERS
from tandem.verify.events import EVENTS, PROCESSES
from tandem.verify.orders import MONEY, PLACING
from tandem.verify.payments import LEDGER, MOVEMENTS
from tandem.verify.prices import PRICES
from tandem.verify.ranges import RANGES
from tandem.verify.shipping import SHIPPING
from tandem.verify.snapshots import Snapshot
from tandem.verify.stock import STOCK

EVERYWHERE = (*EVENTS, *PROCESSES)
"""Every service has an outbox, an inbox and processes."""

CHECKS: dict[str, tuple[Check, ...]] = {
    "accounts": LEDGERS,
    "approvals": DECISIONS,
    "catalog": RANGES,
    "orders": (*STOCK, *MONEY, *PLACING, *SHIPPING, *MOVEMENTS),
    "pricing": PRICES,
    "testpay": LEDGER,
}

COUNTED: dict[str, tuple[str, ...]] = {
    "accounts": ("companies", "members", "holds", "ledger_entries"),
    "approvals": ("approval_requests",),
    "catalog": ("stores", "products", "availability", "assortments"),
    "pricing": ("price_lists", "prices"),
    "orders": (
        "stock_levels",
        "stock_movements",
        "stock_reservations",
        "carts",
        "orders",
        "order_lines",
        "placements",
        "shipments",
        "payments",
        "payment_movements",
    ),
    "testpay": ("payments", "ledger_entries"),
}


async def look(name: str, snapshot: Snapshot) -> AsyncIterator[tuple[str, str]]:
    """Every check of this service's database; check and sentence of what does not hold."""
    for check in (*EVERYWHERE, *CHECKS.get(name, ())):
        async for row in snapshot.rows(check.statement):
            yield check.name, f"{name}: {row[0]}"


async def count(name: str, snapshot: Snapshot) -> dict[str, int]:
    """How much there was to look at."""
    counts = {}
    for table in (*COUNTED.get(name, ()), "outbox", "inbox", "processes"):
        found = await snapshot.row(f"SELECT count(*) FROM {table}")  # noqa: S608 -- names of ours
        counts[f"{name} {table.replace('_', ' ')}"] = int(found[0])
    return counts
