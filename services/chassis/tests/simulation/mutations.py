"""Bugs planted into the chassis, each a classic, to see that the simulation finds them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from chassis import copies, feed, inbox, process, relay
from chassis.bus import Outcome
from chassis.process import UNDOING, UNDONE, Process, ProcessRow
from chassis.relay import Relay
from services.chassis.tests.simulation.broker import Weather

Patch = pytest.MonkeyPatch


def relay_marks_before_it_publishes(patch: Patch) -> None:
    fetch = Relay.fetch

    async def fetch_and_mark(self: Relay, statement: str, *values: Any) -> list[Any]:
        rows = await fetch(self, statement, *values)
        await self.execute(relay._MARK, [row["event_id"] for row in rows], self.runtime.clock.now())
        return rows

    patch.setattr(Relay, "fetch", fetch_and_mark)


def relay_takes_a_lost_confirm_for_a_confirm(patch: Patch) -> None:
    settle = Relay.settle

    async def settle_all(self: Relay, rows: Any, outcomes: Any) -> tuple[int, int]:
        return await settle(self, rows, [Outcome.SENT for _ in outcomes])

    patch.setattr(Relay, "settle", settle_all)


def inbox_knows_no_duplicates(patch: Patch) -> None:
    enter = inbox._enter

    async def enter_always(*values: Any) -> tuple[bool, bool]:
        _, is_behind = await enter(*values)
        return True, is_behind

    patch.setattr(inbox, "_enter", enter_always)


def inbox_overtakes_what_failed(patch: Patch) -> None:
    enter = inbox._enter

    async def enter_first(*values: Any) -> tuple[bool, bool]:
        is_new, _ = await enter(*values)
        return is_new, False

    patch.setattr(inbox, "_enter", enter_first)


def inbox_acknowledges_what_it_could_not_store(patch: Patch) -> None:
    receive = inbox.receive

    async def receive_somehow(*values: Any) -> None:
        try:
            await receive(*values)
        except Exception as error:
            inbox.log.warning("could not store", error=str(error))

    patch.setattr(inbox, "receive", receive_somehow)


def inbox_keeps_the_effect_of_a_handler_that_failed(patch: Patch) -> None:
    async def apply(session: Any, consumer: Any, event: Any) -> Exception | None:
        try:
            await consumer.by_type[event.type][1](session, event)
        except Exception as failure:
            return failure
        return None

    patch.setattr(inbox, "_apply", apply)


def process_has_no_fencing_token(patch: Patch) -> None:
    async def hold(session: Any, row: ProcessRow, *, lock: bool) -> ProcessRow:
        wanted = select(ProcessRow).where(ProcessRow.id == row.id)
        held: ProcessRow = (
            await session.scalars(wanted.with_for_update() if lock else wanted)
        ).one()
        return held

    patch.setattr(process, "_hold", hold)


def process_leaves_out_the_undo_of_the_refused_step(patch: Patch) -> None:
    turn_back = process._turn_back

    def turn_back_further(kind: Process, row: ProcessRow, problem: Any, now: datetime) -> None:
        step = row.step or ""
        turn_back(kind, row, problem, now)
        if row.status == UNDOING and row.step == step:
            row.step = kind.before(step)
            if row.step is None:
                row.status, row.ended_at = UNDONE, now
                process._release(row)

    patch.setattr(process, "_turn_back", turn_back_further)


def feed_is_read_by_insertion(patch: Patch) -> None:
    by_id = """
        SELECT head.position AS head, 0 AS pruned, item.id AS position, item.event
        FROM (SELECT coalesce(max(id), 0) AS position FROM outbox) AS head
        LEFT JOIN LATERAL (
            SELECT id, event FROM outbox WHERE id > :after AND id <= head.position
              AND (CAST(:types AS text[]) IS NULL OR type = ANY(CAST(:types AS text[])))
            ORDER BY id LIMIT CAST(:limit AS bigint) + 0 * CAST(:scanned AS bigint)
        ) AS item ON true
        ORDER BY item.id
    """
    patch.setattr(feed, "_READ", text(by_id))


def copy_takes_what_is_older(patch: Patch) -> None:
    async def apply(session: Any, table: Any, rows: Any, *, keys: Any) -> int:
        for row in rows:
            statement = insert(table).values(row)
            await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))
        return len(rows)

    patch.setattr(copies, "apply_newer", apply)


_MESSAGES = {"writes": 12, "deals": 0, "work_seconds": 2}
_DEALS = {"writes": 0, "deals": 4, "sources": 2, "rebuilds": False}

MUTATIONS: dict[Callable[[Patch], None], dict[str, Any]] = {
    relay_marks_before_it_publishes: _MESSAGES | {"weather": Weather(lost=0.5)},
    relay_takes_a_lost_confirm_for_a_confirm: _MESSAGES | {"weather": Weather(lost=0.5)},
    inbox_knows_no_duplicates: _MESSAGES | {"weather": Weather(twice=0.5)},
    inbox_overtakes_what_failed: _MESSAGES | {"handler_trouble": 0.5},
    inbox_acknowledges_what_it_could_not_store: _MESSAGES | {"loss": 0.05},
    inbox_keeps_the_effect_of_a_handler_that_failed: _MESSAGES | {"handler_trouble": 0.5},
    process_has_no_fencing_token: _DEALS | {"stall": 0.05, "lease_seconds": 3},
    process_leaves_out_the_undo_of_the_refused_step: _DEALS
    | {"bank_trouble": 1.0, "deadline_seconds": 20, "trouble_seconds": 60},
    feed_is_read_by_insertion: _MESSAGES | {"latency_seconds": 0.1, "things": 3},
    copy_takes_what_is_older: _MESSAGES | {"weather": Weather(shuffled=1, twice=0.5)},
}
"""Each with what makes it likely to show."""
