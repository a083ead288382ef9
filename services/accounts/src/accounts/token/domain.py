"""Rules of a token request: who asks, and for which scopes (RFC 6749, 2.3.1, 3.3, 4.4)."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from accounts.errors import (
    ClientNotAuthenticated,
    GrantTypeNotSupported,
    ScopeNotGranted,
    TokenRequestMalformed,
)

FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 50
_ONCE = ("grant_type", "client_id", "client_secret", "scope")
_SCOPE = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request as it was meant."""

    client_id: str
    client_secret: str = field(repr=False)
    scopes: frozenset[str] | None


def read_request(body: bytes, authorization: str | None) -> TokenRequest:
    """Read the form and the Authorization header.

    The client authenticates by the one or the other; both at once is refused. Parameters
    without a value count as left out, unknown ones are ignored (RFC 6749, 3.2).
    """
    form = _read_form(body)
    if "grant_type" not in form:
        raise TokenRequestMalformed("grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise GrantTypeNotSupported
    client_id, client_secret = _read_client(form, authorization)
    return TokenRequest(client_id, client_secret, _read_scopes(form.get("scope")))


def grant_scopes(asked: frozenset[str] | None, held: Collection[str]) -> list[str]:
    """The scopes of the token, sorted: those asked for, all of them if none was named."""
    if asked is None:
        return sorted(held)
    if refused := asked.difference(held):
        raise ScopeNotGranted(refused)
    return sorted(asked)


def _read_form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise TokenRequestMalformed(
            f"The body is no form in UTF-8, or has more than {_MOST_PARAMETERS} fields."
        ) from None
    names = [name for name, _ in pairs]
    for name in _ONCE:
        if names.count(name) > 1:
            raise TokenRequestMalformed(f"{name} is given more than once.")
    return {name: value for name, value in pairs if value}


def _read_client(form: dict[str, str], authorization: str | None) -> tuple[str, str]:
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise ClientNotAuthenticated
        client_id, client_secret = form["client_id"], form["client_secret"]
    else:
        if "client_secret" in form:
            raise TokenRequestMalformed(
                "The client authenticates by the Authorization header or in the form, not both."
            )
        client_id, client_secret = _read_basic(authorization)
        if form.get("client_id", client_id) != client_id:
            raise TokenRequestMalformed("The form names another client_id than the header.")
    if "\0" in client_id or "\0" in client_secret:
        raise ClientNotAuthenticated
    return client_id, client_secret


def _read_basic(authorization: str) -> tuple[str, str]:
    """Client id and secret of HTTP Basic; each is form-encoded before the base64 (2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ClientNotAuthenticated
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        client_id, colon, client_secret = decoded.partition(":")
        if not colon:
            raise ClientNotAuthenticated
        return unquote_plus(client_id, errors="strict"), unquote_plus(
            client_secret, errors="strict"
        )
    except (binascii.Error, UnicodeDecodeError):
        raise ClientNotAuthenticated from None


def _read_scopes(scope: str | None) -> frozenset[str] | None:
    if scope is None:
        return None
    if not _SCOPE.fullmatch(scope):
        raise ScopeNotGranted(())
    return frozenset(scope.split(" "))
