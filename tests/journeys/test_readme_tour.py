"""The README's tour and the pages for frontends are true: what they say to send is sent as it
stands there, and what they say comes back does. `tests.journeys.pages` says how they are read.
"""

from pathlib import Path

import pytest

from tests.journeys.pages import Reader, meet, steps_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "frontends").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_comes(page, shop):
    reader = meet(shop)
    steps = list(steps_of(page.read_text()))
    assert steps
    for step in steps:
        reader.follow(shop, step, where=f"{page.name}: {step.sent}")


def test_the_readme_has_a_tour_of_both_journeys():
    steps = list(steps_of((ROOT / "README.md").read_text()))
    for schema in ("d2c", "b2b"):
        queries = [step.sent for step in steps if step.schema == schema]
        assert len(queries) >= 5
        assert any("placeOrder" in query for query in queries)


def test_a_name_means_the_same_ever_after():
    reader = Reader()
    reader.compare({"id": "CART_ID", "n": 1}, {"id": "x", "n": 1})
    assert reader.fill('{"cart": "CART_ID"}') == '{"cart": "x"}'
    with pytest.raises(AssertionError):
        reader.compare({"id": "CART_ID"}, {"id": "y"})
    with pytest.raises(AssertionError):
        reader.compare({"id": "..."}, {"id": "y", "more": 1})


def test_an_object_may_be_told_in_part():
    reader = Reader()
    reader.compare({"id": "1", "...": "..."}, {"name": "x", "id": "1", "more": 1})
    with pytest.raises(AssertionError):
        reader.compare({"id": "1", "...": "..."}, {"name": "x"})
    with pytest.raises(AssertionError):
        reader.compare({"id": "1", "...": "..."}, {"id": "2"})


def test_a_page_says_by_whom_and_where():
    page = """
```json variables
{"id": "CART_ID"}
```
```graphql b2b BUYER_TOKEN
{ me { memberId } }
```
```json
{"data": 1}
```
```http
GET http://127.0.0.1:8005/v1/orders/1
```
```json 404
{"code": "order-not-found", "...": "..."}
```
```graphql
{ store { key } }
```
"""
    asked, fetched, guest = steps_of(page)
    assert (asked.schema, asked.token, asked.variables) == (
        "b2b",
        "BUYER_TOKEN",
        '{"id": "CART_ID"}\n',
    )
    assert (fetched.kind, fetched.status) == ("http", 404)
    assert (guest.schema, guest.token, guest.answer) == ("d2c", None, None)
