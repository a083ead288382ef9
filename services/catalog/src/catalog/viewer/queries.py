"""Who looks at a store, and what they see of it: the one definition that lists, search, pages,
categories and entitlement go by.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    SQLColumnExpression,
    and_,
    bindparam,
    not_,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.assortment import queries as assortments
from catalog.assortment.domain import targets_of
from catalog.errors import StoreNotFound
from catalog.store import queries as stores
from catalog.viewer.domain import EVERYTHING, Assigned, Plan, Shape, plan_of
from chassis import buyers
from chassis.auth import Actor
from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile
from contracts.catalog import AssignmentEffect, Audience, BuyerLevel


@dataclass(frozen=True, slots=True)
class Part:
    """An assortment with a say in what a viewer sees, and why it has one."""

    tag: int
    assortment: str
    effect: AssignmentEffect
    level: BuyerLevel | None = None
    company: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a viewer sees of a store, and what that was made of."""

    audience: Audience
    plan: Plan
    parts: Sequence[Part]


async def get_view(runtime: Runtime, buyer: BuyerProfile | None, *, store: str) -> View:
    """What a buyer (None: a guest) sees of a store. Raises StoreNotFound.

    A store for people knows no companies: there every buyer sees what a guest sees.
    """
    async with runtime.reader.connect() as reader:
        found = await stores.find_range(reader, store)
        if found is None:
            raise StoreNotFound(store)
        audience = Audience(found.audience)
        rows: Sequence[Row[Any]] = ()
        if buyer is not None and audience is Audience.B2B:
            targets = targets_of(buyer, now=runtime.clock.now())
            rows = await assortments.list_assigned(reader, targets, store=store)
    parts = [
        Part(
            tag=row.id,
            assortment=row.assortment,
            effect=AssignmentEffect(row.effect),
            level=BuyerLevel(row.level),
            company=row.company or None,
            key=row.key,
        )
        for row in rows
    ]
    plan = plan_of(
        found.tag, [Assigned(one.tag, one.level, one.effect) for one in parts if one.level]
    )
    if found.tag is not None:
        parts.insert(0, Part(found.tag, found.default_assortment, AssignmentEffect.NARROW))
    return View(audience, plan, parts)


async def get_plan(runtime: Runtime, actor: Actor, *, store: str) -> Plan:
    """What the caller sees of a store.

    A store for companies shows nothing to strangers: only to members, and to those who may read
    the catalog. Raises StoreNotFound, TokenMissing, MissingScope, and what a buyer's profile may
    raise.
    """
    buyer = await buyers.get_buyer(runtime, actor)
    view = await get_view(runtime, buyer, store=store)
    if view.audience is Audience.B2B and buyer is None:
        actor.require("catalog:read")
    return view.plan


async def ask(
    runtime: Runtime,
    actor: Actor,
    question: Callable[[AsyncConnection, Plan], Awaitable[Sequence[Row[Any]]]],
    *,
    store: str,
    sees_all: bool = False,
) -> Sequence[Row[Any]]:
    """Ask a question under the caller's plan, or (`sees_all`) under none.

    Most who ask have no profile and most stores are open to everybody, so that is assumed first,
    and the answer says whether it was right: its first row has the store's `is_open`. Raises
    what `get_plan` raises.
    """
    plan = EVERYTHING
    is_settled = sees_all or actor.member_id is not None
    if is_settled and not sees_all:
        plan = await get_plan(runtime, actor, store=store)
    async with runtime.reader.connect() as reader:
        rows = await question(reader, plan)
    if rows[0].is_open is None:
        raise StoreNotFound(store)
    if rows[0].is_open or is_settled:
        return rows
    plan = await get_plan(runtime, actor, store=store)
    async with runtime.reader.connect() as reader:
        return await question(reader, plan)


def sees(shape: Shape, tags: SQLColumnExpression[list[int]]) -> ColumnElement[bool]:
    """Condition: a thing with these tags is seen under a plan of this shape."""
    seen = _is_inside(shape, tags)
    if shape.has_exclusions:
        seen = and_(seen, not_(_overlaps(tags, "exclusions")))
    return seen


def may_see(shape: Shape, tags: SQLColumnExpression[list[int]]) -> ColumnElement[bool]:
    """Condition that an index can answer: of several things with these tags between them, one
    might be seen.

    Its assortments become part of the statement's text, so that PostgreSQL plans by how much is
    in them: a list of much goes by the order of keys, one of little by the tags.
    """
    return _is_inside(shape, tags, literal=True)


def parameters(plan: Plan) -> dict[str, list[int]]:
    """What statements with `sees` or `may_see` in them are to be executed with."""
    given = {f"narrowing_{n}": list(union) for n, union in enumerate(plan.narrowings)}
    if plan.widenings:
        given["widenings"] = list(plan.widenings)
    given |= {f"literal_{name}": tags for name, tags in given.items()}
    if plan.exclusions:
        given["exclusions"] = list(plan.exclusions)
    return given


def _is_inside(
    shape: Shape, tags: SQLColumnExpression[list[int]], *, literal: bool = False
) -> ColumnElement[bool]:
    if not shape.narrowings:
        return true()
    names = [f"narrowing_{n}" for n in range(shape.narrowings)]
    inside = and_(*(_overlaps(tags, name, literal=literal) for name in names))
    if shape.has_widenings:
        inside = or_(inside, _overlaps(tags, "widenings", literal=literal))
    return inside


def _overlaps(
    tags: SQLColumnExpression[list[int]], name: str, *, literal: bool = False
) -> ColumnElement[bool]:
    value = bindparam(
        f"literal_{name}" if literal else name, type_=ARRAY(Integer), literal_execute=literal
    )
    return tags.bool_op("&&")(value)
