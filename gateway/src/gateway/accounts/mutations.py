"""Signing in, and giving and taking access."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated

import strawberry

from contracts.problems import Unauthenticated
from gateway.accounts import clients
from gateway.accounts.types import Member, SignedInBuyer
from gateway.context import Info, Wire
from gateway.errors import UserError, told, user_errors

_ERRORS = "What a person can mend; when there is any, nothing was changed."


@strawberry.input(description="Sign in.")
class SignInInput:
    email: str = strawberry.field(description="Case does not count.")
    password: str = strawberry.field(description="Theirs.")


@strawberry.type(description="A session, for as long as `expiresIn` says.")
class SignInPayload:
    access_token: str | None = strawberry.field(
        default=None, description="Send it as `Authorization: Bearer <token>`."
    )
    expires_in: int | None = strawberry.field(default=None, description="Seconds it lives.")
    name: str | None = strawberry.field(default=None, description="Who signed in.")
    buyer: SignedInBuyer | None = strawberry.field(
        default=None, description="Whom a member acts for; null for the merchant's own people."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.input(description="Take a member's access away.")
class DeactivateMemberInput:
    member: str = strawberry.field(description="Key of the member.")


@strawberry.input(description="Give a member's access back.")
class ReactivateMemberInput:
    member: str = strawberry.field(description="Key of the member.")


@strawberry.type(description="The member as they are now.")
class DeactivateMemberPayload:
    member: Member | None = strawberry.field(default=None, description="The member.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The member as they are now.")
class ReactivateMemberPayload:
    member: Member | None = strawberry.field(default=None, description="The member.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type
class AccountsMutation:
    """Merged into the Mutation of `b2b`."""

    @strawberry.field(description="Sign in by email and password.")
    async def sign_in(
        self,
        info: Info,
        input: Annotated[SignInInput, strawberry.argument(description="Who.")],
    ) -> SignInPayload | None:
        try:
            signed_in, errors = await told(
                clients.sign_in(info.context, input.email, input.password)
            )
        except Unauthenticated as problem:
            return SignInPayload(errors=user_errors(problem))
        return _session(signed_in) if signed_in else SignInPayload(errors=errors)

    @strawberry.field(description="Take a member's access away, at once, for the company's admins.")
    async def deactivate_member(
        self,
        info: Info,
        input: Annotated[DeactivateMemberInput, strawberry.argument(description="Whose.")],
    ) -> DeactivateMemberPayload | None:
        company = info.context.buyer().company
        member, errors = await told(
            clients.set_access(info.context, company, input.member, is_active=False)
        )
        return DeactivateMemberPayload(member=member, errors=errors)

    @strawberry.field(description="Give a member's access back, for the company's admins.")
    async def reactivate_member(
        self,
        info: Info,
        input: Annotated[ReactivateMemberInput, strawberry.argument(description="Whose.")],
    ) -> ReactivateMemberPayload | None:
        company = info.context.buyer().company
        member, errors = await told(
            clients.set_access(info.context, company, input.member, is_active=True)
        )
        return ReactivateMemberPayload(member=member, errors=errors)


def _session(signed_in: Wire) -> SignInPayload:
    buyer = signed_in.get("buyer")
    return SignInPayload(
        access_token=signed_in["access_token"],
        expires_in=signed_in["expires_in"],
        name=signed_in["name"],
        buyer=SignedInBuyer.from_wire(buyer) if buyer else None,
    )
