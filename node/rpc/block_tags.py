"""Which height a request means. One request resolves its tag once and reads that height only."""

from dataclasses import dataclass

from consensus.primitives.scalars import Hash32, Height
from node.rpc.backend import LedgerReads
from node.rpc.errors import BlockNotFound, InvalidParameter
from node.rpc.parameters import read_bool, read_hash, read_object, read_quantity

FINAL_TAGS = frozenset({"latest", "safe", "finalized"})
"""One and the same: nothing else is ever visible."""

_BLOCK_ID = frozenset({"blockNumber", "blockHash", "requireCanonical"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """A height that exists."""

    height: Height
    is_pending: bool
    """The tag was `pending`: state reads as latest, nonces and the block include the mempool."""


def resolve_block(value: object, reads: LedgerReads, name: str = "block") -> Resolved:
    """Return the height that a tag, quantity or EIP-1898 object names; None means latest.

    Raises: InvalidParameter, BlockNotFound.
    """
    if value is None or (isinstance(value, str) and value in FINAL_TAGS):
        return Resolved(reads.head().height, is_pending=False)
    if value == "pending":
        return Resolved(reads.head().height, is_pending=True)
    if value == "earliest":
        return Resolved(reads.earliest_height(), is_pending=False)
    if isinstance(value, dict):
        return _resolve_object(value, reads, name)
    # Some clients send a block hash where EIP-1898 wants an object; 66 characters can be nothing else.
    if isinstance(value, str) and len(value) == 66:
        return Resolved(resolve_hash(read_hash(value, name), reads), is_pending=False)
    if isinstance(value, str) and value.startswith("0x"):
        return Resolved(_existing(read_quantity(value, name), reads), is_pending=False)
    raise InvalidParameter(
        name, expected="a quantity, latest, safe, finalized, pending, earliest or an object", actual=value
    )


def resolve_hash(block_hash: Hash32, reads: LedgerReads) -> Height:
    """Return the height of a final block.

    Raises: BlockNotFound.
    """
    height = reads.height_of(block_hash)
    if height is None:
        raise BlockNotFound(f"0x{block_hash.hex()}")
    return height


def _resolve_object(value: object, reads: LedgerReads, name: str) -> Resolved:
    members = read_object(value, name, _BLOCK_ID)
    if "requireCanonical" in members:
        # Every final block is canonical, so either answer is honoured.
        read_bool(members["requireCanonical"], f"{name}.requireCanonical")
    if ("blockHash" in members) == ("blockNumber" in members):
        raise InvalidParameter(name, expected="either blockHash or blockNumber", actual=value)
    if "blockHash" in members:
        block_hash = read_hash(members["blockHash"], f"{name}.blockHash")
        return Resolved(resolve_hash(block_hash, reads), is_pending=False)
    number = read_quantity(members["blockNumber"], f"{name}.blockNumber")
    return Resolved(_existing(number, reads), is_pending=False)


def _existing(number: int, reads: LedgerReads) -> Height:
    if number > reads.head().height:
        raise BlockNotFound(hex(number))
    return Height(number)
