"""What a parcel may hold, and where its order stands then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.orders import OrderStatus, ShipmentLineInput
from orders.errors import LinesNotShippable, OrderAlreadyShipped
from orders.shipment.domain import Ordered, pack, status_after


def lines(**quantities):
    return [ShipmentLineInput(sku=sku, quantity=quantity) for sku, quantity in quantities.items()]


ORDERED = [Ordered("a", 5, 2), Ordered("b", 1, 1), Ordered("c", 2, 0)]


@pytest.mark.parametrize(
    ("asked", "packed", "status"),
    [
        (None, {"a": 3, "c": 2}, OrderStatus.SHIPPED),
        (lines(a=1), {"a": 1}, OrderStatus.PARTIALLY_SHIPPED),
        (lines(c=2, a=3), {"a": 3, "c": 2}, OrderStatus.SHIPPED),
    ],
)
def test_what_is_asked_or_all_that_is_left_is_packed(asked, packed, status):
    assert pack(ORDERED, asked) == packed
    assert status_after(ORDERED, packed) is status


def test_every_bad_line_is_told():
    with pytest.raises(LinesNotShippable) as told:
        pack(ORDERED, lines(a=4, x=1, b=1, c=1))
    assert [(error.pointer, error.code) for error in told.value.errors] == [
        ("/lines/0/quantity", "more-than-left"),
        ("/lines/1/sku", "sku-not-ordered"),
        ("/lines/2/quantity", "more-than-left"),
    ]


@pytest.mark.parametrize("asked", [None, lines(a=1), lines(x=1)])
def test_nothing_is_left_of_a_shipped_order(asked):
    with pytest.raises(OrderAlreadyShipped):
        pack([Ordered("a", 5, 5)], asked)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=5), st.data())
def test_never_more_is_packed_than_is_left(quantities, data):
    ordered = [
        Ordered(f"s{index}", quantity, min(quantity, shipped))
        for index, (quantity, shipped) in enumerate(quantities)
    ]
    asked = data.draw(
        st.none()
        | st.dictionaries(
            st.sampled_from([one.sku for one in ordered]), st.integers(1, 9), min_size=1
        ).map(lambda wanted: lines(**wanted))
    )
    try:
        packed = pack(ordered, asked)
    except (LinesNotShippable, OrderAlreadyShipped):
        return
    assert packed
    assert all(packed.get(one.sku, 1) > 0 for one in ordered)
    assert all(packed.get(one.sku, 0) <= one.left for one in ordered)
    is_whole = sum(packed.values()) == sum(one.left for one in ordered)
    assert (status_after(ordered, packed) is OrderStatus.SHIPPED) == is_whole
