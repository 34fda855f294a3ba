"""A contradiction goes to disk, to the others and to the registry; nothing else goes anywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Epoch, Hash32, ValidatorIndex, View
from consensus.simplex.evidence import (
    ConflictingCertificates,
    ConflictingVotes,
    InvalidEvidence,
    accusations,
    decode_accusation,
    encode_accusation,
)
from consensus.simplex.messages import Certificate, Kind, SigningDomain, Statement, Vote, sign_bytes
from contracts.addresses import VALIDATOR_REGISTRY
from node.peers.wire import MalformedMessage
from node.runtime.evidence import report_transaction
from tests.node.execution.ledger import CHAIN_ID, consensus_seed
from tests.node.runtime.small_network import SmallNetwork
from tests.node.runtime.test_small_network import pay, settled

VIEW = View(2)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[SmallNetwork]:
    network = SmallNetwork(tmp_path)
    network.start()
    raws = pay(network, 1)
    network.run_until(lambda: settled(network, raws), within_ms=10_000)
    yield network
    for bank in network.running():
        bank.crash()


def contradiction(network: SmallNetwork, *, epoch: int = 0, forged: bool = False) -> ConflictingVotes:
    """Return two notarize votes of the validator with index 0, in one view."""
    validators = network.genesis.validators
    seeds = [consensus_seed(number) for number in range(1, 5)]
    seed = next(seed for seed in seeds if bytes(SigningKey(seed).verify_key) == validators.validators[0].consensus_key)
    if forged:
        seed = bytes(32)
    domain = SigningDomain(CHAIN_ID, network.genesis.executed.block.block_hash)
    votes = []
    for mark in (b"one", b"two"):
        statement = Statement(Kind.NOTARIZE, Epoch(epoch), VIEW, View(1), keccak256(mark))
        votes.append(Vote(statement, ValidatorIndex(0), SigningKey(seed).sign(sign_bytes(domain, statement)).signature))
    return accusations(ConflictingVotes(votes[0], votes[1]))[0]


def counts(network: SmallNetwork) -> list[int]:
    return [bank.node.evidence.count for bank in network.banks if bank.node is not None]


def test_what_one_bank_finds_is_on_every_disk_and_in_the_registry(network: SmallNetwork) -> None:
    accusation = contradiction(network)
    first = network.banks[0].node
    assert first is not None
    first.evidence_found(accusation)
    raw = report_transaction(CHAIN_ID, accusation)
    network.run_until(lambda: settled(network, [raw]), within_ms=20_000)
    assert counts(network) == [1, 1, 1, 1]
    for bank in network.banks:
        assert [encode_accusation(found) for found in bank.chain().evidence()] == [encode_accusation(accusation)]
    place = network.banks[0].chain().locate(keccak256(raw))
    assert place is not None
    results = network.banks[0].chain().results(place[0])
    assert results is not None and results.receipts[place[1]].succeeded
    network.assert_agreement()


def test_evidence_survives_a_restart_and_is_reported_then(network: SmallNetwork) -> None:
    accusation = contradiction(network)
    bank = network.banks[0]
    for other in network.banks[1:]:
        other.crash()
    assert bank.node is not None
    bank.node.evidence_found(accusation)
    network.world.advance(200)
    bank.crash()
    for other in network.banks:
        other.start()
    network.run_until(lambda: settled(network, [report_transaction(CHAIN_ID, accusation)]), within_ms=60_000)


def test_same_contradiction_twice_is_kept_once(network: SmallNetwork) -> None:
    node = network.banks[0].node
    assert node is not None
    for _ in range(2):
        node.evidence_found(contradiction(network))
    assert node.evidence.count == 1


def test_forged_evidence_costs_its_sender_the_link_and_accuses_nobody(network: SmallNetwork) -> None:
    node = network.banks[0].node
    assert node is not None
    with pytest.raises(MalformedMessage, match="did not sign"):
        node.evidence.received(b"", encode_accusation(contradiction(network, forged=True)))
    assert node.evidence.count == 0


def test_evidence_of_an_epoch_to_come_is_dropped(network: SmallNetwork) -> None:
    node = network.banks[0].node
    assert node is not None
    node.evidence.received(b"", encode_accusation(contradiction(network, epoch=1)))
    assert node.evidence.count == 0


def test_report_is_the_same_whoever_derives_it_and_has_a_sender_nobody_knows(network: SmallNetwork) -> None:
    accusation = contradiction(network)
    raw = report_transaction(CHAIN_ID, accusation)
    swapped = accusations(ConflictingVotes(accusation.second, accusation.first))[0]
    assert report_transaction(CHAIN_ID, swapped) == raw
    transaction = decode_transaction(raw)
    assert (transaction.nonce, transaction.to, transaction.s) == (0, VALIDATOR_REGISTRY, 1)
    assert len(recover_sender(transaction)) == 20


def test_two_conflicting_certificates_convict_everybody_who_signed_both() -> None:
    statements = [Statement(Kind.NOTARIZE, Epoch(0), VIEW, View(1), Hash32(bytes((mark,)) * 32)) for mark in (1, 2)]
    first = Certificate(statements[0], bytes((0b0111,)), (b"a" * 64, b"b" * 64, b"c" * 64))
    second = Certificate(statements[1], bytes((0b1110,)), (b"B" * 64, b"C" * 64, b"D" * 64))
    found = accusations(ConflictingCertificates(first, second))
    assert [accusation.first.signer for accusation in found] == [1, 2]
    assert {vote.signature for vote in (found[0].first, found[0].second)} == {b"b" * 64, b"B" * 64}


def test_accusation_has_one_encoding(network: SmallNetwork) -> None:
    accusation = contradiction(network)
    encoded = encode_accusation(accusation)
    assert decode_accusation(encoded) == accusation
    for damaged in (encoded[:-1], encoded + b"\x00", encoded[123:] + encoded[:123], encoded[:123] * 2):
        with pytest.raises(InvalidEvidence):
            decode_accusation(damaged)
