"""Who sees a request."""

from dataclasses import dataclass

from contracts.buyers import BuyerProfile


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes see requests: a member's what concerns them, without a profile all of them."""

    profile: BuyerProfile | None = None
