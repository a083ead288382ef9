"""The databases of the simulation, made once a session and emptied after each seed."""

from collections.abc import Iterator

import pytest

from chassis.service import Service
from services.chassis.tests.simulation.garage import Garage
from services.chassis.tests.simulation.server import Server


@pytest.fixture(scope="session")
def garage(postgres_url: str, service: Service) -> Iterator[Garage]:
    """What outlives a seed."""
    server = Server(postgres_url)
    made = Garage(server)
    try:
        made.open(service)
        yield made
    finally:
        made.close()
        server.close()
