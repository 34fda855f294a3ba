"""A ledger on which tests run byte code."""

from dataclasses import dataclass, field

from consensus.primitives.scalars import ZERO_HASH, Address, Epoch, Height, TimestampMs, View, WorkUnits
from node.execution.engine import PRAGUE, CallTracer, EvmCall, EvmResult, EvmRules, load_engine
from node.execution.limits import BlockLimits
from node.execution.meter import WorkMeter
from node.execution.transition import BlockContext
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import FinalState
from node.storage.memory import MemoryStore

SENDER = Address(b"\x5e" * 20)
CODE_AT = Address(b"\xc0" * 20)
LEADER = Address(b"\x1e" * 20)
GAS = 1_000_000


def make_block(rules: EvmRules = PRAGUE) -> BlockContext:
    return BlockContext(
        chain_id=7001,
        parent_hash=ZERO_HASH,
        height=Height(300),
        timestamp_ms=TimestampMs(1_700_000_000_123),
        leader=LEADER,
        epoch=Epoch(0),
        view=View(300),
        limits=BlockLimits(30_000_000, WorkUnits(10**9), WorkUnits(10**9), 2**20),
        rules=rules,
    )


# Imported before any test runs: py-evm changes the interpreter's recursion limit, which hypothesis watches.
ENGINE = load_engine()


@dataclass
class Evm:
    """One call after the other on one journal."""

    rules: EvmRules = PRAGUE
    journal: Journal = field(default_factory=lambda: Journal(Overlay(FinalState(MemoryStore()))))

    other = Address(b"\xc1" * 20)
    """Where a second contract may be."""

    def put(self, code: bytes, at: Address = CODE_AT) -> None:
        self.journal.set_code(at, code)
        self.journal.set_nonce(at, 1)

    def call(
        self,
        data: bytes = b"",
        *,
        to: Address | None = CODE_AT,
        created: Address | None = None,
        gas: int = GAS,
        value: int = 0,
        sender: Address = SENDER,
        block: BlockContext | None = None,
        is_undone: bool = False,
        meter: WorkMeter | None = None,
        tracer: CallTracer | None = None,
    ) -> EvmResult:
        call = EvmCall(sender, to, created, value, data, gas)
        checkpoint = self.journal.snapshot()
        result = ENGINE.run(
            self.journal, block or make_block(self.rules), call, meter or WorkMeter(WorkUnits(10**9)), tracer
        )
        if is_undone:
            self.journal.revert(checkpoint)
        return result

    def run(self, code: str, data: bytes = b"", *, gas: int = GAS) -> EvmResult:
        """Put code written in hex, spaces allowed, and call it."""
        self.put(bytes.fromhex(code))
        return self.call(data, gas=gas)
