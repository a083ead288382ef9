"""Which SKUs may be ordered, over HTTP."""

from sqlalchemy import event

from contracts.catalog import Entitlement


async def test_answers_come_in_the_order_asked(put_product, guest, store):
    await put_product("lantern", skus=["71053", "71053L"], tax_class="reduced")
    await put_product("hidden", skus=["1"], is_published=False)
    skus = ["nothing", "71053L", "1", "71053", "71053L"]
    answer = await guest.post("/v1/entitlements/check", json={"store": store, "skus": skus})
    entitlement = Entitlement.model_validate_json(answer.content)
    assert entitlement.model_dump(mode="json") == answer.json()
    assert [(item.sku, item.is_orderable) for item in entitlement.items] == [
        ("nothing", False),
        ("71053L", True),
        ("1", False),
        ("71053", True),
        ("71053L", True),
    ]
    assert answer.json()["items"][1] == {
        "sku": "71053L",
        "is_orderable": True,
        "product_key": "lantern",
        "name": {"en": "White metal lantern"},
        "tax_class": "reduced",
    }


async def test_unknown_and_unpublished_are_answered_alike(put_product, guest, store):
    await put_product("hidden", skus=["1"], is_published=False)
    answer = await guest.post("/v1/entitlements/check", json={"store": store, "skus": ["1", "2"]})
    one, other = answer.json()["items"]
    assert one | {"sku": "2"} == other


async def test_skus_differ_by_case(put_product, guest, store):
    await put_product("85123A")
    answer = await guest.post(
        "/v1/entitlements/check", json={"store": store, "skus": ["85123A", "85123a"]}
    )
    assert [item["is_orderable"] for item in answer.json()["items"]] == [True, False]


async def test_a_thousand_skus_are_one_statement(runtime, put_product, guest, store):
    await put_product("1")
    statements = []

    def count(connection, cursor, statement, *rest):
        if not statement.startswith("NOTIFY"):
            statements.append(statement)

    event.listen(runtime.engine.sync_engine, "before_cursor_execute", count)
    try:
        skus = [str(n) for n in range(1_000)]
        answer = await guest.post("/v1/entitlements/check", json={"store": store, "skus": skus})
    finally:
        event.remove(runtime.engine.sync_engine, "before_cursor_execute", count)
    assert len(answer.json()["items"]) == 1_000
    assert len(statements) == 1


BAD_QUESTIONS = [
    ({"store": "d2c-uk", "skus": []}, "/skus"),
    ({"store": "d2c-uk", "skus": ["1"] * 1_001}, "/skus"),
    ({"store": "d2c-uk", "skus": ["a/b"]}, "/skus/0"),
    ({"store": "d2c-uk", "skus": "1"}, "/skus"),
    ({"store": "d2c/uk", "skus": ["1"]}, "/store"),
    ({"skus": ["1"]}, "/store"),
    ({"store": "d2c-uk", "skus": ["1"], "buyer": "me"}, "/buyer"),
]


async def test_a_bad_question_is_pointed_at(guest):
    for body, pointer in BAD_QUESTIONS:
        answer = await guest.post("/v1/entitlements/check", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_unknown_store_is_not_found(guest):
    answer = await guest.post("/v1/entitlements/check", json={"store": "nowhere", "skus": ["1"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "store-not-found")
