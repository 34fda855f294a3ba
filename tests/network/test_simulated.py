"""The twin: same rules, drawn wires, equal runs from equal seeds."""

import heapq
from collections.abc import Callable
from dataclasses import replace
from random import Random

from network.channels import Channel, channel_table, with_queues_divided
from network.errors import BadProof, ConnectFailed, ConnectionLost, PeerRemoved, PeerSilent, ReportedMisbehaviour
from network.hello import Role
from network.policing import BAN_FIRST_MS
from network.session import LinkTimings
from network.simulated import SimulatedHub, SimulatedTransport, WireConditions
from network.transport import PeerEntry, PeerKey, Transport
from tests.network.support import Recorder, identity, local_node

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


class World:
    """A scheduler and a network of fully connected nodes with production timings."""

    def __init__(
        self, count: int, *, seed: int = 1, conditions: WireConditions | None = None, divisor: int = 1
    ) -> None:
        self.now_us = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self.hub = SimulatedHub(
            schedule=self._schedule,
            now_us=lambda: self.now_us,
            random=Random(seed),
            conditions=WireConditions() if conditions is None else conditions,
        )
        self.identities = sorted((identity(number)[1] for number in range(1, count + 1)), key=lambda peer: peer.key)
        self.keys: list[PeerKey] = [peer.key for peer in self.identities]
        self.listeners = [Recorder() for _ in self.identities]
        self.table = with_queues_divided(channel_table(), divisor)
        self.nodes: list[SimulatedTransport] = [self.add(number) for number in range(count)]

    def add(self, number: int) -> SimulatedTransport:
        own = self.identities[number]
        peers = [PeerEntry(peer) for peer in self.identities if peer != own]
        node = local_node(own, timings=LinkTimings(), table=self.table)
        return self.hub.add(node, peers, self.listeners[number], random=Random(number))

    def _schedule(self, at_us: int, callback: Callable[[], None]) -> None:
        assert at_us >= self.now_us
        self._sequence += 1
        heapq.heappush(self._heap, (at_us, self._sequence, callback))

    def run(self, for_us: int) -> None:
        end_us = self.now_us + for_us
        while self._heap and self._heap[0][0] <= end_us:
            self.now_us, _, callback = heapq.heappop(self._heap)
            callback()
        self.now_us = end_us

    def payloads(self, number: int) -> list[bytes]:
        return [payload for _, _, payload in self.listeners[number].frames]


def test_a_network_comes_up_and_frames_arrive_in_order_after_the_latency() -> None:
    world = World(4, conditions=WireConditions(latency_us=50_000, jitter_us=30_000))
    transport: Transport = world.nodes[0]
    assert transport.broadcast(Channel.VOTES, b"too early", 0) == 0
    world.run(SECOND_US)
    assert [len(listener.ups) for listener in world.listeners] == [3, 3, 3, 3]
    for number in range(100):
        assert transport.broadcast(Channel.VOTES, bytes([number]), number) == 3
    world.run(49_999)
    assert not world.payloads(1)
    world.run(40_000)
    assert world.payloads(1) == world.payloads(3) == [bytes([number]) for number in range(100)]
    world.run(20 * SECOND_US)
    assert 100 <= (world.nodes[0].links()[0].round_trip_ms or 0) <= 160


def history(seed: int) -> list[object]:
    conditions = WireConditions(
        jitter_us=5_000, loss_per_mille=100, duplicate_per_mille=100, reorder_per_mille=200, bytes_per_ms=100
    )
    world = World(3, seed=seed, conditions=conditions, divisor=8)
    for step in range(60):
        for node in world.nodes:
            node.broadcast(Channel.VOTES, bytes([step]), step)
            node.broadcast(Channel.TRANSACTIONS, bytes(500), 0)
        if step == 30:
            world.hub.break_links(world.keys[0], world.keys[1])
        world.run(50_000)
    return [listener.frames for listener in world.listeners] + [node.links() for node in world.nodes]


def test_equal_seeds_give_equal_runs_and_other_seeds_do_not() -> None:
    assert history(7) == history(7)
    assert history(7) != history(8)


def test_loss_duplicates_and_reordering_reach_frames_but_not_links() -> None:
    conditions = WireConditions(loss_per_mille=200, duplicate_per_mille=200, reorder_per_mille=200)
    world = World(2, conditions=conditions)
    world.run(SECOND_US)
    for number in range(200):
        world.nodes[0].send(world.keys[1], Channel.VOTES, bytes([number]), number)
    world.run(MINUTE_US)
    received = world.payloads(1)
    assert 120 < len(set(received)) < 200
    assert len(received) > len(set(received))
    assert list(dict.fromkeys(received)) != sorted(set(received))
    assert not world.listeners[0].downs


def test_a_narrow_wire_fills_queues_and_lets_votes_overtake() -> None:
    world = World(2, conditions=WireConditions(bytes_per_ms=100))
    world.run(SECOND_US)
    queued = [world.nodes[0].send(world.keys[1], Channel.TRANSACTIONS, bytes(100_000), 0) for _ in range(60)]
    assert queued.count(True) == 41
    assert world.nodes[0].links()[0].dropped_frames == {Channel.TRANSACTIONS: 19}
    world.run(1_000)
    world.nodes[0].send(world.keys[1], Channel.VOTES, b"vote", 1)
    world.run(1_100_000)
    assert b"vote" in world.payloads(1)
    assert len(world.payloads(1)) == 2


def test_a_short_partition_delays_frames_and_a_long_one_breaks_links() -> None:
    world = World(4)
    world.run(SECOND_US)
    world.nodes[0].broadcast(Channel.VOTES, b"on its way", 1)
    world.run(500)
    world.hub.partition(world.keys[:2], world.keys[2:])
    world.nodes[0].broadcast(Channel.VOTES, b"vote", 1)
    world.run(5 * SECOND_US)
    assert world.payloads(1) == [b"on its way", b"vote"]
    assert not world.payloads(2)
    world.hub.heal()
    world.run(SECOND_US)
    assert world.payloads(2) == [b"on its way", b"vote"]
    assert not any(listener.downs for listener in world.listeners)
    world.hub.partition(world.keys[:2], world.keys[2:])
    world.run(60 * SECOND_US)
    assert {type(why) for _, why in world.listeners[0].downs} <= {PeerSilent, ConnectionLost}
    assert len(world.listeners[0].downs) == 2
    world.hub.heal()
    world.run(MINUTE_US)
    assert [len(listener.ups) for listener in world.listeners] == [5, 5, 5, 5]


def test_one_blocked_direction_ends_a_link_by_silence() -> None:
    world = World(2)
    world.run(SECOND_US)
    world.hub.block(world.keys[0], world.keys[1])
    world.run(25 * SECOND_US)
    assert isinstance(world.listeners[1].downs[0][1], PeerSilent)


def test_a_broken_link_is_dialled_again_and_half_open_ones_are_noticed() -> None:
    world = World(2)
    world.run(SECOND_US)
    world.hub.break_links(world.keys[0], world.keys[1])
    world.run(2 * SECOND_US)
    assert [len(listener.ups) for listener in world.listeners] == [2, 2]
    world.hub.break_links(world.keys[1], world.keys[0], is_half_open=True)
    assert len(world.listeners[1].downs) == 2
    assert len(world.listeners[0].downs) == 1
    world.run(MINUTE_US)
    assert isinstance(world.listeners[0].downs[1][1], PeerSilent)
    assert [len(listener.ups) for listener in world.listeners] == [3, 3]


def test_a_crashed_node_hears_nothing_and_is_found_after_its_restart() -> None:
    world = World(2)
    world.run(SECOND_US)
    world.hub.stop(world.keys[1])
    world.run(10 * SECOND_US)
    assert not world.listeners[1].downs
    assert isinstance(world.listeners[0].downs[0][1], ConnectionLost)
    assert [type(why) for _, why in world.listeners[0].refusals] == [ConnectFailed]
    world.add(1)
    world.run(MINUTE_US)
    assert len(world.listeners[0].ups) == 2


def test_misbehaviour_bans_and_the_ban_ends() -> None:
    world = World(2)
    world.run(SECOND_US)
    world.nodes[1].report_misbehaviour(world.keys[0], "false certificate")
    assert isinstance(world.listeners[1].downs[0][1], ReportedMisbehaviour)
    world.run(MINUTE_US)
    assert len(world.listeners[1].ups) == 1
    assert world.nodes[1].links()[0].banned_for_ms == BAN_FIRST_MS - 60_000
    world.run(11 * MINUTE_US)
    assert len(world.listeners[1].ups) == 2


def test_a_removed_peer_loses_its_link_and_a_listed_one_comes_back() -> None:
    world = World(2)
    world.run(SECOND_US)
    entry = world.nodes[0].book.entries()[0]
    world.nodes[0].update_peers([])
    assert isinstance(world.listeners[0].downs[0][1], PeerRemoved)
    world.run(MINUTE_US)
    world.nodes[0].update_peers([entry])
    world.run(MINUTE_US)
    assert len(world.listeners[0].ups) == 2


def test_a_false_proof_is_refused_as_on_real_links() -> None:
    world = World(1)
    liar = identity(9)[1]
    world.nodes[0].update_peers([PeerEntry(liar)])
    node = local_node(liar, timings=LinkTimings())
    honest = node.sign_proof
    assert honest is not None
    lying = replace(node, sign_proof=lambda **keys: replace(honest(**keys), signature=bytes(64)))
    world.hub.add(lying, [PeerEntry(world.identities[0])], Recorder(), random=Random(0))
    world.nodes[0].update_peers([PeerEntry(liar)])
    world.run(10 * SECOND_US)
    assert isinstance(world.listeners[0].refusals[-1][1], BadProof)
    assert not world.listeners[0].ups


def test_a_follower_that_sends_votes_is_banned() -> None:
    world = World(1)
    follower = identity(9, Role.FOLLOWER)[1]
    world.nodes[0].update_peers([PeerEntry(follower)])
    watcher = world.hub.add(
        local_node(follower, timings=LinkTimings()), [PeerEntry(world.identities[0])], Recorder(), random=Random(0)
    )
    world.run(SECOND_US)
    assert watcher.send(world.keys[0], Channel.TRANSACTIONS, b"tx", 0)
    world.run(SECOND_US)
    assert world.payloads(0) == [b"tx"]
    assert watcher.send(world.keys[0], Channel.VOTES, b"vote", 0)
    world.run(SECOND_US)
    assert world.payloads(0) == [b"tx"]
    assert "follower sent on channel votes" in str(world.listeners[0].downs[0][1])
