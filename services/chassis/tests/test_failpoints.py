"""Failpoints: what arms a process, what a hit does, and that nobody is armed by accident."""

import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import failpoints
from chassis.db import commit
from chassis.failpoints import FailpointRaised, FailpointsRefused, from_environment

ALLOWED = {"TANDEM_FAILPOINTS_ALLOWED": "1"}
HERE = Path(__file__).parent


def armed(told="", **more):
    points = from_environment(os.environ | ALLOWED | {"TANDEM_FAILPOINTS": told} | more)
    assert points is not None
    return points


def test_nothing_is_armed_by_default():
    assert from_environment({}) is None
    assert from_environment(ALLOWED) is None
    failpoints.hit("anything", None, "at all")


@pytest.mark.parametrize("name", ["", "_FILE", "_RECORD", "_PLACES"])
@pytest.mark.parametrize("allowed", [{}, {"TANDEM_FAILPOINTS_ALLOWED": "true"}])
def test_arming_needs_to_be_allowed(name, allowed):
    with pytest.raises(FailpointsRefused, match="TANDEM_FAILPOINTS_ALLOWED=1"):
        from_environment({f"TANDEM_FAILPOINTS{name}": "relay:placed=kill"} | allowed)


@pytest.mark.parametrize("told", ["relay:placed", "relay:placed=stop", "a=kill@0", "=kill"])
def test_an_order_that_cannot_be_read_is_refused(told):
    with pytest.raises(FailpointsRefused, match="is not name=kill@n"):
        armed(told)


def test_a_point_fails_at_the_hit_that_was_named_and_only_then():
    points = armed("relay:placed=raise; relay:marked=raise@2")
    points.hit("relay:published")
    with pytest.raises(FailpointRaised, match="relay:placed"):
        points.hit("relay:placed")
    points.hit("relay:placed")
    points.hit("relay:marked")
    with pytest.raises(FailpointRaised):
        points.hit("relay:marked")
    points.hit("relay:marked")


def test_a_file_arms_a_process_that_runs(tmp_path):
    file = tmp_path / "orders"
    points = from_environment(ALLOWED | {"TANDEM_FAILPOINTS_FILE": str(file)})
    assert points is not None
    points.hit("relay:placed")
    file.write_text("relay:placed=raise@2\n")
    points.hit("relay:placed")  # counted from when it was armed
    with pytest.raises(FailpointRaised):
        points.hit("relay:placed")
    file.write_text("")
    points.hit("relay:placed")


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        (
            "request:POST:/v1/carts/0193f0c2-aaaa-7000-8000-00000000000f/lines:committed",
            "request:POST:/v1/carts/*/lines:committed",
        ),
        ("call:catalog:GET:/v1/orders/T-1000042:asking", "call:catalog:GET:/v1/orders/*:asking"),
        ("call:pricing:POST:/v1/prices/resolve:asking",) * 2,
        ("inbox:shelf2.copies:committed",) * 2,
    ],
)
def test_ids_in_a_path_are_left_out(name, recorded, tmp_path):
    record = tmp_path / "record"
    armed(TANDEM_FAILPOINTS_RECORD=str(record)).hit(name)
    assert record.read_text() == f"{recorded}\n"


async def test_a_place_is_noted_once_with_who_called_there(tmp_path, monkeypatch):
    class Nothing:
        async def commit(self):
            """There is nothing to commit."""

    notes = tmp_path / "places"
    monkeypatch.setattr(failpoints, "_armed", armed(TANDEM_FAILPOINTS_PLACES=str(notes)))
    for n in range(3):
        await commit(cast(AsyncSession, Nothing()), "turn", str(n))
    noted = [line.split("\t") for line in notes.read_text().splitlines()]
    here = commit_lines(test_a_place_is_noted_once_with_who_called_there)
    assert [(Path(file).name, Path(caller).name, name) for file, _, caller, _, name in noted] == [
        ("db.py", "test_failpoints.py", point) for point in ("committing", "committed")
    ]
    assert {int(line) for _, _, _, line, _ in noted} == here


def commit_lines(test):
    lines, first = inspect.getsourcelines(test)
    return {first + n for n, line in enumerate(lines) if "await commit(" in line}


def test_hits_are_recorded_before_they_kill(tmp_path):
    record = tmp_path / "record"
    code = (
        "import os; from chassis import failpoints; failpoints.arm(os.environ)\n"
        "for _ in range(9): failpoints.hit('relay', 'placed')\n"
    )
    environment = {
        "TANDEM_FAILPOINTS": "relay:placed=kill@2",
        "TANDEM_FAILPOINTS_RECORD": str(record),
    }
    ended = subprocess.run([sys.executable, "-c", code], env=os.environ | ALLOWED | environment)
    assert ended.returncode == -signal.SIGKILL
    assert record.read_text() == "relay:placed\n" * 2


def test_a_process_with_failpoints_that_nobody_allowed_does_not_start():
    environment = {
        "TANDEM_DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
        "TANDEM_PORT": "0",
        "TANDEM_FAILPOINTS": "relay:placed=kill",
        "TANDEM_FAILPOINTS_ALLOWED": "",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "shelf", "relay"],
        cwd=HERE,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "TANDEM_FAILPOINTS_ALLOWED=1" in ended.stderr


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}])
async def test_a_request_that_fails_before_its_commit_leaves_nothing(
    app_client, monkeypatch, headers
):
    order = "request:POST:/v1/books:committing=raise"
    monkeypatch.setattr(failpoints, "_armed", armed(order))
    body = {"key": "erewhon", "title": "Erewhon"}
    refused = await app_client.post("/v1/books", json=body, headers=headers)
    assert refused.status_code == 503, refused.text
    assert refused.json()["code"] == "failpoint-raised"
    assert (await app_client.get("/v1/books")).json() == []
    assert (await app_client.post("/v1/books", json=body, headers=headers)).status_code == 201


async def test_a_repeat_gets_the_answer_of_a_request_that_failed_after_its_commit(
    app_client, monkeypatch
):
    order = "request:POST:/v1/books:committed=raise"
    monkeypatch.setattr(failpoints, "_armed", armed(order))
    body = {"key": "erewhon", "title": "Erewhon"}
    for _ in range(2):
        answer = await app_client.post("/v1/books", json=body, headers={"Idempotency-Key": "one"})
        assert answer.status_code == 201, answer.text
