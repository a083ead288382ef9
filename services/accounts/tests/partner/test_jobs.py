"""The first partner application comes from a file, at every start."""

import json

import pytest

from accounts.errors import BootstrapPartnerUnreadable
from accounts.partner import queries
from accounts.partner.jobs import bootstrap_partner, read_application

SECRET = "secret-made-at-the-first-start-0123456789"
GOOD = {"client_id": "demo", "client_secret": SECRET, "scopes": ["catalog:write"]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "partner.json"
    path.write_text(json.dumps(GOOD))
    return path


async def test_the_file_makes_the_application_once(runtime, file, session):
    runtime.settings.bootstrap_partner_file = file
    await bootstrap_partner(runtime)
    first = await queries.find_application(session, "demo")
    assert first is not None
    seen = first.updated_at
    await bootstrap_partner(runtime)
    await session.refresh(first)
    assert first.updated_at == seen


async def test_without_a_file_nothing_happens(runtime, session):
    await bootstrap_partner(runtime)
    assert await queries.find_application(session, "demo") is None


def test_a_missing_file_ends_the_start_with_its_name(tmp_path):
    with pytest.raises(BootstrapPartnerUnreadable, match=r"nowhere\.json.*No such file"):
        read_application(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"client_id": "a/b"}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": "s3cr3t"}, "client_secret: .*32"),
        ({"client_secret": SECRET + "ä"}, "client_secret"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "unknown scope everything"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_bad_file_is_told_without_its_secret(file, change, why):
    file.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(BootstrapPartnerUnreadable, match=why) as refused:
        read_application(file)
    assert str(change.get("client_secret", SECRET)) not in str(refused.value)


def test_what_is_no_json_is_told(file):
    file.write_text(f"client_secret={SECRET}")
    with pytest.raises(BootstrapPartnerUnreadable) as refused:
        read_application(file)
    assert SECRET not in str(refused.value)
