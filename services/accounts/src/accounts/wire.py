"""What the routes of all features share at the HTTP border: names in paths and queries."""

from typing import Annotated

from fastapi import Path, Query

from contracts.companies import HoldId
from contracts.ids import Key

CompanyKey = Annotated[
    Key, Path(description="The partner's name for the company.", examples=["brighton-gifts"])
]
UnitKey = Annotated[
    Key, Path(description="The partner's name for the unit.", examples=["head-office"])
]
MemberKey = Annotated[Key, Path(description="The partner's name for the member.", examples=["ada"])]
AgreementKey = Annotated[
    Key, Path(description="The partner's name for the agreement.", examples=["brighton-2026"])
]
BudgetKey = Annotated[
    Key, Path(description="The partner's name for the budget.", examples=["brighton-q4"])
]
GroupKey = Annotated[
    Key, Path(description="The partner's name for the group.", examples=["volume"])
]
PathHold = Annotated[
    HoldId,
    Path(
        description="Made of a process and its step.",
        examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:credit"],
    ),
]
OfCompany = Annotated[
    Key | None,
    Query(description="Only those of this company.", examples=["brighton-gifts"]),
]
