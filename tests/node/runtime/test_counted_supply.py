"""What `sycee-node verify` counts of a currency, part of which is in no balance."""

from node.runtime.chain_verifier import count_supply
from tests.contracts.ledger import ALICE, BOB, EUR, ISSUER, MEMO, DictionaryContext, Ledger

HOLDERS = (ALICE, BOB, ISSUER)


def count(ledger: Ledger) -> int:
    return count_supply(lambda slot: ledger.storage[EUR].get(slot, 0), HOLDERS)


def test_held_and_parked_amounts_are_counted_until_they_are_paid_or_burned() -> None:
    ledger = Ledger()
    assert count(ledger) == 105_000
    expires_s = DictionaryContext.block_timestamp_s + 1
    assert ledger.call(ALICE, EUR, "createHold", MEMO, BOB, ISSUER, 30_000, expires_s, MEMO).error is None
    assert ledger.call(ALICE, EUR, "requestRedemption", 20_000, MEMO).error is None
    assert count(ledger) == 105_000 == ledger.read(EUR, "totalSupply")
    assert ledger.call(ISSUER, EUR, "executeHold", MEMO, 10_000).error is None
    assert count(ledger) == 105_000
    assert ledger.call(ISSUER, EUR, "completeRedemption", 1).error is None
    assert count(ledger) == 85_000 == ledger.read(EUR, "totalSupply")


def test_a_unit_that_is_nowhere_is_missed() -> None:
    ledger = Ledger()
    ledger.call(ALICE, EUR, "requestRedemption", 20_000, MEMO)
    for slot, word in list(ledger.storage[EUR].items()):
        if word == 80_000:
            ledger.storage[EUR][slot] = 79_999
    assert count(ledger) == 104_999
