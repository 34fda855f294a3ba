"""The batched trie against the `trie` package, on random histories."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import keccak256
from node.state.state_trie import account_trie, update_trie
from node.storage.errors import MissingRecord


class Nodes:
    """Stored nodes, and the reference trie beside them."""

    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}
        # Any: the package's methods have no types.
        self.reference: Any = HexaryTrie({}, prune=True)
        self.content: dict[bytes, bytes] = {}

    def apply(self, updates: dict[bytes, bytes]) -> bytes:
        changes: dict[bytes, bytes | None] = {}
        root = update_trie(account_trie(), self.stored.get, sorted(updates.items()), changes)
        for key, node in changes.items():
            if node is None:
                assert key in self.stored, "only stored nodes can go"
                del self.stored[key]
            else:
                self.stored[key] = node
        for hashed, value in updates.items():
            if value:
                self.reference[hashed] = value
                self.content[hashed] = value
            elif hashed in self.content:
                del self.reference[hashed]
                del self.content[hashed]
        assert root == self.reference.root_hash
        return root

    def assert_no_garbage(self) -> None:
        """The stored nodes are exactly those that a trie built at once would store."""
        fresh: dict[bytes, bytes | None] = {}
        update_trie(account_trie(), lambda _: None, sorted(self.content.items()), fresh)
        assert fresh == self.stored


def key(number: int) -> bytes:
    return keccak256(number.to_bytes(4, "big"))


def clustered_key(number: int) -> bytes:
    """Keys that share long beginnings, so that extensions appear at every depth."""
    digest = keccak256(bytes((number,)))
    cut = number % 31
    return b"\x11" * cut + digest[: 32 - cut]


@pytest.mark.parametrize("make_key", [key, clustered_key], ids=["spread", "clustered"])
@pytest.mark.parametrize("value_bytes", [1, 40], ids=["embedded nodes", "stored nodes"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_histories_give_the_roots_of_the_trie_package(make_key: object, value_bytes: int, seed: int) -> None:
    generator = random.Random(seed)
    nodes = Nodes()
    assert callable(make_key)
    for _ in range(8):
        updates: dict[bytes, bytes] = {}
        for _ in range(generator.choice([0, 1, 2, 5, 20])):
            number = generator.randrange(60)
            is_delete = generator.random() < 0.4
            updates[make_key(number)] = b"" if is_delete else generator.randbytes(value_bytes - 1) + b"\x01"
        nodes.apply(updates)
        nodes.assert_no_garbage()
    nodes.apply(dict.fromkeys(nodes.content, b""))
    assert nodes.stored == {}


def test_large_batch_on_large_trie() -> None:
    nodes = Nodes()
    nodes.apply({key(number): b"value %d" % number * 4 for number in range(2_000)})
    nodes.apply({key(number): b"other %d" % number * 4 for number in range(0, 3_000, 3)})
    nodes.apply({key(number): b"" for number in range(0, 2_000, 2)})
    nodes.assert_no_garbage()


def test_empty_batch_and_deletion_of_absent_keys_change_nothing() -> None:
    nodes = Nodes()
    assert nodes.apply({}) == EMPTY_TRIE_ROOT
    assert nodes.apply({key(1): b""}) == EMPTY_TRIE_ROOT
    before = nodes.apply({key(1): b"x" * 40, key(2): b"y" * 40})
    assert nodes.apply({key(3): b""}) == before
    assert nodes.apply({}) == before


def test_missing_node_is_a_storage_error_and_not_a_wrong_root() -> None:
    nodes = Nodes()
    nodes.apply({key(number): b"x" * 40 for number in range(200)})
    lost = next(stored for stored in sorted(nodes.stored) if stored[1] == 1)
    prefix = lost[2]
    del nodes.stored[lost]
    victim = next(number for number in range(200) if key(number)[0] >> 4 == prefix)
    with pytest.raises(MissingRecord):
        nodes.apply({key(victim): b"z" * 40})


@pytest.mark.parametrize(
    ("content", "root"),
    [
        ({}, "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"),
        ({"A": "a" * 50}, "e9e2935138352776cad724d31c9fa5266a5c593bb97726dd2a908fe6d53284df"),
        (
            {"doe": "reindeer", "dog": "puppy", "dogglesworth": "cat"},
            "d4cd937e4a4368d7931a9cf51686b7e10abb3dce38a39000fd7902a092b64585",
        ),
        (
            {"do": "verb", "horse": "stallion", "doge": "coin", "dog": "puppy"},
            "29b235a58c3c25ab83010c327d5932bcf05324b7d6b1185e650798034783ca9d",
        ),
    ],
    ids=["empty", "singleItem", "dogs", "puppy"],
)
def test_public_vectors_of_the_secure_trie(content: dict[str, str], root: str) -> None:
    updates = sorted((keccak256(name.encode()), value.encode()) for name, value in content.items())
    assert update_trie(account_trie(), lambda _: None, updates, {}).hex() == root
