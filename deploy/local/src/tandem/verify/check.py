"""The shape of a check within one database."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """Something that must always hold. The query gives a sentence for each case where it does not,
    with the ids and numbers that show it.
    """

    name: str
    statement: str
