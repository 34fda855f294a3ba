"""Merkle-Patricia roots of ordered lists, and verification of any Merkle-Patricia proof.

The trie that holds the state lives in the node; what a light client needs to check it is here.
Source: Yellow Paper, appendix D.
"""

from collections.abc import Iterator, Sequence

from consensus.chain.errors import InvalidProof
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import (
    DecodedItem,
    RlpError,
    decode,
    encode_bytes,
    encode_joined,
    encode_uint,
    read_bytes,
)
from consensus.primitives.scalars import Hash32

EMPTY_TRIE_ROOT = keccak256(b"\x80")
"""Root of a trie without keys: keccak-256 of the RLP of the empty string."""

PROOF_NODES_MAX = 65
"""Most nodes on any path: 64 nibbles of a hashed key and the leaf. More is an attack on the verifier."""


def nibbles_of(key: bytes) -> bytes:
    """Return the half-bytes of `key`, one per byte."""
    return key.hex().encode().translate(_HEX_TO_NIBBLE)


def ordered_list_root(values: Sequence[bytes]) -> Hash32:
    """Return the root of the trie that maps RLP(index) to each value: transactionsRoot and receiptsRoot."""
    if not values:
        return EMPTY_TRIE_ROOT
    return keccak256(_build_node(_indexed(values), 0, []))


def ordered_list_proof(values: Sequence[bytes], index: int) -> list[bytes]:
    """Return the nodes from the root to `values[index]`, as `verify_merkle_proof` wants them.

    Raises: IndexError if there is no such value.
    """
    if not 0 <= index < len(values):
        raise IndexError(f"index {index} in a list of {len(values)}")
    recorded: list[tuple[bytes, bytes]] = []
    entries = _indexed(values)
    root = _build_node(entries, 0, recorded)
    path = nibbles_of(encode_uint(index))
    nodes = {prefix: node for prefix, node in recorded if path.startswith(prefix) and len(node) >= 32}
    nodes[b""] = root
    return [nodes[prefix] for prefix in sorted(nodes, key=len)]


def verify_merkle_proof(root: Hash32, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the value that the trie under `root` holds for `key`, or None if the proof shows its absence.

    `key` is the trie's own key: for state and storage the keccak-256 of address or slot.

    Raises: InvalidProof if a node is missing, surplus, malformed or does not hash to its parent's reference.
    Source: EIP-1186.
    """
    if len(nodes) > PROOF_NODES_MAX:
        raise InvalidProof(f"{len(nodes)} nodes, no path is longer than {PROOF_NODES_MAX}")
    if root == EMPTY_TRIE_ROOT and not nodes:
        return None
    remaining = iter(nodes)
    path = nibbles_of(key)
    reference: DecodedItem = root
    try:
        while True:
            node = _resolve(reference, remaining)
            if node == b"":
                value = None
                break
            if isinstance(node, bytes):
                raise InvalidProof("a node is a byte string, not a list")
            if len(node) == 17:
                if not path:
                    value = read_bytes(node[16]) or None
                    break
                reference, path = node[path[0]], path[1:]
                if reference == b"":
                    value = None
                    break
            elif len(node) == 2:
                step, is_leaf = _decode_path(read_bytes(node[0]))
                if is_leaf:
                    value = read_bytes(node[1]) if step == path else None
                    break
                if path[: len(step)] != step:
                    value = None
                    break
                reference, path = node[1], path[len(step) :]
            else:
                raise InvalidProof(f"a node has {len(node)} items, not 2 or 17")
    except RlpError as error:
        raise InvalidProof(f"a node is not canonical RLP: {error}") from error
    if next(remaining, None) is not None:
        raise InvalidProof("surplus nodes after the end of the path")
    return value


_HEX_TO_NIBBLE = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))


def _indexed(values: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    entries = [(nibbles_of(encode_uint(index)), value) for index, value in enumerate(values)]
    entries.sort()
    return entries


def encode_path(nibbles: bytes, *, is_leaf: bool) -> bytes:
    """Return the hex-prefix encoding of a path (Yellow Paper, appendix C)."""
    flag = 2 if is_leaf else 0
    if len(nibbles) & 1:
        packed = bytes(((flag + 1) << 4 | nibbles[0],))
        rest = nibbles[1:]
    else:
        packed = bytes((flag << 4,))
        rest = nibbles
    return packed + bytes([high << 4 | low for high, low in zip(rest[::2], rest[1::2], strict=True)])


def _decode_path(packed: bytes) -> tuple[bytes, bool]:
    if not packed or packed[0] >> 4 > 3:
        raise InvalidProof("a path has no valid hex prefix")
    nibbles = nibbles_of(packed)
    if nibbles[0] & 1:
        return nibbles[1:], nibbles[0] >= 2
    if nibbles[1] != 0:
        raise InvalidProof("a path of even length is padded with a nonzero nibble")
    return nibbles[2:], nibbles[0] >= 2


def _resolve(reference: DecodedItem, remaining: Iterator[bytes]) -> DecodedItem:
    """Return the node behind a reference: embedded, or the next of the proof with that hash."""
    if not isinstance(reference, bytes):
        return reference
    if len(reference) != 32:
        raise InvalidProof(f"a reference has {len(reference)} bytes, not 32")
    encoded = next(remaining, None)
    if encoded is None:
        raise InvalidProof("the proof ends before the path does")
    if keccak256(encoded) != reference:
        raise InvalidProof(f"a node does not hash to 0x{reference.hex()}")
    return decode(encoded)


def _reference_to(node: bytes) -> bytes:
    return node if len(node) < 32 else b"\xa0" + keccak256(node)


def _build_node(entries: list[tuple[bytes, bytes]], depth: int, recorded: list[tuple[bytes, bytes]]) -> bytes:
    """Return the encoded node above sorted `entries`, which agree on their first `depth` nibbles.

    Every node below is appended to `recorded` with its path. Recursion is bounded by the ten nibbles of an index.
    """
    first_key, first_value = entries[0]
    if len(entries) == 1:
        return encode_joined(encode_bytes(encode_path(first_key[depth:], is_leaf=True)) + encode_bytes(first_value))
    last_key = entries[-1][0]
    split = depth
    while split < len(first_key) and first_key[split] == last_key[split]:
        split += 1
    if split > depth:
        child = _build_node(entries, split, recorded)
        recorded.append((first_key[:split], child))
        return encode_joined(encode_bytes(encode_path(first_key[depth:split], is_leaf=False)) + _reference_to(child))
    slots = [b"\x80"] * 17
    start = 0
    if len(first_key) == depth:
        slots[16] = encode_bytes(first_value)
        start = 1
    while start < len(entries):
        nibble = entries[start][0][depth]
        stop = start + 1
        while stop < len(entries) and entries[stop][0][depth] == nibble:
            stop += 1
        child = _build_node(entries[start:stop], depth + 1, recorded)
        recorded.append((entries[start][0][: depth + 1], child))
        slots[nibble] = _reference_to(child)
        start = stop
    return encode_joined(b"".join(slots))
