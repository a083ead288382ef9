"""What the routes of all features share at the HTTP border: names in paths and queries, and how
an upsert answers.
"""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime

from contracts.ids import Key, Sku

ListKey = Annotated[
    Key, Path(description="The partner's name for the list.", examples=["public-uk"])
]
RateKey = Annotated[
    Key, Path(description="The partner's name for the rate.", examples=["gb-standard"])
]
RuleKey = Annotated[
    Key, Path(description="The partner's name for the rule.", examples=["71053-b2b"])
]
PathSku = Annotated[Sku, Path(description="The SKU, case-sensitive.", examples=["71053"])]
At = Annotated[
    AwareDatetime | None,
    Query(
        description="What the price was or will be at that moment; now if absent.",
        examples=["2026-11-22T10:00:00Z"],
    ),
]
KnownAt = Annotated[
    AwareDatetime | None,
    Query(
        description="By what was known at that moment; by all that is known now if absent.",
        examples=["2026-11-22T10:00:00Z"],
    ),
]
