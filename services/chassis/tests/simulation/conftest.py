"""The databases of the simulation, made once a session and emptied after each seed."""

import gc
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
        gc.collect()
        gc.freeze()  # each seed collects its own garbage
        yield made
    finally:
        gc.unfreeze()
        made.close()
        server.close()
