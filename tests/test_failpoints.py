"""Every commit, call out, publish and acknowledgement of the source lies between two failpoints,
and a whole run that does not hit all of them fails.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import find_sources, is_hit

ROOT = Path(__file__).parents[1]
BUS = ("publish", "ack", "nack", "reject")
HTTP = ("get", "post", "put", "patch", "delete", "request", "send", "stream")
STATEMENTS = ("execute", "executemany", "exec_driver_sql")
OUTSIDE_SESSIONS = {
    "chassis.bus._connect": "to the broker",
    "chassis.copies._alone": "commits each statement",
    "chassis.db._connect": "for an engine",
    "chassis.feed.stream_lines": "a read-only transaction",
    "chassis.jobs.run_job": "only a lock",
    "chassis.migrate.connect": "what alembic commits has points of its own",
    "chassis.relay._connection": "commits each statement",
    "chassis.wake._notify": "commits each statement",
}
"""Where a connection is opened that is neither a session's nor a reader's."""
COMMIT_EACH = ("chassis.copies", "chassis.relay", "chassis.wake")
CHANGES_NOTHING = {
    "chassis.copies._alone": "a lock",
    "chassis.copies._cross_off": "a temporary table",
    "chassis.copies._is_filled": "a look",
    "chassis.copies._note": "a temporary table",
    "chassis.migrate._upgrade": "a setting",
    "chassis.migrate.connect": "a lock",
    "chassis.relay._connection": "settings",
    "chassis.relay.execute": "its callers have the points",
}


def calls_of(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a module in the order of its text, and the function that it stands in."""
    parts = file.with_suffix("").parts
    module = ".".join(parts[parts.index("src") + 1 :])

    def walk(node: ast.AST, place: str) -> Iterator[tuple[str, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from walk(child, f"{module}.{child.name}")
                continue
            if isinstance(child, ast.Call):
                yield place, child
            yield from walk(child, place)

    yield from walk(ast.parse(file.read_text()), module)


def is_effect(place: str, call: ast.Call) -> bool:
    """Whether others can see that it was done: a commit, a call out, a publish, an answer to the
    broker.
    """
    if not isinstance(call.func, ast.Attribute):
        return False
    owner, verb = ast.unparse(call.func.value), call.func.attr
    if verb == "commit":
        return owner != "savepoint"
    if verb in STATEMENTS:
        return place.rpartition(".")[0] in COMMIT_EACH and owner != "session"
    return verb in BUS or (verb in HTTP and owner.endswith("client"))


def find_bare(file: Path) -> Iterator[str]:
    """Effects with no failpoint right before or right after them."""
    by_place: dict[str, list[ast.Call]] = {}
    for place, call in calls_of(file):
        if is_hit(call) or (is_effect(place, call) and place not in CHANGES_NOTHING):
            by_place.setdefault(place, []).append(call)
    for place, calls in by_place.items():
        calls.sort(key=lambda call: call.lineno)
        for n, call in enumerate(calls):
            around = (*calls[max(n - 1, 0) : n], *calls[n + 1 : n + 2])
            if not is_hit(call) and (len(around) < 2 or not all(map(is_hit, around))):
                yield f"{place}:{call.lineno}: {ast.unparse(call)}"


def test_every_effect_lies_between_two_failpoints():
    sources = find_sources(ROOT)
    effects = [
        place for file in sources for place, call in calls_of(file) if is_effect(place, call)
    ]
    assert len(effects) > len(CHANGES_NOTHING)
    assert CHANGES_NOTHING.keys() <= set(effects)
    assert [bare for file in sources for bare in find_bare(file)] == []


@pytest.mark.parametrize(
    "effect",
    [
        "session.commit()",
        "self._client.send(request)",
        "client.stream('GET', path)",
        "exchange.publish(message)",
        "message.nack(requeue=True)",
    ],
)
@pytest.mark.parametrize(
    "points", [(), ("before",), ("after",), ("before", "another", "after"), ("before", "after")]
)
def test_an_effect_without_both_its_failpoints_is_found(tmp_path, effect, points):
    hits = {point: f"    failpoints.hit('{point}')" for point in points}
    lines = ["async def work(session):", hits.get("before"), f"    await {effect}"]
    lines += [f"    await {effect}" if "another" in points else None, hits.get("after")]
    (tmp_path / "src").mkdir()
    file = tmp_path / "src" / "shop.py"
    file.write_text("\n".join(filter(None, lines)))
    assert bool(list(find_bare(file))) == (points != ("before", "after"))


def test_who_commits_without_a_session_is_known():
    """A new one has to be looked at: does it change anything, and where are its failpoints?"""
    opened = set()
    for file in find_sources(ROOT):
        for place, call in calls_of(file):
            done = ast.unparse(call.func)
            assert not done.endswith(("sessions.begin", "engine.begin", "connection.begin")), place
            if done.endswith(".connect") and not done.endswith("reader.connect"):
                opened.add(place)
    assert opened == OUTSIDE_SESSIONS.keys()


SOURCE = """
from chassis import failpoints
from chassis.db import commit

def pack():
    failpoints.hit("pack", "packing")

async def pay(session, kind):
    await commit(
        session, "pay", kind
    )
"""
CONFTEST = """
pytest_plugins = ["tests.places"]
"""
TESTS = """
import asyncio, contextlib, subprocess, sys
from shop import trade

class Session:
    async def commit(self):
        {commit}

def test_packing_in_a_process_of_its_own():
    subprocess.run([sys.executable, "-c", {code!r}], check=True)

def test_paying():
    with contextlib.suppress(RuntimeError):
        asyncio.run(trade.pay(Session(), "card"))
"""
ARMED = "import os; from chassis import failpoints; failpoints.arm(os.environ); "
PACKS = f"{ARMED}from shop import trade; trade.pack()"


@pytest.fixture
def run(tmp_path):
    """Runs pytest on a small tree whose tests have a process do `code`; status and output."""

    def run_pytest(*arguments: str, code: str = PACKS, commit: str = "pass") -> tuple[int, str]:
        source = tmp_path / "services" / "shop" / "src"
        (source / "shop").mkdir(parents=True)
        (source / "shop" / "trade.py").write_text(SOURCE)
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_trade.py").write_text(TESTS.format(code=code, commit=commit))
        (tmp_path / "conftest.py").write_text(CONFTEST)
        (tmp_path / "pytest.ini").write_text(
            "[pytest]\ntestpaths = tests\naddopts = --import-mode=importlib -p no:cacheprovider\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "xdist", *arguments],
            cwd=tmp_path,
            env=os.environ
            | {
                "PYTHONPATH": f"{ROOT}{os.pathsep}{source}",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    return run_pytest


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_whole_run_that_hits_everything_passes(run, workers):
    status, output = run(*workers)
    assert status == 0, output
    assert "no test hits" not in output


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_failpoint_that_no_test_hits_fails_the_run(run, workers):
    status, output = run(*workers, code="pass")
    assert status == 1, output
    assert "failpoints that no test hits" in output
    assert "services/shop/src/shop/trade.py:6: pack:packing" in output
    assert "trade.py:9" not in output


def test_both_points_of_a_commit_count(run):
    status, output = run(commit="raise RuntimeError")
    assert status == 1, output
    assert "services/shop/src/shop/trade.py:9: pay:{kind}:committed" in output
    assert "pay:{kind}:committing" not in output


@pytest.mark.parametrize(
    "arguments",
    [("tests/test_trade.py",), ("-k", "paying"), ("-x",), ("--deselect", "tests/test_trade.py::x")],
)
def test_a_run_of_some_tests_is_not_judged(run, arguments):
    status, output = run(*arguments, code="pass")
    assert status == 0, output
    assert "no test hits" not in output
