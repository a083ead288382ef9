"""What can go wrong, told alike in REST, GraphQL and logs (RFC 9457).

```
Problem
├── BadRequest 400          the request cannot be read at all
├── Unauthenticated 401     no token where one is needed, or one that does not hold
├── Forbidden 403           known, but not allowed
├── NotFound 404            not there, or not yours (the same answer for both)
├── Conflict 409            right in itself, not in the present state
├── Gone 410                was there, is no longer kept
├── PreconditionFailed 412  somebody else was faster (If-Match)
├── TooLarge 413            more than this door takes
├── UnsupportedMedia 415    another content type is needed
├── Invalid 422             a field says something that cannot be
├── TooMany 429             slower, please
└── Unavailable 503         a neighbour or the database is away: later, please
```
A service states a failure as a subclass named as a fact; its `code` is the class's name in
kebab case (`SkuNotOrderable` becomes `sku-not-orderable`).
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One bad field."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the body, or the parameter's name.",
        examples=["/lines/0/quantity"],
    )
    code: str = Field(description="Which rule was broken, for programs.", examples=["too-small"])
    message: str = Field(
        description="What is wrong and what would do, for people.",
        examples=["must be at least 1"],
    )


class ProblemDetail(BaseModel):
    """An error answer, `application/problem+json` (RFC 9457)."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "https://tandem.example/problems/sku-not-orderable",
                    "title": "Invalid",
                    "status": 422,
                    "code": "sku-not-orderable",
                    "detail": "85123X is not sold in this store.",
                    "instance": "/v1/carts/01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10/lines",
                    "errors": [
                        {
                            "pointer": "/lines/0/sku",
                            "code": "sku-not-orderable",
                            "message": "85123X is not sold in this store.",
                        }
                    ],
                    "request_id": "6f1c1f5e0b7d4a55",
                }
            ]
        },
    )

    type: str = Field(
        description="Stable URI of the kind of problem; ends in its code.",
        examples=["https://tandem.example/problems/sku-not-orderable"],
    )
    title: str = Field(description="The kind in a word or two.", examples=["Invalid"])
    status: int = Field(description="The HTTP status.", examples=[422])
    code: str = Field(description="Stable slug for programs.", examples=["sku-not-orderable"])
    detail: str = Field(
        description="What happened, for people.", examples=["85123X is not sold in this store."]
    )
    instance: str | None = Field(
        default=None, description="The path that was called.", examples=["/v1/carts"]
    )
    errors: list[FieldError] = Field(default_factory=list, description="The bad fields, if any.")
    request_id: str | None = Field(
        default=None, description="Quote it when asking for help.", examples=["6f1c1f5e0b7d4a55"]
    )


@cache
def slug(name: str) -> str:
    """`SkuNotOrderable` to `sku-not-orderable`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


class Problem(Exception):
    """A failure that the caller is told about.

    `field` is a JSON pointer for the one bad field; `errors` where there are several. `extra`
    goes into the answer beside the standard members (`current_version`, say).
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Problem"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        code: str | None = None,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or slug(type(self).__name__)
        self.errors: tuple[FieldError, ...] = tuple(errors)
        if field is not None:
            self.errors = (
                FieldError(pointer=field, code=self.code, message=detail),
                *self.errors,
            )
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def as_detail(
        self, *, instance: str | None = None, request_id: str | None = None
    ) -> ProblemDetail:
        """The wire form."""
        return ProblemDetail(
            type=f"https://tandem.example/problems/{self.code}",
            title=self.title,
            status=self.status,
            code=self.code,
            detail=self.detail,
            instance=instance,
            errors=list(self.errors),
            request_id=request_id,
            **self.extra,
        )


class BadRequest(Problem):
    """The request cannot be read at all."""

    status = 400
    title = "Bad request"


class Unauthenticated(Problem):
    """No token where one is needed, or one that does not hold."""

    status = 401
    title = "Unauthenticated"


class Forbidden(Problem):
    """Known, but not allowed."""

    status = 403
    title = "Forbidden"


class NotFound(Problem):
    """Not there, or not the caller's: the same answer for both."""

    status = 404
    title = "Not found"


class Conflict(Problem):
    """Right in itself, not in the present state."""

    status = 409
    title = "Conflict"


class Gone(Problem):
    """Was there, is no longer kept."""

    status = 410
    title = "Gone"


class PreconditionFailed(Problem):
    """Somebody else was faster."""

    status = 412
    title = "Precondition failed"


class TooLarge(Problem):
    """More than this door takes."""

    status = 413
    title = "Too large"


class UnsupportedMedia(Problem):
    """Another content type is needed."""

    status = 415
    title = "Unsupported media type"


class Invalid(Problem):
    """A field says something that cannot be."""

    status = 422
    title = "Invalid"


class TooMany(Problem):
    """The caller is too fast."""

    status = 429
    title = "Too many requests"


class Unavailable(Problem):
    """A neighbour or the database is away."""

    status = 503
    title = "Unavailable"


KINDS: tuple[type[Problem], ...] = (
    BadRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    Gone,
    PreconditionFailed,
    TooLarge,
    UnsupportedMedia,
    Invalid,
    TooMany,
    Unavailable,
)


def kind_of(status: int) -> type[Problem]:
    """The kind for an HTTP status; `Unavailable` for every 5xx, `Invalid` for other 4xx."""
    for kind in KINDS:
        if kind.status == status:
            return kind
    return Unavailable if status >= 500 else Invalid
