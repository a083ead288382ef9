"""Companies: their ledgers, their approvals, and that orders says the same of both (design 5.3,
5.4, 5.8).
"""

from collections.abc import AsyncIterator
from typing import Any

from tandem.verify.check import Check
from tandem.verify.snapshots import Snapshot, side_by_side

HOLDS, REQUESTS, FACTS = (
    "accounts held what orders placed",
    "approvals agreed to what orders placed",
    "accounts counts the orders that companies placed",
)

LEDGERS = (
    Check(
        "held and used are the sum of the ledger",
        """
        SELECT format('The %s ledger of %s has %s held and %s used, but its entries add up to %s'
                      ' and %s.', kind, owner, coalesce(ledger.held_minor::text, 'none'),
                      coalesce(ledger.used_minor::text, 'none'), coalesce(held, 0),
                      coalesce(used, 0))
        FROM ledgers AS ledger FULL JOIN (
            SELECT ledger AS kind, owner, sum(held_minor) AS held, sum(used_minor) AS used
            FROM ledger_entries GROUP BY ledger, owner
        ) AS entries USING (kind, owner)
        WHERE (coalesce(ledger.held_minor, 0), coalesce(ledger.used_minor, 0))
              IS DISTINCT FROM (coalesce(held, 0), coalesce(used, 0))
           OR ledger.held_minor < 0 OR ledger.used_minor < 0
        """,
    ),
    Check(
        "no ledger is over a limit that refuses",
        """
        SELECT format('The %s ledger of %s has %s held and used, over its limit of %s.',
                      kind, owner, held_minor + used_minor, least_limit)
        FROM ledgers JOIN (
            SELECT 'credit' AS kind, company AS owner, max(credit_limit_minor) AS least_limit
            FROM agreements GROUP BY company
            HAVING bool_and(over_credit = 'refuse' AND version = 1)
            UNION ALL
            SELECT 'budget', key, amount_minor FROM budgets
            WHERE over_budget = 'refuse' AND version = 1
        ) AS limits USING (kind, owner)
        WHERE held_minor + used_minor > least_limit
        """,
    ),
    Check(
        "a hold has moved what it says",
        """
        SELECT format('Hold %s over %s is %s, but in the %s ledger of %s it has %s held and %s'
                      ' used.', hold.id, amount_minor, outcome, coalesce(ledger, 'no'),
                      coalesce(owner, 'nobody'), coalesce(held, 0), coalesce(used, 0))
        FROM holds AS hold FULL JOIN (
            SELECT hold_id AS id, ledger, owner, sum(held_minor) AS held, sum(used_minor) AS used,
                   bool_and(order_number IS NULL) AS is_open, max(order_number) AS number
            FROM ledger_entries GROUP BY hold_id, ledger, owner
        ) AS moved USING (id)
        WHERE outcome IS NULL
           OR (outcome IN ('granted', 'needs_approval')
               AND ledger IS NOT NULL AND (held, used) IS DISTINCT FROM (amount_minor, 0))
           OR (outcome = 'settled' AND ledger IS NOT NULL
               AND (held, used, number) IS DISTINCT FROM (0, amount_minor, order_number))
           OR (outcome = 'released' AND ledger IS NOT NULL AND (held <> 0 OR used <> 0))
           OR (outcome = 'refused' AND ledger IS NOT NULL)
           OR (outcome IN ('granted', 'needs_approval', 'settled') AND agreement IS NOT NULL
               AND NOT EXISTS (SELECT FROM ledger_entries
                               WHERE hold_id = hold.id AND ledger = 'credit'
                                 AND owner = hold.company))
        """,
    ),
    Check(
        "a company's facts are the sum of its orders",
        """
        SELECT format('%s has %s orders over %s, but they add up to %s over %s.', company,
                      coalesce(facts.orders, 0), coalesce(lifetime_spend_minor, 0),
                      coalesce(sums.orders, 0), coalesce(spend, 0))
        FROM company_facts AS facts FULL JOIN (
            SELECT company, count(*) AS orders, sum(spend_minor) AS spend
            FROM order_facts GROUP BY company
        ) AS sums USING (company)
        WHERE (facts.orders, lifetime_spend_minor) IS DISTINCT FROM (sums.orders, spend)
        """,
    ),
    Check(
        "members and units belong together",
        """
        SELECT format('Member %s of %s acts for unit %s, which is of %s.', member.key,
                      member.company, member.unit, coalesce(unit.company, 'nobody'))
        FROM members AS member LEFT JOIN units AS unit ON unit.key = member.unit
        WHERE unit.company IS DISTINCT FROM member.company
        UNION ALL
        SELECT format('Unit %s of %s is below %s, which is of %s.', unit.key, unit.company,
                      unit.parent, coalesce(above.company, 'nobody'))
        FROM units AS unit LEFT JOIN units AS above ON above.key = unit.parent
        WHERE unit.parent IS NOT NULL AND above.company IS DISTINCT FROM unit.company
        """,
    ),
)

DECISIONS = (
    Check(
        "nobody decides on their own request",
        """
        SELECT format('Request %s was decided by %s, who asked for it.', id, decided_by)
        FROM approval_requests WHERE decided_by = member_id
        """,
    ),
    Check(
        "a decision has somebody and a time before it was too late",
        """
        SELECT format('Request %s is %s by %s at %s; it expired at %s.', id, status,
                      coalesce(decided_by::text, 'nobody'), coalesce(decided_at::text, 'no time'),
                      expires_at)
        FROM approval_requests
        WHERE (status IN ('approved', 'rejected')) <> (decided_by IS NOT NULL)
           OR (status NOT IN ('pending', 'not_needed')) <> (decided_at IS NOT NULL)
           OR (status IN ('approved', 'rejected') AND decided_at >= expires_at)
        """,
    ),
    Check(
        "a request without a reason needs nobody",
        """
        SELECT format('Request %s is %s for the reasons {%s}.', id, status,
                      array_to_string(reasons, ', '))
        FROM approval_requests
        WHERE asked IS NOT NULL AND status <> 'withdrawn'
          AND (status = 'not_needed') <> (reasons = '{}')
        """,
    ),
)

_PLACED = """
SELECT key, is_moving, number, amount, currency, member, agreement FROM (
    SELECT coalesce(process.id, placed.placement_id)::text || {step} AS key,
           coalesce(process.status NOT IN ('done', 'undone'), false) AS is_moving,
           'T-' || serial AS number, total_gross_minor AS amount, placed.currency,
           placed.member_id::text AS member, placed.agreement
    FROM (SELECT * FROM processes WHERE kind = 'company_placing') AS process
    FULL JOIN (SELECT * FROM orders WHERE member_id IS NOT NULL) AS placed
    ON placed.placement_id = process.id
) AS placings ORDER BY key COLLATE "C"
"""
_HELD = """
SELECT id AS key, outcome, order_number AS number, amount_minor AS amount, currency,
       member_id::text AS member, agreement
FROM holds ORDER BY id COLLATE "C"
"""
_ASKED = """
SELECT id AS key, status, asked -> 'amount' ->> 'amount' AS amount,
       asked -> 'amount' ->> 'currency' AS currency, member_id::text AS member
FROM approval_requests WHERE asked IS NOT NULL ORDER BY id COLLATE "C"
"""
_ORDERED = """
SELECT id::text AS key, company, total_gross_minor AS amount FROM orders
WHERE member_id IS NOT NULL ORDER BY id::text COLLATE "C"
"""
_COUNTED = """
SELECT order_id::text AS key, company, spend_minor AS amount FROM order_facts
ORDER BY order_id::text COLLATE "C"
"""


async def compare_holds(orders: Snapshot, accounts: Snapshot) -> AsyncIterator[str]:
    """A sentence for each placing of a member that orders and accounts know otherwise.

    A placing that is under way is left alone.
    """
    placed, held = orders.rows(_PLACED.format(step="':hold'")), accounts.rows(_HELD)
    async for ours, theirs in side_by_side(placed, held):
        if ours is not None and ours["is_moving"]:
            continue
        number = None if ours is None else ours["number"]
        outcome = None if theirs is None else theirs["outcome"]
        if number is None and outcome in (None, "refused", "released"):
            continue
        if number is not None and outcome == "settled" and _is_same(ours, theirs):
            continue
        key = (ours or theirs)["key"]
        yield (
            f"Hold {key} is {outcome or 'unknown'} for {_told(theirs)} at accounts, but orders has"
            f" {_told(ours)}."
        )


async def compare_requests(orders: Snapshot, approvals: Snapshot) -> AsyncIterator[str]:
    """A sentence for each order that nobody agreed to, and each request that nobody waits for."""
    placed = orders.rows(_PLACED.format(step="':approve'"))
    async for ours, theirs in side_by_side(placed, approvals.rows(_ASKED)):
        if ours is not None and ours["is_moving"]:
            continue
        number = None if ours is None else ours["number"]
        status = None if theirs is None else theirs["status"]
        key = (ours or theirs)["key"]
        if number is None:
            if status == "pending":
                yield f"Request {key} is pending, but its placing has ended, or there is none."
        elif status not in ("approved", "not_needed"):
            yield f"Order {number} was placed, but its request {key} is {status or 'unknown'}."
        elif _agreed(theirs) != (_amount(ours), ours["currency"], ours["member"]):
            yield f"Request {key} agreed to {_agreed(theirs)}, but placed was {_told(ours)}."


async def compare_facts(orders: Snapshot, accounts: Snapshot) -> AsyncIterator[str]:
    """A sentence for each order of a company that accounts has not counted, or counted wrongly.

    An order in another currency than the company's counts, but not its amount.
    """
    async for ours, theirs in side_by_side(orders.rows(_ORDERED), accounts.rows(_COUNTED)):
        if ours is None or theirs is None:
            key = (ours or theirs)["key"]
            yield f"Order {key} is known to {'accounts' if ours is None else 'orders'} alone."
        elif ours["company"] != theirs["company"] or theirs["amount"] not in (0, ours["amount"]):
            yield (
                f"Order {ours['key']} of {ours['company']} over {ours['amount']} is counted for"
                f" {theirs['company']} over {theirs['amount']}."
            )


def _is_same(ours: Any, theirs: Any) -> bool:
    names = ("number", "amount", "currency", "member")
    # A hold for an order that was paid at once is under no agreement.
    return all(ours[name] == theirs[name] for name in names) and (
        ours["agreement"] is None or ours["agreement"] == theirs["agreement"]
    )


def _told(facts: Any) -> str:
    if facts is None or facts["number"] is None:
        return "no order"
    return f"{facts['number']} over {facts['amount']} {facts['currency']} of {facts['member']}"


def _agreed(request: Any) -> tuple[int, str, str]:
    return int(request["amount"].replace(".", "")), request["currency"], request["member"]


def _amount(order: Any) -> int:
    return int(order["amount"])
