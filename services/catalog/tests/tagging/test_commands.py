"""Whoever writes what at once: tags are always those that rules and placements ask for."""

import asyncio
import random
from typing import Any

from sqlalchemy import text

from catalog.product import commands as products
from catalog.tagging import commands as tagging
from catalog.tree import commands as tree
from contracts.catalog import AssortmentRule, PutAssortment, PutCategory, PutProduct, PutVariant

CATEGORIES = [f"c{number}" for number in range(6)]
KEYS = [f"p{number}" for number in range(25)]
SKUS = [f"s{number}" for number in range(40)]
ASSORTMENTS = [f"a{number}" for number in range(6)]


async def disagreements(runtime):
    """SKUs and products whose tags are not what a naive reading of everything stored says."""
    async with runtime.reader.connect() as reader:

        async def rows(question):
            return (await reader.execute(text(question))).all()

        rules = await rows("SELECT id, include, exclude FROM assortments")
        placed: dict[str, set[str]] = {}
        for row in await rows("SELECT product_key, category_key FROM placements"):
            placed.setdefault(row.product_key, set()).add(row.category_key)
        variants = await rows("SELECT sku, product_key, assortments FROM variants")
        tags = {
            row.key: row.assortments for row in await rows("SELECT key, assortments FROM products")
        }

    def names(rule, sku, product):
        return (
            sku in rule["skus"]
            or product in rule["products"]
            or not placed.get(product, set()).isdisjoint(rule["categories"])
        )

    wrong: list[Any] = []
    whole: dict[str, set[int]] = {}
    for sku, product, found in variants:
        wanted = {
            one.id
            for one in rules
            if (one.include is None or names(one.include, sku, product))
            and not (one.exclude and names(one.exclude, sku, product))
        }
        whole.setdefault(product, set()).update(wanted)
        if len(found) != len(set(found)) or set(found) != wanted:
            wrong.append((sku, found, wanted))
    for product, found in tags.items():
        if len(found) != len(set(found)) or set(found) != whole.get(product, set()):
            wrong.append((product, found, whole.get(product)))
    return wrong


def any_rule(chance):
    if chance.random() < 0.2:
        return None
    return AssortmentRule(
        categories=chance.sample(CATEGORIES, chance.randrange(3)),
        products=chance.sample(KEYS, chance.randrange(4)),
        skus=chance.sample(SKUS, chance.randrange(4)),
    )


async def test_products_moves_and_rules_at_once_end_with_right_tags(runtime):
    async def write(seed):
        chance = random.Random(seed)
        for _ in range(12):
            lines = [
                (
                    key,
                    PutProduct(
                        name={"en": f"Name {chance.randrange(3)}"},
                        categories=chance.sample(CATEGORIES, chance.randrange(3)),
                        variants=[
                            PutVariant(sku=sku)
                            for sku in chance.sample(SKUS, chance.choice([1, 2]))
                        ],
                    ),
                )
                for key in chance.sample(KEYS, 12)
            ]
            async with runtime.sessions() as session:
                await products.write_products(session, lines, now=runtime.clock.now())
                await session.commit()

    async def move(seed):
        chance = random.Random(seed)
        for _ in range(10):
            parent = chance.choice([None, *CATEGORIES])
            line = (chance.choice(CATEGORIES), PutCategory(name={"en": "Any"}, parent=parent))
            async with runtime.sessions() as session:
                await tree.write_categories(session, [line], now=runtime.clock.now())
                await session.commit()

    async def choose(seed):
        chance = random.Random(seed)
        for _ in range(12):
            body = PutAssortment(name="Any", include=any_rule(chance), exclude=any_rule(chance))
            async with runtime.sessions() as session:
                await tagging.put_assortment(
                    session,
                    chance.choice(ASSORTMENTS),
                    body,
                    if_match=None,
                    now=runtime.clock.now(),
                )
                await session.commit()

    async with runtime.sessions() as session:
        lines = [(key, PutCategory(name={"en": key})) for key in CATEGORIES]
        await tree.write_categories(session, lines, now=runtime.clock.now())
        await session.commit()
    await asyncio.gather(
        *(write(n) for n in (1, 2, 3)), *(move(n) for n in (4, 5)), *(choose(n) for n in (6, 7, 8))
    )
    assert await disagreements(runtime) == []
    async with runtime.reader.connect() as reader:
        tagged = await reader.execute(
            text("SELECT count(*) FROM products WHERE cardinality(assortments) > 0")
        )
        assert tagged.scalar() > 5


async def test_a_product_written_while_rules_are_compiled_waits_and_gets_the_tag(runtime):
    rule = AssortmentRule(skus=["s1"])
    async with runtime.sessions() as chooser:
        await tagging.put_assortment(
            chooser,
            "a1",
            PutAssortment(name="One", include=rule),
            if_match=None,
            now=runtime.clock.now(),
        )

        async def write():
            body = PutProduct(name={"en": "Late"}, variants=[PutVariant(sku="s1")])
            async with runtime.sessions() as session:
                await products.write_products(session, [("p1", body)], now=runtime.clock.now())
                await session.commit()

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait({writing}, timeout=0.3)
        assert not done
        await chooser.commit()
    await writing
    assert await disagreements(runtime) == []
    async with runtime.reader.connect() as reader:
        found = await reader.execute(text("SELECT cardinality(assortments) FROM products"))
        assert found.scalars().all() == [1]
