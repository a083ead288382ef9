"""`tandem run` as a person uses it: it opens, answers, says why it cannot, and ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from graphql import parse, validate

from gateway.schema import SCHEMAS
from tandem import run, welcome
from tandem.demo_data import Credentials
from tandem.errors import NotRunnable
from tandem.ports import free_ports
from tandem.settings import LocalSettings

NAMES = ("GATEWAY", "CATALOG", "PRICING", "ACCOUNTS", "APPROVALS", "ORDERS")


@pytest.fixture
def environment(tmp_path):
    ports = zip(NAMES, free_ports(len(NAMES)), strict=True)
    own = {f"TANDEM_{name}_PORT": str(port) for name, port in ports}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TANDEM_") or name.startswith("TANDEM_FAILPOINTS")
    }
    return kept | own | {"TANDEM_DATA": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}


class Run:
    """A `tandem run` of its own, and what it has printed."""

    def __init__(self, environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tandem", "run"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                self.printed += line

    def wait_for(self, text, seconds):
        give_up_at = time.monotonic() + seconds
        while text not in self.printed:
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < give_up_at, self.printed
            time.sleep(0.05)

    def end(self, how=signal.SIGINT):
        """Its exit status, and how long it took to end."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(60)
        self.reader.join()
        return status, time.monotonic() - began


def ask(environment, query):
    request = urllib.request.Request(
        f"http://127.0.0.1:{environment['TANDEM_GATEWAY_PORT']}/d2c/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_shop_opens_with_demo_data_and_keeps_it_for_the_next_start(environment, tmp_path):
    first = Run(environment)
    try:
        first.wait_for(welcome.OPEN, 180)
        answers = {title: ask(environment, query) for title, query in welcome.QUERIES.items()}
        beside = Run(environment)
        beside.process.wait(30)
        assert beside.end()[0] == 1
        assert f"process {first.process.pid}" in beside.printed
    finally:
        status, seconds = first.end()
    assert (status, seconds < 20) == (0, True)
    for title, answer in answers.items():
        assert "errors" not in answer, title
        assert next(iter(answer["data"].values())), title
    assert not (tmp_path / "data" / "postgres" / "data" / "postmaster.pid").exists()

    again = Run(environment)
    try:
        again.wait_for(welcome.OPEN, 20)
        assert "Loading" not in again.printed
        (query, *_) = welcome.QUERIES.values()
        assert ask(environment, query) == answers[next(iter(answers))]
    finally:
        assert again.end(signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("query", welcome.QUERIES.values(), ids=welcome.QUERIES)
def test_queries_to_paste_fit_the_schema(query):
    assert validate(SCHEMAS["d2c"]()._schema, parse(query)) == []


def test_taken_ports_are_named_with_the_setting_that_moves_them(monkeypatch):
    monkeypatch.setattr(run, "is_free", lambda port, host: port != 8003)
    with pytest.raises(NotRunnable, match=r"8003 for accounts .* TANDEM_ACCOUNTS_PORT"):
        run.refuse_taken_ports(LocalSettings())


def test_one_port_is_not_given_twice():
    with pytest.raises(NotRunnable, match="TANDEM_ORDERS_PORT"):
        run.refuse_taken_ports(LocalSettings(gateway_port=8555, orders_port=8555))


async def test_broker_that_does_not_answer_is_named():
    (port,) = free_ports(1)
    with pytest.raises(NotRunnable, match=f"127.0.0.1:{port}.*TANDEM_AMQP_URL"):
        await run.check_broker(f"amqp://guest:guest@127.0.0.1:{port}/")


def test_partner_keeps_its_secret_and_the_file_is_private(tmp_path):
    settings = LocalSettings(data=tmp_path)
    run.write_partner(settings)
    first = Credentials.read(settings.partner_file)
    run.write_partner(settings)
    assert Credentials.read(settings.partner_file) == first
    assert settings.partner_file.stat().st_mode & 0o777 == 0o600
