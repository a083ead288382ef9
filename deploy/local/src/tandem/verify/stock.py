"""Stock: what lies there is what moved, and nothing is promised twice (design 5.1)."""

from tandem.verify.check import Check

STOCK = (
    Check(
        "stock on hand is the sum of its movements",
        """
        SELECT format('%s in %s has %s on hand, but its movements add up to %s.',
                      sku, warehouse_key, coalesce(on_hand::text, 'no level'),
                      coalesce(moved, 0))
        FROM stock_levels FULL JOIN (
            SELECT sku, warehouse_key, sum(quantity) AS moved
            FROM stock_movements GROUP BY sku, warehouse_key
        ) AS movements USING (sku, warehouse_key)
        WHERE on_hand IS DISTINCT FROM coalesce(moved, 0)
        """,
    ),
    Check(
        "stock of a SKU is the sum of its warehouses",
        """
        SELECT format('%s has %s on hand and %s reserved, but its warehouses add up to %s and %s.',
                      sku, coalesce(item.on_hand::text, 'no item'),
                      coalesce(item.reserved::text, 'none'),
                      coalesce(levels.on_hand, 0), coalesce(levels.reserved, 0))
        FROM stock_items AS item FULL JOIN (
            SELECT sku, sum(on_hand) AS on_hand, sum(reserved) AS reserved
            FROM stock_levels GROUP BY sku
        ) AS levels USING (sku)
        WHERE item.on_hand IS DISTINCT FROM coalesce(levels.on_hand, 0)
           OR item.reserved IS DISTINCT FROM coalesce(levels.reserved, 0)
        """,
    ),
    Check(
        "reserved is between nothing and what is on hand",
        """
        SELECT format('%s%s has %s reserved of %s on hand.',
                      sku, ' in ' || warehouse_key, reserved, on_hand)
        FROM (
            SELECT sku, warehouse_key, on_hand, reserved FROM stock_levels
            UNION ALL SELECT sku, NULL, on_hand, reserved FROM stock_items
        ) AS stock
        WHERE reserved < 0 OR reserved > on_hand
        """,
    ),
    Check(
        "reserved is the sum of the reservations",
        """
        SELECT format('%s in %s has %s reserved, but its reservations add up to %s.',
                      sku, warehouse_key, coalesce(reserved::text, 'no level'),
                      coalesce(held, 0))
        FROM stock_levels FULL JOIN (
            SELECT sku, warehouse_key, sum(quantity - shipped) AS held
            FROM stock_reservation_lines JOIN stock_reservations USING (hold_id)
            WHERE status IN ('granted', 'bound') GROUP BY sku, warehouse_key
        ) AS reservations USING (sku, warehouse_key)
        WHERE reserved IS DISTINCT FROM coalesce(held, 0)
        """,
    ),
    Check(
        "no reservation outlives its process",
        """
        SELECT format('Reservation %s is granted since %s, but its process is %s.', hold_id,
                      to_char(hold.updated_at, 'YYYY-MM-DD HH24:MI:SS'),
                      coalesce(process.status, 'unknown'))
        FROM stock_reservations AS hold
        LEFT JOIN processes AS process ON process.id::text = split_part(hold_id, ':', 1)
        WHERE hold.status = 'granted' AND coalesce(process.status, 'undone') IN ('done', 'undone')
        """,
    ),
    Check(
        "a bound reservation has its order",
        """
        SELECT format('Reservation %s is bound to order %s, which %s.', hold_id, hold.order_id,
                      CASE WHEN placed.id IS NULL THEN 'does not exist'
                           ELSE 'was placed by ' || placed.placement_id END)
        FROM stock_reservations AS hold LEFT JOIN orders AS placed ON placed.id = hold.order_id
        WHERE hold.status = 'bound'
          AND placed.placement_id::text IS DISTINCT FROM split_part(hold_id, ':', 1)
        """,
    ),
    Check(
        "an order has reserved what it sold",
        """
        SELECT format('Order T-%s sold %s of %s, but %s of it are bound to the order.', serial,
                      coalesce(sold, 0), sku, coalesce(bound, 0))
        FROM (
            SELECT order_id, sku, sum(quantity) AS sold FROM order_lines GROUP BY order_id, sku
        ) AS lines FULL JOIN (
            SELECT order_id, sku, sum(quantity) AS bound
            FROM stock_reservations JOIN stock_reservation_lines USING (hold_id)
            WHERE status = 'bound' GROUP BY order_id, sku
        ) AS holds USING (order_id, sku)
        JOIN orders ON orders.id = order_id
        WHERE sold IS DISTINCT FROM bound
        """,
    ),
)
