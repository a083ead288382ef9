"""Which service is under test."""

import pytest

from approvals.app import SERVICE
from chassis.service import Service


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE
