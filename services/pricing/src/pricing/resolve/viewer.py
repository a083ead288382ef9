"""For whom prices are resolved: a buyer, or everybody."""

from dataclasses import dataclass

from chassis import buyers
from chassis.auth import Actor
from chassis.buyers import BuyerUnknown
from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile
from contracts.pricing import ResolvePrices
from pricing.errors import BuyerIsCaller, BuyerNotKnown

ANY_BUYER = "pricing:resolve:any"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and the buyer that they ask for; None: everybody's price."""

    caller: Actor
    profile: BuyerProfile | None = None

    def require_any(self) -> None:
        """Raise TokenMissing or MissingScope unless the caller may see any buyer's prices."""
        self.caller.require(ANY_BUYER)


async def find_viewer(runtime: Runtime, caller: Actor, asked: ResolvePrices) -> Viewer:
    """The caller if they are a member, or a service for one; else whom they name.

    Raises AccessRevoked, NeighbourUnavailable, BuyerIsCaller, MissingScope, BuyerNotKnown.
    """
    if asked.buyer is None:
        return Viewer(caller, await buyers.get_buyer(runtime, caller))
    if caller.member_id is not None:
        raise BuyerIsCaller
    caller.require(ANY_BUYER)
    try:
        return Viewer(caller, await buyers.get_profile(runtime, asked.buyer))
    except BuyerUnknown:
        raise BuyerNotKnown from None
