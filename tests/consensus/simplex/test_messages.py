"""Codecs: one encoding per value; golden bytes for everything that is signed or sent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height, ValidatorIndex, View
from consensus.simplex.messages import (
    Certificate,
    Kind,
    MalformedConsensusMessage,
    Proposal,
    Statement,
    Status,
    Vote,
    decode_certificate,
    decode_proposal,
    decode_status,
    decode_vote,
    encode_certificate,
    encode_proposal,
    encode_status,
    encode_vote,
    hello_statement,
    sign_bytes,
    status_statement,
)
from tests.consensus.simplex.bench import digest_of
from tests.consensus.simplex.keys import DOMAIN, certificate, finalize, notarize, nullify, validator_set, vote

VECTORS = Path(__file__).parents[2] / "vectors" / "simplex" / "messages.json"

u64 = st.integers(0, 2**64 - 1)
hashes = st.binary(min_size=32, max_size=32).map(Hash32)


@st.composite
def statements(draw: st.DrawFn, kind: Kind | None = None) -> Statement:
    kind = draw(st.sampled_from((Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE))) if kind is None else kind
    epoch, view = Epoch(draw(u64)), View(draw(st.integers(1, 2**64 - 1)))
    if kind is Kind.NULLIFY:
        return Statement(kind, epoch, view, View(0), ZERO_HASH)
    return Statement(kind, epoch, view, View(draw(st.integers(0, view - 1))), draw(hashes))


@st.composite
def votes(draw: st.DrawFn, kind: Kind | None = None) -> Vote:
    signer = ValidatorIndex(draw(st.integers(0, 65_535)))
    return Vote(draw(statements(kind)), signer, draw(st.binary(min_size=64, max_size=64)))


@st.composite
def certificates(draw: st.DrawFn, kind: Kind | None = None) -> Certificate:
    bitmap = draw(st.binary(min_size=1, max_size=3))
    count = sum(byte.bit_count() for byte in bitmap)
    return Certificate(draw(statements(kind)), bitmap, tuple(bytes([number]) * 64 for number in range(count)))


@st.composite
def proposals(draw: st.DrawFn) -> Proposal:
    skipped = draw(st.lists(certificates(Kind.NULLIFY), max_size=3, unique_by=lambda found: found.statement.view))
    skipped.sort(key=lambda found: found.statement.view)
    return Proposal(
        draw(votes(Kind.NOTARIZE)),
        draw(st.binary(max_size=2_048)),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.none() | certificates(Kind.NOTARIZE)),
        tuple(skipped),
    )


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    return Status(
        is_resuming=draw(st.booleans()),
        is_syncing=draw(st.booleans()),
        final_epoch=Epoch(draw(u64)),
        final_view=View(draw(u64)),
        final_height=Height(draw(u64)),
        final_hash=draw(hashes),
        height_oldest=Height(draw(u64)),
        nonce=draw(st.binary(min_size=32, max_size=32)),
        view=View(draw(u64)),
        signer=ValidatorIndex(draw(st.integers(0, 65_535))),
        signature=draw(st.binary(min_size=64, max_size=64)),
        entry=draw(st.none() | certificates()),
    )


def check_canonical(
    value: object, encoded: bytes, decode: Callable[[bytes], object], encode: Callable[..., bytes]
) -> None:
    assert decode(encoded) == value
    with pytest.raises(MalformedConsensusMessage):
        decode(encoded + b"\x00")
    for cut in {1, 2, 63, len(encoded) // 2, len(encoded)}:
        try:
            shorter = decode(encoded[:-cut])
        except MalformedConsensusMessage:
            continue
        # A prefix may be a message of its own (a status without its entry), but never another spelling of one.
        assert encode(shorter) == encoded[:-cut]
        assert shorter != value


@settings(max_examples=50, deadline=None)
@given(votes())
def test_vote_has_one_encoding(value: Vote) -> None:
    assert len(encode_vote(value)) == 123
    check_canonical(value, encode_vote(value), decode_vote, encode_vote)


@settings(max_examples=50, deadline=None)
@given(certificates().filter(lambda found: found.signatures))
def test_certificate_has_one_encoding(value: Certificate) -> None:
    check_canonical(value, encode_certificate(value), decode_certificate, encode_certificate)


@settings(max_examples=50, deadline=None)
@given(proposals())
def test_proposal_has_one_encoding(value: Proposal) -> None:
    check_canonical(value, encode_proposal(value), decode_proposal, encode_proposal)


@settings(max_examples=50, deadline=None)
@given(statuses())
def test_status_has_one_encoding(value: Status) -> None:
    check_canonical(value, encode_status(value), decode_status, encode_status)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_malformed_or_canonical(data: bytes) -> None:
    pairs: tuple[tuple[Callable[[bytes], object], Callable[..., bytes]], ...] = (
        (decode_vote, encode_vote),
        (decode_certificate, encode_certificate),
        (decode_proposal, encode_proposal),
        (decode_status, encode_status),
    )
    for decode, encode in pairs:
        try:
            value = decode(data)
        except MalformedConsensusMessage:
            continue
        assert encode(value) == data


GOOD_VOTE = encode_vote(vote(4, 1, notarize(7, 5, digest_of("block"))))


@pytest.mark.parametrize(
    ("change", "at", "value"),
    [
        ("kind 0", 0, 0),
        ("kind of a status", 0, 4),
        ("nullify that names a digest", 0, 2),
        ("view 0", 16, 0),
        ("parent view equal to view", 24, 7),
    ],
)
def test_vote_with_one_wrong_byte_is_malformed(change: str, at: int, value: int) -> None:
    assert decode_vote(GOOD_VOTE).signer == 1
    wrong = bytearray(GOOD_VOTE)
    wrong[at] = value
    with pytest.raises(MalformedConsensusMessage):
        decode_vote(bytes(wrong))


@pytest.mark.parametrize(("count", "refused"), [(32, False), (33, True)])
def test_proposal_carries_at_most_thirty_two_nullifications(count: int, refused: bool) -> None:
    validators = validator_set(1)
    skipped = tuple(certificate(validators, nullify(view)) for view in range(1, count + 1))
    encoded = encode_proposal(Proposal(vote(1, 0, notarize(40, 0, digest_of("block"))), b"", 0, None, skipped))
    if refused:
        with pytest.raises(MalformedConsensusMessage):
            decode_proposal(encoded)
    else:
        assert len(decode_proposal(encoded).nullifications) == count


def test_nullifications_out_of_order_or_of_another_kind_are_malformed() -> None:
    validators = validator_set(1)
    leader = vote(1, 0, notarize(9, 0, digest_of("block")))
    first, second = (certificate(validators, nullify(view)) for view in (3, 4))
    other = certificate(validators, notarize(5, 0, digest_of("x")))
    for wrong in ((second, first), (first, first), (first, other)):
        with pytest.raises(MalformedConsensusMessage):
            decode_proposal(encode_proposal(Proposal(leader, b"", 0, None, wrong)))


@settings(max_examples=50, deadline=None)
@given(statements(), statements())
def test_sign_bytes_are_114_and_tell_statements_apart(first: Statement, second: Statement) -> None:
    assert len(sign_bytes(DOMAIN, first)) == 114
    assert (sign_bytes(DOMAIN, first) == sign_bytes(DOMAIN, second)) is (first == second)


def golden() -> dict[str, str]:
    """Return what this code makes of fixed values: hexadecimal by name."""
    digest = digest_of("block")
    validators = validator_set(4)
    parent = certificate(validators, notarize(5, 3, digest_of("parent")))
    skipped = certificate(validators, nullify(6), (0, 2, 3))
    proposal = Proposal(vote(4, 3, notarize(7, 5, digest)), b"header bytes", 77, parent, (skipped,))
    status = Status(
        True,
        False,
        Epoch(2),
        View(9),
        Height(10),
        digest,
        Height(3),
        bytes(range(32)),
        View(7),
        ValidatorIndex(3),
        bytes(64),
        skipped,
    )
    hello = hello_statement(protocol=1, own_tls_key=b"\x01" * 32, peer_tls_key=b"\x02" * 32, nonce=bytes(32))
    made = {
        "sign_bytes_notarize": sign_bytes(DOMAIN, notarize(7, 5, digest)),
        "sign_bytes_nullify": sign_bytes(DOMAIN, nullify(7, epoch=1)),
        "sign_bytes_finalize": sign_bytes(DOMAIN, finalize(7, 5, digest)),
        "sign_bytes_status": sign_bytes(DOMAIN, status_statement(status, Epoch(2))),
        "sign_bytes_hello": sign_bytes(DOMAIN, hello),
        "vote": GOOD_VOTE,
        "certificate": encode_certificate(parent),
        "proposal": encode_proposal(proposal),
        "status": encode_status(status),
    }
    return {name: encoded.hex() for name, encoded in made.items()}


def test_bytes_are_those_of_the_golden_vectors() -> None:
    assert golden() == json.loads(VECTORS.read_text())


def test_sign_bytes_are_laid_out_as_written_in_the_specification() -> None:
    data = bytes.fromhex(json.loads(VECTORS.read_text())["sign_bytes_notarize"])
    assert data[:17] == b"sycee-consensus/1"
    assert data[17:25] == (7_700).to_bytes(8, "big")
    assert data[25:57] == DOMAIN.genesis_hash
    assert data[57:66] == bytes(8) + b"\x01"
    assert data[66:82] == (7).to_bytes(8, "big") + (5).to_bytes(8, "big")
    assert data[82:] == digest_of("block")
