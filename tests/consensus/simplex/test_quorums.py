"""Quorum arithmetic, certificates, and what one validator may sign in one view."""

import itertools
from dataclasses import replace

import pytest

from consensus.primitives.scalars import View
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.messages import Certificate, Statement
from consensus.simplex.sign_guard import may_sign
from consensus.simplex.validators import (
    InvalidValidatorSet,
    decode_set_payload,
    encode_set_payload,
    make_validator_set,
)
from tests.consensus.simplex.bench import Bench, digest_of
from tests.consensus.simplex.keys import DOMAIN, certificate, finalize, notarize, nullify, validator_set


@pytest.mark.parametrize("count", range(1, 101))
def test_quorums_intersect_in_an_honest_validator_and_can_be_had_without_the_faulty(count: int) -> None:
    validators = validator_set(count)
    faulty, quorum = validators.faulty_max, validators.quorum
    assert 3 * faulty < count <= 3 * (faulty + 1)
    assert count - faulty == quorum
    assert 2 * quorum - count >= faulty + 1
    assert [validators.leader(View(view)) for view in range(count)] == list(range(count))


def test_set_of_none_of_too_many_or_with_a_repeated_key_is_refused() -> None:
    validators = validator_set(4)
    for wrong in ((), validators.validators * 2, validator_set(100).validators + validators.validators):
        with pytest.raises(InvalidValidatorSet):
            make_validator_set(validators.epoch, wrong, digest_of("zero"))
    payload = encode_set_payload(validators.epoch, validators.validators)
    assert decode_set_payload(payload) == (validators.epoch, validators.validators)
    for malformed in (
        payload[:-1],
        payload + b"\x00",
        payload[:10] + payload[158:306] + payload[10:158] + payload[306:],
    ):
        with pytest.raises(InvalidValidatorSet):
            decode_set_payload(malformed)


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7, 13])
def test_quorum_of_votes_makes_a_certificate_and_one_vote_less_does_not(count: int) -> None:
    bench = Bench(count, own=None)
    quorum = bench.validators.quorum
    for signer in range(quorum - 1):
        bench.vote(signer, nullify(1))
    assert bench.view == 1
    bench.vote(quorum - 1, nullify(1))
    assert bench.view == 2


VALIDATORS = validator_set(6)
GOOD = certificate(VALIDATORS, notarize(3, 1, digest_of("block")), (0, 1, 3, 4, 5))


def wrong_byte(at: int) -> Certificate:
    spoiled = bytearray(GOOD.signatures[2])
    spoiled[at] ^= 1
    return replace(GOOD, signatures=(*GOOD.signatures[:2], bytes(spoiled), *GOOD.signatures[3:]))


def test_certificate_of_a_quorum_is_valid() -> None:
    verify_certificate(DOMAIN, VALIDATORS, GOOD)
    assert GOOD.signers == (0, 1, 3, 4, 5)


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("one signature short", Certificate(GOOD.statement, b"\x1b", GOOD.signatures[:4])),
        ("one signature too many", Certificate(GOOD.statement, b"\x3f", (*GOOD.signatures, GOOD.signatures[0]))),
        ("one signer counted twice", replace(GOOD, signatures=GOOD.signatures[:4] + GOOD.signatures[:1])),
        ("bits and signatures differ", replace(GOOD, signatures=GOOD.signatures[:4])),
        ("a bit beyond the set", replace(GOOD, bitmap=b"\x5b")),
        ("a longer bitmap", replace(GOOD, bitmap=GOOD.bitmap + b"\x00")),
        ("another signer's bit", replace(GOOD, bitmap=b"\x3d")),
        ("another epoch", replace(GOOD, statement=notarize(3, 1, digest_of("block"), epoch=1))),
        ("another digest", replace(GOOD, statement=notarize(3, 1, digest_of("other")))),
        ("another kind", replace(GOOD, statement=finalize(3, 1, digest_of("block")))),
        ("another view", replace(GOOD, statement=notarize(4, 1, digest_of("block")))),
        ("first byte of a signature", wrong_byte(0)),
        ("last byte of a signature", wrong_byte(63)),
    ],
)
def test_certificate_with_one_thing_wrong_is_refused(reason: str, wrong: Certificate) -> None:
    with pytest.raises(InvalidCertificate):
        verify_certificate(DOMAIN, VALIDATORS, wrong)


D, E = digest_of("d"), digest_of("e")
N, N2, U, F, F2 = notarize(1, 0, D), notarize(1, 0, E), nullify(1), finalize(1, 0, D), finalize(1, 0, E)


def may_oracle(already: frozenset[Statement], wanted: Statement) -> bool:
    """The table of consensus.md §7 in words: what was said may be said again; one digest each; U excludes F."""
    if wanted in already:
        return True
    if wanted in (N, N2):
        return not already
    if wanted is U:
        return not already & {F, F2}
    return not already & {U, F, F2}


def test_sign_guard_follows_its_table_for_every_history() -> None:
    everything = (N, N2, U, F, F2)
    histories: set[frozenset[Statement]] = {frozenset()}
    for length in range(1, 4):
        for order in itertools.permutations(everything, length):
            said: frozenset[Statement] = frozenset()
            for statement in order:
                if may_oracle(said, statement):
                    said |= {statement}
            histories.add(said)
    for history in histories:
        for wanted in everything:
            ordered = [statement for statement in everything if statement in history]
            assert may_sign(ordered, wanted) is may_oracle(history, wanted), (history, wanted)
    assert not any({U, F} <= history or {N, N2} <= history for history in histories)
