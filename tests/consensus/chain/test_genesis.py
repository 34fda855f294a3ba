"""The genesis document: what is refused by name."""

from dataclasses import replace

import pytest

from consensus.chain.errors import InvalidGenesis
from consensus.chain.genesis import GenesisBank, decode_genesis, encode_genesis
from tests.node.execution.ledger import ALICE, BOB, CAROL, document

BANKS = (
    GenesisBank(ALICE, "Alice's bank", "ALICDEFF", 30_000_000, tuple(sorted(((BOB, 1), (CAROL, 0))))),
    GenesisBank(BOB, "Bob's", "BOBBFRPP500", 0, ()),
)


def test_document_reads_back_as_written() -> None:
    text = encode_genesis(document())
    assert encode_genesis(decode_genesis(text)) == text


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000], ids=["arrays", "objects"])
def test_nesting_deeper_than_any_stack_is_no_document(text: bytes) -> None:
    with pytest.raises(InvalidGenesis, match="not JSON"):
        decode_genesis(text)


def test_banks_and_their_accounts_read_back_as_written() -> None:
    wanted = replace(document(), banks=BANKS)
    assert decode_genesis(encode_genesis(wanted)).banks == BANKS


def test_a_document_without_banks_says_nothing_of_them() -> None:
    text = encode_genesis(document())
    assert b"banks" not in text
    assert decode_genesis(text).banks == ()
    with pytest.raises(InvalidGenesis, match="canonical"):
        decode_genesis(text.replace(b'{\n  "chainId"', b'{\n  "banks": [],\n  "chainId"'))


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        (b'"quotaGasPerMinute": 30000000', b'"quotaGasPerMinute": 9007199254740992', "quotaGasPerMinute"),
        (b'"quotaGasPerMinute": 30000000', b'"quotaGasPerMinute": "30000000"', "quotaGasPerMinute"),
        (b'"bic": "ALICDEFF"', b'"bic": 7', "bic"),
        (b'"accounts": {}', b'"accounts": []', "accounts"),
        (b'": 1', b'": 256', "accounts"),
        (b'"name": "Bob\'s"', b'"names": "Bob\'s"', "name"),
    ],
)
def test_a_bank_with_a_wrong_field_is_refused_and_the_field_is_named(right: bytes, wrong: bytes, field: str) -> None:
    text = encode_genesis(replace(document(), banks=BANKS))
    assert right in text
    with pytest.raises(InvalidGenesis, match=field):
        decode_genesis(text.replace(right, wrong, 1))
