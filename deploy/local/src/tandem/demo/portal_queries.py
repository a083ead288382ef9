"""What the demo asks of `/b2b/graphql`: a developer of a company portal may copy these."""

_MONEY = "{ amount currency }"
_TAXED = f"{{ net {_MONEY} tax {_MONEY} gross {_MONEY} }}"
_ERRORS = "errors { code message field }"
_BALANCE = f"balance {{ limit {_MONEY} held {_MONEY} used {_MONEY} available {_MONEY} }}"
_PRODUCT = f"""
fragment Listed on Product {{
  key
  name
  variants {{
    sku
    availability {{ available isInStock }}
    price {{ isTaxIncluded unitPrice {_MONEY} tiers {{ minQuantity unitPrice {_MONEY} }} }}
    quantityRule {{ minimum multiple }}
  }}
}}
"""
_CART = f"""
fragment Shown on Cart {{
  id
  status
  lines {{ id sku name quantity unitPrice {_MONEY} total {_TAXED} }}
  totals {{
    items {_TAXED}
    delivery {_TAXED}
    total {_TAXED}
    taxes {{ rate name amount {_TAXED} }}
  }}
  problems {{ code message lineId }}
}}
"""
_PLACEMENT = """
fragment Stands on Placement {
  id
  status
  approvalRequestId
  order { number }
  problem { code message }
}
"""
_REQUEST = f"""
fragment Asked on ApprovalRequest {{
  id
  status
  requester {{ memberId unit }}
  amount {_MONEY}
  orderLimit {_MONEY}
  purchaseOrderNumber
  reasons
  comment
}}
"""

SIGN_IN = f"""
mutation SignIn($input: SignInInput!) {{
  signIn(input: $input) {{
    accessToken expiresIn name buyer {{ memberId company unit roles }} {_ERRORS}
  }}
}}
"""

ME = f"""
query Me {{
  me {{
    memberId
    roles
    company {{ key name }}
    unit {{ key name }}
    credit {{ paymentDays requiresPurchaseOrder {_BALANCE} }}
  }}
}}
"""

PRODUCTS = (
    """
query Products($first: Int!, $after: String) {
  categories { key name }
  products(first: $first, after: $after) {
    nodes { ...Listed }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _PRODUCT
)

PRODUCT = "query Product($key: String!) { product(by: {key: $key}) { ...Listed } }" + _PRODUCT

DELIVERY = f"""
query Delivery($country: String!) {{
  deliveryMethods(country: $country) {{ key name price {_MONEY} }}
}}
"""

OPEN_CART = (
    f"""
mutation OpenCart($input: OpenCartInput!) {{
  openCart(input: $input) {{ cart {{ ...Shown }} {_ERRORS} }}
}}
"""
    + _CART
)

QUICK_ORDER = (
    f"""
mutation QuickOrder($input: QuickOrderInput!) {{
  quickOrder(input: $input) {{
    taken refused {{ line text code message }} cart {{ ...Shown }} {_ERRORS}
  }}
}}
"""
    + _CART
)

SET_ADDRESS = (
    f"""
mutation SetCartAddress($input: SetCartAddressInput!) {{
  setCartAddress(input: $input) {{ cart {{ ...Shown }} {_ERRORS} }}
}}
"""
    + _CART
)

SET_DELIVERY = (
    f"""
mutation SetCartDelivery($input: SetCartDeliveryInput!) {{
  setCartDelivery(input: $input) {{ cart {{ ...Shown }} {_ERRORS} }}
}}
"""
    + _CART
)

CART = "query Cart($id: ID!) { cart(id: $id) { ...Shown } }" + _CART

PLACE = (
    f"""
mutation PlaceOrder($input: PlaceOrderInput!) {{
  placeOrder(input: $input) {{ placement {{ ...Stands }} {_ERRORS} }}
}}
"""
    + _PLACEMENT
)

PLACEMENT = "query Placement($id: ID!) { placement(id: $id) { ...Stands } }" + _PLACEMENT

REQUESTS = (
    """
query Requests {
  approvalRequests(status: PENDING) { nodes { ...Asked placement { id status } } }
}
"""
    + _REQUEST
)

APPROVE = (
    f"""
mutation ApproveRequest($input: ApproveRequestInput!) {{
  approveRequest(input: $input) {{ approvalRequest {{ ...Asked }} {_ERRORS} }}
}}
"""
    + _REQUEST
)

REJECT = (
    f"""
mutation RejectRequest($input: RejectRequestInput!) {{
  rejectRequest(input: $input) {{ approvalRequest {{ ...Asked }} {_ERRORS} }}
}}
"""
    + _REQUEST
)

ORDER = f"""
query Order($number: String!) {{
  order(number: $number) {{
    number
    status
    purchaseOrderNumber
    terms {{ paymentDays }}
    lines {{ sku quantity shipped }}
    shipments {{ carrier trackingNumber lines {{ sku quantity }} }}
    totals {{ total {_TAXED} }}
  }}
}}
"""

DEACTIVATE = f"""
mutation DeactivateMember($input: DeactivateMemberInput!) {{
  deactivateMember(input: $input) {{ member {{ key name isActive }} {_ERRORS} }}
}}
"""

PLACEMENT_CHANGED = """
subscription PlacementChanged {
  placementChanged { id status order { number } problem { code } }
}
"""

ORDER_CHANGED = """
subscription OrderChanged {
  orderChanged { number status shipments { carrier } }
}
"""
