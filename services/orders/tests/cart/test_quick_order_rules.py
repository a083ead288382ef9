"""How a pasted list is read, and which of its lines are taken."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import SKU_PATTERN
from contracts.orders import MAX_QUICK_ORDER_LINES, CartStatus
from contracts.pricing import MAX_QUANTITY
from orders.cart.domain import CartState, Line
from orders.cart.quick_order import put_taken, read_list, take
from orders.errors import CartTooLong, QuickOrderTooLong
from orders.product.domain import SkuFacts


@pytest.mark.parametrize(
    ("line", "sku", "quantity"),
    [
        ("71053\t6", "71053", 6),
        ("71053;6", "71053", 6),
        ("71053,6", "71053", 6),
        ("71053 6", "71053", 6),
        ("71053    6", "71053", 6),
        ("  71053 ; 6  ", "71053", 6),
        ("71053", "71053", 1),
        ("71053\t", "71053", 1),
        ("71053;;", "71053", 1),
        ("71053,006", "71053", 6),
        ("PARTY LIGHT\t3", "PARTY LIGHT", 3),
        ("PARTY LIGHT 3", "PARTY LIGHT", 3),
        ("PARTY LIGHT", "PARTY LIGHT", 1),
        ("CABLE 2.5", "CABLE 2.5", 1),
        ('"71053","6"', "71053", 6),
        ('"71053", "6"', "71053", 6),
        ('"71053" 6', "71053", 6),
        ('71053,"1,000"', "71053", 1000),
        ("71053\t1,000", "71053", 1000),
        ("71053;1 000", "71053", 1000),
        ("71053;12'000", "71053", 12000),
        ("71053;1\u202f000", "71053", 1000),
        ("71053;1,000,000", "71053", MAX_QUANTITY),
        ("\uff17\uff11\uff10\uff15\uff13\uff0c\uff16", "71053", 6),
        ("71053\u3000\uff16", "71053", 6),
        ("71053;\u0661\u0662", "71053", 12),
        ("\ufeff71053;6", "71053", 6),
        ("71053\u00a06", "71053", 6),
        ("85123a 1", "85123a", 1),
        ("NO", "NO", 1),
    ],
)
def test_a_line_is_read(line, sku, quantity):
    pasted, refused = read_list(line)
    assert refused == []
    assert [(one.line, one.sku, one.quantity) for one in pasted] == [(1, sku, quantity)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("71053\t0", "quantity-unreadable"),
        ("71053\t000", "quantity-unreadable"),
        ("71053\t-1", "quantity-unreadable"),
        ("71053 -1", "quantity-unreadable"),
        ("71053 +1", "quantity-unreadable"),
        ("71053 0", "quantity-unreadable"),
        ("71053;1.5", "quantity-unreadable"),
        ("71053;1,5", "quantity-unreadable"),
        ("71053;1.000", "quantity-unreadable"),
        ("71053;1,00", "quantity-unreadable"),
        ("71053;1,000 000", "quantity-unreadable"),
        ("71053;1e3", "quantity-unreadable"),
        ("71053;six", "quantity-unreadable"),
        ("71053;6\u00b2", "quantity-unreadable"),
        ("71053;1000001", "quantity-too-large"),
        ("71053;" + "9" * 5000, "quantity-too-large"),
        ("71053 " + "9" * 5000, "quantity-too-large"),
        ("71053,1,000", "line-unreadable"),
        ("71053,6,Lantern", "line-unreadable"),
        ("\t6", "line-unreadable"),
        (";6", "line-unreadable"),
        ("a/b 6", "line-unreadable"),
        ("\u00e9toile;6", "line-unreadable"),
        ("x" * 65 + ";6", "line-unreadable"),
        ('"71053;6', "line-unreadable"),
        ("\x00;1", "line-unreadable"),
    ],
)
def test_a_line_that_cannot_be_read_for_sure_is_refused(line, code):
    pasted, refused = read_list(line)
    assert pasted == []
    assert [(one.line, one.text, one.code) for one in refused] == [(1, line.strip()[:200], code)]
    assert refused[0].message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_the_buyer_sees_them(end):
    pasted, refused = read_list(end.join(["", "71053 6", " \t ", ",,", "a/b", "22423", ""]))
    assert [(one.line, one.sku) for one in pasted] == [(2, "71053"), (6, "22423")]
    assert [one.line for one in refused] == [5]


@pytest.mark.parametrize(
    "heading",
    [
        "sku,quantity",
        "SKU",
        "SKU Quantity",
        "Article;Amount",
        "\u8d27\u53f7\t\u6570\u91cf",
        '"Sku","Qty","Comment"',
    ],
)
def test_a_heading_is_passed_over_at_the_top_only(heading):
    pasted, refused = read_list(f"\n{heading}\n71053\t6")
    assert ([one.sku for one in pasted], refused) == (["71053"], [])
    pasted, refused = read_list(f"71053\t6\n{heading}")
    assert len(pasted) + len(refused) == 2


@pytest.mark.parametrize("first", ["71053;six", "LAMP1;six", "LAMP 6", "LAMP"])
def test_a_first_line_with_a_number_or_one_word_is_no_heading(first):
    pasted, refused = read_list(first)
    assert len(pasted) + len(refused) == 1


def test_at_most_500_lines_that_are_not_empty():
    lines = "\n\n".join(["71053 1"] * MAX_QUICK_ORDER_LINES)
    assert len(read_list(lines)[0]) == MAX_QUICK_ORDER_LINES
    with pytest.raises(QuickOrderTooLong):
        read_list(f"{lines}\nx")


SKUS = st.from_regex(re.compile(SKU_PATTERN[:-1] + r"\Z"), fullmatch=True)
QUANTITIES = st.integers(1, MAX_QUANTITY)
WRITTEN = st.sampled_from([str, "{:,}".format, '"{:,}"'.format, "{:07d}".format])


@given(st.lists(st.tuples(SKUS, QUANTITIES), max_size=20), st.sampled_from("\t;, "), st.data())
def test_what_was_written_with_any_separator_is_read(wanted, separator, data):
    lines = []
    for sku, quantity in wanted:
        write = data.draw(WRITTEN if separator in "\t;" else st.just(str))
        lines.append(f"{sku}{separator}{write(quantity)}")
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    pasted, refused = read_list(end.join(["sku\tquantity", *lines]))
    assert refused == []
    assert [(one.sku, one.quantity) for one in pasted] == wanted


@given(st.text(max_size=300) | st.text("71053\t ;,\"'\n\r-+.0\u00a0\uff11", max_size=60))
def test_no_text_raises_and_what_is_read_is_a_sku_and_a_quantity(text):
    pasted, refused = read_list(text)
    for one in pasted:
        assert re.fullmatch(SKU_PATTERN, one.sku)
        assert 1 <= one.quantity <= MAX_QUANTITY
    numbers = [one.line for one in pasted] + [one.line for one in refused]
    assert len(set(numbers)) == len(numbers)
    assert all(len(one.text) <= 200 and one.message for one in refused)


def make_cart(*lines: tuple[str, int]) -> CartState:
    return CartState(
        id=UUID(int=1),
        version=1,
        status=CartStatus.OPEN,
        store="portal",
        currency="GBP",
        country="GB",
        locale="en",
        updated_at=None,  # type: ignore[arg-type]  # no rule looks at it
        lines=tuple(Line(UUID(int=at), sku, many) for at, (sku, many) in enumerate(lines)),
    )


def sold(*skus: str) -> dict[str, SkuFacts]:
    return {sku: SkuFacts(sku, sku, {}) for sku in skus}


def test_the_same_sku_twice_adds_up_and_grows_what_is_in():
    pasted, _ = read_list("71053 2\n22423 1\n71053 3")
    cart = make_cart(("71053", 1))
    taking = take(cart, pasted, sold("71053", "22423"))
    cart = put_taken(cart, taking.taken, line_ids=[UUID(int=100 + at) for at in range(3)])
    assert [(line.sku, line.quantity) for line in cart.lines] == [("71053", 6), ("22423", 1)]


def test_lines_are_taken_as_far_as_a_line_may_grow():
    pasted, _ = read_list("71053 999999\n71053 2\n71053 1\nNOSUCH 1")
    taking = take(make_cart(), pasted, sold("71053"))
    assert [one.line for one in taking.taken] == [1, 3]
    assert [(one.line, one.code) for one in taking.refused] == [
        (2, "quantity-too-large"),
        (4, "sku-not-orderable"),
    ]


def test_a_cart_has_at_most_a_thousand_lines():
    cart = make_cart(*((f"S{number}", 1) for number in range(1000)))
    pasted, _ = read_list("S1 1")
    assert take(cart, pasted, sold("S1")).taken == pasted
    pasted, _ = read_list("NEW 1")
    with pytest.raises(CartTooLong):
        take(cart, pasted, sold("NEW"))
