"""The provider as a whole: its database is what its code maps, and its ledger cannot be changed."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.migrate import differences
from deploy.testpay.tests.payment.test_routes import wish


async def test_migrations_make_the_tables_that_the_code_maps(service, settings):
    assert await differences(service, settings) == []


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE"])
async def test_the_ledger_is_only_added_to(runtime, post, statement):
    await post("", wish())
    ending = " SET amount_minor = 0" if statement == "UPDATE" else ""
    async with runtime.sessions() as session:
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(text(f"{statement} ledger_entries{ending}"))
