"""Logs: one JSON object a line, with service, request id and trace id, without personal data.

Write what happened as an event name with facts beside it: `log.info("order placed", order_id=..)`.
Ids, counts and codes are welcome; names, addresses, tokens, bodies and query strings are not.
Only a process' entry point configures logging; importing the chassis changes nothing.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
import structlog

from chassis import tracing

_service: ContextVar[str | None] = ContextVar("tandem_service", default=None)
_DETAIL = re.compile(r"^\s*(DETAIL|CONTEXT|Key \().*$", re.MULTILINE)


def get_logger(name: str) -> Any:
    """A logger for a module."""
    return structlog.get_logger(module=name)


@contextmanager
def service(name: str) -> Iterator[None]:
    """Mark every line written inside as this service's (several may share a process)."""
    token = _service.set(name)
    try:
        yield
    finally:
        _service.reset(token)


def set_service(name: str) -> None:
    """Mark every further line of this task as this service's; for the middleware."""
    _service.set(name)


def configure(*, level: str, log_format: str) -> None:
    """Set up the whole process' logging; called once, by whoever starts the process."""
    shared: list[Any] = [_add_ids, structlog.processors.add_log_level, _add_time, _add_failure]
    render: Any = _as_json if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda *_: _Out(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.getLevelName(level), logging.WARNING))


def describe(error: BaseException) -> str:
    """A traceback without the values that a database puts into its messages."""
    return _DETAIL.sub("", "".join(traceback.format_exception(error))).rstrip()


class _Out:
    """Writes finished lines to what is standard error at that moment."""

    def write(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    msg = debug = info = warning = error = critical = exception = log = write


def _add_ids(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (name := _service.get()) is not None:
        line.setdefault("service", name)
    if (trace := tracing.current()) is not None:
        line.setdefault("request_id", trace.request_id)
        line.setdefault("trace_id", trace.trace_id)
    return line


def _add_time(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    stamper = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return stamper(logger, method, line)


def _add_failure(
    logger: Any, method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["failure"] = describe(error)
    return line


def _as_json(logger: Any, method: str, line: MutableMapping[str, Any]) -> str:
    return orjson.dumps(line, default=str).decode()
