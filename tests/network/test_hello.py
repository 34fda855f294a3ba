"""The application handshake as a table: who says what, and how the link ends."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.errors import (
    BadProof,
    LinkError,
    MalformedControl,
    UnexpectedFrame,
    WrongChain,
    WrongGenesis,
    WrongProtocol,
    WrongRole,
)
from network.hello import (
    PROTOCOL_VERSION,
    Handshake,
    Hello,
    Role,
    decode_acknowledgement,
    decode_hello,
    encode_acknowledgement,
    encode_hello,
)
from tests.network.support import CHAIN_ID, GENESIS_HASH, sign_proof, verify_proof

ALICE, BOB, MALLORY = b"A" * 32, b"B" * 32, b"M" * 32
VECTORS = Path(__file__).parent.parent / "vectors" / "network"


def hello(nonce: bytes, role: Role = Role.VALIDATOR) -> Hello:
    return Hello(PROTOCOL_VERSION, CHAIN_ID, GENESIS_HASH, role, 3, 1_204, nonce * 32, "sycee/0.1.0")


def end(
    own: bytes, peer: bytes, nonce: bytes, *, role: Role = Role.VALIDATOR, peer_role: Role = Role.VALIDATOR
) -> Handshake:
    return Handshake(
        hello(nonce, role),
        own_tls_key=own,
        peer_tls_key=peer,
        peer_role=peer_role,
        sign_proof=sign_proof if role is Role.VALIDATOR else None,
        verify_proof=verify_proof,
    )


HELLOS = st.builds(
    Hello,
    protocol=st.integers(0, 2**16 - 1),
    chain_id=st.integers(0, 2**64 - 1),
    genesis_hash=st.binary(min_size=32, max_size=32),
    role=st.sampled_from(Role),
    epoch=st.integers(0, 2**64 - 1),
    final_height=st.integers(0, 2**64 - 1),
    nonce=st.binary(min_size=32, max_size=32),
    software_version=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=64),
)


@settings(max_examples=50)
@given(HELLOS)
def test_hello_round_trips_and_every_truncation_is_refused(value: Hello) -> None:
    payload = encode_hello(value)
    assert decode_hello(payload) == value
    for wrong in (*(payload[:length] for length in range(len(payload))), payload + b" "):
        with pytest.raises(MalformedControl):
            decode_hello(wrong)


def test_hello_with_control_characters_or_an_unknown_role_is_refused() -> None:
    payload = bytearray(encode_hello(hello(b"a")))
    payload[-1] = 0x1B
    with pytest.raises(MalformedControl, match="printable"):
        decode_hello(bytes(payload))
    payload = bytearray(encode_hello(hello(b"a")))
    payload[1 + 2 + 8 + 32] = 3
    with pytest.raises(MalformedControl, match="role 3"):
        decode_hello(bytes(payload))


def test_hello_and_acknowledgement_bytes_are_golden() -> None:
    vectors = json.loads((VECTORS / "hello.json").read_text())
    assert encode_hello(hello(b"n")).hex() == vectors["hello"]
    proof = sign_proof(own_tls_key=ALICE, peer_tls_key=BOB, peer_nonce=b"n" * 32)
    assert encode_acknowledgement(proof).hex() == vectors["acknowledgement"]
    assert encode_acknowledgement(None).hex() == vectors["acknowledgement_of_follower"]
    assert decode_acknowledgement(bytes.fromhex(vectors["acknowledgement"])) == proof


def test_two_validators_come_up_after_both_acknowledgements_and_not_before() -> None:
    alice, bob = end(ALICE, BOB, b"a"), end(BOB, ALICE, b"b")
    (from_bob,) = bob.feed(alice.opening())
    (from_alice,) = alice.feed(bob.opening())
    assert not alice.is_up
    assert not bob.is_up
    assert alice.feed(from_bob) == ()
    assert alice.is_up
    assert not bob.is_up
    assert bob.feed(from_alice) == ()
    assert bob.is_up
    assert alice.peer_hello == hello(b"b")


def test_a_follower_comes_up_without_a_proof() -> None:
    alice = end(ALICE, BOB, b"a", peer_role=Role.FOLLOWER)
    bob = end(BOB, ALICE, b"b", role=Role.FOLLOWER)
    (from_bob,) = bob.feed(alice.opening())
    (from_alice,) = alice.feed(bob.opening())
    alice.feed(from_bob)
    bob.feed(from_alice)
    assert alice.is_up
    assert bob.is_up


@pytest.mark.parametrize(
    ("what", "change", "error"),
    [
        ("protocol", lambda value: replace(value, protocol=2), WrongProtocol),
        ("chain", lambda value: replace(value, chain_id=1), WrongChain),
        ("genesis", lambda value: replace(value, genesis_hash=bytes(32)), WrongGenesis),
        ("role", lambda value: replace(value, role=Role.FOLLOWER), WrongRole),
        ("mirrored nonce", lambda value: replace(value, nonce=b"a" * 32), MalformedControl),
    ],
)
def test_a_hello_of_another_network_is_refused(
    what: str, change: Callable[[Hello], Hello], error: type[LinkError]
) -> None:
    alice = end(ALICE, BOB, b"a")
    with pytest.raises(error):
        alice.feed(encode_hello(change(hello(b"b"))))
    assert not alice.is_up, what


def test_a_later_protocol_is_named_even_if_the_rest_cannot_be_read() -> None:
    with pytest.raises(WrongProtocol) as caught:
        end(ALICE, BOB, b"a").feed(b"\x01\x00\x09new layout")
    assert (caught.value.own, caught.value.peer) == (PROTOCOL_VERSION, 9)


PROOFS = [
    ("relayed from a link with somebody else", BOB, MALLORY, b"a", BadProof),
    ("replayed from an earlier link", BOB, ALICE, b"z", BadProof),
    ("made by another validator", MALLORY, ALICE, b"a", BadProof),
    ("reflected", ALICE, BOB, b"b", BadProof),
    ("right", BOB, ALICE, b"a", None),
]


@pytest.mark.parametrize(("what", "signer", "peer", "nonce", "error"), PROOFS)
def test_only_the_proof_of_this_link_is_accepted(
    what: str, signer: bytes, peer: bytes, nonce: bytes, error: type[LinkError] | None
) -> None:
    alice = end(ALICE, BOB, b"a")
    alice.feed(encode_hello(hello(b"b")))
    proof = encode_acknowledgement(sign_proof(own_tls_key=signer, peer_tls_key=peer, peer_nonce=nonce * 32))
    if error is None:
        alice.feed(proof)
        assert alice.is_up, what
        with pytest.raises(UnexpectedFrame):
            alice.feed(proof)
        return
    with pytest.raises(error):
        alice.feed(proof)
    assert not alice.is_up, what


def test_a_relayed_handshake_does_not_come_up() -> None:
    """Mallory, allowed by both, passes Alice's and Bob's messages on: each expects a proof for Mallory's key."""
    alice, bob = end(ALICE, MALLORY, b"a"), end(BOB, MALLORY, b"b")
    (from_bob,) = bob.feed(alice.opening())
    alice.feed(bob.opening())
    with pytest.raises(BadProof):
        alice.feed(from_bob)


@pytest.mark.parametrize("peer_role", list(Role))
def test_a_proof_is_there_exactly_for_validators(peer_role: Role) -> None:
    alice = end(ALICE, BOB, b"a", peer_role=peer_role)
    alice.feed(encode_hello(hello(b"b", peer_role)))
    proof = sign_proof(own_tls_key=BOB, peer_tls_key=ALICE, peer_nonce=b"a" * 32)
    with pytest.raises(MalformedControl):
        alice.feed(encode_acknowledgement(None if peer_role is Role.VALIDATOR else proof))


def test_an_acknowledgement_before_the_hello_or_of_wrong_length_is_refused() -> None:
    with pytest.raises(MalformedControl):
        end(ALICE, BOB, b"a").feed(encode_acknowledgement(None))
    for length in (0, 2, 64, 66):
        with pytest.raises(MalformedControl):
            decode_acknowledgement(b"\x02".ljust(length, b"\x00")[:length])
