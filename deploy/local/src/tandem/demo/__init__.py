"""The journeys of a guest and of a company, played against a running shop and told as people want
to read them.

People know the shop only by `/d2c/graphql` and `/b2b/graphql`, as frontends do, and look for what
they buy in the shop's own answers; the merchant's systems know it by the REST APIs. Whatever is not
as it should be ends the journey with a sentence that says so.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from tandem.demo.company import CompanyJourney
from tandem.demo.journey import Journey
from tandem.demo.merchant import Merchant
from tandem.demo.shop import DemoFailed, ShopNotReachable, open_portal, open_shop
from tandem.demo_data import Credentials
from tandem.demo_data.partner import open_partner
from tandem.settings import LocalSettings

__all__ = ["CompanyPlayed", "DemoFailed", "ShopNotReachable", "main", "play", "play_company"]


@dataclass(frozen=True)
class CompanyPlayed:
    """What came of a company's journey."""

    company: str
    number: str
    waits: Mapping[str, float]
    """Seconds until what should take no second was seen, by what it was."""


def main(console: Console | None = None) -> None:
    """Play both journeys once, where `tandem run` listens, or where TANDEM_GATEWAY_URL,
    TANDEM_ORDERS_URL and so on say.

    Raises ShopNotReachable, DemoFailed or NotRunnable.
    """
    settings = LocalSettings()
    urls = {
        name: os.environ.get(f"TANDEM_{name.upper()}_URL", "").rstrip("/") or url
        for name, url in settings.urls.items()
    }
    shown = console or Console(highlight=False)
    asyncio.run(_play_all(urls, settings, shown))


async def _play_all(urls: Mapping[str, str], settings: LocalSettings, console: Console) -> None:
    await play(urls["gateway"], console)
    await play_company(urls, Credentials.read(settings.partner_file), console)


async def play(url: str, console: Console) -> str:
    """Play a guest's journey against the gateway at `url`; the order's number at its end."""
    async with open_shop(url) as shop:
        return await Journey(shop, console).play()


async def play_company(
    urls: Mapping[str, str], credentials: Credentials, console: Console
) -> CompanyPlayed:
    """Play a company's journey against the services at `urls`, the gateway among them."""
    async with open_portal(urls["gateway"]) as portal, open_partner(urls, credentials) as partner:
        journey = CompanyJourney(portal, Merchant(partner), console)
        number = await journey.play()
        return CompanyPlayed(journey.company.key, number, journey.waits)
