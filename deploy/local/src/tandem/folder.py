"""The data folder: one run at a time, and the secrets made at the first start.

Everything that Tandem keeps between runs on one machine lies here, readable by its owner alone.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tandem.errors import NotRunnable


def open_folder(path: Path) -> Path:
    """Make the folder, for its owner alone, and answer its absolute path."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise NotRunnable(
            f"Cannot write to the data folder {path}: {reason}. "
            "Mend that, or name another folder with TANDEM_DATA."
        ) from problem
    return path.resolve()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the lock ends with it, however it ends."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise NotRunnable(
                f"Tandem runs already on the data folder {folder} (process {holder}). "
                "Stop that one, or set TANDEM_DATA and the ports to run another beside it."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def kept_secret(path: Path) -> str:
    """The secret in this file, made at the first call and readable by its owner alone."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    secret = secrets.token_urlsafe(32)
    write_private(path, f"{secret}\n")
    return secret


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
