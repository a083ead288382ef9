"""Migrations: the chassis' own tables, then the service's, each with a version table of its own.

They run under an advisory lock, so any number of processes may ask for them at once, and again.
Each revision is a transaction; what is killed between two goes on where it was.
There is no `env.py`: a service only has revisions, in the folder `versions` of its package.
Migrations only go forward; a change that old code cannot live with comes in two releases.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.autogenerate import RevisionContext, compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from chassis import failpoints
from chassis.db import ChassisBase, create_engine, lock_number
from chassis.logs import get_logger
from chassis.revisions import CHASSIS, CHASSIS_VERSIONS, SERVICE_VERSIONS, folder_of
from chassis.settings import DatabaseSettings

if TYPE_CHECKING:
    from chassis.service import Service

_LOCK = lock_number("tandem:migrate")
_TEMPLATES = Path(__file__).parent / "migrations"
_ALEMBIC = threading.Lock()
"""Alembic's `op` is one for the whole interpreter, so only one migration runs in it at a time."""

log = get_logger(__name__)


@dataclass(frozen=True)
class _Line:
    """One line of revisions: where they lie, what they make, where the version is kept."""

    package: str
    metadata: MetaData
    version_table: str

    def scripts(self) -> ScriptDirectory:
        return ScriptDirectory(
            _TEMPLATES,
            file_template="%(rev)s_%(slug)s",
            version_locations=[folder_of(self.package) / "versions"],
        )


def _lines(service: "Service") -> tuple[_Line, _Line]:
    _know_all_tables()
    return (
        _Line(CHASSIS, ChassisBase.metadata, CHASSIS_VERSIONS),
        _Line(service.migrations, service.metadata, SERVICE_VERSIONS),
    )


def _know_all_tables() -> None:
    """Import every module that declares a table of the chassis."""
    for name in ("buyers", "copies", "idempotency", "inbox", "outbox", "process"):
        if find_spec(f"chassis.{name}"):
            import_module(f"chassis.{name}")


async def migrate(service: "Service", settings: DatabaseSettings) -> None:
    """Bring a database up to what this code needs; harmless when it is there already."""
    await _in_alembic(settings, lambda connection: _upgrade(connection, _lines(service)))
    log.info("migrated")


async def differences(service: "Service", settings: DatabaseSettings) -> list[str]:
    """How a migrated database differs from the mapped tables; empty when all is well."""
    found: list[str] = []

    def compare(connection: Connection) -> None:
        lines = _lines(service)
        context = MigrationContext.configure(
            connection, opts={"include_name": _is_ours, "compare_server_default": True}
        )
        both: Any = [line.metadata for line in lines]
        found.extend(repr(one) for one in compare_metadata(context, both))

    await _in_alembic(settings, compare)
    return found


async def write_revision(service: "Service", settings: DatabaseSettings, *, message: str) -> Path:
    """Write the service's next revision from the difference of tables and migrated database.

    The database must be migrated. Read and clean what was written: alembic guesses.
    """
    line = _lines(service)[0 if service.migrations == CHASSIS else 1]
    others = {name for one in _lines(service) if one is not line for name in one.metadata.tables}
    scripts = line.scripts()
    number = len(list(scripts.walk_revisions())) + 1
    command = {
        "message": message,
        "autogenerate": True,
        "rev_id": f"{number:04}",
        "sql": False,
        "head": "head",
        "splice": False,
        "branch_label": None,
        "version_path": scripts.version_locations[0],
        "depends_on": None,
    }
    written: list[Path] = []

    def generate(connection: Connection) -> None:
        config = Config()
        context = RevisionContext(config, scripts, command)

        def look(revision: Any, migration: MigrationContext) -> list[Any]:
            context.run_autogenerate(revision, migration)
            return []

        with EnvironmentContext(
            config, scripts, fn=look, template_args=context.template_args
        ) as environment:
            environment.configure(
                connection=connection,
                target_metadata=line.metadata,
                version_table=line.version_table,
                compare_server_default=True,
                include_name=lambda name, kind, parents: (
                    _is_ours(name, kind, parents) and not (kind == "table" and name in others)
                ),
            )
            with environment.begin_transaction():
                environment.run_migrations()
        written.extend(Path(script.path) for script in context.generate_scripts() if script)

    await _in_alembic(settings, generate)
    return written[0]


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    return not (kind == "table" and name in {CHASSIS_VERSIONS, SERVICE_VERSIONS})


async def _in_alembic(settings: DatabaseSettings, work: Callable[[Connection], None]) -> None:
    """Do synchronous work with a direct connection, alone in this interpreter and database."""

    async def connect() -> None:
        engine = create_engine(settings, direct=True)
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
                await connection.commit()
                await connection.run_sync(work)
        finally:
            await engine.dispose()

    def run_alone() -> None:
        with _ALEMBIC:
            asyncio.run(connect())

    await asyncio.to_thread(run_alone)


def _upgrade(connection: Connection, lines: Sequence[_Line]) -> None:
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.commit()
    for line in lines:
        scripts = line.scripts()

        def steps(revision: Any, context: Any, scripts: ScriptDirectory = scripts) -> Any:
            for step in scripts._upgrade_revs("heads", revision):
                yield step
                failpoints.hit("migrate:committed")

        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(
                connection=connection,
                target_metadata=line.metadata,
                version_table=line.version_table,
                transaction_per_migration=True,
                on_version_apply=lambda **_: failpoints.hit("migrate:committing"),
            )
            with environment.begin_transaction():
                environment.run_migrations()
        connection.commit()
