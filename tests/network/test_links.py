"""Real sockets on loopback: two and four nodes, and everything that goes wrong between them."""

import asyncio
import ssl
from dataclasses import replace

import pytest

from network.channels import Channel, Quota, Unit, channel_table
from network.errors import (
    BadProof,
    ConnectFailed,
    ConnectionLost,
    FrameTooLong,
    HandshakeTimeout,
    LinkReplaced,
    LocalClose,
    PeerRemoved,
    PeerSilent,
    ReportedMisbehaviour,
    WrongChain,
    WrongPeer,
)
from network.links import INBOUND_BYTES_MAX, WRITE_HIGH_WATER_BYTES
from network.policing import BAN_FIRST_MS, HANDSHAKES_IN_FLIGHT_MAX
from network.tls import client_context
from network.transport import PeerEntry
from tests.network.support import Node, close_all, dialer_first, identity, patient, start_mesh, start_node

pytestmark = pytest.mark.asyncio


async def raw_connection(server: Node, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to `server` with the key of bank `number`, as somebody who keeps no rules."""
    tls, _ = identity(number)
    context = client_context(tls, [server.key])
    return await asyncio.open_connection("127.0.0.1", server.address.port, ssl=context)


async def test_two_nodes_exchange_frames_in_both_directions() -> None:
    nodes = await start_mesh(1, 2)
    first, second = nodes
    assert first.mesh.send(second.key, Channel.VOTES, b"ping", 1)
    assert second.mesh.send(first.key, Channel.REPLIES, bytes(1024 * 1024), 0)
    await second.listener.until(lambda: len(second.listener.frames) == 1)
    await first.listener.until(lambda: len(first.listener.frames) == 1)
    assert second.listener.frames == [(first.identity, Channel.VOTES, b"ping")]
    assert first.listener.frames == [(second.identity, Channel.REPLIES, bytes(1024 * 1024))]
    assert first.listener.ups[0][1].software_version == "sycee/test"
    assert first.listener.ups[0][1].final_height == 7
    await close_all(nodes)


async def test_four_nodes_hear_every_broadcast_in_order() -> None:
    nodes = await start_mesh(1, 2, 3, 4)
    for number in range(50):
        for node in nodes:
            assert node.mesh.broadcast(Channel.VOTES, bytes([number]), number) == 3
    for node in nodes:
        await node.listener.until(lambda node=node: len(node.listener.frames) == 150)  # type: ignore[misc]  # bound at once
        for other in nodes:
            if other is not node:
                payloads = [payload for peer, _, payload in node.listener.frames if peer == other.identity]
                assert payloads == [bytes([number]) for number in range(50)]
    await close_all(nodes)


async def test_status_shows_round_trip_and_time_up() -> None:
    nodes = await start_mesh(1, 2)
    first, second = nodes
    ponged = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        if first.mesh.links()[0].round_trip_ms is not None:
            ponged.set()
        else:
            loop.call_soon(look)

    look()
    async with asyncio.timeout(5):
        await ponged.wait()
    status = first.mesh.links()[0]
    assert status.peer == second.identity
    assert status.up_for_ms is not None
    assert status.hello is not None
    assert not status.dropped_frames
    await second.mesh.close()
    await first.listener.until(lambda: bool(first.listener.downs))
    assert first.mesh.links()[0].up_for_ms is None
    assert not first.mesh.send(second.key, Channel.VOTES, b"", 0)
    await first.mesh.close()


async def test_a_restarted_peer_is_found_again() -> None:
    nodes = await start_mesh(1, 2)
    dialer, listener = dialer_first(*nodes)
    await listener.mesh.close()
    assert isinstance(listener.listener.downs[0][1], LocalClose)
    await dialer.listener.until(lambda: any(isinstance(why, ConnectFailed) for _, why in dialer.listener.refusals))
    number = int(listener.identity.name.removeprefix("bank"))
    again = await start_node(number, (dialer.entry(),), port=listener.address.port)
    await dialer.listener.until(lambda: len(dialer.listener.ups) == 2)
    assert isinstance(dialer.listener.downs[0][1], ConnectionLost)
    # One refusal is told, however often the dial failed.
    assert len(dialer.listener.refusals) == 1
    await close_all([dialer, again])


async def test_the_newer_of_two_links_survives_once_it_is_up() -> None:
    nodes = await start_mesh(1, 2)
    dialer, listener = dialer_first(*nodes)
    number = int(dialer.identity.name.removeprefix("bank"))
    twin = await start_node(number, (listener.entry(),))
    await listener.listener.until(lambda: len(listener.listener.ups) >= 2)
    assert isinstance(listener.listener.downs[0][1], LinkReplaced)
    await close_all([twin, *nodes])


async def test_a_link_that_never_comes_up_replaces_nothing() -> None:
    nodes = await start_mesh(1, 2)
    dialer, listener = dialer_first(*nodes)
    number = int(dialer.identity.name.removeprefix("bank"))
    _, writer = await raw_connection(listener, number)
    assert listener.mesh.send(dialer.key, Channel.VOTES, b"still here", 0)
    await dialer.listener.until(lambda: len(dialer.listener.frames) == 1)
    assert not listener.listener.downs
    writer.transport.abort()
    await close_all(nodes)


async def test_a_stranger_learns_that_it_is_refused_and_no_link_comes_up() -> None:
    server = await start_node(1, (PeerEntry(identity(2)[1]),))
    stranger = await start_node(9, (server.entry(),))
    if server.key < stranger.key:
        stranger.mesh.update_peers([PeerEntry(server.identity, (server.address,))])
        reader, writer = await raw_connection(server, 9)
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.transport.abort()
    else:
        await stranger.listener.until(lambda: bool(stranger.listener.refusals))
    await server.listener.until(lambda: bool(server.listener.refusals))
    assert not server.listener.ups
    assert not stranger.listener.ups
    await close_all([server, stranger])


async def test_another_allowed_peer_behind_a_dialled_address_is_refused() -> None:
    numbers = sorted((1, 2, 3), key=lambda number: identity(number)[0].key)
    third = await start_node(numbers[2])
    dialer_tls, dialer_identity = identity(numbers[0])
    third.mesh.update_peers([PeerEntry(dialer_identity)])
    wrong = PeerEntry(identity(numbers[1])[1], (third.address,))
    dialer = await start_node(numbers[0], (wrong, PeerEntry(third.identity)))
    await dialer.listener.until(lambda: bool(dialer.listener.refusals))
    place, reason = dialer.listener.refusals[0]
    assert place == wrong.identity.name
    assert isinstance(reason, WrongPeer)
    assert reason.found == third.key
    assert dialer_tls.key == dialer.key
    await close_all([dialer, third])


async def test_plain_text_instead_of_tls_is_refused() -> None:
    server = await start_node(1, (PeerEntry(identity(2)[1]),))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 10)
    assert await reader.read() is not None
    await server.listener.until(lambda: bool(server.listener.refusals))
    assert isinstance(server.listener.refusals[0][1], ConnectFailed)
    writer.close()
    await server.mesh.close()


async def test_tls_before_version_three_is_refused() -> None:
    server = await start_node(1, (PeerEntry(identity(2)[1]),))
    context = client_context(identity(2)[0], [server.key])
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):  # how the refusal reaches the client depends on timing
        await asyncio.open_connection("127.0.0.1", server.address.port, ssl=context)
    await server.listener.until(lambda: bool(server.listener.refusals))
    assert "UNSUPPORTED_PROTOCOL" in str(server.listener.refusals[0][1])
    await server.mesh.close()


async def test_a_peer_that_says_no_hello_is_given_up() -> None:
    server = await start_node(1, (PeerEntry(identity(2)[1]),), timings=patient(handshake_ms=300))
    _, writer = await raw_connection(server, 2)
    await server.listener.until(lambda: bool(server.listener.refusals))
    place, reason = server.listener.refusals[0]
    assert place == "bank2"
    assert isinstance(reason, HandshakeTimeout)
    writer.transport.abort()
    await server.mesh.close()


async def test_silent_connections_do_not_get_more_handshakes_than_allowed() -> None:
    server = await start_node(1, (PeerEntry(identity(2)[1]),))
    connections = [
        await asyncio.open_connection("127.0.0.1", server.address.port) for _ in range(HANDSHAKES_IN_FLIGHT_MAX)
    ]
    reader, _ = await asyncio.open_connection("127.0.0.1", server.address.port)
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    await server.listener.until(lambda: bool(server.listener.refusals))
    assert "16 handshakes are in flight" in str(server.listener.refusals[0][1])
    for _, writer in connections:
        writer.close()
    await server.mesh.close()


async def test_nodes_of_different_chains_say_so_and_stay_apart() -> None:
    first = await start_node(1)
    second = await start_node(2, (first.entry(),), chain_id=1)
    first.mesh.update_peers([second.entry()])
    dialer, _ = dialer_first(first, second)
    await dialer.listener.until(lambda: any(isinstance(why, WrongChain) for _, why in dialer.listener.refusals))
    assert not first.listener.ups
    assert not second.listener.ups
    assert first.mesh.links()[0].banned_for_ms == 0
    await close_all([first, second])


async def test_misbehaviour_reported_by_the_node_closes_and_bans() -> None:
    nodes = await start_mesh(1, 2)
    first, second = nodes
    first.mesh.report_misbehaviour(second.key, "bad signature over its own name")
    assert isinstance(first.listener.downs[0][1], ReportedMisbehaviour)
    await second.listener.until(lambda: bool(second.listener.downs))
    assert BAN_FIRST_MS - 1_000 < first.mesh.links()[0].banned_for_ms <= BAN_FIRST_MS
    assert second.mesh.links()[0].banned_for_ms == 0
    assert len(first.listener.ups) == 1
    await close_all(nodes)


async def test_an_over_long_frame_closes_and_bans_before_its_payload_arrives() -> None:
    server = await start_node(1, (PeerEntry(identity(2)[1]),))
    _, writer = await raw_connection(server, 2)
    writer.write((1025).to_bytes(4, "big") + bytes([Channel.CONTROL]))
    await server.listener.until(lambda: bool(server.listener.refusals))
    assert isinstance(server.listener.refusals[0][1], FrameTooLong)
    assert server.mesh.links()[0].banned_for_ms > 0
    writer.transport.abort()
    await server.mesh.close()


async def test_frames_over_quota_are_dropped_and_counted() -> None:
    table = channel_table()
    tight = replace(table[Channel.VOTES], quota=Quota(Unit.FRAMES, 1, 10))
    nodes = await start_mesh(1, 2, table=(table[0], tight, *table[2:]))
    first, second = nodes
    for number in range(100):
        assert first.mesh.send(second.key, Channel.VOTES, bytes([number]), 0)
    first.mesh.send(second.key, Channel.TRANSACTIONS, b"last", 0)
    await second.listener.until(
        lambda: second.listener.frames[-1:] == [(first.identity, Channel.TRANSACTIONS, b"last")]
    )
    assert len(second.listener.frames) == 11
    assert second.mesh.links()[0].over_quota_frames == {Channel.VOTES: 90}
    assert second.mesh.links()[0].up_for_ms is not None
    await close_all(nodes)


async def test_a_peer_removed_from_the_list_loses_its_link() -> None:
    nodes = await start_mesh(1, 2, 3)
    first, second, third = nodes
    first.mesh.update_peers([third.entry()])
    assert [(peer, type(why)) for peer, why in first.listener.downs] == [(second.identity, PeerRemoved)]
    await second.listener.until(lambda: bool(second.listener.downs))
    assert first.mesh.broadcast(Channel.VOTES, b"", 0) == 1
    await close_all(nodes)


async def test_a_dead_peer_is_noticed_by_its_silence() -> None:
    """A peer whose pings are too rare for the other's patience looks exactly like a dead machine."""
    first = await start_node(1, timings=patient(silence_max_ms=40, ping_every_ms=100_000))
    second = await start_node(2, (first.entry(),), timings=patient(ping_every_ms=100_000))
    first.mesh.update_peers([second.entry()])
    await first.listener.until(lambda: any(isinstance(why, PeerSilent) for _, why in first.listener.downs))
    assert first.mesh.links()[0].banned_for_ms == 0
    await close_all([first, second])


async def test_a_slow_reader_does_not_grow_memory_and_votes_still_overtake() -> None:
    nodes = await start_mesh(1, 2)
    first, second = nodes
    link = next(iter(second.mesh._links))
    assert link._transport is not None
    link._transport.pause_reading()
    payload = bytes(100 * 1024)
    queued = 0
    # The system's socket buffers take some megabytes; then the queue fills, then it refuses.
    for _ in range(40):
        for _ in range(10):
            queued += first.mesh.send(second.key, Channel.TRANSACTIONS, payload, 0)
        await asyncio.sleep(0)
    status = first.mesh.links()[0]
    assert status.dropped_frames[Channel.TRANSACTIONS] == 400 - queued
    assert status.queued_frames[Channel.TRANSACTIONS] * len(payload) <= 4 * 1024 * 1024
    sending = next(iter(first.mesh._links))
    assert sending._transport is not None
    assert sending._transport.get_write_buffer_size() <= WRITE_HIGH_WATER_BYTES + 200 * 1024
    first.mesh.send(second.key, Channel.VOTES, b"vote", 9)
    link._transport.resume_reading()
    await second.listener.until(lambda: any(channel is Channel.VOTES for _, channel, _ in second.listener.frames))
    assert len(second.listener.frames) < queued
    await close_all(nodes)


async def test_a_link_is_not_read_while_the_node_has_not_taken_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("network.links.SERVE_FRAMES_PER_TURN", 1)
    nodes = await start_mesh(1, 2)
    first, second = nodes
    largest = 0

    def look() -> None:
        nonlocal largest
        session = next(iter(second.mesh._links)).session
        assert session is not None
        largest = max(largest, session.inbound_bytes)

    second.listener._on_frame = lambda peer, channel, payload: look()
    for _ in range(250):
        assert first.mesh.send(second.key, Channel.TRANSACTIONS, bytes(16 * 1024), 0)
    await second.listener.until(lambda: len(second.listener.frames) == 250)
    # The bound, and one read of at most 256 KiB with the frame it completes.
    assert INBOUND_BYTES_MAX < largest <= 2 * INBOUND_BYTES_MAX + 16 * 1024
    await close_all(nodes)


async def test_a_dial_that_keeps_failing_is_told_once() -> None:
    spare = await start_node(3)
    await spare.mesh.close()
    first, second = sorted((identity(1)[1], identity(2)[1]), key=lambda peer: peer.key)
    numbers = [int(peer.name.removeprefix("bank")) for peer in (first, second)]
    dialer = await start_node(numbers[0], (PeerEntry(second, (spare.address,) * 3),))
    await dialer.listener.until(lambda: bool(dialer.listener.refusals))
    late = await start_node(numbers[1], (dialer.entry(),), port=spare.address.port)
    await dialer.listener.until(lambda: bool(dialer.listener.ups))
    assert [type(why) for _, why in dialer.listener.refusals] == [ConnectFailed]
    await close_all([dialer, late])


async def test_a_validator_without_its_consensus_key_is_banned() -> None:
    nodes = [await start_node(1), await start_node(2)]
    first, second = nodes
    second.mesh.node = replace(
        second.mesh.node,
        sign_proof=lambda **keys: replace(first.mesh.node.sign_proof(**keys), signature=bytes(64)),  # type: ignore[misc]
    )
    second.mesh.update_peers([first.entry()])
    first.mesh.update_peers([second.entry()])
    await first.listener.until(lambda: any(isinstance(why, BadProof) for _, why in first.listener.refusals))
    assert first.mesh.links()[0].banned_for_ms > 0
    assert not first.listener.ups
    await close_all(nodes)


async def test_closing_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    nodes = await start_mesh(1, 2, 3)
    await close_all(nodes)
    assert asyncio.all_tasks() == before
