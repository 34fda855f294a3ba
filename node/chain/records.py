"""Values of the block records in LevelDB. Keys are in node/storage/schema.py."""

from dataclasses import dataclass

from consensus.chain.errors import MalformedBlock
from consensus.chain.receipt import Receipt, decode_receipt, encode_receipt
from consensus.primitives.rlp_codec import (
    RlpError,
    decode,
    encode_bytes,
    encode_joined,
    read_bytes,
    read_list,
)
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from node.storage.errors import DamagedValue

FINAL_HEAD_BYTES = 56
LOCATION_BYTES = 12


@dataclass(frozen=True, slots=True)
class FinalHead:
    """Where the final chain ends."""

    height: Height
    block_hash: Hash32
    epoch: Epoch
    view: View
    """The consensus floor: view of the block's own finalization; of its header when it is final by a descendant."""


@dataclass(frozen=True, slots=True)
class BlockResults:
    """What executing a block produced, beside the state."""

    receipts: tuple[Receipt, ...]
    senders: tuple[Address, ...]
    revert_outputs: tuple[bytes, ...]
    """ABI-encoded error of each reverted transaction, empty for the others."""


def encode_final_head(head: FinalHead) -> bytes:
    """Return height ‖ hash ‖ epoch ‖ view, fixed width, big-endian."""
    return (
        head.height.to_bytes(8, "big") + head.block_hash + head.epoch.to_bytes(8, "big") + head.view.to_bytes(8, "big")
    )


def decode_final_head(value: bytes) -> FinalHead:
    """Return the head in `value`, which this node wrote. Raises: DamagedValue."""
    if len(value) != FINAL_HEAD_BYTES:
        raise DamagedValue("the final head", f"{len(value)} bytes, not {FINAL_HEAD_BYTES}")
    return FinalHead(
        height=Height(int.from_bytes(value[:8], "big")),
        block_hash=Hash32(value[8:40]),
        epoch=Epoch(int.from_bytes(value[40:48], "big")),
        view=View(int.from_bytes(value[48:56], "big")),
    )


def encode_epoch_record(first_height: Height, payload: bytes) -> bytes:
    """Return first height ‖ validator set payload of an epoch."""
    return first_height.to_bytes(8, "big") + payload


def decode_epoch_record(value: bytes) -> tuple[Height, bytes]:
    """Return first height and validator set payload in `value`, which this node wrote."""
    return Height(int.from_bytes(value[:8], "big")), value[8:]


def encode_results(results: BlockResults) -> bytes:
    """Return RLP [receipts, senders, revert outputs]."""
    return encode_joined(
        encode_joined(b"".join([encode_bytes(encode_receipt(receipt)) for receipt in results.receipts]))
        + encode_joined(b"".join([encode_bytes(sender) for sender in results.senders]))
        + encode_joined(b"".join([encode_bytes(output) for output in results.revert_outputs]))
    )


def decode_results(value: bytes) -> BlockResults:
    """Return the results in `value`, which this node wrote. Raises: DamagedValue."""
    try:
        receipts, senders, outputs = read_list(decode(value), 3)
        return BlockResults(
            receipts=tuple(decode_receipt(read_bytes(item)) for item in read_list(receipts)),
            senders=tuple(Address(read_bytes(item, 20)) for item in read_list(senders)),
            revert_outputs=tuple(read_bytes(item) for item in read_list(outputs)),
        )
    except (RlpError, MalformedBlock) as error:
        raise DamagedValue("a block's results", str(error)) from error


def encode_location(height: Height, index: int) -> bytes:
    """Return height ‖ index of a transaction."""
    return height.to_bytes(8, "big") + index.to_bytes(4, "big")


def decode_location(value: bytes) -> tuple[Height, int]:
    """Return height and index of a transaction. Raises: DamagedValue."""
    if len(value) != LOCATION_BYTES:
        raise DamagedValue("a transaction's location", f"{len(value)} bytes, not {LOCATION_BYTES}")
    return Height(int.from_bytes(value[:8], "big")), int.from_bytes(value[8:], "big")
