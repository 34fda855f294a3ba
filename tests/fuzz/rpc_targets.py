"""JSON-RPC: bodies and calls of every method with hostile parameters, on the real backend over a small chain."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from consensus.light.attestation import AttestationDomain
from consensus.primitives.hashing import keccak256
from contracts.addresses import OFFLINE_LOCKS
from node.mempool.admission import Admission
from node.mempool.pool import Pool, PoolLimits
from node.mempool.waiters import Waiters
from node.rpc.block_tags import resolve_block
from node.rpc.call_list import METHODS, CallLists
from node.rpc.cursors import place_cursor
from node.rpc.errors import RpcError
from node.rpc.methods import Context, RpcLimits
from node.rpc.node_backend import BackendParts, NodeBackend
from node.rpc.parameters import (
    read_address,
    read_bool,
    read_count,
    read_data,
    read_hash,
    read_object,
    read_quantity,
    read_sequence,
    read_slot,
)
from node.runtime.validator_node import ValidatorNode
from node.validator.attestor import Attestor
from node.validator.committees import CommitteeBook
from tests.fuzz.file_targets import scratch
from tests.fuzz.mutators import HOSTILE_JSON, HUGE_INTEGER, change_json, mutate_bytes, mutate_json
from tests.fuzz.promise import Bound, Target
from tests.node.execution.ledger import ALICE, ALICE_KEY, BOB, BOB_KEY, EUR, raw_payment
from tests.node.rpc.fakes import Recorder
from tests.node.runtime.manual import InstantWorkers, ManualTime
from tests.node.runtime.small_network import SmallNetwork

TURNS_MAX = 300
"""Turns of the event loop until a call is answered, but for those that wait for finality."""

RESPONSE_BYTES_MAX = 2_000_000
"""Far above every answer of a chain of a few blocks."""


class _Broken(AssertionError):
    """The answer is no JSON-RPC, or a bug was met on the way."""


@cache
def _node() -> ValidatorNode:
    """Return a node alone in its network, with three payments in its chain."""
    network = SmallNetwork(scratch("rpc-node"), count=1)
    network.start()
    (bank,) = network.banks
    for nonce in range(3):
        bank.submit(raw_payment(ALICE_KEY, nonce, BOB, 5))
        network.run_until(lambda wanted=nonce: bank.height > wanted, within_ms=20_000)  # type: ignore[misc]  # a default binds it
    assert bank.node is not None
    return bank.node


@cache
def _calls() -> tuple[CallLists, Recorder]:
    node = _node()
    time, workers, pool = ManualTime(), InstantWorkers(), Pool(PoolLimits())
    admission = Admission(
        pool=pool,
        ledger=node,
        workers=workers,
        clock=time,
        timers=time,
        chain_id=node.domain.chain_id,
        block_gas_limit=lambda: node.epochs.rules.limits.block_gas_max,
        admitted=lambda _pooled: None,
        failed=_fail,
    )
    backend = NodeBackend(
        BackendParts(
            chain=node.chain,
            pool=pool,
            admission=admission,
            waiters=Waiters(),
            workers=workers,
            clock=time,
            chain_id=node.domain.chain_id,
            epochs=node.epochs,
            attestor=Attestor(
                node.chain,
                CommitteeBook(node.chain, node.epochs.set_of).at,
                AttestationDomain(node.domain.chain_id, OFFLINE_LOCKS),
                None,
            ),
            version="test",
            proof_window_blocks=16,
            call_timeout_ms=5_000,
            link_count=lambda: 0,
            height_best=lambda: node.tree.final_height,
            is_syncing=lambda: False,
            limits=dict,
        )
    )
    recorder = Recorder()
    return CallLists(Context(backend, RpcLimits()), recorder), recorder


def _fail(error: BaseException) -> None:
    raise error


def _answer(data: bytes) -> None:
    """Have a body answered; a call that waits for finality is given up like a client that leaves."""
    calls, recorder = _calls()
    recorder.answers.clear()
    recorder.incidents.clear()

    async def run() -> bytes:
        task = asyncio.ensure_future(calls.answer(data))
        for _ in range(TURNS_MAX):
            if task.done():
                return task.result()
            await asyncio.sleep(0)
        task.cancel()
        if b"eth_sendRawTransaction" not in data:
            raise _Broken(f"no answer after {TURNS_MAX} turns")
        return b""

    answer = asyncio.run(run())
    for _, method, error in recorder.incidents:
        raise _Broken(f"{method} met a bug") from error
    if len(answer) > RESPONSE_BYTES_MAX:
        raise _Broken(f"an answer of {len(answer)} bytes")
    if answer:
        found = json.loads(answer)
        for part in found if isinstance(found, list) else [found]:
            if part["jsonrpc"] != "2.0" or ("result" in part) == ("error" in part):
                raise _Broken(f"no answer: {part}")


@cache
def _known() -> dict[str, tuple[Any, ...]]:
    """Return good values of each parameter."""
    node = _node()
    block = node.chain.block(node.tree.final_height)
    assert block is not None
    digest, transactions = f"0x{block.block_hash.hex()}", [node.chain.block(height) for height in (1, 2)]  # type: ignore[arg-type]  # plain heights
    found = [raw for stored in transactions if stored is not None for raw in stored.transactions]
    hashes = [f"0x{_hash(raw)}" for raw in found] or [digest]
    blocks = (
        "latest",
        "pending",
        "earliest",
        "safe",
        "0x0",
        "0x1",
        digest,
        {"blockHash": digest},
        {"blockNumber": "0x1"},
    )
    addresses = tuple(f"0x{address.hex()}" for address in (ALICE, BOB, EUR))
    call = {"from": addresses[0], "to": addresses[2], "data": "0x18160ddd", "gas": "0x100000", "value": "0x0"}
    creation = {"data": "0x6000"}
    return {
        "fromEpoch": (0, "0x0", 1),
        "block": blocks,
        "newestBlock": blocks,
        "blockHash": (digest,),
        "transactionHash": tuple(hashes),
        "address": addresses,
        "slot": ("0x0", "0x1", "0x" + "00" * 32),
        "storageKeys": (["0x0"], ["0x" + "00" * 32], []),
        "blockCount": ("0x1", 2, "0x400"),
        "rewardPercentiles": ([], [25, 75.5]),
        "fullTransactions": (True, False),
        "index": ("0x0", "0x1"),
        "filter": (
            {"fromBlock": "0x0", "toBlock": "latest", "address": addresses[2], "topics": [None, [hashes[0]]]},
            {"blockHash": digest},
        ),
        "call": (call, creation),
        "stateOverrides": (None, {}, {addresses[0]: {"balance": "0x1"}}),
        "blockOverrides": (None, {}, {"number": "0x1"}),
        "transaction": (
            f"0x{raw_payment(BOB_KEY, 0, ALICE, 1).hex()}",
            f"0x{raw_payment(BOB_KEY, 9, ALICE, 1).hex()}",
        ),
        "timeout_ms": (0, 1, "0x1"),
        "data": ("0x", "0x00ff"),
        "account": addresses,
        "config": ({}, {"tracer": "callTracer"}, {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}),
        "callConfig": ({}, {"tracer": "callTracer", "stateOverrides": {}, "blockOverrides": {"number": "0x1"}}),
        "currency": ("EUR", addresses[2]),
        "cursor": (None, addresses[0], place_cursor(1, 0)),
        "filterId": ("0x1",),
        "fromHeight": (0, "0x1"),
        "toHeight": (None, "0x1"),
        "limit": (None, 1),
        "message": ("0x00ff",),
        "blockNumber": (1, "0x2"),
        "attested": (
            {"kind": "revocations"},
            {"kind": "lock", "id": "0x" + "11" * 32},
            {"kind": "purse", "id": "0x" + "11" * 32, "height": 0},
        ),
        "attestedHeight": (0, "0x0"),
        "blockOrHeight": (*blocks, 1),
        "nonce": (0, "0x1"),
        "pageNumber": (0, 1),
        "pageSize": (1, 25),
        "payload": ({"blockStateCalls": [{"calls": [call, creation]}], "traceTransfers": True},),
        "proof": (None, True, False),
        "requests": ({addresses[2]: ["0x0"]}, {}),
        "sender": addresses,
        "kind": ("newHeads", "logs", "finalizations", "positions", "newPendingTransactions", "syncing"),
        "options": (
            None,
            {},
            {"fromHeight": 0},
            {"address": addresses[2]},
            {"currency": "EUR", "account": addresses[0]},
        ),
        "subscriptionId": ("0x1",),
    }


def _hash(raw: bytes) -> str:
    return keccak256(raw).hex()


def _call(name: str, choose: Callable[[Sequence[Any]], Any]) -> dict[str, Any]:
    names = METHODS[name].parameter_names.split()
    return {"jsonrpc": "2.0", "id": 1, "method": name, "params": [choose(_known()[part]) for part in names]}


def _bodies() -> list[bytes]:
    calls = [_call(name, lambda values: values[0]) for name in METHODS]
    return [*(json.dumps(call).encode() for call in calls), json.dumps(calls[:8]).encode()]


def mutate_calls(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a call, or a list of them, with hostile parameters of the right or a wrong type."""
    kind = drawn.random()
    if kind < 0.1:
        return mutate_json(drawn, seeds)
    calls = []
    for _ in range(1 if kind < 0.9 else drawn.choice((2, 8, 101))):
        call = _call(drawn.choice(list(METHODS)), drawn.choice)
        if call["params"] and drawn.random() < 0.9:
            at = drawn.randrange(len(call["params"]))
            hostile = drawn.choice(HOSTILE_JSON)
            call["params"][at] = hostile if drawn.random() < 0.4 else change_json(drawn, call["params"][at])
        if drawn.random() < 0.1:
            call["params"].append(drawn.choice(HOSTILE_JSON))
        if drawn.random() < 0.1:
            call[drawn.choice(("id", "jsonrpc", "method", "params"))] = drawn.choice(HOSTILE_JSON)
        calls.append(call)
    text = json.dumps(calls if len(calls) > 1 else calls[0])
    return text.replace(f'"{HUGE_INTEGER}"', "9" * 4_400).encode()


READERS: tuple[Callable[[object], object], ...] = (
    lambda value: read_data(value, "x"),
    lambda value: read_quantity(value, "x"),
    lambda value: read_count(value, "x", 1_000),
    lambda value: read_hash(value, "x"),
    lambda value: read_address(value, "x"),
    lambda value: read_slot(value, "x"),
    lambda value: read_bool(value, "x"),
    lambda value: read_sequence(value, "x"),
    lambda value: read_object(value, "x", frozenset({"a"})),
)


class _Head:
    """As much of a ledger as a block tag needs."""

    def head(self) -> Any:
        return _calls()[0]._context.backend.head()

    def earliest_height(self) -> int:
        return 0

    def height_of(self, block_hash: bytes) -> int | None:
        return None


def _parameter(data: bytes) -> None:
    """Read one value as every type of parameter; each reader accepts it or says what it wanted."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    reads: Any = _Head()
    readers: tuple[Callable[[object], object], ...] = (*READERS, lambda found: resolve_block(found, reads))
    for read in readers:
        try:
            read(value)
        except RpcError as error:
            assert len(str(error)) < 400, "an error repeats too much of what was sent"


def _parameters() -> list[bytes]:
    return [json.dumps(value).encode() for values in _known().values() for value in values]


TARGETS = (
    Target(
        "rpc-calls",
        "node.rpc.call_list:CallLists.answer",
        _bodies,
        mutate_calls,
        _answer,
        (),
        # Up to a hundred calls, each of which may read every block of the chain.
        steps=Bound(400_000, 300),
        allocation=Bound(16 * 1024 * 1024, 100),
    ),
    Target(
        "rpc-body",
        "node.rpc.call_list:CallLists.answer",
        _bodies,
        mutate_bytes,
        _answer,
        (),
        steps=Bound(400_000, 300),
        allocation=Bound(16 * 1024 * 1024, 100),
    ),
    Target(
        "rpc-parameter",
        "node.rpc.parameters:read_data",
        _parameters,
        mutate_json,
        _parameter,
        (),
        allocation=Bound(1024 * 1024, 80),
    ),
)
