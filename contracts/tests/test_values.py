import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts import problems
from contracts.ids import Key, Sku, new_id
from contracts.model import Answer, Request
from contracts.text import ShortText, in_locale


def test_new_ids_are_uuid7_of_this_moment():
    before = time.time_ns() // 1_000_000
    made = [new_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert len(set(made)) == 1000
    for one in made:
        assert one.version == 7
        assert one.variant == "specified in RFC 4122"
        assert before <= one.int >> 80 <= after


@pytest.mark.parametrize("key", ["71053", "d2c-uk", "a.b_c~d", "A" * 128])
def test_a_key_fits_a_path(key):
    assert TypeAdapter(Key).validate_python(key) == key


@pytest.mark.parametrize(
    "key", ["", "a/b", "..", "-a", " a", "a b", "a\n", "é", "A" * 129, "a\x00"]
)
def test_a_key_that_fits_no_path_is_refused(key):
    with pytest.raises(ValidationError, match="string_pattern_mismatch"):
        TypeAdapter(Key).validate_python(key)


@pytest.mark.parametrize("sku", ["85123A", "85123a", "BANK CHARGES", "1", "A" * 64])
def test_skus_of_real_life_pass(sku):
    assert TypeAdapter(Sku).validate_python(sku) == sku


@pytest.mark.parametrize("sku", ["", " 1", "1 ", "a/b", "a\x00b", "A" * 65, "é"])
def test_other_skus_are_refused(sku):
    with pytest.raises(ValidationError):
        TypeAdapter(Sku).validate_python(sku)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "", "   ", "x" * 201])
def test_text_that_cannot_be_stored_is_refused(text):
    with pytest.raises(ValidationError):
        TypeAdapter(ShortText).validate_python(text)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("fr-CA", "Lanterne"), ("fr", "Lanterne"), ("de", "Lantern"), ("en-GB", "Lantern")],
)
def test_a_reader_gets_the_nearest_locale(locale, expected):
    assert in_locale({"en": "Lantern", "fr": "Lanterne"}, locale) == expected


def test_a_text_in_no_known_locale_is_better_than_none():
    assert in_locale({"pl": "Latarnia"}, "de") == "Latarnia"
    assert in_locale({}, "de") is None


def test_an_error_is_named_as_a_fact_and_says_which_field():
    class SkuNotOrderable(problems.Invalid):
        pass

    problem = SkuNotOrderable("85123X is not sold here.", field="/lines/0/sku")
    detail = problem.as_detail(instance="/v1/carts", request_id="r1")
    assert detail.status == 422
    assert detail.code == "sku-not-orderable"
    assert detail.type.endswith("/sku-not-orderable")
    assert detail.errors[0].pointer == "/lines/0/sku"
    assert detail.request_id == "r1"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, problems.NotFound), (502, problems.Unavailable), (418, problems.Invalid)],
)
def test_every_status_has_a_kind(status, kind):
    assert problems.kind_of(status) is kind


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(), min_size=1))
def test_requests_are_strict_and_answers_lenient(extra):
    class Asked(Request):
        pass

    class Answered(Answer):
        pass

    with pytest.raises(ValidationError, match="not permitted"):
        Asked.model_validate(extra)
    assert Answered.model_validate(extra) == Answered()


def test_ids_are_uuids_to_everyone():
    assert UUID(str(new_id())).version == 7
