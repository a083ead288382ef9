"""What goes on in the background: requests that nobody decides on time out."""

from datetime import timedelta

from approvals.request import commands
from chassis.jobs import Job
from chassis.runtime import Runtime


async def time_out_requests(runtime: Runtime) -> None:
    """End those whose time is over."""
    await commands.time_out(runtime)


TIME_OUT = Job("time out requests", every=timedelta(seconds=1), run=time_out_requests)
