"""What a buyer sees, by every door: lists, search, pages, slugs, categories, entitlement."""

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from chassis import buyers
from contracts.catalog import EntitlementExplanation


async def ordered(client, store, skus):
    """Which of these SKUs may be ordered."""
    answer = await client.post("/v1/entitlements/check", json={"store": store, "skus": skus})
    assert answer.status_code == 200, answer.text
    return [one["sku"] for one in answer.json()["items"] if one["is_orderable"]]


async def listed(client, store, **params):
    """Keys of products with the SKUs shown, of all pages."""
    found, after = {}, None
    while True:
        asked = {"store": store, "limit": 3, **params} | ({"after": after} if after else {})
        answer = await client.get("/v1/products", params=asked)
        assert answer.status_code == 200, answer.text
        for one in answer.json()["items"]:
            found[one["key"]] = [variant["sku"] for variant in one["variants"]]
        after = answer.json()["next"]
        if after is None:
            return found


async def tree(client, store):
    """Keys of the categories shown."""
    answer = await client.get("/v1/categories", params={"store": store, "limit": 200})
    assert answer.status_code == 200, answer.text
    return [one["key"] for one in answer.json()["items"]]


@pytest.fixture
async def goods(put_category, put_product):
    """Lamps in two sizes and a led below lighting, a chair in seating, a rug nowhere."""
    await put_category("home")
    await put_category("lighting", parent="home")
    await put_category("led", parent="lighting")
    await put_category("seating", parent="home")
    await put_product("lamp", name="Lamp", skus=["lamp-s", "lamp-xl"], categories=["lighting"])
    await put_product("led", name="Led", skus=["led-1"], categories=["led"])
    await put_product("chair", name="Chair", skus=["chair-1"], categories=["seating"])
    await put_product("rug", name="Rug", skus=["rug-1"])
    await put_product("secret", name="Secret", skus=["x-1"], is_published=False)
    return ["lamp-s", "lamp-xl", "led-1", "chair-1", "rug-1", "x-1", "nothing"]


ALL = ["lamp-s", "lamp-xl", "led-1", "chair-1", "rug-1"]
LIGHTS = {"lamp": ["lamp-s", "lamp-xl"], "led": ["led-1"]}


async def test_a_company_sees_only_its_assortment(goods, put_assortment, portal, sign_in):
    await put_assortment(
        "lights",
        categories=["lighting"],
        exclude={"skus": ["lamp-xl"]},
        assigned=(("company", "acme", "narrow"),),
    )
    member = await sign_in(company="acme")
    other = await sign_in(company="other")
    assert await ordered(member, portal, goods) == ["lamp-s", "led-1"]
    assert await ordered(other, portal, goods) == ALL
    assert await listed(member, portal) == {"lamp": ["lamp-s"], "led": ["led-1"]}
    assert await listed(member, portal, category="home") == {"lamp": ["lamp-s"], "led": ["led-1"]}
    assert await listed(member, portal, category="seating") == {}
    assert await listed(member, portal, search="chair") == {}
    assert await listed(member, portal, search="l") == {"lamp": ["lamp-s"], "led": ["led-1"]}
    assert await tree(member, portal) == ["home", "led", "lighting"]
    assert await tree(other, portal) == ["home", "led", "lighting", "seating"]
    for key, status in (("lamp", 200), ("chair", 404), ("secret", 404), ("nothing", 404)):
        answer = await member.get(f"/v1/products/{key}", params={"store": portal})
        assert answer.status_code == status
        if status == 404:
            assert answer.json()["detail"] == f"There is no product {key}."
    for slug, status in (("led-led", 200), ("chair-chair", 404), ("secret-secret", 404)):
        params = {"store": portal, "locale": "en", "slug": slug}
        assert (await member.get("/v1/products/by-slug", params=params)).status_code == status
        seen = (await other.get("/v1/products/by-slug", params=params)).status_code
        assert seen == (404 if slug.startswith("secret") else 200)


async def test_nothing_tells_of_an_invisible_sku(goods, put_assortment, portal, sign_in):
    """Not a search for the SKU, and not its order among others."""
    await put_assortment(
        "small", exclude={"skus": ["lamp-xl"]}, assigned=(("company", "acme", "narrow"),)
    )
    member = await sign_in(company="acme")
    other = await sign_in(company="other")
    for words in ("lamp-xl", "xl", "lamp xl"):
        assert await listed(member, portal, search=words) == {}
        assert await listed(other, portal, search=words) == {"lamp": ["lamp-s", "lamp-xl"]}
    for words in ("lamp-s", "lamp", "s lamp"):
        assert await listed(member, portal, search=words) == {"lamp": ["lamp-s"]}
    body = {"store": portal, "skus": ["lamp-xl", "nothing", "x-1"]}
    items = (await member.post("/v1/entitlements/check", json=body)).json()["items"]
    assert [one | {"sku": ""} for one in items] == [items[0] | {"sku": ""}] * 3


async def test_a_store_for_companies_shows_nothing_to_strangers(
    goods, portal, guest, partner, make_token
):
    doors = [
        ("GET", "/v1/products", {"store": portal}),
        ("GET", "/v1/products", {"store": portal, "search": "lamp"}),
        ("GET", "/v1/products", {"store": portal, "category": "nowhere"}),
        ("GET", "/v1/products/lamp", {"store": portal}),
        ("GET", "/v1/products/nothing", {"store": portal}),
        ("GET", "/v1/products/by-slug", {"store": portal, "locale": "en", "slug": "led-led"}),
        ("GET", "/v1/categories", {"store": portal}),
        ("POST", "/v1/entitlements/check", None),
    ]
    check = {"store": portal, "skus": ["led-1"]}
    strangers = {
        401: {},
        403: {"Authorization": f"Bearer {make_token(scopes=('orders:read',))}"},
    }
    for method, path, params in doors:
        content = {"json": check} if method == "POST" else {}
        for status, headers in strangers.items():
            answer = await guest.request(method, path, params=params, headers=headers, **content)
            assert answer.status_code == status, path
            code = {401: "token-missing", 403: "missing-scope"}[status]
            assert answer.json()["code"] == code
    assert await ordered(partner, portal, goods) == ALL
    service = make_token(kind="service", subject="orders")
    answer = await guest.post(
        "/v1/entitlements/check", json=check, headers={"Authorization": f"Bearer {service}"}
    )
    assert answer.status_code == 403


async def test_a_service_asks_for_a_member(
    goods, put_assortment, portal, sign_in, guest, make_token
):
    await put_assortment("lights", categories=["lighting"], assigned=(("group", "g", "narrow"),))
    member = await sign_in(groups=["g"])
    token = make_token(kind="service", subject="orders", on_behalf_of=str(member.profile.member_id))
    answer = await guest.post(
        "/v1/entitlements/check",
        json={"store": portal, "skus": ["chair-1", "led-1"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert [one["is_orderable"] for one in answer.json()["items"]] == [False, True]


async def test_a_stores_own_assortment_is_for_everybody(
    goods, put_assortment, partner, guest, store, sign_in
):
    await put_assortment("lights", categories=["lighting"])
    body = (await partner.get(f"/v1/stores/{store}")).json() | {"default_assortment": "lights"}
    body = {name: body[name] for name in body if name not in {"key", "version", "updated_at"}}
    assert await ordered(guest, store, goods) == ALL
    assert (await partner.put(f"/v1/stores/{store}", json=body)).status_code == 200
    await put_assortment("less", products=["led"], assigned=(("company", "acme", "narrow"),))
    member = await sign_in(company="acme")  # a store for people knows no companies
    for client in (guest, member, partner):
        assert await ordered(client, store, goods) == ["lamp-s", "lamp-xl", "led-1"]
        assert await listed(client, store) == LIGHTS
        assert await listed(client, store, search="chair") == {}
        assert await tree(client, store) == ["home", "led", "lighting"]
        assert (await client.get("/v1/products/chair", params={"store": store})).status_code == 404
    whole = await listed(partner, store, include_unpublished=True)
    assert sorted(whole) == ["chair", "lamp", "led", "rug", "secret"]


async def test_without_a_store_only_who_reads_the_catalog_sees_a_product(
    goods, guest, partner, sign_in
):
    assert (await partner.get("/v1/products/lamp")).status_code == 200
    assert (await partner.get("/v1/products/secret")).status_code == 404
    for client in (guest, await sign_in()):
        assert (await client.get("/v1/products/lamp")).json()["code"] == "product-not-found"


async def test_assignments_count_only_in_their_stores(
    goods, put_assortment, partner, portal, sign_in
):
    body = (await partner.get(f"/v1/stores/{portal}")).json()
    body = {name: body[name] for name in body if name not in {"key", "version", "updated_at"}}
    await partner.put("/v1/stores/b2b-us", json=body)
    await put_assortment(
        "lights",
        categories=["lighting"],
        stores=("b2b-us",),
        assigned=(("company", "acme", "narrow"),),
    )
    member = await sign_in(company="acme")
    assert await ordered(member, portal, goods) == ALL
    assert await ordered(member, "b2b-us", goods) == ["lamp-s", "lamp-xl", "led-1"]


async def test_levels_narrow_together_then_widen_then_exclude(
    goods, put_assortment, portal, sign_in
):
    await put_assortment("lights", categories=["lighting"], assigned=(("group", "g", "narrow"),))
    await put_assortment("chairs", products=["chair"], assigned=(("group", "g", "narrow"),))
    await put_assortment("few", skus=["led-1", "rug-1"], assigned=(("company", "acme", "narrow"),))
    await put_assortment("rugs", skus=["rug-1", "chair-1"], assigned=(("agreement", "a", "widen"),))
    await put_assortment("no", skus=["chair-1"], assigned=(("unit", "root", "exclude", "acme"),))
    a = [{"key": "a", "priority": 0}]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"company": "none", "groups": ["g"]}, ["lamp-s", "lamp-xl", "led-1", "chair-1"]),
        ({"company": "acme", "groups": ["g"], "units": ["x"]}, ["led-1"]),
        ({"groups": ["g"], "units": ["x"], "agreements": a}, ["led-1", "chair-1", "rug-1"]),
        ({"groups": ["g"], "units": ["x", "root"], "agreements": a}, ["led-1", "rug-1"]),
        ({"company": "none", "agreements": a}, ALL),
    ]
    for profile, skus in cases:
        member = await sign_in(**profile)
        assert sorted(await ordered(member, portal, goods)) == sorted(skus), profile


async def test_units_of_two_companies_may_have_one_key(goods, put_assortment, portal, sign_in):
    await put_assortment(
        "lights", categories=["lighting"], assigned=(("unit", "root", "narrow", "acme"),)
    )
    for company, units, skus in [
        ("acme", ["shop", "root"], ["lamp-s", "lamp-xl", "led-1"]),
        ("acme", ["root"], ["lamp-s", "lamp-xl", "led-1"]),
        ("acme", ["elsewhere"], ALL),
        ("other", ["shop", "root"], ALL),
    ]:
        member = await sign_in(company=company, units=units)
        assert await ordered(member, portal, goods) == skus


async def test_another_group_shows_something_else_with_the_same_token(
    goods, put_assortment, portal, sign_in, runtime
):
    await put_assortment("lights", categories=["lighting"], assigned=(("group", "g", "narrow"),))
    member = await sign_in(groups=["g"])
    assert await listed(member, portal) == LIGHTS
    moved = member.profile.model_copy(update={"sequence": 2, "groups": []})
    async with runtime.sessions() as session:
        await buyers.keep(session, [moved])
        await session.commit()
    assert len(await listed(member, portal)) == 4


async def test_an_agreement_counts_while_it_is_in_force(
    goods, put_assortment, portal, sign_in, runtime
):
    await put_assortment(
        "lights", categories=["lighting"], assigned=(("agreement", "a", "narrow"),)
    )
    now = runtime.clock.now()
    hour = timedelta(hours=1)
    for valid_from, valid_to, is_in_force in [
        (None, None, True),
        (now - hour, now + hour, True),
        (now - hour, now, False),
        (now + hour, None, False),
    ]:
        facts = {"key": "a", "priority": 0, "valid_from": valid_from, "valid_to": valid_to}
        member = await sign_in(agreements=[facts])
        assert (await listed(member, portal) == LIGHTS) is is_in_force


async def test_access_taken_away_is_refused(goods, portal, sign_in, runtime):
    member = await sign_in()
    gone = member.profile.model_copy(update={"sequence": 2, "is_active": False})
    async with runtime.sessions() as session:
        await buyers.keep(session, [gone])
        await session.commit()
    answer = await member.get("/v1/products", params={"store": portal})
    assert (answer.status_code, answer.json()["code"]) == (401, "access-revoked")


async def test_a_profile_older_than_the_token_is_never_gone_by(
    goods, portal, sign_in, guest, make_token, neighbour_fake
):
    profile = (await sign_in()).profile
    member = str(profile.member_id)
    claim = {
        "member_id": member,
        "company": profile.company,
        "unit": profile.units[0],
        "roles": profile.roles,
        "version": 2,
    }
    token = make_token(kind="member", subject=member, buyer=claim)
    neighbour_fake.down.add("accounts")
    for path in ("/v1/products", "/v1/products/lamp", "/v1/categories"):
        answer = await guest.get(
            path, params={"store": portal}, headers={"Authorization": f"Bearer {token}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "accounts-unavailable")


async def test_an_unknown_store_is_not_found_for_a_member(sign_in):
    member = await sign_in()
    for path in ("/v1/products", "/v1/products/lamp", "/v1/categories"):
        answer = await member.get(path, params={"store": "nowhere"})
        assert (answer.status_code, answer.json()["code"]) == (404, "store-not-found")


async def test_a_product_follows_its_category_into_an_assortment(
    goods, put_assortment, put_category, put_product, portal, sign_in
):
    await put_assortment("lights", categories=["lighting"], assigned=(("group", "g", "narrow"),))
    member = await sign_in(groups=["g"])
    await put_category("seating", parent="lighting")
    assert sorted(await listed(member, portal)) == ["chair", "lamp", "led"]
    await put_category("seating", parent=None)
    await put_product("rug", name="Rug", skus=["rug-1"], categories=["led"])
    assert sorted(await listed(member, portal)) == ["lamp", "led", "rug"]
    await put_assortment("lights", products=["chair"], assigned=(("group", "g", "narrow"),))
    assert sorted(await listed(member, portal)) == ["chair"]


async def test_a_guest_of_an_open_store_costs_one_statement(goods, runtime, guest, store):
    statements = []

    def count(connection, cursor, statement, *rest):
        if not statement.startswith("NOTIFY"):
            statements.append(statement)

    event.listen(runtime.engine.sync_engine, "before_cursor_execute", count)
    try:
        for path in ("/v1/products", "/v1/products/lamp"):
            assert (await guest.get(path, params={"store": store})).status_code == 200
    finally:
        event.remove(runtime.engine.sync_engine, "before_cursor_execute", count)
    assert len(statements) == 2
    assert not any("assortments &&" in statement for statement in statements)


async def test_explaining_says_what_checking_says(
    goods, put_assortment, partner, portal, store, sign_in, guest
):
    chance = random.Random(4)
    levels = ["group", "company", "unit", "agreement"]
    for turn in range(8):
        level = chance.choice(levels)
        company = ("acme",) if level == "unit" else ()
        key = {"company": "acme"}.get(level, f"k{chance.randrange(2)}")
        await put_assortment(
            f"a{turn}",
            categories=chance.sample(["home", "lighting", "seating"], chance.randrange(3)),
            skus=chance.sample(goods, 2),
            exclude={"skus": chance.sample(goods, 1)},
            assigned=((level, key, chance.choice(["narrow", "widen", "exclude"]), *company),),
        )
    outcomes = set()
    for _ in range(12):
        keys = chance.sample(["k0", "k1"], chance.randrange(3))
        member = await sign_in(
            company=chance.choice(["acme", "other"]),
            groups=keys,
            units=[*keys, "root"],
            agreements=[{"key": key, "priority": 0} for key in keys],
        )
        for where in (portal, store):
            may = await ordered(member, where, goods)
            for sku in goods:
                told = await explain(partner, where, sku, str(member.profile.member_id))
                assert told.is_orderable == (sku in may)
                outcomes.add((where, told.is_orderable))
                assert (told.is_known, told.is_published) == (
                    sku != "nothing",
                    sku not in {"nothing", "x-1"},
                )
                assert all(part.level and part.key for part in told.parts)
    assert outcomes == {(portal, True), (portal, False), (store, True), (store, False)}
    assert (await explain(partner, store, "led-1")).is_orderable
    assert not (await explain(partner, portal, "led-1")).is_orderable


async def explain(partner, store, sku, member_id=None):
    params = {"store": store, "sku": sku} | ({"member_id": member_id} if member_id else {})
    answer = await partner.get("/v1/entitlements/explain", params=params)
    assert answer.status_code == 200, answer.text
    return EntitlementExplanation.model_validate_json(answer.content)


async def test_an_explanation_names_every_part(goods, put_assortment, partner, portal, sign_in):
    await put_assortment("own", categories=["home"])
    body = (await partner.get(f"/v1/stores/{portal}")).json() | {"default_assortment": "own"}
    body = {name: body[name] for name in body if name not in {"key", "version", "updated_at"}}
    await partner.put(f"/v1/stores/{portal}", json=body)
    await put_assortment("no", skus=["led-1"], assigned=(("unit", "root", "exclude", "acme"),))
    member = await sign_in(company="acme")
    told = await explain(partner, portal, "led-1", str(member.profile.member_id))
    assert told.model_dump(mode="json") == {
        "sku": "led-1",
        "is_orderable": False,
        "is_known": True,
        "is_published": True,
        "parts": [
            {
                "assortment": "own",
                "level": None,
                "company": None,
                "key": None,
                "effect": "narrow",
                "contains": True,
            },
            {
                "assortment": "no",
                "level": "unit",
                "company": "acme",
                "key": "root",
                "effect": "exclude",
                "contains": True,
            },
        ],
    }


async def test_who_may_ask_for_an_explanation(guest, partner, sign_in, store, neighbour_fake):
    path = "/v1/entitlements/explain"
    params = {"store": store, "sku": "1"}
    assert (await guest.get(path, params=params)).status_code == 401
    assert (await (await sign_in()).get(path, params=params)).status_code == 403
    answer = await partner.get(path, params={"store": "nowhere", "sku": "1"})
    assert answer.json()["code"] == "store-not-found"
    for bad in ({"store": store}, params | {"member_id": "me"}, params | {"sku": "a/b"}):
        assert (await partner.get(path, params=bad)).status_code == 422
    unknown = params | {"member_id": "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"}
    answer = await partner.get(path, params=unknown)
    assert (answer.status_code, answer.json()["code"]) == (404, "buyer-unknown")
