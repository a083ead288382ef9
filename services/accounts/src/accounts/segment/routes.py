"""Customer groups over HTTP."""

from fastapi import APIRouter, Response

from accounts.errors import GroupUnknown
from accounts.group import queries as groups
from accounts.segment import commands, queries
from accounts.wire import GroupKey
from chassis.auth import Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.idempotency import IdempotentRoute, KeyIgnored
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.companies import CustomerGroup, GroupPreview, PutCustomerGroup
from contracts.paging import Page

router = APIRouter(
    prefix="/v1/customer-groups", tags=["customer groups"], route_class=IdempotentRoute
)


@router.put(
    "/{group}",
    summary="Make or change a customer group",
    dependencies=[Needs("companies:write")],
    responses=upserted(CustomerGroup, "group"),
)
async def put_customer_group(
    group: GroupKey,
    body: PutCustomerGroup,
    session: Session,
    now: Now,
    if_match: IfMatch,
    response: Response,
) -> CustomerGroup:
    """Make a group by rule or by hand, or change who is in it. The same again changes nothing.

    Up to a thousand companies enter and leave before the answer; more do so soon after, while
    `is_settled` is false.
    """
    made, outcome = await commands.put_group(session, group, body, if_match=if_match, now=now)
    stamp(response, version=made.version, outcome=outcome)
    return made


@router.get(
    "/{group}",
    summary="Read a customer group",
    dependencies=[Needs("companies:read")],
    responses=read("group"),
)
async def get_customer_group(group: GroupKey, reader: Reader, response: Response) -> CustomerGroup:
    """One group by its key, with how many companies are in it."""
    found = await groups.find_group(reader, group)
    if found is None:
        raise GroupUnknown(group)
    stamp(response, version=found.version)
    return found


@router.get("", summary="List customer groups", dependencies=[Needs("companies:read")])
async def list_customer_groups(
    reader: Reader, limit: Limit = 50, after: After = None
) -> Page[CustomerGroup]:
    """All groups, by key."""
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    found = await groups.list_groups(reader, after=last, limit=limit + 1)
    following = encode_cursor(found[limit - 1].key) if len(found) > limit else None
    return Page[CustomerGroup](items=found[:limit], next=following)


@router.post(
    "/{group}/preview",
    summary="See what a change of a group would do",
    dependencies=[Needs("companies:read"), KeyIgnored],
)
async def preview_customer_group(
    group: GroupKey, body: PutCustomerGroup, reader: Reader, now: Now
) -> GroupPreview:
    """Who would enter and who would leave if the group were saved like this. Changes nothing."""
    await queries.check_group(reader, body)
    return await queries.preview_group(reader, group, body, now=now)
