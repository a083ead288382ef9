"""Writing the tree over HTTP, and what follows for products."""

import asyncio

from contracts.catalog import Category, CategoryChanged, ProductChanged


async def test_categories_make_a_tree(put_category, guest, told):
    assert (await put_category("home")).json()["path"] == ["home"]
    made = await put_category("lighting", parent="home", position=3)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.json()["path"] == ["home", "lighting"]
    again = await put_category("lighting", parent="home", position=3)
    assert (again.status_code, again.json()) == (200, made.json())
    read = await guest.get("/v1/categories/lighting")
    assert Category.model_validate(read.json()) == Category.model_validate(made.json())
    listed = await guest.get("/v1/categories", params={"limit": 1})
    assert [one["key"] for one in listed.json()["items"]] == ["home"]
    rest = await guest.get("/v1/categories", params={"after": listed.json()["next"]})
    assert [one["key"] for one in rest.json()["items"]] == ["lighting"]
    events = await told(CategoryChanged.type)
    assert [(event["subject"], event["sequence"]) for event in events] == [
        ("home", 1),
        ("lighting", 1),
    ]


async def test_an_unknown_category_is_not_found(guest):
    answer = await guest.get("/v1/categories/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "category-not-found")


async def test_an_unknown_parent_is_pointed_at(put_category):
    answer = await put_category("lighting", parent="nowhere")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "pointer": "/parent",
            "code": "category-unknown",
            "message": "there is no category nowhere",
        }
    ]


async def test_a_circle_is_refused(put_category, guest):
    await put_category("home")
    await put_category("lighting", parent="home")
    answer = await put_category("home", parent="lighting")
    assert (answer.status_code, answer.json()["code"]) == (422, "category-in-cycle")
    assert (await guest.get("/v1/categories/home")).json()["path"] == ["home"]


async def test_two_moves_at_once_close_no_circle(put_category, guest):
    for _ in range(5):
        await put_category("a")
        await put_category("b")
        answers = await asyncio.gather(put_category("a", parent="b"), put_category("b", parent="a"))
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        paths = [(await guest.get(f"/v1/categories/{key}")).json()["path"] for key in "ab"]
        assert paths in ([["b", "a"], ["b"]], [["a"], ["a", "b"]])


async def test_a_branch_moves_with_its_categories_and_products(
    put_category, put_product, guest, store, told
):
    for key, parent in [
        ("home", None),
        ("garden", None),
        ("lighting", "home"),
        ("led", "lighting"),
    ]:
        await put_category(key, parent=parent)
    await put_product("71053", categories=["led"])
    await put_product("1", categories=["home"])
    before = (await guest.get("/v1/products/71053", params={"store": "d2c-uk"})).headers["etag"]
    await told(ProductChanged.type)

    moved = await put_category("lighting", parent="garden")
    assert moved.json()["path"] == ["garden", "lighting"]
    led = (await guest.get("/v1/categories/led")).json()
    assert (led["path"], led["version"]) == (["garden", "lighting", "led"], 2)

    async def keys(category: str) -> list[str]:
        answer = await guest.get("/v1/products", params={"store": store, "category": category})
        return [one["key"] for one in answer.json()["items"]]

    assert await keys("home") == ["1"]
    for category in ("garden", "lighting", "led"):
        assert await keys(category) == ["71053"]
    after = (await guest.get("/v1/products/71053", params={"store": "d2c-uk"})).headers["etag"]
    assert (before, after) == ('"1"', '"2"')
    [event] = await told(ProductChanged.type)
    assert (event["subject"], event["sequence"]) == ("71053", 2)
    assert event["data"]["items"][0]["categories"] == ["garden", "led", "lighting"]


async def test_a_moved_branch_tells_of_each_category_once(put_category, told):
    for key, parent in [
        ("home", None),
        ("garden", None),
        ("lighting", "home"),
        ("led", "lighting"),
    ]:
        await put_category(key, parent=parent)
    await told(CategoryChanged.type)
    await put_category("lighting", parent="garden")
    events = await told(CategoryChanged.type)
    assert [(event["subject"], event["sequence"]) for event in events] == [
        ("lighting", 2),
        ("led", 2),
    ]


async def test_a_product_written_while_its_branch_moves_stands_where_the_branch_does(
    put_category, put_product, guest, store
):
    for key, parent in [("home", None), ("garden", None), ("lighting", "home")]:
        await put_category(key, parent=parent)
    for turn in range(8):
        target = "garden" if turn % 2 == 0 else "home"
        answers = await asyncio.gather(
            put_category("lighting", parent=target),
            *(
                put_product(f"{turn}-{index}", categories=["lighting"], name=f"Name {turn}")
                for index in range(4)
            ),
        )
        assert {answer.status_code for answer in answers} <= {200, 201}
        listed = await guest.get(
            "/v1/products", params={"store": store, "category": target, "limit": 200}
        )
        assert len(listed.json()["items"]) == 4 * (turn + 1)
        other = "home" if target == "garden" else "garden"
        left = await guest.get("/v1/products", params={"store": store, "category": other})
        assert left.json()["items"] == []


async def test_bulk_lines_see_the_lines_before_them(bulk, guest):
    lines = [
        {"key": "home", "name": {"en": "Home"}},
        {"key": "lighting", "name": {"en": "Lighting"}, "parent": "home"},
        {"key": "led", "name": {"en": "LED"}, "parent": "not-yet"},
        {"key": "home", "name": {"en": "Home"}, "parent": "lighting"},
        {"key": "home", "name": {"en": "Home"}},
        b"{broken",
        {"key": "a/b", "name": {"en": "x"}},
        {"key": "lamp", "name": {"en": "Lamp"}, "parent": "lamp"},
    ]
    results = await bulk("/v1/categories/bulk", lines)
    assert [result["line"] for result in results] == list(range(1, 9))
    assert [result["outcome"] for result in results] == [
        "created",
        "created",
        "refused",
        "refused",
        "unchanged",
        "refused",
        "refused",
        "refused",
    ]
    codes = [error["code"] for result in results for error in result["errors"]]
    assert codes == [
        "category-unknown",
        "category-in-cycle",
        "line-not-json",
        "string-pattern-mismatch",
        "category-in-cycle",
    ]
    assert (await guest.get("/v1/categories/lighting")).json()["path"] == ["home", "lighting"]


async def test_a_dry_run_changes_nothing(bulk, guest, told):
    results = await bulk(
        "/v1/categories/bulk", [{"key": "home", "name": {"en": "Home"}}], dry_run=True
    )
    assert [result["outcome"] for result in results] == ["created"]
    assert (await guest.get("/v1/categories/home")).status_code == 404
    assert await told(CategoryChanged.type) == []


async def test_a_lost_if_match_moves_nothing(partner, put_category, guest):
    await put_category("home")
    await put_category("home", position=2)
    answer = await partner.put(
        "/v1/categories/home",
        json={"name": {"en": "Other"}},
        headers={"If-Match": '"1"'},
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "version-not-current")
    assert (await guest.get("/v1/categories/home")).json()["name"] == {"en": "Home"}


async def test_a_guest_may_not_write(guest):
    for call in (
        guest.put("/v1/categories/home", json={"name": {"en": "Home"}}),
        guest.post("/v1/categories/bulk", headers={"Content-Type": "application/x-ndjson"}),
    ):
        assert (await call).status_code == 401
