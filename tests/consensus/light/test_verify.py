"""A light client accepts what a quorum of the trusted validators finalized, and nothing one byte away from it."""

import json
from dataclasses import replace

import pytest

from consensus.chain.header import encode_header
from consensus.chain.merkle import ordered_list_proof, ordered_list_root
from consensus.chain.receipt import Log, Receipt, encode_receipt
from consensus.light.trust import (
    TRUST_PERIOD_MS,
    ConflictingFinality,
    GenesisMismatch,
    LightError,
    MalformedEvidence,
    TrustPeriodExceeded,
    ValidatorSetMismatch,
    ValueNotProven,
    Waypoint,
    WaypointMismatch,
    WrongEpoch,
    advance,
    validate_trust_period,
)
from consensus.light.verify import (
    FinalHeader,
    genesis_set_payload,
    read_genesis_header,
    trust_genesis,
    trust_waypoint,
    verify_account,
    verify_final_proof,
    verify_handoff,
    verify_receipt,
    verify_storage_slot,
    verify_transaction,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import encode, uint_to_bytes
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs
from consensus.simplex.validators import Validator, encode_set_payload, next_set_requests_hash
from tests.consensus.light.builders import (
    CHAIN_ID,
    KEYS,
    START_MS,
    Network,
    certificate_of,
    child_of,
    make_network,
    signing_keys,
    validator_of,
)
from tests.consensus.light.cases import VECTORS, build_cases
from tests.consensus.light.tries import Trie

STORED = json.loads(VECTORS.read_text())


def test_vectors_are_what_the_builders_make() -> None:
    assert build_cases() == STORED


@pytest.mark.parametrize("proof", STORED["proofs"], ids=lambda proof: str(proof["name"]))
def test_proof_is_accepted_or_fails_the_named_check(proof: dict[str, object]) -> None:
    trusted = trust_genesis(
        chain_id=STORED["chainId"],
        document_hash=Hash32(bytes.fromhex(STORED["documentHash"])),
        payload=bytes.fromhex(STORED["validatorSet"]),
        header_rlp=bytes.fromhex(STORED["genesisHeader"]),
        accepted_ms=START_MS,
    )
    header = bytes.fromhex(str(proof["header"]))
    links = proof["linkingHeaders"]
    assert isinstance(links, list)

    def verify() -> FinalHeader:
        return verify_final_proof(
            trusted,
            header_rlp=header,
            linking_headers=[bytes.fromhex(link) for link in links],
            finalization=bytes.fromhex(str(proof["finalization"])),
        )

    if proof["failed_check"]:
        with pytest.raises(LightError) as failure:
            verify()
        assert failure.value.check == proof["failed_check"]
    else:
        final = verify()
        assert final.hash == keccak256(header)
        assert (len(final.signers), final.validator_count) == (3, 4)


def final_header(network: Network, **fields: object) -> FinalHeader:
    header = replace(child_of(network.genesis), **fields)  # type: ignore[arg-type]
    proof = certificate_of(header, domain=network.domain)
    return verify_final_proof(network.trusted, header_rlp=encode_header(header), linking_headers=(), finalization=proof)


def test_more_than_256_linking_headers_are_refused_unread() -> None:
    network = make_network()
    header = encode_header(child_of(network.genesis))
    with pytest.raises(LightError, match="257 linking headers"):
        verify_final_proof(network.trusted, header_rlp=header, linking_headers=[b""] * 257, finalization=b"")


# Genesis


def test_genesis_header_must_name_the_document_and_commit_to_its_validators() -> None:
    network = make_network()
    payload = genesis_set_payload(network.document)

    def trust(**changed: object) -> None:
        header = replace(network.genesis, **changed)  # type: ignore[arg-type]
        trust_genesis(
            chain_id=CHAIN_ID,
            document_hash=network.genesis.previous_randao,
            payload=payload,
            header_rlp=encode_header(header),
            accepted_ms=START_MS,
        )

    trust()
    with pytest.raises(GenesisMismatch, match="mixHash"):
        trust(previous_randao=keccak256(b"other document"))
    with pytest.raises(GenesisMismatch, match="number"):
        trust(height=Height(1))
    with pytest.raises(GenesisMismatch, match="epoch"):
        trust(epoch=Epoch(1))
    with pytest.raises(ValidatorSetMismatch):
        trust(requests_hash=keccak256(b"other set"))


def test_only_the_trusted_genesis_header_needs_no_signature() -> None:
    network = make_network()
    assert read_genesis_header(network.trusted, encode_header(network.genesis)).header.height == 0
    with pytest.raises(GenesisMismatch):
        read_genesis_header(network.trusted, encode_header(replace(network.genesis, gas_limit=1)))


# Trust moves forward only


def test_trust_moves_to_a_higher_block_and_never_back() -> None:
    network = make_network()
    high = Waypoint(Epoch(0), Height(7), keccak256(b"seven"))
    moved = advance(network.trusted, high, TimestampMs(START_MS + 7_000))
    assert moved.highest == high
    assert moved.refreshed_ms == START_MS + 7_000
    assert advance(moved, Waypoint(Epoch(0), Height(6), keccak256(b"six")), START_MS) is moved


def test_another_block_at_the_highest_height_is_a_conflict() -> None:
    network = make_network()
    moved = advance(network.trusted, Waypoint(Epoch(0), Height(7), keccak256(b"a")), START_MS)
    assert advance(moved, moved.highest, START_MS) is moved
    with pytest.raises(ConflictingFinality, match="height 7"):
        advance(moved, Waypoint(Epoch(0), Height(7), keccak256(b"b")), START_MS)


def test_trust_period_ends_after_exactly_fourteen_days() -> None:
    trusted = make_network().trusted
    validate_trust_period(trusted, TimestampMs(START_MS + TRUST_PERIOD_MS))
    with pytest.raises(TrustPeriodExceeded):
        validate_trust_period(trusted, TimestampMs(START_MS + TRUST_PERIOD_MS + 1))


# Epoch handoff

NEXT_KEYS = signing_keys(domain=b"next")


def next_payload(epoch: int = 1) -> bytes:
    return encode_set_payload(
        Epoch(epoch),
        [
            Validator(bytes(key.verify_key), bytes(32), bytes(32), Address(bytes(20)), Hash32(bytes(32)))
            for key in NEXT_KEYS
        ],
    )


def test_handoff_makes_the_next_validators_trusted_and_the_old_ones_not() -> None:
    network = make_network()
    payload = next_payload()
    last = replace(child_of(network.genesis), requests_hash=next_set_requests_hash(payload))
    # The last block of an epoch may be finalized in a later view than its own.
    proof = certificate_of(last, domain=network.domain, view=last.view + 5)
    moved = verify_handoff(network.trusted, header_rlp=encode_header(last), payload=payload, finalization=proof)
    assert (moved.epoch, moved.anchor.height, moved.highest.height) == (1, 1, 1)
    following = replace(child_of(last), epoch=Epoch(1))
    verify_final_proof(
        moved,
        header_rlp=encode_header(following),
        linking_headers=(),
        finalization=certificate_of(following, domain=network.domain, keys=NEXT_KEYS),
    )
    with pytest.raises(LightError, match="quorum"):
        verify_final_proof(
            moved,
            header_rlp=encode_header(following),
            linking_headers=(),
            finalization=certificate_of(following, domain=network.domain, keys=KEYS),
        )
    old = child_of(last)
    with pytest.raises(WrongEpoch):
        verify_final_proof(
            moved,
            header_rlp=encode_header(old),
            linking_headers=(),
            finalization=certificate_of(old, domain=network.domain),
        )


def test_handoff_to_validators_the_header_does_not_commit_to_is_refused() -> None:
    network = make_network()
    last = replace(child_of(network.genesis), requests_hash=next_set_requests_hash(next_payload()))
    proof = certificate_of(last, domain=network.domain)
    with pytest.raises(ValidatorSetMismatch, match="commits"):
        verify_handoff(
            network.trusted,
            header_rlp=encode_header(last),
            payload=genesis_set_payload(network.document),
            finalization=proof,
        )


def test_handoff_cannot_skip_an_epoch() -> None:
    network = make_network()
    payload = next_payload(epoch=2)
    last = replace(child_of(network.genesis), requests_hash=next_set_requests_hash(payload))
    with pytest.raises(ValidatorSetMismatch, match="epoch 2"):
        verify_handoff(
            network.trusted,
            header_rlp=encode_header(last),
            payload=payload,
            finalization=certificate_of(last, domain=network.domain),
        )


# State, receipts, transactions

ALICE, NOBODY = Address(b"\xaa" * 20), Address(b"\xbb" * 20)


def test_account_and_slot_are_read_from_their_proofs_and_absence_too() -> None:
    storage = Trie({keccak256((5).to_bytes(32, "big")): encode(uint_to_bytes(1234))})
    leaf = encode([uint_to_bytes(7), b"", storage.root, keccak256(b"")])
    state = Trie({keccak256(ALICE): leaf, keccak256(b"\xcc" * 20): leaf})
    account = verify_account(state.root, ALICE, state.proof(keccak256(ALICE)))
    assert account is not None
    assert (account.nonce, account.balance, account.storage_root) == (7, 0, storage.root)
    assert verify_account(state.root, NOBODY, state.proof(keccak256(NOBODY))) is None
    for slot, expected in ((5, 1234), (6, 0)):
        proof = storage.proof(keccak256(slot.to_bytes(32, "big")))
        assert verify_storage_slot(storage.root, slot, proof) == expected


def test_proof_of_another_account_proves_nothing() -> None:
    leaf = encode([b"", b"", keccak256(b"\x80"), keccak256(b"")])
    state = Trie({keccak256(ALICE): leaf, keccak256(NOBODY): leaf, keccak256(b"\xcc" * 20): leaf})
    with pytest.raises(ValueNotProven):
        verify_account(state.root, ALICE, state.proof(keccak256(NOBODY)))
    with pytest.raises(ValueNotProven):
        verify_account(state.root, ALICE, state.proof(keccak256(ALICE))[:-1])
    with pytest.raises(MalformedEvidence):
        broken = Trie({keccak256(ALICE): encode([b"", b""])})
        verify_account(broken.root, ALICE, broken.proof(keccak256(ALICE)))


def test_receipt_and_transaction_are_proven_at_their_index_only() -> None:
    receipts = [
        encode_receipt(Receipt(2, True, 21_000 * (index + 1), (Log(ALICE, (keccak256(b"t"),), bytes(32)),)))
        for index in range(5)
    ]
    transactions = [b"\x02" + bytes((index,)) * 40 for index in range(5)]
    final = final_header(
        make_network(), receipts_root=ordered_list_root(receipts), transactions_root=ordered_list_root(transactions)
    )
    proof = ordered_list_proof(receipts, 3)
    assert verify_receipt(final, 3, receipts[3], proof).cumulative_gas_used == 84_000
    verify_transaction(final, 3, transactions[3], ordered_list_proof(transactions, 3))
    with pytest.raises(ValueNotProven):
        verify_receipt(final, 2, receipts[3], proof)
    with pytest.raises(ValueNotProven):
        verify_receipt(final, 3, receipts[2], proof)
    with pytest.raises(ValueNotProven):
        verify_transaction(final, 3, transactions[3], ordered_list_proof(transactions, 2))


def pinned_epoch_end() -> tuple[Network, Waypoint, bytes, bytes, bytes]:
    """Return a network, the last block of its epoch 0 as a waypoint, its header, the next set and the finalization."""
    network = make_network()
    payload = encode_set_payload(Epoch(1), [validator_of(key) for key in KEYS])
    last = replace(child_of(network.genesis), requests_hash=next_set_requests_hash(payload))
    header = encode_header(last)
    point = Waypoint(Epoch(0), last.height, Hash32(keccak256(header)))
    return network, point, header, payload, certificate_of(last, domain=network.domain)


def test_pinned_epoch_end_is_trusted_as_if_followed_from_genesis() -> None:
    network, point, header, payload, finalization = pinned_epoch_end()
    trusted = trust_waypoint(
        point,
        chain_id=CHAIN_ID,
        genesis_hash=network.trusted.genesis_hash,
        header_rlp=header,
        payload=payload,
        accepted_ms=TimestampMs(START_MS + 99_000),
    )
    followed = verify_handoff(network.trusted, header_rlp=header, payload=payload, finalization=finalization)
    assert trusted == replace(followed, refreshed_ms=TimestampMs(START_MS + 99_000))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"hash": Hash32(bytes(32))}, WaypointMismatch),
        ({"height": Height(2)}, WaypointMismatch),
        ({"epoch": Epoch(1)}, WaypointMismatch),
    ],
)
def test_header_that_is_not_the_pinned_one_is_refused(changes: dict[str, object], error: type[LightError]) -> None:
    network, point, header, payload, _ = pinned_epoch_end()

    def pin(point: Waypoint, header_rlp: bytes, payload: bytes) -> None:
        trust_waypoint(
            point,
            chain_id=CHAIN_ID,
            genesis_hash=network.trusted.genesis_hash,
            header_rlp=header_rlp,
            payload=payload,
            accepted_ms=START_MS,
        )

    with pytest.raises(error):
        pin(replace(point, **changes), header, payload)  # type: ignore[arg-type]  # fields by name
    for at in (0, 200, len(header) - 1):
        with pytest.raises(WaypointMismatch):
            pin(point, header[:at] + bytes((header[at] ^ 1,)) + header[at + 1 :], payload)
    for other in (payload[:-1], b"\x01" + payload[1:], encode_set_payload(Epoch(2), [validator_of(KEYS[0])])):
        with pytest.raises(ValidatorSetMismatch):
            pin(point, header, other)


def test_ordinary_header_is_no_waypoint() -> None:
    network = make_network()
    ordinary = child_of(network.genesis)
    header = encode_header(ordinary)
    with pytest.raises(ValidatorSetMismatch):
        trust_waypoint(
            Waypoint(Epoch(0), ordinary.height, Hash32(keccak256(header))),
            chain_id=CHAIN_ID,
            genesis_hash=network.trusted.genesis_hash,
            header_rlp=header,
            payload=b"",
            accepted_ms=START_MS,
        )
