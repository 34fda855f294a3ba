"""Ordered list roots and proofs against the `trie` package."""

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from consensus.chain.errors import InvalidProof
from consensus.chain.merkle import EMPTY_TRIE_ROOT, ordered_list_proof, ordered_list_root, verify_merkle_proof
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import encode_uint
from consensus.primitives.scalars import Hash32

VALUES = st.lists(st.binary(min_size=1, max_size=80), max_size=300)


def reference_trie(values: list[bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[rlp.encode(index)] = value
    return trie


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_root_equals_the_trie_package(values: list[bytes]) -> None:
    assert ordered_list_root(values) == reference_trie(values).root_hash


def test_empty_list_has_the_published_root() -> None:
    assert ordered_list_root([]) == EMPTY_TRIE_ROOT
    assert EMPTY_TRIE_ROOT.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


@settings(max_examples=40, deadline=None)
@given(VALUES.filter(bool), st.data())
def test_proof_leads_to_the_value(values: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    proof = ordered_list_proof(values, index)
    root = ordered_list_root(values)
    assert verify_merkle_proof(root, encode_uint(index), proof) == values[index]


@pytest.mark.parametrize("count", [1, 2, 17, 130, 300])
def test_any_flipped_byte_breaks_the_proof(count: int) -> None:
    values = [b"value %d" % index * 5 for index in range(count)]
    root = ordered_list_root(values)
    proof = ordered_list_proof(values, count - 1)
    for position in range(len(proof)):
        for byte in range(0, len(proof[position]), 7):
            node = bytearray(proof[position])
            node[byte] ^= 1
            broken = [*proof[:position], bytes(node), *proof[position + 1 :]]
            with pytest.raises(InvalidProof):
                verify_merkle_proof(root, encode_uint(count - 1), broken)


def test_missing_and_surplus_nodes_are_refused() -> None:
    values = [b"x" * 40] * 20
    root = ordered_list_root(values)
    proof = ordered_list_proof(values, 3)
    with pytest.raises(InvalidProof, match="ends before"):
        verify_merkle_proof(root, encode_uint(3), proof[:-1])
    with pytest.raises(InvalidProof, match="surplus"):
        verify_merkle_proof(root, encode_uint(3), [*proof, proof[-1]])


def test_absence_is_proven() -> None:
    trie = HexaryTrie({})
    for index in range(50):
        trie[keccak256(bytes((index,)))] = b"account %d" % index * 4
    absent = keccak256(b"nobody")
    nodes = [rlp.encode(node) for node in trie.get_proof(absent)]  # type: ignore[no-untyped-call]  # the package is untyped
    assert verify_merkle_proof(Hash32(trie.root_hash), absent, nodes) is None
    present = keccak256(b"\x07")
    nodes = [rlp.encode(node) for node in trie.get_proof(present)]  # type: ignore[no-untyped-call]  # the package is untyped
    assert verify_merkle_proof(Hash32(trie.root_hash), present, nodes) == b"account 7" * 4
