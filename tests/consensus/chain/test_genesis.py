"""The genesis document: what is refused by name."""

import pytest

from consensus.chain.errors import InvalidGenesis
from consensus.chain.genesis import decode_genesis, encode_genesis
from tests.node.execution.ledger import document


def test_document_reads_back_as_written() -> None:
    text = encode_genesis(document())
    assert encode_genesis(decode_genesis(text)) == text


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000], ids=["arrays", "objects"])
def test_nesting_deeper_than_any_stack_is_no_document(text: bytes) -> None:
    with pytest.raises(InvalidGenesis, match="not JSON"):
        decode_genesis(text)
