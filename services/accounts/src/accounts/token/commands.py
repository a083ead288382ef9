"""Giving a token."""

from accounts.errors import ClientNotAuthenticated
from accounts.partner import queries
from accounts.partner.hashing import NO_SECRET, HashingGate
from accounts.token.domain import TokenRequest, grant_scopes
from chassis.auth import LIFETIME, PEOPLE_AUDIENCE
from chassis.runtime import Runtime
from contracts.accounts import Token


async def give_token(runtime: Runtime, gate: HashingGate, request: TokenRequest) -> Token:
    """Check the client and sign a token of ten minutes for all services.

    No connection is held while the secret is checked. An unknown client takes as long as a wrong
    secret and gets the same answer. Raises ClientNotAuthenticated, ScopeNotGranted,
    TooManyTokenRequests.
    """
    async with runtime.reader.connect() as connection:
        known = await queries.find_credentials(connection, request.client_id)
    holds = await gate.is_secret_of(
        known.secret_hash if known else NO_SECRET,
        request.client_secret,
        client=request.client_id if known else "",
    )
    if known is None or not holds:
        raise ClientNotAuthenticated
    scopes = grant_scopes(request.scopes, known.scopes)
    access_token = runtime.signer.sign(
        subject=request.client_id,
        audience=PEOPLE_AUDIENCE,
        kind="partner",
        scopes=scopes,
        lifetime=LIFETIME,
        claims={"client_id": request.client_id},
    )
    return Token(
        access_token=access_token,
        expires_in=int(LIFETIME.total_seconds()),
        scope=" ".join(scopes),
    )
