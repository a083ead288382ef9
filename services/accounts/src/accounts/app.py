"""Accounts, put together."""

from accounts.budget.routes import router as budgets
from accounts.company.queries import stream_companies
from accounts.db import Base
from accounts.hold.routes import router as holds
from accounts.partner.jobs import bootstrap_partner
from accounts.profile.jobs import FORGET
from accounts.profile.queries import stream_profiles
from accounts.profile.routes import router as profiles
from accounts.roster.routes import router as companies
from accounts.segment import consumers as segments
from accounts.segment.jobs import AGE, SETTLE
from accounts.segment.routes import router as groups
from accounts.session.routes import router as sessions
from accounts.settings import AccountsSettings
from accounts.staff.jobs import bootstrap_staff
from accounts.terms.routes import router as agreements
from accounts.token.routes import router as tokens
from chassis.feed import Snapshot
from chassis.service import Service
from contracts.buyers import BuyerProfile
from contracts.companies import Company

SERVICE = Service(
    name="accounts",
    title="Tandem accounts",
    summary="Who may do what: partners, companies and their people, credit, budgets, groups.",
    settings=AccountsSettings,
    migrations="accounts.migrations",
    metadata=Base.metadata,
    routers=(tokens, sessions, companies, agreements, budgets, groups, holds, profiles),
    consumers=(segments.CONSUMER,),
    snapshots=(
        Snapshot("companies", Company, stream_companies),
        Snapshot("buyer_profiles", BuyerProfile, stream_profiles),
    ),
    jobs=(FORGET, SETTLE, AGE),
    on_start=(bootstrap_partner, bootstrap_staff),
)
