"""The schemas, merged from what each service's part adds.

`d2c` is what storefronts for people use, `b2b` what portals for companies do. Each schema is served
alone or beside the others.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

import strawberry
from graphql import GraphQLObjectType, is_introspection_type
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from gateway.accounts.mutations import AccountsMutation
from gateway.accounts.queries import AccountsQuery
from gateway.approvals.mutations import ApprovalsMutation
from gateway.approvals.queries import ApprovalsQuery
from gateway.approvals.subscriptions import ApprovalsSubscription
from gateway.catalog.member_types import MemberProduct
from gateway.catalog.queries import CatalogQuery, MemberCatalogQuery
from gateway.catalog.types import Category, Product, Store
from gateway.completion import READER
from gateway.orders.member_mutations import MemberOrdersMutation
from gateway.orders.member_queries import MemberOrdersQuery
from gateway.orders.mutations import OrdersMutation
from gateway.orders.queries import OrdersQuery
from gateway.orders.subscriptions import OrdersSubscription
from gateway.scalars import SCALARS


@strawberry.type(
    description="""\
What a buyer can ask.

The buyer's context comes from headers: `Tandem-Store` names the store (without it the gateway's
default one), `Accept-Language` chooses among the store's locales, whose first is the default.
Guests need no sign-in: a cart, and the order that it becomes, is opened by the secret that
`openCart` tells.

A field is null, with an error whose `extensions.code` says why, while the service behind it is
away; the rest of the answer stands. Lists are Relay connections with 1 to 100 items a page."""
)
class Query(CatalogQuery, OrdersQuery):
    """The root of `d2c` queries."""


@strawberry.type(
    description="""\
What a buyer can do.

What a person can mend is in the payload's `errors`, by code, message and the place in `input`;
nothing was changed then. Anything else is an error of the request with `extensions.code`."""
)
class Mutation(OrdersMutation):
    """The root of `d2c` mutations."""


def create_d2c() -> strawberry.Schema:
    """The schema for storefronts."""
    return _quick(
        strawberry.Schema(
            query=Query,
            mutation=Mutation,
            types=[Store, Category, Product],
            config=StrawberryConfig(scalar_map=SCALARS),
        )
    )


@strawberry.type(
    name="Query",
    description="""\
What a member of a company can ask.

Who asks is said by `Authorization: Bearer <token>`, as `signIn` gives it; the token goes on to the
services, which decide what it may see. `Tandem-Store` names the store (without it the gateway's
default one for companies), `Accept-Language` chooses among the store's locales.

A field is null, with an error whose `extensions.code` says why, while the service behind it is
away or refuses; the rest of the answer stands. Lists are Relay connections with 1 to 100 items a
page.""",
)
class MemberQuery(MemberCatalogQuery, MemberOrdersQuery, ApprovalsQuery, AccountsQuery):
    """The root of `b2b` queries."""


@strawberry.type(
    name="Mutation",
    description="""\
What a member of a company can do.

What a person can mend is in the payload's `errors`, by code, message and the place in `input`;
nothing was changed then. Anything else is an error of the request with `extensions.code`.""",
)
class MemberMutation(MemberOrdersMutation, ApprovalsMutation, AccountsMutation):
    """The root of `b2b` mutations."""


@strawberry.type(
    name="Subscription",
    description="""\
What a member of a company is told as it happens, over `graphql-transport-ws` or as server-sent
events.

Each change is read anew from its owner with the subscriber's own token: what they may not see is
not told, and several changes in a row may be told as one. It ends when the token does; sign in
anew, subscribe by id or number, and the present state comes first.""",
)
class Subscription(OrdersSubscription, ApprovalsSubscription):
    """The root of `b2b` subscriptions."""


def create_b2b() -> strawberry.Schema:
    """The schema for portals of companies."""
    return _quick(
        strawberry.Schema(
            query=MemberQuery,
            mutation=MemberMutation,
            subscription=Subscription,
            types=[Store, Category, MemberProduct],
            config=StrawberryConfig(scalar_map=SCALARS),
        )
    )


SCHEMAS: dict[str, Callable[[], strawberry.Schema]] = {"d2c": create_d2c, "b2b": create_b2b}
"""Every schema by name, as in its path and on the command line."""
FOR_MEMBERS = frozenset({"b2b"})
"""Those whose callers sign in."""


def sdl(name: str) -> str:
    """A schema in the schema definition language."""
    return print_schema(SCHEMAS[name]()) + "\n"


def _quick(schema: strawberry.Schema) -> strawberry.Schema:
    """Have fields that need nothing but their object read it at once.

    Strawberry would go through four calls for each; in a list they are nearly all fields.
    """
    for kind in schema._schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or is_introspection_type(kind):
            continue
        for field in kind.fields.values():
            read = _reader(field.extensions["strawberry-definition"])
            if read is not None:
                field.extensions[READER] = read
                field.resolve = _resolver(read)
    return schema


def _reader(field: StrawberryField) -> Callable[[Any], Any] | None:
    """The attribute, or the method that takes only its object; None for any other resolver."""
    resolver = field.base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    if (
        resolver.is_async
        or resolver.arguments
        or resolver.info_parameter
        or not resolver.self_parameter
    ):
        return None
    read: Callable[[Any], Any] = cast(Any, resolver.wrapped_func)
    return read


def _resolver(read: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda source, info: read(source)
