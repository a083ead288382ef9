"""Many writers at once: whatever they do to each other, what is stored and told agrees."""

import asyncio
import random
from collections import Counter

from sqlalchemy import text

from catalog.product import commands as products
from catalog.tree import commands as tree
from contracts.catalog import PutCategory, PutProduct, PutVariant

CATEGORIES = [f"c{number}" for number in range(8)]
KEYS = [f"p{number}" for number in range(40)]
SKUS = [f"s{number}" for number in range(60)]

DISAGREEMENTS = {
    "placements are not the categories with those above them": """
        SELECT key FROM products AS p WHERE
            (SELECT coalesce(array_agg(DISTINCT above ORDER BY above), '{}')
             FROM categories AS c, unnest(c.path) AS above WHERE c.key = ANY (p.categories))
            <> (SELECT coalesce(array_agg(category_key ORDER BY category_key), '{}')
                FROM placements WHERE product_key = p.key)""",
    "slugs are not those of the product": """
        SELECT key FROM products AS p WHERE
            (SELECT jsonb_object_agg(locale, slug) FROM slugs WHERE product_key = p.key)
            <> p.slug""",
    "a path is not that of the parent and the key": """
        SELECT c.key FROM categories AS c LEFT JOIN categories AS above ON above.key = c.parent
        WHERE c.path <> coalesce(above.path, '{}') || c.key""",
    "a version was not told exactly once": """
        SELECT p.key FROM products AS p LEFT JOIN told ON told.key = p.key
        GROUP BY p.key, p.version
        HAVING array_agg(told.version ORDER BY told.version)
            <> (SELECT array_agg(n) FROM generate_series(1, p.version) AS n)""",
    "the last event says something else": """
        SELECT p.key FROM products AS p JOIN told ON told.key = p.key AND told.version = p.version
        WHERE told.item -> 'skus' <>
                (SELECT jsonb_agg(sku ORDER BY position) FROM variants WHERE product_key = p.key)
            OR told.item -> 'categories' <>
                (SELECT coalesce(jsonb_agg(category_key ORDER BY category_key), '[]')
                 FROM placements WHERE product_key = p.key)""",
}
TOLD = """
    WITH told AS (
        SELECT item, item ->> 'key' AS key, CAST(item ->> 'sequence' AS bigint) AS version
        FROM outbox, jsonb_array_elements(CAST(event AS jsonb) -> 'data' -> 'items') AS item
        WHERE type = 'tandem.catalog.product.changed.v1'
    )"""


def any_product(chance: random.Random) -> PutProduct:
    skus = chance.sample(SKUS, chance.randrange(1, 3))
    slug = {"en": f"slug-{chance.randrange(50)}"} if chance.random() < 0.3 else {}
    return PutProduct(
        name={"en": f"Name {chance.randrange(3)}"},
        categories=chance.sample(CATEGORIES, 2),
        slug=slug,
        variants=[PutVariant(sku=sku) for sku in skus],
    )


async def test_writers_and_movers_at_once_leave_nothing_that_disagrees(runtime):
    outcomes: Counter[str] = Counter()

    async def write(seed):
        chance = random.Random(seed)
        for _ in range(12):
            lines = [(key, any_product(chance)) for key in chance.sample(KEYS, 25)]
            async with runtime.sessions() as session:
                for verdict in await products.write_products(
                    session, lines, now=runtime.clock.now()
                ):
                    outcomes[verdict.outcome] += 1
                await session.commit()

    async def move(seed):
        chance = random.Random(seed)
        for _ in range(12):
            parent = chance.choice([None, *CATEGORIES])
            line = (chance.choice(CATEGORIES), PutCategory(name={"en": "Any"}, parent=parent))
            async with runtime.sessions() as session:
                await tree.write_categories(session, [line], now=runtime.clock.now())
                await session.commit()

    async with runtime.sessions() as session:
        await tree.write_categories(
            session,
            [(key, PutCategory(name={"en": key})) for key in CATEGORIES],
            now=runtime.clock.now(),
        )
        await session.commit()
    await asyncio.gather(*(write(seed) for seed in range(5)), *(move(seed) for seed in (98, 99)))

    assert min(outcomes["created"], outcomes["updated"], outcomes["refused"]) > 10
    async with runtime.reader.connect() as connection:
        for what, question in DISAGREEMENTS.items():
            found = await connection.execute(text(f"{TOLD} {question}"))
            assert found.scalars().all() == [], what
