"""The company of the shop that is killed, and the portal that it buys in."""

from tests.company import found, open_portal
from tests.resilience.goods import SKUS, Partner

PORTAL = "fort-portal"
KEY = "garrison"


async def open_company(partner: Partner) -> None:
    """A store for companies with the fort's goods, and a company that may buy them."""
    await open_portal(partner.put, PORTAL)
    for sku in SKUS:
        body = {"tiers": [{"amount": "2.00"}]}
        await partner.put("pricing", f"/v1/price-lists/{PORTAL}/prices/{sku}", body)
    await found(partner.put, KEY)
