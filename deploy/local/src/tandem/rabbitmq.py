"""A RabbitMQ of our own for tests and trials: the system's programs, but our node, ports, folders.

Nothing of a broker that the machine may run is touched or needed: the node has an epmd, an Erlang
cookie and a home of its own, no plugins, and the loopback only. Without the programs, root on a
Debian-like system gets them from the package manager; anyone else is told what to do.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tandem.child import Child, spawn
from tandem.errors import NotRunnable
from tandem.ports import LOOPBACK, free_ports

USER = "tandem"
NODE = "tandem@localhost"
PACKAGED = "/usr/lib/rabbitmq/lib"
START_TIMEOUT_S = 120
STARTS = 3
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin:/usr/local/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")
HELLO = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


@dataclass(frozen=True)
class RabbitMQ:
    """A running broker: the address of its virtual host `/`, and what of it is ours to end."""

    url: str
    children: tuple[Child, ...] = ()

    def url_of(self, virtual_host: str) -> str:
        """The address of one of the virtual hosts that the broker was started with."""
        return f"{self.url.rpartition('/')[0]}/{quote(virtual_host, safe='')}"

    def stop(self) -> None:
        """End the broker, then its epmd."""
        for child in self.children:
            child.stop(timeout_s=30)


def start(
    folder: Path, *, password: str, virtual_hosts: Sequence[str] = (), port: int | None = None
) -> RabbitMQ:
    """Start a broker in `folder` and wait until it speaks AMQP, on `port` if one is given.

    The virtual hosts exist from the start, for without plugins none can be added cheaply later.
    What an earlier broker kept in the folder is there again.
    """
    server, epmd = find_programs()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in range(STARTS):
        amqp_port, epmd_port, node_port = free_ports(3)
        amqp_port = port or amqp_port
        write_settings(folder, amqp_port, password, ["/", *virtual_hosts])
        environment = node_environment(folder, amqp_port, epmd_port, node_port)
        names = spawn(
            [epmd, "-address", LOOPBACK, "-port", str(epmd_port)],
            folder=folder,
            log=folder / "epmd.log",
            environment=environment,
            stop_signal=signal.SIGTERM,
        )
        node = spawn(
            [server],
            folder=folder,
            log=folder / "log",
            environment=environment,
            stop_signal=signal.SIGTERM,
        )
        broker = RabbitMQ(f"amqp://{USER}:{quote(password)}@{LOOPBACK}:{amqp_port}/", (node, names))
        try:
            if wait_until_ready(broker, amqp_port):
                return broker
        except BaseException:
            broker.stop()
            raise
        broker.stop()
        said = (folder / "log").read_text(errors="replace")
        if "eaddrinuse" not in said and "Address already in use" not in said:
            break
    raise NotRunnable(
        "\n".join(["RabbitMQ did not start. It said:", *said.strip().splitlines()[-12:]])
    )


def wait_until_ready(broker: RabbitMQ, port: int) -> bool:
    """Wait until the broker answers AMQP's greeting; False when one of its programs ended."""
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while all(child.is_running for child in broker.children) and time.monotonic() < give_up_at:
        if speaks_amqp(port):
            return True
        time.sleep(0.05)
    return False


def speaks_amqp(port: int) -> bool:
    """Whether a broker on this port answers the greeting with its first method frame."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(HELLO)
        return connection.recv(1) == METHOD_FRAME
    return False


def write_settings(folder: Path, port: int, password: str, virtual_hosts: Sequence[str]) -> None:
    """The broker's configuration: one user who may do everything in every virtual host."""
    salt = os.urandom(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    user = {
        "name": USER,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"],
    }
    all_rights = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
    definitions = {
        "users": [user],
        "vhosts": [{"name": name} for name in virtual_hosts],
        "permissions": [{"vhost": name, **all_rights} for name in virtual_hosts],
    }
    files = {
        "definitions.json": json.dumps(definitions),
        "rabbitmq.conf": "\n".join(
            [
                f"listeners.tcp.1 = {LOOPBACK}:{port}",
                "load_definitions = definitions.json",
                "vm_memory_high_watermark.absolute = 512MiB",
                "disk_free_limit.absolute = 10MB",
                "raft.wal_max_size_bytes = 16000000",
                "log.file = false",
                "log.console = true",
                "log.console.level = error",
                "",
            ]
        ),
        "enabled_plugins": "[].\n",
        "rabbitmq-env.conf": "",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def node_environment(
    folder: Path, amqp_port: int, epmd_port: int, node_port: int
) -> dict[str, str]:
    """Everything that the start script would otherwise look up in the system's folders."""
    return {
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(epmd_port),
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(amqp_port),
        "RABBITMQ_DIST_PORT": str(node_port),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        # Our own epmd is started beside the node, so that it can be ended by its id.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }


def find_programs() -> tuple[Path, Path]:
    """Where RabbitMQ's server and Erlang's epmd are, installed now if that is allowed."""
    programs = installed_programs()
    if programs is None and os.geteuid() == 0 and shutil.which("apt-get", path=PATH):
        install()
        programs = installed_programs()
    if programs is None:
        raise NotRunnable(
            "This needs RabbitMQ, and there is none. Install it (Debian, Ubuntu: "
            "`sudo apt-get install --no-install-recommends rabbitmq-server`; macOS: "
            "`brew install rabbitmq`), or name a running one: TANDEM_AMQP_URL=amqp://..."
        )
    return programs


def installed_programs() -> tuple[Path, Path] | None:
    """The server and epmd on this machine.

    The script that packages put on the PATH insists on root and on the system's folders, so the
    one that it wraps comes first.
    """
    packaged = sorted(Path(PACKAGED).glob("rabbitmq_server-*/sbin/rabbitmq-server"), key=release)
    server = str(packaged[-1]) if packaged else shutil.which("rabbitmq-server", path=PATH)
    epmd = shutil.which("epmd", path=PATH)
    return (Path(server), Path(epmd)) if server and epmd else None


def release(server: Path) -> list[int]:
    """The version in the path of a packaged server, to order by."""
    return [int(number) for number in re.findall(r"\d+", server.parts[-3])]


def install() -> None:
    """Install RabbitMQ with apt-get, without its own service being started, now or at boot."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": PATH}
    with services_kept_down():
        for arguments in (
            ["update"],
            ["install", "-y", "--no-install-recommends", "rabbitmq-server"],
        ):
            command = ["apt-get", "-q", *arguments]
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
                raise NotRunnable(f"`{' '.join(command)}` failed:\n{said}")
    if shutil.which("systemctl", path=PATH):
        command = ["systemctl", "disable", "rabbitmq-server"]
        subprocess.run(command, capture_output=True, check=False)


@contextmanager
def services_kept_down() -> Iterator[None]:
    """Debian's way to keep a package from starting its service while it is installed."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
