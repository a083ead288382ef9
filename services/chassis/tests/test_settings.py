"""Settings: code before environment before files."""

import pytest
from pydantic import ValidationError

from chassis.settings import DatabaseSettings, Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    import os

    for name in os.environ:
        if name.startswith("TANDEM_"):
            monkeypatch.delenv(name)


def test_the_order_of_sources(monkeypatch, tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql://from-file\n")
    monkeypatch.setenv("TANDEM_DATABASE_URL_FILE", str(secret))
    monkeypatch.setenv("TANDEM_PORT", "1234")
    settings = DatabaseSettings(service="shelf")
    assert settings.database_url == "postgresql://from-file"
    assert settings.port == 1234
    monkeypatch.setenv("TANDEM_DATABASE_URL", "postgresql://from-env")
    assert DatabaseSettings(service="shelf").database_url == "postgresql://from-env"
    given = DatabaseSettings(service="shelf", database_url="postgresql://given", port=1)
    assert (given.database_url, given.port) == ("postgresql://given", 1)


def test_a_field_that_ends_in_file_is_a_field(monkeypatch, tmp_path):
    monkeypatch.setenv("TANDEM_KEY_FILE", str(tmp_path / "key"))
    assert Settings(service="shelf", port=1).key_file == tmp_path / "key"


def test_issuers_default_to_the_five_services(monkeypatch):
    monkeypatch.setenv("TANDEM_ACCOUNTS_URL", "http://accounts:80/")
    settings = Settings(service="shelf", port=1)
    assert settings.trusted_issuers["tandem:accounts"] == "http://accounts:80/.well-known/jwks.json"
    assert len(settings.trusted_issuers) == 5
    monkeypatch.setenv("TANDEM_TRUSTED_ISSUERS", '{"x": "http://y"}')
    assert Settings(service="shelf", port=1).trusted_issuers == {"x": "http://y"}


def test_secrets_are_not_shown():
    settings = DatabaseSettings(
        service="s", port=1, database_url="postgresql://u:secret@h/d", amqp_url="amqp://u:secret@h"
    )
    assert "secret" not in repr(settings)
    with pytest.raises(ValidationError) as raised:
        DatabaseSettings(service="s", port="secret", database_url="x")
    assert "secret" not in str(raised.value)


def test_what_a_killed_process_had_in_hand_is_done_by_another_within_30_seconds():
    settings = DatabaseSettings(service="s", port=1, database_url="x")
    assert settings.lease_seconds > settings.deadline_seconds  # a call may take its time
    assert settings.lease_seconds + settings.sweep_seconds + settings.deadline_seconds < 30
