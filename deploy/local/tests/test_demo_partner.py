"""The partner that loads the demo shop: it renews its token, is patient, and says what is wrong."""

import base64
import json

import pytest
from aiohttp import web
from rich.console import Console

from contracts.orders import PutStockLine, PutWarehouse
from tandem.demo_data import Credentials, LoadProgress, PartnerRefused
from tandem.demo_data import partner as partners
from tandem.demo_data.partner import Outcomes, open_partner
from tandem.errors import NotRunnable
from tandem.ports import free_ports

CREDENTIALS = Credentials("erp", "a-secret-of-some-thirty-two-characters")
LINES = [PutStockLine(sku="71053", on_hand=10), PutStockLine(sku="85123A", on_hand=20)]


class Fake:
    """All four services behind one address; `answers` are given one after the other."""

    def __init__(self):
        self.answers = []
        self.calls = []
        self.tokens = 0
        self.lifetime = 600

    async def handle(self, request):
        if request.path == "/v1/tokens":
            basic = base64.b64decode(request.headers["Authorization"].split()[1]).decode()
            assert basic == f"{CREDENTIALS.client_id}:{CREDENTIALS.client_secret}"
            self.tokens += 1
            return web.json_response(
                {
                    "access_token": f"token-{self.tokens}",
                    "expires_in": self.lifetime,
                    "scope": "stock:write",
                }
            )
        self.calls.append((request.method, request.path, request.headers["Authorization"]))
        answer = self.answers.pop(0)
        return answer(await request.text()) if callable(answer) else answer


@pytest.fixture
async def fake():
    return Fake()


@pytest.fixture
async def partner(fake, monkeypatch):
    monkeypatch.setattr(partners, "FIRST_PAUSE_S", 0.001)
    runner = web.ServerRunner(web.Server(fake.handle), shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with open_partner(dict.fromkeys(partners.CALLED, url), CREDENTIALS) as opened:
        yield opened
    await runner.cleanup()


def results(*outcomes):
    lines = (
        {"line": number, "key": f"sku-{number}", "outcome": outcome, "errors": errors}
        for number, (outcome, errors) in enumerate(outcomes, start=1)
    )
    return web.Response(text="\n".join(json.dumps(line) for line in lines))


def problem(status, detail="No.", errors=()):
    return web.json_response(
        {
            "type": "x",
            "title": "x",
            "status": status,
            "code": "x",
            "detail": detail,
            "errors": list(errors),
        },
        status=status,
    )


async def test_outcomes_of_lines_are_counted(fake, partner):
    fake.answers = [results(("created", []), ("unchanged", []))]
    assert await partner.put_lines("orders", "/v1/x/bulk", LINES) == Outcomes(1, 0, 1)
    assert fake.calls == [("POST", "/v1/x/bulk", "Bearer token-1")]


async def test_a_refused_line_is_named_with_its_reason(fake, partner):
    error = {"pointer": "/on_hand", "code": "too-small", "message": "is below what is reserved"}
    fake.answers = [results(("created", []), ("refused", [error]))]
    with pytest.raises(PartnerRefused, match=r"line 2 \(sku-2\).*/on_hand is below"):
        await partner.put_lines("orders", "/v1/x/bulk", LINES)


async def test_an_answer_that_ends_early_is_no_success(fake, partner):
    fake.answers = [results(("created", []))]
    with pytest.raises(PartnerRefused, match="1 of 2 lines"):
        await partner.put_lines("orders", "/v1/x/bulk", LINES)


async def test_one_token_serves_until_its_end_is_near(fake, partner):
    fake.answers = [web.json_response({}) for _ in range(3)]
    for _ in range(3):
        await partner.get("orders", "/v1/warehouses/main")
    assert fake.tokens == 1


async def test_a_token_near_its_end_is_renewed(fake, partner, monkeypatch):
    fake.lifetime = 20
    fake.answers = [web.json_response({}) for _ in range(2)]
    now = 1000.0
    monkeypatch.setattr("tandem.demo_data.partner.time.monotonic", lambda: now)
    await partner.get("orders", "/v1/warehouses/main")
    now += 15
    await partner.get("orders", "/v1/warehouses/main")
    assert [token for _, _, token in fake.calls] == ["Bearer token-1", "Bearer token-2"]


async def test_a_token_that_is_refused_is_renewed(fake, partner):
    fake.answers = [problem(401), web.json_response({"key": "main"})]
    assert await partner.get("orders", "/v1/warehouses/main") == {"key": "main"}
    assert fake.tokens == 2


@pytest.mark.parametrize("status", [409, 429, 502, 503, 504])
async def test_passing_trouble_is_waited_out(fake, partner, status):
    fake.answers = [problem(status), problem(status), results(("created", []), ("created", []))]
    assert (await partner.put_lines("orders", "/v1/x/bulk", LINES)).created == 2


async def test_trouble_that_stays_is_told(fake, partner):
    fake.answers = [problem(503, "The database is away.") for _ in range(partners.ATTEMPTS)]
    with pytest.raises(PartnerRefused, match=r"orders refused .*: The database is away"):
        await partner.put_lines("orders", "/v1/x/bulk", LINES)


async def test_what_will_never_be_taken_is_told_at_once(fake, partner):
    error = {"pointer": "/country", "code": "x", "message": "is no country"}
    fake.answers = [problem(404), problem(422, "It cannot be.", [error])]
    with pytest.raises(PartnerRefused, match=r"It cannot be\. \(/country: is no country\)"):
        await partner.put("orders", "/v1/warehouses/main", PutWarehouse(name="M", country="XX"))


async def test_a_put_tells_new_changed_and_unchanged(fake, partner):
    body = PutWarehouse(name="Main", country="GB")
    one, two = {"version": 1}, {"version": 2}
    for before, after, outcome in [
        (problem(404), one, Outcomes(created=1)),
        (web.json_response(one), two, Outcomes(updated=1)),
        (web.json_response(two), two, Outcomes(unchanged=1)),
    ]:
        fake.answers = [before, web.json_response(after)]
        assert await partner.put("orders", "/v1/warehouses/main", body) == outcome


async def test_a_service_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(partners, "FIRST_PAUSE_S", 0.001)
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    async with open_partner(dict.fromkeys(partners.CALLED, url), CREDENTIALS) as partner:
        with pytest.raises(PartnerRefused, match=f"accounts does not answer at {url}"):
            await partner.get("orders", "/v1/warehouses/main")


def test_credentials_are_read_from_the_file_that_they_make(tmp_path):
    path = tmp_path / "partner.json"
    path.write_text(json.dumps(CREDENTIALS.as_dict()))
    assert Credentials.read(path) == CREDENTIALS
    assert CREDENTIALS.client_secret not in repr(CREDENTIALS)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"client_id": "x"}', "\x00"])
def test_a_file_without_credentials_is_told(tmp_path, content):
    path = tmp_path / "partner.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NotRunnable, match=r"partner\.json holds no credentials"):
        Credentials.read(path)


def test_progress_is_lines_where_there_is_no_terminal(tmp_path):
    with (tmp_path / "out").open("w+") as out:
        with LoadProgress(Console(file=out)).step("Products", 2) as step:
            step.advance(1)
            step.result = Outcomes(created=2)
        out.seek(0)
        assert out.read().split() == ["Products", "2", "new"]


def test_progress_is_a_bar_on_a_terminal():
    console = Console(force_terminal=True, width=80, record=True, quiet=False)
    with console.capture() as shown, LoadProgress(console).step("Products", 2) as step:
        step.advance(2)
        step.result = Outcomes(created=2)
    assert "2/2" in shown.get()
    assert "2 new" in shown.get()
