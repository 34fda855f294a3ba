"""What a quorum of a trusted committee attested is believed without a network, and nothing one byte away from it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from consensus.chain.header import encode_header
from consensus.light.attestation import (
    PROMISE_AGE_S_MAX,
    TRUST_PERIOD_S,
    Attestation,
    AttestationCertificate,
    AttestationDomain,
    AttestationNotValid,
    AttestedKind,
    Committee,
    CommitteeMismatch,
    CommitteeTrust,
    CommitteeUnknown,
    OutsideCommitteeTime,
    attested_bytes,
    committee_of,
    committee_record_hash,
    find_false_attestation,
    follow_committee,
    follow_handoff,
    follow_set,
    lift_anchor,
    next_committee,
    validate_anchor,
    verify_attestation,
    verify_signature,
)
from consensus.light.trust import LightError, TrustPeriodExceeded, WrongDigest
from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height
from consensus.simplex.validators import ValidatorSet, encode_set_payload, make_validator_set, next_set_requests_hash
from contracts.offline.lock_rules import encode_word
from tests.consensus.light.builders import KEYS, certificate_of, child_of, make_network, validator_of
from tests.wallet_cli.offline.builders import (
    ATTESTED_HEIGHT,
    ATTESTED_S,
    CLAIM_UNTIL_S,
    DAY_S,
    DOMAIN,
    LOCK_ID,
    LOCK_WORD,
    NOW_S,
    PURSE_ID,
    attest,
    committee,
    committee_keys,
    make_committee_message,
    trust,
)

WORD = encode_word(LOCK_WORD)


def check(
    certificate: AttestationCertificate,
    *,
    kind: AttestedKind = AttestedKind.LOCK,
    id: Hash32 = LOCK_ID,
    word: bytes = WORD,
    count: int = 4,
    promised_until_s: int = CLAIM_UNTIL_S,
) -> tuple[int, ...]:
    return verify_attestation(trust(count), certificate, kind=kind, id=id, word=word, promised_until_s=promised_until_s)


@pytest.mark.parametrize(("count", "quorum"), [(1, 1), (4, 3), (7, 5), (21, 15)])
def test_quorum_is_enough_and_one_signer_less_is_not(count: int, quorum: int) -> None:
    assert check(attest(AttestedKind.LOCK, LOCK_ID, WORD, count=count), count=count) == tuple(range(quorum))
    everybody = attest(AttestedKind.LOCK, LOCK_ID, WORD, count=count, signers=range(count))
    assert check(everybody, count=count) == tuple(range(count))
    if quorum > 1:
        with pytest.raises(AttestationNotValid, match=f"{quorum - 1} signers, the quorum is {quorum}"):
            check(attest(AttestedKind.LOCK, LOCK_ID, WORD, count=count, signers=range(quorum - 1)), count=count)


def good() -> AttestationCertificate:
    return attest(AttestedKind.LOCK, LOCK_ID, WORD)


def signed_twice() -> AttestationCertificate:
    certificate = good()
    return replace(certificate, signatures=certificate.signatures[:64] * 3)


REFUSED: tuple[tuple[str, Callable[[], object], type[LightError]], ...] = (
    ("another kind", lambda: check(good(), kind=AttestedKind.PURSE), AttestationNotValid),
    ("another id", lambda: check(good(), id=PURSE_ID), AttestationNotValid),
    ("another word", lambda: check(good(), word=encode_word(replace(LOCK_WORD, settled=1))), AttestationNotValid),
    ("another height", lambda: check(replace(good(), height=Height(1205))), AttestationNotValid),
    ("another time", lambda: check(replace(good(), time_s=ATTESTED_S + 1)), AttestationNotValid),
    (
        "another committee",
        lambda: check(replace(good(), committee=4, time_s=committee(4).start_s)),
        AttestationNotValid,
    ),
    ("a committee to come", lambda: check(replace(good(), committee=6)), CommitteeUnknown),
    ("a committee forgotten", lambda: check(replace(good(), committee=3)), CommitteeUnknown),
    ("one signature counted for three", lambda: check(signed_twice()), AttestationNotValid),
    ("a bit for nobody", lambda: check(replace(good(), bitmap=b"\x17")), AttestationNotValid),
    (
        "a signature for nobody",
        lambda: check(replace(good(), bitmap=b"\x17", signatures=good().signatures + bytes(64))),
        AttestationNotValid,
    ),
    ("a bit more than signatures", lambda: check(replace(good(), bitmap=b"\x0f")), AttestationNotValid),
    ("another signer's bit", lambda: check(replace(good(), bitmap=b"\x0b")), AttestationNotValid),
    ("a bitmap too long", lambda: check(replace(good(), bitmap=b"\x07\x00")), AttestationNotValid),
    (
        "another chain",
        lambda: check(attest(AttestedKind.LOCK, LOCK_ID, WORD, domain=AttestationDomain(23791, DOMAIN.contract))),
        AttestationNotValid,
    ),
    (
        "another contract",
        lambda: check(
            attest(AttestedKind.LOCK, LOCK_ID, WORD, domain=AttestationDomain(DOMAIN.chain_id, LOCK_ID[:20]))  # type: ignore[arg-type]  # any 20 bytes
        ),
        AttestationNotValid,
    ),
    (
        "before its committee began",
        lambda: check(attest(AttestedKind.LOCK, LOCK_ID, WORD, time_s=committee(5).start_s - 1)),
        OutsideCommitteeTime,
    ),
    (
        "after its committee ended",
        lambda: check(attest(AttestedKind.LOCK, LOCK_ID, WORD, number=4, time_s=committee(5).start_s)),
        OutsideCommitteeTime,
    ),
    (
        "promised for too long",
        lambda: check(good(), promised_until_s=ATTESTED_S + PROMISE_AGE_S_MAX + 1),
        OutsideCommitteeTime,
    ),
)


@pytest.mark.parametrize(("act", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_attestation_is_refused(act: Callable[[], object], error: type[LightError]) -> None:
    with pytest.raises(error):
        act()


def test_times_are_good_up_to_their_bounds() -> None:
    assert check(attest(AttestedKind.LOCK, LOCK_ID, WORD, time_s=committee(5).start_s))
    assert check(attest(AttestedKind.LOCK, LOCK_ID, WORD, number=4, time_s=committee(5).start_s - 1))
    assert check(good(), promised_until_s=ATTESTED_S + PROMISE_AGE_S_MAX)


def test_every_flipped_byte_of_the_signatures_is_refused() -> None:
    certificate = good()
    for at in range(len(certificate.signatures)):
        changed = bytearray(certificate.signatures)
        changed[at] ^= 1
        with pytest.raises(AttestationNotValid):
            check(replace(certificate, signatures=bytes(changed)))


def follow(
    trusted: CommitteeTrust | None = None,
    *,
    number: int = 6,
    signers: tuple[int, ...] | None = None,
    now_s: int = NOW_S,
    committee_changes: dict[str, object] | None = None,
    certificate_changes: dict[str, object] | None = None,
    **signed_changes: object,
) -> CommitteeTrust:
    message = make_committee_message(number, signers=signers, **signed_changes)  # type: ignore[arg-type]  # fields by name
    new = Committee(message.number, message.first_epoch, message.start_s, message.keys)
    return follow_committee(
        trusted or trust(),
        replace(new, **(committee_changes or {})),  # type: ignore[arg-type]  # fields by name
        replace(message.certificate, **(certificate_changes or {})),  # type: ignore[arg-type]  # fields by name
        now_s=now_s,
    )


def test_committee_introduces_the_next_and_lifts_the_anchor() -> None:
    moved = follow(now_s=committee(6).start_s)
    assert moved.newest == committee(6)
    assert moved.anchor_time_s == committee(6).start_s
    assert follow(now_s=NOW_S).anchor_time_s == NOW_S, "a start to come lifts the anchor to now at most"
    twice = follow(moved, number=7)
    assert [entry.number for entry in twice.committees] == [4, 5, 6, 7]
    assert follow(twice) == twice, "a known committee changes nothing"


COMMITTEES_REFUSED: tuple[tuple[str, dict[str, object], type[LightError]], ...] = (
    ("one of two skipped", {"number": 7}, CommitteeMismatch),
    ("Q - 1 signers", {"signers": (0, 1)}, AttestationNotValid),
    ("introduced by itself", {"certificate_changes": {"committee": 6}}, CommitteeMismatch),
    ("attested at another time", {"certificate_changes": {"time_s": NOW_S}}, CommitteeMismatch),
    ("attested at another height", {"certificate_changes": {"height": Height(1)}}, AttestationNotValid),
    ("a later epoch than signed", {"committee_changes": {"first_epoch": Epoch(601)}}, AttestationNotValid),
    ("keys in another order", {"committee_changes": {"keys": committee(6).keys[::-1]}}, AttestationNotValid),
    ("a key less", {"committee_changes": {"keys": committee(6).keys[:3]}}, AttestationNotValid),
    ("begins with the one before", {"start_s": committee(5).start_s}, CommitteeMismatch),
    ("begins in its epoch", {"first_epoch": Epoch(500)}, CommitteeMismatch),
    ("a key twice", {"keys": committee(6).keys[:1] * 4}, CommitteeMismatch),
    ("a key of small order", {"keys": (*committee(6).keys[:3], bytes(32))}, CommitteeMismatch),
    ("nobody", {"committee_changes": {"keys": ()}}, CommitteeMismatch),
)


@pytest.mark.parametrize(
    ("changes", "error"), [row[1:] for row in COMMITTEES_REFUSED], ids=[row[0] for row in COMMITTEES_REFUSED]
)
def test_committee_that_does_not_follow_is_refused(changes: dict[str, object], error: type[LightError]) -> None:
    with pytest.raises(error):
        follow(**changes)  # type: ignore[arg-type]  # arguments by name


def test_committees_are_followed_for_the_trust_period_and_no_longer() -> None:
    old = replace(trust(), anchor_time_s=NOW_S - TRUST_PERIOD_S)
    assert follow(old).newest.number == 6
    validate_anchor(old, now_s=NOW_S)
    with pytest.raises(TrustPeriodExceeded):
        follow(old, now_s=NOW_S + 1)
    with pytest.raises(TrustPeriodExceeded):
        validate_anchor(old, now_s=NOW_S + 1)


def test_anchor_never_goes_back() -> None:
    assert lift_anchor(trust(), 0) == trust()
    assert lift_anchor(trust(), NOW_S).anchor_time_s == NOW_S
    late = replace(trust(), anchor_time_s=NOW_S + 30 * DAY_S)
    assert follow(late).anchor_time_s == late.anchor_time_s


def set_of(epoch: int, keys: list[SigningKey]) -> ValidatorSet:
    return make_validator_set(Epoch(epoch), [validator_of(key) for key in keys], ZERO_HASH)


def test_number_rises_only_when_the_keys_change() -> None:
    first = committee_of(set_of(0, KEYS), number=0, start_s=10)
    assert next_committee(first, set_of(1, KEYS), start_s=20) is first
    changed = next_committee(first, set_of(2, KEYS[:3]), start_s=30)
    assert (changed.number, changed.first_epoch, changed.start_s, len(changed.keys)) == (1, 2, 30, 3)


def test_validators_that_share_a_key_are_no_committee() -> None:
    members = [replace(validator_of(key), attestation_key=bytes(32)) for key in KEYS]
    with pytest.raises(CommitteeMismatch):
        committee_of(make_validator_set(Epoch(1), members, ZERO_HASH), number=1, start_s=1)


def test_handoff_moves_validators_and_committee_together() -> None:
    network = make_network()
    start_s = network.genesis.timestamp_ms // 1000
    committees = CommitteeTrust(DOMAIN, (committee_of(network.trusted.validators, number=0, start_s=start_s),), start_s)
    payload = encode_set_payload(Epoch(1), [validator_of(key) for key in KEYS[:3]])
    last = replace(child_of(network.genesis, step_ms=9_999), requests_hash=next_set_requests_hash(payload))
    header, finalization = encode_header(last), certificate_of(last, domain=network.domain)
    moved, grown = follow_handoff(
        network.trusted, committees, header_rlp=header, payload=payload, finalization=finalization
    )
    assert moved.epoch == 1
    assert grown.newest == Committee(
        1, Epoch(1), start_s + 9, tuple(v.attestation_key for v in moved.validators.validators)
    )
    assert grown.anchor_time_s == start_s + 9
    with pytest.raises(CommitteeMismatch):
        follow_set(grown, moved.validators, start_s=start_s + 20)
    changed = bytearray(header)
    changed[-1] ^= 1
    with pytest.raises((WrongDigest, LightError)):
        follow_handoff(
            network.trusted, committees, header_rlp=bytes(changed), payload=payload, finalization=finalization
        )


def test_handoff_with_the_same_keys_lifts_the_anchor_only() -> None:
    validators = set_of(1, KEYS)
    first = CommitteeTrust(DOMAIN, (committee_of(set_of(0, KEYS), number=0, start_s=10),), 10)
    moved = follow_set(first, validators, start_s=99)
    assert moved.committees == first.committees
    assert moved.anchor_time_s == 99


def test_record_names_everything_of_a_committee() -> None:
    record = committee_record_hash(1, committee(6))
    others = [
        committee_record_hash(2, committee(6)),
        committee_record_hash(1, replace(committee(6), number=7)),
        committee_record_hash(1, replace(committee(6), first_epoch=Epoch(1))),
        committee_record_hash(1, replace(committee(6), start_s=1)),
        committee_record_hash(1, replace(committee(6), keys=committee(6).keys[:3])),
    ]
    assert len({record, *others}) == 6


def attestation(word: bytes = WORD, **changes: object) -> Attestation:
    base = Attestation(AttestedKind.LOCK, LOCK_ID, word, 5, ATTESTED_HEIGHT, ATTESTED_S)
    return replace(base, **changes)  # type: ignore[arg-type]  # fields by name


def signed_by(statement: Attestation, *indices: int) -> list[tuple[int, bytes]]:
    return [(at, committee_keys(5)[at].sign(attested_bytes(DOMAIN, statement)).signature) for at in indices]


def test_two_words_for_one_fact_convict_who_signed_both() -> None:
    first, second = attestation(), attestation(encode_word(replace(LOCK_WORD, deposit=1)))
    given = (signed_by(first, 0, 1, 3), [*signed_by(second, 1, 3), (0, bytes(64)), (9, bytes(64))])
    assert find_false_attestation(DOMAIN, committee(5), first, second, given) == (1, 3)


def test_statements_that_do_not_contradict_convict_nobody() -> None:
    first = attestation()
    for second in (first, attestation(bytes(32), height=Height(7)), attestation(bytes(32), id=PURSE_ID)):
        with pytest.raises(AttestationNotValid):
            find_false_attestation(DOMAIN, committee(5), first, second, (signed_by(first, 0), signed_by(second, 0)))
    with pytest.raises(CommitteeUnknown):
        find_false_attestation(DOMAIN, committee(4), first, attestation(bytes(32)), ([], []))


def test_one_signature_is_told_from_another() -> None:
    statement = attestation()
    [(index, signature)] = signed_by(statement, 2)
    assert verify_signature(DOMAIN, committee(5), statement, index=index, signature=signature)
    assert not verify_signature(DOMAIN, committee(5), statement, index=1, signature=signature)
    assert not verify_signature(DOMAIN, committee(5), statement, index=4, signature=signature)
    assert not verify_signature(DOMAIN, committee(5), statement, index=-2, signature=signature)
