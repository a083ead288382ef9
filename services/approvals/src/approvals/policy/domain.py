"""The built-in policies: what needs a person, and who that person may be.

An order needs one when it goes over what the member may place alone, over the credit limit or over
a budget. Approvers of the member's unit or of one above it decide; an admin of the company always
may. Nobody decides on what they asked for themselves.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from contracts.approvals import ApprovalReason
from contracts.buyers import BuyerProfile, Role
from contracts.companies import OverReason
from contracts.money import Money

_OVER = {
    OverReason.CREDIT: ApprovalReason.OVER_CREDIT,
    OverReason.BUDGET: ApprovalReason.OVER_BUDGET,
}


def find_reasons(
    amount: Money, *, order_limit: Money | None, over: Iterable[OverReason]
) -> list[ApprovalReason]:
    """Why somebody must decide; none: nobody needs to.

    A limit in another currency never matches, so such orders wait for a person rather than a
    guess.
    """
    reasons = {_OVER[reason] for reason in over}
    if order_limit is not None and (
        order_limit.currency != amount.currency or amount.minor > order_limit.minor
    ):
        reasons.add(ApprovalReason.OVER_ORDER_LIMIT)
    return sorted(reasons)


def find_nearest(
    members: Iterable[BuyerProfile], *, requester: UUID, units: Sequence[str]
) -> list[UUID]:
    """The approvers of the nearest unit, at or above the requester's, that has any.

    `units` are the requester's unit and those above it, the nearest first. Empty where there is
    nobody: then the company's admins decide.
    """
    by_unit: dict[str, list[UUID]] = {}
    for member in members:
        if _is_approver(member) and member.member_id != requester:
            by_unit.setdefault(member.units[0], []).append(member.member_id)
    for unit in units:
        if unit in by_unit:
            return sorted(by_unit[unit])
    return []


def may_decide(
    member: BuyerProfile, *, company: str, requester: UUID, units: Sequence[str]
) -> bool:
    """Whether a member may decide on a request of that company and these units."""
    if not member.is_active or member.company != company or member.member_id == requester:
        return False
    return Role.ADMIN in member.roles or (_is_approver(member) and member.units[0] in units)


def _is_approver(member: BuyerProfile) -> bool:
    return member.is_active and Role.APPROVER in member.roles
