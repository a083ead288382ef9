"""Approvals, put together."""

from approvals.db import Base
from approvals.settings import ApprovalsSettings
from chassis.service import Service

SERVICE = Service(
    name="approvals",
    title="Tandem approvals",
    summary="Who must say yes before something goes on.",
    settings=ApprovalsSettings,
    migrations="approvals.migrations",
    metadata=Base.metadata,
)
