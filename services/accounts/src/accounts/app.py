"""Accounts, put together."""

from accounts.db import Base
from accounts.partner.jobs import bootstrap_partner
from accounts.settings import AccountsSettings
from accounts.token.routes import router as tokens
from chassis.service import Service

SERVICE = Service(
    name="accounts",
    title="Tandem accounts",
    summary="Who may do what: partner applications and their tokens.",
    settings=AccountsSettings,
    migrations="accounts.migrations",
    metadata=Base.metadata,
    routers=(tokens,),
    on_start=(bootstrap_partner,),
)
