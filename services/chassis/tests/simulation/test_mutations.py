"""The simulation finds bugs: each that is planted, within a few seeds."""

from dataclasses import replace

import pytest

from services.chassis.tests.simulation.mutations import MUTATIONS
from services.chassis.tests.simulation.plan import plan_of
from services.chassis.tests.simulation.simulate import simulate

SEEDS = 40


@pytest.mark.parametrize("plant", MUTATIONS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(garage, monkeypatch, plant):
    plant(monkeypatch)
    for seed in range(SEEDS):
        report = simulate(seed, garage, plan=replace(plan_of(seed), **MUTATIONS[plant]))
        if report.faults:
            return
    pytest.fail(f"not found within {SEEDS} seeds")
