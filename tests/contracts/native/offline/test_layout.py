"""Every slot of OfflineLocks, against another keccak: wallets prove these words, so none ever moves."""

from dataclasses import replace

from eth_utils.crypto import keccak

from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.lock_rules import LIFE_S_MAX
from contracts.offline.typed_data import hop_digest, lock_id, purse_id
from tests.contracts.ledger import ALICE, EUR
from tests.contracts.native.offline.till import (
    CLAIM_UNTIL_S,
    CLASS,
    DEPOSIT,
    NOW_S,
    PAYEE,
    PURSE,
    SECOND,
    SEPARATOR,
    SPEND_UNTIL_S,
    TERMS,
    Till,
    hop,
)


def mapped(slot: int, *keys: bytes) -> int:
    """Return where Solidity keeps the value of a mapping's keys."""
    for key in keys:
        slot = int.from_bytes(keccak(key.rjust(32, b"\0") + slot.to_bytes(32, "big")), "big")
    return slot


def word(settled: int, deposit: int) -> int:
    """Return settled u96 ‖ deposit u96 ‖ spendUntil u32 ‖ claimUntil u32."""
    return settled << 160 | deposit << 64 | SPEND_UNTIL_S << 32 | CLAIM_UNTIL_S


def test_every_word_lies_where_the_layout_says(till: Till) -> None:
    purse = replace(PURSE, open_nonce=1)
    name = purse_id(SEPARATOR, purse)
    spend, again = hop(0, 700, purse=name), hop(0, 600, SECOND, purse=name)
    till.opened().with_purse(purse).denying(PAYEE)
    till.redeems(1_200)
    till.claims(spend, purse)
    till.proves(spend, again, purse)
    log = int.from_bytes(keccak((11).to_bytes(32, "big")), "big")
    owner_word = 2 << 96 | (NOW_S + LIFE_S_MAX) << 64 | int.from_bytes(ALICE[:8], "big")
    stored = {slot: value for slot, value in till.ledger.storage[OFFLINE_LOCKS].items() if value}
    assert stored == {
        0: 1,
        mapped(1, lock_id(SEPARATOR, TERMS)): word(1_200, DEPOSIT),
        mapped(2, ALICE): 2,
        mapped(3, name): word(700, 4_000),
        mapped(4, name): 2,
        mapped(5, name, PAYEE): 700,
        mapped(6, hop_digest(SEPARATOR, spend)): 1,
        mapped(7, CLASS): 2,
        mapped(8, CLASS, PAYEE): 1,
        mapped(8, CLASS, SECOND): 1,
        mapped(9, EUR, PAYEE): 1_900,
        mapped(10, ALICE): NOW_S,
        11: 2,
        log: 1 << 96 | CLAIM_UNTIL_S << 64 | int.from_bytes(name[:8], "big"),
        log + 1: owner_word,
    }
