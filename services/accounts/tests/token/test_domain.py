"""Token requests as they come: what is taken, and what is refused with which words."""

import base64
from urllib.parse import quote_plus, urlencode

import pytest

from accounts.errors import (
    ClientNotAuthenticated,
    GrantTypeNotSupported,
    NotAToken,
    ScopeNotGranted,
    TokenRequestMalformed,
)
from accounts.token.domain import grant_scopes, read_request

SECRET = "s" * 43


def form(**fields: str) -> bytes:
    return urlencode({"grant_type": "client_credentials", **fields}).encode()


def basic(client_id: str, client_secret: str) -> str:
    raw = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
    return f"Basic {base64.b64encode(raw).decode()}"


def test_credentials_in_the_form_are_read():
    request = read_request(form(client_id="erp", client_secret=SECRET), None)
    assert (request.client_id, request.client_secret, request.scopes) == ("erp", SECRET, None)


def test_credentials_by_basic_are_read_and_decoded():
    request = read_request(form(), basic("erp +1", "se:cr%et+ä"))
    assert (request.client_id, request.client_secret) == ("erp +1", "se:cr%et+ä")


def test_the_name_of_the_scheme_has_no_case():
    assert read_request(form(), basic("erp", SECRET).replace("Basic", "bAsIc")).client_id == "erp"


def test_the_same_client_id_may_stand_in_the_form_too():
    assert read_request(form(client_id="erp"), basic("erp", SECRET)).client_id == "erp"


def test_unknown_and_empty_parameters_are_ignored():
    body = form(client_id="erp", client_secret=SECRET, resource="https://x.example", scope="")
    assert read_request(body, None).scopes is None


def test_the_secret_is_not_shown():
    assert SECRET not in repr(read_request(form(client_id="erp", client_secret=SECRET), None))


def test_scopes_are_read_as_a_set():
    body = form(client_id="erp", client_secret=SECRET, scope="b:write a:read b:write")
    assert read_request(body, None).scopes == frozenset({"a:read", "b:write"})


@pytest.mark.parametrize(
    ("body", "authorization", "refusal"),
    [
        (b"", None, TokenRequestMalformed),
        (b"grant_type=", None, TokenRequestMalformed),
        (b"\xff\xfe", None, TokenRequestMalformed),
        (b"grant_type=client_credentials&client_id=%ff", None, TokenRequestMalformed),
        (b"&".join(b"a=1" for _ in range(51)), None, TokenRequestMalformed),
        (b"grant_type=password", None, GrantTypeNotSupported),
        (b"grant_type=client_credentials&grant_type=x", None, TokenRequestMalformed),
        (form(client_id="a") + b"&client_id=b", basic("a", SECRET), TokenRequestMalformed),
        (form(scope="a") + b"&scope=", basic("a", SECRET), TokenRequestMalformed),
        (form(), None, ClientNotAuthenticated),
        (form(client_id="erp"), None, ClientNotAuthenticated),
        (form(client_secret=SECRET), None, ClientNotAuthenticated),
        (form(client_id="erp", client_secret="\0"), None, ClientNotAuthenticated),
        (form(), "Bearer abc", ClientNotAuthenticated),
        (form(), "Basic", ClientNotAuthenticated),
        (form(), "Basic ***", ClientNotAuthenticated),
        (form(), "Basic " + base64.b64encode(b"no colon").decode(), ClientNotAuthenticated),
        (form(), "Basic " + base64.b64encode(b"\xff:\xff").decode(), ClientNotAuthenticated),
        (form(), "Basic " + base64.b64encode(b"a:%ff").decode(), ClientNotAuthenticated),
        (form(client_id="erp", client_secret=SECRET), basic("erp", SECRET), TokenRequestMalformed),
        (form(client_id="other"), basic("erp", SECRET), TokenRequestMalformed),
        (form(scope="a  b"), basic("erp", SECRET), ScopeNotGranted),
        (form(scope=" "), basic("erp", SECRET), ScopeNotGranted),
        (form(scope='a"b'), basic("erp", SECRET), ScopeNotGranted),
        (form(scope="ä"), basic("erp", SECRET), ScopeNotGranted),
    ],
)
def test_what_is_no_token_request_is_refused(body, authorization, refusal):
    with pytest.raises(refusal):
        read_request(body, authorization)


def test_all_scopes_are_given_where_none_is_asked_for():
    assert grant_scopes(None, ["b", "a"]) == ["a", "b"]


def test_a_subset_of_scopes_can_be_asked_for():
    assert grant_scopes(frozenset({"b"}), ["a", "b"]) == ["b"]


def test_a_scope_not_held_refuses_all_and_is_named():
    with pytest.raises(ScopeNotGranted, match="scope c:write d:write"):
        grant_scopes(frozenset({"a", "d:write", "c:write"}), ["a", "b"])


def test_error_descriptions_hold_only_what_oauth_allows():
    refused = ScopeNotGranted(['x\\y"ä'])
    assert isinstance(refused, NotAToken)
    text = refused.extra["error_description"]
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in text)
