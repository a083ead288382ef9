"""Growing pauses between attempts, with jitter so that many who failed together don't return
together. The random source is passed in, so that a simulation repeats itself.
"""

from dataclasses import dataclass, field
from random import Random


def delay(attempt: int, *, first: float, cap: float, random: Random) -> float:
    """Seconds to wait after failure number `attempt` (1 is the first one).

    Doubles from `first` up to `cap`; the upper half of that is drawn at random ("equal jitter"),
    so that it never falls to nothing.
    """
    full = min(cap, first * 2.0 ** min(max(attempt, 1) - 1, 60))
    return full * (0.5 + 0.5 * random.random())


@dataclass(slots=True)
class Backoff:
    """Counts failures in a row and says how long to wait now."""

    random: Random
    first: float = 0.1
    cap: float = 10.0
    failures: int = field(default=0, init=False)

    def next(self) -> float:
        """One more failure: seconds to wait before the next try."""
        self.failures += 1
        return delay(self.failures, first=self.first, cap=self.cap, random=self.random)

    def reset(self) -> None:
        """It worked again."""
        self.failures = 0
