"""The formula, as a truth table: each kind of thing there can be, under any assignments."""

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, column, literal_column, select, text, values
from sqlalchemy.dialects.postgresql import ARRAY

from catalog.viewer import queries
from catalog.viewer.domain import EVERYTHING, MOST_NARROWINGS, Assigned, Plan, plan_of
from contracts.catalog import AssignmentEffect, BuyerLevel

TAGS = (1, 2, 3, 4, 5)
KINDS = [*chain.from_iterable(combinations(TAGS, n) for n in range(len(TAGS) + 1))]
"""A thing is told from another only by the assortments it is in, so these are all there are."""

assigned_ones = st.builds(
    Assigned, st.sampled_from(TAGS), st.sampled_from(BuyerLevel), st.sampled_from(AssignmentEffect)
)
viewers = st.tuples(st.none() | st.sampled_from(TAGS), st.lists(assigned_ones, max_size=8))


def naive(default, assigned):
    """The formula with sets, said once more."""
    members = {tag: {kind for kind in KINDS if tag in kind} for tag in TAGS}
    own = set(KINDS) if default is None else set(members[default])
    by = {effect: [one for one in assigned if one.effect is effect] for effect in AssignmentEffect}
    for level in BuyerLevel:
        narrow = [members[one.tag] for one in by[AssignmentEffect.NARROW] if one.level is level]
        if narrow:
            own &= set().union(*narrow)
    for one in by[AssignmentEffect.WIDEN]:
        own |= members[one.tag]
    for one in by[AssignmentEffect.EXCLUDE]:
        own -= members[one.tag]
    return own


def seen_by(plan: Plan):
    """What a plan says, read as it is documented."""
    return {
        kind
        for kind in KINDS
        if (
            all(not union_.isdisjoint(kind) for union_ in map(set, plan.narrowings))
            or not set(plan.widenings).isdisjoint(kind)
        )
        and set(plan.exclusions).isdisjoint(kind)
    }


@given(viewers)
def test_a_plan_says_what_the_formula_says(viewer):
    default, assigned = viewer
    assert seen_by(plan_of(default, assigned)) == naive(default, assigned)


@given(viewers)
def test_the_order_of_assignments_does_not_matter(viewer):
    default, assigned = viewer
    assert plan_of(default, assigned) == plan_of(default, [*reversed(assigned), *assigned])


def test_without_assortments_everything_is_seen():
    assert plan_of(None, []) == EVERYTHING
    widening = Assigned(1, BuyerLevel.GROUP, AssignmentEffect.WIDEN)
    assert plan_of(None, [widening]) == EVERYTHING


async def test_the_condition_says_what_the_plan_says(runtime):
    """Every shape that a plan can have, over every kind of thing, in PostgreSQL."""
    narrowings = [(1, 2), (2, 3), (1, 3, 4), (2, 5), (1, 2, 3)]
    assert len(narrowings) == MOST_NARROWINGS
    plans = [
        Plan(tuple(narrowings[:count]), widenings, exclusions)
        for count in range(MOST_NARROWINGS + 1)
        for widenings in [(), (4, 5)]
        for exclusions in [(), (1,), (3, 4)]
    ]
    kinds = values(column("place", Integer), column("tags", ARRAY(Integer)), name="kinds").data(
        [
            (place, literal_column(f"CAST(ARRAY{list(kind)} AS integer[])"))
            for place, kind in enumerate(KINDS)
        ]
    )
    async with runtime.reader.connect() as reader:
        assert (await reader.execute(text("SELECT 1"))).scalar() == 1
        for plan in plans:
            shape, given = plan.shape, queries.parameters(plan)
            asked = select(kinds.c.place).where(queries.sees(shape, kinds.c.tags))
            found = {KINDS[place] for place in (await reader.execute(asked, given)).scalars()}
            documented = plan if plan.narrowings else Plan((), (), plan.exclusions)
            assert found == seen_by(documented), plan
            asked = select(kinds.c.place).where(queries.may_see(shape, kinds.c.tags))
            wider = {KINDS[place] for place in (await reader.execute(asked, given)).scalars()}
            assert wider == seen_by(Plan(plan.narrowings, documented.widenings)), plan
