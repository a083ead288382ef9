"""Catalog under test: what every test of it may ask for."""

import pytest

from catalog.app import SERVICE
from chassis.service import Service


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE
