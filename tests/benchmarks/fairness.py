"""One bank floods, another bank's customer pays every 200 ms: how long the second waits, without and with the flood.

Real validators; the flood is a closed loop through all of them that always has more pending than a block takes. Neither
bank has a quota, so that only the turns in a block stand between the two.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import ACCOUNT_REGISTRY, BATCH
from contracts.declarations import encode_call
from contracts.native.batch import CALLS_MAX
from contracts.native.directory import lookup
from contracts.native.dispatch import find_function
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.dev_accounts import CAROL, GOVERNOR
from tests.benchmarks.payments import EUR, Sender, SignedPayment, make_senders, sign_payment, sign_rounds
from tests.benchmarks.report import keep, spread
from tests.benchmarks.throughput import CALL_LIST, ask, fund, measure
from tests.e2e.cluster import running_devnet

PERIOD_S = 0.2
WAIT_MS = 30_000
"""Longest wait for one payment; longer is a broken run."""
POLL_S = 0.01
GAS_LIMIT = 5_000_000
FLOODING_BANK, OTHER_BANK, OTHER_PAYER = make_senders(1_003)[1_000:]


@dataclass
class Flood:
    """What the flooding bank has sent."""

    in_flight_max: int
    names: set[str] = field(default_factory=set)
    final_count: int = 0
    refused: int = 0
    shares: list[tuple[int, int]] = field(default_factory=list)
    """Of each block since the other bank pays: payments of the flood, payments of the other bank."""
    is_over: bool = False
    is_full: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once as much is in flight as ever will be."""


def call_data(target: Address, name: str, *values: AbiValue) -> bytes:
    """Return the call data of a system contract's function."""
    contract = lookup(target)
    assert contract is not None
    return encode_call(find_function(contract, name), *values)


def sign_call(private_key: bytes, nonce: int, to: Address, data: bytes) -> SignedPayment:
    """Return a signed transaction."""
    raw = sign_dynamic_fee_transaction(
        private_key, chain_id=DEVNET_CHAIN_ID, nonce=nonce, gas_limit=GAS_LIMIT, to=to, data=data
    )
    return SignedPayment(raw, keccak256(raw))


def register(urls: list[str], senders: Sequence[Sender]) -> None:
    """Make two banks without quota: one sponsors all senders, the other one a single payer."""
    banks = (FLOODING_BANK, OTHER_BANK)
    named = zip(banks, ("Flooding Bank", "Other Bank"), ("FLOODEFF", "OTHRDEFF"), strict=True)
    registrations = [
        sign_call(
            GOVERNOR.private_key,
            nonce,
            ACCOUNT_REGISTRY,
            call_data(ACCOUNT_REGISTRY, "registerBank", bank.address, name, bic, 0),
        )
        for nonce, (bank, name, bic) in enumerate(named)
    ]
    settle(urls, registrations)
    calls = [
        (ACCOUNT_REGISTRY, call_data(ACCOUNT_REGISTRY, "registerAccount", sender.address, 0)) for sender in senders
    ]
    batches = [calls[start : start + CALLS_MAX] for start in range(0, len(calls), CALLS_MAX)]
    customer = call_data(ACCOUNT_REGISTRY, "registerAccount", OTHER_PAYER.address, 0)
    settle(
        urls,
        [
            *(
                sign_call(FLOODING_BANK.private_key, nonce, BATCH, call_data(BATCH, "execute", batch))
                for nonce, batch in enumerate(batches)
            ),
            sign_call(OTHER_BANK.private_key, 0, ACCOUNT_REGISTRY, customer),
        ],
    )


def settle(urls: list[str], transactions: Sequence[SignedPayment]) -> None:
    """Send transactions and wait until all are final."""
    run = asyncio.run(measure(urls[:1], [list(transactions)], in_flight_max=len(transactions)))
    assert not run.refused, run.refused


async def flood(session: aiohttp.ClientSession, url: str, queue: deque[SignedPayment], state: Flood) -> None:
    """Send as long as the other bank pays, always up to the window."""
    while queue and not state.is_over:
        if len(state.names) - state.final_count - state.refused >= state.in_flight_max:
            state.is_full.set()
            await asyncio.sleep(POLL_S)
            continue
        batch = [queue.popleft() for _ in range(min(CALL_LIST, len(queue)))]
        state.names.update("0x" + payment.hash.hex() for payment in batch)
        answers = await ask(session, url, [("eth_sendRawTransaction", ["0x" + payment.raw.hex()]) for payment in batch])
        state.refused += sum("error" in answer for answer in answers)


async def follow(session: aiohttp.ClientSession, url: str, state: Flood) -> None:
    """Count whose payments stand in each block."""
    (answer,) = await ask(session, url, [("eth_blockNumber", [])])
    height = int(str(answer["result"]), 16)
    while not state.is_over:
        (answer,) = await ask(session, url, [("eth_getBlockByNumber", [hex(height + 1), False])])
        block = answer.get("result")
        if not isinstance(block, dict):
            await asyncio.sleep(POLL_S)
            continue
        height += 1
        of_flood = sum(name in state.names for name in block["transactions"])
        state.final_count += of_flood
        if block["transactions"]:
            state.shares.append((of_flood, len(block["transactions"]) - of_flood))


@dataclass
class Waits:
    """How long the other bank's payments took."""

    milliseconds: list[float] = field(default_factory=list)
    """From sending to the final receipt."""
    blocks: list[float] = field(default_factory=list)
    """From the last final block when it was sent to its own; 1 is the next block."""

    def summary(self) -> dict[str, dict[str, float]]:
        return {"submit_to_final_ms": spread(self.milliseconds), "blocks": spread(self.blocks)}


async def pay(session: aiohttp.ClientSession, url: str, nonces: Iterator[int], count: int) -> Waits:
    """Pay at a steady beat."""
    waits = Waits()
    for nonce in itertools.islice(nonces, count):
        payment = sign_payment(OTHER_PAYER.private_key, nonce, CAROL.address, 1)
        (head,) = await ask(session, url, [("eth_blockNumber", [])])
        started = time.perf_counter()
        (answer,) = await ask(session, url, [("eth_sendRawTransactionSync", ["0x" + payment.raw.hex(), WAIT_MS])])
        elapsed_s = time.perf_counter() - started
        receipt = answer.get("result")
        assert isinstance(receipt, dict), answer
        assert receipt["status"] == "0x1", answer
        waits.milliseconds.append(1000 * elapsed_s)
        waits.blocks.append(int(str(receipt["blockNumber"]), 16) - int(str(head["result"]), 16))
        await asyncio.sleep(max(0.0, PERIOD_S - elapsed_s))
    return waits


async def compare(
    urls: list[str], lanes: list[list[SignedPayment]], count: int, in_flight_max: int
) -> tuple[Waits, Waits, Flood]:
    """Return the other bank's waits without and with the flood, and what the flood did."""
    queues: list[deque[SignedPayment]] = [deque() for _ in urls]
    for place, queue in enumerate(queues):
        for turn in itertools.zip_longest(*lanes[place :: len(urls)]):
            queue.extend(payment for payment in turn if payment is not None)
    state = Flood(in_flight_max)
    nonces = itertools.count()
    async with aiohttp.ClientSession() as session:
        alone = await pay(session, urls[0], nonces, count)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(session, urls[0], state))
            for url, queue in zip(urls, queues, strict=True):
                tasks.create_task(flood(session, url, queue, state))
            # The flood fills the mempool first.
            await state.is_full.wait()
            state.shares.clear()
            flooded = await pay(session, urls[0], nonces, count)
            assert any(queues), "the flood ended before the other bank's payments: send more"
            state.is_over = True
    return alone, flooded, state


def main(arguments: list[str]) -> None:
    """Measure one configuration."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks fairness")
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--senders", type=int, default=500, help="accounts of the flooding bank")
    parser.add_argument("--flood", type=int, default=100_000, help="payments ready to be sent")
    parser.add_argument("--in-flight", type=int, default=8_000, help="payments of the flood sent and not yet final")
    parser.add_argument("--payments", type=int, default=25, help="of the other bank, without and with the flood each")
    parser.add_argument("--rpc-port", type=int, default=18_745)
    options = parser.parse_args(arguments)
    senders = make_senders(options.senders)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_devnet(Path(folder) / "devnet", options.rpc_port, "--validators", str(options.validators)) as cluster,
    ):
        fund(cluster.urls, [*senders, OTHER_PAYER], EUR, nonce_first=0)
        register(cluster.urls, senders)
        lanes = sign_rounds(senders, options.flood // options.senders)
        alone, flooded, state = asyncio.run(compare(cluster.urls, lanes, options.payments, options.in_flight))
    both = [share for share in state.shares if share[1]]
    keep(
        "fairness",
        vars(options),
        {
            "other_bank": {"alone": alone.summary(), "during_the_flood": flooded.summary()},
            "flood_payments_final": state.final_count,
            "flood_refused": state.refused,
            "flood_payments_per_block": spread([float(share[0]) for share in state.shares]),
            "blocks_with_payments_of_both": len(both),
        },
    )
