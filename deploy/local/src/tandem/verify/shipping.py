"""Shipments: what left is what was ordered, and the warehouse knows it (design 5.1)."""

from tandem.verify.check import Check

SHIPPING = (
    Check(
        "shipped is the sum of the parcels, and not more than was sold",
        """
        SELECT format('Order T-%s has %s of %s shipped of %s, but its parcels hold %s.', serial,
                      coalesce(shipped, 0), sku, coalesce(sold, 0), coalesce(packed, 0))
        FROM (
            SELECT order_id, sku, sum(shipped) AS shipped, sum(quantity) AS sold
            FROM order_lines GROUP BY order_id, sku
        ) AS lines FULL JOIN (
            SELECT order_id, sku, sum(quantity) AS packed
            FROM shipments JOIN shipment_lines ON shipment_id = shipments.id
            GROUP BY order_id, sku
        ) AS parcels USING (order_id, sku)
        LEFT JOIN orders ON orders.id = order_id
        WHERE coalesce(shipped, 0) <> coalesce(packed, 0) OR coalesce(shipped, 0) > sold
           OR sold IS NULL
        """,
    ),
    Check(
        "an order says how much of it was shipped",
        """
        SELECT format('Order T-%s is %s, with %s of %s shipped.', serial, status, shipped, sold)
        FROM orders JOIN (
            SELECT order_id, sum(shipped) AS shipped, sum(quantity) AS sold
            FROM order_lines GROUP BY order_id
        ) AS lines ON order_id = orders.id
        WHERE status <> CASE WHEN shipped = 0 THEN 'placed' WHEN shipped < sold
                        THEN 'partially_shipped' ELSE 'shipped' END
        """,
    ),
    Check(
        "what was shipped has left its reservation and its warehouse",
        """
        SELECT format('Order T-%s has %s of %s shipped, but %s left its reservation.', serial,
                      shipped, sku, coalesce(gone, 0))
        FROM (
            SELECT order_id, sku, sum(shipped) AS shipped FROM order_lines GROUP BY order_id, sku
        ) AS lines LEFT JOIN (
            SELECT order_id, sku, sum(shipped) AS gone
            FROM stock_reservations JOIN stock_reservation_lines USING (hold_id)
            WHERE status = 'bound' GROUP BY order_id, sku
        ) AS holds USING (order_id, sku)
        JOIN orders ON orders.id = order_id
        WHERE shipped <> coalesce(gone, 0)
        UNION ALL
        SELECT format('%s of %s left warehouses, but %s were shipped.', -coalesce(moved, 0), sku,
                      coalesce(packed, 0))
        FROM (
            SELECT sku, sum(quantity) AS moved FROM stock_movements
            WHERE kind = 'shipped' GROUP BY sku
        ) AS movements FULL JOIN (
            SELECT sku, sum(quantity) AS packed FROM shipment_lines GROUP BY sku
        ) AS parcels USING (sku)
        WHERE -coalesce(moved, 0) <> coalesce(packed, 0)
        """,
    ),
    Check(
        "a placement says what its process came to",
        """
        SELECT format('Placement %s is %s, but its process is %s%s.', shown.id, shown.status,
                      coalesce(process.status, 'unknown'),
                      ' as ' || (process.result ->> 'order_number'))
        FROM placements AS shown LEFT JOIN processes AS process USING (id)
        WHERE process.id IS NOT NULL AND (
              (process.status = 'undone') <> (shown.status = 'refused')
           OR (process.result ->> 'order_number') IS DISTINCT FROM shown.order_number
           OR (process.status = 'done') AND shown.status <> 'placed')
        UNION ALL
        SELECT format('Process %s places an order of a member, but shows no placement.', process.id)
        FROM processes AS process LEFT JOIN placements AS shown USING (id)
        WHERE process.kind = 'company_placing' AND shown.id IS NULL
        """,
    ),
)
