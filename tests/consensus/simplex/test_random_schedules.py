"""Random schedules with loss, crashes, disk trouble and one Byzantine validator; then healing, then progress."""

import pytest

from consensus.simplex.effects import StopReason
from consensus.simplex.parameters import Parameters
from tests.consensus.simplex.byzantine import Equivocator
from tests.consensus.simplex.faults import Faults
from tests.consensus.simplex.harness import Broken, Network

QUICK = Parameters(
    network_delta_ms=50,
    build_budget_ms=50,
    certify_budget_ms=50,
    block_interval_min_ms=20,
    empty_block_interval_ms=2_000,
)
"""Short time-outs, so that a schedule sees many views."""

ROUNDS = 8
ROUND_MS = 500
PROGRESS_MS = 30_000
"""After healing, a payment must be final within this simulated time."""


def run_schedule(seed: int, count: int, *, is_byzantine: bool) -> Network:
    """Run one schedule and raise Broken if any property fails."""
    faults = Faults(latency_ms=(1, 120), sync_ms=(0, 30), execute_ms=(1, 40), unknown_verdict_percent=10)
    network = Network(count, seed=seed, faults=faults, parameters=QUICK, epoch_blocks=1_000_000 if seed % 2 else 4)
    rng = network.random
    faults.loss_percent = rng.choice((0, 5, 30))
    crash_every = rng.choice((3, 12, 1_000))
    if is_byzantine:
        evil = rng.randrange(count)
        network.hosts[evil] = Equivocator(network, evil)
        network.byzantine.add(evil)
    network.start()
    for number in range(1, ROUNDS + 1):
        network.run(rng.randrange(ROUND_MS))
        network.submit(number, *rng.sample(range(count), rng.randint(1, count)))
        for host in rng.sample(network.hosts, rng.randint(0, count)):
            if host.is_up and rng.randrange(crash_every):
                continue
            if host.is_up:
                host.crash()
            else:
                host.start()
    network.faults = Faults()
    for host in network.hosts:
        if not host.is_up:
            host.start()
    network.submit(1_000)
    if not network.run(PROGRESS_MS, until=lambda: network.is_final_everywhere(1_000)):
        raise Broken("no progress after healing")
    for host in network.hosts:
        if host.stopped and host.index not in network.byzantine:
            raise Broken(f"{host.index} stopped: {host.stopped}")
    assert StopReason.DIVERGENCE not in [reason for host in network.hosts for reason in host.stopped]
    return network


@pytest.mark.parametrize("seed", range(15))
def test_one_validator_stays_safe_and_live(seed: int) -> None:
    run_schedule(seed, 1, is_byzantine=False)


@pytest.mark.parametrize("seed", range(45))
def test_four_validators_stay_safe_and_live(seed: int) -> None:
    run_schedule(seed, 4, is_byzantine=False)


@pytest.mark.parametrize("seed", range(1_000, 1_035))
def test_four_validators_with_an_equivocator_stay_safe_and_live(seed: int) -> None:
    run_schedule(seed, 4, is_byzantine=True)


@pytest.mark.parametrize("seed", range(2_000, 2_010))
def test_seven_validators_with_an_equivocator_stay_safe_and_live(seed: int) -> None:
    run_schedule(seed, 7, is_byzantine=True)
