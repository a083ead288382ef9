"""What is wrong, or still moving, in the databases of a shop. No service is asked."""

from tandem.settings import PARTS
from tandem.verify import verify
from tests.shop import Shop


async def find_faults(shop: Shop) -> list[str]:
    """What is not as it must be once all has come to rest, a line each."""
    report = await verify({name: shop.urls[f"database:{name}"] for name in PARTS}, settle=0)
    found = [finding.text for finding in report.findings]
    return [*found, *report.moving, *report.dead_letters]
