"""Calls to accounts, with the caller's own token; signing in has none yet."""

import asyncio
from typing import Any

from pydantic import BaseModel

from chassis.http import Neighbour, segment
from contracts import companies as wire
from contracts.buyers import TokenBuyer
from contracts.paging import Page
from contracts.problems import Problem
from gateway.accounts.types import Me, Member
from gateway.connections import Place
from gateway.context import Context, Wire
from gateway.selection import Selection


def _accounts(context: Context) -> Neighbour:
    return context.neighbours["accounts"]


async def sign_in(context: Context, email: str, password: str) -> Wire:
    """A session. Raises Unauthenticated, with one answer for unknown and wrong."""
    body = {"email": email, "password": password}
    reply = await _accounts(context).post("/v1/sessions", json=body, token=None)
    signed_in: Wire = reply.json(wire.SignedIn)
    return signed_in


async def get_me(
    context: Context, buyer: TokenBuyer, selection: Selection, path: list[str | int]
) -> Me:
    """The caller's company, and of unit and credit what is selected.

    Without the latter two the answer stands, and says why beside them. Raises what the company's
    own answer raises.
    """
    company = f"/v1/companies/{segment(buyer.company)}"
    unit = f"{company}/units/{segment(buyer.unit)}"
    found, its_unit, credit = await asyncio.gather(
        _get(context, company, wire.Company),
        _part(context, unit, wire.Unit, [*path, "unit"] if selection.has("unit") else None),
        _part(
            context,
            f"{company}/credit",
            wire.Credit,
            [*path, "credit"] if selection.has("credit") else None,
        ),
    )
    return Me.from_wire(buyer, found, its_unit, credit)


async def _part(
    context: Context, path: str, shape: type[BaseModel], place: list[str | int] | None
) -> Wire | None:
    """What stands at `place` in the answer; None for no place, and with a note where it fails."""
    if place is None:
        return None
    try:
        return await _get(context, path, shape)
    except Problem as problem:
        context.note(problem, place)
        return None


async def _get(context: Context, path: str, shape: type[BaseModel]) -> Wire:
    reply = await _accounts(context).get(path, token=context.token)
    found: Wire = reply.json(shape)
    return found


async def list_members(
    context: Context, company: str, place: Place
) -> tuple[list[Member], str | None]:
    """A page of a company's members, and where accounts goes on."""
    reply = await _accounts(context).get(
        f"/v1/companies/{segment(company)}/members",
        params={"limit": place.limit, "after": place.after},
        token=context.token,
    )
    page = reply.json(Page[wire.Member])
    return [Member.from_wire(one) for one in page["items"][place.skip :]], page["next"]


async def set_access(context: Context, company: str, member: str, *, is_active: bool) -> Member:
    """The member with access given or taken, unless somebody changes them at the same time."""
    path = f"/v1/companies/{segment(company)}/members/{segment(member)}"
    reply = await _accounts(context).get(path, token=context.token)
    known = reply.json(wire.Member)
    kept = ("email", "name", "unit", "roles", "order_limit")
    body: dict[str, Any] = {name: known.get(name) for name in kept} | {"is_active": is_active}
    tag = reply.headers.get("etag")
    changed = await _accounts(context).put(
        path, json=body, token=context.token, headers={"If-Match": tag} if tag else None
    )
    return Member.from_wire(changed.json(wire.Member))
