"""Checking secrets: argon2id, off the event loop, few at a time, with a short queue.

The secrets are made by machines and have 256 bits, so OWASP's minimum (19 MiB, 2 passes) is far
more than enough; it costs 20 ms of a core. The gate keeps a flood of guesses from taking all
threads and memory: past its queue callers are sent away, and a single client id (all unknown
ones count as one) never fills more than half of the queue, so that others get through.
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
        self._most_of_one = max(1, self._most // 2)
        self._pending: Counter[str] = Counter()

    async def is_secret_of(self, secret_hash: str, secret: str, *, client: str) -> bool:
        """Check in a thread. Raises TooManyTokenRequests at once where the queue is full."""
        return await self._in_thread(client, is_secret_of, secret_hash, secret)

    async def hash_secret(self, secret: str, *, client: str) -> str:
        """Make a hash in a thread. Raises TooManyTokenRequests at once where the queue is full."""
        return await self._in_thread(client, hash_secret, secret)

    async def _in_thread(self, client: str, work: Callable[..., Result], *secrets: str) -> Result:
        if self._pending.total() >= self._most or self._pending[client] >= self._most_of_one:
            raise TooManyTokenRequests
        self._pending[client] += 1
        try:
            async with self._threads:
                return await asyncio.to_thread(work, *secrets)
        finally:
            self._pending[client] -= 1
            if not self._pending[client]:
                del self._pending[client]


def create_gate(settings: AccountsSettings) -> HashingGate:
    """The gate as the settings have it."""
    return HashingGate(threads=settings.hashing_threads, queue=settings.hashing_queue)
