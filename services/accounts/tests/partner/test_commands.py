"""Making and changing partner applications."""

import asyncio

from sqlalchemy import func, select, update

from accounts.partner import queries
from accounts.partner.hashing import is_secret_of
from accounts.partner.tables import PartnerApplicationRow

SECRET = "another-secret-of-at-least-32-characters"


async def read(session, client_id="erp"):
    session.expire_all()
    return await queries.find_application(session, client_id)


async def test_a_new_application_is_active_and_its_secret_only_a_hash(put_application, session):
    assert await put_application(client_secret=SECRET)
    row = await read(session)
    assert row.is_active
    assert row.secret_hash.startswith("$argon2id$")
    assert SECRET not in row.secret_hash
    assert is_secret_of(row.secret_hash, SECRET)


async def test_the_same_again_changes_nothing(put_application, session):
    await put_application()
    before = await read(session)
    seen = (before.secret_hash, before.updated_at)
    assert not await put_application()
    after = await read(session)
    assert (after.secret_hash, after.updated_at) == seen


async def test_secret_scopes_and_name_are_brought_up_to_date(put_application, session):
    await put_application()
    first = (await read(session)).id
    assert await put_application(client_secret=SECRET, scopes=["stock:write"], name="The ERP")
    row = await read(session)
    assert (row.id, row.scopes, row.name) == (first, ["stock:write"], "The ERP")
    assert is_secret_of(row.secret_hash, SECRET)


async def test_an_application_that_was_switched_off_stays_so(put_application, session):
    await put_application()
    await session.execute(update(PartnerApplicationRow).values(is_active=False))
    await session.commit()
    await put_application(client_secret=SECRET)
    assert not (await read(session)).is_active


async def test_processes_that_start_at_once_make_one_application(put_application, session):
    await asyncio.gather(*(put_application() for _ in range(4)))
    assert await session.scalar(select(func.count()).select_from(PartnerApplicationRow)) == 1
