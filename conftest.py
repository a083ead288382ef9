"""One PostgreSQL and one RabbitMQ for a whole test session, and no network beyond this machine.

The session's first process starts them and hands their addresses to xdist's workers by environment:
`TANDEM_TEST_POSTGRES_URL` (its superuser) always, and for a test that uses the fixture or the
marker `rabbitmq`, `TANDEM_TEST_AMQP_URL`, a virtual host that no other test has. The broker is
started when the first such test is collected. `TANDEM_POSTGRES_URL` and `TANDEM_AMQP_URL` name
servers to use instead.
"""

import ipaddress
import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

# Loaded before pytest takes the folders `contracts/` and `gateway/` for packages of these names.
import contracts  # noqa: F401
import gateway  # noqa: F401
from tandem import postgres, rabbitmq
from tandem.errors import NotRunnable

pytest_plugins = ["tests.places"]
VIRTUAL_HOSTS = 128
BROKER = "TANDEM_TEST_BROKER_PORT"
PASSWORD = secrets.token_urlsafe(16)
SHARED_HOSTS = pytest.StashKey[dict[str, str]]()
ON_ONE_WORKER = (
    "deploy/local/tests/test_verify.py",
    "deploy/local/tests/test_verify_companies.py",
    "tests/journeys/",
    "tests/outages/",
    "tests/resilience/",
    "tests/security/",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "rabbitmq(shared=''): needs a real RabbitMQ, its address in TANDEM_TEST_AMQP_URL;"
        " shared: all tests of that name on a worker have one virtual host",
    )
    block_network()
    if hasattr(config, "workerinput") or config.option.help or config.option.collectonly:
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="tandem-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    desk = BrokerDesk(folder / "rabbitmq")
    config.add_cleanup(desk.close)
    os.environ[BROKER] = str(desk.port)
    try:
        server = start_postgres(folder / "postgres")
    except NotRunnable as problem:
        pytest.exit(str(problem), returncode=3)
    config.add_cleanup(server.stop)
    os.environ["TANDEM_TEST_POSTGRES_URL"] = server.url


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send tests of a place that share a whole shop to one worker, the others where there is room.

    The mark `xdist_group` says the same, but xdist 3.8 does not see it under pytest 9.2
    (pytest-xdist issue 1386).
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return next((path for path in ON_ONE_WORKER if nodeid.startswith(path)), nodeid)

    return FolderScheduling(config, log)


def start_postgres(folder: Path) -> postgres.Postgres:
    """The named server, or a cluster that may forget everything in a crash."""
    named = os.environ.get("TANDEM_TEST_POSTGRES_URL") or os.environ.get("TANDEM_POSTGRES_URL")
    if named:
        return postgres.Postgres(named)
    return postgres.start(folder, password=PASSWORD, durable=False)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the broker start while the first tests run."""
    if BROKER in os.environ and any(needs_broker(item) for item in session.items):
        ask_broker_desk("warm")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if not needs_broker(item):
        return
    marker = item.get_closest_marker("rabbitmq")
    shared = str(marker.kwargs.get("shared", "")) if marker else ""
    hosts = item.config.stash.setdefault(SHARED_HOSTS, {})
    url = hosts.get(shared)
    if url is None:
        answer = ask_broker_desk("take")
        if "problem" in answer:
            pytest.fail(answer["problem"], pytrace=False)
        url = answer["url"]
    if shared:
        hosts[shared] = url
    os.environ["TANDEM_TEST_AMQP_URL"] = url


def needs_broker(item: pytest.Item) -> bool:
    return "rabbitmq" in getattr(item, "fixturenames", ()) or bool(
        item.get_closest_marker("rabbitmq")
    )


def ask_broker_desk(wish: str) -> dict[str, str]:
    """Ask the session's first process, which may be this one."""
    address = ("127.0.0.1", int(os.environ[BROKER]))
    with socket.create_connection(address) as connection, connection.makefile("rw") as stream:
        stream.write(f"{wish}\n")
        stream.flush()
        answer: dict[str, str] = json.loads(stream.readline()) if wish == "take" else {}
        return answer


class BrokerDesk(threading.Thread):
    """Starts the session's broker at the first wish and hands out its virtual hosts.

    The broker is a child of this thread, which therefore lives until the session ends.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.broker: rabbitmq.RabbitMQ | None = None
        self.problem = ""
        self.taken = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rw") as stream:
                wish = stream.readline().strip()
                if wish == "close":
                    return
                self.open_broker()
                if wish == "take":
                    stream.write(json.dumps(self.next_url()) + "\n")

    def open_broker(self) -> None:
        if self.broker or self.problem:
            return
        named = os.environ.get("TANDEM_AMQP_URL")
        hosts = [f"test-{number}" for number in range(VIRTUAL_HOSTS)]
        try:
            self.broker = (
                rabbitmq.RabbitMQ(named)
                if named
                else rabbitmq.start(self.folder, password=PASSWORD, virtual_hosts=hosts)
            )
        except NotRunnable as problem:
            self.problem = str(problem)

    def next_url(self) -> dict[str, str]:
        if self.broker is None:
            return {"problem": self.problem}
        if not self.broker.children:
            return {"url": self.broker.url}
        if self.taken == VIRTUAL_HOSTS:
            return {"problem": "All virtual hosts are taken: raise VIRTUAL_HOSTS in conftest.py."}
        self.taken += 1
        return {"url": self.broker.url_of(f"test-{self.taken - 1}")}

    def close(self) -> None:
        ask_broker_desk("close")
        self.join()
        self.listener.close()
        if self.broker:
            self.broker.stop()


def block_network() -> None:
    """Let sockets and name look-ups reach this machine and the named servers only."""
    named = ("TANDEM_POSTGRES_URL", "TANDEM_AMQP_URL", "TANDEM_TEST_POSTGRES_URL")
    allowed = {urlsplit(os.environ.get(name, "")).hostname for name in named}
    allowed |= {None, "", "localhost"}

    def check(host: str | bytes | None) -> None:
        name = host.decode() if isinstance(host, bytes) else host
        if name in allowed:
            return
        try:
            is_near = ipaddress.ip_address(str(name)).is_loopback
        except ValueError:
            is_near = False
        if not is_near:
            raise RuntimeError(f"Tests must not reach {name}: only this machine is open to them.")

    def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                check(address[0])
            return call(self, address)

        return connect

    def looked_up(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        check(host)
        return look_up(host, *arguments, **options)

    look_up = socket.getaddrinfo
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", looked_up)
