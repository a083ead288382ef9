"""Products over HTTP, on a real PostgreSQL."""

import asyncio
import json
import random

from contracts.catalog import Product, ProductChanged
from contracts.paging import Page

NDJSON = {"Content-Type": "application/x-ndjson"}


async def test_a_product_is_made_read_changed_and_told_of(
    put_category, put_product, guest, told, store
):
    await put_category("home")
    await put_category("lighting", parent="home")
    fields = {
        "categories": ["lighting"],
        "description": {"en": "Holds a candle."},
        "media": [{"url": "https://media.example/1.jpg", "alt": {"en": "A lantern"}}],
    }
    made = await put_product("71053", skus=["71053", "71053L"], **fields)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    product = Product.model_validate_json(made.content)
    assert product.model_dump(mode="json") == made.json()
    assert product.slug == {"en": "white-metal-lantern-71053"}
    assert [variant.sku for variant in product.variants] == ["71053", "71053L"]
    assert product.variants[0].availability.model_dump() == {"available": 0, "is_in_stock": False}

    again = await put_product("71053", skus=["71053", "71053L"], **fields)
    assert (again.status_code, again.json()) == (200, made.json())

    changed = await put_product("71053", skus=["71053L", "new"], **fields)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert [variant["sku"] for variant in changed.json()["variants"]] == ["71053L", "new"]
    assert changed.json()["id"] == made.json()["id"]
    assert (
        await guest.get("/v1/products/71053", params={"store": "d2c-uk"})
    ).json() == changed.json()

    events = await told(ProductChanged.type)
    assert [(event["subject"], event["sequence"]) for event in events] == [
        ("71053", 1),
        ("71053", 2),
    ]
    assert events[1]["data"]["items"] == [
        {
            "product_id": made.json()["id"],
            "key": "71053",
            "sequence": 2,
            "is_published": True,
            "tax_class": "standard",
            "name": {"en": "White metal lantern"},
            "categories": ["home", "lighting"],
            "skus": ["71053L", "new"],
        }
    ]


async def test_unpublished_and_unknown_products_are_answered_alike(
    put_product, guest, partner, store
):
    await put_product("71053", is_published=False)
    paths = [
        ("/v1/products/71053", {}),
        ("/v1/products/nothing", {}),
        (
            "/v1/products/by-slug",
            {"store": store, "locale": "en", "slug": "white-metal-lantern-71053"},
        ),
        ("/v1/products/by-slug", {"store": store, "locale": "en", "slug": "nothing"}),
    ]
    for path, params in paths:
        for client in (guest, partner):
            answer = await client.get(path, params=params)
            assert (answer.status_code, answer.json()["code"]) == (404, "product-not-found")
    listed = await guest.get("/v1/products", params={"store": store})
    assert listed.json()["items"] == []
    shown = {"include_unpublished": True}
    seen = await partner.get("/v1/products/71053", params=shown)
    assert seen.json()["is_published"] is False
    listed = await partner.get("/v1/products", params={"store": store, **shown})
    assert [one["key"] for one in listed.json()["items"]] == ["71053"]
    found = await partner.get(paths[2][0], params=paths[2][1] | shown)
    assert found.json() == seen.json()


async def test_only_who_may_read_all_sees_what_is_unpublished(guest, make_token, store):
    shown = {"include_unpublished": True, "store": store, "locale": "en", "slug": "x"}
    token = make_token(scopes=("catalog:write",))
    for path in ("/v1/products", "/v1/products/71053", "/v1/products/by-slug"):
        assert (await guest.get(path, params=shown)).status_code == 401
        answer = await guest.get(path, params=shown, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["scope"]) == (403, "catalog:read")


async def test_an_unknown_store_or_category_is_not_found(guest, put_product, put_category, store):
    await put_product("1")
    await put_category("empty")
    for params, code in [
        ({"store": "nowhere"}, "store-not-found"),
        ({"store": "nowhere", "search": "lantern"}, "store-not-found"),
        ({"store": store, "category": "nowhere"}, "category-not-found"),
        ({"store": store, "category": "nowhere", "search": "lantern"}, "category-not-found"),
    ]:
        answer = await guest.get("/v1/products", params=params)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    empty = await guest.get("/v1/products", params={"store": store, "category": "empty"})
    assert empty.json() == {"items": [], "next": None}
    answer = await guest.get(
        "/v1/products/by-slug", params={"store": "nowhere", "locale": "en", "slug": "x"}
    )
    assert answer.json()["code"] == "store-not-found"
    assert (await guest.get("/v1/products")).status_code == 422


async def test_lists_go_by_key_in_pages_and_match_the_contract(bulk, product, guest, store):
    await bulk("/v1/products/bulk", [{"key": f"k{n:02}", **product(f"k{n:02}")} for n in range(25)])
    keys, after = [], None
    while True:
        params = {"store": store, "limit": 10} | ({"after": after} if after else {})
        answer = await guest.get("/v1/products", params=params)
        page = Page[Product].model_validate_json(answer.content)
        assert page.model_dump(mode="json") == answer.json()
        keys += [one.key for one in page.items]
        after = page.next
        if after is None:
            break
    assert keys == [f"k{n:02}" for n in range(25)]


FOREIGN_CURSORS = ["", "x", "bm9uc2Vuc2U", "WyJhIl0", "WzEsMl0", "é", "a" * 2000]


async def test_a_foreign_cursor_is_refused(guest, store):
    for after in FOREIGN_CURSORS:
        answer = await guest.get("/v1/products", params={"store": store, "after": after})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "after"


BAD_FIELDS = [
    ({"name": "Lantern"}, "/name"),
    ({"name": {"english": "Lantern"}}, "/name/english/[key]"),
    ({"name": {"en": "a\0"}}, "/name/en"),
    ({"name": {"en": "a" * 201}}, "/name/en"),
    ({"slug": {"en": "No Slug"}}, "/slug/en"),
    ({"categories": ["a/b"]}, "/categories/0"),
    ({"categories": ["nowhere"]}, "/categories/0"),
    ({"tax_class": "Standard!"}, "/tax_class"),
    ({"media": [{"url": "ftp://x"}]}, "/media/0/url"),
    ({"media": [{"url": "https://media.example/\0"}]}, "/media/0/url"),
    ({"variants": []}, "/variants"),
    ({"variants": [{"sku": "a/b"}]}, "/variants/0/sku"),
    ({"variants": [{"sku": 1}]}, "/variants/0/sku"),
    ({"variants": [{"sku": "1"}, {"sku": "1"}]}, ""),
    ({"variants": [{"sku": "1", "colour": "red"}]}, "/variants/0/colour"),
    ({"is_published": "maybe"}, "/is_published"),
    ({"price": "1.00"}, "/price"),
]


async def test_a_bad_field_is_pointed_at(partner, product):
    for change, pointer in BAD_FIELDS:
        answer = await partner.put("/v1/products/71053", json=product("71053") | change)
        assert answer.status_code == 422, answer.text
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
        assert (await partner.get("/v1/products/71053")).status_code == 404


BAD_BODIES = [
    (b"", 422),
    (b"null", 422),
    (b"[]", 422),
    (b"{", 400),
    (b'{"name": NaN}', 400),
    (b'{"name":{"en":"\xff"}}', 400),
    (b'{"name":{"en":"\\ud800"},"variants":[{"sku":"1"}]}', 422),
    (b'{"position":' + b"9" * 400 + b"}", 422),
    (b"[" * 100_000, 400),
    (b" " * 10_000_000, 413),
]


async def test_a_body_that_is_none_is_refused(partner):
    for body, status in BAD_BODIES:
        answer = await partner.put(
            "/v1/products/71053", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


STRANGE_KEYS = ["a%2Fb", "a%20b", "%00", "-a", "a" * 129, "%FF", "é"]


async def test_a_strange_key_is_no_product(guest, partner, product):
    for key in STRANGE_KEYS:
        assert (await guest.get(f"/v1/products/{key}")).status_code in {404, 422}
        answer = await partner.put(f"/v1/products/{key}", json=product("1"))
        assert answer.status_code in {404, 405, 422}


async def test_a_key_that_the_api_needs_itself_is_refused(put_product):
    answer = await put_product("by-slug")
    assert (answer.status_code, answer.json()["code"]) == (422, "key-reserved")


async def test_a_sku_of_another_product_is_a_conflict_until_it_is_let_go(put_product, guest):
    await put_product("owner", skus=["1", "2"])
    lost = await put_product("thief", skus=["2", "3"])
    assert (lost.status_code, lost.json()["code"]) == (409, "sku-taken")
    assert lost.json()["errors"][0]["pointer"] == "/variants/0/sku"
    assert "owner" in lost.json()["detail"]
    assert (await guest.get("/v1/products/thief", params={"store": "d2c-uk"})).status_code == 404
    await put_product("owner", skus=["1"])
    assert (await put_product("thief", skus=["2", "3"])).status_code == 201


async def test_skus_differ_by_case(put_product, guest, store):
    await put_product("85123A", name="Heart")
    answer = await put_product("85123a", name="Heart")
    assert answer.status_code == 201
    slug = answer.json()["slug"]["en"]
    assert slug.startswith("heart-85123a-")
    found = await guest.get(
        "/v1/products/by-slug", params={"store": store, "locale": "en", "slug": slug}
    )
    assert found.json()["key"] == "85123a"
    listed = await guest.get("/v1/products", params={"store": store, "search": "85123a"})
    assert {one["key"] for one in listed.json()["items"]} == {"85123A", "85123a"}


async def test_a_slug_of_another_product_is_a_conflict_per_locale(put_product, guest, store):
    await put_product("a", slug={"en": "lantern"})
    lost = await put_product("b", slug={"en": "lantern"})
    assert (lost.status_code, lost.json()["code"]) == (409, "slug-taken")
    assert lost.json()["errors"][0]["pointer"] == "/slug/en"
    assert (await put_product("b", slug={"fr": "lantern"})).status_code == 201
    await put_product("a", slug={"en": "lamp"})
    assert (await put_product("b", slug={"en": "lantern"})).status_code == 200
    params = {"store": store, "locale": "en", "slug": "lantern"}
    assert (await guest.get("/v1/products/by-slug", params=params)).json()["key"] == "b"


async def test_who_was_slower_is_told_so(put_product, guest):
    await put_product("71053")
    await put_product("71053", name="Lamp")
    lost = await put_product("71053", name="Light", headers={"If-Match": '"1"'})
    assert (lost.status_code, lost.json()["current_version"]) == (412, 2)
    none = await put_product("other", headers={"If-Match": '"1"'})
    assert none.status_code == 412
    good = await put_product("71053", name="Light", headers={"If-Match": '"2"'})
    assert good.json()["name"] == {"en": "Light"}


async def test_one_bad_line_among_thousands_stops_nothing(bulk, product, guest, store, told):
    lines = [{"key": f"k{n:04}", **product(f"k{n:04}")} for n in range(3_000)]
    lines[1_234] = {"key": "k1234", **product("k1234", categories=["nowhere"])}
    results = await bulk("/v1/products/bulk", lines)
    refused = [result for result in results if result["outcome"] == "refused"]
    assert [result["line"] for result in refused] == [1_235]
    assert refused[0]["key"] == "k1234"
    assert refused[0]["errors"][0]["pointer"] == "/categories/0"
    assert [result["line"] for result in results] == list(range(1, 3_001))
    assert sum(result["outcome"] == "created" for result in results) == 2_999
    events = await told(ProductChanged.type)
    items = [item for event in events for item in event["data"]["items"]]
    assert len(items) == 2_999
    assert all(len(event["data"]["items"]) <= 500 for event in events)
    assert all(len(json.dumps(event, separators=(",", ":"))) <= 64_000 for event in events)
    assert {event["subject"].split("/")[0] for event in events} == {"batch"}

    again = await bulk("/v1/products/bulk", lines)
    outcomes = {result["outcome"] for result in again}
    assert outcomes == {"unchanged", "refused"}
    assert await told(ProductChanged.type) == []


async def test_bad_lines_of_every_kind_are_refused_alone(bulk, product, guest, store):
    good = {"key": "good", **product("good")}
    lines = [
        b'{"key":"utf","name":{"en":"\xff\xfe"},"variants":[{"sku":"9"}]}',
        b"{broken",
        b"[]",
        b"",
        {"key": "a/b", **product("8")},
        {"key": "nul", **product("7", name="a\0b")},
        {"key": "surplus", **product("6"), "price": 1},
        {"key": "long", **product("5"), "description": {"en": "x" * 300_000}},
        b'{"key":"deep","name":' + b"[" * 10_000,
        good,
        {"key": "twice", **product("good")},
        {"key": "good", **product("good", name="Other")},
        {"key": "by-slug", **product("4")},
    ]
    results = await bulk("/v1/products/bulk", lines)
    assert [result["outcome"] for result in results if result["outcome"] != "refused"] == [
        "created",
        "updated",
    ]
    assert [result["line"] for result in results if result["outcome"] == "refused"] == [
        1,
        2,
        3,
        5,
        6,
        7,
        8,
        9,
        11,
        13,
    ]
    assert all(result["errors"] for result in results if result["outcome"] == "refused")
    assert (await guest.get("/v1/products/good", params={"store": "d2c-uk"})).json()["name"] == {
        "en": "Other"
    }


async def test_a_dry_run_judges_and_changes_nothing(bulk, product, guest, told):
    lines = [{"key": "a", **product("1")}, {"key": "b", **product("1")}]
    results = await bulk("/v1/products/bulk", lines, dry_run=True)
    assert [result["outcome"] for result in results] == ["created", "refused"]
    assert (await guest.get("/v1/products/a", params={"store": "d2c-uk"})).status_code == 404
    assert await told(ProductChanged.type) == []


async def test_bulk_takes_ndjson_only_and_needs_the_scope(partner, guest):
    answer = await partner.post("/v1/products/bulk", json={})
    assert answer.status_code == 415
    answer = await guest.post("/v1/products/bulk", content=b"{}", headers=NDJSON)
    assert answer.status_code == 401


async def test_writers_side_by_side_neither_fail_nor_deadlock(bulk, product, guest, store):
    """Batches over the same keys and SKUs in opposite orders, all at once."""
    keys = [f"k{n:03}" for n in range(120)]

    def lines(turn: int) -> list[dict[str, object]]:
        ordered = keys if turn % 2 else keys[::-1]
        return [
            {"key": key, **product(key, name=f"Name {turn}", skus=[f"{key}-{turn % 3}"])}
            for key in ordered
        ]

    answers = await asyncio.gather(*(bulk("/v1/products/bulk", lines(turn)) for turn in range(8)))
    outcomes = {result["outcome"] for results in answers for result in results}
    assert outcomes <= {"created", "updated", "unchanged"}
    created = sum(result["outcome"] == "created" for results in answers for result in results)
    assert created == len(keys)
    listed = await guest.get("/v1/products", params={"store": store, "limit": 200})
    assert len(listed.json()["items"]) == len(keys)
    assert all(len(one["variants"]) == 1 for one in listed.json()["items"])


async def test_a_sku_wanted_by_many_at_once_goes_to_one(put_product, guest, store):
    for turn in range(5):
        answers = await asyncio.gather(
            *(put_product(f"p{turn}-{n}", skus=[f"s{turn}", f"t{turn}"]) for n in range(6)),
            *(put_product(f"q{turn}-{n}", skus=[f"t{turn}", f"s{turn}"]) for n in range(6)),
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [201] + [409] * 11
    listed = await guest.get("/v1/products", params={"store": store})
    assert len(listed.json()["items"]) == 5


async def test_many_at_once_make_one_product(put_product, told):
    answers = await asyncio.gather(
        *(put_product("71053", name=f"Name {n}") for n in range(10)),
        *(put_product("71053", name="Name 0") for _ in range(5)),
    )
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 201}
    assert statuses.count(201) == 1
    sequences = [event["sequence"] for event in await told(ProductChanged.type)]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_any_rubbish_gets_one_result_a_line(bulk, product):
    chance = random.Random(7)
    lines = []
    for index in range(2_000):
        line = bytearray(json.dumps({"key": f"k{index}", **product(f"k{index}")}).encode())
        for _ in range(chance.randrange(4)):
            line[chance.randrange(len(line))] = chance.choice(b'\x00\xff{}[]":,\\0aZ /')
        lines.append(bytes(line))
    results = await bulk("/v1/products/bulk", lines)
    assert [result["line"] for result in results] == list(range(1, 2_001))
    outcomes = [result["outcome"] for result in results]
    assert outcomes.count("created") > 500
    assert outcomes.count("refused") > 500
