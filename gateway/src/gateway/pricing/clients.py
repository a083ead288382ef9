"""Calls to pricing."""

import asyncio
from collections.abc import Sequence
from typing import Any

from chassis import tracing
from chassis.http import Neighbour, NeighbourUnavailable
from contracts.pricing import PriceResolution
from gateway.pricing.types import Price

MOST_LINES = 2000
"""Lines that pricing resolves in one call."""


async def resolve_prices(
    pricing: Neighbour,
    skus: Sequence[str],
    *,
    store: str,
    seconds: float,
    token: str | None = None,
    kind: type[Price] = Price,
    has_tiers: bool = False,
) -> dict[str, Price | None]:
    """What one piece of each SKU costs who has the token; None for one without a price.

    One call, or one for each 2,000 SKUs, all at once. Raises Unavailable.
    """
    wanted = list(dict.fromkeys(skus))
    body = {"store": store, "include_tiers": True} if has_tiers else {"store": store}
    deadline = tracing.in_seconds(seconds)
    batches = [wanted[at : at + MOST_LINES] for at in range(0, len(wanted), MOST_LINES)]
    answers = await asyncio.gather(
        *(_resolve(pricing, batch, body, token=token, deadline=deadline) for batch in batches)
    )
    return {sku: kind.from_wire(line) for answer in answers for sku, line in answer}


async def _resolve(
    pricing: Neighbour,
    skus: Sequence[str],
    body: dict[str, Any],
    *,
    token: str | None,
    deadline: float,
) -> list[tuple[str, Any]]:
    lines: list[dict[str, Any]] = [{"ref": str(n), "sku": sku} for n, sku in enumerate(skus)]
    reply = await pricing.post(
        "/v1/prices/resolve",
        json=body | {"lines": lines},
        token=token,
        is_read=True,
        deadline=deadline,
    )
    priced = reply.json(PriceResolution)["lines"]
    if [line["ref"] for line in priced] != [line["ref"] for line in lines]:
        raise NeighbourUnavailable("pricing", "its answer is about something else")
    return list(zip(skus, priced, strict=True))
