"""Fill a block: take pending transactions in arrival order until a limit is reached, banks in turns if not all may fit.

It must never let one bank's flood keep another's payments out of a block. Source: ledger.md §8.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from consensus.chain.block import encode_body
from consensus.primitives.scalars import Address
from node.execution.errors import BankShareExceeded, TransactionNotAllowed
from node.execution.limits import BlockLimits
from node.execution.transition import BlockContext, BlockExecution, ExecutedBlock, SignedTransaction
from node.state.reader import StateReader

BODY_HEADROOM_BYTES = 16
"""What the outer list header of a body may take."""

TRANSACTION_HEADROOM_BYTES = 4
"""What the byte string header around one typed transaction may take."""


def build_block(
    parent: StateReader,
    context: BlockContext,
    candidates: Iterable[SignedTransaction],
    *,
    bank_ids: Sequence[int] = (),
) -> tuple[ExecutedBlock, bytes]:
    """Execute as many candidates as fit and return the block with its body.

    Candidates are in arrival order; one whose nonce is not yet due waits until its predecessor is in the block. A
    candidate that must not be in a block on this state is left out. `bank_ids` names the sponsor of each candidate's
    sender, 0 for none; without it all are taken as of one bank. If the candidates of several banks may not all fit,
    banks take turns, and one whose next candidate does not fit has no further turn in this block, nor has one that
    has filled its share.
    """
    execution = BlockExecution(parent, context)
    limits = context.limits
    body_bytes = BODY_HEADROOM_BYTES
    lanes = _lanes(candidates, bank_ids, limits)
    turns = deque((bank_id, in_nonce_order(parent, lane)) for bank_id, lane in lanes)
    while turns:
        bank_id, lane = turns[0]
        signed = next(lane, None)
        if signed is None:
            turns.popleft()
            continue
        transaction_bytes = len(signed.transaction.raw) + TRANSACTION_HEADROOM_BYTES
        if body_bytes + transaction_bytes > limits.body_bytes_max:
            turns.popleft()
            continue
        try:
            execution.apply(signed)
        except BankShareExceeded as refusal:
            # A sender that has changed its bank since it was admitted does not end the turns of the one before.
            if refusal.bank_id == bank_id:
                turns.popleft()
            continue
        except TransactionNotAllowed as refusal:
            if refusal.rule in ("block_gas", "block_work"):
                turns.popleft()
            continue
        body_bytes += transaction_bytes
        turns.rotate(-1)
    executed = execution.seal()
    return executed, encode_body(executed.block.transactions)


def _lanes(
    candidates: Iterable[SignedTransaction], bank_ids: Sequence[int], limits: BlockLimits
) -> list[tuple[int | None, list[SignedTransaction]]]:
    """Return each bank with its candidates, the bank that waits longest first.

    One list of all under None, if it is not known whose they are or if they surely fit.
    """
    arrived = list(candidates)
    if not bank_ids or bank_ids.count(bank_ids[0]) == len(bank_ids):
        return [(bank_ids[0] if bank_ids else None, arrived)]
    if _surely_fit(arrived, limits):
        return [(None, arrived)]
    by_bank: dict[int, list[SignedTransaction]] = {}
    for signed, bank_id in zip(arrived, bank_ids, strict=True):
        by_bank.setdefault(bank_id, []).append(signed)
    return list(by_bank.items())


def _surely_fit(candidates: Sequence[SignedTransaction], limits: BlockLimits) -> bool:
    """Tell whether all would fit even if each used all the gas and work it may."""
    if len(candidates) * limits.transaction_work_max > limits.block_work_max:
        return False
    gas = sum(signed.transaction.gas_limit for signed in candidates)
    body_bytes = sum(len(signed.transaction.raw) + TRANSACTION_HEADROOM_BYTES for signed in candidates)
    return gas <= limits.block_gas_max and BODY_HEADROOM_BYTES + body_bytes <= limits.body_bytes_max


def in_nonce_order(state: StateReader, candidates: Iterable[SignedTransaction]) -> Iterator[SignedTransaction]:
    """Yield candidates in the order given, each sender's by ascending nonce without gaps from its nonce in `state`."""
    next_nonces: dict[Address, int] = {}
    early: dict[tuple[Address, int], SignedTransaction] = {}
    for signed in candidates:
        sender, nonce = signed.sender, signed.transaction.nonce
        expected = next_nonces.get(sender)
        if expected is None:
            account = state.account(sender)
            expected = next_nonces[sender] = 0 if account is None else account.nonce
        if nonce > expected:
            early[sender, nonce] = signed
        while nonce == expected:
            yield signed
            expected = next_nonces[sender] = expected + 1
            following = early.pop((sender, expected), None)
            if following is None:
                break
            signed, nonce = following, expected
