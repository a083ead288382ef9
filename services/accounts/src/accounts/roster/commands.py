"""Writes of companies, units and members with all that follows from them."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.company import commands as companies
from accounts.company.queries import get_wholes, lock_companies
from accounts.errors import CompanyUnknown, CurrencyNotOfCompany, EmailInUse, UnitNotOfCompany
from accounts.member import commands as members
from accounts.member import queries as member_queries
from accounts.member.views import as_member, as_told
from accounts.partner.hashing import HashingGate
from accounts.profile.commands import revoke, tell_member, tell_profiles
from accounts.segment.commands import reevaluate
from accounts.staff.queries import find_by_email as find_staff
from accounts.unit import commands as units
from accounts.unit.queries import find_unit
from accounts.unit.views import as_unit
from chassis.runtime import Runtime
from contracts.bulk import LineOutcome
from contracts.companies import Company, Member, PutCompany, PutMember, PutUnit, Unit


@dataclass(frozen=True, slots=True)
class Hashed:
    """A password that was hashed before anything was locked, and the hash it was compared with.

    `after` is None where the password is what it was.
    """

    plain: SecretStr
    before: str | None
    after: str | None


async def put_company(
    session: AsyncSession,
    key: str,
    body: PutCompany,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Company, LineOutcome]:
    """Make or change a company; the same again changes nothing.

    Emits CompanyChanged, and where that follows BuyerProfileChanged, AccessRevoked for all its
    members, GroupMembershipChanged. Raises VersionNotCurrent, CompanyCurrencyFixed.
    """
    (known, *_) = [*await lock_companies(session, [key]), None]
    before = None if known is None else (known.is_active, known.country)
    row, outcome = await companies.save_company(session, key, body, if_match=if_match, now=now)
    if outcome is LineOutcome.CREATED:
        await companies.tell_as_they_are(session, [key])
        await reevaluate(session, [key], now=now)
    elif outcome is LineOutcome.UPDATED:
        await companies.tell_companies(session, [key], now=now)
        moved = await reevaluate(session, [key], now=now)
        if not moved and before != (row.is_active, row.country):
            await tell_profiles(session, [key], now=now)
        if before is not None and before[0] and not row.is_active:
            await revoke(session, await member_queries.list_subjects(session, key))
    (company,) = await get_wholes(session, [key])
    return company, outcome


async def put_unit(
    session: AsyncSession,
    company: str,
    key: str,
    body: PutUnit,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Unit, LineOutcome]:
    """Make or change a unit; the same again changes nothing.

    Emits BuyerProfileChanged where a unit moved. Raises CompanyUnknown and what `save_unit` does.
    """
    if not await lock_companies(session, [company]):
        raise CompanyUnknown(company)
    before = await find_unit(session, key)
    row, outcome = await units.save_unit(session, company, key, body, if_match=if_match, now=now)
    if before is not None and before.parent != row.parent:
        await tell_profiles(session, [company], now=now)
    return as_unit(row), outcome


async def put_member(
    session: AsyncSession,
    company: str,
    key: str,
    body: PutMember,
    *,
    password: Hashed | None,
    gate: HashingGate,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Member, LineOutcome]:
    """Make or change a member; the same again changes nothing.

    Emits BuyerProfileChanged where it tells something new, AccessRevoked where they have no access
    or another password. Raises CompanyUnknown, UnitNotOfCompany, CurrencyNotOfCompany, EmailInUse
    for an address of the merchant's people, TooManyTokenRequests, and what `save_member` does.
    """
    (of, *_) = [*await lock_companies(session, [company]), None]
    if of is None:
        raise CompanyUnknown(company)
    unit = await find_unit(session, body.unit)
    if unit is None or unit.company != company:
        raise UnitNotOfCompany(body.unit)
    if body.order_limit is not None and body.order_limit.currency != of.currency:
        raise CurrencyNotOfCompany(of.currency, field="/order_limit/currency")
    if await find_staff(session, body.email) is not None:
        raise EmailInUse
    password_hash = None
    if password is not None:
        kept = await member_queries.find_password_hash(session, company, key)
        if kept != password.before:  # somebody set one meanwhile, maybe the same
            password = await _hash(gate, key, password.plain, before=kept)
        password_hash = password.after
    known = await member_queries.find_member(session, key)
    before = None if known is None else as_told(known)
    row, outcome = await members.save_member(
        session, company, key, body, password_hash=password_hash, if_match=if_match, now=now
    )
    if outcome is not LineOutcome.UNCHANGED:
        is_new = outcome is LineOutcome.CREATED
        if not is_new and (password_hash is not None or not row.is_active):
            await revoke(session, [str(row.id)])
        if before != as_told(row):
            await tell_member(session, row.id, is_new=is_new)
    return as_member(row, currency=of.currency), outcome


async def hash_password(
    runtime: Runtime, gate: HashingGate, company: str, key: str, body: PutMember
) -> Hashed | None:
    """Hash a member's new password, unless it is what it was. None where there is none.

    The passwords of another company's members are not tried: the time it takes would tell. Nothing
    is locked meanwhile. Raises TooManyTokenRequests.
    """
    if body.password is None:
        return None
    async with runtime.reader.connect() as connection:
        before = await member_queries.find_password_hash(connection, company, key)
    return await _hash(gate, key, body.password, before=before)


async def _hash(gate: HashingGate, key: str, plain: SecretStr, *, before: str | None) -> Hashed:
    password = plain.get_secret_value()
    if before is not None and await gate.is_secret_of(before, password, client=key):
        return Hashed(plain, before, None)
    return Hashed(plain, before, await gate.hash_secret(password, client=key))
