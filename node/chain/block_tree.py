"""Blocks above the final one: proposed, being executed, certified, abandoned.

A tree by block hash. Headers come first, bodies when they are whole, results when they are executed. Owned by the loop
thread; an overlay inside it belongs to the execute thread until that hands it back.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from consensus.chain.block import decode_body
from consensus.chain.errors import MalformedBlock
from consensus.chain.header import Header
from consensus.chain.merkle import ordered_list_root
from consensus.primitives.scalars import Hash32, Height, View
from node.execution.transition import ExecutedBlock

BLOCKS_MAX = 1_024
"""Blocks above the final one that are remembered. A network that notarizes without finalizing adds one per view; the
bodies of old views can be fetched again."""


class WrongBody(ValueError):
    """A body that is not the one its header names: whoever sent it is at fault."""


@dataclass(slots=True)
class TreeBlock:
    """What is known of one block above the final one."""

    block_hash: Hash32
    header: Header
    header_rlp: bytes
    transactions: tuple[bytes, ...] | None = None
    """Raw transactions once the body is whole."""
    body: bytes | None = None
    executed: ExecutedBlock | None = None
    is_invalid: bool = False
    """Executed and found wrong for ever."""
    build_ms: int = 0
    certify_ms: int = 0


class BlockTree:
    """Speculative blocks over the final head."""

    def __init__(self, final_hash: Hash32, final_height: Height) -> None:
        self.final_hash = final_hash
        self.final_height = final_height
        self._blocks: dict[Hash32, TreeBlock] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def get(self, block_hash: Hash32) -> TreeBlock | None:
        """Return what is known of a block above the final one."""
        return self._blocks.get(block_hash)

    def add_header(self, block_hash: Hash32, header: Header, header_rlp: bytes) -> TreeBlock | None:
        """Remember a header; None if it is not above the final block. The lowest blocks make room for higher ones."""
        if header.height <= self.final_height:
            return None
        block = self._blocks.get(block_hash)
        if block is None:
            if len(self._blocks) >= BLOCKS_MAX:
                lowest = min(self._blocks.values(), key=lambda known: known.header.height)
                del self._blocks[lowest.block_hash]
            block = self._blocks[block_hash] = TreeBlock(block_hash, header, header_rlp)
        return block

    def add_body(self, block_hash: Hash32, body: bytes) -> TreeBlock | None:
        """Attach a whole body to its header and return the block; None if the header is unknown or has its body.

        Raises: WrongBody if the transactions are not those of the header.
        """
        block = self._blocks.get(block_hash)
        if block is None or block.body is not None:
            return None
        try:
            transactions = decode_body(body)
        except MalformedBlock as error:
            raise WrongBody(str(error)) from error
        if ordered_list_root(transactions) != block.header.transactions_root:
            raise WrongBody(f"transactions are not those of block 0x{block_hash.hex()}")
        block.body = body
        block.transactions = tuple(transactions)
        return block

    def add_built(self, executed: ExecutedBlock, body: bytes) -> TreeBlock:
        """Remember a block this node built: whole and executed from the beginning."""
        built = executed.block
        block = TreeBlock(built.block_hash, built.header, built.header_rlp, built.transactions, body, executed)
        self._blocks[built.block_hash] = block
        return block

    def path_from_final(self, block_hash: Hash32) -> list[TreeBlock] | None:
        """Return the known blocks from just above the final one to `block_hash`; None if one is missing between."""
        path: list[TreeBlock] = []
        while block_hash != self.final_hash:
            block = self._blocks.get(block_hash)
            if block is None:
                return None
            path.append(block)
            block_hash = block.header.parent_hash
        path.reverse()
        return path

    def view_highest(self) -> View:
        """Return the highest view of a block in the tree; 0 if there is none."""
        return max((block.header.view for block in self._blocks.values()), default=View(0))

    def above(self) -> Iterator[TreeBlock]:
        """Yield every block of the tree by height, then by hash."""
        return iter(sorted(self._blocks.values(), key=lambda block: (block.header.height, block.block_hash)))

    def advance(self, block_hash: Hash32, height: Height) -> None:
        """Make `block_hash` the final head: forget it, everything not above it, and every branch beside it."""
        self.final_hash = block_hash
        self.final_height = height
        kept: dict[Hash32, TreeBlock] = {}
        for block in self.above():
            if block.header.height <= height:
                continue
            parent = block.header.parent_hash
            # Parents come before their children, so one that is known and not kept is beside the final chain. One that
            # is not known may still turn out to be on it.
            may_lead_back = block.header.height > height + 1 and parent not in self._blocks
            if parent == block_hash or parent in kept or may_lead_back:
                kept[block.block_hash] = block
        self._blocks = kept
