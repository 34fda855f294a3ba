"""Headers as the consensus machine needs them."""

from consensus.chain.header import Header, block_hash_of, decode_header
from consensus.primitives.scalars import Hash32
from consensus.simplex.events import HeaderFacts


def facts_of(header: Header, block_hash: Hash32) -> HeaderFacts:
    """Return what agreement needs of a header."""
    return HeaderFacts(
        digest=block_hash,
        parent_digest=header.parent_hash,
        height=header.height,
        epoch=header.epoch,
        view=header.view,
        timestamp_ms=header.timestamp_ms,
    )


def read_header(header_rlp: bytes) -> HeaderFacts:
    """Return the facts of an encoded header. Raises: MalformedBlock."""
    return facts_of(decode_header(header_rlp), block_hash_of(header_rlp))
