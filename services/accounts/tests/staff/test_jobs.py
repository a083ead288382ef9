"""The first person of the merchant comes from a file, at every start."""

import asyncio
import json

import pytest

from accounts.errors import StaffUnreadable
from accounts.staff import queries
from accounts.staff.jobs import bootstrap_staff, read_staff

PASSWORD = "made at the first start"
GOOD = {
    "email": "sam@shop.example",
    "password": PASSWORD,
    "name": "Sam",
    "scopes": ["orders:read", "companies:read"],
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "staff.json"
    path.write_text(json.dumps(GOOD))
    return path


async def start(runtime, file, **change):
    file.write_text(json.dumps({**GOOD, **change}))
    runtime.settings.staff_file = file
    await bootstrap_staff(runtime)


async def find(runtime):
    async with runtime.reader.connect() as connection:
        return await queries.find_by_email(connection, "SAM@shop.example")


async def revoked(trade):
    return len(await trade.told("access"))


async def test_the_file_makes_the_person_once(runtime, file, trade):
    await start(runtime, file)
    first = await find(runtime)
    assert (first.name, first.scopes) == ("Sam", ["companies:read", "orders:read"])
    assert PASSWORD not in first.password_hash
    await start(runtime, file)
    assert await find(runtime) == first
    assert await revoked(trade) == 0


async def test_several_processes_start_at_once(runtime, file):
    runtime.settings.staff_file = file
    await asyncio.gather(*(bootstrap_staff(runtime) for _ in range(4)))
    assert (await find(runtime)).name == "Sam"


async def test_less_or_another_password_ends_what_was_signed_in(runtime, file, trade):
    await start(runtime, file)
    await start(runtime, file, name="Samantha")
    await start(runtime, file, scopes=[*GOOD["scopes"], "catalog:read"])
    assert await revoked(trade) == 0
    await start(runtime, file, scopes=["orders:read"])
    assert await revoked(trade) == 1
    await start(runtime, file, scopes=["orders:read"], password="another long one")
    assert await revoked(trade) == 2
    assert (await find(runtime)).scopes == ["orders:read"]


async def test_without_a_file_nothing_happens(runtime):
    await bootstrap_staff(runtime)
    assert await find(runtime) is None


def test_a_missing_file_ends_the_start_with_its_name(tmp_path):
    with pytest.raises(StaffUnreadable, match=r"nowhere\.json.*No such file"):
        read_staff(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"email": "sam"}, "email"),
        ({"password": "short"}, "password: .*12"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "unknown scope everything"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_bad_file_is_told_without_its_password(file, change, why):
    file.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(StaffUnreadable, match=why) as refused:
        read_staff(file)
    assert str(change.get("password", PASSWORD)) not in str(refused.value)


def test_what_is_no_json_is_told(file):
    file.write_text(f"password={PASSWORD}")
    with pytest.raises(StaffUnreadable) as refused:
        read_staff(file)
    assert PASSWORD not in str(refused.value)
