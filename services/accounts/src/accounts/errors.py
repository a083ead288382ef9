"""Every business failure of accounts.

```
Problem
├── NotAToken (mixin: the OAuth error of RFC 6749, 5.2, beside the problem)
│   ├── TokenRequestMalformed 400     invalid_request
│   ├── GrantTypeNotSupported 400     unsupported_grant_type
│   ├── ScopeNotGranted 400           invalid_scope
│   ├── ClientNotAuthenticated 401    invalid_client
│   ├── TokenRequestNotForm 415       invalid_request
│   └── TooManyTokenRequests 429      temporarily_unavailable
└── (settings)
    └── BootstrapPartnerUnreadable    the start fails: no answer, only a message
```
"""

from collections.abc import Iterable
from pathlib import Path

from contracts.problems import BadRequest, Problem, TooMany, Unauthenticated, UnsupportedMedia

NO_STORE = {"Cache-Control": "no-store"}


class NotAToken(Problem):
    """A problem that OAuth clients can read as well."""

    def __init__(self, detail: str, *, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(
            detail,
            extra={"error": error, "error_description": _printable(detail)},
            headers={**NO_STORE, **(headers or {})},
        )


class TokenRequestMalformed(NotAToken, BadRequest):
    """The form lacks something, or says it twice."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, error="invalid_request")


class GrantTypeNotSupported(NotAToken, BadRequest):
    """Tokens are given for client credentials only."""

    def __init__(self) -> None:
        super().__init__(
            "The one grant_type there is, is client_credentials.", error="unsupported_grant_type"
        )


class ScopeNotGranted(NotAToken, BadRequest):
    """The application asked for more than it was given."""

    def __init__(self, refused: Iterable[str]) -> None:
        names = " ".join(sorted(refused))
        super().__init__(
            f"The application was not given the scope {names}."
            if names
            else "Name at least one scope, or leave scope out for all of them.",
            error="invalid_scope",
        )


class ClientNotAuthenticated(NotAToken, Unauthenticated):
    """Unknown client, wrong secret, application switched off: one answer for all of them."""

    def __init__(self) -> None:
        super().__init__(
            "The client is not known, or its secret is another.",
            error="invalid_client",
            headers={"WWW-Authenticate": 'Basic realm="tandem", charset="UTF-8"'},
        )


class TokenRequestNotForm(NotAToken, UnsupportedMedia):
    """RFC 6749 wants a form."""

    def __init__(self) -> None:
        form = "application/x-www-form-urlencoded"
        super().__init__(
            f"Send the body as {form}.", error="invalid_request", headers={"Accept": form}
        )


class TooManyTokenRequests(NotAToken, TooMany):
    """More secrets wait to be checked than can be soon; nothing was checked."""

    def __init__(self) -> None:
        super().__init__(
            "Too many tokens are being asked for right now; please try again.",
            error="temporarily_unavailable",
            headers={"Retry-After": "1"},
        )


class BootstrapPartnerUnreadable(Exception):
    """The file of the first partner application is missing or not as it should be."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"TANDEM_BOOTSTRAP_PARTNER_FILE ({path}): {why}")


def _printable(text: str) -> str:
    """The text in the characters that RFC 6749, 5.2 allows in error_description."""
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in text
    )
