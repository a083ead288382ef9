"""Dead letters as an operator meets them."""

import orjson
import pytest

from chassis import inbox
from chassis.service import create_app
from contracts.problems import Invalid


@pytest.fixture
async def client(runtime, effects, settings):
    import httpx

    app = create_app(runtime.service, settings, runtime=runtime)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shelf") as opened,
    ):
        yield opened


@pytest.fixture
def operator(make_token):
    token = make_token(kind="staff", scopes=("dead_letters:read", "dead_letters:write"))
    return {"Authorization": f"Bearer {token}"}


async def test_a_dead_letter_is_found_mended_and_replayed(
    client, operator, runtime, effects, make_stock
):
    event = make_stock("A", 1)
    whole = orjson.loads(event.model_dump_json())
    broken = orjson.dumps({**whole, "data": {"items": []}})
    await inbox.receive(runtime, effects.consumer, broken)

    (letter,) = (await client.get("/v1/dead-letters", headers=operator)).json()["items"]
    path = f"/v1/dead-letters/{letter['queue']}/{letter['event_id']}"
    assert "items" in letter["last_error"]
    assert (await client.get(path, headers=operator)).json()["event"] == broken.decode()

    refused = await client.put(path, headers=operator, json={"event": orjson.loads(broken)})
    assert (refused.status_code, refused.json()["code"]) == (422, "event-unreadable")
    other_id = {**whole, "id": str(make_stock("A", 1).id)}
    refused = await client.put(path, headers=operator, json={"event": other_id})
    assert (refused.status_code, refused.json()["code"]) == (422, "event-id-fixed")

    assert (await client.put(path, headers=operator, json={"event": whole})).status_code == 200
    assert (await client.post(f"{path}/replay", headers=operator)).status_code == 202
    await inbox.retry(runtime, {effects.consumer.queue: effects.consumer})
    assert await effects.seen() == [("A", 1)]
    assert (await client.get(path, headers=operator)).status_code == 404
    assert (await client.post(f"{path}/replay", headers=operator)).status_code == 404


async def test_dead_letters_are_paged_oldest_first(client, operator, runtime, effects, make_stock):
    events = [make_stock(f"S{n}", n) for n in range(5)]
    for event in events:
        effects.failures[event.subject] = Invalid("no")
        await inbox.receive(runtime, effects.consumer, event.model_dump_json().encode())
    seen, after = [], None
    while True:
        query = {"limit": 2, **({"after": after} if after else {})}
        page = (await client.get("/v1/dead-letters", params=query, headers=operator)).json()
        seen += [item["sequence"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [0, 1, 2, 3, 4]


async def test_who_may_not_sees_nothing(client, make_token):
    assert (await client.get("/v1/dead-letters")).status_code == 401
    headers = {"Authorization": f"Bearer {make_token(scopes=('dead_letters:read',))}"}
    path = "/v1/dead-letters/catalog.availability/01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
    assert (await client.post(f"{path}/replay", headers=headers)).status_code == 403
    assert (await client.get(path, headers=headers)).status_code == 404
    unknown = await client.get("/v1/dead-letters", params={"queue": "x"}, headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "queue-unknown")
