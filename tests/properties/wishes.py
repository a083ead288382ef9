"""What a step of a test may draw. Things are drawn by number, so that a draw means the same in
every run, whatever the keys and ids of its shop.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st

from tests.properties.model.prices import DECIMALS

CURRENCIES = tuple(DECIMALS)
TAXED = ("GB", "DE")
"""Where every store goes, and what is sold there is taxed."""
UNTAXED = "AQ"
"""Nobody ever says what tax is due there."""
COUNTRIES = (*TAXED, UNTAXED)
CLASSES = ("standard", "reduced", "odd")
"""Of these the last has no rate until a step writes one."""
EDGES = tuple(datetime(year, 1, 1, tzinfo=UTC) for year in (2001, 2011, 2091, 2101))
BETWEEN = tuple(datetime(year, 6, 1, tzinfo=UTC) for year in (1999, 2005, 2015, 2095, 2105))

Window = tuple[datetime | None, datetime | None]
Choice = TypeVar("Choice")


def mostly(usual: Choice, *rare: Choice) -> st.SearchStrategy[Choice]:
    """The first twice as often as all others together."""
    return st.sampled_from([*(usual for _ in (*rare, *rare)), *rare])


few = st.integers(0, 3)
doors = st.sampled_from(["rest", "rest", "graph"])
currencies = st.lists(st.sampled_from(CURRENCIES), min_size=1, max_size=2, unique=True)
countries = st.permutations(TAXED).flatmap(
    lambda taxed: mostly(taxed, [*taxed, UNTAXED], taxed[:1])
)
displays = st.sampled_from(["gross", "net"])
names = st.sampled_from(
    [{"en": "Lantern"}, {"en": "Bucket", "fr": "Seau"}, {"en": "Drum", "fr": "Tambour"}]
)
rates = st.sampled_from(["0", "0.05", "0.077", "0.19", "0.2", "0.333333", "1"])
cents = st.integers(0, 9_999).map(lambda number: Decimal(number).scaleb(-2))
"""Amounts of at most two decimals."""
fine = st.integers(0, 3_000_000).map(lambda number: Decimal(number).scaleb(-6))
"""Amounts of up to six decimals."""
odd = st.sampled_from(["0.005", "0.125", "0.333333", "1.005", "999999999999.999999"]).map(Decimal)
"""Amounts at the edge of a rounding, and one that makes most lines too expensive."""
amounts = st.one_of(cents, cents, cents, fine, fine, fine, odd)
steps = (2, 5, 10)
"""Where a tier may begin."""
quantities = st.sampled_from([1, 2, 3, 4, 5, 6, 9, 10, 11, 1, 2, 5, 10])
doubtful_quantities = st.one_of(
    *(quantities for _ in range(8)), st.sampled_from([0, -1, 999_999, 1_000_000, 1_000_001])
)
lines = st.lists(st.tuples(st.integers(0, 2), quantities), min_size=1, max_size=3)
"""Of SKUs that have a price from the start."""
doubtful_lines = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 0, 1, 2, 3, 4]), doubtful_quantities),
    min_size=1,
    max_size=3,
)
"""The fourth SKU has no price from the start, the fifth was never written."""
tiers = st.dictionaries(st.sampled_from(steps), amounts, max_size=2).map(
    lambda tiers: sorted(tiers.items())
)
stocks = st.sampled_from([100, 100, 50, 50, 20, 0])
first_tiers = st.dictionaries(st.sampled_from(steps), fine, max_size=2).map(
    lambda tiers: sorted(tiers.items())
)
counts = st.one_of(*(st.integers(0, 30) for _ in range(5)), st.just(1_000_000))
always: st.SearchStrategy[Window] = st.just((None, None))
windows = st.one_of(
    *(always for _ in range(4)),
    st.sampled_from(EDGES).map(lambda edge: (edge, None)),
    st.sampled_from(EDGES).map(lambda edge: (None, edge)),
    st.sampled_from([(one, other) for one in EDGES for other in EDGES if one < other]),
)
moments = st.none() | st.sampled_from(BETWEEN)
tokens = mostly("tok_ok", "tok_declined", "tok_other")
Attempt = tuple[str, str, str]
"""To submit a cart: under which key, agreeing to which total, by which card."""
attempt = st.tuples(
    st.sampled_from(["new", "new", "again", "again with another body", "none"]),
    mostly("shown", "less", "other currency"),
    tokens,
)
attempts = st.lists(attempt, min_size=1, max_size=4)
