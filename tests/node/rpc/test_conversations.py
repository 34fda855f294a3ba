"""The recorded conversations, exactly: they are what wallets and tools rely on."""

import json
from pathlib import Path

import pytest

from node.rpc.call_list import METHODS, CallLists
from node.rpc.filter_book import FilterBook
from node.rpc.methods import Context, RpcLimits
from tests.node.rpc import real_chain
from tests.node.rpc.conversations import FOLDER, read_conversation
from tests.node.rpc.fakes import Recorder, small_chain

FILES = sorted(FOLDER.rglob("*.io"))

HISTORY = (
    "sycee_getAddressHistory",
    "sycee_getStatement",
    "sycee_getHolders",
    "sycee_getSupply",
    "sycee_getAccount",
    "sycee_getTransactionBySenderAndNonce",
)
EXECUTING = ("debug_trace", "eth_simulateV1", "eth_createAccessList", "ots_", *HISTORY)
"""Methods that execute or read balances: their conversations are held with a real chain, the others' in memory."""


DESCRIPTION = {"rpc.discover", "rpc_discover"}
"""What they answer is the reference itself, compared in test_openrpc.py."""


def listener(method: str) -> CallLists:
    """Return what answers the conversations of a method."""
    if method.startswith(EXECUTING):
        return real_chain.calls()
    limits = RpcLimits(call_list_max=3, logs_range_blocks_max=2, logs_results_max=4, namespaces=real_chain.NAMESPACES)
    # Ids are 0x8…07: a recorded conversation cannot hold what nobody foresees.
    return CallLists(Context(small_chain(), limits, FilterBook(draw_bits=lambda bits: 7)), Recorder())


@pytest.mark.asyncio
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_conversation_is_answered_as_recorded(path: Path) -> None:
    calls = listener(path.parent.name)
    for exchange in read_conversation(path):
        assert json.loads(await calls.answer(exchange.request)) == exchange.answer


@pytest.mark.parametrize("name", sorted(METHODS.keys() - DESCRIPTION))
def test_every_method_has_a_conversation(name: str) -> None:
    assert list((FOLDER / name).glob("*.io")), f"tests/rpc/{name}/ has no conversation"


def test_every_conversation_folder_is_a_method_or_the_protocol() -> None:
    folders = {path.parent.name for path in FILES}
    assert folders - METHODS.keys() == {"json_rpc"}
