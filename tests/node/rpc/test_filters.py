"""Log filters: what matches, and that the bloom never hides a match."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.receipt import Log
from consensus.primitives.scalars import Address, Hash32, Height
from node.rpc.errors import TooManyResults
from node.rpc.filters import LogFilter, find_logs, log_matches
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
