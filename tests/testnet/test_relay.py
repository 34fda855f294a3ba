"""Bytes through a relay on loopback: whole, held, lost one way, cut, and whose connection it is."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

from tests.testnet.relay import Relay, Way, Ways, owner_of_port, pump

PATIENCE_S = 5.0
"""Longest wait for bytes that must arrive."""
MOMENT_TURNS = 200
"""Turns of the loop after which bytes that could arrive have arrived."""


class Pair:
    """Both ends of one connection through a relay."""

    def __init__(self, dialler: asyncio.StreamWriter, answers: asyncio.StreamReader) -> None:
        self.dialler = dialler
        self.answers = answers
        self.listener_reader: asyncio.StreamReader | None = None
        self.listener_writer: asyncio.StreamWriter | None = None


@asynccontextmanager
async def connected(ways: Ways, *, owner: Callable[[int], str | None]) -> AsyncIterator[Pair]:
    """Connect alpha through the relay of beta to a listener that keeps what it accepts."""
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted.put((reader, writer))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    target_port = listener.sockets[0].getsockname()[1]
    relay = Relay("beta", port=0, target_port=target_port, ways=ways, owner=owner, random=Random(1))
    await relay.start()
    answers, dialler = await asyncio.open_connection("127.0.0.1", relay.bound_port)
    pair = Pair(dialler, answers)
    try:
        if owner(0) is not None and not ways.is_cut("alpha", "beta"):
            reader, writer = await asyncio.wait_for(accepted.get(), PATIENCE_S)
            pair.listener_reader, pair.listener_writer = reader, writer
        yield pair
    finally:
        dialler.transport.abort()
        if pair.listener_writer is not None:
            pair.listener_writer.transport.abort()
        listener.close()
        await relay.close()


def run(story: Callable[[Pair, Ways], Awaitable[None]], *, owner: str | None = "alpha", is_cut: bool = False) -> None:
    async def whole() -> None:
        ways = Ways()
        if is_cut:
            ways.cut("alpha", "beta")
        async with connected(ways, owner=lambda _: owner) as pair:
            await story(pair, ways)

    asyncio.run(whole())


async def moment() -> None:
    for _ in range(MOMENT_TURNS):
        await asyncio.sleep(0)


async def exactly(reader: asyncio.StreamReader | None, count: int) -> bytes:
    assert reader is not None
    return await asyncio.wait_for(reader.readexactly(count), PATIENCE_S)


async def ended(reader: asyncio.StreamReader | None) -> bool:
    assert reader is not None
    try:
        return await asyncio.wait_for(reader.read(1), PATIENCE_S) == b""
    except ConnectionResetError:
        return True


def test_bytes_pass_both_ways_whole_and_in_order() -> None:
    async def story(pair: Pair, ways: Ways) -> None:
        assert pair.listener_writer is not None
        sent = bytes(range(256)) * 8_192  # 2 MiB: more than a direction holds at once
        pair.dialler.write(sent)
        assert await exactly(pair.listener_reader, len(sent)) == sent
        pair.listener_writer.write(b"answer")
        assert await exactly(pair.answers, 6) == b"answer"

    run(story)


def test_held_way_delivers_once_it_is_open_and_the_other_way_goes_on() -> None:
    async def story(pair: Pair, ways: Ways) -> None:
        assert pair.listener_reader is not None and pair.listener_writer is not None
        ways.way("alpha", "beta").is_held = True
        pair.dialler.write(b"held")
        pair.listener_writer.write(b"free")
        assert await exactly(pair.answers, 4) == b"free"
        await moment()
        assert not pair.listener_reader._buffer  # type: ignore[attr-defined]  # nothing may have arrived
        ways.way("alpha", "beta").is_held = False
        assert await exactly(pair.listener_reader, 4) == b"held"

    run(story)


def test_cut_closes_both_sides() -> None:
    async def story(pair: Pair, ways: Ways) -> None:
        ways.cut("alpha", "beta")
        assert await ended(pair.answers)
        assert await ended(pair.listener_reader)

    run(story)


def test_cut_pair_cannot_connect() -> None:
    async def story(pair: Pair, ways: Ways) -> None:
        assert await ended(pair.answers)

    run(story, is_cut=True)


def test_half_open_leaves_the_dialler_believing() -> None:
    async def story(pair: Pair, ways: Ways) -> None:
        ways.way("alpha", "beta").is_lost = True
        [connection] = ways.between("alpha", "beta")
        connection.abort_end("beta")
        assert await ended(pair.listener_reader)
        pair.dialler.write(b"into the void")
        await moment()
        assert not pair.answers.at_eof()
        connection.abort()
        assert await ended(pair.answers)

    run(story)


def test_stranger_is_not_let_through() -> None:
    async def story(pair: Pair, ways: Ways) -> None:
        assert await ended(pair.answers)

    run(story, owner=None)


def test_owner_of_a_port_is_the_process_that_opened_it_and_nobody_owns_a_free_one() -> None:
    async def story() -> tuple[str | None, str | None]:
        listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])
        port = writer.get_extra_info("sockname")[1]
        found = owner_of_port(port, {"me": os.getpid()}), owner_of_port(port, {"other": os.getppid()})
        writer.transport.abort()
        listener.close()
        return found

    assert asyncio.run(story()) == ("me", None)


def test_pump_ends_when_its_source_ends_and_delivers_what_came_before() -> None:
    async def story() -> bytes:
        received: asyncio.Queue[bytes] = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await received.put(await reader.read())
            writer.close()

        listener = await asyncio.start_server(take, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])
        source = asyncio.StreamReader()
        source.feed_data(b"last words")
        source.feed_eof()
        await asyncio.wait_for(pump(source, writer, Way(delay_ms=1), Random(1)), PATIENCE_S)
        writer.close()
        found = await asyncio.wait_for(received.get(), PATIENCE_S)
        listener.close()
        return found

    assert asyncio.run(story()) == b"last words"
