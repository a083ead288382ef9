"""What must hold in the databases of a shop once it has come to rest. No service is asked."""

from collections.abc import Mapping

import asyncpg

from contracts.topology import QUEUES

Databases = Mapping[str, asyncpg.Connection]
ORDERS = """
SELECT 'order without exactly one payment of its total: ' || o.serial
FROM orders AS o LEFT JOIN payments AS p
  ON p.key = o.payment_key AND p.status = 'authorised'
 AND p.amount_minor = o.total_gross_minor AND p.currency = o.currency
WHERE p.key IS NULL
UNION ALL
SELECT 'payment without an order: ' || p.key FROM payments AS p
WHERE p.status = 'authorised' AND NOT EXISTS (SELECT FROM orders WHERE payment_key = p.key)
UNION ALL
SELECT 'order without exactly one bound reservation of its lines: ' || o.serial FROM orders AS o
WHERE (SELECT count(*) FROM stock_reservations WHERE order_id = o.id AND status = 'bound') <> 1
   OR (SELECT jsonb_object_agg(sku, quantity) FROM order_lines WHERE order_id = o.id)
   IS DISTINCT FROM (
      SELECT jsonb_object_agg(sku, quantity)
      FROM (SELECT sku, sum(quantity) AS quantity FROM stock_reservation_lines AS l
            JOIN stock_reservations AS r USING (hold_id) WHERE r.order_id = o.id GROUP BY sku) AS s)
UNION ALL
SELECT 'reservation still held: ' || hold_id FROM stock_reservations WHERE status = 'granted'
UNION ALL
SELECT 'stock reserved is not what is ordered: ' || i.sku || ' ' || i.reserved FROM stock_items AS i
WHERE i.reserved <> (SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE sku = i.sku)
   OR i.reserved <> (SELECT coalesce(sum(reserved), 0) FROM stock_levels WHERE sku = i.sku)
UNION ALL
SELECT 'stock on hand is not the sum of its movements: ' || i.sku FROM stock_items AS i
WHERE i.on_hand <> (SELECT coalesce(sum(quantity), 0) FROM stock_movements WHERE sku = i.sku)
UNION ALL
SELECT 'process not ended: ' || id || ' ' || status || ' at ' || step || ' attempts ' || attempts
FROM processes WHERE status NOT IN ('done', 'undone')
UNION ALL
SELECT 'cart still being placed: ' || id FROM carts WHERE status = 'placing'
UNION ALL
SELECT 'order not told once: ' || o.serial FROM orders AS o
WHERE (SELECT count(*) FROM outbox
       WHERE type = 'tandem.orders.order.placed.v1'
         AND event::jsonb->'data'->>'order_id' = o.id::text) <> 1
"""
EVERYWHERE = """
SELECT 'event not sent: ' || type || ' ' || subject FROM outbox
WHERE published_at IS NULL OR position IS NULL
UNION ALL
SELECT 'event not done: ' || queue || ' ' || event_id || ' ' || status FROM inbox
WHERE status <> 'done'
UNION ALL
SELECT 'feed has gaps' WHERE (SELECT count(*) FROM outbox) <> (SELECT max(position) FROM outbox)
"""


async def find_faults(databases: Databases) -> list[str]:
    """What is not as it must be, a line each."""
    faults = [f"orders: {row[0]}" for row in await databases["orders"].fetch(ORDERS)]
    for name, database in databases.items():
        faults += [f"{name}: {row[0]}" for row in await database.fetch(EVERYWHERE)]
    for queue, types in QUEUES.items():
        faults += await find_undelivered(databases, queue, types)
    return faults + await find_stale_availability(databases)


async def find_undelivered(databases: Databases, queue: str, types: tuple[str, ...]) -> list[str]:
    """Events that a queue has not done, and those that it has and nobody told."""
    told = {
        row["event_id"]
        for name in {kind.split(".")[1] for kind in types}
        for row in await databases[name].fetch(
            "SELECT event_id FROM outbox WHERE type = ANY($1)", list(types)
        )
    }
    done = {
        row["event_id"]
        for row in await databases[queue.split(".")[0]].fetch(
            "SELECT event_id FROM inbox WHERE queue = $1 AND status = 'done'", queue
        )
    }
    return [f"{queue}: never delivered {one}" for one in told - done] + [
        f"{queue}: nobody told {one}" for one in done - told
    ]


async def find_stale_availability(databases: Databases) -> list[str]:
    """Where catalog shows another stock than orders has."""
    items = "SELECT sku, on_hand - reserved AS available, sequence FROM stock_items"
    held = {tuple(row) for row in await databases["orders"].fetch(items)}
    copied = {
        tuple(row)
        for row in await databases["catalog"].fetch(
            "SELECT sku, available, sequence FROM availability"
        )
    }
    return [f"catalog: availability differs: {row}" for row in held ^ copied]
