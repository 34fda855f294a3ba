"""Settled deliveries versus payments per second: a security for euros, both legs at once, on real validators.

The seller sends `SettlementEngine.settleNow` with the buyer's signature of the terms: an ERC-20 leg and a native leg.
The same transactions are then run in one process, stage by stage, to see where their time goes.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.chain.transaction import (
    created_address,
    decode_transaction,
    recover_sender,
    sign_dynamic_fee_transaction,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from consensus.primitives.signatures import sign_secp256k1
from contracts.abi import AbiValue, encode, parse_type
from contracts.declarations import encode_call
from contracts.loader import load
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from node.chain.commit import commit_block
from node.chain.records import FinalHead
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.dev_accounts import ALICE
from node.execution.transition import BlockExecution, SignedTransaction
from node.state.reader import FinalState
from node.storage.leveldb import LevelDbStore
from tests.benchmarks.evm import token_code
from tests.benchmarks.payments import EUR, Sender, SignedPayment, make_senders, sign_payment
from tests.benchmarks.report import cpu_seconds, keep, resident_mib, spread
from tests.benchmarks.stages import SENDERS, block_context, fill, one_block
from tests.benchmarks.throughput import CALL_LIST, PENDING_MAX, count_failed, measure
from tests.e2e.cluster import running_devnet

ENGINE: Final = load("SettlementEngine")
SETTLE_NOW: Final = ENGINE.interface.function("settleNow")
APPROVE: Final = find_function(CURRENCY, "approve")

LEG_TYPE: Final = keccak256(b"Leg(address token,address payer,address payee,uint256 amount)")
SETTLEMENT_TYPE: Final = keccak256(
    b"Settlement(Leg[] legs,uint64 validUntil,bytes32 memo,uint256 salt)"
    b"Leg(address token,address payer,address payee,uint256 amount)"
)
DOMAIN_TYPE: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
VALID_UNTIL: Final = 2**63
MEMO: Final = b"benchmark".ljust(32, b"\0")
PRICE, UNITS = 3, 1
FUNDING_UNITS: Final = 10_000
GAS_LIMIT: Final = 400_000
ROUNDS_IN_PROCESS: Final = 6
"""Blocks of settlements run stage by stage; the first one fills caches and is not counted."""


@dataclass(frozen=True, slots=True)
class Market:
    """Who trades what, where."""

    sellers: Sequence[Sender]
    buyers: Sequence[Sender]
    security: Address
    engine: Address

    def domain(self) -> Hash32:
        """Return the EIP-712 domain separator of the engine."""
        words = (DOMAIN_TYPE, keccak256(b"SettlementEngine"), keccak256(b"1"))
        place = DEVNET_CHAIN_ID.to_bytes(32, "big") + bytes(12) + self.engine
        return keccak256(b"".join(words) + place)


def deployments() -> list[bytes]:
    """Return Alice's first two transactions: the security, all of whose units are hers, and the engine."""
    init, _ = token_code()
    codes = (init, ENGINE.init_code)
    return [
        sign_dynamic_fee_transaction(
            ALICE.private_key, chain_id=DEVNET_CHAIN_ID, nonce=nonce, gas_limit=8_000_000, to=None, data=code
        )
        for nonce, code in enumerate(codes)
    ]


def market(pairs: int) -> Market:
    """Return as many sellers and buyers, and where Alice's deployments are."""
    people = make_senders(2 * pairs)
    security, engine = (created_address(ALICE.address, nonce) for nonce in range(2))
    return Market(people[:pairs], people[pairs:], security, engine)


def fundings(trading: Market) -> list[SignedPayment]:
    """Return Alice's payments: securities to sellers, euros to buyers."""
    paid = [(seller, trading.security) for seller in trading.sellers] + [(buyer, EUR) for buyer in trading.buyers]
    return [
        sign_payment(ALICE.private_key, nonce, person.address, FUNDING_UNITS, token)
        for nonce, (person, token) in enumerate(paid, 2)
    ]


def approvals(trading: Market) -> list[SignedPayment]:
    """Return everybody's first transaction: what the engine may move."""
    allowed = [(seller, trading.security) for seller in trading.sellers] + [(buyer, EUR) for buyer in trading.buyers]
    return [_signed(person, 0, token, encode_call(APPROVE, trading.engine, 2**200)) for person, token in allowed]


def settlement(trading: Market, pair: int, turn: int) -> SignedPayment:
    """Return one delivery versus payment, sent by the seller with the buyer's consent."""
    seller, buyer = trading.sellers[pair], trading.buyers[pair]
    legs = (
        (trading.security, seller.address, buyer.address, UNITS),
        (EUR, buyer.address, seller.address, PRICE),
    )
    salt = turn * len(trading.sellers) + pair
    digest = _digest(trading, legs, salt)
    r, s, y_parity = sign_secp256k1(buyer.private_key, digest)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + y_parity,))
    data = encode_call(SETTLE_NOW, legs, VALID_UNTIL, MEMO, salt, ((buyer.address, signature),))
    return _signed(seller, 1 + turn, trading.engine, data)


def _digest(trading: Market, legs: Sequence[tuple[AbiValue, ...]], salt: int) -> Hash32:
    kinds = tuple(parse_type(kind) for kind in ("bytes32", "address", "address", "address", "uint256"))
    hashed = b"".join(keccak256(encode(kinds, (LEG_TYPE, *leg))) for leg in legs)
    fields = tuple(parse_type(kind) for kind in ("bytes32", "bytes32", "uint64", "bytes32", "uint256"))
    struct = keccak256(encode(fields, (SETTLEMENT_TYPE, keccak256(hashed), VALID_UNTIL, MEMO, salt)))
    return keccak256(b"\x19\x01" + trading.domain() + struct)


def _signed(sender: Sender, nonce: int, to: Address, data: bytes) -> SignedPayment:
    raw = sign_dynamic_fee_transaction(
        sender.private_key, chain_id=DEVNET_CHAIN_ID, nonce=nonce, gas_limit=GAS_LIMIT, to=to, data=data
    )
    return SignedPayment(raw, keccak256(raw))


def stages() -> dict[str, float]:
    """Return microseconds per settlement of each stage, one process, one thread."""
    trading = market(SENDERS // 2)
    samples: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = LevelDbStore.open(Path(folder) / "ledger.ldb", create=True)
        fill(store, 1_000)
        parent_hash = _prepare(store, trading)
        for turn in range(ROUNDS_IN_PROCESS):
            raws = [settlement(trading, pair, turn).raw for pair in range(len(trading.sellers))]
            # The height behind says which nonce comes next: everybody's first was the approval, in the first block.
            parent_hash = one_block(samples if turn else {}, store, raws, Height(2 + turn), parent_hash)
        store.close()
    return {stage: round(statistics.median(values), 1) for stage, values in samples.items()}


def _prepare(store: LevelDbStore, trading: Market) -> Hash32:
    """Deploy, hand out securities and approve in the first block; return its hash. Everybody has euros already."""
    raws = [*deployments(), *(one.raw for one in fundings(trading)[: len(trading.sellers)])]
    raws += [one.raw for one in approvals(trading)]
    execution = BlockExecution(FinalState(store.snapshot()), block_context(Height(1), keccak256(b"parent")))
    for raw in raws:
        transaction = decode_transaction(raw)
        assert execution.apply(SignedTransaction(transaction, recover_sender(transaction))).succeeded
    executed = execution.seal()
    head = FinalHead(Height(1), executed.block.block_hash, Epoch(0), View(1))
    commit_block(store, executed, head, b"finalization")
    return executed.block.block_hash


def main(arguments: list[str]) -> None:
    """Measure one configuration."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks dvp")
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=250)
    parser.add_argument("--settlements", type=int, default=5_000)
    parser.add_argument("--in-flight", type=int, default=600, help="closed loop: settlements sent and not yet final")
    parser.add_argument("--rpc-port", type=int, default=18_545)
    options = parser.parse_args(arguments)
    trading = market(options.pairs)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_devnet(Path(folder) / "devnet", options.rpc_port, "--validators", str(options.validators)) as cluster,
    ):
        urls = cluster.urls
        made = [SignedPayment(raw, keccak256(raw)) for raw in deployments()]
        for lanes in ([made], [fundings(trading)], [[one] for one in approvals(trading)]):
            window = PENDING_MAX - CALL_LIST if len(lanes) == 1 else options.in_flight
            run = asyncio.run(measure(urls[:1], lanes, in_flight_max=window))
            assert not run.refused, run.refused[:3]
        turns = options.settlements // options.pairs
        trades = [[settlement(trading, pair, turn) for turn in range(turns)] for pair in range(options.pairs)]
        process_ids = [validator.process_id for validator in cluster.validators]
        cpu_before, started = cpu_seconds(process_ids), time.perf_counter()
        run = asyncio.run(measure(urls, trades, options.in_flight))
        cpu_used = cpu_seconds(process_ids) - cpu_before
        seconds = max(run.final_at.values()) - started
        memory = resident_mib(process_ids)
        failed = asyncio.run(count_failed(urls[0], run))
    count = len(run.final_at)
    latencies = [1000 * (run.final_at[name] - run.submitted_at[name]) for name in run.final_at]
    keep(
        "dvp",
        vars(options),
        {
            "finalized": count,
            "refused": len(run.refused),
            "failed": failed,
            "seconds": round(seconds, 2),
            "settlements_per_second": round(count / seconds),
            "cpu_us_per_settlement_and_validator": round(1e6 * cpu_used / count / options.validators),
            "submit_to_final_ms": spread(latencies),
            "block_settlements": spread(run.blocks),
            "resident_mib": memory,
            "us_per_settlement_by_stage": stages(),
        },
    )
