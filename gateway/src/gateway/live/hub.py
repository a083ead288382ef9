"""Who is subscribed to what in this process, and what wakes them.

An event only wakes: it names a company and a thing, and what a subscriber is told is read anew
from the thing's owner with the subscriber's own token. So nothing is told that the owner would
not show, an event may come twice or late, and several changes of one thing may be told as one.
What waits for a subscriber is a set of names, so a slow one costs little, and then is dropped.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from joserfc import jws

from chassis import tracing
from chassis.auth import AccessRevoked as Revoked
from chassis.auth import Actor, TokenExpired
from contracts.approvals import ApprovalRequestDecided, ApprovalRequestOpened
from contracts.buyers import AccessRevoked
from contracts.envelope import Event, EventData
from contracts.orders import OrderPlaced, OrderShipped, PlacementChanged
from contracts.problems import Forbidden, NotFound, Problem, Unauthenticated, Unavailable
from gateway.errors import (
    GoingAway,
    SubscriberTooSlow,
    SubscriptionsAway,
    SubscriptionsFull,
    TooManySubscriptions,
)
from gateway.settings import Settings

Found = TypeVar("Found")

EVENTS: tuple[type[EventData], ...] = (
    PlacementChanged,
    OrderPlaced,
    OrderShipped,
    ApprovalRequestOpened,
    ApprovalRequestDecided,
    AccessRevoked,
)
"""What wakes or ends subscriptions."""
_READ_SECONDS = 5.0
_AGAIN_SECONDS = 1.0
"""When an owner that was away is asked again."""


class Topic(StrEnum):
    """What can be subscribed to."""

    PLACEMENT = "placement"
    ORDER = "order"
    APPROVAL_REQUEST = "approval_request"


class Watch:
    """What one subscription waits for: all things of a topic in its company, or one."""

    def __init__(self, topic: Topic, company: str, only: str | None, *, backlog: int) -> None:
        self.topic = topic
        self.company = company
        self.only = only
        self._backlog = backlog
        self._waiting: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._problem: Problem | None = None

    def wake(self, key: str) -> bool:
        """Have a thing told, unless it waits already; False when too many do."""
        if self.only not in (None, key):
            return True
        if len(self._waiting) >= self._backlog and key not in self._waiting:
            return False
        self._waiting[key] = None
        self._changed.set()
        return True

    def end(self, problem: Problem) -> None:
        """Have the next wait raise."""
        self._problem = problem
        self._changed.set()

    async def next(self) -> str:
        """The thing that has waited longest. Raises the problem that ended the watch."""
        while True:
            await self._changed.wait()
            if self._problem is not None:
                raise self._problem
            if self._waiting:
                key = next(iter(self._waiting))
                del self._waiting[key]
                return key
            self._changed.clear()


class Session:
    """A connection of somebody who may subscribe, as long as their token holds."""

    def __init__(self, hub: "Hub", actor: Actor, token: str) -> None:
        self.actor = actor
        self.token = token
        self.problem: Problem | None = None
        self._hub = hub
        self._watches: set[Watch] = set()
        self._on_end: list[Callable[[Problem], None]] = []

    def on_end(self, call: Callable[[Problem], None]) -> None:
        """Have something called when the session ends before its connection does."""
        if self.problem is not None:
            call(self.problem)
        self._on_end.append(call)

    def end(self, problem: Problem) -> None:
        """End all its subscriptions, once."""
        if self.problem is not None:
            return
        self.problem = problem
        for watch in self._watches:
            watch.end(problem)
        for call in self._on_end:
            call(problem)

    @contextmanager
    def watch(self, topic: Topic, company: str, only: str | None) -> Iterator[Watch]:
        """Wait for changes while inside.

        Raises TooManySubscriptions, SubscriptionsFull, SubscriptionsAway.
        """
        settings = self._hub.settings
        if self.problem is not None:
            raise self.problem
        if len(self._watches) >= settings.max_connection_subscriptions:
            raise TooManySubscriptions(settings.max_connection_subscriptions)
        watch = Watch(topic, company, only, backlog=settings.subscription_backlog)
        with self._hub.added(watch, self):
            self._watches.add(watch)
            try:
                yield watch
            finally:
                self._watches.discard(watch)


class Hub:
    """All sessions and watches of a process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_hearing = False
        """Whether there is a broker to hear events from."""
        self._is_closed = False
        self._sessions: set[Session] = set()
        self._watches: dict[tuple[Topic, str], dict[Watch, Session]] = {}
        self._many = 0

    @contextmanager
    def session(self, actor: Actor, token: str) -> Iterator[Session]:
        """A connection while inside; it ends with the token, which was found to hold.

        Raises SubscriptionsFull, GoingAway.
        """
        if self._is_closed:
            raise GoingAway
        if len(self._sessions) >= self.settings.max_subscriptions:
            raise SubscriptionsFull
        session = Session(self, actor, token)
        self._sessions.add(session)
        timer = asyncio.get_running_loop().call_later(
            _seconds_left(token), lambda: session.end(TokenExpired())
        )
        try:
            yield session
        finally:
            timer.cancel()
            self._sessions.discard(session)

    @contextmanager
    def added(self, watch: Watch, session: Session) -> Iterator[None]:
        """Have events find the watch while inside."""
        if not self.is_hearing:
            raise SubscriptionsAway
        if self._many >= self.settings.max_subscriptions:
            raise SubscriptionsFull
        place = (watch.topic, watch.company)
        self._watches.setdefault(place, {})[watch] = session
        self._many += 1
        try:
            yield
        finally:
            self._many -= 1
            del self._watches[place][watch]
            if not self._watches[place]:
                del self._watches[place]

    def hear(self, event: Event[Any]) -> None:
        """Wake who waits for what an event is about, or end whose access was taken away."""
        if isinstance(event.data, AccessRevoked):
            self.revoke(event.subject, event.data.valid_after)
        elif (found := _subject(event.data)) is not None:
            topic, company, key = found
            for watch, session in list(self._watches.get((topic, company), {}).items()):
                if not watch.wake(key):
                    session.end(SubscriberTooSlow())

    def gap(self) -> None:
        """Some events may have been missed: look again at all that is watched by its name."""
        for watches in self._watches.values():
            for watch in watches:
                if watch.only is not None:
                    watch.wake(watch.only)

    def revoke(self, subject: str, valid_after: datetime) -> None:
        """End the sessions of that subject's older tokens."""
        for session in list(self._sessions):
            is_old = session.actor.issued_at <= valid_after.timestamp()
            if session.actor.subject == subject and is_old:
                session.end(Revoked())

    def close(self) -> None:
        """End all sessions and take no new ones: the process ends."""
        self._is_closed = True
        for session in list(self._sessions):
            session.end(GoingAway())


def _seconds_left(token: str) -> float:
    """How long a token that was found to hold goes on to."""
    claims = orjson.loads(jws.extract_compact(token.encode()).payload)
    return max(0.0, float(claims["exp"]) - time.time())


def _subject(data: EventData) -> tuple[Topic, str, str] | None:
    """Topic, company and name of what an event is about; None for what is no company's."""
    if isinstance(data, PlacementChanged):
        return Topic.PLACEMENT, data.buyer.company, str(data.placement_id)
    if isinstance(data, OrderPlaced | OrderShipped):
        return (Topic.ORDER, data.buyer.company, data.number) if data.buyer else None
    if isinstance(data, ApprovalRequestOpened | ApprovalRequestDecided):
        return Topic.APPROVAL_REQUEST, data.request.company, data.request.id
    return None


async def follow(
    session: Session,
    topic: Topic,
    company: str,
    only: str | None,
    *,
    read: Callable[[str], Awaitable[Found | None]],
    state: Callable[[Found], Hashable],
) -> AsyncGenerator[Found, None]:
    """What changes, read anew each time; what is watched by name is told as it is first.

    What the subscriber may not see is passed over, and one thing watched by name is told again
    only in another state. While its owner is away it is asked again, so that the last change is
    told in any case.
    """
    told: Hashable = None
    with session.watch(topic, company, only) as watch:
        if only is not None:
            watch.wake(only)
        while True:
            key = await watch.next()
            found = await _read(session, watch, key, read)
            if found is None or (only is not None and state(found) == told):
                continue
            told = state(found)
            yield found


async def _read(
    session: Session, watch: Watch, key: str, read: Callable[[str], Awaitable[Found | None]]
) -> Found | None:
    try:
        with tracing.scope(
            traceparent=tracing.traceparent(),
            request_id=tracing.request_id(),
            seconds=_READ_SECONDS,
        ):
            return await read(key)
    except Unavailable:
        asyncio.get_running_loop().call_later(_AGAIN_SECONDS, watch.wake, key)
    except Unauthenticated as problem:
        session.end(problem)
    except (NotFound, Forbidden):
        pass
    return None
