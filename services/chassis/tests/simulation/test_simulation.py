"""Little stories in which everything goes wrong, each decided by its seed: the promises hold.

`TANDEM_TEST_SEEDS` says how many seeds are played, `TANDEM_TEST_SEED` names a single one, whose
whole trace is then told if it fails.
"""

import os

import pytest

from services.chassis.tests.simulation.simulate import simulate

AT_ONCE = 10
ALONE = os.environ.get("TANDEM_TEST_SEED")
COUNT = int(os.environ.get("TANDEM_TEST_SEEDS") or 200)


@pytest.mark.skipif(ALONE is not None, reason="one seed alone was asked for")
@pytest.mark.parametrize("first", range(0, COUNT, AT_ONCE))
def test_promises_hold(garage, first):
    for seed in range(first, min(first + AT_ONCE, COUNT)):
        report = simulate(seed, garage)
        assert not report.faults, str(report)


@pytest.mark.skipif(ALONE is None, reason="no single seed was asked for")
def test_promises_hold_in_this_seed(garage):
    report = simulate(int(ALONE or 0), garage, tail=None)
    assert not report.faults, str(report)


def test_a_seed_repeats_itself(garage):
    first, again, other = (simulate(seed, garage) for seed in (3, 3, 4))
    assert (again.digest, again.steps, again.tail) == (first.digest, first.steps, first.tail)
    assert other.digest != first.digest
