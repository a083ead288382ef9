"""Tax rates over HTTP."""

import asyncio

import pytest

RATE = {"country": "GB", "tax_class": "standard", "rate": "0.20", "name": "VAT 20 %"}


async def test_rate_is_made_changed_and_told(shop, told):
    made = await shop.put("tax-rates/gb-standard", RATE)
    again = await shop.put("tax-rates/gb-standard", {**RATE, "rate": "0.2"})
    changed = await shop.put("tax-rates/gb-standard", {**RATE, "rate": "0.175"})
    read = await shop.get("tax-rates/gb-standard")
    assert [one.status_code for one in (made, again, changed)] == [201, 200, 200]
    assert made.json()["rate"] == "0.2"
    assert again.json() == made.json()
    assert read.json() == changed.json()
    assert (read.json()["version"], read.headers["etag"]) == (2, '"2"')
    assert [one[:3] for one in await told()] == [
        ("tax_rate", "gb-standard", 1),
        ("tax_rate", "gb-standard", 2),
    ]
    assert (await told())[1][3]["tax_rate"] == changed.json()


async def test_lost_race_is_told(shop):
    await shop.put("tax-rates/gb-standard", RATE)
    changed = {**RATE, "rate": "0.1"}
    for status in (200, 412):
        answer = await shop.put("tax-rates/gb-standard", changed, **{"If-Match": '"1"'})
        changed["rate"] = "0.3"
        assert answer.status_code == status
    assert (await shop.get("tax-rates/gb-standard")).json()["rate"] == "0.1"


async def test_two_rates_for_one_moment_are_refused(shop):
    await shop.put("tax-rates/old", RATE)
    new = {**RATE, "rate": "0.25", "valid_from": "2027-01-01T00:00:00Z"}
    answer = await shop.put("tax-rates/new", new)
    assert (answer.status_code, answer.json()["code"]) == (409, "tax-rate-overlaps")
    assert "'old'" in answer.json()["detail"]
    await shop.put("tax-rates/old", {**RATE, "valid_to": "2027-01-01T01:00:00+01:00"})
    assert (await shop.put("tax-rates/new", new)).status_code == 201
    back = await shop.put("tax-rates/old", {**RATE, "valid_to": "2027-02-01T00:00:00Z"})
    assert back.status_code == 409
    other = await shop.put("tax-rates/reduced", {**RATE, "tax_class": "reduced"})
    assert other.status_code == 201


async def test_of_two_rates_made_at_once_for_one_moment_one_stays(shop):
    answers = await asyncio.gather(*(shop.put(f"tax-rates/rate-{n}", RATE) for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    answers = await asyncio.gather(
        *(shop.put("tax-rates/same", {**RATE, "country": "FR"}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"country": "gb"}, "/country"),
        ({"country": "GBR"}, "/country"),
        ({"tax_class": "Standard"}, "/tax_class"),
        ({"rate": 0.2}, "/rate"),
        ({"rate": "20"}, "/rate"),
        ({"rate": "1.1"}, "/rate"),
        ({"rate": "-0.1"}, "/rate"),
        ({"rate": "0.1234567"}, "/rate"),
        ({"rate": "0.2\n"}, "/rate"),
        ({"name": "\0"}, "/name"),
        ({"valid_to": "0001-01-01T00:00:00+01:00"}, "/valid_to"),
        ({"percent": 20}, "/percent"),
    ],
)
async def test_bad_field_is_named(shop, change, pointer):
    answer = await shop.put("tax-rates/gb-standard", {**RATE, **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_rates_are_listed_by_country(shop):
    await shop.put_rate("GB")
    await shop.put_rate("FR")
    await shop.put_rate("FR", "reduced")
    listed = (await shop.get("tax-rates", country="FR", limit=1)).json()
    rest = (await shop.get("tax-rates", country="FR", limit=1, after=listed["next"])).json()
    assert [one["key"] for one in listed["items"] + rest["items"]] == ["FR-reduced", "FR-standard"]
    assert rest["next"] is None
    assert (await shop.get("tax-rates", country="France")).status_code == 422
    assert (await shop.get("tax-rates/nowhere")).status_code == 404
