"""System contracts' own functions over words that this wallet has proven, at the moment of one final header."""

from collections.abc import Callable

from consensus.primitives.scalars import Address
from contracts.native.read_context import ReadContext
from wallet_cli.session import Session
from wallet_cli.verified import Head


def proven_context(
    session: Session, head: Head, address: Address, read_slot: Callable[[Address, int], int]
) -> ReadContext:
    """Return what a system contract's function reads `address` with; `read_slot` gives words proven under `head`."""
    header = head.final.header
    return ReadContext(
        read_slot,
        address,
        height=header.height,
        # Contracts see whole seconds; the header's milliseconds are dropped there too.
        timestamp_s=header.timestamp_ms // 1_000,
        chain_id=session.network.chain_id,
    )
