"""A small real chain behind a real backend: payments, a contract that is created and called, a call that fails."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from consensus.chain.transaction import created_address
from consensus.primitives.scalars import Address, Epoch, Height, View
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from node.chain.commit import commit_block, commit_genesis
from node.chain.indexes import INDEX_GROUPS, open_indexes
from node.chain.records import FinalHead
from node.chain.store import ChainStore
from node.execution.builder import build_block
from node.execution.transition import SignedTransaction
from node.mempool.pool import Pool, PoolLimits
from node.rpc.call_list import CallLists
from node.rpc.methods import Context, RpcLimits
from node.rpc.node_backend import BackendParts, NodeBackend
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CHAIN_ID,
    EUR,
    GENESIS_MS,
    context,
    document,
    genesis,
    payment,
    raw_call,
    signed,
)
from tests.node.rpc.fakes import Recorder
from tests.node.runtime.manual import InstantWorkers, ManualTime

NAMESPACES = ("eth", "net", "web3", "sycee", "debug", "ots", "txpool")

_PAY_BOB = encode_call(find_function(CURRENCY, "transfer"), BOB, 7)

# Writes the caller into slot 0, emits a log with its call data, pays Bob 7 minor units of what it holds, and reverts
# with what the currency says if that is refused.
TILL_CODE = (
    bytes.fromhex("33 5f 55")
    + bytes.fromhex("36 5f 5f 37 33 36 5f a1")
    + b"".join(
        bytes((0x5F + len(part),)) + part + bytes((0x60, start, 0x52))
        for start, part in ((0, _PAY_BOB[:32]), (32, _PAY_BOB[32:64]), (64, _PAY_BOB[64:].ljust(32, b"\0")))
    )
    + bytes.fromhex(f"5f 5f 6044 5f 5f 73{EUR.hex()} 5a f1")
    + bytes.fromhex("3d 5f 5f 3e")
)
TILL_CODE += bytes((0x60, len(TILL_CODE) + 7, 0x57)) + bytes.fromhex("3d 5f fd 00 5b 3d 5f f3")
TILL_INIT = bytes.fromhex(f"61{len(TILL_CODE):04x} 80 600a 5f 39 5f f3") + TILL_CODE
TILL = created_address(ALICE, 1)


def creation(nonce: int, init_code: bytes = TILL_INIT) -> SignedTransaction:
    return signed(raw_call(ALICE_KEY, nonce, init_code, to=None, gas=1_000_000))


def till_call(private_key: bytes, nonce: int, data: bytes = b"\xca\xfe\xba\xbe\x01") -> SignedTransaction:
    return signed(raw_call(private_key, nonce, data, to=TILL, gas=300_000))


@cache
def blocks() -> tuple[list[SignedTransaction], ...]:
    """Return the transactions of heights 1 to 3. The first call of the till fails: it holds nothing yet."""
    return (
        [payment(ALICE_KEY, 0, BOB, 5), payment(BOB_KEY, 0, ALICE, 2_000_000)],
        [creation(1), till_call(BOB_KEY, 1)],
        [payment(ALICE_KEY, 2, TILL, 100), till_call(BOB_KEY, 2), till_call(ALICE_KEY, 3, b"")],
    )


@cache
def backend() -> NodeBackend:
    """Return the backend of a node that has executed and stored the chain."""
    return backend_of(blocks())


def backend_of(chain: Sequence[list[SignedTransaction]], groups: Sequence[str] = INDEX_GROUPS) -> NodeBackend:
    """Return the backend of a node that has executed and stored these blocks, with some indexes."""
    store, block_zero = MemoryStore(), genesis()
    commit_genesis(store, block_zero.executed, block_zero.validator_payload)
    indexes = open_indexes(store, document(), groups)
    parent_hash = block_zero.executed.block.block_hash
    for height, transactions in enumerate(chain, 1):
        block = context(block_zero, height=height, parent_hash=parent_hash)
        executed, _ = build_block(FinalState(store.snapshot()), block, transactions)
        assert len(executed.block.transactions) == len(transactions)
        parent_hash = executed.block.block_hash
        commit_block(store, executed, FinalHead(Height(height), parent_hash, Epoch(0), View(height)), None, indexes)
    unused: Any = None
    return NodeBackend(
        BackendParts(
            chain=ChainStore(store),
            pool=Pool(PoolLimits()),
            admission=unused,
            waiters=unused,
            workers=InstantWorkers(),
            clock=ManualTime(GENESIS_MS + 10_000),
            chain_id=CHAIN_ID,
            epochs=unused,
            attestor=unused,
            version="0.1.0",
            proof_window_blocks=16,
            call_timeout_ms=5_000,
            link_count=lambda: 0,
            height_best=lambda: Height(3),
            is_syncing=lambda: False,
            limits=dict,
        )
    )


def calls(recorder: Recorder | None = None, **limits: Any) -> CallLists:
    """Return what answers requests over the chain."""
    return CallLists(Context(backend(), RpcLimits(namespaces=NAMESPACES, **limits)), recorder or Recorder())


def account_hex(address: Address) -> str:
    return f"0x{address.hex()}"


def hash_of(height: int, index: int) -> str:
    """Return the hash of a transaction of the chain."""
    return f"0x{blocks()[height - 1][index].transaction.hash.hex()}"


async def ask(method: str, *parameters: Any, **limits: Any) -> Any:
    """Return the result of a request, or its error."""
    recorder = Recorder()
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
    answer = json.loads(await calls(recorder, **limits).answer(json.dumps(request).encode()))
    assert recorder.incidents == []
    return answer["result"] if "result" in answer else answer["error"]
