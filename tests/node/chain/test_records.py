"""Values of block records: what was written is what is read, in the bytes of old disks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.receipt import Log, Receipt
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from node.chain.records import (
    BlockResults,
    FinalHead,
    decode_final_head,
    decode_location,
    decode_results,
    encode_final_head,
    encode_location,
    encode_results,
)

HASHES = st.binary(min_size=32, max_size=32).map(Hash32)
ADDRESSES = st.binary(min_size=20, max_size=20).map(Address)
NUMBERS = st.integers(0, 2**64 - 1)
LOGS = st.builds(Log, ADDRESSES, st.lists(HASHES, max_size=4).map(tuple), st.binary(max_size=40))
RECEIPTS = st.builds(Receipt, st.sampled_from([0, 1, 2]), st.booleans(), NUMBERS, st.lists(LOGS, max_size=3).map(tuple))
HEADS = st.builds(FinalHead, NUMBERS.map(Height), HASHES, NUMBERS.map(Epoch), NUMBERS.map(View))


@settings(max_examples=50, deadline=None)
@given(HEADS)
def test_final_head_comes_back(head: FinalHead) -> None:
    assert decode_final_head(encode_final_head(head)) == head


def test_final_head_has_its_bytes() -> None:
    head = FinalHead(Height(1), Hash32(b"\xaa" * 32), Epoch(2), View(3))
    assert encode_final_head(head).hex() == f"{1:016x}{'aa' * 32}{2:016x}{3:016x}"


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        BlockResults,
        st.lists(RECEIPTS, max_size=4).map(tuple),
        st.lists(ADDRESSES, max_size=4).map(tuple),
        st.lists(st.binary(max_size=80), max_size=4).map(tuple),
    )
)
def test_results_come_back(results: BlockResults) -> None:
    assert decode_results(encode_results(results)) == results


@settings(max_examples=50, deadline=None)
@given(NUMBERS.map(Height), st.integers(0, 2**32 - 1))
def test_location_comes_back(height: Height, index: int) -> None:
    assert decode_location(encode_location(height, index)) == (height, index)
