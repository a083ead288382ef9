"""Deciding on approval requests."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated

import strawberry
from strawberry import ID

from gateway.approvals import clients
from gateway.approvals.types import ApprovalRequest
from gateway.context import Info, path_of, selected
from gateway.errors import UserError, told
from gateway.ids import decode_id
from gateway.orders.linked import with_placements

_ERRORS = "What a person can mend; when there is any, nothing was changed."
_COMMENT = "Why, for who asked."


@strawberry.input(description="Let an order go on.")
class ApproveRequestInput:
    id: ID = strawberry.field(description="The request's id.")
    comment: str | None = strawberry.field(default=None, description=_COMMENT)


@strawberry.input(description="Have an order undone.")
class RejectRequestInput:
    id: ID = strawberry.field(description="The request's id.")
    comment: str | None = strawberry.field(default=None, description=_COMMENT)


@strawberry.type(description="The request as it is now.")
class ApproveRequestPayload:
    approval_request: ApprovalRequest | None = strawberry.field(
        default=None, description="The request."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The request as it is now.")
class RejectRequestPayload:
    approval_request: ApprovalRequest | None = strawberry.field(
        default=None, description="The request."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type
class ApprovalsMutation:
    """Merged into the Mutation of `b2b`."""

    @strawberry.field(description="Let an order go on, as one who may decide.")
    async def approve_request(
        self,
        info: Info,
        input: Annotated[ApproveRequestInput, strawberry.argument(description="Which one.")],
    ) -> ApproveRequestPayload | None:
        request, errors = await told(_decide(info, input, "approve"))
        return ApproveRequestPayload(approval_request=request, errors=errors)

    @strawberry.field(description="Have an order undone, as one who may decide.")
    async def reject_request(
        self,
        info: Info,
        input: Annotated[RejectRequestInput, strawberry.argument(description="Which one.")],
    ) -> RejectRequestPayload | None:
        request, errors = await told(_decide(info, input, "reject"))
        return RejectRequestPayload(approval_request=request, errors=errors)


async def _decide(
    info: Info, input: ApproveRequestInput | RejectRequestInput, verdict: str
) -> ApprovalRequest:
    request_id = decode_id(input.id, "ApprovalRequest")
    request = await clients.decide(info.context, request_id, verdict, input.comment)
    below = selected(info).within("approvalRequest")
    await with_placements(info.context, [request], below, path_of(info))
    return request
