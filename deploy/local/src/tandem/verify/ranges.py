"""Assortments: each SKU belongs to what the rules say (design 5.7)."""

from tandem.verify.check import Check

RANGES = (
    Check(
        "a SKU has the tags of the assortments that it belongs to",
        """
        WITH ruled AS (
            SELECT sku, array_agg(DISTINCT id ORDER BY id) AS tags
            FROM variants CROSS JOIN LATERAL (
                SELECT assortments.id FROM assortments
                WHERE (include IS NULL OR EXISTS (
                    SELECT FROM assortment_clauses AS clause
                    WHERE assortment_id = assortments.id AND side = 'include'
                      AND ((kind = 'sku' AND clause.key = variants.sku)
                           OR (kind = 'product' AND clause.key = variants.product_key)
                           OR (kind = 'category' AND clause.key IN (
                               SELECT category_key FROM placements
                               WHERE placements.product_key = variants.product_key)))))
                  AND NOT EXISTS (
                    SELECT FROM assortment_clauses AS clause
                    WHERE assortment_id = assortments.id AND side = 'exclude'
                      AND ((kind = 'sku' AND clause.key = variants.sku)
                           OR (kind = 'product' AND clause.key = variants.product_key)
                           OR (kind = 'category' AND clause.key IN (
                               SELECT category_key FROM placements
                               WHERE placements.product_key = variants.product_key))))
            ) AS belonging GROUP BY sku
        )
        SELECT format('%s has the tags {%s}, but the rules say {%s}.', sku,
                      array_to_string(assortments, ', '),
                      array_to_string(coalesce(tags, '{}'), ', '))
        FROM variants LEFT JOIN ruled USING (sku)
        WHERE ARRAY(SELECT unnest(assortments) ORDER BY 1) <> coalesce(tags, '{}')
        UNION ALL
        SELECT format('Product %s has the tags {%s}, but its SKUs {%s}.', key,
                      array_to_string(assortments, ', '), array_to_string(tags, ', '))
        FROM products JOIN LATERAL (
            SELECT ARRAY(SELECT DISTINCT tag FROM variants, unnest(variants.assortments) AS tag
                         WHERE product_key = products.key ORDER BY tag) AS tags
        ) AS of_skus ON true
        WHERE ARRAY(SELECT unnest(assortments) ORDER BY 1) <> tags
        """,
    ),
)
