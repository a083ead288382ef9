"""Tokens that hold, and every way in which one does not."""

import base64
import json
import os
import stat
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from chassis.auth import AccessRevoked, Signer, TokenInvalid, load_key
from chassis.clock import Clock
from chassis.service import create_app
from contracts.ids import new_id


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def forge(key_file):
    """Makes tokens with anything wrong about them; signed by the real key unless told."""
    key = load_key(key_file)

    def make(*, header=None, key=key, drop=(), **claims):
        now = int(datetime.now(UTC).timestamp())
        content = {
            "iss": "tandem:accounts",
            "sub": "p1",
            "aud": "tandem",
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "kind": "partner",
            "scope": "shelf:secret",
            **claims,
        }
        head = {"alg": "Ed25519", "kid": load_key(key_file).thumbprint(), "typ": "at+jwt"}
        head |= header or {}
        for name in drop:
            content.pop(name, None)
            head.pop(name, None)
        return jwt.encode(head, content, key, [head["alg"]], default_type=None)

    return make


async def test_no_token_is_a_guest(app_client):
    assert (await app_client.get("/v1/me")).json()["kind"] == "guest"


async def test_a_token_names_the_actor(app_client, make_token):
    token = make_token(scopes=("b", "a"), subject="erp")
    answer = await app_client.get("/v1/me", headers=bearer(token))
    assert answer.json() == {
        "kind": "partner",
        "subject": "erp",
        "scopes": ["a", "b"],
        "on_behalf_of": None,
    }
    service = make_token(kind="service", subject="orders", on_behalf_of="customer:7")
    answer = await app_client.get("/v1/me", headers={"authorization": f"bearer  {service}"})
    assert answer.json()["kind"] == "service"
    assert answer.json()["on_behalf_of"] == "customer:7"


async def test_scopes(app_client, make_token):
    missing = await app_client.get("/v1/secret")
    assert missing.status_code == 401
    assert missing.json()["code"] == "token-missing"
    assert missing.headers["www-authenticate"].startswith("Bearer")
    other = await app_client.get("/v1/secret", headers=bearer(make_token(scopes=("shelf:secre",))))
    assert other.status_code == 403
    assert other.json()["code"] == "missing-scope"
    assert other.json()["scope"] == "shelf:secret"
    allowed = await app_client.get(
        "/v1/secret", headers=bearer(make_token(scopes=("shelf:secret",)))
    )
    assert allowed.status_code == 200


async def test_forged_tokens_are_refused(app_client, forge):
    assert (await app_client.get("/v1/me", headers=bearer(forge()))).status_code == 200
    stranger = OKPKey.generate_key("Ed25519")
    secret = OctKey.import_key(json.dumps(load_key_public(forge)).encode())
    good = forge()
    head, body, signature = good.split(".")
    unsigned = encode({"alg": "none", "typ": "at+jwt", "kid": "x"}) + "." + body + "."
    bad = {
        "another key": forge(key=stranger),
        "another key, own kid": forge(key=stranger, header={"kid": stranger.thumbprint()}),
        "hmac with the public key": forge(key=secret, header={"alg": "HS256"}),
        "no signature": unsigned,
        "cut signature": f"{head}.{body}.",
        "changed body": f"{head}.{encode({'iss': 'tandem:accounts', 'sub': 'admin'})}.{signature}",
        "ID token": forge(header={"typ": "JWT"}),
        "no type": forge(drop=("typ",)),
        "no kid": forge(drop=("kid",)),
        "unknown kid": forge(header={"kid": "unknown"}),
        "path as kid": forge(header={"kid": "../../etc/passwd"}),
        "unknown issuer": forge(iss="https://evil.example"),
        "no issuer": forge(drop=("iss",)),
        "issuer no string": forge(iss=7),
        "another audience": forge(aud="tandem:orders"),
        "no audience": forge(drop=("aud",)),
        "audience no string": forge(aud={"tandem": 1}),
        "no expiry": forge(drop=("exp",)),
        "expiry no number": forge(exp="tomorrow"),
        "expiry true": forge(exp=True),
        "expiry infinite": forge(exp=None),
        "not yet": forge(nbf=int(datetime.now(UTC).timestamp()) + 3600),
        "guest": forge(kind="guest"),
        "unknown kind": forge(kind="root"),
        "no kind": forge(drop=("kind",)),
        "kind no string": forge(kind=["partner"]),
        "no subject": forge(drop=("sub",)),
        "empty subject": forge(sub=""),
        "subject no string": forge(sub=7),
        "scope no string": forge(scope=["shelf:secret"]),
        "a service speaks for people": forge(iss="tandem:orders"),
        "a service's token for all": forge(iss="tandem:orders", kind="service"),
        "a service in another's name": forge(
            iss="tandem:orders", kind="service", sub="pricing", aud="tandem:shelf"
        ),
        "accounts' service token for all": forge(kind="service"),
        "rubbish": "rubbish",
        "dots": "...",
        "two dots": "a.b.c",
        "five parts": "a.b.c.d.e",
        "long": "a" * 9000,
    }
    for why, token in bad.items():
        answer = await app_client.get("/v1/me", headers=bearer(token))
        assert answer.status_code == 401, why
        assert answer.json()["code"] == "token-invalid", why


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def load_key_public(forge):
    return {"kty": "oct", "k": encode({"public": "key"})}


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "", "Bearer é", "token"])
async def test_other_authorization_headers_are_refused(app_client, header):
    answer = await app_client.get("/v1/me", headers=[(b"authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.json()["code"] == "token-invalid"


async def test_an_expired_token_says_so(app_client, make_token):
    answer = await app_client.get(
        "/v1/me", headers=bearer(make_token(lifetime=timedelta(seconds=-10)))
    )
    assert answer.status_code == 401
    assert answer.json()["code"] == "token-expired"


async def test_a_remembered_token_still_expires(service, settings, make_token):
    class Moving(Clock):
        ahead = timedelta()

        def now(self):
            return super().now() + self.ahead

    clock = Moving()
    app = create_app(service, settings, clock=clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shelf") as client,
    ):
        headers = bearer(make_token(lifetime=timedelta(seconds=20)))
        assert (await client.get("/v1/me", headers=headers)).status_code == 200
        assert (await client.get("/v1/me", headers=headers)).status_code == 200
        clock.ahead = timedelta(seconds=26)
        assert (await client.get("/v1/me", headers=headers)).json()["code"] == "token-expired"


async def test_while_keys_cannot_be_fetched_nobody_is_called_a_forger(
    service, settings, make_token
):
    away = dict.fromkeys(settings.trusted_issuers, "http://127.0.0.1:1/jwks.json")
    app = create_app(service, settings.model_copy(update={"trusted_issuers": away}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shelf") as client,
    ):
        answer = await client.get("/v1/me", headers=bearer(make_token()))
        assert answer.status_code == 503
        assert answer.json()["code"] == "token-keys-unavailable"
        assert (await client.get("/v1/me")).status_code == 200


async def test_a_new_key_is_found_at_its_first_token(app_client, neighbour_fake, forge, eventually):
    """The issuer changed its key after we fetched: an unknown id makes us look, but not always."""
    assert (await app_client.get("/v1/me", headers=bearer(forge()))).status_code == 200
    fresh = OKPKey.generate_key("Ed25519")
    signer = Signer(issuer="tandem:accounts", key=fresh, clock=Clock(), own_scopes=())
    neighbour_fake.jwks["accounts"] = signer.jwks()
    token = signer.sign(subject="p", audience="tandem", kind="partner", scopes=())
    answers = [await app_client.get("/v1/me", headers=bearer(token)) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {401}, "looked a moment ago"
    keys = app_client._transport.app.state.edge.verifier._issuers["tandem:accounts"]
    keys._fetched_at -= 10
    assert (await app_client.get("/v1/me", headers=bearer(token))).status_code == 200


async def test_own_tokens_are_kept_until_shortly_before_their_end(runtime):
    token = runtime.signer.own_token("tandem:catalog")
    assert runtime.signer.own_token("tandem:catalog") == token
    assert runtime.signer.own_token("tandem:pricing") != token
    assert runtime.signer.own_token("tandem:catalog", on_behalf_of="x") != token


async def test_the_public_keys_are_published(app_client):
    document = (await app_client.get("/.well-known/jwks.json")).json()
    (key,) = document["keys"]
    assert key["crv"] == "Ed25519"
    assert "d" not in key


def test_a_missing_key_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "keys" / "shelf.pem"
    first = load_key(path)
    assert load_key(path).thumbprint() == first.thumbprint()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    path.write_bytes(first.as_pem(private=False))
    with pytest.raises(ValueError, match="no private"):
        load_key(path)


def buyer_of(member_id, **other):
    return {
        "member_id": str(member_id),
        "company": "acme",
        "unit": "head-office",
        "roles": ["buyer"],
        "version": 3,
        **other,
    }


async def test_a_members_token_says_whom_they_act_for(runtime, make_token):
    member_id = new_id()
    token = make_token(kind="member", subject=str(member_id), buyer=buyer_of(member_id))
    actor = await runtime.verifier.verify(token)
    assert actor.member_id == member_id
    assert (actor.buyer.company, actor.buyer.version) == ("acme", 3)


@pytest.mark.parametrize(
    "buyer",
    [
        None,
        "acme",
        {},
        buyer_of("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"),
        {**buyer_of("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e99"), "roles": ["owner"]},
        {**buyer_of("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e99"), "version": "new"},
    ],
    ids=["none", "text", "empty", "of another", "unknown role", "no version"],
)
async def test_a_members_token_without_its_buyer_does_not_hold(app_client, make_token, buyer):
    token = make_token(kind="member", subject="01932c07-2a3c-7d5e-8f00-3b6a4f1d2e99", buyer=buyer)
    answer = await app_client.get("/v1/me", headers=bearer(token))
    assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")


async def test_only_a_member_has_a_buyer(runtime, make_token):
    member_id = new_id()
    token = make_token(kind="partner", subject=str(member_id), buyer=buyer_of(member_id))
    assert (await runtime.verifier.verify(token)).member_id is None


async def test_a_service_acts_for_a_member(runtime, make_token):
    member_id = new_id()
    token = make_token(kind="service", subject="orders", on_behalf_of=str(member_id))
    assert (await runtime.verifier.verify(token)).member_id == member_id
    stray = await runtime.verifier.verify(
        make_token(kind="service", subject="orders", on_behalf_of="somebody")
    )
    with pytest.raises(TokenInvalid):
        _ = stray.member_id


async def test_access_that_was_taken_away_ends_older_tokens_only(runtime, make_token):
    old = make_token(subject="orders")
    other = make_token(subject="pim")
    service = make_token(kind="service", subject="orders")
    for token in (old, other, service):
        await runtime.verifier.verify(token)  # so that all of them are remembered
    moment = datetime.now(UTC)
    runtime.verifier.revoke("orders", moment)
    runtime.verifier.revoke("orders", moment - timedelta(minutes=1))  # late news take nothing back
    with pytest.raises(AccessRevoked):
        await runtime.verifier.verify(old)
    await runtime.verifier.verify(other)
    await runtime.verifier.verify(service)
    runtime.verifier.revoke("later", moment + timedelta(seconds=5))
    with pytest.raises(AccessRevoked):
        await runtime.verifier.verify(make_token(subject="later"))


async def test_a_new_token_after_a_revocation_holds(runtime, make_token):
    runtime.verifier.revoke("erp", datetime.now(UTC) - timedelta(milliseconds=2))
    await runtime.verifier.verify(make_token(subject="erp"))


async def test_a_revocation_is_forgotten_when_its_tokens_have_expired(runtime):
    runtime.verifier.revoke("long-ago", datetime.now(UTC) - timedelta(minutes=11))
    assert runtime.verifier._valid_after == {}


async def test_some_routes_are_for_services_only(app_client, make_token):
    async def ask(**who):
        headers = bearer(make_token(**who)) if who else {}
        answer = await app_client.get("/v1/for-orders", headers=headers)
        return answer.status_code, answer.json() and answer.json().get("code")

    assert await ask() == (401, "token-missing")
    assert await ask(kind="partner", subject="orders") == (403, "service-only")
    assert await ask(kind="service", subject="pricing") == (403, "service-only")
    assert (await ask(kind="service", subject="orders"))[0] == 200


def test_a_route_for_services_tells_so_in_openapi(app):
    operation = app.openapi()["paths"]["/v1/for-orders"]["get"]
    assert operation["security"] == [{"token": []}]
    assert {"401", "403"} <= operation["responses"].keys()
