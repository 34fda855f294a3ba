"""Send signed payments through several validators as fast as they become final, and remember when each did.

Every sender is a lane: its payments go out in the order of their nonces, at most IN_FLIGHT_MAX not yet final. A
validator that stops answering is passed over; the same bytes go to another, so nothing is ever paid twice.
This module is asynchronous because hundreds of requests are under way at once; it runs in the command, not in the node.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from node.cli.json_rpc import Answer, Call, EndpointDown, Success, as_list, as_object

IN_FLIGHT_MAX = 64
"""Payments of one sender that are not final yet: what a node's mempool holds for one sender by default."""
SEND_LIST_MAX = 32
"""Payments of one request: half a lane, so that one list executes while the next is on its way."""
SENDS_AT_ONCE_MAX = 16
"""Requests under way: enough to keep every validator busy, few enough that none waits long for a connection."""
POLL_INTERVAL_S = 0.02
"""How often the next height is asked for; the measured finality is at most this much too long."""
PAUSE_S = 0.1
"""How long a lane waits after a validator was busy or gone: about one block."""
RESEND_AFTER_S = 3.0
"""A payment that is not final by then may have died with the validator that took it; its bytes go to another one."""
WATCH_ELSEWHERE_AFTER_S = 1.0
"""Without a new block for this long, another validator is asked: the one asked may be gone or behind."""
STALLED_AFTER_S = 60.0
"""Without any new final payment for this long, the network has stopped."""

RETRY_CODES = (-32002, -32005, -32603)
"""Not ready, a limit for the moment, a fault of that validator: the same bytes may be sent again."""
RETRY_HERE_REASONS = ("sender_limit", "sender_gas_limit", "nonce_gap", "pool_full")
"""This validator is a block behind what we saw final elsewhere: it will take the same bytes in a moment."""
PERHAPS_FINAL_MESSAGE = "nonce too low"
"""Said of bytes sent twice when the first copy is final; the blocks tell whether it was that copy."""


class AsksValidators(Protocol):
    """What the replay needs of a JSON-RPC client."""

    async def ask(self, url: str, calls: Sequence[Call]) -> list[Answer]:
        """Return the answers in order, or raise EndpointDown."""
        ...


class Clock(Protocol):
    """Time for the replay."""

    def now_s(self) -> float:
        """Return seconds on a clock that never steps back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class RealClock:
    """The machine's clock."""

    def now_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One signed transaction."""

    raw: str
    """The transaction, `0x` and hexadecimal."""
    hash: str
    """Its hash, `0x` and lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One transaction that became final."""

    hash: str
    height: int
    latency_s: float
    """From the first attempt to send to having seen it final."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One transaction a validator will never take."""

    hash: str
    message: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of everything that was sent."""

    settled: tuple[Settled, ...]
    refused: tuple[Refused, ...]
    unsettled: tuple[str, ...]
    """Hashes whose outcome is unknown, after the network stopped or their lane was refused."""
    duration_s: float
    """From the first attempt to the last final payment seen."""
    resent: int
    """How often bytes were sent again."""


@dataclass(slots=True)
class _Lane:
    """The payments of one sender, in the order of their nonces."""

    outgoing: Sequence[Outgoing]
    endpoint: int
    """Which validator it talks to; moves on when that one is gone."""
    next_index: int = 0
    """First payment never sent so far."""
    in_flight: dict[str, Outgoing] = field(default_factory=dict)
    """Sent and not seen final, by hash."""
    resend_at_s: float = 0.0
    """When what is in flight has waited too long and goes to another validator."""
    hold_until_s: float = 0.0
    """Before this nothing is sent: the validator was busy or gone."""
    is_refused: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_done(self) -> bool:
        return self.is_refused or (self.next_index == len(self.outgoing) and not self.in_flight)

    def is_due(self, now_s: float) -> bool:
        """Tell whether there is something to send again or for the first time, whatever becomes final meanwhile."""
        if now_s < self.hold_until_s:
            return False
        has_room = self.next_index < len(self.outgoing) and len(self.in_flight) < IN_FLIGHT_MAX
        return has_room or (bool(self.in_flight) and now_s >= self.resend_at_s)


async def replay(
    client: AsksValidators,
    urls: Sequence[str],
    lanes: Sequence[Sequence[Outgoing]],
    *,
    height_first: int,
    on_progress: Callable[[int], None],
    clock: Clock,
) -> Replay:
    """Send `lanes` (one per sender, in nonce order) through the validators at `urls` and wait until all are final.

    `height_first` is the first height that can hold one of them; `on_progress` gets the number final so far.
    Returns what became of every payment, also when the network stops for STALLED_AFTER_S.
    """
    run = _Run(client, urls, lanes, on_progress=on_progress, clock=clock)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run.watch_blocks(height_first))
        for lane in run.lanes:
            tasks.create_task(run.drive(lane))
    return run.outcome()


class _Run:
    """The state of one replay."""

    def __init__(
        self,
        client: AsksValidators,
        urls: Sequence[str],
        lanes: Sequence[Sequence[Outgoing]],
        *,
        on_progress: Callable[[int], None],
        clock: Clock,
    ) -> None:
        self._client = client
        self._urls = tuple(urls)
        self._on_progress = on_progress
        self._clock = clock
        self.lanes = [_Lane(outgoing, endpoint=place % len(urls)) for place, outgoing in enumerate(lanes)]
        self._lane_of = {item.hash: lane for lane in self.lanes for item in lane.outgoing}
        self._sent_at_s: dict[str, float] = {}
        self._settled: dict[str, Settled] = {}
        self._refused: list[Refused] = []
        self._resent = 0
        self._sending = asyncio.Semaphore(SENDS_AT_ONCE_MAX)
        self._started_s = clock.now_s()
        self._progress_s = self._started_s
        self._has_stalled = False

    def outcome(self) -> Replay:
        """Return what became of every payment."""
        refused = {item.hash for item in self._refused}
        known = self._settled.keys() | refused
        return Replay(
            settled=tuple(self._settled.values()),
            refused=tuple(self._refused),
            unsettled=tuple(item.hash for lane in self.lanes for item in lane.outgoing if item.hash not in known),
            duration_s=self._progress_s - self._started_s,
            resent=self._resent,
        )

    async def drive(self, lane: _Lane) -> None:
        """Send the payments of `lane` until all are final, one is refused or the network has stopped."""
        while not lane.is_done and not self._has_stalled:
            lane.wake.clear()
            now_s = self._clock.now_s()
            if not lane.is_due(now_s):
                await lane.wake.wait()
            elif lane.in_flight and now_s >= lane.resend_at_s:
                self._resent += len(lane.in_flight)
                lane.endpoint = (lane.endpoint + 1) % len(self._urls)
                await self._send(lane, tuple(lane.in_flight.values()))
            else:
                room = min(IN_FLIGHT_MAX - len(lane.in_flight), SEND_LIST_MAX)
                batch = lane.outgoing[lane.next_index : lane.next_index + room]
                lane.next_index += len(batch)
                await self._send(lane, batch)

    async def watch_blocks(self, height: int) -> None:
        """Follow the final blocks from `height` on, mark payments final and wake lanes that have something to do."""
        endpoint = 0
        progress_s = self._clock.now_s()
        while not all(lane.is_done for lane in self.lanes) and not self._has_stalled:
            hashes = None
            try:
                hashes = await self._transactions_at(self._urls[endpoint], height)
            except EndpointDown:
                endpoint = (endpoint + 1) % len(self._urls)
            now_s = self._clock.now_s()
            if hashes is not None:
                self._record(height, hashes, now_s)
                height += 1
                progress_s = now_s
                continue
            if now_s - progress_s > WATCH_ELSEWHERE_AFTER_S:
                endpoint = (endpoint + 1) % len(self._urls)
                progress_s = now_s
            if now_s - self._progress_s > STALLED_AFTER_S:
                self._has_stalled = True
            for lane in self.lanes:
                if self._has_stalled or lane.is_due(now_s):
                    lane.wake.set()
            await self._clock.sleep(POLL_INTERVAL_S)

    async def _send(self, lane: _Lane, batch: Sequence[Outgoing]) -> None:
        now_s = self._clock.now_s()
        lane.resend_at_s = now_s + RESEND_AFTER_S
        for item in batch:
            if item.hash not in self._settled:
                self._sent_at_s.setdefault(item.hash, now_s)
                lane.in_flight[item.hash] = item
        calls: list[Call] = [("eth_sendRawTransaction", [item.raw]) for item in batch]
        try:
            async with self._sending:
                answers = await self._client.ask(self._urls[lane.endpoint], calls)
        except EndpointDown:
            lane.hold_until_s = lane.resend_at_s = self._clock.now_s() + PAUSE_S
            return
        for place, (item, answer) in enumerate(zip(batch, answers)):
            if isinstance(answer, Success) or item.hash in self._settled:
                continue
            if answer.reason in RETRY_HERE_REASONS:
                self._rewind(lane, batch[place:])
                return
            if answer.code in RETRY_CODES:
                lane.hold_until_s = lane.resend_at_s = self._clock.now_s() + PAUSE_S
                return
            if PERHAPS_FINAL_MESSAGE in answer.message:
                continue
            self._refused.append(Refused(item.hash, f"{answer.message} (code {answer.code})"))
            lane.is_refused = True
            return

    def _rewind(self, lane: _Lane, batch: Sequence[Outgoing]) -> None:
        """Take back that `batch` was sent: the same validator gets it again after the next look at the blocks."""
        lane.hold_until_s = self._clock.now_s() + POLL_INTERVAL_S
        first = lane.outgoing.index(batch[0], max(0, lane.next_index - IN_FLIGHT_MAX))
        for item in lane.outgoing[first : lane.next_index]:
            lane.in_flight.pop(item.hash, None)
        lane.next_index = first

    async def _transactions_at(self, url: str, height: int) -> Sequence[str] | None:
        """Return the hashes in the final block at `height`; None while this validator has none.

        Raises: EndpointDown.
        """
        answer = (await self._client.ask(url, [("eth_getBlockByNumber", [hex(height), False])]))[0]
        if not isinstance(answer, Success) or answer.value is None:
            return None
        return [str(entry) for entry in as_list(as_object(answer.value)["transactions"])]

    def _record(self, height: int, hashes: Sequence[str], now_s: float) -> None:
        before = len(self._settled)
        for digest in hashes:
            lane = self._lane_of.get(digest)
            if lane is not None and digest not in self._settled:
                lane.in_flight.pop(digest, None)
                lane.resend_at_s = now_s + RESEND_AFTER_S
                lane.wake.set()
                self._settled[digest] = Settled(digest, height, now_s - self._sent_at_s.get(digest, now_s))
        if len(self._settled) > before:
            self._progress_s = now_s
            self._on_progress(len(self._settled))
