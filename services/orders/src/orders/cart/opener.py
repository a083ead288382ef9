"""What the routes of carts, placing and orders share: who may open a cart."""

from typing import Annotated

from fastapi import Depends

from chassis.auth import Caller
from chassis.buyers import get_buyer
from chassis.runtime import Live
from orders.cart.domain import Opener
from orders.wire import CartSecret


async def get_opener(runtime: Live, caller: Caller, secret: CartSecret = None) -> Opener:
    """The right that a caller brings: a secret, a member's token, or none; a guest costs no query.

    Raises AccessRevoked for a member whose access was taken away, and NeighbourUnavailable.
    """
    return Opener(secret=secret, profile=await get_buyer(runtime, caller))


OpenedBy = Annotated[Opener, Depends(get_opener)]
"""Declare as `opener: OpenedBy`."""
