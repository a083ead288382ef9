"""Things that a partner masters: by key, each with a version."""

from typing import Generic, TypeVar

from contracts.model import Request

Body = TypeVar("Body", bound=Request)


class Kept(Generic[Body]):
    """What was PUT last under each key, and how often that was something new."""

    def __init__(self) -> None:
        self.bodies: dict[str, Body] = {}
        self.versions: dict[str, int] = {}

    def put(self, key: str, body: Body) -> int:
        """Write it whole; 201 where it made the thing. The same again makes no version."""
        is_new = key not in self.bodies
        if is_new or self.bodies[key] != body:
            self.versions[key] = self.versions.get(key, 0) + 1
        self.bodies[key] = body
        return 201 if is_new else 200
