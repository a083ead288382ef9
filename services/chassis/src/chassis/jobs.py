"""What runs by schedule: one process at a time does a job, whoever gets its lock."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from chassis import logs, tracing
from chassis.bus import pause
from chassis.db import lock_number

if TYPE_CHECKING:
    from chassis.runtime import Runtime

log = logs.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """Something to do every so often. It must be harmless to do it twice."""

    name: str
    every: timedelta
    run: Callable[["Runtime"], Awaitable[None]]


async def run_job(runtime: "Runtime", job: Job) -> bool:
    """Do a job once, unless another process is at it; whether it was done here."""
    key = lock_number(f"job:{runtime.service.name}:{job.name}")
    async with runtime.direct.connect() as connection:
        got = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key})
        if not got.scalar_one():
            return False
        with tracing.scope():
            await job.run(runtime)
    return True


async def run(runtime: "Runtime", jobs: Sequence[Job], *, stop: asyncio.Event) -> None:
    """Do jobs by their schedules until `stop`; the one in hand is finished."""
    await asyncio.gather(*(_repeat(runtime, job, stop) for job in jobs))


async def _repeat(runtime: "Runtime", job: Job, stop: asyncio.Event) -> None:
    """Do one job again and again; a failure is logged and tried next time."""
    while not stop.is_set():
        try:
            await run_job(runtime, job)
        except Exception:
            log.warning("job failed", job=job.name, exc_info=True)
        seconds = job.every.total_seconds() * runtime.random.uniform(0.9, 1.1)
        await pause(stop, seconds)
