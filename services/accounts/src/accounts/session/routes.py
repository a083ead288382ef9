"""`POST /v1/sessions`."""

from fastapi import APIRouter, Response

from accounts.errors import NO_STORE
from accounts.gate import Gate
from accounts.session import commands
from chassis.idempotency import IdempotentRoute, KeyIgnored
from chassis.runtime import Live
from contracts.companies import SignedIn, SignIn

router = APIRouter(prefix="/v1", tags=["sessions"], route_class=IdempotentRoute)


@router.post(
    "/sessions",
    summary="Sign a person in",
    dependencies=[KeyIgnored],
    responses={
        401: {"$ref": "#/components/responses/Problem401"},
        429: {"$ref": "#/components/responses/Problem429"},
    },
)
async def sign_in(body: SignIn, response: Response, runtime: Live, gate: Gate) -> SignedIn:
    """Exchange a person's address and password for a token of ten minutes.

    An unknown address, a wrong password and access that was taken away get the same answer. Every
    answer is `Cache-Control: no-store`; an `Idempotency-Key` is not looked at, for a token is not
    kept.
    """
    response.headers.update(NO_STORE)
    return await commands.sign_in(runtime, gate, body)
