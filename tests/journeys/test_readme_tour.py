"""The README's tour is true: its queries are sent as they stand there, its answers come back.

A block ```graphql is a query, the ```json block behind it its answer; a block ```json variables
before the query holds its variables. In an answer, a word in capitals such as `CART_ID` stands for
whatever comes there; from then on it means that. A string "..." stands for anything.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "frontends").glob("*.md"))]
BLOCK = re.compile(r"^```(graphql|json)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


@dataclass
class Step:
    """A query of a page, and what it says comes back."""

    query: str
    variables: str = "{}"
    answer: str | None = None


@dataclass
class Reader:
    """Somebody who follows a page, and remembers what the names stand for."""

    known: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return NAME.sub(lambda name: self.known.get(name[0], name[0]), text)

    def compare(self, told: Any, came: Any, where: str = "") -> None:
        """Fails where what came is not what the page tells."""
        if told == "...":
            return
        if isinstance(told, dict):
            assert isinstance(came, dict), where
            assert list(came) == list(told), where
            for name, value in told.items():
                self.compare(value, came[name], f"{where}/{name}")
        elif isinstance(told, list):
            assert isinstance(came, list), where
            assert len(came) == len(told), where
            for index, value in enumerate(told):
                self.compare(value, came[index], f"{where}/{index}")
        elif isinstance(told, str) and NAME.fullmatch(told) and told not in self.known:
            self.known[told] = str(came)
        else:
            filled = self.fill(told) if isinstance(told, str) else told
            assert came == filled, where


def steps_of(text: str) -> Iterator[Step]:
    variables = "{}"
    step: Step | None = None
    for kind, info, body in BLOCK.findall(text):
        if kind == "graphql":
            if step:
                yield step
            step = Step(body, variables)
            variables = "{}"
        elif info.strip() == "variables":
            variables = body
        elif step and step.answer is None:
            step.answer = body
    if step:
        yield step


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_comes(page, shop):
    reader = Reader()
    steps = list(steps_of(page.read_text()))
    for step in steps:
        assert step.answer is not None, f"{page.name}: a query without its answer\n{step.query}"
        came = shop.query(reader.fill(step.query), json.loads(reader.fill(step.variables)))
        reader.compare(json.loads(step.answer), came, where=step.query)


def test_the_readme_has_a_tour():
    queries = [step.query for step in steps_of((ROOT / "README.md").read_text())]
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
