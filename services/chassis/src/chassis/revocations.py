"""Access that was taken away: every process that answers HTTP hears of it and refuses the tokens.

It is broadcast, so each process hears it at most once. What may have been missed (at the start,
while the broker was away) is asked of accounts. While neither can be reached, a token's ten
minutes bound it.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from chassis import broadcast, tracing
from chassis.backoff import Backoff
from chassis.bus import first_of, pause
from chassis.logs import get_logger
from contracts.buyers import AccessRevoked, Revocations
from contracts.envelope import Event

if TYPE_CHECKING:
    from chassis.auth import Verifier
    from chassis.runtime import Runtime

log = get_logger(__name__)


async def run(runtime: "Runtime", *, stop: asyncio.Event) -> None:
    """Keep the runtime's verifier told until `stop`.

    A process whose own tokens accounts does not trust only hears; it has nobody to ask.
    """
    missed = asyncio.Event()
    may_ask = runtime.settings.issuer in runtime.settings.trusted_issuers

    def hear(event: Event[Any]) -> None:
        note(runtime.verifier, event)

    await asyncio.gather(
        broadcast.listen(
            runtime.bus, (AccessRevoked,), on_event=hear, on_gap=missed.set, stop=stop
        ),
        _catch_up(runtime, missed, stop) if may_ask else stop.wait(),
    )


def note(verifier: "Verifier", event: Event[Any]) -> None:
    """Have a verifier refuse what an event says."""
    if isinstance(event.data, AccessRevoked):
        verifier.revoke(event.subject, event.data.valid_after)


async def _catch_up(runtime: "Runtime", missed: asyncio.Event, stop: asyncio.Event) -> None:
    """Ask accounts whenever something may have been missed, until it answers."""
    backoff = Backoff(runtime.random, cap=10.0)
    while not stop.is_set():
        if not missed.is_set():
            await first_of(stop, missed.wait())
            backoff.reset()
            continue
        missed.clear()
        try:
            with tracing.scope():
                reply = await runtime.neighbours["accounts"].get("/v1/revocations")
            for one in reply.parse(Revocations).items:
                runtime.verifier.revoke(one.subject, one.valid_after)
        except Exception as error:
            missed.set()
            log.info("revocations not asked yet", why=type(error).__name__)
            await pause(stop, backoff.next())
