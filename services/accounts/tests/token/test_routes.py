"""`POST /v1/tokens` as clients meet it, and the tokens as other services take them."""

import asyncio
import base64
import json
import time
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy import update

from accounts.partner.tables import PartnerApplicationRow
from chassis.auth import ALGORITHMS, Signer, TokenExpired, TokenInvalid, load_key
from chassis.clock import Clock

GRANT = {"grant_type": "client_credentials"}


async def ask(app_client, auth=None, **form):
    return await app_client.post("/v1/tokens", data={**GRANT, **form}, auth=auth)


def claims_of(token):
    _, payload, _ = token.split(".")
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


async def test_a_standard_client_gets_a_token_by_basic(app_client, erp):
    answer = await ask(app_client, auth=httpx.BasicAuth(*erp))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["scope"] == "catalog:read catalog:write"


async def test_a_client_may_post_its_credentials(app_client, erp):
    client_id, client_secret = erp
    answer = await ask(app_client, client_id=client_id, client_secret=client_secret)
    assert answer.status_code == 200


async def test_the_token_is_as_rfc_9068_says(app_client, erp):
    token = (await ask(app_client, auth=erp, scope="catalog:read")).json()["access_token"]
    keys = (await app_client.get("/.well-known/jwks.json")).json()["keys"]
    decoded = jwt.decode(token, OKPKey.import_key(keys[0]), list(ALGORITHMS))
    assert decoded.header == {"typ": "at+jwt", "alg": ALGORITHMS[0], "kid": keys[0]["kid"]}
    claims = decoded.claims
    assert claims["iss"] == "tandem:accounts"
    assert claims["aud"] == "tandem"
    assert claims["sub"] == claims["client_id"] == "erp"
    assert claims["scope"] == "catalog:read"
    assert 599 < claims["exp"] - claims["iat"] <= 600  # iat is to the millisecond
    assert abs(claims["iat"] - time.time()) < 10
    assert claims["jti"]


async def test_no_two_tokens_have_one_id(app_client, erp):
    tokens = [(await ask(app_client, auth=erp)).json()["access_token"] for _ in range(2)]
    assert len({claims_of(token)["jti"] for token in tokens}) == 2


async def test_the_token_is_taken_for_what_it_says(app_client, runtime, erp):
    token = (await ask(app_client, auth=erp, scope="catalog:read")).json()["access_token"]
    actor = await runtime.verifier.verify(token)
    assert (actor.kind, actor.subject, actor.scopes) == ("partner", "erp", {"catalog:read"})


@pytest.mark.parametrize("scope", ["catalog:read orders:read", "nothing", " ", "a  b", "ä"])
async def test_a_scope_not_given_is_invalid(app_client, erp, scope):
    answer = await ask(app_client, auth=erp, scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("client_id", "client_secret"),
    [
        ("erp", "wrong"),
        ("erp", "x" * 5000),
        ("nobody", "correct-horse-battery-staple-2010-12-01"),
        ("ERP", "correct-horse-battery-staple-2010-12-01"),
        ("erp\0", "x"),
        ("é" * 500, "x"),
    ],
)
@pytest.mark.usefixtures("erp")
async def test_a_wrong_client_is_told_nothing_but_how_to_authenticate(
    app_client, client_id, client_secret
):
    answer = await ask(app_client, client_id=client_id, client_secret=client_secret)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Basic realm="tandem", charset="UTF-8"'
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["error"], body["code"]) == ("invalid_client", "client-not-authenticated")
    assert body["error_description"] == "The client is not known, or its secret is another."


async def test_an_application_that_was_switched_off_gets_the_same_answer(app_client, session, erp):
    await session.execute(update(PartnerApplicationRow).values(is_active=False))
    await session.commit()
    answer = await ask(app_client, auth=erp)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_both_ways_to_authenticate_at_once_are_refused(app_client, erp):
    answer = await ask(app_client, auth=erp, client_id=erp[0], client_secret=erp[1])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
    ],
)
async def test_another_grant_is_refused(app_client, erp, form, error):
    answer = await app_client.post("/v1/tokens", data=form, auth=erp)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        (None, 415),
        ("APPLICATION/x-www-form-urlencoded; charset=UTF-8", 200),
    ],
)
async def test_only_a_form_is_read(app_client, erp, content_type, status):
    answer = await app_client.post(
        "/v1/tokens",
        content=b'{"grant_type": "x"}' if content_type == "application/json" else GRANT_FORM,
        headers={"Content-Type": content_type} if content_type else {},
        auth=erp,
    )
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["error"] == "invalid_request"


GRANT_FORM = b"grant_type=client_credentials"


async def test_a_body_of_ten_megabytes_is_too_large(app_client, erp):
    answer = await ask(app_client, auth=erp, more="x" * 10_000_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("content", [b"\xff\xfe", b"grant_type=%ff", b"=&=&=", b"&" * 1000])
async def test_what_is_no_form_is_refused(app_client, erp, content):
    answer = await app_client.post(
        "/v1/tokens",
        content=content,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=erp,
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_an_idempotency_key_gives_no_stored_token(app_client, erp):
    headers = {"Idempotency-Key": "same"}
    tokens = {
        (await app_client.post("/v1/tokens", data=GRANT, auth=erp, headers=headers)).json()[
            "access_token"
        ]
        for _ in range(2)
    }
    assert len(tokens) == 2


async def test_a_flood_of_guesses_is_turned_away_and_a_good_client_served(app_client, runtime, erp):
    runtime.settings.hashing_queue = 8
    guesses = [
        asyncio.create_task(ask(app_client, client_id=f"guess-{number}", client_secret="x"))
        for number in range(100)
    ]
    await asyncio.sleep(0.01)
    assert (await ask(app_client, auth=erp)).status_code == 200
    answers = await asyncio.gather(*guesses)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) > 50
    assert {answer.status_code for answer in answers} == {401, 429}
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].json()["error"] == "temporarily_unavailable"


def at_jwt(key, header, claims, algorithms=ALGORITHMS):
    now = int(time.time())
    base = {
        "iss": "tandem:accounts",
        "sub": "erp",
        "aud": "tandem",
        "kind": "partner",
        "scope": "catalog:write",
        "iat": now,
        "exp": now + 600,
        "jti": "1",
    }
    whole = {"alg": ALGORITHMS[0], "typ": "at+jwt", **header}
    whole = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(whole, base | claims, key, list(algorithms), default_type=None)


@pytest.fixture
def key(settings):
    return load_key(settings.key_file)


@pytest.fixture
def kid(key):
    return key.thumbprint()


async def test_a_token_made_as_accounts_makes_it_holds(runtime, key, kid):
    assert (await runtime.verifier.verify(at_jwt(key, {"kid": kid}, {}))).subject == "erp"


@pytest.mark.parametrize(
    ("header", "claims", "refusal"),
    [
        ({}, {"exp": int(time.time()) - 60}, TokenExpired),
        ({}, {"exp": None}, TokenInvalid),
        ({}, {"nbf": int(time.time()) + 3600}, TokenInvalid),
        ({}, {"iss": "tandem:strangers"}, TokenInvalid),
        ({}, {"iss": "https://evil.example"}, TokenInvalid),
        ({}, {"aud": "elsewhere"}, TokenInvalid),
        ({}, {"aud": None}, TokenInvalid),
        ({"typ": None}, {}, TokenInvalid),
        ({"typ": "JWT"}, {}, TokenInvalid),
        ({"kid": "unknown"}, {}, TokenInvalid),
        ({"kid": None}, {}, TokenInvalid),
    ],
)
async def test_a_token_with_one_thing_wrong_is_refused(runtime, key, kid, header, claims, refusal):
    with pytest.raises(refusal):
        await runtime.verifier.verify(at_jwt(key, {"kid": kid, **header}, claims))


async def test_a_forged_signature_is_refused(runtime, kid):
    stranger = OKPKey.generate_key("Ed25519")
    with pytest.raises(TokenInvalid):
        await runtime.verifier.verify(at_jwt(stranger, {"kid": kid}, {}))


async def test_a_changed_claim_is_refused(app_client, runtime, erp):
    token = (await ask(app_client, auth=erp)).json()["access_token"]
    header, _, signature = token.split(".")
    claims = {**claims_of(token), "scope": "orders:read"}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        await runtime.verifier.verify(f"{header}.{payload}.{signature}")


async def test_alg_none_is_refused(runtime, kid):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"iss": "tandem:accounts", "sub": "erp", "aud": "tandem", "exp": time.time() + 60}
    for name in ("none", "None", "NONE", ""):
        header = part({"alg": name, "typ": "at+jwt", "kid": kid})
        with pytest.raises(TokenInvalid):
            await runtime.verifier.verify(f"{header}.{part({**claims, 'kind': 'partner'})}.")


@pytest.mark.parametrize("encoding", ["raw", "pem", "x"])
async def test_hs256_with_the_public_key_is_refused(runtime, key, kid, encoding):
    public = key.public_key
    secret = {
        "raw": public.public_bytes_raw(),
        "pem": public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "x": key.as_dict(private=False)["x"].encode(),
    }[encoding]
    oct_key = OctKey.import_key(base64.b64encode(secret) if encoding == "pem" else secret)
    token = at_jwt(oct_key, {"alg": "HS256", "kid": kid}, {}, ["HS256"])
    with pytest.raises(TokenInvalid):
        await runtime.verifier.verify(token)


async def test_another_service_cannot_speak_for_a_partner(runtime, key):
    signer = Signer(issuer="tandem:catalog", key=key, clock=Clock(), own_scopes=())
    token = signer.sign(
        subject="erp",
        audience="tandem:accounts",
        kind="partner",
        scopes=["catalog:write"],
        lifetime=timedelta(minutes=1),
    )
    with pytest.raises(TokenInvalid):
        await runtime.verifier.verify(token)


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "." * 5, "ä.b.c", "x" * 10_000])
async def test_junk_is_refused(runtime, junk):
    with pytest.raises(TokenInvalid):
        await runtime.verifier.verify(junk)
