"""Which revisions this code needs, and whether the database has them.

Apart from `chassis.migrate`, so that a process that only serves does not load alembic.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from chassis.runtime import Runtime

CHASSIS = "chassis.migrations"
CHASSIS_VERSIONS = "alembic_version_chassis"
SERVICE_VERSIONS = "alembic_version"
_NAMED = re.compile(r"""^(revision|down_revision)\b[^=\n]*= *["']([^"']+)["']""", re.MULTILINE)


class NotMigrated(Exception):
    """The database lacks revisions that this code needs."""


@dataclass(frozen=True)
class Revisions:
    """The revisions of a package: all of them, and the last one (None: there is none)."""

    known: frozenset[str]
    head: str | None


def folder_of(package: str) -> Path:
    """The folder of a package with revisions."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is no package")
    return Path(next(iter(spec.submodule_search_locations)))


def read_revisions(package: str) -> Revisions:
    """The revisions in a package's folder `versions`, one line of them."""
    known: set[str] = set()
    followed: set[str] = set()
    for file in (folder_of(package) / "versions").glob("[!_]*.py"):
        named = dict(_NAMED.findall(file.read_text(encoding="utf-8")))
        known.add(named["revision"])
        followed.add(named.get("down_revision", ""))
    heads = sorted(known - followed)
    if len(heads) > 1:
        raise ValueError(f"{package} has several last revisions: {', '.join(heads)}")
    return Revisions(frozenset(known), heads[0] if heads else None)


async def check_current(runtime: "Runtime") -> None:
    """Raise NotMigrated when the database is behind this code; one that is ahead is fine.

    During a rolling release the new version migrates first, and the old one goes on serving.
    """
    packages = {CHASSIS_VERSIONS: CHASSIS, SERVICE_VERSIONS: runtime.service.migrations}
    async with runtime.reader.connect() as connection:
        for table, package in packages.items():
            needed = read_revisions(package)
            exists = await connection.scalar(
                text("SELECT to_regclass(:name) IS NOT NULL"), {"name": table}
            )
            version = None
            if exists:
                version = await connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608
            if needed.head is not None and (
                version is None or (version in needed.known and version != needed.head)
            ):
                raise NotMigrated(f"{package} is at {version}, this code needs {needed.head}")
