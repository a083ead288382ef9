"""What needs a person, and who that person may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.policy.domain import find_nearest, find_reasons, may_decide
from contracts.buyers import BuyerProfile
from contracts.companies import OverReason
from contracts.ids import new_id
from contracts.money import Money

PATH = ["shop", "region", "head-office"]
ME = new_id()


def eur(minor):
    return Money(minor, "EUR")


def member(*roles, unit="shop", company="acme", is_active=True, member_id=None):
    return BuyerProfile(
        member_id=member_id or new_id(),
        sequence=1,
        is_active=is_active,
        company=company,
        units=[unit],
        roles=list(roles),
        groups=[],
        agreements=[],
        country="GB",
        currency="EUR",
    )


@pytest.mark.parametrize(
    ("amount", "limit", "over", "reasons"),
    [
        (eur(25_000), None, [], []),
        (eur(25_000), eur(25_000), [], []),
        (eur(25_001), eur(25_000), [], ["over_order_limit"]),
        (eur(1), eur(0), [], ["over_order_limit"]),
        (eur(1), Money(25_000, "GBP"), [], ["over_order_limit"]),
        (eur(1), None, [OverReason.CREDIT], ["over_credit"]),
        (eur(1), eur(5), [OverReason.BUDGET], ["over_budget"]),
        (
            eur(6),
            eur(5),
            [OverReason.BUDGET, OverReason.CREDIT],
            ["over_budget", "over_credit", "over_order_limit"],
        ),
    ],
)
def test_what_needs_a_person(amount, limit, over, reasons):
    assert find_reasons(amount, order_limit=limit, over=over) == reasons


def test_the_nearest_unit_with_an_approver_decides():
    shop, region = member("approver"), member("approver", unit="region")
    head = member("approver", unit="head-office")
    found = find_nearest([head, region, shop], requester=ME, units=PATH)
    assert found == [shop.member_id]
    assert find_nearest([head, region], requester=ME, units=PATH) == [region.member_id]
    assert find_nearest([head], requester=ME, units=PATH) == [head.member_id]
    assert find_nearest([member("approver", unit="other")], requester=ME, units=PATH) == []


def test_who_asks_and_who_lost_access_do_not_count():
    me = member("approver", member_id=ME)
    gone = member("approver", is_active=False)
    plain = member("buyer", "admin")
    assert find_nearest([me, gone, plain], requester=ME, units=PATH) == []


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (member("approver"), True),
        (member("approver", unit="head-office"), True),
        (member("approver", unit="other-shop"), False),
        (member("admin", unit="other-shop"), True),
        (member("buyer"), False),
        (member("approver", is_active=False), False),
        (member("approver", "admin", company="globex"), False),
        (member("approver", "admin", member_id=ME), False),
    ],
    ids=["same unit", "above", "beside", "admin", "buyer", "inactive", "stranger", "own"],
)
def test_who_may_decide(who, may):
    assert may_decide(who, company="acme", requester=ME, units=PATH) == may


@given(
    st.lists(
        st.builds(
            member,
            st.sampled_from(["buyer", "approver", "admin"]),
            unit=st.sampled_from([*PATH, "other"]),
            company=st.just("acme"),
            is_active=st.booleans(),
        ),
        max_size=8,
    )
)
def test_whoever_is_found_may_decide_and_nobody_nearer_is_left_out(members):
    found = find_nearest(members, requester=ME, units=PATH)
    by_id = {one.member_id: one for one in members}
    deciders = [
        one
        for one in members
        if "approver" in one.roles and may_decide(one, company="acme", requester=ME, units=PATH)
    ]
    nearest = min((PATH.index(one.units[0]) for one in deciders), default=None)
    expected = [one for one in deciders if PATH.index(one.units[0]) == nearest]
    assert [by_id[one] for one in found] == sorted(expected, key=lambda one: one.member_id)
