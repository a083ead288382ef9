"""Which service is under test, and partner applications to test with."""

import pytest
from pydantic import SecretStr

from accounts.app import SERVICE
from accounts.partner import commands
from accounts.partner.domain import PartnerApplication
from chassis.service import Service

SECRET = "correct-horse-battery-staple-2010-12-01"


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
def put_application(runtime):
    """Makes a partner application, or changes it; whether anything changed."""

    async def put(
        *,
        client_id="erp",
        client_secret=SECRET,
        scopes=("catalog:read", "catalog:write"),
        name=None,
    ) -> bool:
        application = PartnerApplication(
            client_id=client_id,
            client_secret=SecretStr(client_secret),
            scopes=list(scopes),
            name=name,
        )
        async with runtime.sessions.begin() as session:
            return await commands.put_application(session, application, now=runtime.clock.now())

    return put


@pytest.fixture
async def erp(put_application) -> tuple[str, str]:
    """Client id and secret of an application that is known."""
    await put_application()
    return "erp", SECRET
