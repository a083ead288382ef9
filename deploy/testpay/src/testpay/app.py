"""The test provider, put together."""

from chassis.service import Service
from testpay.db import Base
from testpay.payment.jobs import SETTLE
from testpay.payment.routes import router
from testpay.settings import TestpaySettings

SERVICE = Service(
    name="testpay",
    title="Tandem test payments",
    summary="A payment provider that moves no money: authorise, capture, void, refund.",
    settings=TestpaySettings,
    migrations="testpay.migrations",
    metadata=Base.metadata,
    routers=(router,),
    jobs=(SETTLE,),
)
