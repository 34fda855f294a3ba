"""Apply a block to a state. Read from top to bottom: it is in protocol order.

Nothing here raises on account of what a transaction carries, except that a transaction which must not be in a block
makes the block invalid. Source: Yellow Paper 6, EIP-1559 with a base fee of zero, EIP-7623.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.chain.block import Block, make_block
from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.chain.merkle import ordered_list_root
from consensus.chain.receipt import Log, Receipt, bloom_bytes, bloom_of, encode_receipts
from consensus.chain.transaction import Transaction, floor_gas, intrinsic_gas
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View, WorkUnits
from consensus.simplex.validators import next_set_requests_hash
from contracts.addresses import is_system_address
from node.execution.errors import TransactionNotAllowed, WrongHeaderField
from node.execution.limits import BlockLimits, intrinsic_work
from node.execution.native import SYSTEM_CODE, call_system_contract
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


class BlockExecution:
    """One block being executed: transactions are applied one by one, then it is sealed."""

    def __init__(self, parent: StateReader, context: BlockContext) -> None:
        self.context = context
        self._overlay = Overlay(parent)
        self._journal = Journal(self._overlay)
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
        validate_on_state(self._journal, transaction, signed.sender)
        limits = self.context.limits
        if self.gas_used + transaction.gas_limit > limits.block_gas_max:
            raise TransactionNotAllowed("block_gas", f"gas limit {transaction.gas_limit} does not fit the block")
        outcome = apply_transaction(self._journal, self.context, signed)
        if self.work_used + outcome.work_used > limits.block_work_max:
            self._journal.discard()
            raise TransactionNotAllowed("block_work", f"work {outcome.work_used} does not fit the block")
        self._journal.commit()
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
            previous_randao=keccak256(context.parent_hash),
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


def validate_on_state(journal: Journal, transaction: Transaction, sender: Address) -> None:
    """Check what makes a transaction unfit for a block on this state.

    Raises: TransactionNotAllowed. Source: EIP-2681, EIP-3607.
    """
    nonce = journal.get_nonce(sender)
    if transaction.nonce != nonce:
        raise TransactionNotAllowed(
            "nonce", f"sender 0x{sender.hex()} is at {nonce}, transaction has {transaction.nonce}"
        )
    if transaction.value and transaction.value > journal.get_balance(sender):
        raise TransactionNotAllowed("insufficient_funds", f"value {transaction.value} is above the sender's balance")
    if journal.get_code(sender):
        raise TransactionNotAllowed("sender_is_contract", f"0x{sender.hex()} holds code and cannot sign")
    if transaction.to is None:
        raise TransactionNotAllowed("may_not_deploy", "contract creation is not enabled on this network")
    code = journal.get_code(transaction.to)
    if code and code != SYSTEM_CODE:
        raise TransactionNotAllowed("contract_not_executable", f"0x{transaction.to.hex()} holds contract code")


def apply_transaction(journal: Journal, context: BlockContext, signed: SignedTransaction) -> Outcome:
    """Run one transaction that passed `validate_on_state`; the journal is left to be committed or discarded.

    A failed call changes nothing but the sender's nonce.
    """
    transaction, sender = signed.transaction, signed.sender
    to = transaction.to
    assert to is not None
    journal.set_nonce(sender, transaction.nonce + 1)
    gas_spent = intrinsic_gas(transaction)
    work = intrinsic_work(transaction)
    succeeded, output = True, b""
    checkpoint = journal.snapshot()
    if is_system_address(to):
        result = call_system_contract(
            journal,
            context,
            address=to,
            caller=sender,
            value=transaction.value,
            data=transaction.data,
            gas=transaction.gas_limit - gas_spent,
            is_static=False,
        )
        succeeded, output = result.success, result.output
        gas_spent += result.gas_used
        work = WorkUnits(work + result.work)
    elif transaction.value:
        journal.set_balance(sender, journal.get_balance(sender) - transaction.value)
        journal.set_balance(to, journal.get_balance(to) + transaction.value)
    if work > context.limits.transaction_work_max:
        succeeded, output, gas_spent = False, b"", transaction.gas_limit
    if not succeeded:
        journal.revert(checkpoint)
    return Outcome(
        succeeded=succeeded,
        gas_used=max(gas_spent, floor_gas(transaction)),
        work_used=work,
        logs=journal.take_logs(),
        output=output,
    )
