"""The model stands by itself: it knows the contracts, and nothing of how the shop keeps them."""

import ast
import sys
from pathlib import Path

import pytest

MODEL = "tests.properties.model"


def strangers(source: str) -> set[str]:
    """What a module of the model imports and may not."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    allowed = {"contracts", *sys.stdlib_module_names}
    return {
        name
        for name in names
        if name.partition(".")[0] not in allowed and not f"{name}.".startswith(f"{MODEL}.")
    }


def test_model_imports_contracts_only() -> None:
    modules = list((Path(__file__).parent / "model").rglob("*.py"))
    assert len(modules) > 1
    assert {path.name: strangers(path.read_text()) for path in modules} == {
        path.name: set() for path in modules
    }


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from pricing.resolve import domain", {"pricing.resolve"}),
        ("import chassis.clock", {"chassis.clock"}),
        ("from tests.properties.live import Live", {"tests.properties.live"}),
        ("from ..live import Live", {"..live"}),
        ("def late():\n    import orders", {"orders"}),
    ],
)
def test_planted_import_is_found(line: str, found: set[str]) -> None:
    assert strangers(line) == found
