"""Writes of agreements with all that follows from them."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.agreement import commands as agreements
from accounts.company.queries import lock_companies
from accounts.errors import CompanyNotKnown, CurrencyNotOfCompany
from accounts.profile.commands import tell_profiles
from accounts.segment.commands import reevaluate
from contracts.bulk import LineOutcome
from contracts.companies import Agreement, PutAgreement


async def put_agreement(
    session: AsyncSession,
    key: str,
    body: PutAgreement,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Agreement, LineOutcome]:
    """Make or change a company's agreement; the same again changes nothing.

    Emits BuyerProfileChanged, and what follows where groups' rules look at it. Raises
    CompanyNotKnown, CurrencyNotOfCompany, VersionNotCurrent, AgreementFixed, MomentOutOfRange,
    WindowEmpty.
    """
    (company, *_) = [*await lock_companies(session, [body.company]), None]
    if company is None:
        raise CompanyNotKnown(body.company)
    if body.credit_limit.currency != company.currency:
        raise CurrencyNotOfCompany(company.currency, field="/credit_limit/currency")
    agreement, outcome = await agreements.put_agreement(
        session, key, body, if_match=if_match, now=now
    )
    if outcome is not LineOutcome.UNCHANGED:
        moved = await reevaluate(session, [body.company], now=now)
        if not moved:
            await tell_profiles(session, [body.company], now=now)
    return agreement, outcome
