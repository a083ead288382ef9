"""What is wrong, or still moving, in the databases of a shop. No service is asked."""

from typing import Any

import asyncpg

from tandem.settings import PARTS
from tandem.verify import verify
from tests.shop import Shop


async def find_faults(shop: Shop) -> list[str]:
    """What is not as it must be once all has come to rest, a line each."""
    report = await verify({name: shop.urls[f"database:{name}"] for name in PARTS}, settle=0)
    found = [finding.text for finding in report.findings]
    return [*found, *report.moving, *report.dead_letters]


async def read(shop: Shop, name: str, statement: str) -> Any:
    """The one value that a statement gives, on the database of a service."""
    connection = await asyncpg.connect(shop.urls[f"database:{name}"])
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
