"""Payments without a network: bytes and frames of each message, seconds of an exchange, redemptions per second.

An exchange is four `sycee` processes one after the other; redemptions are vouchers of many locks, each larger than the
one before, on real validators.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.addresses import OFFLINE_LOCKS
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.offline.contract import OFFLINE_LOCKS as CONTRACT
from contracts.offline.typed_data import LockTerms, domain_separator, lock_id, voucher_digest
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.dev_accounts import ALICE, BOB
from tests.benchmarks.payments import EUR, Sender, SignedPayment, make_senders, sign_payment
from tests.benchmarks.report import cpu_seconds, keep, spread
from tests.benchmarks.throughput import CALL_LIST, PENDING_MAX, count_failed, measure
from tests.e2e.cluster import Cluster, running_devnet
from tests.e2e.offline.people import exchange, make_person
from wallet_cli.offline.frames import FrameType, split
from wallet_cli.offline.ledger import lock_tuple
from wallet_cli.offline.signer import sign_digest

OPEN: Final = find_function(CONTRACT, "open")
REDEEM: Final = find_function(CONTRACT, "redeem")
DAY_S: Final = 24 * 3_600
GAS_LIMIT: Final = 300_000
DEPOSIT: Final = 10_000
STEP: Final = 3
"""Minor units that each voucher adds."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Payers with a lock each; every payer's own key is the lock's device."""

    payers: Sequence[Sender]
    now_s: int

    def terms(self, place: int) -> LockTerms:
        """Return the terms of a payer's lock."""
        payer = self.payers[place]
        return LockTerms(payer.address, BOB.address, ZERO_ADDRESS, EUR, payer.address, 1, 0)

    def opening(self, place: int) -> SignedPayment:
        """Return the payer's first transaction."""
        times = (self.now_s + 5 * DAY_S, self.now_s + 12 * DAY_S)
        return _signed(self.payers[place], 0, encode_call(OPEN, lock_tuple(self.terms(place)), DEPOSIT, *times))

    def redemption(self, place: int, turn: int) -> SignedPayment:
        """Return the payer's next transaction: a voucher of STEP more."""
        payer, terms = self.payers[place], self.terms(place)
        cumulative, invoice = STEP * (turn + 1), turn.to_bytes(8, "big")
        separator = domain_separator(DEVNET_CHAIN_ID)
        digest = voucher_digest(separator, lock=lock_id(separator, terms), cumulative=cumulative, invoice=invoice)
        data = encode_call(REDEEM, lock_tuple(terms), cumulative, invoice, sign_digest(payer.private_key, digest))
        return _signed(payer, 1 + turn, data)


def _signed(sender: Sender, nonce: int, data: bytes) -> SignedPayment:
    raw = sign_dynamic_fee_transaction(
        sender.private_key, chain_id=DEVNET_CHAIN_ID, nonce=nonce, gas_limit=GAS_LIMIT, to=OFFLINE_LOCKS, data=data
    )
    return SignedPayment(raw, keccak256(raw))


def exchanges(folder: Path, count: int) -> dict[str, object]:
    """Return seconds of an exchange by pictures and by files, and the sizes of its messages."""
    devnet = folder / "devnet"
    alice, bob = make_person(devnet, "alice"), make_person(devnet, "bob")
    bob.type("offline", "sync")
    bob.type("offline", "card", "--name", "Bakery", "--out", "card.sycee")
    alice.type("offline", "lock", "bob", "50.00 EUR", "--card", "card.sycee")
    seconds = {
        via: [exchange(alice, bob, "1.23 EUR", via=via, stem=f"{via}-{number}") for number in range(count)]
        for via in ("file", "png")
    }
    sizes = {}
    for kind in ("card", "file-0-invoice", "file-0-paid", "file-0-receipt"):
        content = (alice.table / f"{kind}.sycee").read_bytes()
        sizes[kind.removeprefix("file-0-")] = {
            "bytes": len(content),
            "frames": len(split(content, FrameType.CBOR)),
        }
    return {"exchange_s": {via: spread(values) for via, values in seconds.items()}, "messages": sizes}


def redemptions(cluster: Cluster, *, locks: int, each: int, in_flight: int) -> dict[str, object]:
    """Return redemptions per second on running validators."""
    opened = Locks(make_senders(locks), int(time.time()))
    paid = [
        sign_payment(ALICE.private_key, nonce, payer.address, 2 * DEPOSIT, EUR)
        for nonce, payer in enumerate(opened.payers, 1)
    ]
    for lanes in ([paid], [[opened.opening(place)] for place in range(locks)]):
        window = PENDING_MAX - CALL_LIST if len(lanes) == 1 else in_flight
        run = asyncio.run(measure(cluster.urls[:1], lanes, in_flight_max=window))
        assert not run.refused, run.refused[:3]
    work = [[opened.redemption(place, turn) for turn in range(each)] for place in range(locks)]
    process_ids = [validator.process_id for validator in cluster.validators]
    cpu_before, started = cpu_seconds(process_ids), time.perf_counter()
    run = asyncio.run(measure(cluster.urls, work, in_flight))
    cpu_used = cpu_seconds(process_ids) - cpu_before
    seconds, count = max(run.final_at.values()) - started, len(run.final_at)
    return {
        "redemptions": count,
        "refused": len(run.refused),
        "failed": asyncio.run(count_failed(cluster.urls[0], run)),
        "redemptions_per_second": round(count / seconds),
        "cpu_us_per_redemption_and_validator": round(1e6 * cpu_used / count / len(process_ids)),
        "submit_to_final_ms": spread([1000 * (run.final_at[name] - run.submitted_at[name]) for name in run.final_at]),
    }


def main(arguments: list[str]) -> None:
    """Measure one configuration."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks offline")
    parser.add_argument("--exchanges", type=int, default=10)
    parser.add_argument("--locks", type=int, default=250)
    parser.add_argument("--each", type=int, default=20, help="vouchers of each lock")
    parser.add_argument("--in-flight", type=int, default=600)
    parser.add_argument("--rpc-port", type=int, default=18_645)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, running_devnet(Path(folder) / "devnet", options.rpc_port) as cluster:
        told = exchanges(Path(folder), options.exchanges)
        told |= redemptions(cluster, locks=options.locks, each=options.each, in_flight=options.in_flight)
    keep("offline", vars(options), told)
