"""Writes `contracts/` from the code, or says where the two differ.

`python -m tandem.contracts_export` writes OpenAPI of every service, AsyncAPI and the GraphQL
schemas; with `--check` it writes nothing and fails on drift, so that no contract changes
unseen.
"""

import difflib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chassis.service import create_app
from gateway.schema import SCHEMAS, sdl
from tandem.asyncapi import asyncapi_document
from tandem.settings import PARTS

ROOT = Path(__file__).parents[4] / "contracts"


def openapi_document(name: str) -> dict[str, Any]:
    """The OpenAPI document of a service, as its running application serves it."""
    service = importlib.import_module(f"{name}.app").SERVICE
    settings = service.settings(database_url="postgresql://nowhere/nothing")
    return create_app(service, settings).openapi()


def documents(root: Path) -> Iterator[tuple[Path, str]]:
    """Every file that is made from code, and what it should hold."""
    for name in PARTS:
        yield root / "openapi" / f"{name}.json", _json(openapi_document(name))
    yield root / "asyncapi.json", _json(asyncapi_document(root / "samples"))
    for name in SCHEMAS:
        yield root / "graphql" / f"{name}.graphql", sdl(name)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(root: Path) -> None:
    """Write every document."""
    for path, text in documents(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def drift(root: Path) -> str:
    """A unified diff from what is committed to what the code says; empty when they agree."""
    parts: list[str] = []
    expected = dict(documents(root))
    for path, text in expected.items():
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        parts += difflib.unified_diff(
            committed.splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"committed/{path.name}",
            f"code/{path.name}",
            n=2,
        )
    written = {*(root / "openapi").glob("*.json"), *(root / "graphql").glob("*.graphql")}
    parts += [f"{path} belongs to nothing any more\n" for path in sorted(written - set(expected))]
    return "".join(parts)


def main(arguments: list[str]) -> int:
    """Write, or check: 0 when `contracts/` is what the code says, else 1 and the difference."""
    if arguments != ["--check"]:
        write(ROOT)
        return 0
    difference = drift(ROOT)
    if not difference:
        return 0
    lines = difference.splitlines()
    print("\n".join(lines[:200]))
    print(f"contracts/ is not what the code says ({len(lines)} lines): run `make contracts`.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
