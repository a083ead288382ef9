"""The checker on a real shop's databases: clean as they are, and each thing broken is found."""

import asyncio
import json
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from contracts.topology import QUEUES
from deploy.local.tests.shops import (
    broken,
    drop,
    loaded,
    make_settings,
    require_clean,
    superuser,
    urls_of,
)
from deploy.local.tests.test_verify_companies import BREAKS as BREAKS_OF_COMPANIES
from tandem import demo, run
from tandem.verify import between, inside, verify
from tandem.verify.report import KEPT

PREFIX = "verify_shop_"
ORDERS = 3


@pytest.fixture(scope="module")
def shop(tmp_path_factory, postgres_url):
    """Settings of a shop that sold something and was stopped, quiet and clean."""
    settings = make_settings(tmp_path_factory.mktemp("shop"), postgres_url, prefix=PREFIX)
    asyncio.run(sell(settings))
    yield settings
    asyncio.run(drop(settings))


async def sell(settings):
    async with loaded(settings):
        for _ in range(ORDERS):
            await demo.play(settings.url_of("gateway"), Console(quiet=True))
        await require_clean(settings)


async def test_a_shop_is_clean(shop):
    report = await verify(urls_of(shop))
    assert report.is_clean
    assert (report.moving, report.dead_letters) == ((), ())
    assert report.looked_at["orders orders"] == report.looked_at["orders payments"] == ORDERS
    assert {f"events to {queue}" for queue in QUEUES} <= set(report.looked_at)
    assert all(report.looked_at[f"copies in {queue}"] > 0 for queue in between.COPIES)


A_LEVEL = "(SELECT sku FROM stock_levels ORDER BY sku LIMIT 1)"
AN_ORDER = "(SELECT id FROM orders ORDER BY serial LIMIT 1)"
LAST_ORDER = "(SELECT id FROM orders ORDER BY serial DESC LIMIT 1)"
NEW_PROCESS = """
INSERT INTO processes (id, kind, status, step, data, attempts, signals, next_attempt_at,
                       lease_token, created_at, deadline_at)
VALUES ('01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10', 'placing', {status}, 'check',
        jsonb_build_object('cart_id', (SELECT id FROM carts WHERE status = {cart} LIMIT 1)),
        0, 0, {next}, 1, now(), {deadline});
"""
NEW_PAYMENT = """
INSERT INTO payments VALUES ('01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:pay', 'test', 'authorised', 500,
                             'GBP', 'ref', now(), now());
"""
NEW_HOLD = """
INSERT INTO stock_reservations VALUES ('01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:reserve', {status},
                                       {order}, now(), now());
"""
BREAKS = {
    # Stock
    "movement gone": (
        "orders",
        f"DELETE FROM stock_movements WHERE sku = {A_LEVEL}",
        r"\S+ in main has \d+ on hand, but its movements add up to 0\.",
    ),
    "movement without a level": (
        "orders",
        "INSERT INTO stock_movements (sku, warehouse_key, kind, quantity, recorded_at)"
        " VALUES ('ghost', 'main', 'received', 5, now())",
        r"ghost in main has no level on hand, but its movements add up to 5\.",
    ),
    "item is not its levels": (
        "orders",
        f"UPDATE stock_items SET on_hand = on_hand + 7 WHERE sku = {A_LEVEL}",
        r"\S+ has \d+ on hand and \d+ reserved, but its warehouses add up to \d+ and \d+\.",
    ),
    "oversold": (
        "orders",
        f"UPDATE stock_levels SET reserved = on_hand + 1 WHERE sku = {A_LEVEL}",
        r"\S+ in main has \d+ reserved of \d+ on hand\.",
    ),
    "reserved below nothing": (
        "orders",
        f"UPDATE stock_items SET reserved = -1 WHERE sku = {A_LEVEL}",
        r"\S+ has -1 reserved of \d+ on hand\.",
    ),
    "reserved by nobody": (
        "orders",
        f"UPDATE stock_levels SET reserved = reserved + 1 WHERE sku = {A_LEVEL}",
        r"\S+ in main has \d+ reserved, but its reservations add up to \d+\.",
    ),
    "reservation left by an ended process": (
        "orders",
        NEW_PROCESS.format(status="'undone'", cart="'open'", next="now()", deadline="now()")
        + NEW_HOLD.format(status="'granted'", order="NULL"),
        r"Reservation 01932c07-\S+:reserve is granted since .*, but its process is undone\.",
    ),
    "reservation of no process": (
        "orders",
        NEW_HOLD.format(status="'granted'", order="NULL"),
        r"Reservation 01932c07-\S+:reserve is granted since .*, but its process is unknown\.",
    ),
    "reservation bound to nothing": (
        "orders",
        NEW_HOLD.format(status="'bound'", order="gen_random_uuid()"),
        r"Reservation 01932c07-\S+ is bound to order \S+, which does not exist\.",
    ),
    "order reserved less than it sold": (
        "orders",
        f"UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = {AN_ORDER}",
        r"Order T-1000001 sold \d+ of \S+, but \d+ of it are bound to the order\.",
    ),
    # Money
    "line that does not add up": (
        "orders",
        f"UPDATE order_lines SET tax_minor = tax_minor + 1 WHERE order_id = {AN_ORDER}",
        r"Line 0 of order T-1000001 has \d+ net and \d+ tax, which is not \d+ gross\.",
    ),
    "total that does not add up": (
        "orders",
        f"UPDATE orders SET total_tax_minor = total_tax_minor + 1 WHERE id = {AN_ORDER}",
        r"Total of order T-1000001 has \d+ net and \d+ tax, which is not \d+ gross\.",
    ),
    "items that are not the lines": (
        "orders",
        f"UPDATE orders SET items_net_minor = items_net_minor - 1,"
        f" items_tax_minor = items_tax_minor + 1 WHERE id = {AN_ORDER}",
        r"Order T-1000001 has items of \d+ net and \d+ gross, but its lines add up to .*\.",
    ),
    "order without lines": (
        "orders",
        f"DELETE FROM order_lines WHERE order_id = {AN_ORDER}",
        r"Order T-1000001 has items of \d+ net .*, but its lines add up to 0 and 0\.",
    ),
    "total that is not its parts": (
        "orders",
        f"UPDATE orders SET total_net_minor = total_net_minor + 5,"
        f" total_gross_minor = total_gross_minor + 5 WHERE id = {AN_ORDER}",
        r"Order T-1000001 has a total of .*, but items and delivery add up to .*\.",
    ),
    "rates that are not the tax": (
        "orders",
        f"UPDATE orders SET taxes = '[]' WHERE id = {AN_ORDER}",
        r"Order T-1000001 has \d+ tax, but its rates add up to 0\.",
    ),
    "charged more than agreed": (
        "orders",
        "UPDATE processes SET data = jsonb_set(data, '{agreed_total,amount}', '\"0.01\"')",
        r"Order T-1000001 has a total of \d+ GBP, but the buyer agreed to 0.01 GBP\.",
    ),
    "payment of another amount": (
        "orders",
        "UPDATE payments SET amount_minor = amount_minor + 1",
        r"Order T-1000001 of \d+ GBP has payment \S+:pay of \d+ GBP, authorised\.",
    ),
    "payment voided": (
        "orders",
        "UPDATE payments SET status = 'voided'",
        r"Order T-1000001 of \d+ GBP has payment \S+:pay of \d+ GBP, voided\.",
    ),
    "order not paid": (
        "orders",
        "DELETE FROM payments",
        r"Order T-1000001 of \d+ GBP has no payment \S+:pay\.",
    ),
    "one payment for two orders": (
        "orders",
        f"UPDATE orders SET payment_key = (SELECT payment_key FROM orders WHERE id = {AN_ORDER})",
        r"Payment \S+:pay pays for 3 orders: T-1000001, T-1000002, T-1000003\.",
    ),
    "payment without an order": (
        "orders",
        NEW_PAYMENT,
        r"Payment 01932c07-\S+:pay of 500 GBP is authorised, but there is no order, .* unknown\.",
    ),
    # What was captured and refunded, with us and at the provider
    "captured without a movement": (
        "orders",
        "UPDATE payments SET captured_minor = 1",
        r"Payment \S+:pay has 1 captured and 0 refunded, but its movements add up to 0 and 0\.",
    ),
    "movement pending without a process": (
        "orders",
        "INSERT INTO payment_movements SELECT gen_random_uuid(), key, 'capture', 'pending', 1,"
        " currency, NULL, now(), now() FROM payments LIMIT 1",
        r"Movement \S+ of payment \S+:pay is pending, but its process is unknown\.",
    ),
    "charged twice": (
        "testpay",
        "INSERT INTO ledger_entries (reference, kind, amount_minor, booked_at)"
        " SELECT reference, kind, amount_minor, booked_at FROM ledger_entries",
        r"Payment \S+:pay is authorised over \d+, but its ledger has \d+ authorised, 0 captured",
    ),
    "refunded more than captured": (
        "testpay",
        "UPDATE ledger_entries SET kind = 'refund', amount_minor = 1",
        r"its ledger has 0 authorised, 0 captured, 0 voided, 1 refunded\.",
    ),
    "ledger of nothing": (
        "testpay",
        "UPDATE ledger_entries SET reference = 'nobody'",
        r"The ledger has authorise of nobody, which is no payment\.",
    ),
    "captured behind our back": (
        "testpay",
        "INSERT INTO ledger_entries (reference, kind, amount_minor, booked_at)"
        " SELECT reference, 'capture', 1, now() FROM payments",
        r"Payment \S+:pay is authorised over \d+, 0 captured, 0 refunded \(GBP\) at orders,"
        r" but authorised over \d+, 1 captured, 0 refunded \(GBP\) at the provider\.",
    ),
    "charged without anybody knowing": (
        "testpay",
        "INSERT INTO payments VALUES ('x:pay', 'authorised', 7, 'GBP', 'tok_ok', NULL, now());"
        "INSERT INTO ledger_entries (reference, kind, amount_minor, booked_at)"
        " VALUES ('x:pay', 'authorise', 7, now())",
        r"Payment x:pay is unknown at orders, but authorised over 7, 0 captured",
    ),
    "never charged": (
        "testpay",
        "DELETE FROM ledger_entries; DELETE FROM payments",
        r"Payment \S+:pay is authorised over \d+.* at orders, but unknown at the provider\.",
    ),
    # One submit, one order
    "two orders of a placement": (
        "orders",
        "ALTER TABLE orders DROP CONSTRAINT uq_orders_placement_id;"
        f"UPDATE orders SET placement_id = (SELECT placement_id FROM orders WHERE id = {AN_ORDER})",
        r"Placement \S+ made 3 orders: T-1000001, T-1000002, T-1000003\.",
    ),
    "two orders of a cart": (
        "orders",
        "ALTER TABLE orders DROP CONSTRAINT uq_orders_cart_id;"
        f"UPDATE orders SET cart_id = (SELECT cart_id FROM orders WHERE id = {AN_ORDER})",
        r"Cart \S+ made 3 orders: T-1000001, T-1000002, T-1000003\.",
    ),
    "two orders of a key": (
        "orders",
        "ALTER TABLE processes DROP CONSTRAINT uq_processes_key;"
        r"UPDATE processes SET key = '\x01'",
        r"Idempotency key 01 made 3 orders: T-1000001, T-1000002, T-1000003\.",
    ),
    "placement done without an order": (
        "orders",
        f"DELETE FROM orders WHERE id = {LAST_ORDER}",
        r"Placement \S+ is done, but there is no order of it\.",
    ),
    "placement undone with an order": (
        "orders",
        "UPDATE processes SET status = 'undone'",
        r"Placement \S+ is undone, but there is its order T-100000\d\.",
    ),
    "placement that made another order": (
        "orders",
        "UPDATE processes SET result = '{}'",
        r"Placement \S+ made order \S+, but says it made none\.",
    ),
    "cart ordered without an order": (
        "orders",
        "UPDATE carts SET status = 'ordered', order_number = 'T-7' WHERE status = 'open'",
        r"Cart \S+ is ordered as T-7, but there is no order of it\.",
    ),
    "cart open though ordered": (
        "orders",
        "UPDATE carts SET status = 'open', order_number = NULL WHERE status = 'ordered'",
        r"Cart \S+ is open, but there is order T-100000\d\.",
    ),
    "cart gone": (
        "orders",
        "DELETE FROM carts WHERE status = 'ordered'",
        r"Cart \S+ is gone, but there is order T-100000\d\.",
    ),
    "cart placed by nobody": (
        "orders",
        "UPDATE carts SET status = 'placing', placement_id = gen_random_uuid()"
        " WHERE status = 'open'",
        r"Cart \S+ is being placed by \S+, which is unknown\.",
    ),
    "cart open while placed": (
        "orders",
        NEW_PROCESS.format(
            status="'running'", cart="'open'", next="now()", deadline="now() + interval '1 hour'"
        ),
        r"Placement 01932c07-\S+ is running, but its cart \S+ is open\.",
    ),
    # Events and processes
    "order never told": (
        "orders",
        "DELETE FROM outbox WHERE type LIKE '%order.placed.v1'",
        r"Order T-1000001 is told of 0 times\.",
    ),
    "order told twice": (
        "orders",
        "INSERT INTO outbox (event_id, position, type, subject, sequence, event, created_at)"
        " SELECT gen_random_uuid(), position + 1000000, type, subject, sequence + 1, event,"
        " created_at FROM outbox WHERE type LIKE '%order.placed.v1'",
        r"Order T-1000001 is told of 2 times\.",
    ),
    "order told that is not": (
        "orders",
        f"UPDATE outbox SET subject = gen_random_uuid() WHERE subject = {AN_ORDER}::text",
        r"Order [0-9a-f-]+ is told of, but does not exist\.",
    ),
    "order told with another total": (
        "orders",
        "UPDATE outbox SET event = jsonb_set(event::jsonb, '{data,total,gross,amount}', '\"0.01\"')"
        " WHERE type LIKE '%order.placed.v1'",
        r"Order T-1000001 has a total of \d+, but was told of with 0.01\.",
    ),
    "gap in the feed": (
        "catalog",
        "DELETE FROM outbox WHERE position = 3",
        r"After position 2 of the feed comes 4\.",
    ),
    "feed does not begin where it was pruned": (
        "orders",
        "DELETE FROM outbox WHERE position = 1",
        r"After position 0 of the feed comes 2\.",
    ),
    "head beyond the feed": (
        "pricing",
        "UPDATE feed_head SET position = position + 1",
        r"The feed ends at \d+, but its head says \d+\.",
    ),
    "published without a position": (
        "pricing",
        "UPDATE outbox SET position = NULL WHERE position = (SELECT max(position) FROM outbox)",
        r"Event \S+ \(tandem\.pricing\.\S+ of \S+\) is published without a position\.",
    ),
    "versions in disorder": (
        "orders",
        "UPDATE outbox SET event = replace(event, '\"sequence\":2', '\"sequence\":1')"
        " WHERE type LIKE '%stock.changed.v1'",
        r"tandem\.orders\.stock\.changed\.v1 of \S+: sequence 1 stands at position \d+, after \d+",
    ),
    "event done twice": (
        "catalog",
        "ALTER TABLE inbox DROP CONSTRAINT pk_inbox;"
        "INSERT INTO inbox SELECT * FROM inbox ORDER BY event_id LIMIT 1",
        r"catalog.availability has event \S+ in its inbox 2 times\.",
    ),
    "event never arrived": (
        "pricing",
        "DELETE FROM inbox WHERE event_id = (SELECT max(event_id::text)::uuid FROM inbox"
        " WHERE queue = 'pricing.products')",
        r"pricing\.products has not got event \S+ \(tandem\.catalog\.product\.changed\.v1 of ",
    ),
    "event from nowhere": (
        "orders",
        "INSERT INTO inbox (queue, event_id, status, attempts, received_at)"
        " VALUES ('orders.stores', '01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10', 'done', 0, now())",
        r"orders\.stores took event 01932c07-\S+, which catalog never told\.",
    ),
    "process nobody takes up": (
        "accounts",
        NEW_PROCESS.format(
            status="'waiting'",
            cart="'open'",
            next="now() - interval '1 hour'",
            deadline="now() + interval '1 hour'",
        ).replace("(SELECT id FROM carts WHERE status = 'open' LIMIT 1)", "1"),
        r"Process 01932c07-\S+ \(placing\) is waiting at step check since .*, after 0 attempts",
    ),
    "process past its deadline": (
        "orders",
        NEW_PROCESS.format(
            status="'running'", cart="'open'", next="now()", deadline="now() - interval '1 hour'"
        ),
        r"Process 01932c07-\S+ \(placing\) is running at step check, though its deadline was ",
    ),
    # Copies
    "availability of another amount": (
        "catalog",
        "UPDATE availability SET available = available + 1"
        " WHERE sku = (SELECT min(sku) FROM availability)",
        r"catalog\.availability has \S+ at sequence 4 with available \d+, but orders says avail",
    ),
    "availability of an older version": (
        "catalog",
        "UPDATE availability SET sequence = sequence - 1"
        " WHERE sku = (SELECT min(sku) FROM availability)",
        r"catalog\.availability has \S+ at sequence 3 with sequence 3, but orders says sequence 4",
    ),
    "availability lacking": (
        "catalog",
        "DELETE FROM availability WHERE sku = (SELECT min(sku) FROM availability)",
        r"catalog\.availability lacks \S+, which orders has at sequence \d+\.",
    ),
    "availability of nothing": (
        "catalog",
        "INSERT INTO availability VALUES ('ghost', 5, 3)",
        r"catalog\.availability has ghost at sequence 3, which orders does not have\.",
    ),
    "store lacking at pricing": (
        "pricing",
        "DELETE FROM stores",
        r"pricing\.stores lacks d2c-uk, which catalog has at sequence \d+\.",
    ),
    "store with another currency at orders": (
        "orders",
        "UPDATE stores SET currencies = '{EUR}'",
        r"orders\.stores has d2c-uk at sequence \d+ with currencies \['EUR'\], but catalog says ",
    ),
    "product in other categories at pricing": (
        "pricing",
        "UPDATE products SET categories = '{x}' WHERE key = (SELECT min(key) FROM products)",
        r"pricing\.products has \S+ at sequence \d+ with categories \['x'\], but catalog says ",
    ),
    "product with other SKUs at orders": (
        "orders",
        "DELETE FROM product_skus WHERE sku = (SELECT min(sku) FROM product_skus)",
        r"orders\.products has \S+ at sequence \d+ with skus \[\], but catalog says skus ",
    ),
    # Prices
    "prices that overlap": (
        "pricing",
        "INSERT INTO prices (price_list_id, sku, sequence, tier_quantities, tier_amounts,"
        " valid_from, recorded_from) SELECT price_list_id, sku, sequence, tier_quantities,"
        " tier_amounts, valid_from + interval '1 second', recorded_from FROM prices"
        " WHERE recorded_to IS NULL ORDER BY id LIMIT 1",
        r"Prices \d+ and \d+ of \S+ in list public-uk overlap: one is valid until ",
    ),
    "tiers that begin late": (
        "pricing",
        "UPDATE prices SET tier_quantities[1] = 2 WHERE id = (SELECT min(id) FROM prices)",
        r"Price \d+ of \S+ in list public-uk has tiers from 2",
    ),
}


@pytest.mark.parametrize(("name", "statement", "sentence"), BREAKS.values(), ids=BREAKS)
async def test_what_is_broken_is_found(shop, name, statement, sentence):
    async with broken(shop, name, statement) as urls:
        report = await verify(urls, settle=0)
    texts = [finding.text for finding in report.findings]
    assert any(re.search(sentence, text) for text in texts), texts


def test_every_check_is_seen_to_find_something():
    """As the table above shows for each by its name."""
    checks = [*inside.EVERYWHERE, *(check for own in inside.CHECKS.values() for check in own)]
    assert len({check.name for check in checks}) == len(checks)
    assert len(BREAKS) + len(BREAKS_OF_COMPANIES) > len(checks)


async def test_what_is_under_way_is_no_finding(shop):
    missing = "(SELECT max(event_id::text)::uuid FROM inbox WHERE queue = 'catalog.availability')"
    retry = (
        "UPDATE inbox SET status = 'retrying', next_attempt_at = now(), event = '{}'"
        f" WHERE event_id = {missing};"
    )
    stale = "UPDATE availability SET sequence = sequence - 1;"
    async with broken(shop, "catalog", retry + stale) as urls:
        report = await verify(urls, settle=0)
    assert report.findings == ()
    assert report.moving[0] == "catalog has 1 events to try again."
    assert "differs at 499 keys while 1 events are under way" in report.moving[1]


async def test_a_running_placement_is_no_finding(shop):
    running = NEW_PROCESS.format(
        status="'running'", cart="'open'", next="now()", deadline="now() + interval '1 hour'"
    )
    frozen = (
        "INSERT INTO carts SELECT gen_random_uuid(), secret_hash, 1, 'placing', store, currency,"
        " country, locale, email, delivery_address, billing_address, delivery_method,"
        " '01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10', NULL, now(), now() FROM carts LIMIT 1;"
        "UPDATE processes SET data = jsonb_build_object('cart_id',"
        " (SELECT id FROM carts WHERE status = 'placing')) WHERE status = 'running';"
    )
    hold = NEW_HOLD.format(status="'granted'", order="NULL")
    async with broken(shop, "orders", running + frozen + NEW_PAYMENT + hold) as urls:
        report = await verify(urls, settle=0)
    assert report.findings == ()
    assert report.moving == ("orders has 1 processes that have not ended.",)


async def test_an_amount_that_no_float_holds_is_no_finding(shop):
    """As a float 647.33 * 100 is not 64733."""
    amount = "UPDATE processes SET data = jsonb_set(data, '{%s}', '\"647.33\"');"
    agreed = amount % "agreed_total,amount" + amount % "agreed,totals,total,gross,amount"
    async with broken(
        shop, "orders", agreed + "UPDATE orders SET total_gross_minor = 64733"
    ) as urls:
        report = await verify(urls, settle=0)
    assert report.findings
    checks = {finding.check for finding in report.findings}
    assert "what is charged is what was agreed to" not in checks


async def test_what_passes_while_it_is_waited_for_is_no_finding(shop):
    gone = "CREATE TABLE kept AS TABLE inbox; DELETE FROM inbox"
    async with broken(shop, "catalog", gone) as urls:

        async def arrive():
            await asyncio.sleep(0.5)
            async with superuser(urls["catalog"]) as connection:
                await connection.execute("INSERT INTO inbox TABLE kept")

        report, _ = await asyncio.gather(verify(urls, settle=30), arrive())
    assert report.findings == ()
    assert report.moving == ()


async def test_a_dead_letter_is_told_apart(shop):
    bury = (
        "UPDATE inbox SET status = 'dead', event = '{}', last_error = E'No\\nway', done_at = NULL"
        " WHERE event_id = (SELECT min(event_id::text)::uuid FROM inbox)"
    )
    async with broken(shop, "catalog", bury) as urls:
        report = await verify(urls)
    assert report.is_clean
    (told,) = report.dead_letters
    assert told.startswith("catalog.availability gave event ")
    assert told.endswith("up after 0 attempts: No way")


async def test_many_findings_of_one_kind_are_counted(shop):
    async with broken(
        shop, "orders", "DELETE FROM order_lines; DELETE FROM stock_movements"
    ) as urls:
        report = await verify(urls, settle=0)
    kind = "stock on hand is the sum of its movements"
    texts = [finding.text for finding in report.findings if finding.check == kind]
    assert len(texts) == KEPT + 1
    assert re.fullmatch(r"And \d+ more like these\.", texts[-1])


async def test_a_pruned_feed_is_whole(shop):
    prune = "UPDATE feed_head SET pruned = position;DELETE FROM outbox"
    async with broken(shop, "orders", prune) as urls:
        report = await verify(urls, settle=0)
    assert report.findings == ()


def test_every_copy_is_compared():
    copies = {copy.queue for service in run.services() for copy in service.copies}
    assert set(between.COPIES) == copies


def verify_by_hand(shop, *options):
    environment = {name: value for name, value in os.environ.items() if "TANDEM_" not in name}
    environment |= {
        "TANDEM_DATA": str(shop.data),
        "TANDEM_POSTGRES_URL": shop.postgres_url,
        "TANDEM_POSTGRES_PREFIX": PREFIX,
        "COLUMNS": "400",
    }
    return subprocess.run(
        [sys.executable, "-m", "tandem", "verify", *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command_ends_with_1_on_findings(shop):
    clean = await asyncio.to_thread(verify_by_hand, shop)
    assert clean.returncode == 0, clean.stderr
    assert "Everything that must hold does." in clean.stdout
    url = f"{shop.postgres_url.rpartition('/')[0]}/{PREFIX}pricing"
    tiers = "UPDATE prices SET tier_quantities[1] = $1 WHERE id = (SELECT min(id) FROM prices)"
    async with superuser(url) as connection:
        await connection.execute(tiers, 2)
        found = await asyncio.to_thread(verify_by_hand, shop, "--json", "--settle", "0")
        await connection.execute(tiers, 1)
    assert found.returncode == 1, found.stderr
    told = json.loads(found.stdout)
    assert not told["is_clean"]
    assert told["findings"][0]["check"] == "a price's tiers begin at 1 and rise"


def test_the_command_says_where_no_shop_is(shop, tmp_path):
    nowhere = shop.model_copy(update={"data": tmp_path})
    done = verify_by_hand(nowhere)
    assert done.returncode == 1
    assert "There is no shop in the data folder" in done.stderr
    assert list(tmp_path.iterdir()) == []
