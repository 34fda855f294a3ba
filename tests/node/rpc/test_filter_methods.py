"""Filters tell everything once, expire unread, and cannot be opened without bound or guessed."""

import json
from typing import Any

import pytest

from consensus.primitives.scalars import Height
from node.rpc import access, filter_book
from node.rpc.call_list import CallLists
from node.rpc.errors import FilterNotFound, TooManyFilters
from node.rpc.filter_book import UNREAD_MAX_MS, BlocksFilter, FilterBook
from node.rpc.methods import Context, RpcLimits
from tests.node.rpc.fakes import ALICE, BOB, EUR, FakeBackend, Recorder, admit, sign, small_chain
from tests.node.runtime.manual import ManualTime

NOTHING = BlocksFilter(Height(1))


class Client:
    """Asks one node, whose clock stands still until it is moved."""

    def __init__(self, name: str | None = None, **limits: Any) -> None:
        self.backend: FakeBackend = small_chain()
        self.time = ManualTime(1_000)
        self.book = FilterBook(self.time.now_ms)
        self.context = Context(self.backend, RpcLimits(**limits), self.book, access.Client(name))
        self.calls = CallLists(self.context, Recorder())

    async def ask(self, method: str, *parameters: object) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = json.loads(await self.calls.answer(json.dumps(request).encode()))
        return answer["result"] if "result" in answer else answer["error"]["code"]


@pytest.mark.asyncio
async def test_log_filter_tells_each_new_log_once() -> None:
    client = Client()
    opened = await client.ask("eth_newFilter", {"address": "0x" + EUR.hex()})
    other = await client.ask("eth_newFilter", {"address": "0x" + "11" * 20})
    assert await client.ask("eth_getFilterChanges", opened) == []
    client.backend.seal()
    new = await client.ask("eth_getFilterChanges", opened)
    assert [(log["blockNumber"], log["removed"]) for log in new] == [("0x3", False)]
    assert await client.ask("eth_getFilterChanges", opened) == []
    assert await client.ask("eth_getFilterChanges", other) == []
    logs = await client.ask("eth_getFilterLogs", opened)
    assert [log["blockNumber"] for log in logs] == ["0x2", "0x3"]


@pytest.mark.asyncio
async def test_log_filter_keeps_to_its_range() -> None:
    client = Client()
    past = await client.ask("eth_newFilter", {"fromBlock": "0x1", "toBlock": "0x1"})
    to_come = await client.ask("eth_newFilter", {"fromBlock": "0x4", "toBlock": "latest"})
    client.backend.seal()
    assert await client.ask("eth_getFilterChanges", past) == []
    assert len(await client.ask("eth_getFilterLogs", past)) == 3
    assert await client.ask("eth_getFilterChanges", to_come) == []
    admit(client.backend, sign(ALICE, 5))
    client.backend.seal()
    assert [log["blockNumber"] for log in await client.ask("eth_getFilterChanges", to_come)] == ["0x4"]
    assert await client.ask("eth_newFilter", {"fromBlock": "0x2", "toBlock": "0x1"}) == -32602
    assert await client.ask("eth_newFilter", {"blockHash": "0x" + "11" * 32}) == -32602


@pytest.mark.asyncio
async def test_more_logs_than_one_answer_holds_come_with_the_next() -> None:
    client = Client(logs_results_max=2)
    opened = await client.ask("eth_newFilter", {})
    for nonce in range(5, 9):
        client.backend.seal()
        admit(client.backend, sign(ALICE, nonce))
    told = [[log["blockNumber"] for log in await client.ask("eth_getFilterChanges", opened)] for _ in range(3)]
    assert told == [["0x3", "0x4"], ["0x5", "0x6"], []]


@pytest.mark.asyncio
async def test_block_filter_tells_each_new_block_once() -> None:
    client = Client()
    opened = await client.ask("eth_newBlockFilter")
    assert await client.ask("eth_getFilterChanges", opened) == []
    client.backend.seal()
    assert await client.ask("eth_getFilterChanges", opened) == ["0x" + client.backend.blocks[3].block_hash.hex()]
    assert await client.ask("eth_getFilterChanges", opened) == []
    assert await client.ask("eth_getFilterLogs", opened) == -32000


@pytest.mark.asyncio
async def test_pending_transactions_are_told_only_where_the_pool_may_be_seen() -> None:
    assert await Client().ask("eth_newPendingTransactionFilter") == -32004
    client = Client(namespaces=("eth", "txpool"))
    opened = await client.ask("eth_newPendingTransactionFilter")
    assert await client.ask("eth_getFilterChanges", opened) == []
    pooled = admit(client.backend, sign(BOB, 1))
    assert await client.ask("eth_getFilterChanges", opened) == ["0x" + pooled.transaction.hash.hex()]
    assert await client.ask("eth_getFilterChanges", opened) == []


@pytest.mark.asyncio
async def test_failed_answer_is_told_again() -> None:
    client = Client()
    opened = await client.ask("eth_newBlockFilter")
    client.backend.seal()
    filter_read = client.book.read(opened)
    assert isinstance(filter_read, BlocksFilter)
    client.backend.failure = TooManyFilters(limit=1)
    assert await client.ask("eth_getFilterChanges", opened) == -32005
    client.backend.failure = None
    assert len(await client.ask("eth_getFilterChanges", opened)) == 1


@pytest.mark.asyncio
async def test_uninstalled_filter_is_gone() -> None:
    client = Client()
    opened = await client.ask("eth_newBlockFilter")
    assert await client.ask("eth_uninstallFilter", opened) is True
    assert await client.ask("eth_uninstallFilter", opened) is False
    assert await client.ask("eth_getFilterChanges", opened) == -32000


def test_filter_expires_five_minutes_after_it_was_last_read() -> None:
    time = ManualTime(1_000)
    book = FilterBook(time.now_ms)
    read, unread = book.add(NOTHING, None), book.add(NOTHING, None)
    time.advance(UNREAD_MAX_MS - 1)
    book.read(read)
    time.advance(1)
    book.read(read)
    with pytest.raises(FilterNotFound):
        book.read(unread)
    time.advance(UNREAD_MAX_MS)
    with pytest.raises(FilterNotFound):
        book.read(read)


def test_filters_are_bounded_in_all_and_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_book, "FILTERS_MAX", 5)
    monkeypatch.setattr(filter_book, "FILTERS_PER_CLIENT_MAX", 2)
    book = FilterBook(ManualTime(1_000).now_ms)
    first = book.add(NOTHING, "a")
    book.add(NOTHING, "a")
    with pytest.raises(TooManyFilters) as refused:
        book.add(NOTHING, "a")
    assert refused.value.limit == 2
    book.remove(first)
    for client in ("a", "b", None, None):
        book.add(NOTHING, client)
    with pytest.raises(TooManyFilters) as refused:
        book.add(NOTHING, "c")
    assert refused.value.limit == 5


def test_ids_are_quantities_nobody_guesses() -> None:
    book = FilterBook(ManualTime(1_000).now_ms)
    ids = {book.add(NOTHING, None) for _ in range(50)}
    assert len(ids) == 50
    assert all(len(filter_id) == 34 and filter_id == hex(int(filter_id, 16)) for filter_id in ids)
