"""Validators attest what is final, each with its own key; a wallet makes a certificate of a quorum's answers."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.light.attestation import (
    Attestation,
    AttestationDomain,
    AttestedKind,
    CommitteeTrust,
    revocations_hash,
    verify_attestation,
)
from consensus.light.trust import LightError
from consensus.primitives.scalars import ZERO_ADDRESS, Epoch, Hash32, Height, View
from consensus.primitives.signatures import address_of_private_key
from consensus.simplex.validators import ValidatorSet
from contracts.abi import AbiValue
from contracts.addresses import OFFLINE_LOCKS
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.offline.contract import OFFLINE_LOCKS as CONTRACT
from contracts.offline.device_signatures import SECP256K1
from contracts.offline.lock_rules import OfflineWord, encode_word
from contracts.offline.purse_rules import class_id
from contracts.offline.typed_data import LockTerms, PurseTerms, domain_separator, lock_id, purse_id
from node.chain.commit import commit_block, commit_genesis
from node.chain.records import FinalHead
from node.chain.store import ChainStore
from node.execution.builder import build_block
from node.execution.genesis_state import Genesis
from node.execution.transition import SignedTransaction
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from node.validator.attestor import Attestor
from node.validator.committees import CommitteeBook
from node.validator.keys import KeyPurpose, NodeKey, make_key
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    CHAIN_ID,
    EUR,
    GENESIS_MS,
    context,
    document,
    genesis,
    raw_call,
    signed,
)
from tests.wallet_cli.offline.builders import key_of
from wallet_cli.offline.certificates import QuorumMissing, certify

KEYS = tuple(make_key(KeyPurpose.ATTESTATION) for _ in range(4))
DOMAIN = AttestationDomain(CHAIN_ID, OFFLINE_LOCKS)
SEPARATOR = domain_separator(CHAIN_ID)
GENESIS_S = GENESIS_MS // 1_000
DAY_S = 24 * 3_600
TERMS = LockTerms(ALICE, BOB, ZERO_ADDRESS, EUR, address_of_private_key(key_of("device")), SECP256K1, 0)
LOCK = lock_id(SEPARATOR, TERMS)
WORD = OfflineWord(0, 5_000, GENESIS_S + 5 * DAY_S, GENESIS_S + 12 * DAY_S)
PURSE = PurseTerms(
    owner=ALICE,
    currency=EUR,
    signer=TERMS.signer,
    sig_alg=SECP256K1,
    signer_class=0,
    open_nonce=1,
    value=900,
    collateral=0,
    per_payee=900,
    max_hops=1,
    settle_delay_s=0,
    accept_class=class_id((BOB,)),
    spend_until_s=WORD.spend_until_s,
    claim_until_s=WORD.claim_until_s,
)
PURSE_ID = purse_id(SEPARATOR, PURSE)


def call(nonce: int, name: str, *values: AbiValue) -> SignedTransaction:
    data = encode_call(find_function(CONTRACT, name), *values)
    return signed(raw_call(ALICE_KEY, nonce, data, to=OFFLINE_LOCKS, gas=300_000))


def terms_of(terms: LockTerms | PurseTerms) -> tuple[AbiValue, ...]:
    return tuple(getattr(terms, name) for name in terms.__slots__)


@cache
def chain() -> tuple[ChainStore, Genesis]:
    """Return a chain on which a lock and a purse are opened at height 1, and the purse is flagged at height 2."""
    wanted = document(tls_keys=tuple(bytes((0x11 + number,)) * 32 for number in range(4)))
    entries = tuple(replace(entry, attestation_key=key.public_key) for entry, key in zip(wanted.validators, KEYS))
    block_zero = genesis(replace(wanted, validators=entries))
    store = MemoryStore()
    commit_genesis(store, block_zero.executed, block_zero.validator_payload)
    opening = (terms_of(TERMS), WORD.deposit, WORD.spend_until_s, WORD.claim_until_s)
    blocks = [
        [
            call(0, "open", *opening),
            call(1, "createClass", (BOB,)),
            call(2, "openPurse", terms_of(PURSE)),
        ],
        [call(3, "flagPurse", terms_of(PURSE))],
    ]
    parent = block_zero.executed.block.block_hash
    for height, transactions in enumerate(blocks, 1):
        block = context(block_zero, height=height, parent_hash=parent)
        executed, _ = build_block(FinalState(store.snapshot()), block, transactions)
        assert all(receipt.succeeded for receipt in executed.receipts)
        parent = executed.block.block_hash
        commit_block(store, executed, FinalHead(Height(height), parent, Epoch(0), View(height)), None, None)
    return ChainStore(store), block_zero


def attestor(key: NodeKey | None) -> Attestor:
    store, block_zero = chain()

    def set_of(epoch: Epoch) -> ValidatorSet | None:
        return block_zero.validators if epoch == 0 else None

    return Attestor(store, CommitteeBook(store, set_of).at, DOMAIN, key)


def trust() -> CommitteeTrust:
    store, block_zero = chain()
    committee = CommitteeBook(store, lambda _: block_zero.validators).at(Height(1))
    return CommitteeTrust(DOMAIN, (committee,), GENESIS_S)


def answers(kind: AttestedKind, name: Hash32) -> list[dict[str, Any]]:
    """Return what four validators answer, as JSON."""
    told = []
    for key in KEYS:
        found = attestor(key).attest(kind, name, Height(1))
        assert found is not None
        [(index, signature)] = found.signatures
        told.append({"signatures": [{"index": index, "signature": f"0x{signature.hex()}"}]})
    return told


def fact(kind: AttestedKind = AttestedKind.LOCK, name: Hash32 = LOCK, word: OfflineWord = WORD) -> Attestation:
    return Attestation(kind, name, encode_word(word), 0, Height(1), GENESIS_S + 1)


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        (AttestedKind.LOCK, LOCK, WORD),
        (AttestedKind.PURSE, PURSE_ID, replace(WORD, deposit=900)),
    ],
)
def test_a_quorum_of_answers_is_a_certificate_that_a_payee_believes(
    kind: AttestedKind, name: Hash32, word: OfflineWord
) -> None:
    certificate = certify(DOMAIN, trust().newest, fact(kind, name, word), answers(kind, name)[1:])
    signers = verify_attestation(
        trust(), certificate, kind=kind, id=name, word=encode_word(word), promised_until_s=word.claim_until_s
    )
    assert len(signers) == 3


def test_three_of_four_are_needed_and_each_counts_once() -> None:
    told = answers(AttestedKind.LOCK, LOCK)
    with pytest.raises(QuorumMissing) as missing:
        certify(DOMAIN, trust().newest, fact(), [told[0], told[1], told[0], told[1]])
    assert (missing.value.found, missing.value.needed) == (2, 3)


def test_a_lying_answer_is_left_out_and_the_others_suffice() -> None:
    told = answers(AttestedKind.LOCK, LOCK)
    lies: list[object] = [
        None,
        [],
        {"signatures": "all of them"},
        {"signatures": [{"index": True, "signature": told[0]["signatures"][0]["signature"]}]},
        {"signatures": [{"index": 9, "signature": told[0]["signatures"][0]["signature"]}]},
        {"signatures": [{"index": 0, "signature": "0xzz"}]},
        {"signatures": [{"index": index, "signature": "0x" + "00" * 64} for index in range(4)]},
    ]
    certificate = certify(DOMAIN, trust().newest, fact(), [*lies, *told])
    assert verify_attestation(trust(), certificate, kind=AttestedKind.LOCK, id=LOCK, word=encode_word(WORD))


@pytest.mark.parametrize(
    "other",
    [
        fact(word=replace(WORD, deposit=WORD.deposit + 1)),
        replace(fact(), height=Height(2)),
        replace(fact(), time_s=GENESIS_S + 2),
        replace(fact(), committee=1),
        replace(fact(), id=PURSE_ID),
        replace(fact(), kind=AttestedKind.PURSE),
    ],
)
def test_signatures_say_nothing_of_another_fact(other: Attestation) -> None:
    with pytest.raises(QuorumMissing):
        certify(DOMAIN, trust().newest, other, answers(AttestedKind.LOCK, LOCK))


def test_signatures_of_another_network_say_nothing() -> None:
    elsewhere = AttestationDomain(CHAIN_ID + 1, OFFLINE_LOCKS)
    with pytest.raises(QuorumMissing):
        certify(elsewhere, trust().newest, fact(), answers(AttestedKind.LOCK, LOCK))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_changed_byte_of_a_certificate_is_noticed(data: st.DataObject) -> None:
    certificate = certify(DOMAIN, trust().newest, fact(), answers(AttestedKind.LOCK, LOCK))
    field = data.draw(st.sampled_from(("bitmap", "signatures")))
    content = bytearray(getattr(certificate, field))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    changed: dict[str, Any] = {field: bytes(content)}
    with pytest.raises(LightError):
        verify_attestation(
            trust(),
            replace(certificate, **changed),
            kind=AttestedKind.LOCK,
            id=LOCK,
            word=encode_word(WORD),
        )


def test_nothing_is_attested_of_what_is_not_there() -> None:
    assert attestor(KEYS[0]).attest(AttestedKind.LOCK, LOCK, Height(0)) is None
    assert attestor(KEYS[0]).attest(AttestedKind.LOCK, PURSE_ID, Height(1)) is None


def test_a_node_without_a_key_in_the_committee_tells_the_fact_and_signs_nothing() -> None:
    for key in (None, make_key(KeyPurpose.ATTESTATION)):
        found = attestor(key).attest(AttestedKind.LOCK, LOCK, Height(1))
        assert found is not None
        assert found.signatures == ()
        assert found.attestation == fact()


def test_revocations_are_listed_and_attested_by_their_hash() -> None:
    assert attestor(None).revocations(Height(1)).prefixes == ()
    listed = attestor(None).revocations(Height(2))
    assert (listed.prefixes, listed.time_s) == ((PURSE_ID[:8],), GENESIS_S + 2)
    attested = attestor(KEYS[0]).attest_revocations(Height(2)).attestation
    assert attested.id == revocations_hash((PURSE_ID[:8],))
    assert int.from_bytes(attested.word, "big") == 1
