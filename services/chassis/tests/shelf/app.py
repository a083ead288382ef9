"""A service of a few routes, each there to show one promise of the chassis."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Header, Query, Response
from fastapi import Request as HttpRequest
from pydantic import Field
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import buyers
from chassis.auth import Caller, Needs, NeedsService
from chassis.bulk import documents, upsert_lines
from chassis.db import Reader, Session
from chassis.http import segment
from chassis.idempotency import (
    IdempotentRoute,
    KeyForProcess,
    KeyIgnored,
    KeyLate,
    KeyRequired,
)
from chassis.runtime import Live
from chassis.service import Service
from chassis.settings import DatabaseSettings
from contracts.bulk import LineOutcome, LineResult
from contracts.model import Answer, Request
from contracts.problems import Conflict, NotFound

from .db import Base, BookRow


class ShelfSettings(DatabaseSettings):
    service: str = "shelf"
    port: int = 8099


class Author(Request):
    name: str


class PutBook(Request):
    key: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str = Field(max_length=200)
    pages: int = 0
    authors: tuple[Author, ...] = ()


class Book(Answer):
    key: str
    title: str
    pages: int


class ShelfFull(Conflict):
    def __init__(self) -> None:
        super().__init__("The shelf is full.", extra={"room": 0})


router = APIRouter(prefix="/v1/books", route_class=IdempotentRoute, tags=["books"])


async def _add(session: AsyncSession, book: PutBook) -> BookRow:
    row = BookRow(key=book.key, title=book.title, pages=book.pages)
    session.add(row)
    await session.flush()
    return row


def _view(row: BookRow) -> Book:
    return Book(key=row.key, title=row.title, pages=row.pages)


@router.get("")
async def list_books(reader: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[Book]:
    rows = await reader.execute(select(BookRow.key, BookRow.title, BookRow.pages).limit(limit))
    return [Book(key=row.key, title=row.title, pages=row.pages) for row in rows]


@router.get("/{key}")
async def get_book(key: str, session: Session) -> Book:
    row = await session.get(BookRow, key)
    if row is None:
        raise NotFound(f"There is no book {key}.")
    return _view(row)


@router.post("", status_code=201)
async def add_book(book: PutBook, session: Session, response: Response) -> Book:
    row = await _add(session, book)
    response.headers["Location"] = f"/v1/books/{row.key}"
    response.headers["ETag"] = '"1"'
    if book.title == "full":
        raise ShelfFull
    if book.title == "bug":
        raise RuntimeError("secret detail")
    if book.title == "slow":
        await session.execute(text("SELECT pg_sleep(0.5)"))
    return _view(row)


@router.post("/strict", status_code=201, dependencies=[KeyRequired])
async def add_book_strictly(book: PutBook, session: Session) -> Book:
    return _view(await _add(session, book))


@router.post("/free", status_code=201, dependencies=[KeyIgnored])
async def add_book_freely(book: PutBook, session: Session) -> dict[str, int]:
    count = await session.scalar(select(func.count()).select_from(BookRow)) or 0
    await _add(session, book.model_copy(update={"key": f"{book.key}-{count}"}))
    return {"count": count + 1}


@router.post("/late", status_code=201, dependencies=[KeyLate])
async def add_book_after_a_call(book: PutBook, runtime: Live, session: Session) -> dict[str, str]:
    await runtime.neighbours["catalog"].get("/v1/pause")
    made = await _add(session, book.model_copy(update={"key": f"{book.key}-{uuid4().hex}"}))
    return {"key": made.key}


@router.post("/process", dependencies=[KeyForProcess, KeyRequired])
async def process_book(book: PutBook, request: HttpRequest, runtime: Live) -> dict[str, str]:
    claim = request.state.idempotency
    return {"scope": claim.scope.hex(), "fingerprint": claim.fingerprint.hex()}


@router.put("/{key}", dependencies=[Needs("shelf:write")])
async def put_book(
    key: str,
    book: PutBook,
    session: Session,
    caller: Caller,
    if_match: Annotated[str | None, Header()] = None,
) -> Book:
    return _view(await _add(session, book))


@router.post(
    "/bulk",
    dependencies=[Needs("shelf:write")],
    **documents(PutBook, example='{"key":"example"}\n'),
)
async def upsert_books(request: HttpRequest, runtime: Live, dry_run: bool = False) -> Response:
    return await upsert_lines(request, PutBook, write_books, runtime, dry_run=dry_run)


async def write_books(
    session: AsyncSession, lines: list[tuple[int, PutBook]]
) -> Sequence[LineResult]:
    results = []
    keys = [book.key for _, book in lines]
    rows = await session.scalars(select(BookRow).where(BookRow.key.in_(keys)))
    by_key = {row.key: row for row in rows}
    for number, book in lines:
        if book.title == "full":
            raise ShelfFull
        row = by_key.get(book.key)
        outcome = LineOutcome.CREATED
        if row is None:
            session.add(BookRow(key=book.key, title=book.title, pages=book.pages))
        else:
            same = (row.title, row.pages) == (book.title, book.pages)
            outcome = LineOutcome.UNCHANGED if same else LineOutcome.UPDATED
            row.title, row.pages = book.title, book.pages
        results.append(LineResult(line=number, key=book.key, outcome=outcome))
    return results


other = APIRouter(tags=["callers"])


@other.get("/v1/me")
async def get_me(caller: Caller) -> dict[str, Any]:
    return {
        "kind": caller.kind,
        "subject": caller.subject,
        "scopes": sorted(caller.scopes),
        "on_behalf_of": caller.on_behalf_of,
    }


@other.get("/v1/secret", dependencies=[Needs("shelf:secret")])
async def get_secret() -> dict[str, str]:
    return {"secret": "none"}


@other.get("/v1/for-orders", dependencies=[NeedsService("orders")])
async def get_for_orders() -> dict[str, str]:
    return {"for": "orders"}


@other.get("/v1/buyer")
async def get_buyer(caller: Caller, runtime: Live) -> dict[str, Any]:
    profile = await buyers.get_buyer(runtime, caller)
    return {"company": profile and profile.company}


@other.get("/v1/ask/{path}")
async def ask_neighbour(path: str, runtime: Live) -> Any:
    reply = await runtime.neighbours["catalog"].get(f"/v1/{segment(path)}")
    return reply.json()


@other.get("/v1/number")
async def store_number(number: int, reader: Reader) -> dict[str, int]:
    found = await reader.execute(select(BookRow.pages).where(BookRow.pages == number))
    return {"count": len(found.all())}


@other.get("/v1/sleep")
async def sleep(session: Session, seconds: float) -> dict[str, str]:
    await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
    return {"slept": "well"}


SERVICE = Service(
    name="shelf",
    title="Shelf",
    summary="Books, to test with.",
    settings=ShelfSettings,
    migrations="shelf.migrations",
    metadata=Base.metadata,
    routers=(router, other),
)
