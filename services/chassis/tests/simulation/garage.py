"""What outlives a story: the databases of the services, and engines that have compiled much."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateTable

from chassis.db import create_engine
from chassis.migrate import migrate
from chassis.service import Service
from chassis.settings import DatabaseSettings
from services.chassis.tests.simulation import mirror, source
from services.chassis.tests.simulation.server import Server

_MOST_AT_ONCE = 3
_OWN_TABLES = {"source": source.TABLES, "mirror": mirror.TABLES}
_TABLES = """
SELECT string_agg(quote_ident(tablename), ', ' ORDER BY tablename) FROM pg_tables
WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic_version%'
"""


@dataclass(frozen=True)
class Engines:
    """A pooled and a direct engine, one after the other of several nodes."""

    pooled: AsyncEngine
    direct: AsyncEngine

    def forget(self) -> None:
        """Leave all connections where they are and begin anew."""
        for engine in (self.pooled, self.direct):
            engine.sync_engine.dispose(close=False)

    async def warm_up(self) -> None:
        """Let them ask what a dialect asks once, so that a seed never meets it."""
        for engine in (self.pooled, self.direct):
            async with engine.connect():
                pass
            await engine.dispose()


@dataclass
class Garage:
    """The databases, made at the beginning of a session, and the engines."""

    server: Server
    databases: dict[str, str] = field(default_factory=dict)
    _tables: dict[str, str] = field(default_factory=dict)
    _engines: dict[str, list[Engines]] = field(default_factory=dict)

    def open(self, shelf: Service) -> None:
        """Make the databases, with the tables of the chassis (which `shelf` migrates) and ours."""
        for name, metadata in _OWN_TABLES.items():
            database = self.databases[name] = f"simulated_{name}_{uuid4().hex}"
            self.server.execute(self.server.home, f"CREATE DATABASE {database}")
            self.server.run(migrate(shelf, self.settings(name)))
            for table in metadata.sorted_tables:
                made = CreateTable(table).compile(dialect=postgresql.dialect())
                self.server.execute(database, str(made))
            self._tables[name] = self.server.query(database, _TABLES)[0][0]
            for title in self._tables[name].split(", "):
                # Vacuum comes when it likes, and moves rows.
                self.server.execute(
                    database, f"ALTER TABLE {title} SET (autovacuum_enabled = false)"
                )
            self._engines[name] = [self._open_engines(name) for _ in range(_MOST_AT_ONCE)]

    def close(self) -> None:
        """Drop the databases."""
        for database in self.databases.values():
            self.server.leave(database)
            self.server.execute(self.server.home, f"DROP DATABASE {database} WITH (FORCE)")

    def settings(self, name: str, **values: Any) -> DatabaseSettings:
        """Settings of a service."""
        url = self.server.url_of(self.databases[name])
        return DatabaseSettings(service=name, port=0, database_url=url, **values)

    def clean(self) -> None:
        """Empty the databases."""
        for name, database in self.databases.items():
            self.server.execute(database, f"TRUNCATE {self._tables[name]} RESTART IDENTITY")

    def take(self, name: str) -> Engines:
        """Engines that hold no connection."""
        return self._engines[name].pop()

    def give_back(self, name: str, engines: Engines) -> None:
        """Keep engines for the next node."""
        engines.forget()
        self._engines[name].append(engines)

    def _open_engines(self, name: str) -> Engines:
        settings = self.settings(name)
        engines = Engines(create_engine(settings), create_engine(settings, direct=True))
        self.server.run(engines.warm_up())
        return engines
