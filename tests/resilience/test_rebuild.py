"""A copy is rebuilt by the operator's command while events flow, over and over, each time killed at
another failpoint. The one that comes through leaves the copy equal to its source.
"""

import asyncio
import signal
import time
from itertools import count

import pytest

from tests.resilience.goods import SKUS, Partner
from tests.resilience.settled import find_faults
from tests.shop import Shop

REBUILD = "catalog rebuild"
DAMAGES = (
    f"DELETE FROM availability WHERE sku = '{SKUS[0]}'",
    f"UPDATE availability SET available = -1 WHERE sku = '{SKUS[1]}'",
    "INSERT INTO availability (sku, available, sequence) VALUES ('never', 1, 1)"
    " ON CONFLICT DO NOTHING",
)
PATIENCE_SECONDS = 30.0


async def rebuild(shop: Shop, *, killed_at: str | None = None) -> None:
    """Run the command to its end, or to where it is killed."""
    shop.arm(REBUILD, f"{killed_at}=kill" if killed_at else "")
    shop.start(REBUILD, "catalog", "rebuild", "availability")
    status = await asyncio.to_thread(shop.processes.pop(REBUILD).wait, 60)
    assert status == (-signal.SIGKILL if killed_at else 0), shop.log(REBUILD)


async def damage(shop: Shop) -> None:
    for statement in DAMAGES:
        await shop.rows("catalog", statement)


async def count_on(partner: Partner, stop: asyncio.Event) -> None:
    """Change the stock of one SKU after the other."""
    for n in count():
        if stop.is_set():
            return
        await partner.put_stock(SKUS[n % len(SKUS)], 100_000 + n % 7)


@pytest.fixture
async def flowing(partner):
    """Events flow while the test runs; set it to end that."""
    stop = asyncio.Event()
    counting = asyncio.create_task(count_on(partner, stop))
    yield stop
    stop.set()
    await counting


async def test_a_rebuild_killed_at_every_failpoint_while_events_flow(shop, flowing):
    shop.forget_hits()
    await damage(shop)
    await rebuild(shop)
    points = [one for one in shop.hits(REBUILD) if one.startswith(("call:", "copies:"))]
    assert "copies:availability:batch:committed" in points
    assert "copies:availability:sweeping" in points
    for point in points:
        await damage(shop)
        await rebuild(shop, killed_at=point)
    await rebuild(shop)
    flowing.set()
    until = time.monotonic() + PATIENCE_SECONDS
    while faults := await find_faults(shop):
        assert time.monotonic() < until, "\n".join(faults[:20])
        await asyncio.sleep(0.02)
