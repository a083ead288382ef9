"""Searching on a real PostgreSQL, and how PostgreSQL goes about it."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from catalog.product import queries
from catalog.product.queries import Start
from catalog.viewer.domain import EVERYTHING, Plan
from chassis.paging import encode_cursor

NAMES = {
    "71053": "WHITE METAL LANTERN",
    "71054": "Lantern",
    "71055": "Hanging lanterns for children's white rooms",
    "85123A": "Métal box, 100% tin",
    "22111": "Scottie dog hot water bottle",
    "ab 1.2": "Женский фонарь",
    "zh": "白色金属灯",
    "x_y": "Boxes under_score 50 %",
}


@pytest.fixture
async def search(bulk, product, guest, store):
    keys = {sku: sku.replace(" ", "-") for sku in NAMES}
    await bulk(
        "/v1/products/bulk",
        [
            {"key": keys[sku], **product(keys[sku], name=name, skus=[sku])}
            for sku, name in NAMES.items()
        ],
    )

    async def ask(words, **params):
        answer = await guest.get("/v1/products", params={"store": store, "search": words, **params})
        assert answer.status_code == 200, answer.text
        return [one["key"] for one in answer.json()["items"]]

    return ask


FINDS = [
    ("lantern", ["71054", "71053", "71055"]),
    ("LANTERNS", ["71055", "71054", "71053"]),
    ("lantern white", ["71053", "71055"]),
    ("  white\tlan ", ["71053", "71055"]),
    ("child", ["71055"]),
    ("metal", ["71053", "85123A"]),
    ("métal", ["71053", "85123A"]),
    ("85123a", ["85123A"]),
    ("85123", ["85123A"]),
    ("AB 1.2", ["ab-1.2"]),
    ("фонар", ["ab-1.2"]),
    ("金属", ["zh"]),
    ("灯", ["zh"]),
    ("box", ["85123A", "x_y"]),
    ("boxes", ["x_y", "85123A"]),
    ("antern", []),
    ("lantern purple", []),
    ("100%", ["85123A"]),
    ("%", []),
    ("_", []),
    ("under_score", ["x_y"]),
    ("'; DROP TABLE products; --", []),
    ("lantern & !white", ["71053", "71055"]),
    ("lantern | dog", []),
    ("\\", []),
    ("':*", []),
    ("(", []),
    ("=71053", ["71053"]),
]


async def test_words_find_products(search):
    for words, keys in FINDS:
        assert await search(words) == keys, words


async def test_the_very_sku_comes_first(search, put_product):
    await put_product("aaa", name="71053 look-alike", skus=["710531"])
    assert await search("71053") == ["71053", "aaa"]
    await put_product("bottle", name="Zzz many words in this name", skus=["WATER"])
    assert await search("water") == ["bottle", "22111"]


async def test_a_changed_name_is_found_anew(search, put_product):
    await put_product("71054", name="Lamp")
    assert "71054" not in await search("lantern")
    assert await search("lamp") == ["71054"]


NO_WORDS = ["", "   ", "x" * 201]


async def test_no_words_or_too_many_are_refused(guest, store):
    for words in NO_WORDS:
        answer = await guest.get("/v1/products", params={"store": store, "search": words})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "search"


async def test_searching_in_pages_gives_each_once(search, guest, store):
    whole = await search("lan")
    keys, params = [], {"store": store, "search": "lan", "limit": 1}
    while True:
        page = (await guest.get("/v1/products", params=params)).json()
        keys += [one["key"] for one in page["items"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert keys == whole
    assert len(keys) == 3


async def test_a_cursor_may_name_any_place(search, guest, store):
    for rank, key, found in [(-(2**63) + 1, "", 3), (2**63 - 1, "x", 0), (0, "~" * 500, 3)]:
        params = {"store": store, "search": "lantern", "after": encode_cursor(rank, key)}
        answer = await guest.get("/v1/products", params=params)
        assert len(answer.json()["items"]) == found


async def test_searching_stays_in_the_category(search, put_category, put_product):
    await put_category("home")
    await put_category("lighting", parent="home")
    await put_product("71053", name=NAMES["71053"], categories=["lighting"])
    for category in ("home", "lighting"):
        assert await search("lantern", category=category) == ["71053"]


class Explained(Exception):
    """How PostgreSQL went about a list."""


@pytest.fixture
async def large(runtime, bulk, product, put_category, put_assortment, store):
    """5,000 products in categories of several sizes and in a small assortment, and statistics
    that say so.
    """
    await put_assortment("a", categories=["small"])
    await put_category("all")
    for category in ("c0", "c1", "c2", "c3", "small"):
        await put_category(category, parent="all")
    lines = [
        {
            "key": f"k{n:05}",
            **product(
                f"k{n:05}",
                name=f"Thing {n % 977} of kind {n % 31}",
                categories=["small" if n % 100 == 0 else f"c{n % 4}"],
            ),
        }
        for n in range(5_000)
    ]
    await bulk("/v1/products/bulk", lines)
    async with runtime.reader.connect() as connection:
        await connection.execute(text("ANALYZE"))
    return store


NARROW = Plan(narrowings=((1,), (1, 2)), widenings=(3,), exclusions=(4,))
LISTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"wanted": "thing 500"}, {"ix_products_search"}),
    ({"wanted": "k00017"}, {"ix_products_search"}),
    ({"wanted": "thing 5", "category": "small"}, {"ix_products_search", "pk_placements"}),
    ({"category": "small"}, {"pk_placements"}),
    ({"category": "c1", "start": Start(0, "k02500")}, {"pk_placements"}),
    ({}, {"ix_products_published"}),
    ({"start": Start(0, "k02500")}, {"ix_products_published"}),
    ({"plan": NARROW}, {"ix_products_assortments", "ix_products_published"}),
    ({"plan": NARROW, "wanted": "thing 500"}, {"ix_products_search"}),
    ({"plan": NARROW, "category": "small"}, {"pk_placements"}),
]


async def test_lists_are_read_by_an_index(large, runtime):
    async def explain(statement, given):
        state = statement.compile(dialect=runtime.engine.dialect).construct_expanded_state(given)
        async with runtime.reader.connect() as connection:
            plan = await connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE) {state.statement}", tuple(state.positional_parameters)
            )
            raise Explained("\n".join(plan.scalars()))

    reader: Any = SimpleNamespace(execute=explain)
    for asked, indexes in LISTS:
        question: dict[str, Any] = {
            "plan": EVERYTHING,
            "category": None,
            "wanted": None,
            "start": Start(),
            "limit": 21,
        } | asked
        with pytest.raises(Explained) as explained:
            await queries.list_products(reader, store=large, **question)
        plan = str(explained.value)
        assert any(index in plan for index in indexes), f"{asked}\n{plan}"
        for table in ("products", "placements", "variants"):
            assert f"Seq Scan on {table}" not in plan, f"{asked}\n{plan}"
