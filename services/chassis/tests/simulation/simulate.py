"""One seed: its world is built, its story played, and what came of it checked."""

import gc
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace

import asyncpg
import pytest
from sqlalchemy.exc import SAWarning

from services.chassis.tests.simulation.checks import find_faults
from services.chassis.tests.simulation.garage import Garage
from services.chassis.tests.simulation.loop import Spinning, Stalled, VirtualLoop
from services.chassis.tests.simulation.mirror import TOPOLOGY
from services.chassis.tests.simulation.plan import Plan, plan_of
from services.chassis.tests.simulation.story import Story, prepare
from services.chassis.tests.simulation.world import BEGINNING, World


@dataclass(frozen=True)
class Report:
    """What came of a seed."""

    seed: int
    faults: list[str]
    digest: str
    tail: list[str]
    steps: int
    operations: int
    races: int
    seconds: float

    def __str__(self) -> str:
        lines = "\n  ".join(self.faults)
        tail = "\n  ".join(self.tail)
        return (
            f"Seed {self.seed} broke a promise:\n  {lines}\n"
            f"after {self.steps} steps, {self.operations} database operations,"
            f" {self.seconds:.0f} virtual seconds, {self.races} races that the seed did not decide."
            f"\nThe end of its trace:\n  {tail}\n"
            f"Again: TANDEM_TEST_SEED={self.seed} .venv/bin/python -m pytest"
            " services/chassis/tests/simulation"
        )


class TraceLog:
    """The chassis' log, as lines of the trace."""

    def __init__(self, world: World) -> None:
        self._world = world

    def write(self, event: str, **facts: object) -> None:
        """Note what the chassis says."""
        facts.pop("exc_info", None)
        self._world.note(f"log: {event} {facts}")

    debug = info = warning = error = write


def simulate(
    seed: int, garage: Garage, *, plan: Plan | None = None, tail: int | None = 40
) -> Report:
    """Play a seed, by another plan than its own if one is given; `tail` is how much of its trace
    is kept (None: all of it).
    """
    gc.disable()  # when it comes is no matter of the seed
    try:
        report = _simulate(seed, garage, plan or plan_of(seed), tail)
        with _the_dead_may_leave_things():
            gc.collect()
    finally:
        gc.enable()
    garage.clean()
    return report


def _simulate(seed: int, garage: Garage, plan: Plan, tail: int | None) -> Report:
    loop = VirtualLoop(Random(f"{seed} loop"))
    with pytest.MonkeyPatch.context() as patch:
        _bend_time(patch, loop, Random(f"{seed} ids"))
        patch.setattr("chassis.inbox.QUEUES", TOPOLOGY)
        world = World(seed, plan, loop, garage, deque(maxlen=tail))
        for module in ("copies", "inbox", "process", "relay", "wake"):
            patch.setattr(f"chassis.{module}.log", TraceLog(world))
        patch.setattr(asyncpg, "connect", world.gate.connect)
        prepare(world)
        outside = garage.take("source")
        story = Story(world, outside.pooled)
        _play(story)
        report = Report(
            seed,
            list(find_faults(story)),
            world.digest,
            list(world.tail),
            loop.steps,
            world.gate.operations,
            world.gate.races,
            loop.time(),
        )
        with _the_dead_may_leave_things():
            world.close()
        garage.give_back("source", outside)
    return report


def _play(story: Story) -> None:
    world = story.world
    try:
        world.loop.run_until_complete(story.play())
    except Stalled:
        world.accuse("everything waits for something that will never come")
    except Spinning:
        world.accuse("something runs in circles without any time going by")
    except Exception as error:
        world.accuse(f"the story broke: {error!r}")


@contextmanager
def _the_dead_may_leave_things() -> Iterator[None]:
    """Who was killed returned no connection to its pool."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The garbage collector is trying", SAWarning)
        yield


def _bend_time(patch: pytest.MonkeyPatch, loop: VirtualLoop, random: Random) -> None:
    """Let ids and deadlines come from the seed and the virtual clock."""
    start = BEGINNING.timestamp()
    time = SimpleNamespace(
        time=lambda: start + loop.time(),
        time_ns=lambda: int((start + loop.time()) * 1_000_000_000),
    )
    patch.setattr("contracts.ids.time", time)
    patch.setattr("contracts.ids.os", SimpleNamespace(urandom=random.randbytes))
    patch.setattr("chassis.tracing.time", time)
    patch.setattr("chassis.tracing.os", SimpleNamespace(urandom=random.randbytes))
    patch.setattr(
        "chassis.tracing.secrets",
        SimpleNamespace(token_hex=lambda size: random.randbytes(size).hex()),
    )
