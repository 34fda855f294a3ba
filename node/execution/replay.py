"""A final block executed once more, for whoever wants to watch: transaction by transaction, keeping nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from consensus.chain.header import Header
from consensus.primitives.scalars import WorkUnits
from node.execution.epoch_state import read_limits
from node.execution.meter import WorkMeter
from node.execution.system_steps import start_block
from node.execution.transition import BlockContext, SignedTransaction, apply_transaction
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader


@dataclass(frozen=True, slots=True)
class ReplaySite:
    """One transaction of a block, with the state right before it."""

    signed: SignedTransaction
    context: BlockContext
    below: StateReader
    overlay: Overlay
    """Writes go to waste; what is read from below is what the transaction found."""
    make_meter: Callable[[], WorkMeter]
    """Makes a meter with the limit of a transaction."""


def replay_block(
    parent: StateReader,
    header: Header,
    chain_id: int,
    transactions: Sequence[SignedTransaction],
    make_meter: Callable[[WorkUnits], WorkMeter],
    *,
    only: int | None = None,
) -> Iterator[ReplaySite]:
    """Yield the site of each transaction, or of one. Raises: DeadlinePassed."""
    context = context_of_header(parent, header, chain_id)
    overlay = Overlay(parent)
    journal = Journal(overlay)
    start_block(journal, context)
    journal.commit()

    def make_transaction_meter() -> WorkMeter:
        return make_meter(context.limits.transaction_work_max)

    for index, signed in enumerate(transactions):
        if only is None or only == index:
            yield ReplaySite(signed, context, overlay, Overlay(overlay), make_transaction_meter)
        if index == only:
            return
        apply_transaction(journal, context, signed, make_transaction_meter())
        journal.commit()


def context_of_header(parent: StateReader, header: Header, chain_id: int) -> BlockContext:
    """Return what the execution of a block knew of it, the limits of its epoch among them."""
    return BlockContext(
        chain_id=chain_id,
        parent_hash=header.parent_hash,
        height=header.height,
        timestamp_ms=header.timestamp_ms,
        leader=header.leader,
        epoch=header.epoch,
        view=header.view,
        limits=read_limits(parent),
    )
