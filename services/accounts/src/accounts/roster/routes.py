"""Companies, units and members over HTTP."""

from fastapi import APIRouter, Response

from accounts.access import find_reach
from accounts.company import queries as companies
from accounts.errors import CompanyUnknown, MemberUnknown, NotAdmin, UnitUnknown
from accounts.gate import Gate
from accounts.member import queries as members
from accounts.member.domain import check_own_change
from accounts.member.views import as_member
from accounts.profile.queries import find_profile
from accounts.roster import commands
from accounts.unit import queries as units
from accounts.unit.views import as_unit
from accounts.wire import CompanyKey, MemberKey, UnitKey
from chassis.auth import AccessRevoked, Actor, Caller, Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live, Runtime
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.buyers import Role
from contracts.companies import Company, Member, PutCompany, PutMember, PutUnit, Unit
from contracts.paging import Page

router = APIRouter(prefix="/v1/companies", tags=["companies"])


@router.put(
    "/{company}",
    summary="Make or change a company",
    dependencies=[Needs("companies:write")],
    responses=upserted(Company, "company"),
)
async def put_company(
    company: CompanyKey,
    body: PutCompany,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> Company:
    """Writes the company whole; what it already says changes nothing and tells nobody.

    Its currency stays (409). One that is not active takes the access of its members away.
    """
    made, outcome = await commands.put_company(session, company, body, if_match=if_match, now=now)
    stamp(response, version=made.version, outcome=outcome)
    return made


@router.get("/{company}", summary="Read a company", responses=read("company"))
async def get_company(
    company: CompanyKey, caller: Caller, reader: Reader, response: Response
) -> Company:
    """One company by its key: for those who may read companies, and its members."""
    reach = await find_reach(reader, caller)
    found = await companies.get_wholes(reader, [company]) if reach in (None, company) else []
    if not found:
        raise CompanyUnknown(company)
    stamp(response, version=found[0].version)
    return found[0]


@router.get("", summary="List companies")
async def list_companies(
    caller: Caller, reader: Reader, limit: Limit = 50, after: After = None
) -> Page[Company]:
    """Companies by key; a member's list has only their own."""
    reach = await find_reach(reader, caller)
    if reach is not None:
        return Page(items=await companies.get_wholes(reader, [reach]), next=None)
    start = decode_cursor(after, str)[0] if after is not None else ""
    found = await companies.list_companies(reader, after=start, limit=limit + 1)
    more = encode_cursor(found[limit - 1].key) if len(found) > limit else None
    return Page(items=found[:limit], next=more)


@router.put(
    "/{company}/units/{unit}",
    summary="Make or change a unit",
    dependencies=[Needs("companies:write")],
    responses=upserted(Unit, "unit"),
)
async def put_unit(
    company: CompanyKey,
    unit: UnitKey,
    body: PutUnit,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> Unit:
    """Writes a unit whole. A company has one root; the tree has 20 levels at most."""
    made, outcome = await commands.put_unit(
        session, company, unit, body, if_match=if_match, now=now
    )
    stamp(response, version=made.version, outcome=outcome)
    return made


@router.get("/{company}/units/{unit}", summary="Read a unit", responses=read("unit"))
async def get_unit(
    company: CompanyKey, unit: UnitKey, caller: Caller, reader: Reader, response: Response
) -> Unit:
    """One unit by its key: for those who may read companies, and members of its company."""
    await _require_reach(reader, caller, company)
    row = await units.find_unit(reader, unit)
    if row is None or row.company != company:
        raise UnitUnknown(unit)
    stamp(response, version=row.version)
    return as_unit(row)


@router.get("/{company}/units", summary="List units")
async def list_units(
    company: CompanyKey,
    caller: Caller,
    reader: Reader,
    limit: Limit = 50,
    after: After = None,
) -> Page[Unit]:
    """A company's units by key."""
    await _require_reach(reader, caller, company)
    start = decode_cursor(after, str)[0] if after is not None else ""
    found = await units.list_units(reader, company, after=start, limit=limit + 1)
    more = encode_cursor(found[limit - 1].key) if len(found) > limit else None
    return Page(items=found[:limit], next=more)


@router.put(
    "/{company}/members/{member}",
    summary="Make or change a member",
    responses=upserted(Member, "member"),
)
async def put_member(
    company: CompanyKey,
    member: MemberKey,
    body: PutMember,
    caller: Caller,
    if_match: IfMatch,
    runtime: Live,
    gate: Gate,
    session: Session,
    now: Now,
    response: Response,
) -> Member:
    """Writes a member whole; their password stays where none is given.

    With scope companies:write, or as an admin of the company, who cannot take their own access
    away. One that is not active, or has a new password, is signed out everywhere at once.
    """
    await _require_write(runtime, caller, company, member, body)
    password = await commands.hash_password(runtime, gate, company, member, body)
    made, outcome = await commands.put_member(
        session,
        company,
        member,
        body,
        password=password,
        gate=gate,
        if_match=if_match,
        now=now,
    )
    stamp(response, version=made.version, outcome=outcome)
    return made


@router.get("/{company}/members/{member}", summary="Read a member", responses=read("member"))
async def get_member(
    company: CompanyKey, member: MemberKey, caller: Caller, reader: Reader, response: Response
) -> Member:
    """One member by their key: for those who may read companies, and their colleagues."""
    currency = await _require_reach(reader, caller, company)
    row = await members.find_member(reader, member)
    if row is None or row.company != company:
        raise MemberUnknown(member)
    stamp(response, version=row.version)
    return as_member(row, currency=currency)


@router.get("/{company}/members", summary="List members")
async def list_members(
    company: CompanyKey,
    caller: Caller,
    reader: Reader,
    limit: Limit = 50,
    after: After = None,
) -> Page[Member]:
    """A company's members by key, those without access too."""
    currency = await _require_reach(reader, caller, company)
    start = decode_cursor(after, str)[0] if after is not None else ""
    rows = await members.list_members(reader, company, after=start, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    found = [as_member(row, currency=currency) for row in rows[:limit]]
    return Page(items=found, next=more)


async def _require_reach(reader: Reader, caller: Actor, company: str) -> str:
    """The currency of a company that the caller may read. Raises CompanyUnknown."""
    reach = await find_reach(reader, caller)
    row = await companies.find_company(reader, company) if reach in (None, company) else None
    if row is None:
        raise CompanyUnknown(company)
    currency: str = row.currency
    return currency


async def _require_write(
    runtime: Runtime, caller: Actor, company: str, member: str, body: PutMember
) -> None:
    """Raise unless the caller keeps this company's members: CompanyUnknown, NotAdmin, OwnAccess."""
    if caller.kind != "member" or caller.member_id is None:
        caller.require("companies:write")
        return
    async with runtime.reader.connect() as connection:
        profile = await find_profile(connection, caller.member_id)
        row = await members.find_member(connection, member)
    if profile is None or not profile.is_active:
        raise AccessRevoked
    if profile.company != company:
        raise CompanyUnknown(company)
    if Role.ADMIN not in profile.roles:
        raise NotAdmin
    if row is not None and row.id == caller.member_id:
        check_own_change(body)
