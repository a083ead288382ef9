"""Writes of categories. What follows for products is the tree's (`catalog.tree`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.category import queries
from catalog.category.domain import Tree
from catalog.category.tables import CategoryRow
from catalog.category.views import as_category
from chassis import outbox
from contracts.bulk import LineOutcome
from contracts.catalog import CategoryChanged, PutCategory
from contracts.ids import new_id
from contracts.problems import Problem


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one category of a write."""

    key: str
    outcome: LineOutcome
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What became of each category, and which have moved (those below a moved one too)."""

    verdicts: list[Verdict]
    moved: list[str]


async def write_categories(
    session: AsyncSession, categories: Sequence[tuple[str, PutCategory]], *, now: datetime
) -> Written:
    """Make or change categories, each key once; each sees what those before it did.

    One at a time writes the tree, or two moves could close a circle that neither sees. Emits
    CategoryChanged for each that changed, also for those that only moved with another.
    """
    await queries.hold_tree(session)
    rows = await queries.get_branches(
        session,
        [key for key, _ in categories],
        parents=[body.parent for _, body in categories if body.parent is not None],
    )
    tree = Tree({key: row.path for key, row in rows.items()})
    changed: set[str] = set()
    verdicts = []
    for key, body in categories:
        problem = tree.why_not(key, body.parent)
        if problem is not None:
            verdicts.append(Verdict(key, LineOutcome.REFUSED, [problem]))
            continue
        outcome = _write(session, rows, key, body)
        verdicts.append(Verdict(key, outcome))
        if outcome is not LineOutcome.UNCHANGED:
            tree.place(key, body.parent)
            changed.add(key)
    moved = _follow(rows, tree)
    touched = sorted((rows[key] for key in changed.union(moved)), key=lambda row: row.path)
    for row in touched:
        row.version += 1
        row.updated_at = now
    await session.flush()
    for row in touched:
        told = CategoryChanged(category=as_category(row))
        outbox.add(session, told, subject=row.key, sequence=row.version)
    return Written(verdicts, moved)


def _write(
    session: AsyncSession, rows: dict[str, CategoryRow], key: str, body: PutCategory
) -> LineOutcome:
    row = rows.get(key)
    if row is None:
        row = CategoryRow(key=key, id=new_id(), path=[], version=0)
        rows[key] = row
        session.add(row)
        outcome = LineOutcome.CREATED
    elif (row.parent, row.name, row.position) == (body.parent, body.name, body.position):
        return LineOutcome.UNCHANGED
    else:
        outcome = LineOutcome.UPDATED
    row.parent, row.name, row.position = body.parent, body.name, body.position
    return outcome


def _follow(rows: Mapping[str, CategoryRow], tree: Tree) -> list[str]:
    """Give each its path; the keys of those that were there and stand elsewhere now."""
    moved = []
    for key, row in rows.items():
        path = tree.path_of(key)
        if row.path != path:
            row.path = path
            if row.version:
                moved.append(key)
    return moved
