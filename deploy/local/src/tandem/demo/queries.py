"""What the demo asks of `/d2c/graphql`: a storefront developer may copy these."""

_MONEY = "{ amount currency }"
_TAXED = f"{{ net {_MONEY} tax {_MONEY} gross {_MONEY} }}"
_PRODUCT = f"""
fragment Listed on Product {{
  key
  name
  variants {{
    sku
    availability {{ available isInStock }}
    price {{ unitPrice {_MONEY} }}
  }}
}}
"""
_TOTALS = f"""
fragment AllTotals on Totals {{
  items {_TAXED}
  delivery {_TAXED}
  total {_TAXED}
  taxes {{ rate name amount {_TAXED} }}
}}
"""
_CART = f"""
fragment Shown on Cart {{
  id
  lines {{ id sku name quantity unitPrice {_MONEY} total {_TAXED} }}
  totals {{ ...AllTotals }}
  problems {{ code message lineId }}
}}
{_TOTALS}
"""
_ERRORS = "errors { code message field }"

STORE = """
query Store {
  store { key name currencies taxDisplay }
  categories { key name children { key name } }
}
"""

PRODUCTS = (
    """
query Products($first: Int!, $category: String, $search: String) {
  products(first: $first, category: $category, search: $search) {
    nodes { ...Listed }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _PRODUCT
)

PRODUCT = (
    """
query Product($key: String!) {
  product(by: {key: $key}) { ...Listed categories { path { key name } } }
}
"""
    + _PRODUCT
)

DELIVERY = f"""
query Delivery($country: String!) {{
  deliveryMethods(country: $country) {{ key name price {_MONEY} }}
}}
"""

OPEN_CART = (
    f"""
mutation OpenCart($input: OpenCartInput!) {{
  openCart(input: $input) {{ secret cart {{ ...Shown }} {_ERRORS} }}
}}
"""
    + _CART
)


def _change(name: str) -> str:
    """A mutation that answers the cart as it is then."""
    title = name[0].upper() + name[1:]
    return (
        f"mutation {title}($input: {title}Input!) {{\n"
        f"  {name}(input: $input) {{ cart {{ ...Shown }} {_ERRORS} }}\n}}\n{_CART}"
    )


ADD_LINES = _change("addCartLines")
CHANGE_LINE = _change("changeCartLine")
REMOVE_LINE = _change("removeCartLine")
SET_ADDRESS = _change("setCartAddress")
SET_DELIVERY = _change("setCartDelivery")

_PLACEMENT = "{ id status order { number } problem { code message } }"

PLACE = f"""
mutation PlaceOrder($input: PlaceOrderInput!) {{
  placeOrder(input: $input) {{ placement {_PLACEMENT} {_ERRORS} }}
}}
"""

PLACEMENT = f"""
query Placement($id: ID!, $secret: String!) {{
  placement(id: $id, secret: $secret) {_PLACEMENT}
}}
"""

ORDER = (
    f"""
query Order($number: String!, $secret: String!) {{
  order(number: $number, secret: $secret) {{
    number status placedAt email
    lines {{ sku name quantity total {_TAXED} }}
    payment {{ method status amount {_MONEY} }}
    totals {{ ...AllTotals }}
  }}
}}
"""
    + _TOTALS
)
