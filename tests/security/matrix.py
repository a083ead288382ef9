"""The access matrix: every operation by every role, each cell with its expected answer.

A row says what is asked and what each role is answered. `ok` is any 2xx (in GraphQL: data, and no
error); a number is that very status, a word the code of a GraphQL error, `null` a field without a
value. What a row changes is made anew once it was changed. Roles that are to be refused ask first,
so that the `ok` of another shows that they changed nothing.
"""

import base64
import json
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema

from gateway.ids import encode_id
from tests.security.people import ROLES, bearer
from tests.security.shop import Answer, Ask, path_of
from tests.security.world import Maker, World

IDS = (
    ("cart_id", "Cart"),
    ("line_id", "CartLine"),
    ("placement_id", "Placement"),
    ("request_id", "ApprovalRequest"),
)
"""What the gateway knows by an id of its own."""
SECRET_HEADER = "Tandem-Cart-Secret"


@dataclass(frozen=True)
class Row:
    """An operation and what comes of it, by role.

    `of` makes what it is about; `$name` in `body`, `query`, `given` and `headers` is filled from
    that and from the world, `$new` with a name that no other cell has. `right` and `wrong` are
    the services of these columns. `is_of_guest` is what a cart's secret opens.
    """

    operation: str
    expected: str
    of: Maker | None = None
    body: Any = None
    query: Mapping[str, Any] | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    right: str = "orders"
    wrong: str = "catalog"
    acts_for_buyer: bool = False
    is_of_guest: bool = False
    has_control: bool = True
    is_form: bool = False
    is_lines: bool = False
    token: str | None = None
    """What the `right` one shows, where that is no token of the shop's."""
    what: str = ""
    """Which of the rows of one operation it is."""

    def __post_init__(self) -> None:
        assert len(self.columns) == len(ROLES), (self.operation, self.expected)

    @property
    def columns(self) -> list[str]:
        """What is expected, by role."""
        return self.expected.replace("|", " ").split()

    @property
    def name(self) -> str:
        return f"{self.operation} {self.what}".strip()


@dataclass(frozen=True)
class Operation:
    """What a document says there is."""

    service: str
    name: str
    method: str
    path: str


@dataclass(frozen=True)
class Cell:
    """A role at a row, and what came of it."""

    service: str
    row: Row
    role: str
    expected: str
    outcome: str
    answer: Answer
    leaks: Sequence[str]

    @property
    def is_right(self) -> bool:
        return self.outcome == self.expected and not self.leaks

    def __str__(self) -> str:
        told = f"{self.service} {self.row.name}, {self.role}: {self.outcome}"
        if self.outcome != self.expected:
            told += f" instead of {self.expected}"
        if self.leaks:
            told += f", and tells of {', '.join(self.leaks)}"
        return f"{told}\n    {self.answer.text[:300]}"


def operations_of(service: str, document: Mapping[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI document."""
    return [
        Operation(service, operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def fields_of(schema: GraphQLSchema) -> list[str]:
    """Every field of a schema's roots: `Query.products`."""
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    return [f"{root.name}.{name}" for root in roots if root for name in root.fields]


def differences(names: Iterable[str], rows: Iterable[Row]) -> list[str]:
    """Operations without a row, rows without an operation, and rows that let nobody in."""
    known, listed = set(names), list(rows)
    told = {row.operation for row in listed}
    shown = {row.operation for row in listed if "ok" in row.columns or not row.has_control}
    return [
        *(f"{name} is not in the matrix" for name in sorted(known - told)),
        *(f"{name} is in the matrix, but there is no such operation" for name in told - known),
        *(f"{name} lets nobody in" for name in sorted(told - shown)),
    ]


async def try_row(
    world: World, service: str, row: Row, ask_of: Callable[[Row, Mapping[str, str]], Ask]
) -> list[Cell]:
    """Every role's turn: who is to be refused first."""
    cells = []
    pairs = zip(ROLES, row.columns, strict=True)
    made: dict[str, Any] | None = None
    for role, expected in sorted(pairs, key=lambda pair: pair[1] == "ok"):
        if made is None:
            made = await row.of(world) if row.of else {}
        values = {**world.values, **row.given, **made, "new": world.new("new")}
        ask = ask_of(row, values)
        answer = await world.shop.ask(ask, await headers_of(world, service, row, role, values))
        outcome = outcome_of(answer)
        cells.append(
            Cell(service, row, role, expected, outcome, answer, leaks_of(world, role, ask, answer))
        )
        is_read = ask.method == "GET" or row.operation.startswith(("Query.", "Subscription."))
        if outcome == "ok" and not is_read:
            made = None
    return cells


async def headers_of(
    world: World, service: str, row: Row, role: str, values: Mapping[str, str]
) -> dict[str, str]:
    """What a role sends along with the row's own headers."""
    people = world.people
    behalf = people.ours.ids["buyer"] if row.acts_for_buyer else None
    token = people.token(role, service=service, right=row.right, wrong=row.wrong, behalf=behalf)
    if row.token is not None and role == "right":
        token = fill(row.token, values)
    headers = {name: fill(value, values) for name, value in row.headers.items()} | bearer(token)
    if role == "secret":
        headers[SECRET_HEADER] = values["secret" if row.is_of_guest else "other_secret"]
    return headers


def outcome_of(answer: Answer) -> str:
    """`ok` or the status; of GraphQL the code of the first error, else `null` or `ok`; of a stream
    that tells nothing, `silent`.
    """
    if answer.is_silent:
        return "silent"
    if answer.status != 200 or not answer.text.startswith(('{"data":', '{"errors":')):
        return "ok" if 200 <= answer.status < 300 else str(answer.status)
    body = answer.body
    for error in body.get("errors", ()):
        return str(error["extensions"]["code"])
    (value,) = body["data"].values()
    if value is None:
        return "null"
    for error in value.get("errors", ()) if isinstance(value, dict) else ():
        return str(error["code"])
    return "ok"


def leaks_of(world: World, role: str, ask: Ask, answer: Answer) -> list[str]:
    """Words of a company in an answer to somebody whom they are no business of.

    What was said in the request may be said again.
    """
    ours, theirs = world.people.sides
    words: set[str] = set()
    if role in ("guest", "secret", "consumer", "bare"):
        words = ours.words | theirs.words
    elif role.startswith("their "):
        words = ours.words
    elif role in ("buyer", "approver", "admin"):
        words = theirs.words
    said, heard = clear(ask.text), clear(answer.text)
    return sorted(word for word in words if word.lower() in heard and word.lower() not in said)


def clear(text: str) -> str:
    """The text in small letters, and behind it what its ids and cursors hold."""
    opened = [text]
    for packed in set(re.findall(r"[\w-]{12,}", text)):
        with suppress(ValueError):
            padded = packed + "=" * (-len(packed) % 4)
            opened.append(base64.urlsafe_b64decode(padded).decode())
    return "\n".join(opened).lower()


def fill(what: Any, values: Mapping[str, str]) -> Any:
    """It with the gaps in its strings filled; what is a gap and no more becomes what fills it."""
    if isinstance(what, str):
        if what.removeprefix("$") in values and what.startswith("$"):
            return values[what[1:]]
        return string.Template(what).substitute(values) if "$" in what else what
    if isinstance(what, Mapping):
        return {name: fill(value, values) for name, value in what.items()}
    if isinstance(what, Sequence):
        return [fill(value, values) for value in what]
    return what


def rest_ask(operation: Operation) -> Callable[[Row, Mapping[str, str]], Ask]:
    """How a row's operation is asked over HTTP."""

    def ask_of(row: Row, values: Mapping[str, str]) -> Ask:
        filled = {**values, **fill(row.given, values)}
        return Ask(
            operation.service,
            operation.method,
            path_of(operation.path, filled),
            fill(row.body, filled),
            query=fill(row.query, filled),
            is_form=row.is_form,
            is_lines=row.is_lines,
        )

    return ask_of


def graph_ask(schema: str) -> Callable[[Row, Mapping[str, str]], Ask]:
    """How a row's field is asked of the gateway; `query` holds the variables."""

    def ask_of(row: Row, values: Mapping[str, str]) -> Ask:
        ids = {name: encode_id(kind, values[name]) for name, kind in IDS if name in values}
        body = {"query": row.body, "variables": fill(row.query or {}, {**values, **ids})}
        is_stream = row.operation.startswith("Subscription.")
        return Ask("gateway", "POST", f"/{schema}/graphql", body, is_stream=is_stream)

    return ask_of


def report(cells: Iterable[Cell]) -> str:
    """What is wrong, one cell below the other; empty where nothing is."""
    return "\n".join(str(cell) for cell in cells if not cell.is_right)


def as_table(cells: Sequence[Cell]) -> str:
    """The outcomes of a row as they would stand in the table."""
    by_role = {cell.role: cell.outcome for cell in cells}
    return json.dumps([by_role[role] for role in ROLES])
