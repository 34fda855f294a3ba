"""Nodes, listeners and proofs for the tests of the mesh. Proofs are hashes: any signature would do."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from random import Random

from network.channels import Channel, ChannelTable, channel_table
from network.errors import LinkError
from network.hello import Hello, Role, ValidatorProof
from network.links import Mesh
from network.session import LinkTimings, LocalNode, Progress
from network.tls import TlsIdentity, tls_identity
from network.transport import Address, PeerEntry, PeerIdentity, PeerKey

CHAIN_ID = 23_790
GENESIS_HASH = bytes(range(32))
FAST = LinkTimings(
    handshake_ms=2_000, ping_every_ms=20, silence_max_ms=5_000, back_off_min_ms=2, back_off_max_ms=10, close_grace_ms=50
)
"""Impatient links: tests wait for events, and these come soon."""


def proof_bytes(signer_tls_key: bytes, peer_tls_key: bytes, nonce: bytes) -> bytes:
    return sha256(b"proof" + signer_tls_key + peer_tls_key + nonce).digest() * 2


def sign_proof(*, own_tls_key: bytes, peer_tls_key: bytes, peer_nonce: bytes) -> ValidatorProof:
    return ValidatorProof(proof_bytes(own_tls_key, peer_tls_key, peer_nonce))


def verify_proof(proof: ValidatorProof, *, signer_tls_key: bytes, own_tls_key: bytes, own_nonce: bytes) -> bool:
    return proof == ValidatorProof(proof_bytes(signer_tls_key, own_tls_key, own_nonce))


def identity(number: int, role: Role = Role.VALIDATOR) -> tuple[TlsIdentity, PeerIdentity]:
    tls = tls_identity(bytes([number]) * 32)
    return tls, PeerIdentity(tls.key, f"bank{number}", role)


def local_node(
    peer: PeerIdentity, *, timings: LinkTimings = FAST, table: ChannelTable | None = None, chain_id: int = CHAIN_ID
) -> LocalNode:
    numbers = count()
    return LocalNode(
        identity=peer,
        chain_id=chain_id,
        genesis_hash=GENESIS_HASH,
        software_version="sycee/test",
        progress=lambda: Progress(epoch=1, final_height=7),
        make_nonce=lambda: sha256(peer.key + bytes([next(numbers) % 256])).digest(),
        sign_proof=sign_proof if peer.role is Role.VALIDATOR else None,
        verify_proof=verify_proof,
        table=channel_table() if table is None else table,
        timings=timings,
    )


class Recorder:
    """A listener that keeps everything and lets a test wait for it."""

    def __init__(self, on_frame: Callable[[PeerIdentity, Channel, bytes], None] | None = None) -> None:
        self.ups: list[tuple[PeerIdentity, Hello]] = []
        self.downs: list[tuple[PeerIdentity, LinkError]] = []
        self.refusals: list[tuple[str, LinkError]] = []
        self.frames: list[tuple[PeerIdentity, Channel, bytes]] = []
        self._on_frame = on_frame
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        self.ups.append((peer, hello))
        self._wake()

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        self.downs.append((peer, reason))
        self._wake()

    def link_refused(self, place: str, reason: LinkError) -> None:
        self.refusals.append((place, reason))
        self._wake()

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        self.frames.append((peer, channel, payload))
        if self._on_frame is not None:
            self._on_frame(peer, channel, payload)
        if self._waiting:
            self._wake()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is looked at after every event."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        async with asyncio.timeout(5):
            await future

    def _wake(self) -> None:
        for waiting in tuple(self._waiting):
            condition, future = waiting
            if condition():
                self._waiting.remove(waiting)
                if not future.done():
                    future.set_result(None)


@dataclass(slots=True)
class Node:
    """A mesh node on loopback."""

    tls: TlsIdentity
    identity: PeerIdentity
    listener: Recorder
    mesh: Mesh
    address: Address

    @property
    def key(self) -> PeerKey:
        return self.identity.key

    def entry(self) -> PeerEntry:
        return PeerEntry(self.identity, (self.address,))


async def start_node(
    number: int,
    peers: tuple[PeerEntry, ...] = (),
    *,
    role: Role = Role.VALIDATOR,
    timings: LinkTimings = FAST,
    table: ChannelTable | None = None,
    chain_id: int = CHAIN_ID,
    port: int = 0,
    listener: Recorder | None = None,
) -> Node:
    tls, own = identity(number, role)
    recorder = Recorder() if listener is None else listener
    node = local_node(own, timings=timings, table=table, chain_id=chain_id)
    mesh = Mesh(node, tls, peers, recorder, listen=Address("127.0.0.1", port), random=Random(number))
    address = await mesh.start()
    assert address is not None
    return Node(tls, own, recorder, mesh, address)


async def start_mesh(*numbers: int, timings: LinkTimings = FAST, table: ChannelTable | None = None) -> list[Node]:
    """Start nodes that all know each other and wait until every link is up."""
    nodes = [await start_node(number, timings=timings, table=table) for number in numbers]
    for node in nodes:
        node.mesh.update_peers([other.entry() for other in nodes if other is not node])
    for node in nodes:
        await node.listener.until(lambda node=node: len(node.listener.ups) >= len(nodes) - 1)  # type: ignore[misc]  # bound at once
    return nodes


async def close_all(nodes: list[Node]) -> None:
    for node in nodes:
        await node.mesh.close()


def patient(**changes: int) -> LinkTimings:
    """Return the fast timings with some of them changed."""
    return replace(FAST, **changes)


def dialer_first(first: Node, second: Node) -> tuple[Node, Node]:
    """Return the two with the one that dials in front."""
    return (first, second) if first.key < second.key else (second, first)
