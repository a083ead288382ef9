"""Prices: of what is known now, one price holds at a time."""

from tandem.verify.check import Check

PRICES = (
    Check(
        "prices known now do not overlap",
        """
        SELECT format('Prices %s and %s of %s in list %s overlap: one is valid until %s, the other'
                      ' from %s.', before_id, known.id, sku, key, before_to, known.valid_from)
        FROM (
            SELECT id, sku, price_list_id, valid_from,
                   lag(id) OVER later AS before_id,
                   lag(coalesce(valid_to, 'infinity')) OVER later AS before_to
            FROM prices WHERE recorded_to IS NULL
            WINDOW later AS (PARTITION BY price_list_id, sku ORDER BY valid_from, id)
        ) AS known LEFT JOIN price_lists ON price_lists.id = price_list_id
        WHERE before_to > known.valid_from
        """,
    ),
    Check(
        "a price's tiers begin at 1 and rise",
        """
        SELECT format('Price %s of %s in list %s has tiers from %s.', prices.id, sku, key,
                      array_to_string(tier_quantities, ', '))
        FROM prices LEFT JOIN price_lists ON price_lists.id = price_list_id
        WHERE tier_quantities[1] IS DISTINCT FROM 1
           OR cardinality(tier_quantities) <> cardinality(tier_amounts)
           OR tier_quantities <> ARRAY(
               SELECT DISTINCT quantity FROM unnest(tier_quantities) AS quantity ORDER BY quantity
           )
        """,
    ),
)
