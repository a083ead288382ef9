"""What can be asked of who signed in and their company."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

import strawberry

from gateway.accounts import clients
from gateway.accounts.types import Me, Member
from gateway.catalog.queries import After, First
from gateway.connections import Connection, Place
from gateway.context import Info, path_of, selected


@strawberry.type
class AccountsQuery:
    """Merged into the Query of `b2b`."""

    @strawberry.field(description="The member who asks, with their company and its credit.")
    async def me(self, info: Info) -> Me | None:
        buyer = info.context.buyer()
        return await clients.get_me(info.context, buyer, selected(info), path_of(info))

    @strawberry.field(description="Members of the caller's company, those without access too.")
    async def members(
        self, info: Info, first: First = 20, after: After = None
    ) -> Connection[Member] | None:
        place = Place.of(first, after)
        company = info.context.buyer().company
        items, following = await clients.list_members(info.context, company, place)
        return Connection[Member].of(items, place, following)
