"""Orders: their sums, their payment, and that one submit made one of them (design 5.2, 5.4).

Amounts are in minor units throughout, as they are stored.
"""

from tandem.verify.check import Check

MONEY = (
    Check(
        "net and tax make gross",
        """
        SELECT format('%s has %s net and %s tax, which is not %s gross.', what, net, tax, gross)
        FROM (
            SELECT format('Line %s of order T-%s', line.position, serial),
                   net_minor, tax_minor, gross_minor
            FROM order_lines AS line JOIN orders ON orders.id = order_id
            UNION ALL
            SELECT format('%s of order T-%s', part, serial), net_minor, tax_minor, gross_minor
            FROM orders CROSS JOIN LATERAL (VALUES
                ('Items', items_net_minor, items_tax_minor, items_gross_minor),
                ('Delivery', delivery_net_minor, delivery_tax_minor, delivery_gross_minor),
                ('Total', total_net_minor, total_tax_minor, total_gross_minor)
            ) AS parts (part, net_minor, tax_minor, gross_minor)
        ) AS amounts (what, net, tax, gross)
        WHERE net + tax <> gross
        """,
    ),
    Check(
        "an order's items are the sum of its lines",
        """
        SELECT format('Order T-%s has items of %s net and %s gross, but its lines add up to %s'
                      ' and %s.', serial, items_net_minor, items_gross_minor,
                      coalesce(net, 0), coalesce(gross, 0))
        FROM orders LEFT JOIN (
            SELECT order_id, sum(net_minor) AS net, sum(tax_minor) AS tax,
                   sum(gross_minor) AS gross
            FROM order_lines GROUP BY order_id
        ) AS lines ON order_id = id
        WHERE (items_net_minor, items_tax_minor, items_gross_minor)
              IS DISTINCT FROM (net, tax, gross)
        """,
    ),
    Check(
        "an order's total is items and delivery",
        """
        SELECT format('Order T-%s has a total of %s net and %s gross, but items and delivery add'
                      ' up to %s and %s.', serial, total_net_minor, total_gross_minor,
                      items_net_minor + delivery_net_minor,
                      items_gross_minor + delivery_gross_minor)
        FROM orders
        WHERE total_net_minor <> items_net_minor + delivery_net_minor
           OR total_tax_minor <> items_tax_minor + delivery_tax_minor
           OR total_gross_minor <> items_gross_minor + delivery_gross_minor
        """,
    ),
    Check(
        "the tax by rate makes the tax",
        """
        SELECT format('Order T-%s has %s tax, but its rates add up to %s.', serial,
                      total_tax_minor, told)
        FROM orders CROSS JOIN LATERAL (
            SELECT coalesce(sum(replace(rate -> 'amount' -> 'tax' ->> 'amount', '.', '')::bigint),
                            0) AS told
            FROM jsonb_array_elements(taxes) AS rate
        ) AS rates
        WHERE told <> total_tax_minor
        """,
    ),
    Check(
        "what is charged is what was agreed to",
        """
        SELECT format('Order T-%s has a total of %s %s, but the buyer agreed to %s %s.', serial,
                      total_gross_minor, currency, agreed ->> 'amount', agreed ->> 'currency')
        FROM orders JOIN processes ON processes.id = placement_id
        CROSS JOIN LATERAL (
            SELECT data -> 'agreed_total' AS agreed,
                   (data #>> '{agreed,totals,total,gross,amount}')::numeric AS shown
        ) AS told
        WHERE agreed ->> 'currency' IS DISTINCT FROM currency
           OR (agreed ->> 'amount')::numeric * 10::numeric ^ scale(shown) <> total_gross_minor
        """,
    ),
    Check(
        "an order has one authorised payment of its total",
        """
        SELECT format('Order T-%s of %s %s has %s.', serial, total_gross_minor, orders.currency,
                      CASE WHEN key IS NULL THEN 'no payment ' || payment_key
                           ELSE format('payment %s of %s %s, %s', key, amount_minor,
                                       payments.currency, payments.status) END)
        FROM orders LEFT JOIN payments ON key = payment_key
        WHERE payment_key IS NOT NULL AND (amount_minor, payments.currency, payments.status)
              IS DISTINCT FROM (total_gross_minor, orders.currency, 'authorised')
        UNION ALL
        SELECT format('Payment %s pays for %s orders: %s.', payment_key, count(*),
                      string_agg('T-' || serial, ', ' ORDER BY serial))
        FROM orders WHERE payment_key IS NOT NULL GROUP BY payment_key HAVING count(*) > 1
        """,
    ),
    Check(
        "no payment without an order",
        """
        SELECT format('Payment %s of %s %s is authorised, but there is no order, and its process'
                      ' is %s.', payments.key, amount_minor, currency,
                      coalesce(process.status, 'unknown'))
        FROM payments
        LEFT JOIN processes AS process ON process.id::text = split_part(payments.key, ':', 1)
        WHERE payments.status = 'authorised'
          AND coalesce(process.status, 'undone') IN ('done', 'undone')
          AND NOT EXISTS (SELECT FROM orders WHERE payment_key = payments.key)
        """,
    ),
)

PLACING = (
    Check(
        "one order a placement, a cart and a key",
        """
        SELECT format('%s %s made %s orders: %s.', what, id, count(*),
                      string_agg('T-' || serial, ', ' ORDER BY serial))
        FROM (
            SELECT 'Placement', placement_id::text, serial FROM orders
            UNION ALL SELECT 'Cart', cart_id::text, serial FROM orders
            UNION ALL SELECT 'Idempotency key', encode(processes.key, 'hex'), serial
            FROM orders JOIN processes ON processes.id = placement_id
            WHERE processes.key IS NOT NULL
        ) AS made (what, id, serial)
        GROUP BY what, id HAVING count(*) > 1
        """,
    ),
    Check(
        "a placement is done exactly when there is its order",
        """
        SELECT format('Placement %s is %s, but %s.', process.id, process.status,
                      coalesce('there is its order T-' || serial, 'there is no order of it'))
        FROM processes AS process LEFT JOIN orders ON placement_id = process.id
        WHERE process.kind IN ('placing', 'company_placing')
          AND ((process.result IS NOT NULL) <> (serial IS NOT NULL)
               OR (process.status = 'undone' AND serial IS NOT NULL))
        UNION ALL
        SELECT format('Placement %s made order %s, but says it made %s.', process.id, orders.id,
                      coalesce(process.result ->> 'order_id', 'none'))
        FROM processes AS process JOIN orders ON placement_id = process.id
        WHERE process.result IS NOT NULL
          AND process.result ->> 'order_id' IS DISTINCT FROM orders.id::text
        UNION ALL
        SELECT format('Placement %s is done, but made no order.', id) FROM processes
        WHERE kind IN ('placing', 'company_placing') AND status = 'done' AND result IS NULL
        """,
    ),
    Check(
        "a cart is ordered exactly when there is its order",
        """
        SELECT format('Cart %s is %s%s, but %s.', coalesce(cart.id, placed.cart_id),
                      coalesce(cart.status, 'gone'), ' as ' || cart.order_number,
                      coalesce('there is order T-' || serial, 'there is no order of it'))
        FROM carts AS cart FULL JOIN orders AS placed ON placed.cart_id = cart.id
        WHERE (cart.status = 'ordered') IS DISTINCT FROM (serial IS NOT NULL)
           OR cart.order_number IS DISTINCT FROM 'T-' || serial
        """,
    ),
    Check(
        "a cart is being placed exactly while its process runs",
        """
        SELECT format('Cart %s is being placed by %s, which is %s.', cart.id, cart.placement_id,
                      coalesce(process.status, 'unknown'))
        FROM carts AS cart LEFT JOIN processes AS process ON process.id = cart.placement_id
        WHERE cart.status = 'placing' AND (process.result IS NOT NULL
              OR coalesce(process.status, 'undone') IN ('done', 'undone'))
        UNION ALL
        SELECT format('Placement %s is %s, but its cart %s is %s.', process.id, process.status,
                      process.data ->> 'cart_id', coalesce(cart.status, 'gone'))
        FROM processes AS process
        LEFT JOIN carts AS cart ON cart.id::text = process.data ->> 'cart_id'
        WHERE process.kind IN ('placing', 'company_placing')
          AND process.status NOT IN ('done', 'undone') AND process.result IS NULL
          AND (cart.status, cart.placement_id) IS DISTINCT FROM ('placing', process.id)
        """,
    ),
    Check(
        "an order is told of exactly once",
        """
        WITH told AS (
            SELECT subject, count(*) AS times, min(event) AS event FROM outbox
            WHERE type = 'tandem.orders.order.placed.v1' GROUP BY subject
        ), kept AS (
            SELECT CASE WHEN (SELECT max(pruned) FROM feed_head) > 0
                        THEN coalesce(min(created_at) + interval '1 hour', 'infinity')
                        ELSE '-infinity' END AS since
            FROM outbox
        )
        SELECT CASE
            WHEN serial IS NULL THEN format('Order %s is told of, but does not exist.', subject)
            WHEN times IS DISTINCT FROM 1
            THEN format('Order T-%s is told of %s times.', serial, coalesce(times, 0))
            ELSE format('Order T-%s has a total of %s, but was told of with %s.', serial,
                        total_gross_minor,
                        (event::jsonb) #>> '{data,total,gross,amount}') END
        FROM orders FULL JOIN told ON subject = id::text, kept
        WHERE serial IS NULL OR times > 1 OR (times IS NULL AND placed_at >= since)
           OR replace((event::jsonb) #>> '{data,total,gross,amount}', '.', '')::bigint
              <> total_gross_minor
        """,
    ),
)
