"""What the checker comes to."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

KEPT = 50
"""How many findings of one check are told; of the others only how many there are."""


@dataclass(frozen=True)
class Finding:
    """Something that must always hold and does not: which check, and one sentence."""

    check: str
    text: str


@dataclass(frozen=True)
class Report:
    """What was found, what may still change by itself, and what was looked at.

    Dead letters are none of the findings: a person has to look at them, but nothing was lost.
    """

    findings: tuple[Finding, ...]
    moving: tuple[str, ...]
    dead_letters: tuple[str, ...]
    looked_at: dict[str, int]

    @property
    def is_clean(self) -> bool:
        """Whether everything held."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "is_clean": self.is_clean,
            "findings": [{"check": one.check, "text": one.text} for one in self.findings],
            "moving": list(self.moving),
            "dead_letters": list(self.dead_letters),
            "looked_at": self.looked_at,
        }


class Findings:
    """Findings as they come in, no more of one check than a person wants to read."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, check: str, text: str) -> None:
        """One more."""
        self._counts[check] += 1
        if self._counts[check] <= KEPT:
            self._kept.append(Finding(check, text))

    def told(self) -> tuple[Finding, ...]:
        """All that are told, and for each check with more how many those are."""
        more = [
            Finding(check, f"And {count - KEPT} more like these.")
            for check, count in self._counts.items()
            if count > KEPT
        ]
        return (*self._kept, *more)
