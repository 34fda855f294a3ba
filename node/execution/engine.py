"""What executes contract code: the seam between a transaction's rules and an EVM.

An engine writes to the journal and nowhere else. It undoes what it did in a call that fails.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from consensus.chain.receipt import Log
from consensus.primitives.scalars import Address, Hash32
from node.execution.meter import WorkMeter
from node.state.journal import Journal

if TYPE_CHECKING:
    from node.execution.transition import BlockContext


@dataclass(frozen=True, slots=True)
class EvmCall:
    """The outermost call of a transaction; its sender's nonce is counted and its intrinsic gas is paid."""

    sender: Address
    to: Address | None
    """None creates a contract."""
    created: Address | None
    """Where the contract is created; None for a call."""
    value: int
    """Native value moved, in wei."""
    data: bytes
    """Call data, or init code."""
    gas: int
    """What is left of the gas limit."""
    gas_price: int = 0
    """What GASPRICE answers, in wei."""
    blob_hashes: tuple[Hash32, ...] = ()
    """What BLOBHASH answers (EIP-4844)."""


@dataclass(frozen=True, slots=True)
class EvmResult:
    """What became of it."""

    succeeded: bool
    output: bytes
    """Returned data, revert data, or the created contract's code."""
    gas_left: int
    gas_refund: int
    """Refund counter, not yet capped (EIP-3529)."""
    destroyed: tuple[Address, ...]
    """Accounts to delete at the end of the transaction (EIP-6780)."""
    failure: str | None
    """Why it failed, in a few words; None after a success and after a revert."""


@dataclass(frozen=True, slots=True)
class EvmRules:
    """What differs between the forks an engine knows."""

    precompiles: frozenset[Address]
    """Where calls run a precompile."""
    has_delegations: bool = True
    """Whether accounts may let code run for them (EIP-7702)."""
    has_floor_gas: bool = True
    """Whether call data has a least price (EIP-7623)."""


def _precompiles(*numbers: int) -> frozenset[Address]:
    return frozenset(Address(number.to_bytes(20, "big")) for number in numbers)


CANCUN: Final = EvmRules(_precompiles(*range(0x01, 0x0B)), has_delegations=False, has_floor_gas=False)
"""For public tests only."""

PRAGUE: Final = EvmRules(_precompiles(*range(0x01, 0x12)))
"""For public tests only."""

SYCEE: Final = EvmRules(_precompiles(*range(0x01, 0x12), 0x100))
"""Prague, and P-256 signatures as EIP-7951 has them: the wallets in people's telephones sign with that curve."""


class CallTracer(Protocol):
    """Watches an execution and changes nothing. Every method is called on the thread that executes."""

    def enter(self, call: "TracedCall") -> None:
        """A call or creation begins, of whatever: code, a precompile, a system contract, nothing."""
        ...

    def leave(self, result: "TracedResult") -> None:
        """The innermost one ends."""
        ...

    def log(self, log: Log) -> None:
        """The innermost one emits an event, which goes with it if it fails."""
        ...

    def step(self, frame: "TracedFrame", pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        """An opcode is about to be performed: `gas` is left before it, `gas_cost` is what it takes at least."""
        ...


@dataclass(frozen=True, slots=True)
class TracedCall:
    """How a call or creation begins."""

    opcode: int
    """Which performed it; CALL or CREATE for the outermost."""
    sender: Address
    to: Address
    """Whom it addresses, whoever's storage it uses; where it creates."""
    value: int
    gas: int
    data: bytes
    """Call data, or init code."""
    caller_gas: int
    """What the caller has left while it runs; 0 for the outermost."""


@dataclass(frozen=True, slots=True)
class TracedResult:
    """How a call or creation ends."""

    output: bytes
    """Returned or revert data, or the created code."""
    gas_used: int
    failure: str | None
    """Why it failed; None if it succeeded."""
    has_reverted: bool
    """Whether it failed by choice, and kept its gas."""


class TracedFrame(Protocol):
    """What a tracer sees of a frame between two opcodes; it changes nothing."""

    @property
    def stack(self) -> list[int]: ...
    @property
    def memory(self) -> bytearray: ...
    @property
    def depth(self) -> int:
        """1 for the outermost frame."""
        ...

    @property
    def address(self) -> Address:
        """Whose storage it uses."""
        ...

    @property
    def returned(self) -> bytes:
        """Return data of the last inner call."""
        ...

    @property
    def refund(self) -> int:
        """Refund counter of this frame and those inside it that have ended."""
        ...

    @property
    def balance(self) -> int:
        """Native balance of the account whose storage it uses, in wei."""
        ...

    def read_slot(self, slot: int) -> int:
        """Return a word of its storage."""
        ...


class ExecutionEngine(Protocol):
    """Executes contract code."""

    def run(
        self,
        journal: Journal,
        context: "BlockContext",
        call: EvmCall,
        meter: WorkMeter,
        tracer: CallTracer | None = None,
    ) -> EvmResult:
        """Execute a call or a creation on the journal.

        Raises: WorkExhausted, DeadlinePassed; what was written until then is the caller's to undo.
        """
        ...


@cache
def load_engine() -> ExecutionEngine:
    """Return the one engine of this network's rules.

    Importing it takes a second and 60 MB, which whoever executes no contract is spared: a node calls this at its start.
    """
    from node.execution.py_evm.evm import PyEvm

    return PyEvm()
