"""The secure Merkle-Patricia trie, updated in batches over nodes stored by their path.

All keys are 32-byte hashes, so no key is a prefix of another and branches never hold values. A node of 32 bytes or
more is stored under its path (nibbles from the root); a shorter one is embedded in its parent; the root is always
stored. One pass visits every touched node once, whatever the number of updates below it.
Source: Yellow Paper, appendix D.
"""

import re
from binascii import unhexlify
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from consensus.chain.merkle import EMPTY_TRIE_ROOT, nibbles_of
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import decode, encode_bytes, encode_joined, read_bytes, split_list
from consensus.primitives.scalars import Hash32
from node.storage.errors import MissingRecord
from node.storage.schema import account_nodes, storage_nodes

TrieUpdate = tuple[bytes, bytes]
"""Hashed key and encoded value; an empty value deletes the key."""

NodeKey = Callable[[bytes], bytes]
"""From a path, one nibble per byte, to the store key of the node there."""

ReadNode = Callable[[bytes], bytes | None]
"""From a store key to the RLP of the node, or None."""

_EMPTY = b"\x80"
"""Encoded reference to nothing."""

_ROOT = b""

_EXTENSION_FLAGS = (b"00", b"1")
"""Hexadecimal beginning of the packed path of an extension, for an even and for an odd number of nibbles."""

_LEAF_FLAGS = (b"20", b"3")
"""The same for a leaf."""

_NIBBLE_TO_HEX = bytes.maketrans(bytes(range(16)), b"0123456789abcdef")

_SHORT_STRING_HEADS = tuple(bytes((0x80 + length,)) for length in range(34))
"""RLP heads of the packed paths, by length."""

_match_plain_branch = re.compile(rb"(\x80|\xa0.{32})" * 16 + rb"\x80", re.DOTALL).fullmatch
"""Splits a branch without embedded children, which most are."""

_HASH_REFERENCE_BYTES = 33
"""Length of an encoded reference by hash; embedded nodes are shorter."""


class _Leaf(NamedTuple):
    rest: bytes
    value: bytes


class _Extension(NamedTuple):
    shared: bytes
    child: bytes
    """Encoded reference."""


class _Branch(NamedTuple):
    references: list[bytes]
    """Sixteen encoded references."""


_Node = _Leaf | _Extension | _Branch

_Entry = tuple[bytes, bytes]
"""Path of 64 nibbles, and value."""


def account_trie() -> NodeKey:
    """Return where the nodes of the account trie are."""
    return account_nodes


def storage_trie(address_hash: Hash32) -> NodeKey:
    """Return where the nodes of one account's storage trie are."""
    return lambda path: storage_nodes(address_hash, path)


def update_trie(
    node_key: NodeKey, read: ReadNode, updates: Sequence[TrieUpdate], changes: dict[bytes, bytes | None]
) -> Hash32:
    """Apply `updates`, sorted by key and without repetition, and return the new root.

    `read` answers for the trie before the updates. New nodes are added to `changes` under their store keys, with None
    for nodes that are gone. Raises: MissingRecord if a node that must exist does not.
    """
    return _Update(node_key, read, changes).apply(updates)


def root_of_sorted(pairs: Iterator[TrieUpdate]) -> Hash32:
    """Return the root of the trie of `pairs`, sorted by key and without repetition, in one pass and in the memory that
    a 256th of them takes."""
    work = _Update(account_nodes, lambda _: None, {})
    tops: list[tuple[int, _Node]] = []
    for first_nibble, half in groupby(pairs, key=lambda pair: pair[0][0] >> 4):
        subtries: list[tuple[int, _Node]] = []
        for first_byte, group in groupby(half, key=lambda pair: pair[0][0]):
            node = work.build_apart([(nibbles_of(key), value) for key, value in group], depth=2)
            subtries.append((first_byte & 15, node))
        tops.append((first_nibble, work.join(subtries, bytes((first_nibble,)))))
    return keccak256(_encode(work.join(tops, _ROOT))) if tops else EMPTY_TRIE_ROOT


class _Update:
    def __init__(self, node_key: NodeKey, read: ReadNode, changes: dict[bytes, bytes | None]) -> None:
        self._node_key = node_key
        self._read = read
        self._changes = changes
        self._replaced: list[bytes] = []
        """Store keys of nodes that were loaded and will be written again, moved or dropped."""

    def apply(self, updates: Sequence[TrieUpdate]) -> Hash32:
        root_key = self._node_key(_ROOT)
        root = self._read(root_key)
        if not updates:
            return EMPTY_TRIE_ROOT if root is None else keccak256(root)
        entries = [(nibbles_of(key), value) for key, value in updates]
        if root is None:
            node = self._build([entry for entry in entries if entry[1]], 0)
        else:
            self._replaced.append(root_key)
            node = self._update(_parse(root), entries, 0)
        new_root = EMPTY_TRIE_ROOT
        changes = self._changes
        for key in self._replaced:
            changes.setdefault(key, None)
        if node is not None:
            encoded = _encode(node)
            changes[root_key] = encoded
            new_root = keccak256(encoded)
        return new_root

    def build_apart(self, entries: list[_Entry], *, depth: int) -> _Node:
        """Return a fresh node above `entries` and forget what lies below it."""
        self._changes.clear()
        node = self._build(entries, depth)
        assert node is not None
        return node

    def join(self, children: list[tuple[int, _Node]], path: bytes) -> _Node:
        """Return a fresh node at `path` above one or more `children` by nibble."""
        if len(children) == 1:
            nibble, child = children[0]
            return self._prepend(bytes((nibble,)), child, path + bytes((nibble,)))
        references = [_EMPTY] * 16
        for nibble, child in children:
            references[nibble] = self._place(child, path + bytes((nibble,)))
        return _Branch(references)

    def _update(self, node: _Node, entries: list[_Entry], depth: int) -> _Node | None:
        """Return what replaces `node`, whose path is the first `depth` nibbles of every entry."""
        if isinstance(node, _Branch):
            return self._update_branch(node.references, entries, depth)
        if isinstance(node, _Leaf):
            return self._update_leaf(node, entries, depth)
        return self._update_extension(node, entries, depth)

    def _update_child(self, reference: bytes, path: bytes, entries: list[_Entry], depth: int) -> _Node | None:
        """Return what replaces the node under `reference`.

        By far the most frequent case, one stored leaf that gets another value, is decided on its bytes: no other node
        begins with this leaf's path, as a branch would need a child whose hash is that path.
        """
        if len(reference) < _HASH_REFERENCE_BYTES:
            return self._update(_parse(reference), entries, depth)
        key = self._node_key(path)
        encoded = self._stored(key)
        self._replaced.append(key)
        if len(entries) == 1:
            entry_path, value = entries[0]
            rest = entry_path[depth:]
            if value and encoded.startswith(_leaf_path(rest), _list_head_bytes(encoded)):
                return _Leaf(rest, value)
        return self._update(_parse(encoded), entries, depth)

    def _update_leaf(self, leaf: "_Leaf", entries: list[_Entry], depth: int) -> _Node | None:
        own_path = entries[0][0][:depth] + leaf.rest
        kept = [entry for entry in entries if entry[1]]
        if not any(path == own_path for path, _ in entries):
            kept.append((own_path, leaf.value))
            kept.sort()
        return self._build(kept, depth)

    def _update_extension(self, extension: "_Extension", entries: list[_Entry], depth: int) -> _Node | None:
        shared = extension.shared
        end = depth + len(shared)
        child_path = entries[0][0][:depth] + shared
        inside = [entry for entry in entries if entry[0][depth:end] == shared]
        outside = [entry for entry in entries if entry[1] and entry[0][depth:end] != shared]
        if not outside:
            if not inside:
                return extension
            below = self._update_child(extension.child, child_path, inside, end)
            return None if below is None else self._prepend(shared, below, child_path)
        # Some paths part from the extension: put a branch where the first of them does. In sorted order the first and
        # the last have the shortest common beginnings.
        common = min(
            _common_length(shared, outside[0][0][depth:end]), _common_length(shared, outside[-1][0][depth:end])
        )
        at = depth + common
        references = [_EMPTY] * 16
        nibble, remainder = shared[common], shared[common + 1 :]
        held: _Node | None = None
        if remainder:
            held = _Extension(remainder, extension.child)
        else:
            references[nibble] = extension.child
        both = sorted(inside + outside)
        branch = self._update_branch(references, both, at, held_nibble=nibble, held=held)
        if branch is None or not common:
            return branch
        return self._prepend(shared[:common], branch, child_path[:at])

    def _update_branch(
        self,
        references: list[bytes],
        entries: list[_Entry],
        depth: int,
        *,
        held_nibble: int = 0,
        held: _Node | None = None,
    ) -> _Node | None:
        """Return what replaces a branch. `held` is a child under `held_nibble` that has not been placed yet."""
        prefix = entries[0][0][:depth]
        for nibble, group in _groups(entries, depth):
            path = group[0][0][: depth + 1]
            child: _Node | None
            if held is not None and nibble == held_nibble:
                child, held = self._update(held, group, depth + 1), None
            elif references[nibble] == _EMPTY:
                child = self._build([entry for entry in group if entry[1]], depth + 1)
            else:
                child = self._update_child(references[nibble], path, group, depth + 1)
            references[nibble] = _EMPTY if child is None else self._place(child, path)
        if held is not None:
            references[held_nibble] = self._place(held, prefix + bytes((held_nibble,)))
        unused_count = references.count(_EMPTY)
        if unused_count < 15:
            return _Branch(references)
        if unused_count == 16:
            return None
        nibble = next(nibble for nibble in range(16) if references[nibble] != _EMPTY)
        return self._collapse(nibble, references[nibble], prefix)

    def _collapse(self, nibble: int, reference: bytes, prefix: bytes) -> _Node:
        """Return what a branch with a single child becomes: the child, one nibble longer."""
        path = prefix + bytes((nibble,))
        key = self._node_key(path)
        fresh = self._changes.get(key)
        is_stored = len(reference) == _HASH_REFERENCE_BYTES
        encoded = reference
        if is_stored:
            encoded = self._stored(key) if fresh is None else fresh
        child = _parse(encoded)
        if isinstance(child, _Branch):
            return _Extension(bytes((nibble,)), reference)
        # The child moves up into its parent's place.
        if is_stored and fresh is not None:
            del self._changes[key]
        elif is_stored:
            self._replaced.append(key)
        return self._prepend(bytes((nibble,)), child, path)

    def _build(self, entries: list[_Entry], depth: int) -> _Node | None:
        """Return a fresh node above sorted `entries`, all with values, that agree on their first `depth` nibbles."""
        if not entries:
            return None
        first = entries[0][0]
        if len(entries) == 1:
            return _Leaf(first[depth:], entries[0][1])
        last = entries[-1][0]
        split = depth
        while first[split] == last[split]:
            split += 1
        references = [_EMPTY] * 16
        for nibble, group in _groups(entries, split):
            child = self._build(group, split + 1)
            assert child is not None
            references[nibble] = self._place(child, group[0][0][: split + 1])
        branch = _Branch(references)
        return branch if split == depth else _Extension(first[depth:split], self._place(branch, first[:split]))

    def _prepend(self, nibbles: bytes, node: _Node, path: bytes) -> _Node:
        """Return `node`, found at `path`, with `nibbles` put before it; a branch is placed below an extension."""
        if isinstance(node, _Leaf):
            return _Leaf(nibbles + node.rest, node.value)
        if isinstance(node, _Extension):
            return _Extension(nibbles + node.shared, node.child)
        return _Extension(nibbles, self._place(node, path))

    def _place(self, node: _Node, path: bytes) -> bytes:
        """Store a finished node at `path` unless it is short, and return the encoded reference to it."""
        encoded = _encode(node)
        if len(encoded) < 32:
            return encoded
        self._changes[self._node_key(path)] = encoded
        return b"\xa0" + keccak256(encoded)

    def _stored(self, key: bytes) -> bytes:
        stored = self._read(key)
        if stored is None:
            raise MissingRecord(f"trie node {key.hex()}")
        return stored


def _groups(entries: list[_Entry], depth: int) -> list[tuple[int, list[_Entry]]]:
    """Return the sorted entries by their nibble at `depth`."""
    count = len(entries)
    if count == 1:
        return [(entries[0][0][depth], entries)]
    groups = []
    start = 0
    while start < count:
        nibble = entries[start][0][depth]
        stop = start + 1
        while stop < count and entries[stop][0][depth] == nibble:
            stop += 1
        groups.append((nibble, entries[start:stop]))
        start = stop
    return groups


def _common_length(left: bytes, right: bytes) -> int:
    length = 0
    while length < len(left) and left[length] == right[length]:
        length += 1
    return length


def _encode(node: _Node) -> bytes:
    if isinstance(node, _Branch):
        return encode_joined(b"".join(node.references) + _EMPTY)
    if isinstance(node, _Leaf):
        return encode_joined(_leaf_path(node.rest) + encode_bytes(node.value))
    return encode_joined(encode_bytes(_pack(node.shared, _EXTENSION_FLAGS)) + node.child)


def _list_head_bytes(encoded: bytes) -> int:
    """Return the length of the head: one byte, or one for the kind and one or two for the length."""
    kind = encoded[0]
    return 1 if kind < 0xF8 else kind - 0xF6


def _leaf_path(rest: bytes) -> bytes:
    """Return the first item of a leaf, encoded."""
    packed = _pack(rest, _LEAF_FLAGS)
    length = len(packed)
    # One packed byte is below 0x80 and stands for itself; there are never more than 33.
    return packed if length == 1 else _SHORT_STRING_HEADS[length] + packed


def _pack(nibbles: bytes, flags: tuple[bytes, bytes]) -> bytes:
    """Return the hex-prefix encoding of a path (Yellow Paper, appendix C)."""
    return unhexlify(flags[len(nibbles) & 1] + nibbles.translate(_NIBBLE_TO_HEX))


def _parse(encoded: bytes) -> _Node:
    plain_branch = _match_plain_branch(encoded, _list_head_bytes(encoded))
    if plain_branch is not None:
        return _Branch(list(plain_branch.groups()))
    items = split_list(encoded)
    if len(items) == 17:
        return _Branch(items[:16])
    packed = read_bytes(decode(items[0]))
    nibbles = nibbles_of(packed)
    # The first nibble holds two flags: odd length, and leaf.
    path = nibbles[1:] if nibbles[0] & 1 else nibbles[2:]
    if nibbles[0] & 2:
        return _Leaf(path, read_bytes(decode(items[1])))
    return _Extension(path, items[1])
