"""Calldata of every function of every native contract, on a real journal; and what comes back of a revert."""

import random
from collections.abc import Sequence
from functools import cache

from contracts.abi import AbiValue
from contracts.addresses import CURRENCY_REGISTRY, PROTOCOL_CONFIG, VALIDATOR_REGISTRY, currency_address
from contracts.declarations import encode_call, encode_error, types_of
from contracts.decoding import decode_revert, describe_revert
from contracts.native.directory import lookup
from contracts.native.errors import DISPATCH_ERRORS
from node.execution.native import call_system_contract
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.fuzz.mutators import mutate_bytes
from tests.fuzz.promise import Bound, Target
from tests.node.execution.ledger import ALICE, BOB, DAVE, EUR, context, genesis

CONTRACTS = (EUR, CURRENCY_REGISTRY, VALIDATOR_REGISTRY, PROTOCOL_CONFIG)
ADDRESSES = (*CONTRACTS, currency_address(2), currency_address(2**32 - 1))
CALLERS = (ALICE, BOB, DAVE, EUR)
GAS = (10_000_000, 10_000_000, 10_000_000, 21_000, 1, 0)
WORK_MAX = 100_000
"""Work units of the dearest function many times over; 1 unit is 1 µs."""

WORDS = (0, 1, 2, 31, 32, 33, 64, 96, 2**31, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 1, 2**160 - 1, 2**160)
VALUES: dict[str, AbiValue] = {
    "address": bytes(BOB),
    "address[]": [bytes(BOB), bytes(ALICE)],
    "bytes32[]": [bytes(32), bytes(32)],
    "uint256[]": [1, 2],
    "bool": True,
    "bytes4": b"\x01\x02\x03\x04",
    "bytes32": bytes(32),
    "uint8": 2,
    "uint64": 3,
    "string[]": ("127.0.0.1:25545",),
    "uint256": 5,
    "string": "GBP",
    "bytes": b"data",
}
"""A plain argument of each type."""

# Block 0 is built once; every input begins on it afresh.
_GENESIS = genesis()
_BLOCK = context(_GENESIS)


@cache
def _calls() -> list[bytes]:
    """Return a call of each function: where, who, how ‖ calldata."""
    calls = []
    for place, address in enumerate(CONTRACTS):
        contract = lookup(address)
        assert contract is not None
        for row in contract.functions.values():
            values = [VALUES[kind.canonical] for kind in types_of(row.declaration.parameters)]
            calls.append(bytes((place, 2, 0)) + encode_call(row.declaration, *values))
    return calls


def mutate_call(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return calldata with hostile words, by anybody, anywhere, with little or much gas."""
    seed = drawn.choice(seeds)
    head = bytes((drawn.choice((seed[0], seed[0], drawn.randrange(6))), drawn.randrange(4), drawn.randrange(24)))
    if drawn.random() < 0.2:
        return head + mutate_bytes(drawn, [seed[3:]])
    data = bytearray(seed[3:])
    for _ in range(drawn.randint(1, 3)):
        at = 4 + 32 * drawn.randint(0, (len(data) - 4) // 32)
        word = drawn.choice((*WORDS, int.from_bytes(ALICE, "big"), int.from_bytes(DAVE, "big"), drawn.getrandbits(256)))
        encoded = (word % 2**256).to_bytes(32, "big")
        match drawn.randrange(4):
            case 0:
                data[at:at] = encoded
            case 1:
                del data[at : at + 32]
            case _:
                data[at : at + 32] = encoded
    return head + bytes(data)


def _run(data: bytes) -> None:
    """Run one call: what is refused has a name and changed nothing; what it cost was allowed."""
    place, who, how = (*data[:3], 0, 0, 0)[:3]
    journal = Journal(Overlay(_GENESIS.executed.overlay))
    before = journal.snapshot()
    gas = GAS[how % len(GAS)]
    result = call_system_contract(
        journal,
        _BLOCK,
        address=ADDRESSES[place % len(ADDRESSES)],
        caller=CALLERS[who % len(CALLERS)],
        value=1 if how % 12 == 6 else 0,
        data=data[3:],
        gas=gas,
        is_static=how >= 20,
    )
    assert 0 <= result.gas_used <= gas
    assert 0 < result.work <= WORK_MAX
    if not result.success:
        assert journal.snapshot() == before, "a call wrote before it reverted"
        assert decode_revert(result.output) is not None, "a revert without a name"
    elif how >= 20:
        assert journal.snapshot() == before, "a static call wrote"


def _reverts() -> list[bytes]:
    values = {error: [VALUES[kind.canonical] for kind in types_of(error.parameters)] for error in DISPATCH_ERRORS}
    text = b"\x08\xc3\x79\xa0" + (32).to_bytes(32, "big") + (4).to_bytes(32, "big") + b"fail".ljust(32, b"\0")
    named = [encode_error(error, *arguments) for error, arguments in values.items()]
    return [*named, text]


def mutate_revert(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return revert data whose words lie."""
    if drawn.random() < 0.4:
        return mutate_bytes(drawn, seeds)
    return mutate_call(drawn, [bytes(3) + drawn.choice(seeds)])[3:]


def _describe(data: bytes) -> None:
    text = describe_revert(data)
    assert text.isascii() or text.endswith("…")


TARGETS = (
    Target(
        "native-call",
        "node.execution.native:call_system_contract",
        _calls,
        mutate_call,
        _run,
        (),
        steps=Bound(6_000, 60),
    ),
    Target("revert", "contracts.decoding:describe_revert", _reverts, mutate_revert, _describe, ()),
)
