"""Programs that Tandem starts beside itself: a session, an account and a log file of their own.

A child lives in its own session, so Ctrl-C in a terminal reaches Tandem alone and the order of
stopping stays ours. On Linux the kernel stops it when Tandem dies in any other way, `kill -9`
included. This file is also the small program that the child begins as: it gives up root, asks for
that signal and turns into the real one, so it imports nothing of Tandem's.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Account:
    """The system account that a child runs under when Tandem itself runs as root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Child:
    """A program started by `spawn`; it is ended by its own id, never by name."""

    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended yet."""
        return self.process.poll() is None

    def stop(self, *, timeout_s: float = 20) -> None:
        """End the program as it wants to be ended, or kill its session when that takes too long."""
        if self.is_running:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def spawn(
    command: Sequence[str | Path],
    *,
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    stop_signal: signal.Signals,
    account: Account | None = None,
) -> Child:
    """Start a program in `folder`, its output appended to `log`.

    Call it from a thread that lives as long as the child shall: the kernel's "my parent died"
    is about the thread, not the process.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            launch(command, stop_signal=stop_signal, account=account),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(process, stop_signal)


def launch(
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
) -> list[str]:
    """The command line that runs `command` under `account` and lets it end with this process."""
    identity = f"{account.uid}:{account.gid}" if account else ""
    prefix = [sys.executable, "-I", "-S", __file__]
    return [*prefix, str(os.getpid()), str(int(stop_signal)), identity, *map(str, command)]


def become(parent: int, stop_signal: int, identity: str, command: Sequence[str]) -> None:
    """Turn this process into `command`; returns only when its parent is gone already."""
    if identity:
        uid, gid = map(int, identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop_signal)
    # A parent that died before the call above will send no signal any more.
    if os.getppid() == parent:
        os.execv(command[0], list(command))  # noqa: S606 -- there must be no shell between


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
