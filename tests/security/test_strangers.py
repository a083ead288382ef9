"""Companies, units and people that have no business with each other."""

import asyncio
from typing import Any

from gateway.ids import encode_id
from tests.security.doors import listening
from tests.security.matrix import IDS
from tests.security.people import PASSWORD, Side, bearer
from tests.security.shop import Answer, Ask
from tests.security.world import SKU, World

HEARD_SECONDS = 10


def ask_as(
    world: World, side: Side, role: str, method: str, service: str, path: str, body: Any = None
) -> Answer:
    """What a member is answered."""
    return world.shop.do(world.ask_as(side, role, Ask(service, method, path, body)))


def test_what_is_anothers_is_answered_as_what_is_not_there(world: World):
    """Down to the sentence, so that nobody finds out what exists."""
    theirs = world.people.theirs
    values, ours = world.values, world.people.ours.ids
    nowhere = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
    pairs = {
        ("accounts", "GET", "/v1/companies/{}"): ("aurora", "nobody"),
        ("accounts", "GET", "/v1/companies/{}/credit"): ("aurora", "nobody"),
        ("accounts", "GET", "/v1/companies/{}/members"): ("aurora", "nobody"),
        ("accounts", "GET", "/v1/companies/borealis/members/{}"): ("aurora-buyer", "nobody"),
        ("accounts", "GET", "/v1/companies/borealis/units/{}"): ("aurora-shop", "nothing"),
        ("accounts", "GET", "/v1/agreements/{}"): ("aurora-terms", "nothing"),
        ("accounts", "GET", "/v1/budgets/{}"): ("aurora-budget", "nothing"),
        ("accounts", "GET", "/v1/budgets/{}/entries"): ("aurora-budget", "nothing"),
        ("orders", "GET", "/v1/orders/{}"): (values["number"], "T-9999999"),
        ("orders", "GET", "/v1/carts/{}"): (values["cart_id"], nowhere),
        ("orders", "GET", "/v1/placements/{}"): (values["placement_id"], nowhere),
        ("orders", "POST", "/v1/placements/{}/cancel"): (values["placement_id"], nowhere),
        ("approvals", "GET", "/v1/approval-requests/{}"): (values["request_id"], nowhere),
        ("catalog", "GET", "/v1/products/{}?store=b2b-eu"): ("aurora-cup", "nothing"),
        ("accounts", "GET", "/v1/buyer-profiles/{}"): (ours["buyer"], nowhere),
    }
    for (service, method, path), names in pairs.items():
        seen = []
        for name in names:
            answer = ask_as(world, theirs, "admin", method, service, path.format(name))
            told = answer.body
            told.pop("request_id")
            seen.append((answer.status, str(told).replace(name, "...")))
        assert seen[0] == seen[1], path
        assert seen[0][0] in (403, 404), path


def test_filters_do_not_reach_into_another_company(world: World):
    theirs = world.people.theirs
    for service, path in (
        ("orders", "/v1/orders?company=aurora"),
        ("orders", "/v1/orders?unit=aurora-shop"),
        ("orders", "/v1/placements?company=aurora"),
        ("accounts", "/v1/agreements?company=aurora"),
        ("accounts", "/v1/budgets?company=aurora"),
    ):
        answer = ask_as(world, theirs, "admin", "GET", service, path)
        assert (answer.status, answer.body["items"]) == (200, []), path


def test_what_only_one_company_may_have_is_unknown_to_another(world: World):
    theirs = world.people.theirs
    body = {"store": "b2b-eu", "skus": ["AURORA-CUP", "NOTHING-1"]}
    items = ask_as(world, theirs, "buyer", "POST", "catalog", "/v1/entitlements/check", body).body
    told = [{**item, "sku": ""} for item in items["items"]]
    assert told[0] == told[1]
    lines = {"store": "b2b-eu", "lines": [{"sku": "AURORA-CUP", "quantity": 1}]}
    mine = ask_as(world, world.people.ours, "buyer", "POST", "orders", "/v1/carts", lines)
    assert mine.status == 201
    refused = ask_as(world, theirs, "buyer", "POST", "orders", "/v1/carts", lines)
    lines["lines"] = [{"sku": "NOTHING-1", "quantity": 1}]
    unknown = ask_as(world, theirs, "buyer", "POST", "orders", "/v1/carts", lines)
    assert refused.status == unknown.status == 422
    assert refused.code == unknown.code


def test_a_colleague_of_another_unit_sees_nothing_of_this_one(world: World):
    ours = world.people.ours

    async def open_unit() -> None:
        unit = {"name": "aurora sales", "parent": "aurora-head"}
        await world.put("accounts", "/v1/companies/aurora/units/aurora-sales", unit)
        await world.put_member(ours, "seller", unit="aurora-sales", roles=["approver", "buyer"])
        await world.sign_in(ours, "seller")

    world.shop.do(open_unit())
    for service, path in (
        ("orders", f"/v1/orders/{world.values['number']}"),
        ("orders", f"/v1/placements/{world.values['placement_id']}"),
        ("orders", f"/v1/carts/{world.values['cart_id']}"),
        ("approvals", f"/v1/approval-requests/{world.values['request_id']}"),
    ):
        assert ask_as(world, ours, "seller", "GET", service, path).status == 404, path
    for service, path in (
        ("orders", "/v1/orders"),
        ("orders", "/v1/placements"),
        ("approvals", "/v1/approval-requests"),
    ):
        assert ask_as(world, ours, "seller", "GET", service, path).body["items"] == [], path
    path = f"/v1/approval-requests/{world.values['request_id']}/approve"
    assert ask_as(world, ours, "seller", "POST", "approvals", path, {}).status == 404


def test_nobody_takes_over_a_member_of_another_company(world: World):
    ours, theirs = world.people.sides
    key, email = ours.name("buyer"), "buyer@aurora.example"
    body = {"email": email, "name": "Mine", "unit": "borealis-shop", "roles": ["buyer"]}
    body["password"] = "another-password-1"
    for path in (f"/v1/companies/borealis/members/{key}", "/v1/companies/borealis/members/new"):
        answer = ask_as(world, theirs, "admin", "PUT", "accounts", path, body)
        assert answer.status in (404, 409), answer
        assert not {ours.ids["buyer"], "Aurora Buyer"} & set(answer.text.split('"')), answer
    moved = f"/v1/companies/aurora/members/{key}"
    assert ask_as(world, theirs, "admin", "PUT", "accounts", moved, body).status == 404
    body |= {"email": "spy@borealis.example", "unit": "aurora-shop"}
    spy = "/v1/companies/borealis/members/borealis-spy"
    assert ask_as(world, theirs, "admin", "PUT", "accounts", spy, body).status in (404, 409, 422)
    member = ask_as(world, ours, "admin", "GET", "accounts", moved).body
    assert (member["name"], member["email"]) == ("Aurora Buyer", email)
    assert world.shop.do(world.people.sign_in(email, PASSWORD))


def test_a_line_of_another_cart_is_out_of_reach_through_ones_own(world: World):
    ours, theirs = world.people.sides
    mine = world.shop.do(world.cart(theirs))
    other = world.shop.do(world.cart(ours))
    path = f"/v1/carts/{mine['cart_id']}/lines/{other['line_id']}"
    assert ask_as(world, theirs, "buyer", "PUT", "orders", path, {"quantity": 9}).status == 404
    assert ask_as(world, theirs, "buyer", "DELETE", "orders", path).status == 404
    kept = ask_as(world, ours, "buyer", "GET", "orders", f"/v1/carts/{other['cart_id']}").body
    assert [(line["sku"], line["quantity"]) for line in kept["lines"]] == [(SKU, 1)]


def test_the_same_idempotency_key_of_two_people_is_two_keys(world: World):
    """Nobody is told another's answer by guessing their key."""
    key = world.new("key")
    told = []
    for side in world.people.sides:
        cart = world.shop.do(world.cart(side))
        ask = Ask(
            "orders",
            "POST",
            f"/v1/carts/{cart['cart_id']}/lines",
            {"lines": [{"sku": SKU, "quantity": 1}]},
            headers={"Idempotency-Key": key},
        )
        answer = world.shop.do(world.ask_as(side, "buyer", ask))
        assert answer.body["id"] == cart["cart_id"]
        told.append(answer.body["buyer"]["company"])
    assert told == ["aurora", "borealis"]


def test_streams_tell_a_company_of_its_own_placings_only(world: World):
    ours, theirs = world.people.sides

    async def listen() -> None:
        async with (
            listening(world, ours.tokens["admin"]) as mine,
            listening(world, theirs.tokens["admin"]) as others,
        ):
            first = await world.placed(ours)
            second = await world.placed(theirs)
            await hear(mine, first["placement_id"])
            await hear(others, second["placement_id"])  # after the first, had that been told
            heard = drain(others)
            assert encode_id("Placement", first["placement_id"]) not in heard

    world.shop.do(listen())


async def hear(told: "asyncio.Queue[str]", placement: str) -> None:
    """Wait until both streams have told of it, and of nobody else's."""
    wanted = encode_id("Placement", placement)
    count = 0
    async with asyncio.timeout(HEARD_SECONDS):
        while count < 2:
            one = await told.get()
            assert one == wanted
            count += 1


def drain(told: "asyncio.Queue[str]") -> set[str]:
    """What is left in it."""
    return {told.get_nowait() for _ in range(told.qsize())}


def test_nobody_approves_their_own(world: World):
    ours = world.people.ours
    approver = ours.tokens["approver"]
    ours.tokens["buyer"], buyer = approver, ours.tokens["buyer"]
    try:  # an approver who orders over a limit of their own
        world.shop.do(world.put_member(ours, "approver", **limited("approver")))
        world.shop.do(world.shop.settle())
        request = world.shop.do(world.awaiting(ours))["request_id"]
    finally:
        ours.tokens["buyer"] = buyer
    path = f"/v1/approval-requests/{request}"
    for verdict in ("approve", "reject"):
        answer = ask_as(world, ours, "approver", "POST", "approvals", f"{path}/{verdict}", {})
        assert (answer.status, answer.code) == (403, "own-request")
    assert ask_as(world, ours, "admin", "POST", "approvals", f"{path}/approve", {}).status == 200


def limited(role: str) -> dict[str, Any]:
    """A member of the head who may spend little."""
    return {
        "unit": "aurora-head",
        "roles": ["approver", "buyer"],
        "order_limit": {"amount": "250.00", "currency": "EUR"},
        "password": None,
        "name": f"Aurora {role.title()}",
    }


def test_a_request_is_decided_once(world: World):
    ours = world.people.ours
    request = world.shop.do(world.awaiting(ours))["request_id"]
    path = f"/v1/approval-requests/{request}"

    def decide(role: str, verdict: str) -> tuple[int, str]:
        answer = ask_as(world, ours, role, "POST", "approvals", f"{path}/{verdict}", {})
        return answer.status, answer.code

    assert decide("approver", "approve") == (200, "")
    assert decide("approver", "approve") == (200, ""), "the same again changes nothing"
    assert decide("approver", "reject") == (409, "already-decided")
    assert decide("admin", "approve") == (409, "already-decided")
    assert decide("admin", "reject") == (409, "already-decided")
    body = ask_as(world, ours, "admin", "GET", "approvals", path).body
    assert (body["status"], body["decided_by"]) == ("approved", ours.ids["approver"])


def test_two_who_decide_at_once_are_told_apart(world: World):
    ours = world.people.ours

    async def race() -> list[int]:
        request = (await world.awaiting(ours))["request_id"]
        asks = [
            world.ask_as(
                ours, role, Ask("approvals", "POST", f"/v1/approval-requests/{request}/{verb}", {})
            )
            for role, verb in (("approver", "approve"), ("admin", "reject"))
        ]
        return sorted(answer.status for answer in await asyncio.gather(*asks))

    assert world.shop.do(race()) == [200, 409]


def test_a_global_id_of_another_kind_opens_nothing(world: World):
    """An id of the gateway holds the owner's; packed as another kind it is refused."""
    ours = world.people.ours
    for field, kind in (("placement", "Cart"), ("cart", "Placement"), ("approvalRequest", "Order")):
        given = encode_id(kind, world.values["placement_id"])
        body = {"query": f'{{ {field}(id: "{given}") {{ id }} }}'}
        answer = ask_as(world, ours, "buyer", "POST", "gateway", "/b2b/graphql", body)
        assert answer.body["errors"][0]["extensions"]["code"] == "id-malformed"
    assert dict(IDS)["cart_id"] == "Cart"


def test_a_members_token_is_no_guests_secret(world: World):
    """The secret of a guest's cart opens nothing beside it, also together with a member's token."""
    guest = world.shop.do(world.guest_cart())
    headers = {"Tandem-Cart-Secret": guest["secret"]}
    theirs = headers | bearer(world.people.theirs.tokens["buyer"])
    ask = Ask("orders", "GET", f"/v1/carts/{world.values['cart_id']}")
    for sent in (headers, theirs):
        assert world.shop.do(world.shop.ask(ask, sent)).status == 404
