"""Many clients, honest and hostile, on one node for a while: does it go on answering, and does it leak?

Payers, readers and followers work as fast as they are answered. Beside them somebody opens connections and says
nothing, sends half a request, asks for everything and reads none of it, and sends what is not JSON-RPC. Memory, files
and threads of the node's process are read before, during and after.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType

from node.dev_accounts import ALICE, BOB
from tests.benchmarks.payments import EUR, sign_payment
from tests.benchmarks.report import keep, resident_mib, spread
from tests.e2e.cluster import running_devnet

SAMPLES = 12
"""Readings of the process while it is busy; the slope is between the second third and the last."""

SETTLE_S = 15
"""From the last client's end to the last reading: longer than the node's read time-out."""

JSON_HEADERS = {"Content-Type": "application/json"}
HEAD = b"POST / HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: n\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Soak:
    """One run: where, until when, and what was counted."""

    port: int
    ends_s: float
    counts: Counter[str] = field(default_factory=Counter)
    payments_ms: list[float] = field(default_factory=list)
    """From sending to the final receipt."""
    drawn: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_s


def request(method: str, *parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


async def pay(soak: Soak) -> None:
    """Send payments and wait for each to be final."""
    async with aiohttp.ClientSession() as session:
        for nonce in itertools.count():
            if soak.is_over:
                return
            raw = "0x" + sign_payment(ALICE.private_key, nonce, BOB.address, 1).raw.hex()
            started_s = time.perf_counter()
            # Half a minute: this is about being answered, and the crowd keeps both cores busy.
            async with session.post(soak.url, json=request("eth_sendRawTransactionSync", raw, 30_000)) as response:
                answer = await response.json()
            assert answer.get("result", {}).get("status") == "0x1", answer
            soak.payments_ms.append(1_000 * (time.perf_counter() - started_s))


async def read(soak: Soak) -> None:
    """Ask what wallets and explorers ask."""
    euro, alice = "0x" + EUR.hex(), "0x" + ALICE.address.hex()
    asked = [
        request("eth_getBlockByNumber", "latest", True),
        request("eth_getLogs", {"address": euro, "fromBlock": "latest"}),
        request("sycee_getPosition", "EUR", alice, True),
        request("eth_call", {"to": euro, "data": "0x18160ddd"}, "latest"),
        request("eth_getProof", euro, ["0x1"], "latest"),
        request("sycee_getAddressHistory", alice),
        request("eth_newBlockFilter"),
        request("eth_feeHistory", "0x10", "latest", [50]),
        request("debug_traceBlockByNumber", "latest", {"tracer": "callTracer"}),
    ]
    async with aiohttp.ClientSession() as session:
        while not soak.is_over:
            async with session.post(soak.url, json=asked) as response:
                soak.counts["read calls"] += len(await response.json())


async def follow(soak: Soak) -> None:
    """Subscribe, take some notifications, leave."""
    while not soak.is_over:
        async with aiohttp.ClientSession() as session, session.ws_connect(soak.url) as socket:
            await socket.send_json(request("sycee_subscribe", "newHeads", {"fromHeight": 0}))
            await socket.send_json(request("eth_subscribe", "logs", {}))
            for _ in range(soak.drawn.randrange(1, 400)):
                if soak.is_over:
                    break
                with contextlib.suppress(TimeoutError):
                    message = await socket.receive(timeout=1)
                    if message.type is not WSMsgType.TEXT:
                        break
                    soak.counts["notifications"] += 1


async def sit(soak: Soak) -> None:
    """Open a connection, say nothing or half of something, and wait to be cut."""
    beginnings = (b"", b"POST / HT", HEAD % 100, HEAD % 5_000_000 + b"[" * 200_000, HANDSHAKE, HANDSHAKE + b"\x81\xfe")
    while not soak.is_over:
        reader, writer = await asyncio.open_connection("127.0.0.1", soak.port)
        writer.write(soak.drawn.choice(beginnings))
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(15):
                while await reader.read(65_536):
                    pass
        writer.close()
        soak.counts["half-open connections"] += 1


async def take_nothing(soak: Soak) -> None:
    """Subscribe to everything from genesis, or ask for long answers, and read none of it."""
    subscribe = json.dumps(request("sycee_subscribe", "newHeads", {"fromHeight": 0})).encode()
    frame = bytes((0x81, 0x80 | len(subscribe))) + bytes(4) + subscribe
    body = json.dumps([request("eth_getBlockByNumber", "latest", True)] * 100).encode()
    while not soak.is_over:
        _, writer = await asyncio.open_connection("127.0.0.1", soak.port, limit=1_000)
        writer.write(HANDSHAKE + frame * 50 if soak.drawn.random() < 0.5 else (HEAD % len(body) + body) * 20)
        await asyncio.sleep(soak.drawn.uniform(0, 5))
        writer.transport.abort()
        soak.counts["readers that took nothing"] += 1


async def shout(soak: Soak) -> None:
    """Send what is no JSON-RPC, or too much of it; every answer must be one."""
    deep = b"[" * 100_000
    junk = b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[' + b",".join([b"[]"] * 500_000) + b"]}"
    long_list = json.dumps([request("eth_chainId")] * 10_000).encode()
    async with aiohttp.ClientSession() as session:
        while not soak.is_over:
            noise = soak.drawn.randbytes(soak.drawn.randrange(2_000))
            unknown = json.dumps(request(f"eth_{soak.drawn.randrange(10**9)}", noise.hex())).encode()
            body = soak.drawn.choice((deep, junk, long_list, noise, unknown))
            async with session.post(soak.url, data=body, headers=JSON_HEADERS) as response:
                assert "error" in await response.json(), body[:80]
            soak.counts["bad requests"] += 1


CROWD: tuple[tuple[Callable[[Soak], Coroutine[object, object, None]], int], ...] = (
    (pay, 1),
    (read, 2),
    (follow, 10),
    (sit, 50),
    (take_nothing, 10),
    (shout, 2),
)
"""Who, and how many of them."""


def look(process_id: int) -> dict[str, int]:
    """Return what the process holds now."""
    proc = Path(f"/proc/{process_id}")
    return {
        "resident_mib": resident_mib([process_id])[0],
        "files": len(os.listdir(proc / "fd")),
        "threads": len(os.listdir(proc / "task")),
    }


async def soak_node(port: int, process_id: int, seconds: float) -> dict[str, object]:
    """Run the crowd and return the readings and counts."""
    before = look(process_id)
    soak = Soak(port, time.monotonic() + seconds)
    samples: list[dict[str, int]] = []
    async with asyncio.TaskGroup() as crowd:
        for work, count in CROWD:
            for _ in range(count):
                crowd.create_task(work(soak))
        for _ in range(SAMPLES):
            await asyncio.sleep(seconds / SAMPLES)
            samples.append(look(process_id))
    await asyncio.sleep(SETTLE_S)
    return {
        "before": before,
        "while busy": samples,
        "after": look(process_id),
        "counts": {"payments": len(soak.payments_ms), **soak.counts},
        "submit_to_final_ms": spread(soak.payments_ms),
    }


def main(arguments: list[str]) -> None:
    """Soak the first of some validators."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks rpc_soak")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--validators", type=int, default=1)
    parser.add_argument("--rpc-port", type=int, default=18_745)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_devnet(Path(folder) / "devnet", options.rpc_port, "--validators", str(options.validators)) as cluster,
    ):
        first = cluster.validators[0]
        results = asyncio.run(soak_node(options.rpc_port, first.process_id, options.seconds))
        log = (first.home / "node.log").read_text()
        results["incidents"] = [line for line in log.splitlines() if " rpc_incident " in line][:10]
        results["log"] = {event: log.count(f" {event} ") for event in ("slow_loop", "nullified")}
    keep("rpc_soak", vars(options), results)
