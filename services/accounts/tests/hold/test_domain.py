"""What an order may take of credit and budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.hold.domain import Line, judge
from accounts.ledger.domain import Movement, Standing, add_up, hold, release, settle
from contracts.companies import HoldOutcome, OverLimit, OverReason
from contracts.money import MAX_MINOR, Money

CREDIT, BUDGET = OverReason.CREDIT, OverReason.BUDGET
REFUSE, APPROVE = OverLimit.REFUSE, OverLimit.APPROVE


def make_line(reason=CREDIT, limit=100, *, held=0, used=0, over=REFUSE, owner="acme"):
    return Line(reason, owner, limit, over, Standing(held, used))


def eur(minor):
    return Money(minor, "EUR")


@pytest.mark.parametrize(
    ("lines", "outcome", "over", "code"),
    [
        ([], HoldOutcome.GRANTED, (), None),
        ([make_line()], HoldOutcome.GRANTED, (), None),
        ([make_line(held=50)], HoldOutcome.GRANTED, (), None),
        ([make_line(held=51)], HoldOutcome.REFUSED, (), "credit-exceeded"),
        ([make_line(used=51)], HoldOutcome.REFUSED, (), "credit-exceeded"),
        ([make_line(limit=0)], HoldOutcome.REFUSED, (), "credit-exceeded"),
        ([make_line(used=51, over=APPROVE)], HoldOutcome.NEEDS_APPROVAL, (CREDIT,), None),
        (
            [make_line(), make_line(BUDGET, 10)],
            HoldOutcome.REFUSED,
            (),
            "budget-exceeded",
        ),
        (
            [make_line(), make_line(BUDGET, 10, over=APPROVE), make_line(BUDGET, 9, over=APPROVE)],
            HoldOutcome.NEEDS_APPROVAL,
            (BUDGET,),
            None,
        ),
        (
            [make_line(limit=1, over=APPROVE), make_line(BUDGET, 10, over=APPROVE)],
            HoldOutcome.NEEDS_APPROVAL,
            (CREDIT, BUDGET),
            None,
        ),
        (
            [make_line(limit=1, over=APPROVE), make_line(BUDGET, 10)],
            HoldOutcome.REFUSED,
            (),
            "budget-exceeded",
        ),
        (
            [make_line(held=MAX_MINOR, over=APPROVE)],
            HoldOutcome.REFUSED,
            (),
            "credit-exceeded",
        ),
    ],
)
def test_fifty_against_these_limits(lines, outcome, over, code):
    verdict = judge(eur(50), lines)
    assert (verdict.outcome, verdict.over) == (outcome, over)
    assert (verdict.problem and verdict.problem.code) == code


def test_the_refusal_says_what_would_do():
    verdict = judge(eur(25_000), [make_line(limit=12_000)])
    assert verdict.problem is not None
    assert verdict.problem.detail == (
        "The order needs 250.00 EUR of credit, and 120.00 EUR are left."
    )


@given(
    st.integers(0, 10_000),
    st.sampled_from(OverLimit),
    st.lists(st.tuples(st.sampled_from("hrs"), st.integers(0, 4), st.integers(1, 5_000))),
)
def test_a_limit_that_refuses_is_never_topped(limit, over, steps):
    """Any sequence of holds, releases and settlements, judged one after the other."""
    movements: list[Movement] = []
    open_holds: dict[int, int] = {}
    for step, number, amount in steps:
        standing = add_up(movements)
        if step == "h" and number not in open_holds:
            verdict = judge(eur(amount), [Line(CREDIT, "acme", limit, over, standing)])
            if verdict.outcome is HoldOutcome.REFUSED:
                continue
            open_holds[number] = amount
            movements.append(hold(amount))
            is_over = add_up(movements).left_of(limit) < 0
            assert is_over == (verdict.outcome is HoldOutcome.NEEDS_APPROVAL)
        elif step != "h" and number in open_holds:
            end = release if step == "r" else settle
            movements.append(end(open_holds.pop(number)))
    if over is REFUSE:
        assert add_up(movements).left_of(limit) >= 0
