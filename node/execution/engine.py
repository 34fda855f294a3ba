"""What executes contract code: the seam between a transaction's rules and an EVM.

An engine writes to the journal and nowhere else. It undoes what it did in a call that fails.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

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
    """Watches an execution. Every method is called on the thread that executes."""

    def enter(self, call: "TracedCall") -> None:
        """A call, a creation or a system contract begins."""
        ...

    def leave(self, *, output: bytes, gas_used: int, failure: str | None, reverted: bool) -> None:
        """The innermost one ends."""
        ...

    def step(self, frame: "TracedFrame", pc: int, opcode: int, gas: int) -> None:
        """An opcode is about to be performed; `gas` is what is left before it."""
        ...


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One frame of a trace."""

    kind: str
    """CALL, CALLCODE, DELEGATECALL, STATICCALL, CREATE, CREATE2, SELFDESTRUCT."""
    sender: Address
    to: Address
    value: int
    gas: int
    data: bytes


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
