"""The events as an AsyncAPI 3.0 document, made from `contracts` alone.

One channel for each routing key (what a service sends) and one for each durable queue (what a
feature receives), with AMQP bindings. A partner can bind a queue of its own from this page.
"""

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from contracts import topology
from contracts.envelope import MEDIA_TYPE, Event, EventData
from contracts.problems import slug

_DESCRIPTION = """\
Everything that happens in Tandem, as CloudEvents 1.0 in structured JSON, on one durable topic
exchange. The routing key is the event's type. Delivery is at least once and in no promised
order: keep the ids you have seen, and apply state only if its `sequence` is higher than what
you have. Bind a durable quorum queue of your own; or read `GET /v1/changes` of a service, which
is gap-free and in order.
"""


def _message_name(event: type[EventData]) -> str:
    return event.__name__


def _schemas(events: list[type[EventData]]) -> tuple[dict[str, str], dict[str, Any]]:
    """JSON schemas of all envelopes: the name of each event's own, and all of them by name."""
    envelopes: dict[str, Any] = {event.type: Event.__class_getitem__(event) for event in events}
    by_model, definitions = models_json_schema(
        [(envelope, "serialization") for envelope in envelopes.values()],
        ref_template="#/components/schemas/{model}",
    )
    schemas = definitions["$defs"]
    names: dict[str, str] = {}
    for kind, envelope in envelopes.items():
        generated = by_model[(envelope, "serialization")]["$ref"].rpartition("/")[2]
        name = f"{_message_name(topology.EVENTS[kind])}Event"
        schemas[name] = schemas.pop(generated) | {"title": name}
        schemas[name]["properties"]["type"] |= {"const": kind, "examples": [kind]}
        names[kind] = name
    return names, dict(sorted(schemas.items()))


def _samples(folder: Path, kind: str) -> list[dict[str, Any]]:
    files = sorted(folder.glob(f"{kind}*.json"))
    return [{"name": file.stem, "payload": json.loads(file.read_text())} for file in files]


def asyncapi_document(samples: Path) -> dict[str, Any]:
    """Build the document. `samples` is the folder with a file or more for each event type."""
    events = list(topology.EVENTS.values())
    schema_names, schemas = _schemas(events)
    messages = {
        _message_name(event): {
            "name": event.type,
            "title": _message_name(event),
            "summary": (event.__doc__ or "").strip(),
            "contentType": MEDIA_TYPE,
            "payload": {"$ref": f"#/components/schemas/{schema_names[event.type]}"},
            "examples": _samples(samples, event.type),
        }
        for event in events
    }
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    exchange = {"name": topology.EXCHANGE, "type": "topic", "durable": True, "vhost": "/"}
    for event in events:
        name, owner = _message_name(event), event.type.split(".")[1]
        channels[event.type] = {
            "address": event.type,
            "title": event.type,
            "description": f"Sent by {owner}. {(event.__doc__ or '').strip()}",
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {
                "amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}
            },
        }
        operations[f"{owner}.send.{slug(name)}"] = _operation("send", event.type, [name])
    for queue, kinds in topology.QUEUES.items():
        names = [_message_name(topology.EVENTS[kind]) for kind in kinds]
        channels[queue] = {
            "address": queue,
            "title": queue,
            "description": f"The durable quorum queue of {queue}; declared by every sender.",
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            "bindings": {
                "amqp": {
                    "is": "queue",
                    "queue": {
                        "name": queue,
                        "durable": True,
                        "exclusive": False,
                        "autoDelete": False,
                        "vhost": "/",
                    },
                    "bindingVersion": "0.3.0",
                }
            },
        }
        operations[f"{queue}.receive"] = _operation("receive", queue, names)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tandem events",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _operation(action: str, channel: str, messages: list[str]) -> dict[str, Any]:
    pointer = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": pointer},
        "messages": [{"$ref": f"{pointer}/messages/{name}"} for name in messages],
    }
