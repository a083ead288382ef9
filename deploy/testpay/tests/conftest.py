"""Which service is under test, and a merchant who calls it."""

from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest

from chassis.service import Service
from testpay.app import SERVICE

SECRET = "whsec_" + b64encode(b"the merchant's, for tests only").decode()


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
def settings(settings: Any) -> Any:
    """The merchant is known; what is slow is only a little so."""
    changes = {"testpay_secret": SECRET, "settle_after_seconds": 0.0, "slow_seconds": 0.2}
    return settings.model_copy(update=changes)


@pytest.fixture
def post(app_client):
    """Calls as the merchant, under a key of its own unless one is given."""

    async def call(path="", body=None, *, key=None, **headers):
        return await app_client.post(
            f"/v1/payments{path}",
            json=body,
            headers={
                "Authorization": f"Bearer {SECRET}",
                "Idempotency-Key": key or uuid4().hex,
                **headers,
            },
        )

    return call


@pytest.fixture
def get(app_client):
    async def call(reference):
        headers = {"Authorization": f"Bearer {SECRET}"}
        return await app_client.get(f"/v1/payments/{reference}", headers=headers)

    return call
