"""Whole networks, one story each: what a bank would see, from the first payment to total power loss."""

from consensus.simplex.events import TimerKind
from consensus.simplex.messages import Kind
from tests.consensus.simplex.blocks import START_MS
from tests.consensus.simplex.faults import Faults
from tests.consensus.simplex.harness import Network

HEARTBEAT_MS = 10_000
TIMEOUT_LEADER_MS = 1_200
"""TL of the default parameters without back-off."""


def settled(count: int = 4) -> Network:
    """Return a network whose first, empty block is final and which has fallen silent."""
    network = Network(count, has_status=False)
    network.start()
    assert network.run(2_000, until=lambda: len(network.final) == 1)
    network.run(500)
    return network


def fired(network: Network) -> list[TimerKind]:
    return [kind for host in network.hosts for kind in host.fired]


def signed_kinds(network: Network, view: int) -> set[Kind]:
    return {statement.kind for host in network.hosts for statement in host.disk.guard.get((0, view), ())}


def test_first_block_of_a_chain_comes_at_once() -> None:
    network = Network(4, has_status=False)
    network.start()
    assert network.run(300, until=lambda: len(network.final) == 1)


def test_idle_chain_sends_nothing_until_the_heartbeat() -> None:
    network = settled()
    before = len(network.sent)
    network.run(HEARTBEAT_MS - 1_500)
    assert len(network.sent) == before
    assert network.run(2_000, until=lambda: len(network.final) == 2)


def test_lone_payment_is_final_without_any_time_out_and_silence_follows() -> None:
    network = settled()
    for host in network.hosts:
        host.armed.clear()
        host.fired.clear()
    network.submit(7)
    start_ms = network.now_ms
    assert network.run(400, until=lambda: network.is_final_everywhere(7))
    assert network.now_ms - start_ms < 200
    network.run(200)
    # Until it is final its own view is timed, but nothing ever runs out, and afterwards nothing is armed.
    timeouts = {TimerKind.LEADER, TimerKind.ADVANCE, TimerKind.RESEND}
    assert not set(fired(network)) & timeouts
    assert not any(set(host.timers) & timeouts for host in network.hosts)
    assert len(network.final) == 2
    before = len(network.sent)
    network.run(5_000)
    assert len(network.sent) == before


def test_dead_next_leader_whose_link_is_known_down_is_passed_over_at_once() -> None:
    network = settled()
    leader = network.hosts[0].machine.validators.leader(network.hosts[0].machine.state.view)
    network.hosts[leader].crash()
    network.run(3_100)
    network.submit(7)
    assert network.run(TIMEOUT_LEADER_MS // 2, until=lambda: network.is_final_everywhere(7))


def test_dead_next_leader_not_yet_noticed_costs_one_time_out() -> None:
    network = settled()
    leader = network.hosts[0].machine.validators.leader(network.hosts[0].machine.state.view)
    network.hosts[leader].crash()
    network.submit(7)
    assert not network.run(TIMEOUT_LEADER_MS - 100, until=lambda: network.is_final_everywhere(7))
    assert network.run(400, until=lambda: network.is_final_everywhere(7))


def test_heartbeat_goes_on_with_a_dead_leader() -> None:
    network = settled()
    network.hosts[network.hosts[0].machine.validators.leader(network.hosts[0].machine.state.view)].crash()
    assert network.run(HEARTBEAT_MS + 2_000, until=lambda: len(network.final) == 2)


def test_transaction_known_to_one_node_only_is_final_at_the_latest_when_its_holder_leads() -> None:
    network = settled()
    leader = network.hosts[0].machine.validators.leader(network.hosts[0].machine.state.view)
    holder = (leader + 2) % 4
    network.submit(7, holder)
    assert network.run(4 * HEARTBEAT_MS, until=lambda: network.is_final_everywhere(7))


def test_payment_to_all_but_the_leader_waits_one_time_out() -> None:
    network = settled()
    leader = network.hosts[0].machine.validators.leader(network.hosts[0].machine.state.view)
    network.submit(7, *(index for index in range(4) if index != leader))
    assert network.run(TIMEOUT_LEADER_MS + 500, until=lambda: network.is_final_everywhere(7))


def test_all_crash_after_nullify_then_progress() -> None:
    network = settled()
    leader = network.hosts[0].machine.validators.leader(network.hosts[0].machine.state.view)
    view = network.hosts[0].machine.state.view
    network.cut = lambda _sender, _receiver, _kind: True
    network.submit(7, *(index for index in range(4) if index != leader))
    network.run(TIMEOUT_LEADER_MS + 100)
    others = [host for host in network.hosts if host.index != leader]
    assert all(Kind.NULLIFY in {said.kind for said in host.disk.guard[0, view]} for host in others)
    for host in network.hosts:
        host.crash()
    network.cut = lambda _sender, _receiver, _kind: False
    for host in others:
        host.start()
    network.run(1)
    assert network.run(8_000, until=lambda: network.is_final_everywhere(7))


def test_certified_split_heals() -> None:
    """Only the leader and one more see the notarization; the others give up. Both sides end on one chain."""
    network = settled()
    view = network.hosts[0].machine.state.view
    leader = network.hosts[0].machine.validators.leader(view)
    friend = (leader + 1) % 4
    group = {leader, friend}
    proposed_by_ms = network.now_ms + 50
    network.cut = lambda _sender, receiver, kind: (
        receiver not in group and (kind in ("vote", "certificate", "block?") or network.now_ms > proposed_by_ms)
    )
    network.submit(7)
    network.run(TIMEOUT_LEADER_MS * 3)
    assert network.hosts[leader].machine.state.notarization(view) is not None
    assert Kind.NULLIFY in signed_kinds(network, view)
    network.cut = lambda _sender, _receiver, _kind: False
    assert network.run(10_000, until=lambda: network.is_final_everywhere(7))


def test_single_validator_restarts_and_waits_for_nobody() -> None:
    network = Network(1)
    network.start()
    network.run(100)
    network.submit(7)
    network.run(15)
    network.hosts[0].crash()
    network.hosts[0].start()
    network.submit(8)
    assert network.run(3_000, until=lambda: network.is_final_everywhere(7) and network.is_final_everywhere(8))


def test_nothing_is_signed_with_less_than_a_quorum_but_nullify_and_its_repetition() -> None:
    network = settled()
    network.hosts[0].crash()
    network.hosts[1].crash()
    network.run(3_200)
    height = len(network.final)
    network.submit(7, 2, 3)
    network.run(60_000)
    assert len(network.final) == height
    # Rejoining needs no time proportional to the outage.
    network.hosts[0].start()
    network.run(1)
    network.hosts[0].pool.add(7)
    assert network.run(6_000, until=lambda: network.is_final_everywhere(7))


def test_epochs_follow_each_other_and_the_links_stay_known() -> None:
    network = Network(4, epoch_blocks=2)
    network.start()
    assert network.run(30_000, until=lambda: len(network.final) == 3)
    network.run(5_000)
    # Five idle seconds into an epoch no leader may look dead.
    network.submit(7)
    start_ms = network.now_ms
    assert network.run(5_000, until=lambda: network.is_final_everywhere(7))
    assert network.now_ms - start_ms < TIMEOUT_LEADER_MS
    assert all(len(host.disk.chain) == len(network.final) + 1 for host in network.hosts)


def test_nothing_is_built_between_the_last_block_of_an_epoch_and_the_next_epoch() -> None:
    network = Network(4, epoch_blocks=1)
    network.start()
    for number in range(1, 6):
        network.submit(number)
        assert network.run(5_000, until=lambda number=number: network.is_final_everywhere(number))  # type: ignore[misc]
    heights_by_epoch: dict[int, set[int]] = {}
    for block in network.hosts[0].disk.blocks.values():
        heights_by_epoch.setdefault(block.facts.epoch, set()).add(block.facts.height)
    assert all(len(heights) == 1 for heights in heights_by_epoch.values())


def test_clock_of_the_network_is_simulated() -> None:
    network = Network(1)
    assert network.now_ms == START_MS
    network.run(1_000)
    assert network.now_ms == START_MS + 1_000


def test_slow_network_builds_no_empty_block_after_a_payment() -> None:
    """The next leader learns that nothing is left to include only after it entered its view: it must not propose."""
    network = Network(4, has_status=False, faults=Faults(latency_ms=(80, 120)))
    network.start()
    assert network.run(2_000, until=lambda: len(network.final) == 1)
    network.run(2_000)
    assert len(network.final) == 1, "the first block of a chain is not followed by a second empty one"
    network.submit(7)
    assert network.run(2_000, until=lambda: network.is_final_everywhere(7))
    network.run(3_000)
    assert len(network.final) == 2
