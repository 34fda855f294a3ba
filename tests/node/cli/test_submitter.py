"""The replay against validators made of dictionaries: what happens when one dies, is busy, refuses, or forgets."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from node.cli.json_rpc import Answer, Call, EndpointDown, Failure, JsonValue, Success
from node.cli.submitter import IN_FLIGHT_MAX, SEND_LIST_MAX, Outgoing, Replay, replay

URLS = ("http://a", "http://b", "http://c", "http://d")


class ManualClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_s(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


@dataclass
class Network:
    """Validators that share one chain; a block is made whenever somebody asks for the next one."""

    down: set[str] = field(default_factory=set)
    answer: Callable[[str, str], Failure | None] = lambda url, raw: None
    forgets: set[str] = field(default_factory=set)
    """Validators that take payments and lose them."""
    is_stopped: bool = False
    pending: dict[str, str] = field(default_factory=dict)
    blocks: list[list[str]] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)
    most_pending: int = 0
    longest_list: int = 0

    async def ask(self, url: str, calls: Sequence[Call]) -> list[Answer]:
        await asyncio.sleep(0)
        if url in self.down:
            raise EndpointDown(url, "connection refused")
        self.longest_list = max(self.longest_list, len(calls))
        return [self._answer(url, method, params) for method, params in calls]

    def _answer(self, url: str, method: str, params: list[JsonValue]) -> Answer:
        if method == "eth_getBlockByNumber":
            return Success(self._block(int(str(params[0]), 16)))
        raw = str(params[0])
        self.received.append((url, raw))
        if failure := self.answer(url, raw):
            return failure
        final = {digest for block in self.blocks for digest in block}
        if url not in self.forgets and "hash-" + raw not in final:
            self.pending["hash-" + raw] = raw
        self.most_pending = max(self.most_pending, len(self.pending))
        return Success("hash-" + raw)

    def _block(self, height: int) -> JsonValue:
        if height > len(self.blocks) and self.pending and not self.is_stopped:
            self.blocks.append(list(self.pending))
            self.pending.clear()
        return {"transactions": list(self.blocks[height - 1])} if height <= len(self.blocks) else None


def lane(name: str, count: int) -> list[Outgoing]:
    return [Outgoing(raw=f"{name}{place}", hash=f"hash-{name}{place}") for place in range(count)]


async def run(network: Network, lanes: list[list[Outgoing]], urls: tuple[str, ...] = URLS) -> Replay:
    progress: list[int] = []
    done = await replay(network, urls, lanes, height_first=1, on_progress=progress.append, clock=ManualClock())
    assert progress == sorted(progress)
    return done


@pytest.mark.asyncio
async def test_every_payment_becomes_final_once_through_all_validators() -> None:
    network = Network()

    done = await run(network, [lane(name, 200) for name in "wxyz"])

    assert len(done.settled) == 800
    assert (done.refused, done.unsettled, done.resent) == ((), (), 0)
    assert {url for url, _ in network.received} == set(URLS)
    assert len(network.received) == 800


@pytest.mark.asyncio
async def test_payments_of_one_sender_go_out_in_order_and_never_too_many() -> None:
    network = Network()

    await run(network, [lane("w", 300)])

    assert [raw for _, raw in network.received] == [f"w{place}" for place in range(300)]
    assert network.most_pending <= IN_FLIGHT_MAX
    assert network.longest_list == SEND_LIST_MAX


@pytest.mark.asyncio
async def test_when_a_validator_dies_the_same_bytes_go_to_another() -> None:
    network = Network(down={"http://a"})

    done = await run(network, [lane("w", 100), lane("x", 100)])

    assert len(done.settled) == 200
    assert done.resent > 0
    assert all(url != "http://a" for url, _ in network.received)


@pytest.mark.asyncio
async def test_what_a_validator_forgot_is_sent_again_elsewhere() -> None:
    network = Network(forgets={"http://a"})

    done = await run(network, [lane("w", 10)])

    assert len(done.settled) == 10
    assert {url for url, _ in network.received} == {"http://a", "http://b"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("failure", "validators_asked"),
    [
        (Failure(-32005, "too many pending transactions of this sender", "sender_limit"), 1),
        (Failure(-32000, "nonce too high", "nonce_gap"), 1),
        (Failure(-32002, "catching up", "syncing"), 4),
    ],
)
async def test_a_busy_validator_is_asked_again_and_nothing_is_lost(failure: Failure, validators_asked: int) -> None:
    busy = {"w5": 3}

    def answer(url: str, raw: str) -> Failure | None:
        if busy.get(raw, 0):
            busy[raw] -= 1
            return failure
        return None

    network = Network(answer=answer)
    done = await run(network, [lane("w", 80)])

    assert len(done.settled) == 80
    assert done.refused == ()
    assert len({url for url, _ in network.received}) == validators_asked


@pytest.mark.asyncio
async def test_a_refused_payment_ends_its_lane_and_no_other() -> None:
    def answer(url: str, raw: str) -> Failure | None:
        return Failure(-32003, "suspended", "suspended") if raw == "w2" else None

    done = await run(Network(answer=answer), [lane("w", 5), lane("x", 5)])

    assert [(item.hash, item.message) for item in done.refused] == [("hash-w2", "suspended (code -32003)")]
    assert {item.hash for item in done.settled} >= {f"hash-x{place}" for place in range(5)}
    known = [*(item.hash for item in done.settled), *(item.hash for item in done.refused), *done.unsettled]
    assert sorted(known) == sorted(item.hash for item in lane("w", 5) + lane("x", 5))


@pytest.mark.asyncio
async def test_nonce_too_low_for_a_resent_payment_is_no_refusal() -> None:
    network = Network(forgets={"http://a"})
    network.answer = lambda url, raw: (
        Failure(-32000, "nonce too low", "nonce_too_low") if ("http://b", raw) in network.received[:-1] else None
    )

    done = await run(network, [lane("w", 3)])

    assert len(done.settled) == 3


@pytest.mark.asyncio
async def test_a_network_that_stops_ends_the_replay_with_outcomes_unknown() -> None:
    done = await run(Network(is_stopped=True), [lane("w", 3)])

    assert done.settled == ()
    assert done.unsettled == ("hash-w0", "hash-w1", "hash-w2")
