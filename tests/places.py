"""A pytest plugin: a whole run of the tests fails if it has not hit every failpoint of the source.

A place is a call of `failpoints.hit`, or of `db.commit`, which has two points. Which there are says
the source itself; every process of the run, pytest's own and those that tests start, notes in one
file which it hit (`TANDEM_FAILPOINTS_PLACES`). A run of some of the tests is not judged.
"""

import ast
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from chassis import failpoints

SOURCES = ("services/*/src", "gateway/src", "deploy/testpay/src")
COMMITS = ("committing", "committed")
NOTES = "TANDEM_FAILPOINTS_PLACES"
NEVER_HIT = pytest.StashKey[list[str]]()
PARTIAL = ("keyword", "markexpr", "lf", "stepwise", "deselect", "ignore", "ignore_glob", "maxfail")
real_path = cache(os.path.realpath)


@dataclass(frozen=True)
class Place:
    """A point in the source: the lines of its call, and its name as far as the source says it."""

    file: str
    first: int
    last: int
    name: str
    is_commit: bool

    def was_hit(self, note: str) -> bool:
        """Whether a process noted this place; a commit was hit where its caller stands."""
        file, line, caller, caller_line, point = note.split("\t")
        if self.is_commit:
            file, line = caller, caller_line
            if point != self.name.rpartition(":")[2]:
                return False
        return real_path(file) == self.file and self.first <= int(line) <= self.last


def pytest_configure(config: pytest.Config) -> None:
    """Let this process, its workers and what they start note what they hit."""
    if not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="tandem-places-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        (folder / "notes").touch()
        os.environ |= {NOTES: str(folder / "notes"), "TANDEM_FAILPOINTS_ALLOWED": "1"}
    failpoints.arm(os.environ)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge a whole run once all its processes have ended."""
    if hasattr(session.config, "workerinput") or not is_whole(session):
        return
    notes = set(Path(os.environ[NOTES]).read_text().splitlines())
    root = session.config.rootpath.resolve()
    never = [place for place in find_places(root) if not any(place.was_hit(note) for note in notes)]
    if never:
        session.config.stash[NEVER_HIT] = [
            f"{Path(place.file).relative_to(root)}:{place.first}: {place.name}" for place in never
        ]
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell where nobody came by."""
    if never := config.stash.get(NEVER_HIT, []):
        terminalreporter.section("failpoints that no test hits", red=True, bold=True)
        for line in never:
            terminalreporter.line(line, red=True)


def is_whole(session: pytest.Session) -> bool:
    """Whether every test was to be run, and none ended the run before its end."""
    config = session.config
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return False
    if any(config.getoption(name, default=None) for name in PARTIAL):
        return False
    return session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def find_places(root: Path) -> list[Place]:
    """Every failpoint of the source under `root`."""
    return [place for file in find_sources(root) for place in read_places(file)]


def find_sources(root: Path) -> list[Path]:
    """The modules of all packages, but none of what tests them."""
    return sorted(
        file
        for pattern in SOURCES
        for file in root.glob(f"{pattern}/**/*.py")
        if file.name != "testing.py"
    )


def read_places(file: Path) -> Iterator[Place]:
    """The failpoints of a module, in their order."""
    tree = ast.parse(file.read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: call.lineno):
        if is_hit(call):
            names = [name_of(call.args)]
        elif is_commit(call):
            names = [f"{name_of(call.args[1:])}:{point}" for point in COMMITS]
        else:
            continue
        for name in names:
            last = call.end_lineno or call.lineno
            yield Place(str(file), call.lineno, last, name, is_commit(call))


def is_hit(call: ast.Call) -> bool:
    """Whether it is `failpoints.hit(...)`."""
    return ast.unparse(call.func) == "failpoints.hit"


def is_commit(call: ast.Call) -> bool:
    """Whether it is `commit(session, ...)` of `chassis.db`."""
    return ast.unparse(call.func) in ("commit", "db.commit") and len(call.args) > 1


def name_of(parts: Iterable[ast.expr]) -> str:
    """The name as far as the source says it: `inbox:{consumer.queue}:retry`."""
    return ":".join(
        str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}"
        for part in parts
    )
