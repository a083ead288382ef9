"""What accounts takes, answers and tells: tokens (RFC 6749) and public keys (RFC 7517)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contracts.model import Answer
from contracts.problems import ProblemDetail

PARTNER_SCOPES: dict[str, str] = {
    "catalog:read": "Read products and categories that buyers do not see.",
    "catalog:write": "Write stores, categories and products.",
    "pricing:read": "Read price lists and prices.",
    "pricing:write": "Write price lists, prices and tax rates.",
    "pricing:resolve:any": "Ask what something costs a buyer of any company.",
    "orders:read": "Read orders of all customers.",
    "shipments:write": "Ship orders.",
    "payments:write": "Capture and refund the payments of orders.",
    "stock:read": "Read stock by warehouse.",
    "stock:write": "Write warehouses, stock and delivery methods.",
    "companies:read": "Read companies with their units, members, agreements, credit and groups.",
    "companies:write": "Write companies with their units, members, agreements, budgets and groups.",
    "approvals:read": "Read approval requests of all companies.",
    "changes:read": "Read change feeds and snapshots.",
    "dead_letters:read": "Read events that a service gave up on.",
    "dead_letters:write": "Mend and replay events that a service gave up on.",
}
"""Scopes that a partner application may be given, and what each allows."""

_ANY_SCOPE = "|".join(PARTNER_SCOPES)
SCOPES_PATTERN = rf"^(?:{_ANY_SCOPE})(?: (?:{_ANY_SCOPE}))*$"
"""Scopes separated by single spaces (RFC 6749, 3.3)."""


class RequestToken(Answer):
    """Client credentials as a form (RFC 6749, 4.4.2). Parameters not named here are ignored.

    The client says who it is either by HTTP Basic (RFC 6749, 2.3.1) or by `client_id` and
    `client_secret` in the form, never both.
    """

    grant_type: Literal["client_credentials"] = Field(
        description="The one grant there is.", examples=["client_credentials"]
    )
    client_id: str | None = Field(
        default=None, description="Without HTTP Basic.", examples=["demo-partner"]
    )
    client_secret: str | None = Field(
        default=None, description="Without HTTP Basic.", examples=["secret-for-the-docs-only"]
    )
    scope: Annotated[str, StringConstraints(pattern=SCOPES_PATTERN)] | None = Field(
        default=None,
        description="Some of the application's scopes, separated by spaces; all if absent.",
        examples=["catalog:read catalog:write"],
    )


class TokenProblem(ProblemDetail):
    """Why there is no token: a problem that is an OAuth error too (RFC 6749, 5.2)."""

    error: Literal[
        "invalid_request",
        "invalid_client",
        "unsupported_grant_type",
        "invalid_scope",
        "temporarily_unavailable",
    ] = Field(description="The OAuth error code.", examples=["invalid_client"])
    error_description: str = Field(
        description="The problem's detail once more, where OAuth clients look for it.",
        examples=["The client is not known, or its secret is another."],
    )


class Token(Answer):
    """An access token (RFC 6749, 5.1)."""

    access_token: str = Field(
        description="A JWT (RFC 9068), signed with EdDSA on Ed25519 (RFC 9864).",
        examples=["eyJhbGciOiJFZERTQSJ9.e30.sig"],
    )
    token_type: Literal["Bearer"] = Field(default="Bearer", description="Send it as Bearer.")
    expires_in: int = Field(description="Seconds it lives.", examples=[600])
    scope: str = Field(
        description="What it allows, separated by spaces.", examples=["catalog:read catalog:write"]
    )


class Jwk(Answer):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"] = Field(description="Key type.", examples=["OKP"])
    crv: Literal["Ed25519"] = Field(description="Curve.", examples=["Ed25519"])
    kid: str = Field(description="Key id: its RFC 7638 thumbprint.", examples=["k1"])
    x: str = Field(description="The key.", examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])
    use: Literal["sig"] = Field(default="sig", description="For signatures.")
    alg: Literal["Ed25519"] = Field(default="Ed25519", description="The one algorithm (RFC 9864).")


class Jwks(Answer):
    """Public keys that tokens are checked with (RFC 7517)."""

    keys: list[Jwk] = Field(description="The present one, and the last where it changed.")
