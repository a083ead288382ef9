"""The matrix of the gateway's schemas: who is answered what, by field of the roots."""

from typing import Any

from tests.security.matrix import Row
from tests.security.world import B2B, D2C, SKU, Maker, World

# The columns are those of `rest_table`. `ok` has data and no error; a word is an error's code.
ALL = "ok ok ok | ok ok ok | ok ok ok | ok ok ok | ok ok"


def all_are(outcome: str) -> str:
    """Everybody is answered alike."""
    return ALL.replace("ok", outcome)


def members(ours: str, theirs: str, *, others: str = "member-only", services: str = "") -> str:
    """What members are answered, ours and those of another company. Guests need a token; others
    are no members, and services have no business at the gateway.
    """
    services = services or others
    rest = f"{others} {others} {others} | {services} {services}"
    return f"token-missing token-missing {others} | {ours} | {theirs} | {rest}"


def by_scope(theirs: str, seen: str = "ok", guest: str = "token-missing") -> str:
    """What partners and staff see too, by their scopes; `theirs` is what another company sees.

    The service behind it decides, by the caller's own token; those of services are for the gateway
    only.
    """
    no = "missing-scope"
    return (
        f"{guest} {guest} {no} | ok ok ok | {theirs} {theirs} {theirs} | {seen} {no} {seen}"
        " | token-invalid token-invalid"
    )


EVERY_MEMBER = members("ok ok ok", "ok ok ok")
CATEGORIES = by_scope("ok", guest="ok")
"""Guests see all, members what leads to something that they see."""
GOOD = by_scope("ok")
OUR_GOOD = by_scope("null", seen="null")
LISTED = by_scope("ok")
SEEN = by_scope("null")
ORDER_SEEN = by_scope("null", guest="null")
PLACING_SEEN = ORDER_SEEN.replace("missing-scope", "null")
TO_SERVICES = "token-invalid"
CARTS = members("ok ok ok", "ok ok ok", others="members-only", services=TO_SERVICES)
OPENED = members(
    "ok ok ok", "ok ok ok", others="store-for-companies", services=TO_SERVICES
).replace("token-missing", "store-for-companies")
ADDRESS = {"name": "Ada", "line1": "1 Square", "city": "York", "country": "GB"}
LINES = [{"sku": SKU, "quantity": 1}]
CART = {"cartId": "$cart_id"}
SHOWN = "{ cart { id email lines { id sku } } errors { code } }"
PLACEMENT = "id status purchaseOrderNumber buyer { memberId company unit } order { number }"
REQUEST = "id status purchaseOrderNumber requester { memberId company unit }"
ORDER = "id number email purchaseOrderNumber deliveryAddress { name } lines { sku }"
NODE = "{ __typename id ... on Product { key name } }"


def document(name: str, arguments: str, shown: str, *, kind: str = "query") -> str:
    """The document that asks for one field; `arguments` are its variables with their types."""
    if not arguments:
        return f"{kind} {{ {name} {shown} }}"
    names = [part.split(":")[0] for part in arguments.split(", ")]
    given = ", ".join(f"{one[1:]}: {one}" for one in names)
    return f"{kind} ({arguments}) {{ {name}({given}) {shown} }}"


def query(
    name: str,
    expected: str,
    arguments: str,
    shown: str,
    *,
    what: str = "",
    of: Maker | None = None,
    **variables: Any,
) -> Row:
    """A field of Query."""
    text = document(name, arguments, shown)
    return Row(f"Query.{name}", expected, of, text, variables, what=what)


def mutation(
    name: str,
    expected: str,
    shown: str,
    given: dict[str, Any],
    *,
    what: str = "",
    of: Maker | None = None,
) -> Row:
    """A field of Mutation; its input is that of its name."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    text = document(name, f"$input: {kind}!", shown, kind="mutation")
    return Row(f"Mutation.{name}", expected, of, text, {"input": given}, what=what)


def guest_carts() -> list[Row]:
    """What can be done with a guest's cart: by who has its secret, whoever they are."""
    sterling = {"amount": "$total", "currency": "GBP"}
    rows = []
    for what, expected, secret in (
        ("with its secret", ALL, "$secret"),
        ("with another secret", all_are("cart-not-found"), "$other_secret"),
    ):
        cart: dict[str, Any] = {"cartId": "$cart_id", "secret": secret}
        line = cart | {"lineId": "$line_id"}
        address = {"email": "ada@reader.example", "deliveryAddress": ADDRESS}
        place = {
            "agreedTotal": sterling,
            "payment": {"method": "test", "token": "tok_ok"},
            "idempotencyKey": "$new",
        }
        many: dict[str, Any] = {"what": what, "of": World.guest_cart}
        placed: dict[str, Any] = {"what": what, "of": World.guest_placed}
        sight = expected.replace("cart-not-found", "null")
        rows += [
            query(
                "cart",
                sight,
                "$id: ID!, $secret: String!",
                "{ id lines { sku } }",
                id="$cart_id",
                secret=secret,
                **many,
            ),
            query(
                "order",
                sight,
                "$number: String!, $secret: String!",
                "{ number email }",
                number="$number",
                secret=secret,
                **placed,
            ),
            query(
                "placement",
                sight,
                "$id: ID!, $secret: String!",
                "{ id status order { number } }",
                id="$placement_id",
                secret=secret,
                **placed,
            ),
            mutation("addCartLines", expected, SHOWN, cart | {"lines": LINES}, **many),
            mutation("changeCartLine", expected, SHOWN, line | {"quantity": 2}, **many),
            mutation("removeCartLine", expected, SHOWN, line, **many),
            mutation("setCartAddress", expected, SHOWN, cart | address, **many),
            mutation(
                "setCartDelivery", expected, SHOWN, cart | {"deliveryMethod": f"{D2C}-cart"}, **many
            ),
            mutation(
                "placeOrder",
                expected,
                "{ placement { id order { number } } errors { code } }",
                cart | place,
                what=what,
                of=World.guest_ready,
            ),
        ]
    return rows


GOODS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("store", "", "{ key name }", {}),
    ("categories", "", "{ key name }", {}),
    ("category", "$key: String!", "{ key name }", {"key": "home"}),
]
D2C_ROWS = [
    *(query(name, ALL, arguments, shown, **given) for name, arguments, shown, given in GOODS),
    query("products", ALL, "", "{ nodes { key name variants { sku } } }"),
    query("search", ALL, "$query: String!", "{ nodes { key name } }", query="lantern"),
    query("product", ALL, "$by: ProductBy!", "{ key name }", by={"key": "lantern"}),
    query(
        "product",
        all_are("null"),
        "$by: ProductBy!",
        "{ key name }",
        by={"key": "aurora-cup"},
        what="of a company",
    ),
    query("node", ALL, "$id: ID!", NODE, id="$lantern"),
    query("node", all_are("null"), "$id: ID!", NODE, id="$cup", what="of a company"),
    query("deliveryMethods", ALL, "", "{ key name }"),
    mutation("openCart", ALL, "{ cart { id } secret errors { code } }", {"lines": LINES}),
    *guest_carts(),
]

EURO = {"amount": "$total", "currency": "EUR"}
PLACE = {
    "agreedTotal": EURO,
    "payment": {"terms": True},
    "idempotencyKey": "$new",
    "purchaseOrderNumber": "PO-1",
}
OWN = "$no $no $no | ok $no $no | $no $no $no | $no $no $no | token-invalid token-invalid"
"""Of a cart: its member's alone; for everybody else there is none."""
OWN_CART = OWN.replace("$no", "cart-not-found")
OWN_SEEN = OWN.replace("$no", "null")


def member_cart(
    name: str, given: dict[str, Any], shown: str = SHOWN, of: Maker = World.cart
) -> Row:
    """What only the member whose cart it is can do with it."""
    return mutation(name, OWN_CART, shown, CART | given, of=of)


B2B_ROWS = [
    query("store", ALL, "", "{ key name }"),
    query("categories", CATEGORIES, "", "{ key name }"),
    query("category", CATEGORIES, "$key: String!", "{ key name }", key="home"),
    query("products", GOOD, "", "{ nodes { key name variants { sku } } }"),
    query("product", GOOD, "$by: ProductBy!", "{ key name }", by={"key": "lantern"}),
    query(
        "product",
        OUR_GOOD,
        "$by: ProductBy!",
        "{ key name }",
        by={"key": "aurora-cup"},
        what="of our company",
    ),
    query("node", GOOD, "$id: ID!", NODE, id="$lantern"),
    query("node", OUR_GOOD, "$id: ID!", NODE, id="$cup", what="of our company"),
    query("deliveryMethods", ALL, "", "{ key name }"),
    query("cart", OWN_SEEN, "$id: ID!", "{ id email lines { sku } }", of=World.cart, id="$cart_id"),
    query("carts", CARTS, "", "{ nodes { id email buyer { memberId } } }"),
    query("order", ORDER_SEEN, "$number: String!", f"{{ {ORDER} }}", number="$number"),
    query("orders", LISTED, "", f"{{ nodes {{ {ORDER} }} }}"),
    query("placement", PLACING_SEEN, "$id: ID!", f"{{ {PLACEMENT} }}", id="$placement_id"),
    query("placements", LISTED, "", f"{{ nodes {{ {PLACEMENT} }} }}"),
    query("approvalRequest", SEEN, "$id: ID!", f"{{ {REQUEST} }}", id="$request_id"),
    query("approvalRequests", LISTED, "", f"{{ nodes {{ {REQUEST} }} }}"),
    query(
        "me",
        EVERY_MEMBER,
        "",
        "{ memberId roles company { key name } unit { key } credit { agreement } }",
    ),
    query("members", EVERY_MEMBER, "", "{ nodes { key email name unit } }"),
    mutation("openCart", OPENED, "{ cart { id } errors { code } }", {"lines": LINES}),
    member_cart("addCartLines", {"lines": LINES}),
    member_cart("quickOrder", {"text": f"{SKU} 1"}, "{ cart { id } taken errors { code } }"),
    member_cart("changeCartLine", {"lineId": "$line_id", "quantity": 2}),
    member_cart("removeCartLine", {"lineId": "$line_id"}),
    member_cart("setCartAddress", {"email": "ada@reader.example", "deliveryAddress": ADDRESS}),
    member_cart("setCartDelivery", {"deliveryMethod": f"{B2B}-cart"}),
    member_cart(
        "placeOrder", PLACE, f"{{ placement {{ {PLACEMENT} }} errors {{ code }} }}", World.ready
    ),
    mutation(
        "cancelPlacement",
        members(
            "ok placement-not-yours ok",
            "placement-not-found placement-not-found placement-not-found",
            others="placement-not-found",
            services=TO_SERVICES,
        ),
        f"{{ placement {{ {PLACEMENT} }} errors {{ code }} }}",
        {"id": "$placement_id"},
        of=World.awaiting,
    ),
    *(
        mutation(
            name,
            members(
                "own-request ok ok",
                "request-unknown request-unknown request-unknown",
                others="members-only",
                services=TO_SERVICES,
            ),
            f"{{ approvalRequest {{ {REQUEST} }} errors {{ code }} }}",
            {"id": "$request_id"},
            of=World.awaiting,
        )
        for name in ("approveRequest", "rejectRequest")
    ),
    mutation(
        "signIn",
        ALL,
        "{ name buyer { company } errors { code } }",
        {"email": "$staff_email", "password": "$staff_password"},
    ),
    *(
        mutation(
            name,
            members("not-admin not-admin ok", "member-unknown member-unknown member-unknown"),
            "{ member { key email } errors { code } }",
            {"member": "$member"},
        )
        for name in ("deactivateMember", "reactivateMember")
    ),
]

STREAMS = [
    Row(
        f"Subscription.{name}",
        members("ok ok ok", "silent silent silent"),
        None,
        document(name, argument, f"{{ {shown} }}", kind="subscription"),
        variables,
    )
    for name, argument, shown, variables in (
        ("placementChanged", "$id: ID", PLACEMENT, {"id": "$placement_id"}),
        ("orderChanged", "$number: String", ORDER, {"number": "$number"}),
        ("approvalRequestChanged", "$id: ID", REQUEST, {"id": "$request_id"}),
    )
]
"""Subscriptions by an id or number: the present state comes first."""

GRAPHS = {"d2c": D2C_ROWS, "b2b": [*B2B_ROWS, *STREAMS]}
