"""Which words a product is found by, and what a buyer's words ask for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.product.words import MAX_LEXEMES, MAX_WANTED, lexemes, wanted, word_count, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("WHITE Metal, lantern!", ["white", "metal", "lantern"]),
        ("Métal Straße Łódź", ["metal", "strasse", "lodz"]),
        ("women's child\u2019s", ["women", "child"]),
        ('T-light 12" x_y', ["t", "light", "12", "x", "y"]),
        ("ФОНАРЬ й", ["фонарь", "и"]),
        ("白色灯 A4", ["白色", "色灯", "灯", "a4"]),
        ("ﾗﾝﾌﾟ", ["ラン", "ンフ", "フ"]),
        ("%_'\"\\ &|!():*<->", []),
    ],
)
def test_words_are_folded_and_cut(text, words):
    assert words_of(text) == words


def test_a_product_is_found_by_skus_and_all_names():
    found = lexemes({"en": "Lantern", "fr": "Lanterne"}, ["85123A", "AB 12"], [{"en": "Large"}])
    assert found == [
        "=85123a",
        "85123a",
        "=ab 12",
        "ab",
        "12",
        "lantern",
        "lanterne",
        "large",
    ]


def test_a_flood_of_words_is_cut_off():
    names = [{"en": " ".join(f"w{index}" for index in range(3 * MAX_LEXEMES))}]
    assert len(lexemes({"en": "Lantern"}, ["1"], names)) == MAX_LEXEMES


def test_the_shortest_name_counts():
    assert word_count({"en": "white metal lantern", "fr": "lanterne"}) == 1


def test_words_are_beginnings_in_any_order_or_the_whole_is_a_sku():
    asked = wanted(" Lantern WHITE ")
    assert asked.exact_sku == "'=lantern white'"
    assert asked.whole == "'lantern' & 'white'"
    assert asked.found == "('=lantern white') | (('lantern':*) & ('white':*))"


@pytest.mark.parametrize(
    ("word", "begun"),
    [
        ("lanterns", "('lantern':*)"),
        ("boxes", "('boxes':* | 'box':*)"),
        ("berries", "('berries':* | 'berry':*)"),
        ("glass", "('glass':*)"),
        ("gas", "('gas':*)"),
    ],
)
def test_plurals_find_the_singular(word, begun):
    assert begun in wanted(word).found


def test_too_many_words_are_ignored():
    assert wanted(" ".join(f"w{index}" for index in range(50))).whole.count("&") == MAX_WANTED - 1


QUERY = re.compile(r"[\s()|&]*(?:'=?[^'\\:]+'(?::\*)?[\s()|&]*)*")


@given(st.text(max_size=200))
def test_nothing_that_is_typed_is_an_operator(search):
    asked = wanted(search)
    for query in (asked.found, asked.exact_sku, asked.whole):
        assert QUERY.fullmatch(query)
