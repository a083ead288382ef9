"""Who buys: the profile that accounts keeps of each buyer and tells everybody who needs it.

A buyer here is a member of a company who acts for one of its units. What they see, what it costs
and who approves follow from their profile; other services keep a copy of it, fed by events. There
are no names or addresses in it, only keys.
"""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.envelope import MAX_BATCH_ITEMS, EventData
from contracts.ids import CountryCode, Key
from contracts.model import Answer
from contracts.money import Currency, Money

_id = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
_time = "2026-11-22T10:00:00Z"


class Role(StrEnum):
    """What a member does in their company. A member may have several roles.

    A buyer buys. An approver decides on requests of their unit and of those below it, and reads
    its orders. An admin reads all orders of the company, keeps its members, and approves where no
    approver is found.
    """

    BUYER = "buyer"
    APPROVER = "approver"
    ADMIN = "admin"


class TokenBuyer(Answer):
    """The claim `buyer` of a member's access token: whom they act for."""

    member_id: UUID = Field(description="The member, also the token's `sub`.", examples=[_id])
    company: Key = Field(description="Key of their company.", examples=["brighton-gifts"])
    unit: Key = Field(description="Key of the unit they act for.", examples=["head-office"])
    roles: list[Role] = Field(description="What they do there.", examples=[["buyer"]])
    version: int = Field(
        description="Of their profile: a copy that is older must be fetched anew.", examples=[3]
    )


class AgreementFacts(Answer):
    """What other services need to know of an agreement in force or to come."""

    key: Key = Field(description="The partner's name for it.", examples=["brighton-2026"])
    priority: int = Field(description="The highest in force goes first.", examples=[0])
    valid_from: AwareDatetime | None = Field(
        default=None, description="From when it holds; null: always.", examples=[None]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )


class BuyerProfile(Answer):
    """What decides assortment, price and approval for one member."""

    member_id: UUID = Field(description="UUIDv7.", examples=[_id])
    sequence: int = Field(description="The profile's version; the higher is newer.", examples=[3])
    is_active: bool = Field(
        description="False once access was taken away, from the member or the whole company.",
        examples=[True],
    )
    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    units: list[Key] = Field(
        description="The unit they act for, then those above it up to the root.",
        examples=[["shop-one", "head-office"]],
    )
    roles: list[Role] = Field(description="What they do.", examples=[["buyer"]])
    groups: list[Key] = Field(
        description="Customer groups that the company is in.", examples=[["volume"]]
    )
    agreements: list[AgreementFacts] = Field(
        description="The company's agreements, those that ended left out."
    )
    order_limit: Money | None = Field(
        default=None,
        description="Up to this they place an order alone; null: no limit.",
        examples=[{"amount": "250.00", "currency": "EUR"}],
    )
    country: CountryCode = Field(description="Of the company.", examples=["GB"])
    currency: Currency = Field(description="That the company trades in.", examples=["EUR"])


class BuyerProfileChanged(EventData):
    """Profiles of members were made or changed: of one, or of many at once."""

    type: ClassVar[str] = "tandem.accounts.buyer_profile.changed.v1"

    items: list[BuyerProfile] = Field(
        min_length=1, max_length=MAX_BATCH_ITEMS, description="Each with its own sequence."
    )


class AccessRevoked(EventData):
    """Access was taken from a person. The subject is the `sub` of their tokens.

    It is broadcast: every process refuses from now on tokens of that subject issued before.
    """

    type: ClassVar[str] = "tandem.accounts.access.revoked.v1"

    valid_after: AwareDatetime = Field(
        description="Tokens issued at or before this moment are refused, UTC, to the millisecond.",
        examples=[_time],
    )


class Revocation(Answer):
    """One subject whose older tokens are refused."""

    subject: str = Field(description="The `sub` of their tokens.", examples=[_id])
    valid_after: AwareDatetime = Field(
        description="Tokens issued at or before this moment are refused.", examples=[_time]
    )


class Revocations(Answer):
    """Access taken away within the life of a token: what a process that starts asks for."""

    items: list[Revocation] = Field(description="The newest of each subject.")
