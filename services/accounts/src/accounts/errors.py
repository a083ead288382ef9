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
├── SignInRefused 401                 no such person, another password, no access
├── Forbidden
│   └── NotAdmin                      a member who is no admin of the company
├── NotFound
│   ├── CompanyUnknown                no company of that key, or another than the caller's
│   ├── UnitUnknown                   no unit of that key in the company
│   ├── MemberUnknown                 no member of that key in the company
│   ├── AgreementUnknown              no agreement of that key
│   ├── BudgetUnknown                 no budget of that key
│   ├── GroupUnknown                  no customer group of that key
│   └── HoldUnknown                   no hold of that id
├── Conflict
│   ├── CompanyCurrencyFixed          a company's currency would change
│   ├── UnitKeyTaken                  a unit's key is in use in another company
│   ├── MemberKeyTaken                a member's key is in use in another company
│   ├── EmailInUse                    somebody else signs in with that address
│   ├── RootExists                    a company has one root
│   ├── OwnAccess                     an admin would take their own access away
│   ├── AgreementFixed                an agreement's company would change
│   ├── BudgetFixed                   a budget's unit would change
│   ├── HoldDiffers                   the hold's id was used for another order
│   └── HoldNotOpen                   a hold that is over cannot be released or settled any more
├── Invalid
│   ├── ParentNotOfCompany            a unit would go below one of another company, or none
│   ├── UnitsInCircle                 a unit would go below itself
│   ├── UnitTooDeep                   a tree of too many levels
│   ├── UnitNotOfCompany              a member would act for a unit of another company, or none
│   ├── CompanyNotKnown               a field names a company that there is not
│   ├── UnitNotKnown                  a field names a unit that there is not
│   ├── CurrencyNotOfCompany          an amount in another currency than its company's
│   ├── MomentOutOfRange              a time that no calendar in UTC has
│   ├── WindowEmpty                   a window that ends before it begins
│   ├── RuleUnsound                   a rule that does not type-check, or does not end
│   └── RuleAndCompanies              a group by rule and by hand at once
└── (settings)
    ├── BootstrapPartnerUnreadable    the start fails: no answer, only a message
    └── StaffUnreadable               the same
```
"""

from collections.abc import Iterable
from pathlib import Path

from contracts.problems import (
    BadRequest,
    Conflict,
    Forbidden,
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


class SignInRefused(Unauthenticated):
    """Unknown address, another password, access taken away: one answer for all of them."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody can sign in with this address and password.",
            headers={**NO_STORE, "WWW-Authenticate": "Bearer"},
        )


class NotAdmin(Forbidden):
    """Only an admin of the company keeps its members."""

    def __init__(self) -> None:
        super().__init__("Only an admin of the company may do this.")


class CompanyUnknown(NotFound):
    """No company of that key, or another than the caller's."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no company {key!r}.")


class UnitUnknown(NotFound):
    """No unit of that key in the company."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no unit {key!r}.")


class MemberUnknown(NotFound):
    """No member of that key in the company."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no member {key!r}.")


class CompanyCurrencyFixed(Conflict):
    """A company's currency would change under its credit, budgets and spend."""

    def __init__(self, currency: str) -> None:
        super().__init__(
            f"currency of a company stays what it was ({currency}).", field="/currency"
        )


class UnitKeyTaken(Conflict):
    """A unit's key is in use in another company."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} is in use; choose another.")


class MemberKeyTaken(Conflict):
    """A member's key is in use in another company."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} is in use; choose another.")


class EmailInUse(Conflict):
    """Somebody else signs in with that address."""

    def __init__(self) -> None:
        super().__init__("Somebody else signs in with this address.", field="/email")


class RootExists(Conflict):
    """A company has one root, under which all its other units are."""

    def __init__(self, root: str) -> None:
        super().__init__(
            f"The company has a root already ({root}): name it, or a unit below it, as parent.",
            field="/parent",
        )


class OwnAccess(Conflict):
    """An admin would take their own access away; another admin, or the merchant, may."""

    def __init__(self, field: str) -> None:
        super().__init__("You cannot take your own access as an admin away.", field=field)


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


class ParentNotOfCompany(Invalid):
    """A unit would go below one of another company, or one that there is not."""

    def __init__(self, parent: str) -> None:
        super().__init__(f"There is no unit {parent!r} in this company.", field="/parent")


class UnitsInCircle(Invalid):
    """A unit would go below itself, or below one that is below it."""

    def __init__(self, unit: str, parent: str) -> None:
        super().__init__(f"{parent!r} is {unit!r} itself or below it", field="/parent")


class UnitTooDeep(Invalid):
    """A tree of too many levels."""

    def __init__(self, deepest: int) -> None:
        super().__init__(f"would make a tree of more than {deepest} levels", field="/parent")


class UnitNotOfCompany(Invalid):
    """A member would act for a unit of another company, or one that there is not."""

    def __init__(self, unit: str) -> None:
        super().__init__(f"There is no unit {unit!r} in this company.", field="/unit")


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


class StaffUnreadable(Exception):
    """The file of the first person of the merchant is missing or not as it should be."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"TANDEM_STAFF_FILE ({path}): {why}")


class BootstrapPartnerUnreadable(Exception):
    """The file of the first partner application is missing or not as it should be."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"TANDEM_BOOTSTRAP_PARTNER_FILE ({path}): {why}")


def _printable(text: str) -> str:
    """The text in the characters that RFC 6749, 5.2 allows in error_description."""
    return "".join(
        letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in text
    )
