"""Finalized transfers per second with real validators: processes, TLS, fsync, every signature checked by each."""

import argparse
import asyncio
import json
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from consensus.chain.transaction import created_address, sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.dev_accounts import ALICE
from tests.benchmarks.evm import token_code
from tests.benchmarks.payments import EUR, Sender, SignedPayment, make_senders, sign_payment, sign_rounds
from tests.benchmarks.report import cpu_seconds, keep, resident_mib, spread
from tests.e2e.cluster import running_devnet

CALL_LIST = 50
PENDING_MAX = 64
"""Pending transactions a node holds for one sender."""
POLL_S = 0.01
FUNDING_UNITS = 1_000
RUN_MAX_S = 240.0
"""A run that has not ended by then is broken."""


@dataclass
class Run:
    """What happened to each payment."""

    in_flight_max: int
    submitted_at: dict[Hash32, float] = field(default_factory=dict)
    final_at: dict[Hash32, float] = field(default_factory=dict)
    blocks: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        return len(self.submitted_at) - len(self.final_at) - len(self.refused)


async def ask(
    session: aiohttp.ClientSession, url: str, calls: list[tuple[str, list[object]]]
) -> list[dict[str, object]]:
    """Return the answers to one call list, in its order."""
    body = [
        {"jsonrpc": "2.0", "id": place, "method": name, "params": given} for place, (name, given) in enumerate(calls)
    ]
    async with session.post(url, json=body) as answer:
        answers: list[dict[str, object]] = await answer.json()
    return answers


async def submit(session: aiohttp.ClientSession, url: str, queue: deque[SignedPayment], run: Run) -> None:
    """Send a queue through one validator, never more than the run's window in flight altogether."""
    while queue:
        if run.in_flight >= run.in_flight_max:
            await asyncio.sleep(POLL_S)
            continue
        batch = [queue.popleft() for _ in range(min(CALL_LIST, len(queue)))]
        now = time.perf_counter()
        for payment in batch:
            run.submitted_at[payment.hash] = now
        answers = await ask(session, url, [("eth_sendRawTransaction", ["0x" + payment.raw.hex()]) for payment in batch])
        run.refused.extend(json.dumps(answer["error"]) for answer in answers if "error" in answer)


async def follow(session: aiohttp.ClientSession, url: str, run: Run, expected: int) -> None:
    """Note when each payment stands in a final block."""
    height = 0
    while len(run.final_at) + len(run.refused) < expected:
        (answer,) = await ask(session, url, [("eth_getBlockByNumber", [hex(height + 1), False])])
        block = answer.get("result")
        if not isinstance(block, dict):
            await asyncio.sleep(POLL_S)
            continue
        height += 1
        now = time.perf_counter()
        found = [Hash32(bytes.fromhex(name[2:])) for name in block["transactions"]]
        mine = [name for name in found if name in run.submitted_at]
        for name in mine:
            run.final_at[name] = now
        if mine:
            run.blocks.append(len(mine))


async def measure(urls: list[str], lanes: list[list[SignedPayment]], in_flight_max: int) -> Run:
    """Send every lane through one validator and return when all is final."""
    run = Run(in_flight_max)
    queues: list[deque[SignedPayment]] = [deque() for _ in urls]
    for place, queue in enumerate(queues):
        mine = lanes[place :: len(urls)]
        for turn in range(max((len(lane) for lane in mine), default=0)):
            queue.extend(lane[turn] for lane in mine if turn < len(lane))
    expected = sum(len(queue) for queue in queues)
    async with aiohttp.ClientSession() as session, asyncio.timeout(RUN_MAX_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(follow(session, urls[0], run, expected))
        for url, queue in zip(urls, queues, strict=True):
            tasks.create_task(submit(session, url, queue, run))
    return run


def create_token(urls: list[str]) -> Address:
    """Create an ERC-20 contract, all of whose units belong to the account that funds the senders."""
    init, _ = token_code()
    raw = sign_dynamic_fee_transaction(
        ALICE.private_key, chain_id=DEVNET_CHAIN_ID, nonce=0, gas_limit=2_000_000, to=None, data=init
    )
    creation = SignedPayment(raw, keccak256(raw))
    run = asyncio.run(measure(urls[:1], [[creation]], in_flight_max=1))
    assert not run.refused, run.refused
    return created_address(ALICE.address, 0)


def fund(urls: list[str], senders: list[Sender], token: Address, *, nonce_first: int) -> None:
    """Give every sender money, through one account."""
    funding = [
        sign_payment(ALICE.private_key, nonce, sender.address, FUNDING_UNITS, token)
        for nonce, sender in enumerate(senders, nonce_first)
    ]
    run = asyncio.run(measure(urls[:1], [funding], in_flight_max=PENDING_MAX - CALL_LIST))
    assert not run.refused, run.refused[:3]


async def count_failed(url: str, run: Run) -> int:
    """Return how many of the final transactions failed, by their receipts."""
    names = list(run.final_at)
    failed = 0
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(names), CALL_LIST):
            calls: list[tuple[str, list[object]]] = [
                ("eth_getTransactionReceipt", ["0x" + name.hex()]) for name in names[start : start + CALL_LIST]
            ]
            for answer in await ask(session, url, calls):
                receipt = answer["result"]
                assert isinstance(receipt, dict)
                failed += receipt["status"] != "0x1"
    return failed


def main(arguments: list[str]) -> None:
    """Measure one configuration."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks throughput")
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--senders", type=int, default=500)
    parser.add_argument("--payments", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=1_500, help="closed loop: payments sent and not yet final")
    parser.add_argument("--contract", action="store_true", help="an ERC-20 contract instead of a native currency")
    parser.add_argument("--rpc-port", type=int, default=18_545)
    options = parser.parse_args(arguments)
    senders = make_senders(options.senders)
    rounds = options.payments // options.senders
    with (
        tempfile.TemporaryDirectory() as folder,
        running_devnet(Path(folder) / "devnet", options.rpc_port, "--validators", str(options.validators)) as cluster,
    ):
        token = create_token(cluster.urls) if options.contract else EUR
        fund(cluster.urls, senders, token, nonce_first=int(options.contract))
        lanes = sign_rounds(senders, rounds, token=token)
        process_ids = [validator.process_id for validator in cluster.validators]
        cpu_before, started = cpu_seconds(process_ids), time.perf_counter()
        run = asyncio.run(measure(cluster.urls, lanes, options.in_flight))
        cpu_used = cpu_seconds(process_ids) - cpu_before
        seconds = max(run.final_at.values()) - started
        memory = resident_mib(process_ids)
        failed = asyncio.run(count_failed(cluster.urls[0], run))
    latencies = [1000 * (run.final_at[name] - run.submitted_at[name]) for name in run.final_at]
    keep(
        "throughput",
        {"workload": "ERC-20 contract transfer" if options.contract else "native transfer", **vars(options)},
        {
            "finalized": len(run.final_at),
            "refused": len(run.refused),
            "failed": failed,
            "seconds": round(seconds, 2),
            "transfers_per_second": round(len(run.final_at) / seconds),
            "transfers_per_core_second_of_all_validators": round(len(run.final_at) / cpu_used),
            "cpu_us_per_transfer_and_validator": round(1e6 * cpu_used / len(run.final_at) / options.validators),
            "submit_to_final_ms": spread(latencies),
            "block_transfers": spread(run.blocks),
            "resident_mib": memory,
        },
    )
