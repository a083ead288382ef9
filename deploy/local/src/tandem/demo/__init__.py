"""The guest's journey, played against a running shop and told as a person wants to read it.

It knows the shop only by `/d2c/graphql`, as a storefront does, and looks for what it buys in the
shop's own answers. Whatever is not as it should be ends it with a sentence that says so.
"""

import asyncio
import os

from rich.console import Console

from tandem.demo.journey import Journey
from tandem.demo.shop import DemoFailed, ShopNotReachable, open_shop
from tandem.settings import LocalSettings

__all__ = ["DemoFailed", "ShopNotReachable", "main", "play"]


def main(console: Console | None = None) -> None:
    """Play the journey once, against TANDEM_GATEWAY_URL or where `tandem run` listens.

    Raises ShopNotReachable or DemoFailed.
    """
    url = os.environ.get("TANDEM_GATEWAY_URL") or LocalSettings().url_of("gateway")
    asyncio.run(play(url.rstrip("/"), console or Console(highlight=False)))


async def play(url: str, console: Console) -> str:
    """Play the journey against the gateway at `url`; the order's number at its end."""
    async with open_shop(url) as shop:
        return await Journey(shop, console).play()
