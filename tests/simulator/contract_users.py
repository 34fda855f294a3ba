"""People who create contracts and call them: useful ones, broken ones, and ones made to do harm."""

from dataclasses import dataclass
from random import Random

from consensus.chain.transaction import created_address
from consensus.primitives.scalars import Address
from node.execution.engine import load_engine
from tests.simulator.cluster import CURRENCY

# Loaded here: inside a simulation nothing may be imported that knows sockets.
load_engine()

KNOWN_MAX = 50
"""Contracts that are called again; older ones are forgotten."""

GAS_LIMIT = 120_000
"""Enough for each of these contracts; an endless loop costs 2 ms of it, on every node twice."""

RUNTIMES = (
    # Keeps the caller and emits the call data.
    "33 5f 55 36 5f 5f 37 36 5f a0 00",
    # Counts its calls.
    "5f 54 6001 01 5f 55 00",
    # Asks a currency for its own balance and keeps it.
    f"6370a08231 60e0 1b 5f 52 30 6004 52 6020 5f 6024 5f 73{CURRENCY.hex()} 5a fa 50 5f 51 5f 55 00",
    # Pays away what it does not have.
    f"63a9059cbb 60e0 1b 5f 52 6001 6004 52 6001 6024 52 5f 5f 6044 5f 5f 73{CURRENCY.hex()} 5a f1 5f 55 00",
    # Reverts, fails, ends itself.
    "5f 5f fd",
    "fe",
    "33 ff",
    # Never ends.
    "5b 5f 56",
    # Calls itself as deep as it goes.
    "5f 5f 5f 5f 5f 30 5a f1 00",
    # Creates children that hold nothing, until the gas is gone.
    "5b 5f 5f 5f f0 50 5f 56",
    # Reads as many slots as it can pay for.
    "5f 5b 80 54 50 6001 01 6001 56",
)
"""Code of contracts, in hex; the letters of each line say what it does."""


@dataclass(frozen=True, slots=True)
class ContractWish:
    """A transaction somebody wants to send."""

    to: Address | None
    """None creates a contract."""
    data: bytes
    gas_limit: int


class ContractUsers:
    """Draws creations and calls. A generator of its own: other clients do the same with and without them."""

    def __init__(self, drawn: Random, per_mille: int) -> None:
        self._drawn = drawn
        self._per_mille = per_mille
        self._known: list[Address] = []

    def next_wish(self, sender: Address, nonce: int) -> ContractWish | None:
        """Return what a sender does with contracts instead of a payment; mostly nothing."""
        drawn = self._drawn
        if not self._per_mille or drawn.randrange(1_000) >= self._per_mille:
            return None
        if self._known and drawn.randrange(3):
            return ContractWish(drawn.choice(self._known), drawn.randbytes(drawn.randrange(80)), GAS_LIMIT)
        self._known = [*self._known, created_address(sender, nonce)][-KNOWN_MAX:]
        # One in four is bytes of chance.
        is_known = drawn.randrange(4)
        runtime = bytes.fromhex(drawn.choice(RUNTIMES)) if is_known else drawn.randbytes(drawn.randrange(1, 60))
        # PUSH1 length, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN.
        init = bytes((0x60, len(runtime), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3))
        return ContractWish(None, init + runtime, GAS_LIMIT)
