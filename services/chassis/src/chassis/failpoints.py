"""Failpoints: named places at which a test kills this process, or lets it fail.

A name says the technique, the use case and the place, as in `process:placing:pay:called`,
`inbox:pricing.stores:committing` or `relay:published`: right before and right after every commit,
call out, publish and acknowledgement of the chassis. In a path, what holds a digit is an id and
stands as `*`.

```
TANDEM_FAILPOINTS         "relay:published=kill@2;relay:marked=raise": at the second hit the
                          process sends itself SIGKILL; at the first, FailpointRaised
TANDEM_FAILPOINTS_FILE    a file that says the same, read anew at each hit, so that a test can arm
                          a process that runs; hits are counted from when its content changed
TANDEM_FAILPOINTS_RECORD  a file that gets the name of every hit, a line each
TANDEM_FAILPOINTS_PLACES  a file that gets every place of the source where one was hit, once: file
                          and line, those of who called there, and the name's last part
TANDEM_FAILPOINTS_ALLOWED 1: without it a process with one of the others does not start, so that
                          nobody arms production by accident
```
This is the chassis' only state in a module: what is armed is the process, whatever shares it.
"""

import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FrameType

from contracts.problems import Unavailable

_PREFIX = "TANDEM_FAILPOINTS"
_ORDER = re.compile(r"([^=;]+)=(kill|raise)(?:@([1-9][0-9]*))?")
_ID = re.compile(r"(?<=/)(?!v[0-9]+(?:[/:]|$))[^/:]*[0-9][^/:]*")

_Orders = dict[str, tuple[str, int]]


class FailpointsRefused(Exception):
    """What the environment says about failpoints is not allowed here, or cannot be read."""


class FailpointRaised(Unavailable):
    """A test lets this fail here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The failpoint {name} was armed to fail.")


class Failpoints:
    """What is armed in a process, and how often each point was hit."""

    def __init__(
        self,
        read: Callable[[], str],
        *,
        record: Path | None = None,
        places: Path | None = None,
    ) -> None:
        self._read = read
        self._text = ""
        self._orders: _Orders = {}
        self._hits: Counter[str] = Counter()
        self._record = record
        self._places = places
        self._noted: set[tuple[CodeType, int, CodeType | None, int | None]] = set()
        self._look()

    def hit(self, name: str, place: FrameType | None = None) -> None:
        """Note that the point was reached, then do there what was ordered, if anything was."""
        name = _ID.sub("*", name)
        if self._places is not None and place is not None:
            self._note(self._places, place, name)
        if self._record is not None:
            _append(self._record, f"{name}\n")
        self._look()
        self._hits[name] += 1
        action, number = self._orders.get(name, ("", 0))
        if self._hits[name] != number:
            return
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise FailpointRaised(name)

    def _note(self, file: Path, place: FrameType, name: str) -> None:
        caller = place.f_back
        code, line = (caller.f_code, caller.f_lineno) if caller is not None else (None, None)
        key = (place.f_code, place.f_lineno, code, line)
        if key not in self._noted:
            self._noted.add(key)
            at = f"{place.f_code.co_filename}\t{place.f_lineno}"
            _append(file, f"{at}\t{code and code.co_filename}\t{line}\t{name.rpartition(':')[2]}\n")

    def _look(self) -> None:
        """Take up new orders; hits are counted anew then."""
        told = self._read()
        if told != self._text:
            self._text, self._orders = told, _parse(told)
            self._hits.clear()


_armed: Failpoints | None = None


def hit(*parts: str | None) -> None:
    """Reach the point whose name these parts make. Does nothing unless the process is armed."""
    if _armed is not None:
        _armed.hit(":".join(part or "" for part in parts), sys._getframe(1))


def arm(environment: Mapping[str, str]) -> None:
    """Arm this process as its environment says. Raises FailpointsRefused."""
    global _armed
    _armed = from_environment(environment)


def from_environment(environment: Mapping[str, str]) -> Failpoints | None:
    """What the environment arms; None if nothing. Raises FailpointsRefused."""
    told, file, record, places = (
        environment.get(_PREFIX + end) for end in ("", "_FILE", "_RECORD", "_PLACES")
    )
    if not (told or file or record or places):
        return None
    if environment.get(f"{_PREFIX}_ALLOWED") != "1":
        raise FailpointsRefused(
            f"{_PREFIX}*: failpoints kill processes and are for tests;"
            f" {_PREFIX}_ALLOWED=1 allows them."
        )
    return Failpoints(
        lambda: told or (_content(Path(file)) if file else ""),
        record=Path(record) if record else None,
        places=Path(places) if places else None,
    )


def _parse(told: str) -> _Orders:
    orders: _Orders = {}
    for order in filter(None, (part.strip() for part in told.split(";"))):
        read = _ORDER.fullmatch(order)
        if read is None:
            raise FailpointsRefused(f"{_PREFIX}: {order!r} is not name=kill@n or name=raise@n.")
        orders[read[1]] = (read[2], int(read[3] or 1))
    return orders


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _append(file: Path, line: str) -> None:
    """In one write at the end, so that lines of several processes do not mix."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
