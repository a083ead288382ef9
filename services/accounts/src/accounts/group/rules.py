"""Rules of customer groups: CEL expressions of type bool over the facts of a company.

The one place that knows the library. An expression's types are checked when it is compiled, and
one that goes through too many steps is stopped by the library's own budget.
"""

from dataclasses import fields
from datetime import UTC, datetime
from functools import cache, lru_cache

from cel_expr_python import cel  # type: ignore[import-untyped]

from accounts.errors import RuleUnsound
from accounts.group.domain import Subject

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""`last_order_at` of a company without orders."""
_TYPES = {
    "country": cel.Type.STRING,
    "region": cel.Type.STRING,
    "currency": cel.Type.STRING,
    "industry": cel.Type.STRING,
    "tier": cel.Type.STRING,
    "tags": cel.Type.List(cel.Type.STRING),
    "customer_since": cel.Type.TIMESTAMP,
    "last_order_at": cel.Type.TIMESTAMP,
    "orders": cel.Type.INT,
    "lifetime_spend_minor": cel.Type.INT,
    "spend_12_months_minor": cel.Type.INT,
    "has_agreement": cel.Type.BOOL,
    "payment_days": cel.Type.INT,
    "now": cel.Type.TIMESTAMP,
}
_WIDEST = Subject(
    company="",
    country="GB",
    region="x" * 200,
    currency="EUR",
    industry="x" * 64,
    tier="x" * 64,
    tags=tuple(f"{number:064}" for number in range(50)),
    customer_since=_NEVER,
    last_order_at=_NEVER,
    orders=1,
    lifetime_spend_minor=1,
    spend_12_months_minor=1,
    has_agreement=True,
    payment_days=30,
    now=_NEVER,
)
"""A company with as much of everything as one can have: a rule that ends here ends for all."""


def check_rule(rule: str) -> None:
    """Raise RuleUnsound, with the checker's words, unless the rule can be kept.

    It must be an expression over the documented facts, of type bool, and end within the budget
    even for the widest company.
    """
    expression = _compile(rule)
    if expression.return_type() != cel.Type.BOOL:
        raise RuleUnsound(f"gives {expression.return_type().name().lower()}, and bool is needed")
    try:
        expression.eval(data=_facts_of(_WIDEST))
    except RuntimeError as error:
        raise RuleUnsound(_words_of(error)) from None


def holds(rule: str, subject: Subject) -> bool:
    """Whether a rule that was checked holds for a company; one that fails on it does not."""
    try:
        return _compile(rule).eval(data=_facts_of(subject)).value() is True
    except RuntimeError:
        return False


@cache
def _environment() -> cel.Env:
    return cel.NewEnv(variables=_TYPES)


@lru_cache(maxsize=1024)
def _compile(rule: str) -> cel.Expression:
    try:
        return _environment().compile(rule)
    except RuntimeError as error:
        raise RuleUnsound(_words_of(error)) from None


def _facts_of(subject: Subject) -> dict[str, object]:
    facts = {name: getattr(subject, name) for name in _TYPES}
    facts["tags"] = list(subject.tags)
    facts["last_order_at"] = subject.last_order_at or _NEVER
    return facts


def _words_of(error: RuntimeError) -> str:
    """What the library says, without its names of states."""
    text = str(error).strip()
    for state in ("INVALID_ARGUMENT", "CANCELLED", "INTERNAL"):
        text = text.removeprefix(f"{state}: ").removesuffix(f"[{state}]").strip()
    return text.replace("ERROR: <input>:", "at ").replace("\0", "\\0")


if {field.name for field in fields(Subject)} - {"company"} != _TYPES.keys():  # pragma: no cover
    raise TypeError("the facts and their types in CEL differ")
