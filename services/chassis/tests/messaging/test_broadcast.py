"""What gateways hear: events as they pass, and when some may have been missed."""

import asyncio

import orjson

from chassis import broadcast, tracing
from chassis.bus import Outgoing
from contracts.orders import StockChanged


async def test_models_are_heard_under_their_trace(any_bus, make_stock, eventually):
    heard, gaps, stop = [], [], asyncio.Event()

    def hear(event):
        heard.append((event.data.items[0].sku, tracing.traceparent()))

    listening = asyncio.create_task(
        broadcast.listen(
            any_bus, [StockChanged], on_event=hear, on_gap=lambda: gaps.append(1), stop=stop
        )
    )
    await eventually(lambda: gaps)
    body = orjson.loads(make_stock("A", 1).model_dump_json())
    body["data"]["items"][0]["colour"] = "red"  # a field of the next release
    await any_bus.publish([outgoing(orjson.dumps(body))])
    await eventually(lambda: heard)
    ((sku, trace),) = heard
    assert sku == "A"
    assert trace is not None
    assert "0af7651916cd43dd8448eb211c80319c" in trace
    gaps.clear()
    await any_bus.publish([outgoing(b"rubbish")])
    await eventually(lambda: gaps)
    stop.set()
    await listening


def outgoing(body):
    return Outgoing("01932c07-2a3c-7d5e-8f00-000000000001", StockChanged.type, body)
