"""Signing a person in."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.errors import SignInRefused
from accounts.member import queries as members
from accounts.member.domain import fold_email
from accounts.partner.hashing import NO_SECRET, HashingGate
from accounts.profile.queries import find_credentials, find_profile, find_valid_after
from accounts.staff import queries as staff
from chassis.auth import LIFETIME, PEOPLE_AUDIENCE
from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile, TokenBuyer
from contracts.companies import SignedIn, SignIn

_PEOPLE = "/people"  # no client id has a slash
_TICK = timedelta(milliseconds=1)
_LONGEST_WAIT = timedelta(seconds=1)
_SECONDS = int(LIFETIME.total_seconds())


@dataclass(frozen=True, slots=True)
class _Person:
    """Who has an address, and the hash that a password is checked against."""

    id: UUID
    is_staff: bool
    password_hash: str


async def sign_in(runtime: Runtime, gate: HashingGate, body: SignIn) -> SignedIn:
    """Check the password and sign a token of ten minutes for all services.

    No connection is held while the password is checked; whether it still holds is seen again under
    a lock that keeps the person as they are until the token has its moment of issue. So access that
    is taken away meanwhile either gives no token or refuses it. An unknown address, a wrong
    password and access that was taken away before take the same work and get the same answer.
    Raises SignInRefused, TooManyTokenRequests.
    """
    person = await _find_person(runtime, body.email)
    holds = await gate.is_secret_of(
        person.password_hash if person else NO_SECRET,
        body.password.get_secret_value(),
        client=fold_email(body.email),
        crowd=_PEOPLE,
    )
    if person is None or not holds:
        raise SignInRefused
    async with runtime.sessions() as session:
        give = _give_staff if person.is_staff else _give_member
        return await give(runtime, session, person)


async def _find_person(runtime: Runtime, email: str) -> _Person | None:
    """Who may sign in with this address: staff first, else a member with access and a password.

    Both are looked for, whoever there is.
    """
    async with runtime.reader.connect() as connection:
        one = await staff.find_by_email(connection, email)
        member = await find_credentials(connection, email)
    if one is not None:
        return _Person(one.id, is_staff=True, password_hash=one.password_hash)
    if member is None:
        return None
    return _Person(member.id, is_staff=False, password_hash=member.password_hash)


async def _give_staff(runtime: Runtime, session: AsyncSession, person: _Person) -> SignedIn:
    """A token for one of the merchant's people. Raises SignInRefused."""
    row = await staff.keep_person(session, person.id)
    if row is None or row.password_hash != person.password_hash:
        raise SignInRefused
    await _pass(runtime, session, person)
    token = runtime.signer.sign(
        subject=str(person.id),
        audience=PEOPLE_AUDIENCE,
        kind="staff",
        scopes=row.scopes,
        lifetime=LIFETIME,
    )
    return SignedIn(access_token=token, expires_in=_SECONDS, kind="staff", name=row.name)


async def _give_member(runtime: Runtime, session: AsyncSession, person: _Person) -> SignedIn:
    """A token for a member with access. Raises SignInRefused.

    Their profile is read once they are locked: by then whoever closes their company has either
    committed, or still waits to tell their profile.
    """
    row = await members.keep_member(session, person.id)
    if row is None or row.password_hash != person.password_hash:
        raise SignInRefused
    profile = await find_profile(session, person.id)
    if profile is None or not profile.is_active:
        raise SignInRefused
    await _pass(runtime, session, person)
    buyer = _claim(profile)
    token = runtime.signer.sign(
        subject=str(person.id),
        audience=PEOPLE_AUDIENCE,
        kind="member",
        scopes=(),
        lifetime=LIFETIME,
        claims={"buyer": buyer.model_dump(mode="json")},
    )
    return SignedIn(
        access_token=token, expires_in=_SECONDS, kind="member", name=row.name, buyer=buyer
    )


async def _pass(runtime: Runtime, session: AsyncSession, person: _Person) -> None:
    """Let the moment pass until which tokens were revoked: a new one must be younger.

    It is past already but for the millisecond itself, and for clocks that differ.
    """
    valid_after = await find_valid_after(session, str(person.id))
    if valid_after is None:
        return
    wait = min(valid_after + 2 * _TICK - runtime.clock.now(), _LONGEST_WAIT)
    if wait > timedelta():
        await asyncio.sleep(wait.total_seconds())


def _claim(profile: BuyerProfile) -> TokenBuyer:
    return TokenBuyer(
        member_id=profile.member_id,
        company=profile.company,
        unit=profile.units[0],
        roles=profile.roles,
        version=profile.sequence,
    )
