"""Apply a block to a state. Read from top to bottom: it is in protocol order.

Nothing here raises on account of what a transaction carries, except that a transaction which must not be in a block
makes the block invalid. Source: Yellow Paper 6, EIP-1559 with a base fee of zero, EIP-7623.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consensus.chain.block import Block, make_block
from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.chain.merkle import ordered_list_root
from consensus.chain.receipt import Log, Receipt, bloom_bytes, bloom_of, encode_receipts
from consensus.chain.transaction import Transaction, created_address, floor_gas, intrinsic_gas
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View, WorkUnits
from consensus.simplex.validators import next_set_requests_hash
from contracts.addresses import is_system_address
from node.execution.delegation import apply_authorizations, delegate_of
from node.execution.engine import SYCEE, CallTracer, EvmCall, EvmResult, EvmRules, load_engine
from node.execution.errors import TransactionNotAllowed, WrongHeaderField
from node.execution.fees import NO_FEES, FeeRules, buy_gas, price_of, settle_gas, validate_fees
from node.execution.limits import BlockLimits, intrinsic_work
from node.execution.meter import TICKS_PER_UNIT, WorkExhausted, WorkMeter
from node.execution.native import call_system_contract
from node.execution.permissions import find_refusal
from node.execution.shares import BlockShares
from node.execution.system_steps import end_block, start_block
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader


@dataclass(frozen=True, slots=True)
class BlockContext:
    """What execution knows of the block it is in, before the block is complete."""

    chain_id: int
    parent_hash: Hash32
    height: Height
    timestamp_ms: TimestampMs
    leader: Address
    epoch: Epoch
    view: View
    limits: BlockLimits
    rules: EvmRules = SYCEE
    fees: FeeRules = NO_FEES
    """What gas costs: nothing, except under the rules of public tests and in simulated calls."""
    randao: Hash32 | None = None
    """PREVRANDAO where it does not follow from the parent."""
    ancestor_hash: Callable[[int], Hash32] | None = None
    """What BLOCKHASH answers where the ring of parent hashes does not."""

    @property
    def previous_randao(self) -> Hash32:
        """Return PREVRANDAO: predictable, and documented as not random."""
        return keccak256(self.parent_hash) if self.randao is None else self.randao


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A decoded transaction with its recovered sender."""

    transaction: Transaction
    sender: Address


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction did."""

    succeeded: bool
    gas_used: int
    work_used: WorkUnits
    logs: tuple[Log, ...]
    output: bytes
    """Returned data, or the ABI-encoded error of a revert."""
    failure: str | None = None
    """Why it failed where it did not revert, in a few words."""


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """A block with everything its execution produced."""

    block: Block
    overlay: Overlay
    receipts: tuple[Receipt, ...]
    transaction_hashes: tuple[Hash32, ...]
    senders: tuple[Address, ...]
    nonces: tuple[int, ...]
    """Of each transaction, beside its sender: what the mempool must forget."""
    revert_outputs: tuple[bytes, ...]
    """ABI-encoded error of each reverted transaction, empty for the others."""
    work_used: WorkUnits
    last_of_epoch: bool
    """True if the next block begins an epoch."""
    next_set_payload: bytes = b""
    """Of an epoch's last block the next epoch's set, to which its requestsHash commits; else empty."""
    recipients: tuple[Address | None, ...] = ()
    """Called account of each transaction; None for a creation. Beside the nonces, so that no index decodes again."""
    filled_banks: tuple[int, ...] = ()
    """Numbers of the banks that used half of their share or more: whose other transactions may have to wait."""


class BlockExecution:
    """One block being executed: transactions are applied one by one, then it is sealed."""

    def __init__(self, parent: StateReader, context: BlockContext) -> None:
        self.context = context
        self._overlay = Overlay(parent)
        self._journal = Journal(self._overlay)
        self._shares = BlockShares(self._overlay.storage_before)
        self._transactions: list[SignedTransaction] = []
        self._receipts: list[Receipt] = []
        self._outputs: list[bytes] = []
        self._bloom = 0
        self.gas_used = 0
        self.work_used = WorkUnits(0)
        start_block(self._journal, context)
        self._journal.commit()

    def apply(self, signed: SignedTransaction) -> Outcome:
        """Apply one transaction and keep its receipt.

        Raises: TransactionNotAllowed if it must not be in a block on this state; nothing has changed then.
        """
        transaction = signed.transaction
        validate_on_state(self._journal, transaction, signed.sender, fees=self.context.fees)
        limits = self.context.limits
        if self.gas_used + transaction.gas_limit > limits.block_gas_max:
            raise TransactionNotAllowed("block_gas", f"gas limit {transaction.gas_limit} does not fit the block")
        self._shares.validate(signed.sender, transaction.gas_limit)
        outcome = apply_transaction(self._journal, self.context, signed)
        if self.work_used + outcome.work_used > limits.block_work_max:
            self._journal.discard()
            raise TransactionNotAllowed("block_work", f"work {outcome.work_used} does not fit the block")
        self._journal.commit()
        self._shares.charge(signed.sender, transaction.gas_limit)
        self.gas_used += outcome.gas_used
        self.work_used = WorkUnits(self.work_used + outcome.work_used)
        self._transactions.append(signed)
        self._receipts.append(Receipt(transaction.type, outcome.succeeded, self.gas_used, outcome.logs))
        self._outputs.append(b"" if outcome.succeeded else outcome.output)
        self._bloom |= bloom_of(outcome.logs)
        return outcome

    def seal(self) -> ExecutedBlock:
        """Take the step to the next epoch if this is the last block, compute the roots, return the finished block."""
        context = self.context
        payload = end_block(self._journal, context)
        self._journal.commit()
        raws = [signed.transaction.raw for signed in self._transactions]
        header = Header(
            parent_hash=context.parent_hash,
            leader=context.leader,
            state_root=self._overlay.seal(),
            transactions_root=ordered_list_root(raws),
            receipts_root=ordered_list_root(encode_receipts(self._receipts)),
            logs_bloom=bloom_bytes(self._bloom),
            height=context.height,
            gas_limit=context.limits.block_gas_max,
            gas_used=self.gas_used,
            timestamp_ms=context.timestamp_ms,
            epoch=context.epoch,
            view=context.view,
            previous_randao=context.previous_randao,
            requests_hash=next_set_requests_hash(payload) if payload else NO_REQUESTS_HASH,
        )
        return ExecutedBlock(
            block=make_block(header, raws),
            overlay=self._overlay,
            receipts=tuple(self._receipts),
            transaction_hashes=tuple(signed.transaction.hash for signed in self._transactions),
            senders=tuple(signed.sender for signed in self._transactions),
            nonces=tuple(signed.transaction.nonce for signed in self._transactions),
            revert_outputs=tuple(self._outputs),
            work_used=self.work_used,
            last_of_epoch=payload != b"",
            next_set_payload=payload,
            recipients=tuple(signed.transaction.to for signed in self._transactions),
            filled_banks=self._shares.filled_banks(),
        )


def apply_block(
    parent: StateReader, context: BlockContext, header: Header, transactions: Sequence[SignedTransaction]
) -> ExecutedBlock:
    """Execute a proposed block on its parent's state and compare every root with its header.

    Raises: InvalidBlock, naming the rule or the field with both values.
    """
    execution = BlockExecution(parent, context)
    for signed in transactions:
        execution.apply(signed)
    executed = execution.seal()
    computed = executed.block.header
    for field in Header.__dataclass_fields__:
        proposed_value, computed_value = getattr(header, field), getattr(computed, field)
        if proposed_value != computed_value:
            raise WrongHeaderField(field, header=proposed_value, computed=computed_value)
    return executed


def validate_on_state(journal: Journal, transaction: Transaction, sender: Address, *, fees: FeeRules = NO_FEES) -> None:
    """Check what makes a transaction unfit for a block on this state.

    Raises: TransactionNotAllowed. Source: EIP-2681, EIP-3607, EIP-7702.
    """
    nonce = journal.get_nonce(sender)
    if transaction.nonce != nonce:
        raise TransactionNotAllowed(
            "nonce", f"sender 0x{sender.hex()} is at {nonce}, transaction has {transaction.nonce}"
        )
    refusal = find_refusal(journal.get_slot, sender, is_creation=transaction.to is None)
    if refusal is not None:
        raise TransactionNotAllowed(refusal.rule, refusal.detail)
    if fees.is_charged:
        validate_fees(journal, fees, transaction, sender)
    if transaction.value and transaction.value > journal.get_balance(sender):
        raise TransactionNotAllowed("insufficient_funds", f"value {transaction.value} is above the sender's balance")
    code = journal.get_code(sender)
    if code and delegate_of(code) is None:
        raise TransactionNotAllowed("sender_is_contract", f"0x{sender.hex()} holds code and cannot sign")


def apply_transaction(
    journal: Journal,
    context: BlockContext,
    signed: SignedTransaction,
    meter: WorkMeter | None = None,
    *,
    tracer: CallTracer | None = None,
) -> Outcome:
    """Run one transaction that passed `validate_on_state`; the journal is left to be committed or discarded.

    A failed call changes nothing but the sender's nonce and what authorizations did. `meter` is for calls that are no
    transactions. Raises: DeadlinePassed if that has a deadline.
    """
    transaction, sender, fees = signed.transaction, signed.sender, context.fees
    if meter is None:
        meter = WorkMeter(context.limits.transaction_work_max)
    if fees.is_charged:
        buy_gas(journal, fees, transaction, sender)
    journal.set_nonce(sender, transaction.nonce + 1)
    refund = apply_authorizations(journal, transaction.authorizations, chain_id=context.chain_id)
    gas_limit = transaction.gas_limit
    checkpoint = journal.snapshot()
    try:
        meter.spend(intrinsic_work(transaction) * TICKS_PER_UNIT)
        result = run_call(journal, context, signed, gas_limit - intrinsic_gas(transaction), meter, tracer)
        work = meter.work_used
    except WorkExhausted:
        result = EvmResult(False, b"", gas_left=0, gas_refund=0, destroyed=(), failure="out of work")
        work = context.limits.transaction_work_max
    if not result.succeeded:
        journal.revert(checkpoint)
    gas_spent = gas_limit - result.gas_left
    # A fifth at most, rounded down (EIP-3529).
    gas_spent -= min(refund + result.gas_refund, gas_spent // 5)
    gas_used = max(gas_spent, floor_gas(transaction)) if context.rules.has_floor_gas else gas_spent
    if fees.is_charged:
        settle_gas(journal, fees, transaction, sender, context.leader, gas_used=gas_used)
    for address in result.destroyed:
        journal.delete_account(address)
    return Outcome(
        succeeded=result.succeeded,
        gas_used=gas_used,
        work_used=work,
        logs=journal.take_logs(),
        output=result.output,
        failure=result.failure,
    )


def run_call(
    journal: Journal,
    context: BlockContext,
    signed: SignedTransaction,
    gas: int,
    meter: WorkMeter,
    tracer: CallTracer | None = None,
) -> EvmResult:
    """Do what a transaction asks for, with the gas that is left of its limit: move value, call, or create.

    The caller reverts the journal if it did not succeed. Raises: WorkExhausted, DeadlinePassed.
    """
    transaction, sender = signed.transaction, signed.sender
    to = transaction.to
    if to is not None and is_system_address(to) and tracer is None:
        # The engine would do the same, and show it.
        native = call_system_contract(
            journal, context, address=to, caller=sender, value=transaction.value, data=transaction.data, gas=gas
        )
        meter.spend(native.work * TICKS_PER_UNIT)
        return EvmResult(native.success, native.output, gas - native.gas_used, 0, (), None)
    if (
        to is not None
        and tracer is None
        and not transaction.access_list
        and not journal.get_code(to)
        and to not in context.rules.precompiles
    ):
        if transaction.value:
            journal.set_balance(sender, journal.get_balance(sender) - transaction.value)
            journal.set_balance(to, journal.get_balance(to) + transaction.value)
        return EvmResult(True, b"", gas, 0, (), None)
    created = created_address(sender, transaction.nonce) if to is None else None
    for address in (sender, context.leader, to if created is None else created):
        assert address is not None
        journal.warm_address(address)
    for address, slots in transaction.access_list:
        journal.warm_address(address)
        for slot in slots:
            journal.warm_slot(address, slot)
    call = EvmCall(
        sender=sender,
        to=to,
        created=created,
        value=transaction.value,
        data=transaction.data,
        gas=gas,
        gas_price=price_of(context.fees, transaction),
        blob_hashes=context.fees.blob_hashes,
    )
    return load_engine().run(journal, context, call, meter, tracer)
