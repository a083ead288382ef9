"""What must hold between two databases: events arrive, copies say what their owner says, and
orders and the payment provider have the same books.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.topology import QUEUES
from tandem.verify import companies, payments
from tandem.verify.snapshots import Snapshot, side_by_side

DELIVERY, COPY = "event delivered", "copy"
INBOX_DAYS = 30
"""How long consumers know the events they have done, unless they are told otherwise."""
_MARGIN = timedelta(hours=1)
_SLACK = timedelta(days=1)

_SENT = """
SELECT event_id, type, subject, sequence, published_at FROM outbox
WHERE type = ANY($1::text[]) ORDER BY event_id
"""
_RECEIVED = """
SELECT DISTINCT ON (event_id) event_id, status FROM inbox
WHERE queue = $1 ORDER BY event_id, status
"""
_HORIZON = """
SELECT now() AS now, (SELECT max(pruned) FROM feed_head) > 0 AS is_pruned,
       (SELECT min(created_at) FROM outbox) AS oldest
"""
_UNFILLED = "SELECT NOT EXISTS (SELECT FROM copies WHERE name = $1 AND filled_at IS NOT NULL)"

_PRODUCTS_AT_CATALOG = """
SELECT key, version AS sequence, is_published, name::text, tax_class,
       ARRAY(SELECT sku FROM variants WHERE product_key = product.key
             ORDER BY sku COLLATE "C") AS skus,
       ARRAY(SELECT category_key FROM placements WHERE product_key = product.key
             ORDER BY category_key COLLATE "C") AS categories
FROM products AS product ORDER BY key COLLATE "C"
"""
_STORES_AT_CATALOG = """
SELECT key, version AS sequence, currencies, locales, countries, tax_display
FROM stores ORDER BY key COLLATE "C"
"""
_BUYERS_AT_ACCOUNTS = """
WITH RECURSIVE paths AS (
    SELECT key, parent, ARRAY[key] AS path FROM units
    UNION ALL
    SELECT paths.key, above.parent, paths.path || above.key
    FROM paths JOIN units AS above ON above.key = paths.parent
)
SELECT member.id::text AS key, profile_version AS sequence,
       member.is_active AND company.is_active AS is_active, company.key AS company,
       paths.path::text AS units, member.roles::text AS roles, order_limit_minor::text AS limit,
       ARRAY(SELECT group_key FROM group_memberships AS membership
             WHERE membership.company = company.key AND is_member
             ORDER BY group_key COLLATE "C")::text AS groups
FROM members AS member JOIN companies AS company ON company.key = member.company
JOIN paths ON paths.key = member.unit AND paths.parent IS NULL
ORDER BY member.id::text COLLATE "C"
"""
_BUYERS_COPIED = """
SELECT member_id::text AS key, sequence, is_active, company,
       ARRAY(SELECT jsonb_array_elements_text(profile -> 'units'))::text AS units,
       ARRAY(SELECT role FROM jsonb_array_elements_text(profile -> 'roles') AS role
             ORDER BY role COLLATE "C")::text AS roles,
       replace(profile -> 'order_limit' ->> 'amount', '.', '')::bigint::text AS limit,
       ARRAY(SELECT jsonb_array_elements_text(profile -> 'groups'))::text AS groups
FROM buyer_profiles ORDER BY member_id::text COLLATE "C"
"""
COPIES: dict[str, tuple[str, str]] = {
    **{
        f"{service}.buyers": (_BUYERS_AT_ACCOUNTS, _BUYERS_COPIED)
        for service in ("catalog", "pricing", "approvals", "orders")
    },
    "catalog.availability": (
        """
        SELECT sku AS key, sequence, on_hand - reserved AS available
        FROM stock_items WHERE sequence > 0 ORDER BY sku COLLATE "C"
        """,
        'SELECT sku AS key, sequence, available FROM availability ORDER BY sku COLLATE "C"',
    ),
    "pricing.stores": (
        _STORES_AT_CATALOG,
        """
        SELECT key, sequence, currencies, countries, tax_display
        FROM stores ORDER BY key COLLATE "C"
        """,
    ),
    "orders.stores": (
        _STORES_AT_CATALOG,
        """
        SELECT key, sequence, currencies, locales, countries
        FROM stores ORDER BY key COLLATE "C"
        """,
    ),
    "pricing.products": (
        _PRODUCTS_AT_CATALOG,
        """
        SELECT key, sequence, is_published, tax_class,
               ARRAY(SELECT sku FROM product_skus WHERE product_key = product.key
                     ORDER BY sku COLLATE "C") AS skus,
               ARRAY(SELECT category FROM unnest(categories) AS category
                     ORDER BY category COLLATE "C") AS categories
        FROM products AS product ORDER BY key COLLATE "C"
        """,
    ),
    "orders.products": (
        _PRODUCTS_AT_CATALOG,
        """
        SELECT key, sequence, is_published, name::text,
               ARRAY(SELECT sku FROM product_skus WHERE product_key = product.key
                     ORDER BY sku COLLATE "C") AS skus
        FROM products AS product ORDER BY key COLLATE "C"
        """,
    ),
}
"""By the queue that keeps a copy: what its owner says, and what the copy says of the same."""


@dataclass
class Seen:
    """What one look came to. A difference is a sentence that names versions, with its check."""

    differences: dict[str, str] = field(default_factory=dict)
    moving: list[str] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)


async def look(snapshots: Mapping[str, Snapshot]) -> Seen:
    """Compare every queue with what was sent to it, every copy with what it is a copy of, orders
    with what accounts held and approvals agreed to, and orders' payments with the test provider's
    ledger, where that is one of the databases.
    """
    seen = Seen()
    for queue, types in QUEUES.items():
        under_way = await _look_at_queue(snapshots, queue, types, seen)
        if queue in COPIES:
            await _look_at_copy(snapshots, queue, types, seen, under_way=under_way)
    orders, accounts = snapshots["orders"], snapshots["accounts"]
    comparisons = {
        companies.HOLDS: companies.compare_holds(orders, accounts),
        companies.REQUESTS: companies.compare_requests(orders, snapshots["approvals"]),
        companies.FACTS: companies.compare_facts(orders, accounts),
    }
    if "testpay" in snapshots:
        comparisons[payments.LEDGERS] = payments.compare(orders, snapshots["testpay"])
    for check, differences in comparisons.items():
        async for told in differences:
            seen.differences[told] = check
    return seen


async def _look_at_queue(
    snapshots: Mapping[str, Snapshot], queue: str, types: tuple[str, ...], seen: Seen
) -> int:
    """Every published event must be in the inbox, and nothing else; how many are under way."""
    consumer, owner = snapshots[_service_of(queue)], snapshots[_owner_of(types)]
    horizon = await owner.row(_HORIZON)
    forgotten = horizon["now"] - timedelta(days=INBOX_DAYS) + _SLACK
    count = under_way = 0
    sent, received = owner.rows(_SENT, list(types)), consumer.rows(_RECEIVED, queue)
    async for event, entry in side_by_side(sent, received):
        count += 1
        if event is None:
            if entry["status"] != "dead" and not _may_be_pruned(entry["event_id"], horizon):
                seen.differences[
                    f"{queue} took event {entry['event_id']}, which {_owner_of(types)} never told."
                ] = DELIVERY
        elif entry is None and event["published_at"] is None:
            under_way += 1
        elif entry is None and event["published_at"] > forgotten:
            under_way += 1
            seen.differences[
                f"{queue} has not got event {event['event_id']} ({event['type']} of "
                f"{event['subject']}, sequence {event['sequence']}), published at "
                f"{event['published_at']:%Y-%m-%d %H:%M:%S}."
            ] = DELIVERY
        elif entry is not None and entry["status"] in ("retrying", "waiting"):
            under_way += 1
    seen.looked_at[f"events to {queue}"] = count
    return under_way


async def _look_at_copy(
    snapshots: Mapping[str, Snapshot],
    queue: str,
    types: tuple[str, ...],
    seen: Seen,
    *,
    under_way: int,
) -> None:
    """Compare key by key; while events are under way a difference is no surprise."""
    consumer, owner = snapshots[_service_of(queue)], snapshots[_owner_of(types)]
    is_unfilled = (await consumer.row(_UNFILLED, queue.partition(".")[2]))[0]
    owned, copied = COPIES[queue]
    differences = []
    count = 0
    async for ours, theirs in side_by_side(owner.rows(owned), consumer.rows(copied)):
        count += 1
        told = _difference(queue, _owner_of(types), ours, theirs)
        if told:
            differences.append(told)
    seen.looked_at[f"copies in {queue}"] = count
    if is_unfilled:
        seen.moving.append(f"The copy {queue} was never filled from its owner's snapshot.")
    if under_way or is_unfilled:
        if differences:
            seen.moving.append(
                f"The copy {queue} differs at {len(differences)} keys while {under_way} events"
                " are under way."
            )
        return
    seen.differences |= dict.fromkeys(differences, COPY)


def _difference(queue: str, owner: str, ours: Any, theirs: Any) -> str | None:
    """One sentence where the owner and the copy do not say the same."""
    if theirs is None:
        return f"{queue} lacks {ours['key']}, which {owner} has at sequence {ours['sequence']}."
    if ours is None:
        return (
            f"{queue} has {theirs['key']} at sequence {theirs['sequence']},"
            f" which {owner} does not have."
        )
    wrong = [name for name, value in theirs.items() if ours[name] != value]
    if not wrong:
        return None
    ends = f"{_facts(theirs, wrong)}, but {owner} says {_facts(ours, wrong)}"
    return f"{queue} has {theirs['key']} at sequence {theirs['sequence']} with {ends}."


def _facts(row: Any, names: list[str]) -> str:
    return ", ".join(f"{name} {row[name]}" for name in names)


def _service_of(queue: str) -> str:
    return queue.partition(".")[0]


def _owner_of(types: tuple[str, ...]) -> str:
    """Events of one queue are all told by the same service: `tandem.<owner>. ...`."""
    (owner,) = {kind.split(".")[1] for kind in types}
    return owner


def _may_be_pruned(event_id: UUID, horizon: Any) -> bool:
    """Whether the owner may have forgotten an event of that age; its id is a UUIDv7."""
    if not horizon["is_pruned"]:
        return False
    if horizon["oldest"] is None:
        return True
    made_at = datetime.fromtimestamp((event_id.int >> 80) / 1000, tz=UTC)
    return bool(made_at < horizon["oldest"] + _MARGIN)
