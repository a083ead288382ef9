"""What every process has that answers or calls over HTTP, with or without a database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from chassis.auth import Signer, Verifier, load_key, open_verifier
from chassis.clock import Clock
from chassis.http import Neighbours, create_client, open_neighbours
from chassis.settings import Settings


@dataclass(kw_only=True)
class Edge:
    """The open things of a process' outer side; lives in `app.state.edge`."""

    settings: Settings
    clock: Clock
    signer: Signer
    verifier: Verifier
    neighbours: Neighbours
    is_draining: bool = False
    on_drain: list[Callable[[], None]] = field(default_factory=list)
    """Called when draining begins: to end what would else go on for ever."""
    port: int | None = None
    """Where HTTP is answered, once it is."""


@asynccontextmanager
async def open_edge(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Edge]:
    """Open keys, token checks and the clients of the neighbours; close them at the end."""
    clock = clock or Clock()
    signer = Signer(
        issuer=settings.issuer,
        key=load_key(settings.key_file),
        clock=clock,
        own_scopes=settings.own_scopes,
    )
    is_secure = any(url.startswith("https:") for url in settings.trusted_issuers.values())
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(create_client(is_secure=is_secure))
        verifier = await stack.enter_async_context(
            open_verifier(settings, signer=signer, client=client, clock=clock)
        )
        neighbours = await stack.enter_async_context(open_neighbours(settings, signer=signer))
        yield Edge(
            settings=settings,
            clock=clock,
            signer=signer,
            verifier=verifier,
            neighbours=neighbours,
        )
