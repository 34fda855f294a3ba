"""Fill a block: take pending transactions in arrival order until a limit is reached."""

from collections.abc import Iterable, Iterator

from consensus.chain.block import encode_body
from consensus.primitives.scalars import Address
from node.execution.errors import TransactionNotAllowed
from node.execution.transition import BlockContext, BlockExecution, ExecutedBlock, SignedTransaction
from node.state.reader import StateReader

BODY_HEADROOM_BYTES = 16
"""What the outer list header of a body may take."""

TRANSACTION_HEADROOM_BYTES = 4
"""What the byte string header around one typed transaction may take."""


def build_block(
    parent: StateReader, context: BlockContext, candidates: Iterable[SignedTransaction]
) -> tuple[ExecutedBlock, bytes]:
    """Execute as many candidates as fit and return the block with its body.

    Candidates are in arrival order; one whose nonce is not yet due waits until its predecessor is in the block. A
    candidate that must not be in a block on this state is left out.
    """
    execution = BlockExecution(parent, context)
    limits = context.limits
    body_bytes = BODY_HEADROOM_BYTES
    for signed in in_nonce_order(parent, candidates):
        transaction_bytes = len(signed.transaction.raw) + TRANSACTION_HEADROOM_BYTES
        if body_bytes + transaction_bytes > limits.body_bytes_max:
            break
        try:
            execution.apply(signed)
        except TransactionNotAllowed as refusal:
            if refusal.rule in ("block_gas", "block_work"):
                break
            continue
        body_bytes += transaction_bytes
    executed = execution.seal()
    return executed, encode_body(executed.block.transactions)


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
