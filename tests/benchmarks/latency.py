"""One payment at a time on an idle chain: from sending to the final receipt, through the node's own waiting call."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp

from node.dev_accounts import ALICE, BOB
from tests.benchmarks.payments import sign_payment
from tests.benchmarks.report import keep, spread
from tests.benchmarks.throughput import ask
from tests.e2e.cluster import running_devnet

PAUSE_S = 0.3
"""Longer than a block interval, so that each payment finds the chain idle."""


async def measure(urls: list[str], count: int) -> list[float]:
    """Return the milliseconds of each payment, sent through the validators in turn."""
    latencies = []
    async with aiohttp.ClientSession() as session:
        for nonce in range(count):
            payment = sign_payment(ALICE.private_key, nonce, BOB.address, 1)
            url = urls[nonce % len(urls)]
            await asyncio.sleep(PAUSE_S)
            started = time.perf_counter()
            (answer,) = await ask(session, url, [("eth_sendRawTransactionSync", ["0x" + payment.raw.hex()])])
            latencies.append(1000 * (time.perf_counter() - started))
            receipt = answer.get("result")
            assert isinstance(receipt, dict) and receipt["status"] == "0x1", answer
    return latencies


def main(arguments: list[str]) -> None:
    """Measure one configuration."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks latency")
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--payments", type=int, default=100)
    parser.add_argument("--rpc-port", type=int, default=18_645)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_devnet(Path(folder) / "devnet", options.rpc_port, "--validators", str(options.validators)) as cluster,
    ):
        latencies = asyncio.run(measure(cluster.urls, options.payments))
    keep("latency", vars(options), {"submit_to_final_ms": spread(latencies)})
