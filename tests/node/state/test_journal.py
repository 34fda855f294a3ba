"""One transaction's view of the state: reverts, what lives for the transaction only, and what commit removes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.receipt import Log
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from tests.node.state.ledger_model import ADDRESSES, Model, assert_journal_reads, run_calls, run_transaction

ALICE, BOB = ADDRESSES[0], ADDRESSES[1]


def fresh_journal() -> Journal:
    return Journal(Overlay(FinalState(MemoryStore())))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_nested_reverts_commits_and_discards_equal_a_dictionary(seed: int) -> None:
    generator = random.Random(seed)
    journal, model = fresh_journal(), Model()
    for _ in range(6):
        run_transaction(generator, journal, model)
        assert_journal_reads(journal, model)
    run_calls(generator, journal, model, depth=2)
    assert_journal_reads(journal, model)


def test_revert_forgets_logs_warmth_and_transient_words_since_the_mark_and_keeps_those_before() -> None:
    journal = fresh_journal()
    kept, lost = Log(ALICE, (), b"kept"), Log(BOB, (), b"lost")
    journal.add_log(kept)
    journal.warm_address(ALICE)
    journal.warm_slot(ALICE, 1)
    journal.set_transient(ALICE, 1, 5)
    mark = journal.snapshot()
    journal.add_log(lost)
    journal.warm_address(ALICE)
    journal.warm_address(BOB)
    journal.warm_slot(ALICE, 2)
    journal.set_transient(ALICE, 1, 6)
    assert journal.is_warm_address(BOB)
    assert journal.is_warm_slot(ALICE, 2)
    journal.revert(mark)
    assert [journal.is_warm_address(address) for address in (ALICE, BOB)] == [True, False]
    assert [journal.is_warm_slot(ALICE, slot) for slot in (1, 2)] == [True, False]
    assert journal.get_transient(ALICE, 1) == 5
    assert journal.take_logs() == (kept,)
    assert journal.take_logs() == ()


@pytest.mark.parametrize("end", [Journal.commit, Journal.discard])
def test_warmth_transient_words_and_logs_end_with_the_transaction(end: object) -> None:
    journal = fresh_journal()
    journal.warm_address(ALICE)
    journal.warm_slot(ALICE, 1)
    journal.set_transient(ALICE, 1, 5)
    journal.add_log(Log(ALICE, (), b""))
    assert callable(end)
    end(journal)
    assert not journal.is_warm_address(ALICE)
    assert not journal.is_warm_slot(ALICE, 1)
    assert journal.get_transient(ALICE, 1) == 0
    assert journal.take_logs() == ()


def test_the_original_word_of_a_slot_is_the_one_before_the_transaction_not_before_the_block() -> None:
    journal = fresh_journal()
    journal.set_nonce(ALICE, 1)
    journal.set_slot(ALICE, 1, 10)
    journal.commit()
    journal.set_slot(ALICE, 1, 11)
    journal.set_slot(ALICE, 1, 12)
    assert (journal.get_original_slot(ALICE, 1), journal.get_slot(ALICE, 1)) == (10, 12)
    journal.commit()
    assert journal.get_original_slot(ALICE, 1) == 12


def test_an_account_left_empty_goes_when_touched_and_stays_when_not() -> None:
    journal = fresh_journal()
    journal.set_balance(ALICE, 5)
    journal.set_nonce(BOB, 1)
    journal.commit()
    journal.set_balance(ALICE, 0)
    assert journal.account_exists(ALICE)
    journal.touch(BOB)
    journal.commit()
    assert not journal.account_exists(ALICE)
    assert journal.account_exists(BOB)


def test_a_touch_that_was_reverted_removes_nothing_and_one_that_stands_does() -> None:
    journal = fresh_journal()
    mark = journal.snapshot()
    journal.set_balance(ALICE, 0)
    assert journal.account_exists(ALICE)
    journal.revert(mark)
    assert not journal.account_exists(ALICE)
    journal.touch(ALICE)
    journal.commit()
    assert not journal.account_exists(ALICE)


def test_a_mark_from_before_a_revert_to_an_earlier_one_is_void() -> None:
    journal = fresh_journal()
    outer = journal.snapshot()
    journal.set_nonce(ALICE, 1)
    inner = journal.snapshot()
    journal.revert(outer)
    with pytest.raises(AssertionError, match="void"):
        journal.revert(inner)
