"""Every event has a sample, and every sample is what its model says."""

import json
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from contracts import topology
from contracts.envelope import MAX_BATCH_BYTES, Event, EventData

SAMPLES = Path(__file__).parents[1] / "samples"


def sample_files() -> list[Path]:
    return sorted(SAMPLES.glob("*.json"))


def read(wire: dict[str, Any]) -> Event[Any]:
    model: Any = Event.__class_getitem__(topology.EVENTS[wire["type"]])
    return cast(Event[Any], model.model_validate(wire))


def test_every_event_has_a_sample():
    sampled = {json.loads(file.read_text())["type"] for file in sample_files()}
    assert sampled == set(topology.EVENTS)


@pytest.mark.parametrize("file", sample_files(), ids=lambda file: file.stem)
def test_a_sample_is_read_and_written_alike(file):
    wire = json.loads(file.read_text())
    event = read(wire)
    assert event.model_dump(mode="json") == wire
    assert event.source == f"/tandem/{wire['type'].split('.')[1]}"


@pytest.mark.parametrize("file", sample_files(), ids=lambda file: file.stem)
def test_a_reader_ignores_what_it_does_not_know_yet(file):
    wire = json.loads(file.read_text())
    wire["data"]["added_later"] = {"deep": [1]}
    wire["tenant"] = "x"
    assert read(wire).data == read(json.loads(file.read_text())).data


def test_every_queue_takes_known_types_of_other_services():
    for queue, kinds in topology.QUEUES.items():
        service, _, feature = queue.partition(".")
        assert feature
        for kind in kinds:
            assert kind in topology.EVENTS
            assert kind.split(".")[1] != service


def test_a_type_that_breaks_the_form_cannot_be_declared():
    with pytest.raises(TypeError, match="must look like"):

        class Wrong(EventData):
            type: ClassVar[str] = "orders.placed"


def test_personal_data_stays_out_of_events():
    for event in topology.EVENTS.values():
        fields = json.dumps(event.model_json_schema())
        for word in ("email", "phone", "postal_code", "line1"):
            assert f'"{word}"' not in fields, (event.type, word)


def test_a_full_batch_of_short_items_stays_small():
    file = SAMPLES / "tandem.orders.stock.changed.v1.json"
    item = json.dumps(json.loads(file.read_text())["data"]["items"][0])
    assert len(item) * 500 < MAX_BATCH_BYTES
