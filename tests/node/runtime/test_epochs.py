"""Epochs end and begin: one boundary everywhere, for those who were there and for those who were not."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from consensus.chain.genesis import document_hash, encode_genesis
from consensus.chain.header import NO_REQUESTS_HASH
from consensus.light.trust import TrustedState
from consensus.light.verify import genesis_set_payload, trust_genesis, verify_handoff
from consensus.primitives.scalars import Epoch, Height
from node.chain.store import ChainStore
from tests.node.execution.ledger import CHAIN_ID
from tests.node.runtime.small_network import PARAMETERS, SmallNetwork
from tests.node.runtime.test_small_network import pay, settled

EPOCH_BLOCKS = 5
"""The shortest epoch the bounds allow."""


def network_of_short_epochs(folder: Path, *, seed: int = 1) -> SmallNetwork:
    network = SmallNetwork(folder, seed=seed, parameters=(*PARAMETERS, ("epoch_blocks_max", EPOCH_BLOCKS)))
    network.start()
    return network


@pytest.fixture
def network(tmp_path: Path) -> Iterator[SmallNetwork]:
    network = network_of_short_epochs(tmp_path)
    yield network
    for bank in network.running():
        bank.crash()


def epochs_of(network: SmallNetwork) -> list[Epoch]:
    return [bank.node.epochs.epoch for bank in network.banks if bank.node is not None]


def follow(network: SmallNetwork, chain: ChainStore) -> TrustedState:
    """Return what a light client believes that was handed every handoff of a chain."""
    header_rlp = chain.header_rlp(Height(0))
    assert header_rlp is not None
    trusted = trust_genesis(
        chain_id=CHAIN_ID,
        document_hash=document_hash(encode_genesis(network.document)),
        payload=genesis_set_payload(network.document),
        header_rlp=header_rlp,
        accepted_ms=network.document.timestamp_ms,
    )
    while (record := chain.epoch_record(Epoch(trusted.epoch + 1))) is not None:
        last = Height(record[0] - 1)
        header_rlp, finalization = chain.header_rlp(last), chain.own_finalization(last)
        assert header_rlp is not None and finalization is not None
        trusted = verify_handoff(trusted, header_rlp=header_rlp, payload=record[1], finalization=finalization)
    return trusted


def settle_rounds(network: SmallNetwork, rounds: range) -> None:
    for nonce in rounds:
        raws = pay(network, 1, first_nonce=nonce)
        network.run_until(lambda raws=raws: settled(network, raws), within_ms=60_000)  # type: ignore[misc]  # bound at once


def settle_with_retries(network: SmallNetwork, raws: list[bytes], drawn: random.Random) -> None:
    """Let a client send again what is not final yet: a bank that is still catching up refuses payments by name."""
    for _ in range(60):
        for raw in raws:
            network.banks[drawn.randrange(4)].submit(raw)
        with suppress(AssertionError):
            network.run_until(lambda: settled(network, raws), within_ms=2_000)
            return
    raise AssertionError(network.describe())


def test_payments_settle_across_many_epochs(network: SmallNetwork) -> None:
    settle_rounds(network, range(18))
    network.world.advance(100)
    network.assert_agreement()
    chain = network.banks[0].chain()
    height = chain.final_head().height
    assert height > 3 * EPOCH_BLOCKS
    for at in range(1, height + 1):
        header = chain.header(Height(at))
        assert header is not None
        # The remainder is the place in the epoch; every fifth block is a last one.
        assert header.epoch == (at - 1) // EPOCH_BLOCKS
        assert (header.requests_hash != NO_REQUESTS_HASH) == (at % EPOCH_BLOCKS == 0)
    paid = [raw for final in network.banks[0].finals for raw in final.block.transactions]
    assert len(paid) == len(set(paid)) == 18 * 3


def test_light_client_follows_from_genesis_through_every_epoch(network: SmallNetwork) -> None:
    settle_rounds(network, range(12))
    trusted = follow(network, network.banks[0].chain())
    assert trusted.epoch == max(epochs_of(network)) >= 2
    assert trusted.validators.validators == network.genesis.validators.validators


def test_leaders_of_an_epoch_start_where_its_view_zero_says(network: SmallNetwork) -> None:
    settle_rounds(network, range(12))
    node = network.banks[0].node
    assert node is not None
    last = node.chain.header_with_hash(Height(node.epochs.current.first_height - 1))
    assert last is not None
    assert node.machine.state.validators.leader_offset == int.from_bytes(last[2][:8], "big")


def test_validator_that_was_down_for_two_epochs_catches_up_and_votes_again(network: SmallNetwork) -> None:
    settle_rounds(network, range(2))
    away = network.banks[2]
    away.crash()
    settle_rounds(network, range(2, 14))
    assert max(epochs_of(network)) >= 2
    away.start()
    network.run_until(lambda: len(set(epochs_of(network))) == 1, within_ms=60_000)
    # Without its vote nothing is final any more.
    network.banks[0].crash()
    settle_rounds(network, range(14, 20))
    network.assert_agreement()


def test_validator_that_misses_only_the_boundary_is_helped_over_it(network: SmallNetwork) -> None:
    nonce = 0
    while network.banks[2].height % EPOCH_BLOCKS != EPOCH_BLOCKS - 1:
        settle_rounds(network, range(nonce, nonce + 1))
        nonce += 1
    away = network.banks[2]
    away.crash()
    network.run_until(lambda: all(bank.height % EPOCH_BLOCKS == 0 for bank in network.running()), within_ms=60_000)
    network.world.advance(500)
    away.start()
    network.run_until(lambda: len(set(epochs_of(network))) == 1, within_ms=20_000)
    settle_rounds(network, range(nonce, nonce + 3))
    network.assert_agreement()


@pytest.mark.parametrize("seed", range(8))
def test_when_power_is_lost_around_a_boundary_all_agree_on_it(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    network = network_of_short_epochs(tmp_path, seed=seed)
    for round_number in range(6):
        raws = pay(network, 2, first_nonce=2 * round_number)
        network.world.advance(drawn.randrange(40, 700))
        for bank in drawn.sample(network.banks, drawn.choice([1, 2, 4])):
            bank.crash()
            network.world.advance(drawn.randrange(drawn.choice([2, 300])))
        network.assert_agreement()
        for bank in network.banks:
            if bank.node is None:
                bank.start()
        settle_with_retries(network, raws, drawn)
    assert max(epochs_of(network)) >= 1
    network.assert_agreement()
    follow(network, network.banks[0].chain())
    for bank in network.running():
        bank.crash()
