"""Calls that leave no trace: what a transaction would do on some state, whoever signs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from consensus.chain.errors import IntrinsicGasTooLow
from consensus.chain.transaction import (
    AccessList,
    Authorization,
    Transaction,
    TransactionType,
    floor_gas,
    intrinsic_gas,
)
from consensus.primitives.scalars import ZERO_HASH, Address, Hash32, Height, TimestampMs
from node.execution.engine import CallTracer
from node.execution.fees import FeeRules
from node.execution.limits import BlockLimits
from node.execution.meter import WorkMeter
from node.execution.transition import BlockContext, Outcome, SignedTransaction, apply_transaction
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader

ESTIMATE_EXCESS_PER_MILLE: Final = 15
"""An estimate may be above the least sufficient limit by so much: each halving costs a whole execution."""

GAS_STIPEND: Final = 2_300
"""What a call with value gets on top; a contract may ask whether so much is left."""


class CallNotFunded(Exception):
    """A call moves more native value than its sender has."""

    reason = "insufficient_funds"

    def __init__(self, *, balance: int, value: int) -> None:
        self.balance = balance
        self.value = value
        super().__init__(f"insufficient funds for transfer: balance {balance}, value {value}")


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What a call shall believe of an account; None leaves it as it is."""

    nonce: int | None = None
    code: bytes | None = None
    balance: int | None = None
    state: Mapping[int, int] | None = None
    """All slots there shall be."""
    state_diff: Mapping[int, int] = field(default_factory=dict)
    """Some slots."""


@dataclass(frozen=True, slots=True)
class BlockOverride:
    """What a call shall believe of its block; None leaves it as it is."""

    height: Height | None = None
    timestamp_ms: TimestampMs | None = None
    gas_limit: int | None = None
    leader: Address | None = None
    randao: Hash32 | None = None
    base_fee: int | None = None
    blob_base_fee: int | None = None


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What a client wants to know."""

    sender: Address
    to: Address | None
    """None asks what creating a contract would do."""
    gas_limit: int
    """Already capped at this node's `call_gas_max`."""
    value: int
    """Native value moved, in wei."""
    data: bytes
    access_list: AccessList = ()
    authorizations: tuple[Authorization, ...] = ()
    accounts: Mapping[Address, AccountOverride] = field(default_factory=dict)
    block: BlockOverride = BlockOverride()

    def with_gas_limit(self, gas_limit: int) -> "CallRequest":
        """Return the same with another limit."""
        return replace(self, gas_limit=gas_limit)


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What a call would have done."""

    succeeded: bool
    output: bytes
    """Returned or revert data, or the code of the contract created."""
    gas_used: int
    """Gas that a transaction with these fields uses, its intrinsic and floor gas included."""
    failure: str | None = None
    """Why it failed where it did not revert, in a few words."""


def execute_call(
    state: StateReader,
    context: BlockContext,
    request: CallRequest,
    meter: WorkMeter,
    tracer: CallTracer | None = None,
) -> CallOutcome:
    """Run a call on a throw-away overlay, priced like a transaction with the same fields.

    Raises: CallNotFunded, IntrinsicGasTooLow, DeadlinePassed.
    """
    journal = Journal(Overlay(state))
    apply_overrides(journal, request.accounts)
    outcome = execute_on(journal, override_block(context, request.block), request, meter, tracer)
    return CallOutcome(outcome.succeeded, outcome.output, outcome.gas_used, outcome.failure)


def execute_on(
    journal: Journal, context: BlockContext, request: CallRequest, meter: WorkMeter, tracer: CallTracer | None = None
) -> Outcome:
    """Run a call on a journal that its caller keeps or discards. Raises: as `execute_call`."""
    balance = journal.get_balance(request.sender)
    if request.value > balance:
        raise CallNotFunded(balance=balance, value=request.value)
    transaction = unsigned_transaction(request, chain_id=context.chain_id, nonce=journal.get_nonce(request.sender))
    gas_needed = max(intrinsic_gas(transaction), floor_gas(transaction))
    if request.gas_limit < gas_needed:
        raise IntrinsicGasTooLow(gas_limit=request.gas_limit, intrinsic_gas=gas_needed)
    return apply_transaction(journal, context, SignedTransaction(transaction, request.sender), meter, tracer=tracer)


def estimate_gas(run: Callable[[int], CallOutcome], gas_limit_max: int) -> tuple[int, CallOutcome]:
    """Return a gas limit with which a call succeeds, at most 1.5 % above the least, and its outcome with that limit.

    `run` executes the call with a limit. If it fails even with the highest, that outcome is returned.
    """
    outcome = run(gas_limit_max)
    if not outcome.succeeded:
        return gas_limit_max, outcome
    # With less than it uses it cannot succeed. With exactly that it does if nothing is refunded and no call keeps back
    # its 64th; else mostly with what the stipend and the outermost call's 64th add, rounded up.
    too_low, enough = outcome.gas_used - 1, gas_limit_max
    guesses = [outcome.gas_used, (outcome.gas_used + GAS_STIPEND) * 64 // 63 + 1]
    while 1000 * (enough - too_low) > ESTIMATE_EXCESS_PER_MILLE * enough and too_low + 1 < enough:
        # The middle, rounded down; never more than twice what was too low, since most calls need little more.
        guess = guesses.pop(0) if guesses else min((too_low + enough) // 2, 2 * too_low)
        if not too_low < guess < enough:
            continue
        tried = _run_or_fail(run, guess)
        if tried is None or not tried.succeeded:
            too_low = guess
        else:
            enough, outcome = guess, tried
            guesses.clear()
    return enough, outcome


def _run_or_fail(run: Callable[[int], CallOutcome], gas_limit: int) -> CallOutcome | None:
    try:
        return run(gas_limit)
    except IntrinsicGasTooLow:
        return None


def override_block(context: BlockContext, block: BlockOverride) -> BlockContext:
    """Return the context as a call shall see it."""
    limits = context.limits
    if block.gas_limit is not None:
        limits = BlockLimits(block.gas_limit, limits.block_work_max, limits.transaction_work_max, limits.body_bytes_max)
    return replace(
        context,
        height=context.height if block.height is None else block.height,
        timestamp_ms=context.timestamp_ms if block.timestamp_ms is None else block.timestamp_ms,
        leader=context.leader if block.leader is None else block.leader,
        randao=context.randao if block.randao is None else block.randao,
        limits=limits,
        fees=FeeRules(base_fee=block.base_fee or 0, blob_base_fee=block.blob_base_fee or 0),
    )


def apply_overrides(journal: Journal, accounts: Mapping[Address, AccountOverride]) -> None:
    """Make the state what a call shall believe; nothing of it counts as changed by the call."""
    for address, override in accounts.items():
        if override.nonce is not None:
            journal.set_nonce(address, override.nonce)
        if override.balance is not None:
            journal.set_balance(address, override.balance)
        if override.code is not None:
            journal.set_code(address, override.code)
        if override.state is not None:
            journal.clear_storage(address)
        for slot, value in (*(override.state or {}).items(), *override.state_diff.items()):
            journal.set_slot(address, slot, value)
    journal.commit()


def unsigned_transaction(request: CallRequest, *, chain_id: int, nonce: int) -> Transaction:
    """Return a call as a transaction without bytes, hash and signature."""
    return Transaction(
        type=TransactionType.SET_CODE if request.authorizations else TransactionType.DYNAMIC_FEE,
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=0,
        max_fee_per_gas=0,
        gas_limit=request.gas_limit,
        to=request.to,
        value=request.value,
        data=request.data,
        access_list=request.access_list,
        y_parity=0,
        r=0,
        s=0,
        raw=b"",
        hash=ZERO_HASH,
        signing_hash=ZERO_HASH,
        authorizations=request.authorizations,
    )
