"""Log filters: what matches, and that the bloom never hides a match."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.receipt import Log, Receipt
from consensus.primitives.scalars import Address, Hash32, Height
from node.chain.index_reader import IndexReader
from node.chain.indexes import IndexedBlock, IndexWriter
from node.rpc.errors import TooManyResults
from node.rpc.filters import LogFilter, find_logs, log_matches
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from tests.node.rpc.fakes import ALICE_ADDRESS, BOB_ADDRESS, EUR, FOREIGN, TRANSFER_TOPIC, small_chain, word

FROM_ALICE, FROM_BOB = Hash32(word(ALICE_ADDRESS)), Hash32(word(BOB_ADDRESS))
ANY: frozenset[Hash32] = frozenset()


def wanted(addresses: tuple[Address, ...] = (), topics: tuple[frozenset[Hash32], ...] = ()) -> LogFilter:
    return LogFilter(Height(0), Height(2), frozenset(addresses), topics)


@pytest.mark.parametrize(
    ("why", "wished", "is_match"),
    [
        ("nothing is asked", wanted(), True),
        ("its address", wanted((EUR,)), True),
        ("another address", wanted((FOREIGN,)), False),
        ("one of two addresses", wanted((FOREIGN, EUR)), True),
        ("its first topic", wanted((), (frozenset({TRANSFER_TOPIC}),)), True),
        ("its first topic in the second place", wanted((), (ANY, frozenset({TRANSFER_TOPIC}))), False),
        ("one of two second topics", wanted((), (ANY, frozenset({FROM_ALICE, FROM_BOB}))), True),
        ("as many topics as it has", wanted((), (ANY, ANY)), True),
        ("one topic more than it has", wanted((), (ANY, ANY, ANY)), False),
        ("its topic at another address", wanted((FOREIGN,), (frozenset({TRANSFER_TOPIC}),)), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_log_matches(why: str, wished: LogFilter, is_match: bool) -> None:
    log = Log(EUR, (TRANSFER_TOPIC, FROM_ALICE), b"")
    assert log_matches(log, wished) is is_match


ADDRESSES = st.frozensets(st.sampled_from([EUR, FOREIGN, ALICE_ADDRESS]), max_size=2)
TOPICS = st.lists(st.frozensets(st.sampled_from([TRANSFER_TOPIC, FROM_ALICE, FROM_BOB]), max_size=2), max_size=4)


@settings(max_examples=50, deadline=None)
@given(ADDRESSES, TOPICS, st.integers(0, 2), st.integers(0, 2))
def test_search_finds_what_reading_every_log_finds(
    addresses: frozenset[Address], topics: list[frozenset[Hash32]], first: int, last: int
) -> None:
    chain = small_chain()
    wished = LogFilter(Height(first), Height(last), addresses, tuple(topics))
    expected = [
        log
        for height in range(first, last + 1)
        for receipt in chain.block_receipts[height].receipts
        for log in receipt.logs
        if (not addresses or log.address in addresses)
        and len(topics) <= len(log.topics)
        and all(not options or log.topics[at] in options for at, options in enumerate(topics))
    ]
    assert [located.log for located in find_logs(chain, wished, results_max=100)] == expected


def test_block_that_alone_holds_too_many_is_answered_whole() -> None:
    one_block = LogFilter(Height(1), Height(1), frozenset(), ())
    assert len(find_logs(small_chain(), one_block, results_max=2)) == 3
    with pytest.raises(TooManyResults) as refused:
        find_logs(small_chain(), wanted(), results_max=2)
    assert refused.value.resume_from == "0x2"


PLACES = (EUR, FOREIGN)
WORDS = tuple(Hash32(bytes((number,)) * 32) for number in range(4))
LOGS_OF_A_CHAIN = st.lists(
    st.lists(
        st.builds(
            lambda address, topics: Log(address, tuple(topics), b""),
            st.sampled_from(PLACES),
            st.lists(st.sampled_from(WORDS), max_size=4),
        ),
        max_size=4,
    ),
    max_size=30,
)


@settings(max_examples=50, deadline=None)
@given(
    LOGS_OF_A_CHAIN,
    st.frozensets(st.sampled_from(PLACES), max_size=2),
    st.lists(st.frozensets(st.sampled_from(WORDS), max_size=2), max_size=4),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_index_leads_to_every_match_of_a_random_chain(
    chain: list[list[Log]], addresses: frozenset[Address], topics: list[frozenset[Hash32]], first: int, last: int
) -> None:
    store, writer, batch = MemoryStore(), IndexWriter(("logs",), Height(0)), WriteBatch()
    for height, logs in enumerate(chain):
        receipts = [Receipt(2, True, 0, tuple(logs[:2])), Receipt(2, True, 0, tuple(logs[2:]))]
        writer.write_block(batch, store, IndexedBlock(Height(height), (), (), (), (), receipts))
    store.write(batch, sync=False)
    wished = LogFilter(Height(first), Height(last), addresses, tuple(topics))
    expected = [
        (height, index)
        for height, logs in enumerate(chain)
        for index, log in enumerate(logs)
        if first <= height <= last and log_matches(log, wished)
    ]
    if addresses or any(topics):
        found = IndexReader(store).log_positions(
            sorted(addresses), [sorted(options) for options in topics], first=Height(first), last=Height(last)
        )
        places = [(height, index) for height, indexes in found for index in indexes]
        # The index knows no number of topics: a wildcard behind the last one named is checked on the log itself.
        assert [place for place in places if log_matches(chain[place[0]][place[1]], wished)] == expected


def test_search_without_the_index_finds_the_same() -> None:
    chain, blind = small_chain(), small_chain()
    blind.store = MemoryStore()
    wished = wanted((EUR,), (ANY, frozenset({FROM_BOB})))
    assert find_logs(blind, wished, results_max=100) == find_logs(chain, wished, results_max=100) != []
