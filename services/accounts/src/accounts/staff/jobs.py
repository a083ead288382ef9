"""What happens at every start: the first person of the merchant comes from a file."""

import asyncio
from pathlib import Path

from pydantic import ValidationError

from accounts.errors import StaffUnreadable
from accounts.partner.jobs import told
from accounts.staff import commands
from accounts.staff.domain import Staff
from chassis.db import commit
from chassis.logs import get_logger
from chassis.runtime import Runtime

log = get_logger(__name__)


async def bootstrap_staff(runtime: Runtime) -> None:
    """Make the person of `staff_file`, if that is set. Raises StaffUnreadable: no start."""
    path: Path | None = getattr(runtime.settings, "staff_file", None)
    if path is None:
        return
    staff = await asyncio.to_thread(read_staff, path)
    async with runtime.sessions() as session:
        changed = await commands.put_staff(session, staff, now=runtime.clock.now())
        await commit(session, "start", "staff")
    if changed:
        log.info("staff written")


def read_staff(path: Path) -> Staff:
    """Read and check the file; what is told of it never shows the password."""
    try:
        return Staff.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StaffUnreadable(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise StaffUnreadable(path, told(error)) from None
