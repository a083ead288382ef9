"""What must hold when a story is over: the databases, the bank and the follower are asked."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from services.chassis.tests.simulation.mirror import TOPOLOGY
from services.chassis.tests.simulation.source import STOCK
from services.chassis.tests.simulation.story import Story


def find_faults(story: Story) -> Iterator[str]:
    """Everything that is not as it must be, in words."""
    yield from story.world.accusations
    yield from _feed(story)
    yield from _effects(story)
    yield from _copies(story)
    yield from _deals(story)


def _ask(story: Story, name: str, statement: str) -> list[Any]:
    garage = story.world.garage
    return garage.server.query(garage.databases[name], statement)


def _feed(story: Story) -> Iterator[str]:
    """An event for every committed change and no other, in a feed that never changed."""
    facts = {row["event_id"] for row in _ask(story, "source", "SELECT event_id FROM facts")}
    rows = _ask(story, "source", "SELECT event_id::text, position FROM outbox ORDER BY position")
    told = [row["event_id"] for row in rows]
    if set(told) != facts:
        yield f"events without a change, or the reverse: {set(told) ^ facts}"
    lost = {str(event_id) for event_id in story.committed} - facts
    if lost:
        yield f"committed, but not there: {lost}"
    undead = {str(event_id) for event_id in story.rolled_back} & set(told)
    if undead:
        yield f"rolled back, but told: {undead}"
    positions = [row["position"] for row in rows]
    if positions != list(range(1, len(rows) + 1)):
        yield f"the feed's positions are {positions}"
    followed = [json.loads(event)["id"] for event in story.followed]
    if followed != told:
        yield f"the follower read {followed}, the feed has {told}"


def _effects(story: Story) -> Iterator[str]:
    """Each event had its effect once in each queue that takes it, and nothing is left over."""
    facts = _ask(story, "source", "SELECT event_id, type FROM facts")
    due = Counter(
        (queue, row["event_id"])
        for row in facts
        for queue, kinds in TOPOLOGY.items()
        if row["type"] in kinds
    )
    rows = _ask(story, "mirror", "SELECT queue, event_id FROM effects")
    had = Counter((row["queue"], row["event_id"]) for row in rows)
    if had - due:
        yield f"effects too often: {dict(had - due)}"
    if due - had:
        yield f"effects missing: {dict(due - had)}"
    open_rows = _ask(
        story, "mirror", "SELECT queue, event_id, status FROM inbox WHERE status <> 'done'"
    )
    if open_rows:
        yield f"left in the inbox: {open_rows}"


def _copies(story: Story) -> Iterator[str]:
    """The copy equals its source."""
    source = _ask(story, "source", "SELECT key, sequence, value, is_gone FROM things ORDER BY key")
    copy = _ask(story, "mirror", "SELECT key, sequence, value, is_gone FROM mirrored ORDER BY key")
    kept = [tuple(row) for row in copy if row["key"] != "phantom"]
    owned = [tuple(row) for row in source]
    if owned != kept:
        yield f"the copy has {kept}, its source {owned}"
    phantoms = [row for row in copy if row["key"] == "phantom" and not row["is_gone"]]
    if phantoms:
        yield "the rebuild left what the source does not have"


def _deals(story: Story) -> Iterator[str]:
    """Each deal is done or undone, and the ledgers agree."""
    rows = _ask(story, "source", "SELECT id::text, status, data FROM processes")
    status = {row["id"]: row["status"] for row in rows}
    numbers = Counter(_data(row)["number"] for row in rows)
    if any(count > 1 for count in numbers.values()):
        yield f"one key, several deals: {numbers}"
    for number, process_id in story.answered.items():
        if str(process_id) not in status:
            yield f"deal {number} was answered, but is not there"
    done = {one for one, at in status.items() if at == "done"}
    undone = {one for one, at in status.items() if at == "undone"}
    if len(done) + len(undone) != len(status):
        yield f"neither done nor undone: {status}"
    unheeded = {str(one) for one in story.abandoned} & done
    if unheeded:
        yield f"abandoned, but done: {unheeded}"
    pieces = _ask(story, "source", "SELECT pieces FROM shelf")[0][0]
    if pieces != STOCK - len(done):
        yield f"{STOCK - pieces} pieces are gone for {len(done)} deals"
    placed = Counter(row[0] for row in _ask(story, "source", "SELECT process_id FROM placed"))
    if placed != Counter(done):
        yield f"placed {placed}, but done are {done}"
    yield from story.world.bank.find_faults(done, undone)


def _data(row: Any) -> Any:
    return row["data"] if isinstance(row["data"], dict) else json.loads(row["data"])
