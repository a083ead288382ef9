"""The gateway as a process of its own: serves what it was told to, and ends when asked."""

import asyncio
import os
import signal
import socket
import sys

import httpx
import pytest


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(("schema", "other"), [("d2c", "b2b"), ("b2b", "d2c")])
async def test_process_serves_one_schema_until_sigterm(shop, schema, other):
    port = free_port()
    environment = os.environ | {"TANDEM_PORT": str(port)}
    environment |= {f"TANDEM_{name.upper()}_URL": url for name, url in shop.urls.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "api", "--schema", schema),
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            body = {"query": "{ products(first: 1) { nodes { key price { taxRate } } } }"}
            async with asyncio.timeout(60):
                while True:
                    try:
                        answer = await client.post(f"/{schema}/graphql", json=body)
                        break
                    except httpx.ConnectError:
                        await asyncio.sleep(0.1)
            nodes = answer.json()["data"]["products"]["nodes"]
            assert nodes == [{"key": "P00001", "price": {"taxRate": "0.2"}}]
            assert (await client.post(f"/{other}/graphql", json=body)).status_code == 404
            huge = await client.post(f"/{schema}/graphql", content=b"x" * 10_000_000)
            assert huge.status_code == 413
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
