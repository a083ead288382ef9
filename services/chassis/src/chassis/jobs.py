"""What runs by schedule: one process at a time does a job, whoever gets its lock."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from chassis import logs, tracing
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


async def keep_running(runtime: "Runtime", job: Job) -> None:
    """Do a job by its schedule until cancelled; a failure is logged and tried next time."""
    while True:
        try:
            await run_job(runtime, job)
        except Exception:
            log.warning("job failed", job=job.name, exc_info=True)
        pause = job.every.total_seconds()
        await asyncio.sleep(pause * random.uniform(0.9, 1.1))  # noqa: S311
