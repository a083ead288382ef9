"""Approvals, put together."""

from approvals.db import Base
from approvals.request.jobs import TIME_OUT
from approvals.request.routes import router as requests
from approvals.settings import ApprovalsSettings
from chassis import buyers
from chassis.service import Service

SERVICE = Service(
    name="approvals",
    title="Tandem approvals",
    summary="Who must say yes before something goes on.",
    settings=ApprovalsSettings,
    migrations="approvals.migrations",
    metadata=Base.metadata,
    routers=(requests,),
    consumers=(buyers.consumer("approvals.buyers"),),
    copies=(buyers.copy("approvals.buyers"),),
    jobs=(TIME_OUT,),
)
