"""Four whole validators: payments settle, crashes lose nothing, whoever was away catches up."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Epoch, View
from tests.node.execution.ledger import ALICE_KEY, BOB, BOB_KEY, CAROL, CAROL_KEY, DAVE, raw_payment
from tests.node.runtime.small_network import PowerCut, SmallNetwork


@pytest.fixture
def network(tmp_path: Path) -> Iterator[SmallNetwork]:
    network = SmallNetwork(tmp_path)
    network.start()
    yield network
    for bank in network.running():
        bank.crash()


def pay(network: SmallNetwork, count: int, *, first_nonce: int = 0) -> list[bytes]:
    """Give payments of three accounts to the running banks in turn; return them."""
    banks = network.running()
    raws = []
    for nonce in range(first_nonce, first_nonce + count):
        for key in (ALICE_KEY, BOB_KEY, CAROL_KEY):
            raws.append(raw_payment(key, nonce, DAVE, 1 + nonce))
            banks[len(raws) % len(banks)].submit(raws[-1])
    return raws


def settled(network: SmallNetwork, wanted: list[bytes]) -> bool:
    """Tell whether each running bank has all of these on disk."""
    digests = [keccak256(raw) for raw in wanted]
    return all(bank.chain().locate(digest) is not None for bank in network.running() for digest in digests)


def test_payments_settle_equally_on_four_validators(network: SmallNetwork) -> None:
    raws = pay(network, 4)
    network.run_until(lambda: settled(network, raws), within_ms=10_000)
    network.world.advance(100)
    network.assert_agreement()
    for bank in network.banks:
        paid = [raw for final in bank.finals for raw in final.block.transactions]
        assert sorted(paid) == sorted(raws), "each payment stands in the chain once"
        assert all(receipt.succeeded for final in bank.finals for receipt in final.receipts)


def test_stopped_validator_catches_up_from_its_files(network: SmallNetwork) -> None:
    first = pay(network, 2)
    network.run_until(lambda: settled(network, first), within_ms=10_000)
    away = network.banks[2]
    away.crash()
    second = pay(network, 3, first_nonce=2)
    network.run_until(lambda: settled(network, second), within_ms=20_000)
    height_missed = max(bank.height for bank in network.running())
    assert away.chain().final_head().height < height_missed
    away.start()
    network.run_until(lambda: away.height >= height_missed, within_ms=20_000)
    third = pay(network, 2, first_nonce=5)
    network.run_until(lambda: settled(network, third), within_ms=20_000)
    network.assert_agreement()


def test_two_of_four_settle_nothing_and_go_on_when_a_third_returns(network: SmallNetwork) -> None:
    first = pay(network, 1)
    network.run_until(lambda: settled(network, first), within_ms=10_000)
    for bank in network.banks[:2]:
        bank.crash()
    network.world.advance(1_000)
    heights = [bank.height for bank in network.running()]
    second = pay(network, 1, first_nonce=1)
    network.world.advance(20_000)
    assert [bank.height for bank in network.running()] == heights
    network.banks[0].start()
    network.run_until(lambda: settled(network, second), within_ms=60_000)
    network.assert_agreement()


@pytest.mark.parametrize("seed", range(6))
def test_when_all_lose_power_at_any_moment_nothing_final_is_lost(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    network = SmallNetwork(tmp_path, seed=seed)
    network.start()
    nonce = 0
    for _ in range(3):
        raws = pay(network, 2, first_nonce=nonce)
        network.world.advance(drawn.randrange(40, 900))
        for bank in network.banks:
            bank.crash()
        network.assert_agreement()
        for bank in network.banks:
            bank.start()
        for raw in raws:
            network.banks[nonce % 4].submit(raw)
        network.run_until(lambda raws=raws: settled(network, raws), within_ms=60_000)  # type: ignore[misc]  # bound at once
        nonce += 2
    network.assert_agreement()
    assert network.banks[0].chain().final_head().height > 3
    for bank in network.running():
        bank.crash()


def test_crash_between_the_syncs_of_log_and_guard_strands_nobody_even_twice_in_a_row(network: SmallNetwork) -> None:
    raws = pay(network, 1)
    network.run_until(lambda: settled(network, raws), within_ms=10_000)
    bank = network.banks[1]
    for nonce in (1, 2, 3):
        pay(network, 1, first_nonce=nonce)
        bank.lose_power_before_the_guard_is_synced()
        with pytest.raises(PowerCut):
            network.world.advance(20_000)
        bank.start()
    raws = pay(network, 1, first_nonce=4)
    network.run_until(lambda: settled(network, raws), within_ms=20_000)
    network.assert_agreement()


def test_everybody_may_lose_power_between_the_syncs_of_log_and_guard(network: SmallNetwork) -> None:
    raws = pay(network, 2)
    network.world.advance(150)
    for bank in network.banks:
        bank.lose_power_before_the_guard_is_synced()
    for _ in network.banks:
        with suppress(PowerCut):
            network.world.advance(20_000)
    assert len(network.running()) < 2
    for bank in network.running():
        bank.crash()
    for bank in network.banks:
        bank.start()
    for raw in raws:
        network.banks[0].submit(raw)
    network.run_until(lambda: settled(network, raws), within_ms=60_000)
    network.assert_agreement()


def test_receiver_of_payments_has_them_on_every_disk(network: SmallNetwork) -> None:
    raws = pay(network, 1)
    network.run_until(lambda: settled(network, raws), within_ms=10_000)
    for bank in network.banks:
        assert bank.balance(DAVE) == 3
        assert bank.balance(BOB) == bank.balance(CAROL) == 1_000_000 - 1


@pytest.mark.parametrize("seed", [4, 22])
def test_vote_that_waits_for_its_sync_while_its_block_is_committed_is_no_refusal(tmp_path: Path, seed: int) -> None:
    """A bank that catches up commits through other threads while its own vote for the same view is being synced."""
    drawn = random.Random(seed)
    network = SmallNetwork(tmp_path, seed=seed)
    network.start()
    for round_number in range(8):
        raws = pay(network, 2, first_nonce=2 * round_number)
        network.world.advance(drawn.randrange(1, 900))
        for bank in drawn.sample(network.banks, drawn.choice([1, 1, 2, 4, 4])):
            bank.crash()
            network.world.advance(drawn.randrange(drawn.choice([2, 50, 3_000])))
        network.assert_agreement()
        for bank in network.banks:
            if bank.node is None:
                bank.start()
                network.world.advance(drawn.randrange(drawn.choice([2, 50, 3_000])))
        for raw in raws:
            network.banks[drawn.randrange(4)].submit(raw)
        network.run_until(lambda raws=raws: settled(network, raws), within_ms=120_000)  # type: ignore[misc]  # bound at once
    network.assert_agreement()
    for bank in network.running():
        bank.crash()


def test_log_is_pruned_behind_the_chain_also_after_a_restart(network: SmallNetwork) -> None:
    bank = network.banks[0]
    for round_number in range(6):
        raws = pay(network, 8, first_nonce=8 * round_number)
        network.run_until(lambda raws=raws: settled(network, raws), within_ms=20_000)  # type: ignore[misc]  # bound at once
        bank.crash()
        bank.start()
    network.world.advance(30_000)
    segments = sorted(int(path.stem) for path in (bank.folder / "wal").iterdir())
    assert segments[0] > 1
    assert len(segments) <= 3
    network.assert_agreement()


def test_vote_is_sent_again_until_the_machine_has_heard_that_its_block_is_final(network: SmallNetwork) -> None:
    """A block committed by catching up is on disk a turn before the machine hears of it; it may repeat votes first."""
    raws = pay(network, 1)
    network.run_until(lambda: settled(network, raws), within_ms=10_000)
    node, signer = network.banks[0].node, network.banks[0].signer
    assert node is not None
    heard = node.machine.state.head.view
    node._committed_to = node._committed_to._replace(view=View(heard + 5))
    node._turn_ended()
    assert signer.floor == (Epoch(0), heard)
