"""Who asks: every role that there is, each with a real token.

Guests have none, members and the merchant's staff sign in, partners are given one. Nobody gives
out tokens of consumers, or of a partner without a scope, so those are signed with accounts' key,
and those of services with their own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from chassis.auth import LIFETIME, PEOPLE_AUDIENCE, PEOPLE_ISSUER, ActorKind, Signer, load_key
from chassis.clock import Clock
from tests.security.shop import Shop

ROLES = (
    "guest",
    "secret",
    "consumer",
    "buyer",
    "approver",
    "admin",
    "their buyer",
    "their approver",
    "their admin",
    "partner",
    "bare",
    "staff",
    "right",
    "wrong",
)
"""In the order of the table's columns.

`secret` is a guest who shows the secret of a cart, `bare` a partner without any scope, `right` the
service that something is meant for and `wrong` another; `their` is of another company.
"""
MEMBERS = ("buyer", "approver", "admin")
OURS, THEIRS = "aurora", "borealis"
PASSWORD = "a-password-for-tests-only"


@dataclass
class Side:
    """A company: its members' ids and tokens, and every word that is nobody else's business."""

    company: str
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    def headers(self, role: str) -> dict[str, str]:
        """What a member of it sends."""
        return bearer(self.tokens[role])

    def name(self, what: str) -> str:
        """A key that begins with the company's."""
        return f"{self.company}-{what}"


@dataclass
class People:
    """All tokens, by role."""

    shop: Shop
    ours: Side = field(default_factory=lambda: Side(OURS))
    theirs: Side = field(default_factory=lambda: Side(THEIRS))
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.ours, self.theirs

    @property
    def partner(self) -> dict[str, str]:
        """What the partner with all scopes sends."""
        return bearer(self.tokens["partner"])

    def token(
        self, role: str, *, service: str, right: str, wrong: str, behalf: str | None
    ) -> str | None:
        """The token of a role as it asks that service; None for a guest.

        `right` and `wrong` are services; the right one may ask for a member.
        """
        if role in ("guest", "secret"):
            return None
        if role in ("right", "wrong"):
            name = right if role == "right" else wrong
            return self.service_token(name, service, behalf if role == "right" else None)
        if role in MEMBERS:
            return self.ours.tokens[role]
        if role.startswith("their "):
            return self.theirs.tokens[role.removeprefix("their ")]
        return self.tokens[role]

    def signer(self, name: str, *, issuer: str | None = None) -> Signer:
        """What a service signs with."""
        key = load_key(self.shop.settings.data / "secrets" / f"{name}.pem")
        return Signer(issuer=issuer or f"tandem:{name}", key=key, clock=Clock(), own_scopes=())

    def service_token(
        self,
        name: str,
        audience: str,
        behalf: str | None = None,
        *,
        subject: str | None = None,
        scopes: tuple[str, ...] = ("changes:read",),
    ) -> str:
        """As a service signs it for a neighbour."""
        return self.signer(name).sign(
            subject=subject or name,
            audience=f"tandem:{audience}",
            kind="service",
            scopes=scopes,
            on_behalf_of=behalf,
        )

    def sign(
        self,
        kind: ActorKind,
        subject: str,
        *,
        scopes: tuple[str, ...] = (),
        lifetime: timedelta = LIFETIME,
        audience: str = PEOPLE_AUDIENCE,
        **claims: Any,
    ) -> str:
        """As accounts signs it."""
        return self.signer("accounts", issuer=PEOPLE_ISSUER).sign(
            subject=subject,
            audience=audience,
            kind=kind,
            scopes=scopes,
            lifetime=lifetime,
            claims=claims,
        )

    async def open(self) -> None:
        """Give a token to everybody who is no member."""
        credentials = self.shop.credentials()
        told = await self.shop.call(
            "accounts",
            "POST",
            "/v1/tokens",
            {
                "grant_type": "client_credentials",
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
            },
            is_form=True,
        )
        self.tokens["partner"] = told["access_token"]
        self.tokens["consumer"] = self.sign("customer", str(uuid4()))
        self.tokens["bare"] = self.sign("partner", "bare")
        self.tokens["staff"] = await self.sign_in(**self.staff())

    def staff(self) -> dict[str, str]:
        """How the merchant's person signs in."""
        told: Mapping[str, Any] = json.loads(self.shop.settings.staff_file.read_text())
        return {"email": told["email"], "password": told["password"]}

    async def sign_in(self, email: str, password: str = PASSWORD) -> str:
        """A session's token."""
        body = {"email": email, "password": password}
        told = await self.shop.call("accounts", "POST", "/v1/sessions", body)
        return str(told["access_token"])


def bearer(token: str | None) -> dict[str, str]:
    """The header; none for a guest."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}
