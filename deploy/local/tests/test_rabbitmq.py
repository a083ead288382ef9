"""RabbitMQ of our own: two side by side, and a clear word where there is none."""

import os

import aio_pika
import pytest

from tandem import rabbitmq
from tandem.errors import NotRunnable


@pytest.mark.rabbitmq
async def test_second_broker_runs_beside_the_session_s_and_ends_with_its_epmd(
    tmp_path,
):
    of_session = os.environ["TANDEM_TEST_AMQP_URL"]
    broker = rabbitmq.start(tmp_path / "broker", password="x-y_z", virtual_hosts=["shop"])
    try:
        for url in (broker.url, broker.url_of("shop"), of_session):
            connection = await aio_pika.connect(url)
            channel = await connection.channel()
            queue = await channel.declare_queue(
                "trial", durable=True, arguments={"x-queue-type": "quorum"}
            )
            message = aio_pika.Message(b"hello")
            await channel.default_exchange.publish(message, routing_key="trial", timeout=10)
            assert (await queue.get(timeout=10)).body == b"hello"
            await connection.close()
    finally:
        broker.stop()
    assert not any(child.is_running for child in broker.children)


def test_without_rabbitmq_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(rabbitmq, "installed_programs", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotRunnable, match="TANDEM_AMQP_URL"):
        rabbitmq.find_programs()


def test_service_of_a_package_stays_down_while_it_is_installed(monkeypatch, tmp_path):
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(rabbitmq, "POLICY", policy)
    with rabbitmq.services_kept_down():
        assert os.access(policy, os.X_OK)
    assert not policy.exists()
    policy.write_text("theirs")
    with rabbitmq.services_kept_down():
        pass
    assert policy.read_text() == "theirs"
