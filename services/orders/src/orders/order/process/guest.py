"""Placing a guest's order: a durable process of four steps, placed or fully undone in the end.

```
check    catalog: may all of it be ordered? pricing: what does it cost?   undo: reopen the cart
reserve  stock, in our own database                                       undo: release
pay      the provider authorises; until it knows, wait                    undo: void
place    the order, its event; stock bound, cart ordered                  (no way back)
```
"""

from datetime import timedelta

from chassis.process import Process, Step, Undo
from orders.order.domain import GUEST_PLACING
from orders.order.process.steps import (
    PAY,
    RESERVE,
    ask_neighbours,
    place,
    read_submission,
    reopen,
    write_agreed,
)

PLACING = Process(
    kind=GUEST_PLACING,
    steps=(
        Step(
            "check",
            read=read_submission,
            call=ask_neighbours,
            write=write_agreed,
            undo=Undo(write=reopen),
        ),
        RESERVE,
        PAY,
        Step("place", write=place),
    ),
    pivot="place",
    deadline=timedelta(minutes=15),
)
"""Fifteen minutes to get to an order; then, as after a refusal, everything is undone."""
