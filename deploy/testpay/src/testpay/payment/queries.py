"""Reads of payments and their ledger."""

from collections import Counter

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.testpay import LedgerEntryKind, ProviderPayment
from testpay.errors import PaymentUnknown
from testpay.payment.tables import EntryRow, PaymentRow
from testpay.payment.views import as_payment


async def get_payment(session: AsyncSession, reference: str) -> ProviderPayment:
    """A payment with its ledger. Raises PaymentUnknown."""
    row = await session.get(PaymentRow, reference)
    if row is None:
        raise PaymentUnknown(reference)
    statement = select(EntryRow).where(EntryRow.reference == reference).order_by(EntryRow.id)
    return as_payment(row, (await session.scalars(statement)).all())


async def sum_entries(session: AsyncSession, reference: str) -> Counter[LedgerEntryKind]:
    """What the ledger of a payment adds up to, by kind, in minor units."""
    sums: Counter[LedgerEntryKind] = Counter()
    statement = select(EntryRow.kind, EntryRow.amount_minor).where(EntryRow.reference == reference)
    for kind, amount in await session.execute(statement):
        sums[LedgerEntryKind(kind)] += amount
    return sums
