"""Every service in turn, as the contract's tests see it."""

from importlib import import_module
from typing import cast

import pytest

from chassis.service import Service
from tandem.settings import PARTS


@pytest.fixture(scope="session", params=PARTS)
def service(request: pytest.FixtureRequest) -> Service:
    """The service whose contract is tested."""
    return cast(Service, import_module(f"{request.param}.app").SERVICE)
