"""Actors whose fault is in how they live: forgetting what they signed, or living twice."""

from collections.abc import Sequence

from network.channels import Channel
from network.transport import LinkStatus, PeerEntry, PeerKey, Transport
from node.runtime.epochs import Epochs
from node.validator.signer import GuardedSigner
from tests.simulator.byzantine.actor import Actor
from tests.simulator.cluster import Cluster, SimulatedNode
from tests.simulator.disk import Disk
from tests.simulator.taps import Frames, TappedTransport

FORGET_EVERY_US = 3_000_000
"""Mean time between two restarts in which everything signed is forgotten."""

BACKUP_AFTER_US = 2_000_000
"""Latest instant of a life at which the backup is made."""


class Amnesiac(Actor):
    """Forgets its own votes at every restart, and restarts often."""

    def started(self) -> None:
        self.later(self.drawn.randint(1, 2 * FORGET_EVERY_US), self._forget)

    def _forget(self) -> None:
        self.deed()
        self.node.crash()
        self.node.forget_votes()
        self.node.start()


class Restored(Actor):
    """Comes back from an old backup: honest, and no longer knowing what it signed since."""

    def started(self) -> None:
        if not self.node.deeds.get(self.name):
            self.later(self.drawn.randint(1, BACKUP_AFTER_US), self._back_up)

    def _back_up(self) -> None:
        image = self.node.disk.image()
        self.later(self.drawn.randint(1, 2 * FORGET_EVERY_US), lambda: self._restore(image))

    def _restore(self, image: Disk) -> None:
        self.deed()
        self.node.crash()
        self.node.disk = image
        self.node.start()


class Twin(Actor):
    """Two honest instances with one key, each linked with half of the peers: a host copied by mistake.

    Nobody hears both of them, so what proves it is two certificates, if it ever comes to that.
    """

    def __init__(self, cluster: Cluster, node: SimulatedNode, name: str) -> None:
        super().__init__(cluster, node, name)
        self._second = _SecondInstance(cluster, node, self)
        self._second.prepare()
        node.second = self._second

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        return () if self.is_second_half(peer) else ((channel, payload),)

    def started(self) -> None:
        self._second.start()


class _SecondInstance(SimulatedNode):
    """The copy: its own disk and process, the links of its original."""

    def __init__(self, cluster: Cluster, original: SimulatedNode, actor: Twin) -> None:
        super().__init__(cluster, original.index, name=f"{original.name}b")
        self._original = original
        self._actor = actor

    def serves(self, peer: PeerKey) -> bool:
        return self._actor.is_second_half(peer)

    def crash(self) -> None:
        if self.is_up:
            self.stop_process()
            self.disk.crash(self._crashes)

    def power_cut(self) -> None:
        self._original.power_cut()

    def failed(self, error: BaseException) -> None:
        self._original.failed(error)

    def _join(self, signer: GuardedSigner, epochs: Epochs) -> Transport:
        shared = self._original.transport
        assert shared is not None
        return _HalfTransport(shared, self._actor)


class _HalfTransport:
    """The links to one half of the peers."""

    def __init__(self, shared: TappedTransport, actor: Twin) -> None:
        self._shared = shared
        self._actor = actor

    def send(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        if not self._actor.is_second_half(peer_key):
            return False
        if channel is Channel.VOTES:
            self._actor.deed()
        return self._shared.send_as_is(peer_key, channel, payload, urgency)

    def broadcast(self, channel: Channel, payload: bytes, urgency: int) -> int:
        return sum(self.send(peer, channel, payload, urgency) for peer in self._actor.peers)

    def report_misbehaviour(self, peer_key: PeerKey, reason: str) -> None:
        self._shared.report_misbehaviour(peer_key, reason)

    def update_peers(self, peers: Sequence[PeerEntry]) -> None:
        """The original keeps the list."""

    def links(self) -> tuple[LinkStatus, ...]:
        return self._shared.links()
