"""Looking until the shop is quiet, and judging then."""

import asyncio
import time
from collections.abc import Mapping

from tandem.verify import between, inside
from tandem.verify.report import Findings, Report
from tandem.verify.snapshots import Snapshot, open_snapshots

SETTLE_S = 10.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0

_UNDER_WAY = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS unpublished,
       (SELECT count(*) FROM inbox WHERE status IN ('retrying', 'waiting')) AS pending,
       (SELECT count(*) FROM processes WHERE status NOT IN ('done', 'undone')) AS processes
"""
_DEAD = """
SELECT format('%s gave event %s (%s of %s) up after %s attempts: %s', queue, event_id,
              coalesce(type, 'unreadable'), coalesce(subject, 'nothing'), attempts,
              left(regexp_replace(coalesce(last_error, ''), '\\s+', ' ', 'g'), 200))
FROM inbox WHERE status = 'dead' ORDER BY received_at, event_id
"""


async def verify(databases: Mapping[str, str], *, settle: float = SETTLE_S) -> Report:
    """Check everything that must hold, on the databases of the services by their names.

    What is under way is waited for, `settle` seconds at most. 0 judges at the first look, which
    is fair to a shop that is stopped. Needs the five services.
    """
    give_up_at = time.monotonic() + settle
    pause = _FIRST_PAUSE_S
    lasting: dict[str, str] | None = None
    while True:
        async with open_snapshots(databases) as snapshots:
            moving = await _under_way(snapshots)
            seen = await between.look(snapshots)
            # Keys name versions too, so what lasts is not merely something like it.
            lasting = {
                key: check
                for key, check in seen.differences.items()
                if lasting is None or key in lasting
            }
            is_quiet = not moving and not seen.differences and not seen.moving
            if is_quiet or time.monotonic() >= give_up_at:
                return await _judge(snapshots, seen, lasting, moving)
        await asyncio.sleep(max(0.0, min(pause, give_up_at - time.monotonic())))
        pause = min(pause * 2, _LONGEST_PAUSE_S)


async def _judge(
    snapshots: Mapping[str, Snapshot],
    seen: between.Seen,
    lasting: Mapping[str, str],
    moving: list[str],
) -> Report:
    findings = Findings()
    looked_at: dict[str, int] = {}
    for name, snapshot in snapshots.items():
        looked_at |= await inside.count(name, snapshot)
        async for check, text in inside.look(name, snapshot):
            findings.add(check, text)
    for text, check in lasting.items():
        findings.add(check, text)
    passing = len(seen.differences) - len(lasting)
    if passing:
        moving.append(f"{passing} differences between databases are new and may pass.")
    dead = [row[0] for snapshot in snapshots.values() async for row in snapshot.rows(_DEAD)]
    return Report(
        findings=findings.told(),
        moving=(*moving, *seen.moving),
        dead_letters=tuple(dead),
        looked_at=looked_at | seen.looked_at,
    )


async def _under_way(snapshots: Mapping[str, Snapshot]) -> list[str]:
    told = {
        "unpublished": "{name} has {count} events that are not published yet.",
        "pending": "{name} has {count} events to try again.",
        "processes": "{name} has {count} processes that have not ended.",
    }
    return [
        sentence.format(name=name, count=row[what])
        for name, snapshot in snapshots.items()
        for row in [await snapshot.row(_UNDER_WAY)]
        for what, sentence in told.items()
        if row[what]
    ]
