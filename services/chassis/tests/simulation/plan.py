"""What a seed says beforehand: how many nodes, how much work, and which troubles there are."""

from dataclasses import dataclass
from random import Random

from services.chassis.tests.simulation.broker import Weather

KINDS = ("crash", "rest", "stop", "outage", "cut", "cut all")


@dataclass(frozen=True)
class Plan:
    """One simulated story."""

    sources: int
    mirrors: int
    things: int
    writes: int
    deals: int
    deadline_seconds: float
    rebuilds: bool
    skew_seconds: float
    sweep_seconds: float
    lease_seconds: float
    relay_window: int
    work_seconds: float
    trouble_seconds: float
    steps_between: int
    """How many steps there are between two troubles, at most."""
    kinds: tuple[str, ...]
    weather: Weather
    loss: float
    stall: float
    latency_seconds: float
    bank_trouble: float
    handler_trouble: float
    poison: float


def plan_of(seed: int) -> Plan:
    """Draw a plan. Half the seeds leave out a kind of trouble, so that none hides another."""
    random = Random(f"plan {seed}")

    def sometimes(most: float) -> float:
        return random.uniform(most / 5, most) if random.random() < 0.5 else 0.0

    has_writes = random.random() < 0.8
    has_deals = not has_writes or random.random() < 0.5
    return Plan(
        sources=random.choice((1, 2)),
        mirrors=random.choice((1, 1, 2)),
        things=random.randint(1, 3),
        writes=random.randint(3, 12) if has_writes else 0,
        deals=random.randint(1, 4) if has_deals else 0,
        deadline_seconds=random.choice((60, 300)),
        rebuilds=has_writes and random.random() < 0.3,
        skew_seconds=sometimes(3),
        sweep_seconds=random.choice((2, 5, 10)),
        lease_seconds=random.choice((3, 6, 15)),
        relay_window=random.choice((1, 2, 5, 200)),
        work_seconds=random.choice((2, 10, 30)),
        trouble_seconds=random.choice((10, 30, 60)),
        steps_between=random.choice((100, 400, 1_500)),
        kinds=tuple(kind for kind in KINDS if random.random() < 0.5),
        weather=Weather(
            refused=sometimes(0.2),
            lost=sometimes(0.3),
            twice=sometimes(0.5),
            shuffled=sometimes(1),
            delayed=sometimes(0.5),
            unacknowledged=sometimes(0.3),
        ),
        loss=sometimes(0.02),
        stall=sometimes(0.03),
        latency_seconds=random.choice((0, 0.005, 0.1)),
        bank_trouble=sometimes(0.5),
        handler_trouble=sometimes(0.4),
        poison=sometimes(0.1),
    )
