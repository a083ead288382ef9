"""Rules of members: what addresses are alike, and what an admin may not do to themselves."""

from accounts.errors import OwnAccess
from contracts.buyers import Role
from contracts.companies import PutMember


def fold_email(email: str) -> str:
    """The address as it is compared: case does not count, white space around it neither."""
    return email.strip().casefold()


def check_own_change(body: PutMember) -> None:
    """An admin who changes themselves stays an admin with access. Raises OwnAccess."""
    if not body.is_active:
        raise OwnAccess("/is_active")
    if Role.ADMIN not in body.roles:
        raise OwnAccess("/roles")
