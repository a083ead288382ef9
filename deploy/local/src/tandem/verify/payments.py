"""Payments: orders' own books, the provider's ledger, and that the two say the same.

Amounts are in minor units throughout, as they are stored.
"""

from collections.abc import AsyncIterator

from tandem.verify.check import Check
from tandem.verify.snapshots import Snapshot, side_by_side

LEDGERS = "orders and the provider say the same of a payment"

MOVEMENTS = (
    Check(
        "what was captured and refunded is the sum of its movements",
        """
        SELECT format('Payment %s has %s captured and %s refunded, but its movements add up to %s'
                      ' and %s.', key, captured_minor, refunded_minor, captured, refunded)
        FROM payments CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'capture'), 0) AS captured,
                   coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS refunded
            FROM payment_movements WHERE payment_key = key AND status = 'done'
        ) AS moved
        WHERE (captured_minor, refunded_minor) <> (captured, refunded)
           OR captured_minor > amount_minor OR refunded_minor > captured_minor
        """,
    ),
    Check(
        "a movement is pending exactly while its process runs",
        """
        SELECT format('Movement %s of payment %s is %s, but its process is %s.', movement.id,
                      payment_key, movement.status, coalesce(process.status, 'unknown'))
        FROM payment_movements AS movement LEFT JOIN processes AS process USING (id)
        WHERE (movement.status = 'pending')
              <> (coalesce(process.status, 'done') NOT IN ('done', 'undone'))
        """,
    ),
)

LEDGER = (
    Check(
        "a payment's ledger is what its status says",
        """
        SELECT format('Payment %s is %s over %s, but its ledger has %s authorised, %s captured, %s'
                      ' voided, %s refunded.', reference, status, coalesce(amount_minor, 0),
                      authorised, captured, voided, refunded)
        FROM payments CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'authorise'), 0) AS authorised,
                   coalesce(sum(amount_minor) FILTER (WHERE kind = 'capture'), 0) AS captured,
                   coalesce(sum(amount_minor) FILTER (WHERE kind = 'void'), 0) AS voided,
                   coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS refunded
            FROM ledger_entries AS entry WHERE entry.reference = payments.reference
        ) AS ledger
        WHERE CASE status
            WHEN 'authorised' THEN authorised <> amount_minor OR voided <> 0
            WHEN 'voided' THEN authorised <> voided OR captured <> 0
            ELSE authorised + voided <> 0 END
           OR captured > authorised OR refunded > captured
        """,
    ),
    Check(
        "nothing of a ledger is without its payment",
        """
        SELECT format('The ledger has %s of %s, which is no payment.', kind, reference)
        FROM ledger_entries AS entry
        WHERE NOT EXISTS (SELECT FROM payments WHERE payments.reference = entry.reference)
        """,
    ),
)

_OURS = """
WITH under_way AS (
    SELECT id || ':pay' AS key FROM processes
    WHERE kind IN ('placing', 'company_placing') AND status NOT IN ('done', 'undone')
    UNION
    SELECT payment_key FROM payment_movements WHERE status = 'pending'
)
SELECT key, under_way.key IS NOT NULL AS is_moving, status, amount_minor AS amount,
       captured_minor AS captured, refunded_minor AS refunded, currency
FROM payments FULL JOIN under_way USING (key) ORDER BY key COLLATE "C"
"""
_THEIRS = """
SELECT reference AS key, status, currency,
       coalesce(sum(entry.amount_minor) FILTER (WHERE kind = 'authorise'), 0) AS amount,
       coalesce(sum(entry.amount_minor) FILTER (WHERE kind = 'capture'), 0) AS captured,
       coalesce(sum(entry.amount_minor) FILTER (WHERE kind = 'refund'), 0) AS refunded
FROM payments LEFT JOIN ledger_entries AS entry USING (reference)
GROUP BY reference ORDER BY reference COLLATE "C"
"""
_FACTS = ("status", "amount", "captured", "refunded", "currency")


async def compare(orders: Snapshot, provider: Snapshot) -> AsyncIterator[str]:
    """A sentence for each payment that orders and the provider know otherwise.

    What the provider declined or never settled, orders does not know; all else it must. A payment
    whose process is under way is left alone.
    """
    async for ours, theirs in side_by_side(orders.rows(_OURS), provider.rows(_THEIRS)):
        if ours is not None and ours["is_moving"]:
            continue
        said = None if ours is None else tuple(ours[name] for name in _FACTS)
        done = None if theirs is None else tuple(theirs[name] for name in _FACTS)
        if said is None and theirs is not None and theirs["status"] != "authorised":
            continue
        if said != done:
            key = (ours or theirs)["key"]
            yield f"Payment {key} is {_told(said)} at orders, but {_told(done)} at the provider."


def _told(facts: tuple[object, ...] | None) -> str:
    if facts is None:
        return "unknown"
    return "{} over {}, {} captured, {} refunded ({})".format(*facts)
