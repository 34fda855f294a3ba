"""Otterscan's searches: every transaction of an account is on exactly one page, whichever way one goes."""

import json
from typing import Any

import pytest

from tests.node.execution.ledger import ALICE
from tests.node.rpc import real_chain


async def search(method: str, height: int, page_size: int) -> Any:
    parameters = [f"0x{ALICE.hex()}", height, page_size]
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return json.loads(await real_chain.calls().answer(json.dumps(request).encode()))["result"]


def places(page: Any) -> list[tuple[int, int]]:
    return [(int(tx["blockNumber"], 16), int(tx["transactionIndex"], 16)) for tx in page["txs"]]


NEWEST_FIRST = [(3, 2), (3, 1), (3, 0), (2, 1), (2, 0), (1, 1), (1, 0)]


async def all_places() -> list[tuple[int, int]]:
    return places(await search("ots_searchTransactionsBefore", 0, 1_000))


@pytest.mark.asyncio
@pytest.mark.parametrize("page_size", [1, 2, 3, 25])
async def test_pages_downwards_join_and_only_the_ends_say_so(page_size: int) -> None:
    pages = [await search("ots_searchTransactionsBefore", 0, page_size)]
    while not pages[-1]["lastPage"] and len(pages) < 5:
        pages.append(await search("ots_searchTransactionsBefore", places(pages[-1])[-1][0], page_size))
    found = [place for page in pages for place in places(page)]
    assert found == await all_places() == [place for place in NEWEST_FIRST if place in found]
    assert [page["firstPage"] for page in pages] == [True] + [False] * (len(pages) - 1)
    assert [page["lastPage"] for page in pages] == [False] * (len(pages) - 1) + [True]


@pytest.mark.asyncio
@pytest.mark.parametrize("page_size", [1, 2, 3, 25])
async def test_pages_upwards_join_and_only_the_ends_say_so(page_size: int) -> None:
    pages = [await search("ots_searchTransactionsAfter", 0, page_size)]
    while not pages[-1]["firstPage"] and len(pages) < 5:
        pages.append(await search("ots_searchTransactionsAfter", places(pages[-1])[0][0], page_size))
    assert [place for page in reversed(pages) for place in places(page)] == await all_places()
    assert [page["lastPage"] for page in pages] == [True] + [False] * (len(pages) - 1)


@pytest.mark.asyncio
async def test_receipts_of_a_search_have_times_and_no_logs() -> None:
    page = await search("ots_searchTransactionsBefore", 0, 25)
    assert [receipt["transactionHash"] for receipt in page["receipts"]] == [tx["hash"] for tx in page["txs"]]
    for tx, receipt in zip(page["txs"], page["receipts"], strict=True):
        assert receipt["timestamp"] == int(tx["blockTimestamp"], 16)
        assert (receipt["logs"], receipt["logsBloom"]) == (None, None)
