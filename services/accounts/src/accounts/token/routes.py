"""`POST /v1/tokens`."""

from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from accounts.errors import NO_STORE, TokenRequestNotForm
from accounts.gate import Gate
from accounts.token import commands
from accounts.token.domain import FORM, read_request
from chassis.runtime import Live
from contracts.accounts import RequestToken, Token, TokenProblem
from contracts.problems import MEDIA_TYPE

router = APIRouter(prefix="/v1", tags=["tokens"])

_EXAMPLE = {
    "grant_type": "client_credentials",
    "client_id": "demo-partner",
    "client_secret": "secret-for-the-docs-only",
    "scope": "catalog:read catalog:write",
}


class ClientBasic(SecurityBase):
    """Documents in OpenAPI how a client says who it is; reading it is `read_request`'s work."""

    def __init__(self) -> None:
        self.model = HTTPBase(scheme="basic", description="Client id and secret (RFC 6749, 2.3.1).")
        self.scheme_name = "client"

    async def __call__(self) -> None:
        return None


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return schema


def _refusal(description: str, **headers: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": _schema(TokenProblem)}},
        "headers": {
            name.replace("_", "-"): {"description": what, "schema": {"type": "string"}}
            for name, what in headers.items()
        },
    }


@router.post(
    "/tokens",
    summary="Get an access token",
    responses={
        400: _refusal("invalid_request, unsupported_grant_type or invalid_scope."),
        401: _refusal(
            "invalid_client: not known, or another secret.",
            WWW_Authenticate="HTTP Basic is how to authenticate.",
        ),
        415: _refusal("The body is no form."),
        429: _refusal(
            "Too many tokens are being asked for; nothing was checked.",
            Retry_After="Seconds to wait.",
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": _schema(RequestToken), "example": _EXAMPLE}},
        },
    },
    dependencies=[Security(ClientBasic())],
)
async def request_token(request: Request, response: Response, runtime: Live, gate: Gate) -> Token:
    """Exchange a partner application's credentials for a token of ten minutes (RFC 6749, 4.4).

    The client authenticates by HTTP Basic or by `client_id` and `client_secret` in the form.
    Every answer is `Cache-Control: no-store`; an `Idempotency-Key` is not looked at, for a
    token is not kept.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise TokenRequestNotForm
    asked = read_request(await request.body(), request.headers.get("authorization"))
    response.headers.update(NO_STORE)
    return await commands.give_token(runtime, gate, asked)
