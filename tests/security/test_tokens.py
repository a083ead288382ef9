"""Tokens that are not what they say, at every door."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from chassis.auth import PEOPLE_ISSUER, Signer
from chassis.clock import Clock
from tests.security.doors import DOORS, FEEDS, knock, listening
from tests.security.shop import Ask
from tests.security.world import World


class Later(Clock):
    """A clock that is ahead or behind."""

    def __init__(self, **time: float) -> None:
        self.by = timedelta(**time)

    def now(self) -> Any:
        return super().now() + self.by


def encode(value: Any) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def part_of(token: str, place: int) -> dict[str, Any]:
    """Its header (0) or claims (1)."""
    packed = token.split(".")[place]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return told


def signed(claims: dict[str, Any], key: OKPKey, **header: Any) -> str:
    """A token with these claims, as its signer wishes."""
    named = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.thumbprint()} | header
    return jws.serialize_compact(named, json.dumps(claims).encode(), key, algorithms=["Ed25519"])


def forgeries(world: World, token: str) -> dict[str, str]:
    """What somebody could make of a token without accounts' key, and what accounts never signs."""
    people = world.people
    header, claims = part_of(token, 0), part_of(token, 1)
    own, stranger = people.signer("accounts")._key, OKPKey.generate_key("Ed25519")
    catalog = people.signer("catalog")._key
    _, body, signature = token.split(".")
    public = OctKey.import_key(json.dumps(own.as_dict(private=False)).encode())
    hashed = {"alg": "HS256", "typ": "at+jwt", "kid": header["kid"]}
    richer = claims | {"scope": "orders:read companies:write"}
    as_catalog = claims | {"iss": "tandem:catalog"}
    return {
        "a stranger's key": signed(claims, stranger),
        "a stranger's key under accounts' id": signed(claims, stranger, kid=header["kid"]),
        "a stranger's key in the header": signed(claims, stranger, jwk=stranger.as_dict()),
        "a neighbour's key": signed(claims, catalog),
        "a neighbour as issuer": signed(as_catalog, catalog),
        "another issuer": signed(claims | {"iss": "https://elsewhere.example"}, own),
        "another audience": signed(claims | {"aud": "tandem:elsewhere"}, own),
        "no audience": signed({**claims, "aud": None}, own),
        "alg none": f"{encode(header | {'alg': 'none'})}.{body}.",
        "the public key as a secret": jws.serialize_compact(
            hashed, json.dumps(claims).encode(), public, algorithms=["HS256"]
        ),
        "no signature": f"{encode(header)}.{body}.",
        "an ID token": signed(claims, own, typ="JWT"),
        "no type": signed(claims, own, typ=""),
        "not valid yet": signed(claims | {"nbf": claims["nbf"] + 3600}, own),
        "no end": signed({**claims, "exp": None}, own),
        "a service's kind": signed(claims | {"kind": "service"}, own),
        "an unknown kind": signed(claims | {"kind": "root"}, own),
        "changed claims": f"{encode(header)}.{encode(richer)}.{signature}",
    }


def forged_members(world: World, token: str) -> dict[str, str]:
    """Tokens of a member of ours who would be one of the others."""
    claims, own = part_of(token, 1), world.people.signer("accounts")._key
    theirs = part_of(world.people.theirs.tokens["admin"], 1)
    stranger = OKPKey.generate_key("Ed25519")
    header = encode(part_of(token, 0))
    other = claims | {"buyer": theirs["buyer"]}
    return {
        "another company by a stranger's key": signed(other, stranger),
        "another company under our signature": f"{header}.{encode(other)}.{token.split('.')[2]}",
        "another's buyer": signed(other, own),
        "no buyer": signed({**claims, "buyer": None}, own),
        "half a buyer": signed(claims | {"buyer": {"company": "borealis"}}, own),
    }


@pytest.mark.parametrize("door", DOORS)
def test_a_forged_token_of_a_member_opens_no_door(world: World, door: str):
    token = world.people.ours.tokens["buyer"]
    assert world.shop.do(knock(world, DOORS[door], token)) == "ok"
    forged = forgeries(world, token) | forged_members(world, token)
    told = {why: world.shop.do(knock(world, DOORS[door], one)) for why, one in forged.items()}
    assert told == dict.fromkeys(forged, "token-invalid")


@pytest.mark.parametrize("service", FEEDS)
def test_a_forged_token_of_a_partner_opens_no_door(world: World, service: str):
    token = world.people.tokens["partner"]
    assert world.shop.do(knock(world, FEEDS[service], token)) == "ok"
    forged = forgeries(world, token)
    told = {why: world.shop.do(knock(world, FEEDS[service], one)) for why, one in forged.items()}
    assert told == dict.fromkeys(forged, "token-invalid")


@pytest.mark.parametrize("door", DOORS)
def test_a_token_that_has_expired_opens_no_door(world: World, door: str):
    claims = part_of(world.people.ours.tokens["buyer"], 1)
    key = world.people.signer("accounts")._key
    old = Signer(issuer=PEOPLE_ISSUER, key=key, clock=Later(minutes=-11), own_scopes=())
    token = old.sign(
        subject=claims["sub"],
        audience=claims["aud"],
        kind="member",
        scopes=(),
        claims={"buyer": claims["buyer"]},
    )
    assert world.shop.do(knock(world, DOORS[door], token)) == "token-expired"


def test_a_forged_token_subscribes_to_nothing(world: World):
    token = world.people.ours.tokens["buyer"]
    forged = forgeries(world, token) | forged_members(world, token)

    async def hear(one: str) -> set[str]:
        async with listening(world, one) as told:
            return {await told.get(), await told.get()}

    for why, one in forged.items():
        assert world.shop.do(hear(one)) == {"closed 4403", "ended"}, why


def test_roles_that_only_the_token_names_give_no_right(world: World):
    """The profile decides; a token says which one."""
    ours = world.people.ours
    claims = part_of(ours.tokens["buyer"], 1)
    claims["buyer"] = claims["buyer"] | {"roles": ["admin", "approver"], "unit": "aurora-head"}
    token = signed(claims, world.people.signer("accounts")._key)
    path = f"/v1/companies/aurora/members/{ours.name('spare')}"
    body = {"email": "spare@aurora.example", "name": "S", "unit": "aurora-shop", "roles": ["buyer"]}
    assert world.shop.do(knock(world, Ask("accounts", "PUT", path, body), token)) == "not-admin"
    others = Ask("orders", "GET", "/v1/orders", query={"limit": "200"})
    answer = world.shop.do(world.shop.ask(others, {"Authorization": f"Bearer {token}"}))
    members = {order["buyer"]["member_id"] for order in answer.body["items"]}
    assert members == {ours.ids["buyer"]}


def test_a_service_speaks_for_itself_at_who_is_meant(world: World):
    people = world.people
    hold = Ask("accounts", "GET", "/v1/holds/none")
    right = people.service_token("orders", "accounts")
    assert world.shop.do(knock(world, hold, right)) == "hold-unknown"
    told = {
        "another's name": people.service_token("catalog", "accounts", subject="orders"),
        "for another": people.service_token("orders", "approvals"),
        "of the test provider": people.service_token("testpay", "accounts", subject="orders"),
        "as a partner": people.signer("orders").sign(
            subject="erp", audience="tandem", kind="partner", scopes=("companies:write",)
        ),
        "as a member": people.signer("orders").sign(
            subject=people.ours.ids["admin"], audience="tandem", kind="member", scopes=()
        ),
        "in accounts' name": people.signer("orders", issuer=PEOPLE_ISSUER).sign(
            subject="orders", audience="tandem:accounts", kind="service", scopes=()
        ),
    }
    for why, token in told.items():
        assert world.shop.do(knock(world, hold, token)) == "token-invalid", why


def test_a_service_asks_for_nobody_who_is_no_member(world: World):
    goods = DOORS["catalog"]
    told = {}
    for behalf in (str(uuid4()), "nobody", "", "' OR 1=1"):
        token = world.people.service_token("orders", "catalog", behalf)
        told[behalf] = world.shop.do(knock(world, goods, token))
    assert set(told.values()) <= {"token-invalid", "access-revoked"}, told
