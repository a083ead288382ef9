"""Companies, units and members over HTTP: by whom, how often, and what follows."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from accounts.gate import get_gate
from accounts.partner.hashing import HashingGate
from accounts.staff.commands import put_staff
from accounts.staff.domain import Staff

COMPANY = {"name": "Acme", "country": "GB", "currency": "EUR"}


def said(answer):
    body = answer.json()
    return answer.status_code, body.get("code")


async def call(trade, method, path, body=None, headers=None, **more):
    return await trade.client.request(
        method, path, json=body, headers=trade.partner if headers is None else headers, **more
    )


@pytest.fixture
async def admin(trade):
    """Headers of acme's admin; there is a rival with a buyer too."""
    await trade.ready()
    await trade.company("rival")
    await trade.unit("rival-head", company="rival")
    await trade.member("rita", company="rival", unit="rival-head")
    member = await trade.member("root", roles=["admin"])
    return trade.member_headers(member)


def member_body(**changes):
    return {
        "email": "new@acme.example",
        "name": "New",
        "unit": "head",
        "roles": ["buyer"],
        **changes,
    }


async def test_a_company_is_made_changed_and_told(trade):
    made = await trade.company(tags=["b", "a", "a"], vat_id="GB123456789")
    assert (made["version"], made["tags"], made["groups"], made["orders"]) == (1, ["a", "b"], [], 0)
    assert made["lifetime_spend"] == {"amount": "0.00", "currency": "EUR"}
    assert await trade.company(tags=["a", "b"], vat_id="GB123456789") == made
    changed = await trade.company(tier="gold")
    assert (changed["version"], changed["tier"], changed["vat_id"]) == (2, "gold", None)
    assert await trade.get("/v1/companies/acme") == changed
    told = await trade.told("company")
    assert [(one["company"]["key"], one["company"]["version"]) for one in told] == [
        ("acme", 1),
        ("acme", 2),
    ]


async def test_a_company_is_written_by_version(trade):
    await trade.company()
    headers = {**trade.partner, "If-Match": '"7"'}
    assert (await call(trade, "PUT", "/v1/companies/acme", COMPANY, headers)).status_code == 412
    assert (await call(trade, "PUT", "/v1/companies/new", COMPANY, headers)).status_code == 412
    headers["If-Match"] = '"1"'
    assert (await call(trade, "PUT", "/v1/companies/acme", COMPANY, headers)).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"country": "UK "}, "/country"),
        ({"currency": "EUX"}, "/currency"),
        ({"vat_id": "123"}, "/vat_id"),
        ({"tags": ["Not A Tag"]}, "/tags/0"),
        ({"is_active": "yes"}, "/is_active"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_what_a_company_cannot_be(trade, change, pointer):
    problem = await trade.put("/v1/companies/acme", {**COMPANY, **change}, status=(422,))
    assert pointer in [one["pointer"] for one in problem["errors"]]
    assert await trade.told("company") == []


async def test_its_currency_stays(trade):
    await trade.company()
    body = {**COMPANY, "currency": "GBP"}
    problem = await trade.put("/v1/companies/acme", body, status=(409,))
    assert (problem["code"], problem["errors"][0]["pointer"]) == (
        "company-currency-fixed",
        "/currency",
    )


async def test_writers_of_a_company_take_turns(trade):
    answers = await asyncio.gather(*(trade.company(name=f"Acme {n}") for n in range(8)))
    assert sorted(one["version"] for one in answers) == list(range(1, 9))
    assert len(await trade.told("company")) == 8


async def test_units_make_a_tree(trade):
    await trade.company()
    assert (await trade.unit("head"))["version"] == 1
    shop = await trade.unit("shop", parent="head")
    assert await trade.unit("shop", parent="head") == shop
    await trade.unit("north", parent="head")
    moved = await trade.unit("shop", parent="north")
    assert (moved["version"], moved["parent"]) == (2, "north")
    listed = await trade.get("/v1/companies/acme/units", limit=2)
    assert [one["key"] for one in listed["items"]] == ["head", "north"]
    rest = await trade.get("/v1/companies/acme/units", after=listed["next"])
    assert ([one["key"] for one in rest["items"]], rest["next"]) == (["shop"], None)
    assert await trade.get("/v1/companies/acme/units/shop") == moved


@pytest.mark.parametrize(
    ("key", "parent", "status", "code"),
    [
        ("second", None, 409, "root-exists"),
        ("shop", "rival-head", 422, "parent-not-of-company"),
        ("shop", "nowhere", 422, "parent-not-of-company"),
        ("head", "shop", 422, "units-in-circle"),
        ("shop", "shop", 422, "units-in-circle"),
        ("rival-head", "head", 409, "unit-key-taken"),
    ],
)
async def test_what_a_unit_cannot_be(trade, admin, key, parent, status, code):
    await trade.unit("shop", parent="head")
    body = {"name": "x", "parent": parent}
    problem = await trade.put(f"/v1/companies/acme/units/{key}", body, status=(status,))
    assert problem["code"] == code


async def test_a_unit_of_no_company(trade):
    body = {"name": "x", "parent": None}
    problem = await trade.put("/v1/companies/none/units/x", body, status=(404,))
    assert problem["code"] == "company-unknown"


async def test_a_unit_that_moves_is_told_to_all_copies(trade):
    await trade.company()
    await trade.unit("head")
    await trade.unit("north", parent="head")
    await trade.unit("shop", parent="head")
    await trade.member(unit="shop")
    before = len(await trade.told("buyer_profile"))
    body = {"name": "Another name", "parent": "head"}
    await trade.put("/v1/companies/acme/units/shop", body)
    assert len(await trade.told("buyer_profile")) == before
    await trade.unit("shop", parent="north")
    (told,) = (await trade.told("buyer_profile"))[before:]
    assert told["items"][0]["units"] == ["shop", "north", "head"]
    assert told["items"][0]["sequence"] == 2


async def test_a_member_is_made_changed_and_told(trade):
    await trade.company()
    await trade.unit("head")
    limit = {"amount": "250.00", "currency": "EUR"}
    member = await trade.member(order_limit=limit, password="a-long-password")
    shown = await trade.get("/v1/companies/acme/members/ada")
    assert shown | {"updated_at": ""} == {
        "id": str(member),
        "key": "ada",
        "company": "acme",
        "unit": "head",
        "email": "ada@acme.example",
        "name": "Ada",
        "roles": ["buyer"],
        "order_limit": limit,
        "is_active": True,
        "has_password": True,
        "version": 1,
        "updated_at": "",
    }
    assert await trade.member(order_limit=limit, password="a-long-password") == member
    assert await trade.member(order_limit=limit) == member
    assert (await trade.get("/v1/companies/acme/members/ada"))["version"] == 1
    await trade.member(roles=["approver", "buyer", "buyer"])
    told = [one["items"][0] for one in await trade.told("buyer_profile")]
    assert [(one["sequence"], one["roles"], one["order_limit"]) for one in told] == [
        (1, ["buyer"], limit),
        (2, ["approver", "buyer"], None),
    ]
    assert await trade.told("access") == []


async def test_who_has_no_access_any_more_is_told_at_once(trade):
    ada = await trade.ready()
    assert await trade.told("access") == []
    await trade.member(is_active=False)
    rows = await trade.rows("SELECT subject FROM revocations")
    assert [row.subject for row in rows] == [str(ada)]
    profiles = [one["items"][0] for one in await trade.told("buyer_profile")]
    assert profiles[-1]["is_active"] is False


async def test_another_password_ends_what_was_signed_in(trade):
    await trade.ready()
    await trade.member(password="a-long-password")
    before = len(await trade.told("access"))
    await trade.member(password="a-long-password")
    assert len(await trade.told("access")) == before
    await trade.member(password="another-password")
    assert len(await trade.told("access")) == before + 1


async def test_a_company_that_is_closed_closes_its_members(trade):
    ada = await trade.ready()
    bob = await trade.member("bob")
    await trade.company(is_active=False)
    rows = await trade.rows("SELECT subject FROM revocations")
    assert {row.subject for row in rows} == {str(ada), str(bob)}
    items = [item for one in await trade.told("buyer_profile") for item in one["items"]]
    latest = {item["member_id"]: item["is_active"] for item in items}
    assert latest == {str(ada): False, str(bob): False}
    await trade.company(is_active=True)
    items = [item for one in await trade.told("buyer_profile") for item in one["items"]]
    assert {item["member_id"]: item["is_active"] for item in items} == {
        str(ada): True,
        str(bob): True,
    }


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"unit": "rival-head"}, 422, "unit-not-of-company", "/unit"),
        ({"unit": "nowhere"}, 422, "unit-not-of-company", "/unit"),
        ({"email": "RITA@rival.example"}, 409, "email-in-use", "/email"),
        ({"email": "no-address"}, 422, "invalid-input", "/email"),
        ({"roles": []}, 422, "invalid-input", "/roles"),
        ({"roles": ["owner"]}, 422, "invalid-input", "/roles/0"),
        (
            {"order_limit": {"amount": "1.00", "currency": "GBP"}},
            422,
            "currency-not-of-company",
            "/order_limit/currency",
        ),
        (
            {"order_limit": {"amount": "-1.00", "currency": "EUR"}},
            422,
            "invalid-input",
            "/order_limit",
        ),
        ({"password": "short"}, 422, "invalid-input", "/password"),
        ({"password": "x" * 257}, 422, "invalid-input", "/password"),
        ({"password": 123456789012}, 422, "invalid-input", "/password"),
    ],
)
async def test_what_a_member_cannot_be(trade, admin, change, status, code, pointer):
    body = member_body(**change)
    problem = await trade.put("/v1/companies/acme/members/new", body, status=(status,))
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)
    assert str(change.get("password", "never")) not in str(problem)
    await trade.get("/v1/companies/acme/members/new", status=404)


async def test_a_key_of_another_company_is_taken(trade, admin):
    problem = await trade.put("/v1/companies/acme/members/rita", member_body(), status=(409,))
    assert problem["code"] == "member-key-taken"


async def test_one_address_twice_at_once(trade, admin):
    answers = await asyncio.gather(
        call(trade, "PUT", "/v1/companies/acme/members/a", member_body(email="x@y.example")),
        call(
            trade,
            "PUT",
            "/v1/companies/rival/members/b",
            member_body(email="X@Y.example", unit="rival-head"),
        ),
    )
    assert sorted(said(answer) for answer in answers) == [(201, None), (409, "email-in-use")]


async def test_an_admin_keeps_the_members_of_their_company(trade, admin):
    made = await call(trade, "PUT", "/v1/companies/acme/members/new", member_body(), admin)
    assert made.status_code == 201
    off = await call(
        trade, "PUT", "/v1/companies/acme/members/new", member_body(is_active=False), admin
    )
    assert (off.status_code, off.json()["is_active"]) == (200, False)
    listed = await trade.get("/v1/companies/acme/members", headers=admin)
    assert [one["key"] for one in listed["items"]] == ["ada", "new", "root"]


@pytest.mark.parametrize(
    ("change", "pointer"), [({"is_active": False}, "/is_active"), ({"roles": ["buyer"]}, "/roles")]
)
async def test_an_admin_does_not_lock_themselves_out(trade, admin, change, pointer):
    body = member_body(email="root@acme.example", roles=["admin"]) | change
    answer = await call(trade, "PUT", "/v1/companies/acme/members/root", body, admin)
    assert said(answer) == (409, "own-access")
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_admin_of_one_company_is_nobody_in_another(trade, admin):
    body = member_body(email="rita@rival.example", unit="rival-head")
    for company, member in (("rival", "rita"), ("none", "rita")):
        path = f"/v1/companies/{company}"
        answers = [
            await call(trade, "PUT", f"{path}/members/{member}", body, admin),
            await call(trade, "GET", f"{path}/members/{member}", headers=admin),
            await call(trade, "GET", f"{path}/members", headers=admin),
            await call(trade, "GET", f"{path}/units", headers=admin),
            await call(trade, "GET", f"{path}/units/rival-head", headers=admin),
            await call(trade, "GET", path, headers=admin),
        ]
        assert {said(answer) for answer in answers} == {(404, "company-unknown")}
    own = await trade.get("/v1/companies", headers=admin)
    assert [one["key"] for one in own["items"]] == ["acme"]
    member = await call(trade, "GET", "/v1/companies/acme/members/rita", headers=admin)
    assert said(member) == (404, "member-unknown")
    unit = await call(trade, "GET", "/v1/companies/acme/units/rival-head", headers=admin)
    assert said(unit) == (404, "unit-unknown")


async def test_members_read_and_do_not_write(trade, admin):
    buyer = trade.member_headers(UUID((await trade.get("/v1/companies/acme/members/ada"))["id"]))
    for path in ("", "/units", "/units/head", "/members", "/members/root"):
        await trade.get(f"/v1/companies/acme{path}", headers=buyer)
    member = await call(trade, "PUT", "/v1/companies/acme/members/new", member_body(), buyer)
    assert said(member) == (403, "not-admin")
    for headers in (buyer, admin):
        company = await call(trade, "PUT", "/v1/companies/acme", COMPANY, headers)
        assert said(company) == (403, "missing-scope")
        unit = await call(trade, "PUT", "/v1/companies/acme/units/x", {"name": "x"}, headers)
        assert said(unit) == (403, "missing-scope")


async def test_a_removed_member_reads_nothing(trade, admin):
    ada = trade.member_headers(UUID((await trade.get("/v1/companies/acme/members/ada"))["id"]))
    await trade.member(is_active=False)
    assert said(await call(trade, "GET", "/v1/companies/acme", headers=ada)) == (
        401,
        "access-revoked",
    )
    answer = await call(trade, "PUT", "/v1/companies/acme/members/ada", member_body(), ada)
    assert said(answer) == (401, "access-revoked")


async def test_without_a_token_or_the_scope(trade, admin):
    paths = ("", "/acme", "/acme/units", "/acme/units/head", "/acme/members", "/acme/members/ada")
    other = {"Authorization": f"Bearer {trade.make_token(scopes=('orders:read',))}"}
    for path in paths:
        guest = await call(trade, "GET", f"/v1/companies{path}", headers={})
        assert said(guest) == (401, "token-missing")
        poor = await call(trade, "GET", f"/v1/companies{path}", headers=other)
        assert said(poor) == (403, "missing-scope")
    for path, body in [
        ("/acme", COMPANY),
        ("/acme/units/x", {"name": "x"}),
        ("/acme/members/x", member_body()),
    ]:
        guest = await call(trade, "PUT", f"/v1/companies{path}", body, headers={})
        assert said(guest) == (401, "token-missing")
        reader = {"Authorization": f"Bearer {trade.make_token(scopes=('companies:read',))}"}
        poor = await call(trade, "PUT", f"/v1/companies{path}", body, headers=reader)
        assert said(poor) == (403, "missing-scope")


async def test_unknown_ones_are_not_there(trade):
    await trade.company()
    for path in ("/none", "/none/units", "/none/members", "/acme/units/none", "/acme/members/none"):
        await trade.get(f"/v1/companies{path}", status=404)


@pytest.mark.parametrize("kind", ["units", "members"])
async def test_units_and_members_are_written_by_version(trade, kind):
    await trade.ready()
    path, body = {
        "units": ("/v1/companies/acme/units/head", {"name": "Main"}),
        "members": ("/v1/companies/acme/members/ada", member_body(email="ada@acme.example")),
    }[kind]
    for target, tag, status in (
        (path, '"7"', 412),
        (f"{path}-new", '"1"', 412),
        (f"{path}-new", "*", 412),
        (path, "1", 422),
        (path, '"1"', 200),
        (path, '"1"', 412),
    ):
        answer = await call(trade, "PUT", target, body, {**trade.partner, "If-Match": tag})
        assert answer.status_code == status, (target, tag, answer.text)
    assert answer.json()["current_version"] == 2
    assert (await call(trade, "GET", path)).headers["etag"] == '"2"'


async def test_of_two_writers_by_one_version_one_wins(trade):
    await trade.ready()
    headers = {**trade.partner, "If-Match": '"1"'}
    path = "/v1/companies/acme/members/ada"
    answers = await asyncio.gather(
        *(call(trade, "PUT", path, member_body(name=f"Ada {n}"), headers) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize("kind", ["units", "members"])
async def test_one_key_for_two_companies_at_once(trade, admin, kind):
    await trade.unit("acme-shop", parent="head")
    unit, member = {"name": "x"}, member_body()
    answers = await asyncio.gather(
        *(
            call(
                trade,
                "PUT",
                f"/v1/companies/{company}/{kind}/same",
                {**unit, "parent": head}
                if kind == "units"
                else {**member, "unit": head, "email": f"x@{company}.example"},
            )
            for company, head in (("acme", "head"), ("rival", "rival-head"))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = [said(answer) for answer in answers if answer.status_code == 409]
    assert refused[1] in ("concurrent-change", f"{kind[:-1]}-key-taken")


async def test_one_member_made_many_times_at_once(trade):
    await trade.ready()
    path = "/v1/companies/acme/members/new"
    answers = await asyncio.gather(*(call(trade, "PUT", path, member_body()) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await trade.rows("SELECT 1 FROM members WHERE key = 'new'")) == 1


async def test_many_members_of_one_address_at_once(trade, admin):
    """In any spelling, made or changed, in either company: one has it."""
    answers = await asyncio.gather(
        *(
            call(
                trade,
                "PUT",
                f"/v1/companies/{company}/members/{member}",
                member_body(email=email, unit=unit),
            )
            for company, unit, member, email in (
                ("acme", "head", "ada", "one@x.example"),
                ("rival", "rival-head", "rita", "ONE@x.example"),
                ("acme", "head", "a1", "One@X.example"),
                ("rival", "rival-head", "r1", "one@X.EXAMPLE"),
            )
        )
    )
    codes = [said(answer) for answer in answers]
    assert codes.count((409, "email-in-use")) == 3
    found = await trade.rows("SELECT 1 FROM members WHERE email_folded = 'one@x.example'")
    assert len(found) == 1


async def test_two_roots_at_once(trade):
    await trade.company()
    answers = await asyncio.gather(
        *(
            call(trade, "PUT", f"/v1/companies/acme/units/{key}", {"name": key})
            for key in ("a", "b", "c")
        )
    )
    assert sorted(said(answer) for answer in answers) == [(201, None)] + [(409, "root-exists")] * 2


async def test_units_that_go_below_each_other_at_once(trade):
    await trade.company()
    await trade.unit("head")
    await trade.unit("a", parent="head")
    await trade.unit("b", parent="head")
    answers = await asyncio.gather(
        *(
            call(trade, "PUT", f"/v1/companies/acme/units/{key}", {"name": key, "parent": parent})
            for key, parent in (("a", "b"), ("b", "a"))
        )
    )
    assert sorted(said(answer) for answer in answers) == [(200, None), (422, "units-in-circle")]


async def test_a_tree_has_twenty_levels(trade):
    await trade.company()
    await trade.unit("u1")
    for level in range(2, 21):
        await trade.unit(f"u{level}", parent=f"u{level - 1}")
    body = {"name": "x", "parent": "u20"}
    problem = await trade.put("/v1/companies/acme/units/u21", body, status=(422,))
    assert problem["code"] == "unit-too-deep"
    await trade.unit("side", parent="u1")
    await trade.unit("below", parent="side")
    body = {"name": "x", "parent": "u19"}
    problem = await trade.put("/v1/companies/acme/units/side", body, status=(422,))
    assert problem["code"] == "unit-too-deep"
    await trade.unit("side", parent="u18")


@pytest.mark.parametrize("path", ["", "/acme/units", "/acme/members"])
@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 100_000}, {"limit": "many"}, {"after": "no cursor"}]
)
async def test_pages_that_there_are_not(trade, path, query):
    await trade.ready()
    answer = await call(trade, "GET", f"/v1/companies{path}", params=query)
    assert answer.status_code in (400, 422)


async def test_companies_and_members_come_in_pages(trade):
    await trade.ready()
    for key in ("bob", "cy"):
        await trade.member(key)
        await trade.company(key)
    for path, keys in (("", ["acme", "bob", "cy"]), ("/acme/members", ["ada", "bob", "cy"])):
        page = await trade.get(f"/v1/companies{path}", limit=2)
        rest = await trade.get(f"/v1/companies{path}", limit=2, after=page["next"])
        assert [one["key"] for one in page["items"] + rest["items"]] == keys
        assert rest["next"] is None


@pytest.mark.parametrize("key", ["A B", "%00", "a%2Fb", "x" * 300, "%F0%9F%92%A9"])
async def test_keys_that_there_cannot_be(trade, key):
    await trade.ready()
    for path, body in (
        (f"/v1/companies/{key}", COMPANY),
        (f"/v1/companies/acme/units/{key}", {"name": "x"}),
        (f"/v1/companies/acme/members/{key}", member_body()),
    ):
        for method, content in (("PUT", body), ("GET", None)):
            answer = await call(trade, method, path, content)
            assert answer.status_code in (404, 405, 422), (method, path)


async def test_an_admin_learns_nothing_of_anothers_password(trade, app, admin):
    """The password of another company's member is not even tried: the time would tell."""
    tried = []

    class Watched(HashingGate):
        async def is_secret_of(self, secret_hash, secret, **words):
            tried.append(secret)
            return await super().is_secret_of(secret_hash, secret, **words)

    await trade.member("rita", company="rival", unit="rival-head", password="the password of rita")
    app.dependency_overrides[get_gate] = lambda: Watched(threads=1, queue=8)
    body = member_body(password="the password of rita")
    answer = await call(trade, "PUT", "/v1/companies/acme/members/rita", body, admin)
    assert said(answer) == (409, "member-key-taken")
    assert tried == []


async def test_an_address_of_the_merchants_people_is_in_use(trade, admin):
    staff = Staff.model_validate(
        {
            "email": "sam@shop.example",
            "password": "a-long-password",
            "name": "Sam",
            "scopes": ["orders:read"],
        }
    )
    async with trade.runtime.sessions.begin() as session:
        await put_staff(session, staff, now=trade.runtime.clock.now())
    body = member_body(email="SAM@shop.example")
    answer = await call(trade, "PUT", "/v1/companies/acme/members/sam", body, admin)
    assert said(answer) == (409, "email-in-use")


async def test_a_flood_of_new_passwords_is_turned_away(trade, app):
    await trade.ready()
    gate = HashingGate(threads=1, queue=1)
    app.dependency_overrides[get_gate] = lambda: gate
    path = "/v1/companies/acme/members/ada"
    answers = await asyncio.gather(
        *(call(trade, "PUT", path, member_body(password=f"password number {n}")) for n in range(6))
    )
    assert {answer.status_code for answer in answers} == {200, 429}


async def test_the_same_new_password_several_times_at_once_changes_once(trade):
    await trade.ready()
    await asyncio.gather(*(trade.member(password="a-long-password") for _ in range(4)))
    assert (await trade.get("/v1/companies/acme/members/ada"))["version"] == 2
    assert len(await trade.told("access")) == 1


async def test_a_company_of_very_many_members_can_be_closed(trade):
    """More than a statement takes parameters."""
    await trade.ready()
    async with trade.runtime.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO members (id, key, company, unit, email, email_folded, name, roles,"
                " is_active, profile_version, version, updated_at)"
                " SELECT md5(n::text)::uuid, 'm' || n, 'acme', 'head', n || '@m', n || '@m', 'M',"
                " '{buyer}', true, 1, 1, now() FROM generate_series(1, 11000) AS n"
            )
        )
    await trade.company(is_active=False)
    (revoked,) = await trade.rows("SELECT count(*) AS n FROM revocations")
    assert revoked.n == 11_001
