"""What happens at every start: the first partner application comes from a file."""

import asyncio
from pathlib import Path

from pydantic import ValidationError

from accounts.errors import BootstrapPartnerUnreadable
from accounts.partner import commands
from accounts.partner.domain import PartnerApplication
from chassis.db import commit
from chassis.logs import get_logger
from chassis.runtime import Runtime

log = get_logger(__name__)


async def bootstrap_partner(runtime: Runtime) -> None:
    """Make the application of `bootstrap_partner_file`, if that is set.

    Raises BootstrapPartnerUnreadable, which ends the start.
    """
    path: Path | None = getattr(runtime.settings, "bootstrap_partner_file", None)
    if path is None:
        return
    application = await asyncio.to_thread(read_application, path)
    async with runtime.sessions() as session:
        changed = await commands.put_application(session, application, now=runtime.clock.now())
        await commit(session, "start", "partner")
    if changed:
        log.info("partner application written", client_id=application.client_id)


def read_application(path: Path) -> PartnerApplication:
    """Read and check the file; what is told of it never shows the secret."""
    try:
        return PartnerApplication.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BootstrapPartnerUnreadable(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise BootstrapPartnerUnreadable(path, told(error)) from None


def told(error: ValidationError) -> str:
    """What is wrong with a file, field by field, without what stands there."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    )
