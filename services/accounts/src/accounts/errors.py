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
├── NotFound
│   ├── AgreementUnknown              no agreement of that key
│   ├── BudgetUnknown                 no budget of that key
│   ├── GroupUnknown                  no customer group of that key
│   └── HoldUnknown                   no hold of that id
├── Conflict
│   ├── AgreementFixed                an agreement's company would change
│   ├── BudgetFixed                   a budget's unit would change
│   ├── HoldDiffers                   the hold's id was used for another order
│   └── HoldNotOpen                   a hold that is over cannot be released or settled any more
├── Invalid
│   ├── CompanyNotKnown               a field names a company that there is not
│   ├── UnitNotKnown                  a field names a unit that there is not
│   ├── CurrencyNotOfCompany          an amount in another currency than its company's
│   ├── MomentOutOfRange              a time that no calendar in UTC has
│   ├── WindowEmpty                   a window that ends before it begins
│   ├── RuleUnsound                   a rule that does not type-check, or does not end
│   └── RuleAndCompanies              a group by rule and by hand at once
└── (settings)
    └── BootstrapPartnerUnreadable    the start fails: no answer, only a message
```
"""

from collections.abc import Iterable
from pathlib import Path

from contracts.problems import (
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    Problem,
    TooMany,
    Unauthenticated,
    UnsupportedMedia,
)

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


class AgreementUnknown(NotFound):
    """No agreement of that key, or none of the caller's company."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no agreement {key!r}.")


class BudgetUnknown(NotFound):
    """No budget of that key, or none of the caller's company."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no budget {key!r}.")


class GroupUnknown(NotFound):
    """No customer group of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no customer group {key!r}.")


class HoldUnknown(NotFound):
    """No hold of that id."""

    def __init__(self, hold_id: str) -> None:
        super().__init__(f"There is no hold {hold_id!r}.")


class AgreementFixed(Conflict):
    """An agreement's company would change under what was done by it."""

    def __init__(self, company: str) -> None:
        super().__init__(
            f"company of an agreement stays what it was ({company}); make another agreement.",
            field="/company",
        )


class BudgetFixed(Conflict):
    """A budget's unit would change under what was held and used of it."""

    def __init__(self, unit: str) -> None:
        super().__init__(
            f"unit of a budget stays what it was ({unit}); make another budget.", field="/unit"
        )


class HoldDiffers(Conflict):
    """The hold's id was used for another order: same id, other body."""

    def __init__(self, hold_id: str) -> None:
        super().__init__(f"The hold {hold_id!r} was asked for with another content.")


class HoldNotOpen(Conflict):
    """A hold that was refused, released or settled stays so."""

    def __init__(self, hold_id: str, outcome: str) -> None:
        super().__init__(
            f"The hold {hold_id!r} is {outcome}, and stays so.", extra={"outcome": outcome}
        )


class CompanyNotKnown(Invalid):
    """A field names a company that there is not."""

    def __init__(self, company: str, *, field: str = "/company") -> None:
        super().__init__(f"There is no company {company!r}.", field=field)


class UnitNotKnown(Invalid):
    """A field names a unit that there is not."""

    def __init__(self, unit: str) -> None:
        super().__init__(f"There is no unit {unit!r}.", field="/unit")


class CurrencyNotOfCompany(Invalid):
    """An amount in another currency than its company trades in."""

    def __init__(self, currency: str, *, field: str) -> None:
        super().__init__(f"must be in {currency}, the company's currency", field=field)


class MomentOutOfRange(Invalid):
    """A time that is before the year 1 or after 9999 in UTC."""

    def __init__(self, field: str) -> None:
        super().__init__("must be within the years 1 to 9999 in UTC", field=field)


class WindowEmpty(Invalid):
    """A window that ends before it begins, or at that moment."""

    def __init__(self) -> None:
        super().__init__("must be after valid_from", field="/valid_to")


class RuleUnsound(Invalid):
    """A rule that does not type-check, gives no bool, or goes through too many steps."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The rule is not sound: {why}", field="/rule")


class RuleAndCompanies(Invalid):
    """A group is kept by rule or by hand, not both."""

    def __init__(self) -> None:
        super().__init__("must be empty where there is a rule", field="/companies")


class BootstrapPartnerUnreadable(Exception):
    """The file of the first partner application is missing or not as it should be."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"TANDEM_BOOTSTRAP_PARTNER_FILE ({path}): {why}")


def _printable(text: str) -> str:
    """The text in the characters that RFC 6749, 5.2 allows in error_description."""
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in text
    )
