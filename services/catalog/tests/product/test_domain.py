"""What a write of products may do, and which slugs come of it."""

import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.product.domain import (
    Holdings,
    Stored,
    complete_slug,
    digest_of,
    judge,
    placements_of,
    slugs_for,
    slugs_wanted,
)
from contracts.catalog import PutProduct, PutVariant
from contracts.ids import KEY_PATTERN


def make_product(*skus, name="Lantern", **fields):
    return PutProduct(
        name={"en": name}, variants=[PutVariant(sku=sku) for sku in skus or ("1",)], **fields
    )


def make_stored(*skus, digest=None, slugs=()):
    return Stored(uuid4(), 1, digest or uuid4(), frozenset(skus), frozenset(slugs))


def make_holdings(**stored):
    skus = {sku: key for key, one in stored.items() for sku in one.skus}
    slugs = {slug: key for key, one in stored.items() for slug in one.slugs}
    return Holdings(stored, skus, slugs)


def outcomes(verdicts):
    return [verdict.outcome.value for verdict in verdicts]


def codes(verdict):
    return [problem.code for problem in verdict.problems]


def test_new_changed_and_equal_input_are_told_apart():
    body = make_product("1")
    holdings = make_holdings(same=make_stored("1", digest=digest_of(body)), other=make_stored("2"))
    verdicts = judge(
        [("same", body), ("other", make_product("2")), ("new", make_product("3"))], holdings, {}
    )
    assert outcomes(verdicts) == ["unchanged", "updated", "created"]


def test_a_sku_of_another_product_is_refused_and_its_owner_named():
    holdings = make_holdings(owner=make_stored("1"))
    [verdict] = judge([("thief", make_product("2", "1"))], holdings, {})
    assert outcomes([verdict]) == ["refused"]
    assert codes(verdict) == ["sku-taken"]
    assert "owner" in verdict.problems[0].detail
    assert verdict.problems[0].errors[0].pointer == "/variants/1/sku"


def test_the_same_sku_twice_in_a_request_is_the_first_ones():
    verdicts = judge([("a", make_product("1")), ("b", make_product("1"))], make_holdings(), {})
    assert outcomes(verdicts) == ["created", "refused"]


def test_a_sku_moves_to_a_later_line_once_an_earlier_one_drops_it():
    holdings = make_holdings(a=make_stored("1", "2"))
    verdicts = judge([("a", make_product("2")), ("b", make_product("1"))], holdings, {})
    assert outcomes(verdicts) == ["updated", "created"]
    assert holdings.skus == {"2": "a", "1": "b"}


def test_a_refused_line_holds_nothing():
    lines = [("a", make_product("1", categories=["nowhere"])), ("b", make_product("1"))]
    verdicts = judge(lines, make_holdings(), {})
    assert outcomes(verdicts) == ["refused", "created"]
    assert codes(verdicts[0]) == ["category-unknown"]


def test_every_bad_field_is_told_at_once():
    holdings = make_holdings(owner=make_stored("1", slugs=[("en", "lantern")]))
    body = make_product("1", slug={"en": "lantern"}, categories=["home", "x"])
    [verdict] = judge([("by-slug", body)], holdings, {"home": ["home"]})
    pointers = [error.pointer for problem in verdict.problems for error in problem.errors]
    assert pointers == ["/key", "/categories/1", "/variants/0/sku", "/slug/en"]


def test_the_order_of_locales_does_not_make_input_new():
    one = PutProduct(name={"en": "a", "fr": "b"}, variants=[PutVariant(sku="1")])
    other = PutProduct(name={"fr": "b", "en": "a"}, variants=[PutVariant(sku="1")])
    assert digest_of(one) == digest_of(other)
    assert digest_of(one) != digest_of(make_product("1"))


@pytest.mark.parametrize(
    ("name", "key", "slug"),
    [
        ("White metal lantern", "71053", "white-metal-lantern-71053"),
        ("Métal  blanc!", "85123A", "metal-blanc-85123a"),
        ("مصباح", "71053", "71053"),
        ("Łódź", "a.b_c~d", "lodz-a-b-c-d"),
        ("a" * 200, "k", "a" * 158 + "-k"),
    ],
)
def test_a_slug_is_made_of_name_and_key(name, key, slug):
    assert slugs_for(name, key)[0] == slug


def test_keys_that_look_alike_get_slugs_that_differ():
    owners = {("en", "lantern-85123a"): "85123A"}
    mine = complete_slug("85123A", make_product(), owners)
    other = complete_slug("85123a", make_product(), owners)
    assert mine == {"en": "lantern-85123a"}
    assert re.fullmatch(r"lantern-85123a-[0-9a-f]{8}", other["en"])


def test_a_given_slug_wins_and_other_locales_get_one():
    body = PutProduct(
        name={"en": "Lantern", "fr": "Lanterne"},
        slug={"en": "mine", "de": "laterne"},
        variants=[PutVariant(sku="1")],
    )
    assert complete_slug("k", body, {}) == {"en": "mine", "fr": "lanterne-k", "de": "laterne"}


SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@given(st.text(min_size=1, max_size=200), st.from_regex(KEY_PATTERN, fullmatch=True))
def test_any_name_and_key_make_slugs_that_fit(name, key):
    for slug in slugs_for(name, key.strip()):
        assert SLUG.fullmatch(slug)
        assert len(slug) <= 160


@given(st.dictionaries(st.sampled_from(["en", "fr", "de"]), st.text(min_size=1), min_size=1))
def test_every_slug_that_may_be_taken_is_asked_for_beforehand(names):
    body = PutProduct.model_construct(name=names, slug={"en": "given"}, variants=[])
    wanted = slugs_wanted("key", body)
    for owners in ({}, dict.fromkeys(wanted, "other")):
        assert set(complete_slug("key", body, owners).items()) <= wanted


def test_a_product_stands_in_all_categories_above_its_own_once():
    paths = {"led": ["home", "lighting", "led"], "gifts": ["home", "gifts"]}
    assert placements_of(["led", "gifts"], paths) == ["gifts", "home", "led", "lighting"]
