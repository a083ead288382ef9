"""The chassis is tested through a small service of its own, `shelf`."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from chassis.service import Service

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def service() -> Service:
    """The service under test."""
    shelf: Service = import_module("shelf.app").SERVICE
    return shelf
