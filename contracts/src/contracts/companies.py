"""What accounts takes, answers and tells of companies: units, members, agreements, credit, budgets,
customer groups, sign-in, and the holds that placing an order puts on credit and budget.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, StringConstraints

from contracts.buyers import Role, TokenBuyer
from contracts.envelope import EventData
from contracts.ids import CountryCode, Key
from contracts.model import Answer, Flag, Request, Whole
from contracts.money import Currency, Limit, Money, PositiveMoney
from contracts.problems import FieldError
from contracts.text import Email, ShortText

_id = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
_time = "2026-11-22T10:00:00Z"
_eur = {"amount": "250.00", "currency": "EUR"}

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 256


def _long_enough(password: SecretStr) -> SecretStr:
    length = len(password.get_secret_value())
    if not MIN_PASSWORD_LENGTH <= length <= MAX_PASSWORD_LENGTH:
        raise ValueError(f"must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters")
    return password


Password = Annotated[SecretStr, AfterValidator(_long_enough)]
"""A password as its person types it: 12 to 256 characters, any of them."""

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""A word that people put on a company: `trade-fair-2026`."""


# ---------------------------------------------------------------------------- companies


class PutCompany(Request):
    """A company that buys, as an ERP or CRM masters it."""

    name: ShortText = Field(description="Its name.", examples=["Brighton Gifts Ltd"])
    country: CountryCode = Field(description="Where it is at home.", examples=["GB"])
    region: ShortText | None = Field(
        default=None, description="State, province or county.", examples=["East Sussex"]
    )
    currency: Currency = Field(
        description="That it trades in: of its credit, its budgets and its spend. It stays.",
        examples=["EUR"],
    )
    industry: Tag | None = Field(default=None, description="What it does.", examples=["retail"])
    tier: Tag | None = Field(
        default=None, description="How the merchant ranks it.", examples=["silver"]
    )
    vat_id: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{2,13}$")] | None = Field(
        default=None, description="VAT identification number.", examples=["GB123456789"]
    )
    tags: list[Tag] = Field(
        default_factory=list, max_length=50, description="Words put on it.", examples=[["gifts"]]
    )
    is_active: Flag = Field(
        default=True,
        description="False takes away the access of all its members.",
        examples=[True],
    )


class Company(PutCompany):
    """A company as accounts keeps it."""

    model_config = Answer.model_config

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    key: Key = Field(description="The partner's name for it.", examples=["brighton-gifts"])
    groups: list[Key] = Field(description="Customer groups that it is in.", examples=[["volume"]])
    customer_since: AwareDatetime = Field(description="Since when, UTC.", examples=[_time])
    orders: int = Field(description="How many orders it placed.", examples=[4])
    lifetime_spend: Money = Field(
        description="Gross of all its orders in its currency.", examples=[_eur]
    )
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class PutUnit(Request):
    """A part of a company: a shop, a department. Units form a tree with one root."""

    name: ShortText = Field(description="Its name.", examples=["Head office"])
    parent: Key | None = Field(
        default=None,
        description="Key of the unit above it; null for the company's one root.",
        examples=[None],
    )


class Unit(PutUnit):
    """A unit as accounts keeps it."""

    model_config = Answer.model_config

    company: Key = Field(description="Key of its company.", examples=["brighton-gifts"])
    key: Key = Field(
        description="The partner's name for it, unique in the shop.", examples=["head-office"]
    )
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class PutMember(Request):
    """A person who acts for a unit of a company."""

    email: Email = Field(
        description="What they sign in with; in use once in the whole shop, case does not count.",
        examples=["ada@brighton.example"],
    )
    name: ShortText = Field(description="Their name.", examples=["Ada Lovelace"])
    unit: Key = Field(description="Key of the unit they act for.", examples=["head-office"])
    roles: list[Role] = Field(
        min_length=1, max_length=3, description="What they do.", examples=[["buyer"]]
    )
    order_limit: Limit | None = Field(
        default=None,
        description="Up to this they place an order alone; null: no limit.",
        examples=[_eur],
    )
    is_active: Flag = Field(
        default=True, description="False takes their access away at once.", examples=[True]
    )
    password: Password | None = Field(
        default=None,
        description="Set where given; without one they cannot sign in. Never told again.",
        examples=["a-password-for-the-docs-only"],
    )


class Member(Answer):
    """A member as accounts keeps them."""

    id: UUID = Field(description="UUIDv7; the `sub` of their tokens.", examples=[_id])
    key: Key = Field(
        description="The partner's name for them, unique in the shop.", examples=["ada"]
    )
    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    unit: Key = Field(description="Key of the unit they act for.", examples=["head-office"])
    email: str = Field(description="What they sign in with.", examples=["ada@brighton.example"])
    name: str = Field(description="Their name.", examples=["Ada Lovelace"])
    roles: list[Role] = Field(description="What they do.", examples=[["buyer"]])
    order_limit: Money | None = Field(
        default=None, description="Up to this they place alone; null: no limit.", examples=[_eur]
    )
    is_active: bool = Field(description="Whether they have access.", examples=[True])
    has_password: bool = Field(description="Whether they can sign in.", examples=[True])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class CompanyChanged(EventData):
    """A company was made or changed, or entered or left a group. The subject is its key."""

    type: ClassVar[str] = "tandem.accounts.company.changed.v1"

    company: Company = Field(description="The company as it is now.")


# ---------------------------------------------------------------------------- agreements


class OverLimit(StrEnum):
    """What happens to an order that goes over a credit limit or a budget."""

    REFUSE = "refuse"
    APPROVE = "approve"


class PutAgreement(Request):
    """What was agreed with a company: how it pays, and how much it may owe."""

    company: Key = Field(description="Key of the company; it stays.", examples=["brighton-gifts"])
    payment_days: Annotated[Whole, Field(ge=0, le=365)] = Field(
        description="Days until an invoice is due.", examples=[30]
    )
    credit_limit: Limit = Field(
        description="How much the company may owe, in its currency.",
        examples=[{"amount": "5000.00", "currency": "EUR"}],
    )
    over_credit: OverLimit = Field(
        default=OverLimit.REFUSE,
        description="Whether an order over the credit limit is refused or waits for approval.",
        examples=["refuse"],
    )
    requires_purchase_order: Flag = Field(
        default=False,
        description="Whether an order needs the company's purchase order number.",
        examples=[True],
    )
    priority: Whole = Field(
        default=0,
        ge=-1_000_000,
        le=1_000_000,
        description="Of several in force the highest holds; then by key.",
        examples=[0],
    )
    valid_from: AwareDatetime | None = Field(
        default=None, description="From when it holds; null: always.", examples=[None]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )


class Agreement(PutAgreement):
    """An agreement as accounts keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["brighton-2026"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class PutBudget(Request):
    """How much a unit, with those below it, may spend in a window of time."""

    unit: Key = Field(description="Key of the unit; it stays.", examples=["head-office"])
    amount: Limit = Field(
        description="In the company's currency.",
        examples=[{"amount": "2000.00", "currency": "EUR"}],
    )
    over_budget: OverLimit = Field(
        default=OverLimit.APPROVE,
        description="Whether an order over the budget is refused or waits for approval.",
        examples=["approve"],
    )
    valid_from: AwareDatetime | None = Field(
        default=None, description="From when it holds; null: always.", examples=[None]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )


class Balance(Answer):
    """Where a ledger stands: held + used is the sum of its entries; available = limit - both."""

    limit: Money = Field(description="How much there is in all.", examples=[_eur])
    held: Money = Field(
        description="Held for orders that are not placed yet.",
        examples=[{"amount": "100.00", "currency": "EUR"}],
    )
    used: Money = Field(
        description="Used by orders that were placed.",
        examples=[{"amount": "50.00", "currency": "EUR"}],
    )
    available: Money = Field(
        description="What is left; negative where more was allowed.",
        examples=[{"amount": "100.00", "currency": "EUR"}],
    )


class Budget(PutBudget):
    """A budget as accounts keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["brighton-q4"])
    company: Key = Field(description="Key of the unit's company.", examples=["brighton-gifts"])
    balance: Balance = Field(description="Where it stands.")
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class Credit(Answer):
    """A company's credit under the agreement in force."""

    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    agreement: Key | None = Field(
        default=None,
        description="Key of the agreement in force; null: none, so no credit.",
        examples=["brighton-2026"],
    )
    payment_days: int | None = Field(
        default=None, description="Days until an invoice is due.", examples=[30]
    )
    requires_purchase_order: bool = Field(
        default=False,
        description="Whether an order needs the company's purchase order number.",
        examples=[True],
    )
    balance: Balance = Field(description="Where it stands.")


class LedgerEntryKind(StrEnum):
    """Why a ledger moved: held for an order, given back, or turned from held into used."""

    HELD = "held"
    RELEASED = "released"
    SETTLED = "settled"


class LedgerEntry(Answer):
    """A line of a credit or budget ledger. Lines are only ever added."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    hold_id: str = Field(description="The hold that moved it.", examples=[f"{_id}:credit"])
    kind: LedgerEntryKind = Field(description="Why.", examples=["held"])
    held: Money = Field(description="What was added to held; negative: taken.", examples=[_eur])
    used: Money = Field(
        description="What was added to used.", examples=[{"amount": "0.00", "currency": "EUR"}]
    )
    order_number: str | None = Field(
        default=None, description="The order, once there is one.", examples=["T-1000042"]
    )
    recorded_at: AwareDatetime = Field(description="When, UTC.", examples=[_time])


# ---------------------------------------------------------------------------- holds

HoldId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._~-]{1,128}$")]
"""Made of a process and its step, so that the same work always has the same hold."""


class PutHold(Request):
    """Hold credit and budget for an order that is being placed. The same again changes nothing."""

    member_id: UUID = Field(description="Who orders.", examples=[_id])
    amount: PositiveMoney = Field(description="Gross of the order.", examples=[_eur])
    purchase_order_number: ShortText | None = Field(
        default=None, description="The company's own number for it.", examples=["PO-4711"]
    )
    takes_credit: Flag = Field(
        default=True,
        description="False where the order is paid at once: then only the budget is held.",
        examples=[True],
    )


class HoldOutcome(StrEnum):
    """What came of a hold.

    granted: held. needs_approval: held too, but over a limit that may be topped with approval.
    refused: nothing is held, `problem` says why. released: given back, or refused for good since
    it was released before it came. settled: used by a placed order.
    """

    GRANTED = "granted"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"
    RELEASED = "released"
    SETTLED = "settled"


class OverReason(StrEnum):
    """Which limit an order goes over."""

    CREDIT = "credit"
    BUDGET = "budget"


class HoldProblem(Answer):
    """Why nothing was held."""

    code: str = Field(
        description="credit-exceeded, budget-exceeded, no-agreement, "
        "purchase-order-number-required, currency-not-agreed, member-inactive.",
        examples=["credit-exceeded"],
    )
    detail: str = Field(
        description="What is wrong and what would do.",
        examples=["The order needs 250.00 EUR of credit, and 120.00 EUR are left."],
    )
    errors: list[FieldError] = Field(
        default_factory=list, description="The fields it is about, if any."
    )


class Hold(Answer):
    """A hold on credit and budget."""

    id: str = Field(description="As asked.", examples=[f"{_id}:credit"])
    outcome: HoldOutcome = Field(description="What came of it.", examples=["granted"])
    amount: Money | None = Field(default=None, description="How much it is for.", examples=[_eur])
    agreement: Key | None = Field(
        default=None,
        description="The agreement it is under; null where no credit was asked.",
        examples=["brighton-2026"],
    )
    payment_days: int | None = Field(
        default=None, description="Days until the invoice is due.", examples=[30]
    )
    over: list[OverReason] = Field(
        default_factory=list, description="The limits it goes over.", examples=[[]]
    )
    problem: HoldProblem | None = Field(default=None, description="Why it was refused.")


class SettleHold(Request):
    """Turn what is held into used: its order was placed."""

    order_number: ShortText = Field(description="The order.", examples=["T-1000042"])


# ---------------------------------------------------------------------------- customer groups


class PutCustomerGroup(Request):
    """A group of companies: by rule, or by hand."""

    name: ShortText = Field(description="For the people who keep it.", examples=["Volume buyers"])
    rule: Annotated[str, StringConstraints(min_length=1, max_length=4000)] | None = Field(
        default=None,
        description="A CEL expression of type bool over the facts of a company: `country`, "
        "`region`, `currency`, `industry`, `tier` (strings, empty where unset), `tags` "
        "(list of strings), `customer_since` and `last_order_at` (timestamps), `orders` (int), "
        "`lifetime_spend_minor` and `spend_12_months_minor` (int, minor units of `currency`), "
        "`has_agreement` (bool), `payment_days` (int, 0 without an agreement), and `now`, the "
        "moment it is looked at (timestamp; by itself once a day). `last_order_at` is the start of "
        "1970 where there is none. A rule that fails on a company does not hold for it. Null: "
        "members are named in `companies`.",
        examples=["orders >= 3 && lifetime_spend_minor >= 100000"],
    )
    companies: list[Key] = Field(
        default_factory=list,
        max_length=10_000,
        description="Companies put in by hand; only without a rule.",
        examples=[[]],
    )


class CustomerGroup(PutCustomerGroup):
    """A customer group as accounts keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["volume"])
    size: int = Field(description="How many companies are in it now.", examples=[12])
    is_settled: bool = Field(
        default=True,
        description="False while a change is still being applied to many companies, in the "
        "background; `size` tells how far that has come.",
        examples=[True],
    )
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class GroupPreview(Answer):
    """Who would enter and leave a group if this were saved; nothing was changed."""

    entering: list[Key] = Field(description="Companies, the first 1000.", examples=[["acme"]])
    leaving: list[Key] = Field(description="Companies, the first 1000.", examples=[[]])


class MembershipReason(StrEnum):
    """Why a company entered or left a group."""

    RULE_CHANGED = "rule_changed"
    FACTS_CHANGED = "facts_changed"
    BY_HAND = "by_hand"


class GroupMembershipChanged(EventData):
    """A company entered or left a customer group. The subject is `<company>/<group>`."""

    type: ClassVar[str] = "tandem.accounts.group_membership.changed.v1"

    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    group: Key = Field(description="Key of the group.", examples=["volume"])
    is_member: bool = Field(description="Whether it is in the group now.", examples=[True])
    reason: MembershipReason = Field(description="Why it changed.", examples=["facts_changed"])


# ---------------------------------------------------------------------------- sign-in


class SignIn(Request):
    """Sign a person in."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=254)] = Field(
        description="Case does not count.", examples=["ada@brighton.example"]
    )
    password: SecretStr = Field(
        max_length=MAX_PASSWORD_LENGTH,
        description="Theirs.",
        examples=["a-password-for-the-docs-only"],
    )


class SignedIn(Answer):
    """A session: a token that names the person, for ten minutes."""

    access_token: str = Field(
        description="A JWT (RFC 9068), signed with EdDSA on Ed25519 (RFC 9864).",
        examples=["eyJhbGciOiJFZERTQSJ9.e30.sig"],
    )
    token_type: Literal["Bearer"] = Field(default="Bearer", description="Send it as Bearer.")
    expires_in: int = Field(description="Seconds it lives.", examples=[600])
    kind: Literal["member", "staff"] = Field(description="Who signed in.", examples=["member"])
    name: str = Field(description="Their name.", examples=["Ada Lovelace"])
    buyer: TokenBuyer | None = Field(
        default=None, description="Whom a member acts for; null for staff."
    )
