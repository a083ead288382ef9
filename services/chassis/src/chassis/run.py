"""Running a service: `python -m <service> api|consume|relay|work|all|migrate|openapi`.

One image, several processes: `api` answers HTTP, `consume` takes events in and fills copies,
`relay` sends events out, `work` drives processes and jobs, `all` is these four in one process.
`rebuild <copy>` applies a neighbour's snapshot anew, `revision <text>` writes the next migration.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from pydantic import ValidationError

from chassis import copies, inbox, jobs, logs, process, pruning, relay, revocations
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.runtime import Runtime, open_runtime
from chassis.server import prepare_process, run_process, serve
from chassis.service import Service, create_app
from chassis.settings import DatabaseSettings

Role = Callable[..., Awaitable[None]]
"""Works for a runtime until `stop` is set, finishes what it has in hand, and returns."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0

log = logs.get_logger(__name__)


async def _work_jobs(runtime: Runtime, *, stop: asyncio.Event) -> None:
    await jobs.run(runtime, (*pruning.JOBS, *runtime.service.jobs), stop=stop)


ROLES: dict[str, tuple[Role, ...]] = {
    "api": (revocations.run,),
    "consume": (inbox.run, copies.run),
    "relay": (relay.run,),
    "work": (process.run, _work_jobs),
}


@asynccontextmanager
async def serve_all(
    service: Service,
    settings: DatabaseSettings,
    *,
    bus: Bus | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Runtime]:
    """Everything of a service in the running loop; `runtime.port` says where it listens.

    The database must be migrated. Leaving drains: requests and steps under way are finished.
    """
    async with serve_roles(service, settings, tuple(ROLES), bus=bus, clock=clock) as runtime:
        yield runtime


@asynccontextmanager
async def serve_roles(
    service: Service,
    settings: DatabaseSettings,
    names: Sequence[str],
    *,
    bus: Bus | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Runtime]:
    """Some roles of a service in the running loop. Without `api` HTTP answers only for health,
    and only where `health_port` is set.
    """
    roles = [role for name in names for role in ROLES[name]]
    async with AsyncExitStack() as stack:
        stack.enter_context(logs.service(service.name))
        runtime = await stack.enter_async_context(
            open_runtime(service, settings, bus=bus, clock=clock)
        )
        await stack.enter_async_context(_working(runtime, roles))
        is_api = "api" in names
        port = settings.port if is_api else settings.health_port
        if port is not None:
            app = create_app(service, settings, runtime=runtime, is_for_health_only=not is_api)
            await stack.enter_async_context(app.router.lifespan_context(app))
            runtime.port = await stack.enter_async_context(
                serve(app, host=settings.host, port=port, drain_seconds=settings.drain_seconds)
            )
        log.info("running", roles=list(names), port=runtime.port)
        try:
            yield runtime
        finally:
            runtime.is_draining = True
            log.info("draining")


@asynccontextmanager
async def _working(runtime: Runtime, roles: Sequence[Role]) -> AsyncIterator[None]:
    """Roles at work while inside; on the way out they finish what they have in hand."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_supervise(runtime, role, stop)) for role in roles]
    try:
        yield
    finally:
        stop.set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=runtime.settings.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _supervise(runtime: Runtime, role: Role, stop: asyncio.Event) -> None:
    """Keep a role going: one that breaks is logged and begun again, ever less often."""
    pause = _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        try:
            await role(runtime, stop=stop)
            return
        except Exception:
            log.error("role broke", role=f"{role.__module__}.{role.__name__}", exc_info=True)
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def main(service: Service, argv: Sequence[str] | None = None) -> None:
    """What `python -m <service>` does. Settings that are missing end it with exit code 2."""
    arguments = _parse(service, argv)
    command: str = arguments.command
    if command == "openapi":
        sys.stdout.write(openapi(service))
        return
    settings = _read_settings(service)
    if command in ("all", *ROLES):
        names = tuple(ROLES) if command == "all" else (command,)

        async def work(stop: asyncio.Event) -> None:
            async with serve_roles(service, settings, names):
                await stop.wait()

        run_process(settings, work)
        return
    prepare_process(settings)
    asyncio.run(_do(service, settings, arguments))


async def _do(service: Service, settings: DatabaseSettings, arguments: argparse.Namespace) -> None:
    """The commands that end by themselves."""
    from chassis import migrate  # alembic is not for processes that serve

    with logs.service(service.name):
        if arguments.command == "migrate":
            await migrate.migrate(service, settings)
        elif arguments.command == "revision":
            path = await migrate.write_revision(service, settings, message=arguments.text)
            sys.stdout.write(f"{path}\n")
        else:
            by_name = {copy.name: copy for copy in service.copies}
            async with open_runtime(service, settings) as runtime:
                if not await copies.rebuild(runtime, by_name[arguments.copy]):
                    sys.exit("Another process is filling this copy right now.")


def openapi(service: Service) -> str:
    """The service's OpenAPI document as it is kept in `contracts/openapi`."""
    settings = service.settings(
        service=service.name, port=0, database_url="postgresql://none", trusted_issuers={}
    )
    return json.dumps(create_app(service, settings).openapi(), indent=2, ensure_ascii=False) + "\n"


def _parse(service: Service, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=service.name, description=service.summary)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    told = {
        "api": "answer HTTP",
        "consume": "take events in and fill local copies",
        "relay": "send events out",
        "work": "drive processes and jobs",
        "all": "these four in one process",
        "migrate": "bring the database up to this code",
        "openapi": "print the OpenAPI document",
    }
    for name, what in told.items():
        commands.add_parser(name, help=what)
    revision = commands.add_parser("revision", help="write the next migration from the tables")
    revision.add_argument("text")
    if service.copies:
        rebuild = commands.add_parser("rebuild", help="apply a neighbour's snapshot anew")
        rebuild.add_argument("copy", choices=sorted(copy.name for copy in service.copies))
    return parser.parse_args(argv)


def _read_settings(service: Service) -> DatabaseSettings:
    try:
        values: dict[str, Any] = {}
        return service.settings(**values)
    except ValidationError as error:
        for one in error.errors():
            name = "_".join(str(part) for part in one["loc"]).upper()
            sys.stderr.write(f"TANDEM_{name}: {one['msg']}\n")
        sys.exit(2)
