"""Fetches go on until somebody answers."""

from collections.abc import Sequence

from node.peers.requests import DEADLINE_MS, FETCHES_MAX, OPEN_REQUESTS_MAX, RETRY_PAUSE_MS, Requester
from node.peers.wire import Reply, Request, RequestKind, decode_request
from tests.node.runtime.manual import ManualTime

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


class Mesh:
    def __init__(self, *peers: bytes) -> None:
        self.linked = list(peers)
        self.sent: list[tuple[bytes, Request]] = []
        self.refusing: set[bytes] = set()

    def peers(self) -> Sequence[bytes]:
        return self.linked

    def send_request(self, peer: bytes, payload: bytes) -> bool:
        if peer in self.refusing:
            return False
        self.sent.append((peer, decode_request(payload)))
        return True


class World:
    def __init__(self, *peers: bytes) -> None:
        self.time = ManualTime()
        self.mesh = Mesh(*peers)
        self.requester = Requester(self.mesh, self.time, self.time)
        self.answers: list[tuple[bytes, bytes]] = []
        self.accepts = True

    def fetch(self, key: str = "body", hints: Sequence[bytes] = ()) -> None:
        self.requester.fetch(key, RequestKind.BODY, b"query", self.answered, hints=hints)

    def answered(self, peer: bytes, payload: bytes) -> bool:
        self.answers.append((peer, payload))
        return self.accepts

    def asked(self) -> list[bytes]:
        return [peer for peer, _ in self.mesh.sent]

    def reply(self, payload: bytes) -> bool:
        peer, request = self.mesh.sent[-1]
        return self.requester.reply_received(peer, Reply(request.request_id, payload))


def test_hinted_peer_is_asked_first_and_its_answer_ends_the_fetch() -> None:
    world = World(A, B, C)
    world.fetch(hints=[C])
    assert world.asked() == [C]
    assert world.reply(b"content")
    assert world.answers == [(C, b"content")]
    assert not world.requester.is_open("body")
    world.time.advance(10 * DEADLINE_MS)
    assert world.asked() == [C]


def test_unanswered_request_goes_to_the_next_peer_for_ever() -> None:
    world = World(A, B)
    world.fetch()
    world.time.advance(DEADLINE_MS)
    assert set(world.asked()) == {A, B}
    world.time.advance(20 * DEADLINE_MS)
    assert len(world.asked()) > 15
    assert world.reply(b"late but good")
    assert not world.requester.is_open("body")


def test_empty_and_bad_answers_go_to_the_next_peer_at_once() -> None:
    world = World(A, B, C)
    world.fetch()
    world.reply(b"")
    assert len(world.asked()) == 2
    world.accepts = False
    world.reply(b"bad")
    assert set(world.asked()) == {A, B, C}
    assert world.requester.is_open("body")


def test_answer_nobody_asked_for_is_reported() -> None:
    world = World(A)
    assert not world.requester.reply_received(A, Reply(77, b"x"))
    world.fetch()
    _, request = world.mesh.sent[-1]
    assert not world.requester.reply_received(B, Reply(request.request_id, b"x"))


def test_same_key_is_fetched_once() -> None:
    world = World(A, B)
    world.fetch()
    world.fetch()
    assert len(world.asked()) == 1


def test_no_peer_has_more_than_four_open_requests() -> None:
    world = World(A)
    for index in range(OPEN_REQUESTS_MAX + 2):
        world.fetch(f"body {index}")
    assert len(world.asked()) == OPEN_REQUESTS_MAX
    world.reply(b"content")
    world.time.advance(RETRY_PAUSE_MS)
    assert len(world.asked()) == OPEN_REQUESTS_MAX + 1


def test_fetch_without_any_peer_starts_when_one_is_linked() -> None:
    world = World()
    world.fetch()
    world.mesh.linked.append(B)
    world.time.advance(RETRY_PAUSE_MS)
    assert world.asked() == [B]


def test_lost_link_moves_its_requests_to_others() -> None:
    world = World(A, B)
    world.fetch(hints=[A])
    world.mesh.linked.remove(A)
    world.requester.link_down(A)
    assert world.asked() == [A, B]


def test_cancelled_fetch_is_silent() -> None:
    world = World(A, B)
    world.fetch()
    world.requester.cancel("body")
    assert not world.reply(b"content")
    world.time.advance(10 * DEADLINE_MS)
    assert len(world.asked()) == 1


def test_refusing_queue_counts_as_tried() -> None:
    world = World(A, B)
    world.mesh.refusing.add(A)
    world.fetch(hints=[A])
    assert world.asked() == [B]


def test_peer_that_names_nonsense_cannot_fill_the_table_of_fetches() -> None:
    world = World(A, B)
    for number in range(3 * FETCHES_MAX):
        world.requester.ask_once(number, RequestKind.TRANSACTIONS, b"query", world.answered, A)
    assert world.asked() == [A] * OPEN_REQUESTS_MAX
    world.fetch(hints=[B])
    assert world.asked()[-1] == B
    world.time.advance(2 * DEADLINE_MS)
    assert not any(world.requester.is_open(number) for number in range(3 * FETCHES_MAX))
    assert world.requester.is_open("body")


def test_asking_once_ends_with_the_answer_or_without_one() -> None:
    world = World(A, B)
    world.requester.ask_once("named", RequestKind.TRANSACTIONS, b"query", world.answered, A)
    assert world.reply(b"content")
    assert not world.requester.is_open("named")
    world.requester.ask_once("named", RequestKind.TRANSACTIONS, b"query", world.answered, A)
    assert world.reply(b"")
    assert not world.requester.is_open("named")
    world.requester.ask_once("named", RequestKind.TRANSACTIONS, b"query", world.answered, A)
    world.requester.link_down(A)
    assert not world.requester.is_open("named")
    assert world.asked() == [A, A, A]
