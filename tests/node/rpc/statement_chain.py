"""A chain on which money is paid, held, released, redeemed and refused, behind a real backend."""

from functools import cache

from consensus.chain.transaction import created_address
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from contracts.native.roles import ISSUER_ROLE
from node.execution.transition import SignedTransaction
from node.rpc.node_backend import NodeBackend
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL,
    CAROL_KEY,
    DAVE_KEY,
    GENESIS_MS,
    payment,
    raw_call,
    signed,
)
from tests.node.rpc import real_chain

MEMO = b"\x05" * 32
HOLD, SHORT_HOLD, OPEN_HOLD = (bytes((number,)) * 32 for number in (1, 2, 3))
SHORT_S = GENESIS_MS // 1_000 + 3
"""Passes at height 4: a block every 1.234 s."""
LONG_S = SHORT_S + 3_600


def euro(key: bytes, nonce: int, name: str, *values: AbiValue) -> SignedTransaction:
    """Return a signed call of the euro."""
    return signed(raw_call(key, nonce, encode_call(find_function(CURRENCY, name), *values), gas=400_000))


@cache
def blocks() -> tuple[list[SignedTransaction], ...]:
    """Return heights 1 to 8. Carol is an issuer from the first on, and the notary of two holds; a contract pays Bob."""
    everybody: tuple[Address, ...] = (BOB, CAROL, BOB)
    return (
        [euro(DAVE_KEY, 0, "grantRole", ISSUER_ROLE, CAROL), payment(ALICE_KEY, 0, BOB, 5)],
        [
            euro(ALICE_KEY, 1, "createHold", HOLD, BOB, CAROL, 1_000, LONG_S, MEMO),
            euro(ALICE_KEY, 2, "createHold", SHORT_HOLD, BOB, ZERO_ADDRESS, 200, SHORT_S, MEMO),
            euro(ALICE_KEY, 3, "requestRedemption", 50, MEMO),
            euro(ALICE_KEY, 4, "requestRedemption", 60, MEMO),
            euro(ALICE_KEY, 5, "requestRedemption", 70, MEMO),
        ],
        [
            euro(CAROL_KEY, 0, "executeHold", HOLD, 300),
            euro(ALICE_KEY, 6, "transferBatch", everybody, (1, 2, 3), (MEMO, MEMO, MEMO)),
            euro(CAROL_KEY, 1, "completeRedemption", 1),
            euro(CAROL_KEY, 2, "rejectRedemption", 2, MEMO),
        ],
        [euro(CAROL_KEY, 3, "executeHoldAndRelease", HOLD, 100), euro(ALICE_KEY, 7, "mint", ALICE, 9, MEMO)],
        [
            euro(BOB_KEY, 0, "releaseHold", SHORT_HOLD),
            euro(ALICE_KEY, 8, "createHold", OPEN_HOLD, BOB, CAROL, 40, LONG_S, MEMO),
            euro(CAROL_KEY, 4, "burn", 2, MEMO),
        ],
        [euro(ALICE_KEY, 9, "executeHold", OPEN_HOLD, 1), payment(BOB_KEY, 1, ALICE, 11)],
        [
            signed(raw_call(ALICE_KEY, 10, real_chain.TILL_INIT, to=None, gas=1_000_000)),
            payment(BOB_KEY, 2, created_address(ALICE, 10), 20),
        ],
        [signed(raw_call(CAROL_KEY, 5, b"pay", to=created_address(ALICE, 10), gas=300_000))],
    )


@cache
def backend() -> NodeBackend:
    """Return the backend of a node that has executed the chain."""
    return real_chain.backend_of(blocks())
