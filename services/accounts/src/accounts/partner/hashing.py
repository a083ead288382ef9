"""Checking secrets: argon2id, off the event loop, few at a time, with a short queue.

All take what OWASP asks of passwords (19 MiB, 2 passes, 1 lane), which costs 20 ms of a core; for
partners' secrets, made by machines of 256 bits, it is far more than enough. The gate keeps a flood
of guesses from taking all threads and memory: past its queue callers are sent away, and a single
client id (all unknown ones count as one) never fills more than half of the queue, so that others
get through. People are a crowd: all together fill no more than half, and each address no more than
half of that. An address counts the same whether anybody has it or not, so that being sent away
tells nothing of who there is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from accounts.errors import TooManyTokenRequests
from accounts.settings import AccountsSettings

Result = TypeVar("Result")
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NO_SECRET = (
    "$argon2id$v=19$m=19456,t=2,p=1$2XKIB1Bx6yo36yRyfTZ2cQ$"  # noqa: S105
    "6f3Xhi81mGLeAzvZDNVejB13LSzq1l0tn5T20Kall1Q"
)
"""A hash made once of random bytes that nobody kept: unknown clients are checked against it, so
that they take as long as known ones."""


def hash_secret(secret: str) -> str:
    """Make the argon2id hash of a secret, with a salt of its own."""
    return HASHER.hash(secret)


def is_secret_of(secret_hash: str, secret: str) -> bool:
    """Whether a secret belongs to a hash; a damaged hash belongs to none."""
    try:
        return HASHER.verify(secret_hash, secret)
    except (VerificationError, InvalidHashError):
        return False


class HashingGate:
    """Lets a few checks run and some more wait. One for an application; it belongs to one loop."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._threads = asyncio.Semaphore(threads)
        self._most = threads + queue
        self._pending: Counter[tuple[str, ...]] = Counter()

    async def is_secret_of(
        self, secret_hash: str, secret: str, *, client: str, crowd: str | None = None
    ) -> bool:
        """Check in a thread. Raises TooManyTokenRequests at once where the queue is full."""
        return await self._in_thread(client, crowd, is_secret_of, secret_hash, secret)

    async def hash_secret(self, secret: str, *, client: str) -> str:
        """Make a hash in a thread. Raises TooManyTokenRequests at once where the queue is full."""
        return await self._in_thread(client, None, hash_secret, secret)

    async def _in_thread(
        self, client: str, crowd: str | None, work: Callable[..., Result], *secrets: str
    ) -> Result:
        path = (client,) if crowd is None else (crowd, client)
        places = [path[:length] for length in range(len(path) + 1)]  # the whole queue comes first
        for halvings, place in enumerate(places):
            if self._pending[place] >= max(1, self._most >> halvings):
                raise TooManyTokenRequests
        self._pending.update(places)
        try:
            async with self._threads:
                return await asyncio.to_thread(work, *secrets)
        finally:
            self._pending.subtract(places)
            self._pending = +self._pending


def create_gate(settings: AccountsSettings) -> HashingGate:
    """The gate as the settings have it."""
    return HashingGate(threads=settings.hashing_threads, queue=settings.hashing_queue)
