"""Blocks that will never be: calls one after the other, in one block or several, each on what the former left."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from consensus.chain.block import Block, make_block
from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.chain.merkle import ordered_list_root
from consensus.chain.receipt import Log, Receipt, bloom_bytes, bloom_of, encode_receipts
from consensus.chain.transaction import INIT_CODE_BYTES_MAX, Transaction, floor_gas, intrinsic_gas
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import encode_bytes, encode_joined, encode_uint
from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Hash32, Height, TimestampMs
from node.execution import simulation_errors as errors
from node.execution.calls import (
    AccountOverride,
    BlockOverride,
    CallRequest,
    apply_overrides,
    override_block,
    unsigned_transaction,
)
from node.execution.engine import TracedCall, TracedFrame, TracedResult
from node.execution.meter import WorkMeter
from node.execution.system_steps import start_block
from node.execution.transition import BlockContext, Outcome, SignedTransaction, apply_transaction
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader

BLOCKS_MAX: Final = 256
"""Blocks of one simulation, those between given heights included: what BLOCKHASH sees."""

SECOND_MS: Final = 1_000
"""A block without a time of its own is a second after the one before."""

TRANSFER_ADDRESS: Final = Address(b"\xee" * 20)
"""What seems to emit the event of a native transfer."""

TRANSFER_TOPIC: Final = keccak256(b"Transfer(address,address,uint256)")

_CREATE: Final = 0xF0
_CALL: Final = 0xF1
_CALLCODE: Final = 0xF2
_CREATE2: Final = 0xF5
_SELFDESTRUCT: Final = 0xFF
_MOVES_VALUE: Final = (_CREATE, _CALL, _CALLCODE, _CREATE2)


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One call, with what only a call in a sequence has."""

    request: CallRequest
    has_gas_limit: bool
    """Otherwise it gets what its block has left."""
    nonce: int | None
    """None takes the sender's next one."""


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """What shall be in one block, and what its calls shall believe."""

    calls: Sequence[SimulatedCall]
    block: BlockOverride
    accounts: dict[Address, AccountOverride] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulationRules:
    """How a whole simulation is run."""

    shows_transfers: bool = False
    """Whether native transfers are shown as events."""
    is_validated: bool = False
    """Whether nonces and code of senders are checked as in a real block."""
    gas_max: int = 50_000_000
    """Gas of all calls together."""


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """One block and what its calls came to."""

    block: Block
    senders: tuple[Address, ...]
    outcomes: tuple[Outcome, ...]
    """Their logs include transfers if these are shown."""
    base_fee: int


class Simulation:
    """Runs the blocks of one simulation in order."""

    def __init__(self, state: StateReader, context: BlockContext, meter: WorkMeter, rules: SimulationRules) -> None:
        """`context` is that of the block above the state; its meter counts all calls together."""
        self._state = state
        self._context = context
        self._meter = meter
        self._rules = rules
        self._gas_left = rules.gas_max
        self._height = Height(context.height - 1)
        self._timestamp_ms = TimestampMs(context.timestamp_ms - context.timestamp_ms % SECOND_MS)
        self._parent_hash = context.parent_hash

    def run(self, blocks: Sequence[SimulatedBlock]) -> list[SimulationResult]:
        """Return every block, those between given heights included.

        Raises: errors.SimulationRefused, DeadlinePassed, WorkExhausted.
        """
        planned = self._plan(blocks)
        return [self._run_block(block) for block in planned]

    def _plan(self, blocks: Sequence[SimulatedBlock]) -> list[SimulatedBlock]:
        """Give every block its height and time, and fill the gaps between them."""
        planned: list[SimulatedBlock] = []
        height, time_ms = self._height, self._timestamp_ms
        for block in blocks:
            wanted = Height(height + 1) if block.block.height is None else block.block.height
            if wanted <= height:
                raise errors.BlockOutOfOrder(found=wanted, before=height)
            if len(planned) + wanted - height > BLOCKS_MAX:
                raise errors.TooManyBlocks(BLOCKS_MAX)
            for between in range(height + 1, wanted):
                time_ms = TimestampMs(time_ms + SECOND_MS)
                planned.append(SimulatedBlock((), BlockOverride(Height(between), time_ms)))
            given_ms = block.block.timestamp_ms
            if given_ms is not None and given_ms <= time_ms:
                raise errors.TimeOutOfOrder(found=given_ms // SECOND_MS, before=time_ms // SECOND_MS)
            height, time_ms = wanted, TimestampMs(time_ms + SECOND_MS) if given_ms is None else given_ms
            planned.append(replace(block, block=replace(block.block, height=height, timestamp_ms=time_ms)))
        return planned

    def _run_block(self, planned: SimulatedBlock) -> SimulationResult:
        wanted = planned.block
        context = replace(
            override_block(self._context, wanted),
            parent_hash=self._parent_hash,
            leader=ZERO_ADDRESS if wanted.leader is None else wanted.leader,
            randao=ZERO_HASH if wanted.randao is None else wanted.randao,
        )
        overlay = Overlay(self._state)
        journal = Journal(overlay)
        apply_overrides(journal, planned.accounts)
        start_block(journal, context)
        journal.commit()
        gas_used, transactions, receipts, outcomes = 0, [], [], []
        for call in planned.calls:
            signed = self._prepare(journal, context, call, gas_used)
            tracer = _TransferTracer() if self._rules.shows_transfers else None
            outcome = apply_transaction(journal, context, signed, self._meter, tracer=tracer)
            journal.commit()
            gas_used += outcome.gas_used
            self._gas_left -= outcome.gas_used
            transactions.append(signed)
            receipts.append(Receipt(signed.transaction.type, outcome.succeeded, gas_used, outcome.logs))
            outcomes.append(outcome if tracer is None else replace(outcome, logs=tracer.logs()))
        block = _seal(context, overlay, transactions, receipts, gas_used)
        self._state, self._parent_hash = overlay, block.block_hash
        senders = tuple(signed.sender for signed in transactions)
        return SimulationResult(block, senders, tuple(outcomes), context.fees.base_fee)

    def _prepare(
        self, journal: Journal, context: BlockContext, call: SimulatedCall, gas_used: int
    ) -> SignedTransaction:
        """Return the call as a transaction that fits the block. Raises: errors.SimulationRefused."""
        request = call.request
        sender, block_gas_left = request.sender, context.limits.block_gas_max - gas_used
        if call.has_gas_limit and request.gas_limit > block_gas_left:
            raise errors.BlockGasExceeded(gas_limit=request.gas_limit, gas_left=block_gas_left)
        gas_limit = min(request.gas_limit if call.has_gas_limit else block_gas_left, self._gas_left)
        nonce = journal.get_nonce(sender)
        if self._rules.is_validated:
            _validate_sender(journal, sender, nonce, call.nonce)
        if request.value > journal.get_balance(sender):
            raise errors.NotFunded(balance=journal.get_balance(sender), value=request.value)
        if request.to is None and len(request.data) > INIT_CODE_BYTES_MAX:
            raise errors.InitCodeTooLarge(found=len(request.data), limit=INIT_CODE_BYTES_MAX)
        unsigned = unsigned_transaction(
            replace(request, gas_limit=gas_limit),
            chain_id=context.chain_id,
            nonce=nonce if call.nonce is None else call.nonce,
        )
        gas_needed = max(intrinsic_gas(unsigned), floor_gas(unsigned))
        if gas_limit < gas_needed:
            raise errors.GasBelowIntrinsic(gas_limit=gas_limit, intrinsic_gas=gas_needed)
        raw = _encode(unsigned)
        return SignedTransaction(replace(unsigned, raw=raw, hash=keccak256(raw)), sender)


class _TransferTracer:
    """Puts an event for each native transfer among those of contracts, in order; what fails takes its own with it."""

    def __init__(self) -> None:
        self._open: list[list[Log]] = [[]]

    def enter(self, call: TracedCall) -> None:
        self._open.append([])
        if call.value and call.opcode in _MOVES_VALUE:
            self._add(call.sender, call.to, call.value)

    def leave(self, result: TracedResult) -> None:
        logs = self._open.pop()
        if result.failure is None:
            self._open[-1] += logs

    def log(self, log: Log) -> None:
        self._open[-1].append(log)

    def step(self, frame: TracedFrame, pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        if opcode == _SELFDESTRUCT and frame.stack and frame.balance:
            beneficiary = Address((frame.stack[-1] & (2**160 - 1)).to_bytes(20, "big"))
            self._add(frame.address, beneficiary, frame.balance)

    def logs(self) -> tuple[Log, ...]:
        """Return all of them."""
        return tuple(self._open[0])

    def _add(self, sender: bytes, to: bytes, value: int) -> None:
        topics = (TRANSFER_TOPIC, Hash32(sender.rjust(32, b"\0")), Hash32(to.rjust(32, b"\0")))
        self._open[-1].append(Log(TRANSFER_ADDRESS, topics, value.to_bytes(32, "big")))


def _validate_sender(journal: Journal, sender: Address, nonce: int, given: int | None) -> None:
    if given is not None and given < nonce:
        raise errors.SimulatedNonceTooLow(found=given, expected=nonce)
    if given is not None and given > nonce:
        raise errors.SimulatedNonceTooHigh(found=given, expected=nonce)


def _seal(
    context: BlockContext,
    overlay: Overlay,
    transactions: Sequence[SignedTransaction],
    receipts: Sequence[Receipt],
    gas_used: int,
) -> Block:
    raws = [signed.transaction.raw for signed in transactions]
    header = Header(
        parent_hash=context.parent_hash,
        leader=context.leader,
        state_root=overlay.seal(),
        transactions_root=ordered_list_root(raws),
        receipts_root=ordered_list_root(encode_receipts(receipts)),
        logs_bloom=bloom_bytes(bloom_of([log for receipt in receipts for log in receipt.logs])),
        height=context.height,
        gas_limit=context.limits.block_gas_max,
        gas_used=gas_used,
        timestamp_ms=context.timestamp_ms,
        epoch=context.epoch,
        view=context.view,
        previous_randao=context.previous_randao,
        requests_hash=NO_REQUESTS_HASH,
    )
    return make_block(header, raws)


def _encode(transaction: Transaction) -> bytes:
    """Return the bytes of a transaction that nobody signed: all signature values are 0."""
    access_list = encode_joined(
        b"".join(
            encode_joined(
                encode_bytes(address)
                + encode_joined(b"".join(encode_bytes(slot.to_bytes(32, "big")) for slot in slots))
            )
            for address, slots in transaction.access_list
        )
    )
    authorizations = b"".join(
        encode_joined(
            encode_uint(entry.chain_id)
            + encode_bytes(entry.address)
            + b"".join(map(encode_uint, (entry.nonce, entry.y_parity, entry.r, entry.s)))
        )
        for entry in transaction.authorizations
    )
    fields = (
        encode_uint(transaction.chain_id),
        encode_uint(transaction.nonce),
        encode_uint(transaction.max_priority_fee_per_gas),
        encode_uint(transaction.max_fee_per_gas),
        encode_uint(transaction.gas_limit),
        encode_bytes(transaction.to or b""),
        encode_uint(transaction.value),
        encode_bytes(transaction.data),
        access_list,
        encode_joined(authorizations) if transaction.authorizations else b"",
        b"\x80\x80\x80",
    )
    return bytes((transaction.type,)) + encode_joined(b"".join(fields))
