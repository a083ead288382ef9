"""What the model raises where the shop must say no."""

from typing import Any


class Refused(Exception):
    """The status and code of the problem, and what else it must tell.

    `fields` are the codes that GraphQL tells in place of `code`, one for each bad field.
    """

    def __init__(self, status: int, code: str, *, fields: tuple[str, ...] = (), **told: Any):
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.fields = fields or (code,)
        self.told = told


def refused_input() -> Refused:
    """A field says what no contract allows; which rule that broke is not the model's."""
    return Refused(422, "invalid-input")
