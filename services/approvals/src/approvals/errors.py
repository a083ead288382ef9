"""Every business failure of approvals.

```
Problem
├── Forbidden
│   ├── OwnRequest           nobody approves their own request
│   └── NotApprover          a member who sees the request, but may not decide on it
├── NotFound
│   ├── RequestUnknown       no request of that id, or none that the caller may see
│   └── RequesterUnknown     there is no such member, or access was taken from them
└── Conflict
    ├── RequestDiffers       the id was used for another request
    ├── AlreadyDecided       the request has ended
    └── RequestTimedOut      nobody decided in time
```
"""

from contracts.approvals import ApprovalStatus
from contracts.problems import Conflict, Forbidden, NotFound


class OwnRequest(Forbidden):
    """Nobody approves their own request."""

    def __init__(self) -> None:
        super().__init__("Nobody decides on their own request; somebody else must.")


class NotApprover(Forbidden):
    """A member who sees the request, but may not decide on it."""

    def __init__(self) -> None:
        super().__init__(
            "An approver of the unit or of one above it, or an admin, decides on this."
        )


class RequestUnknown(NotFound):
    """No request of that id, or none that the caller may see: the same answer for both."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"There is no approval request {request_id!r}.")


class RequesterUnknown(NotFound):
    """There is no such member, or access was taken from them."""

    def __init__(self) -> None:
        super().__init__("There is no such member, or access was taken from them.")


class RequestDiffers(Conflict):
    """The id was used for another request: same id, other body."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"{request_id!r} was asked with another content.")


class AlreadyDecided(Conflict):
    """The request has ended; how, `outcome` says."""

    def __init__(self, status: ApprovalStatus) -> None:
        super().__init__(
            f"This was decided already: it is {status.replace('_', ' ')}.",
            extra={"outcome": status.value},
        )


class RequestTimedOut(Conflict):
    """Nobody decided in time."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody decided in time; it has to be asked again.",
            extra={"outcome": ApprovalStatus.TIMED_OUT.value},
        )
