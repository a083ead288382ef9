"""What an order may take of credit and budget: granted, over a limit that a person may let it
top, or refused. Nothing here reads or writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.ledger.domain import LedgerKind, Standing
from contracts.companies import HoldOutcome, HoldProblem, OverLimit, OverReason
from contracts.money import MAX_MINOR, Money

_CODES = {OverReason.CREDIT: "credit-exceeded", OverReason.BUDGET: "budget-exceeded"}


@dataclass(frozen=True, slots=True)
class Line:
    """A limit that the order's amount counts against, and where its ledger stands."""

    reason: OverReason
    owner: str
    limit_minor: int
    over: OverLimit
    standing: Standing

    @property
    def ledger(self) -> tuple[LedgerKind, str]:
        """Which ledger it is the limit of."""
        return LedgerKind(self.reason.value), self.owner

    @property
    def left_minor(self) -> int:
        """What is left; negative where more was allowed."""
        return self.standing.left_of(self.limit_minor)

    def refuses(self, amount_minor: int) -> bool:
        """Whether the amount tops the limit and nobody may let it; or all sums of money."""
        taken = self.limit_minor - self.left_minor + amount_minor
        return taken > MAX_MINOR or (
            self.over is OverLimit.REFUSE and amount_minor > self.left_minor
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a hold."""

    outcome: HoldOutcome
    over: tuple[OverReason, ...] = ()
    problem: HoldProblem | None = None


def judge(amount: Money, lines: Sequence[Line]) -> Verdict:
    """Decide on an amount by all limits that it counts against.

    The first limit that refuses it says why. Else it is granted, and needs approval where it goes
    over any.
    """
    for line in lines:
        if line.refuses(amount.minor):
            return Verdict(HoldOutcome.REFUSED, problem=_exceeded(amount, line))
    over = tuple(
        reason
        for reason in OverReason
        if any(line.reason is reason and amount.minor > line.left_minor for line in lines)
    )
    return Verdict(HoldOutcome.NEEDS_APPROVAL if over else HoldOutcome.GRANTED, over)


def _exceeded(amount: Money, line: Line) -> HoldProblem:
    what = "credit" if line.reason is OverReason.CREDIT else f"the budget {line.owner!r}"
    left = Money(max(line.left_minor, 0), amount.currency)
    return HoldProblem(
        code=_CODES[line.reason], detail=f"The order needs {amount} of {what}, and {left} are left."
    )
