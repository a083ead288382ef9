"""Signing a person in."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.errors import SignInRefused
from accounts.member import queries as members
from accounts.member.domain import fold_email
from accounts.partner.hashing import NO_SECRET, HashingGate
from accounts.profile.queries import find_profile, find_valid_after
from accounts.staff import queries as staff
from chassis.auth import LIFETIME, PEOPLE_AUDIENCE
from chassis.runtime import Runtime
from contracts.buyers import BuyerProfile, TokenBuyer
from contracts.companies import SignedIn, SignIn

_TICK = timedelta(milliseconds=1)
_LONGEST_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Person:
    """Who may sign in with an address. Staff have scopes, members a profile."""

    subject: str
    name: str
    password_hash: str
    valid_after: datetime | None
    scopes: tuple[str, ...] = ()
    profile: BuyerProfile | None = None


async def sign_in(runtime: Runtime, gate: HashingGate, body: SignIn) -> SignedIn:
    """Check the password and sign a token of ten minutes for all services.

    No connection is held while the password is checked. Whoever cannot sign in, for whatever
    reason, gets the same answer after the same time. Raises SignInRefused, TooManyTokenRequests.
    """
    person = await _find_person(runtime, body.email)
    holds = await gate.is_secret_of(
        person.password_hash if person else NO_SECRET,
        body.password.get_secret_value(),
        client=fold_email(body.email) if person else "",
    )
    if person is None or not holds:
        raise SignInRefused
    await _pass(runtime, person.valid_after)
    buyer = None if person.profile is None else _claim(person.profile)
    token = runtime.signer.sign(
        subject=person.subject,
        audience=PEOPLE_AUDIENCE,
        kind="staff" if buyer is None else "member",
        scopes=person.scopes,
        lifetime=LIFETIME,
        claims=None if buyer is None else {"buyer": buyer.model_dump(mode="json")},
    )
    return SignedIn(
        access_token=token,
        expires_in=int(LIFETIME.total_seconds()),
        kind="staff" if buyer is None else "member",
        name=person.name,
        buyer=buyer,
    )


async def _find_person(runtime: Runtime, email: str) -> _Person | None:
    """Who may sign in with this address: staff first, else a member with access."""
    if "\0" in email:
        return None
    async with runtime.reader.connect() as connection:
        one = await staff.find_by_email(connection, email)
        if one is not None:
            return _Person(
                subject=str(one.id),
                name=one.name,
                password_hash=one.password_hash,
                valid_after=await find_valid_after(connection, str(one.id)),
                scopes=tuple(one.scopes),
            )
        member = await members.find_by_email(connection, email)
        if member is None or member.password_hash is None:
            return None
        profile = await find_profile(connection, member.id)
        if profile is None or not profile.is_active:
            return None
        return _Person(
            subject=str(member.id),
            name=member.name,
            password_hash=member.password_hash,
            valid_after=await find_valid_after(connection, str(member.id)),
            profile=profile,
        )


async def _pass(runtime: Runtime, valid_after: datetime | None) -> None:
    """Let the moment pass until which tokens were revoked: a new one must be younger.

    It is past already but for the millisecond itself, and for clocks that differ.
    """
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
