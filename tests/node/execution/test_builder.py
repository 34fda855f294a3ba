"""Filling a block: arrival order, each sender's nonces, and every limit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from node.execution.builder import build_block, in_nonce_order
from node.execution.genesis_state import Genesis
from node.execution.transition import SignedTransaction, apply_block
from node.runtime.execution_host import recover_missing
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from tests.node.execution.ledger import ALICE_KEY, BOB, BOB_KEY, CHAIN_ID, DAVE, context, genesis, payment

TEMPLATE = payment(ALICE_KEY, 0, BOB, 1)
SENDERS = [Address(bytes((number,)) * 20) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


def candidate(sender: Address, nonce: int) -> SignedTransaction:
    return SignedTransaction(replace(TEMPLATE.transaction, nonce=nonce), sender)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SENDERS), st.integers(0, 6)), unique=True))
def test_each_sender_goes_by_nonce_without_gaps_and_nothing_executable_is_left(
    arrivals: list[tuple[Address, int]],
) -> None:
    candidates = [candidate(sender, nonce) for sender, nonce in arrivals]
    yielded = list(in_nonce_order(FinalState(MemoryStore()), candidates))
    for sender in SENDERS:
        nonces = [signed.transaction.nonce for signed in yielded if signed.sender == sender]
        given_nonces = {nonce for arrived, nonce in arrivals if arrived == sender}
        gapless = next(nonce for nonce in range(8) if nonce not in given_nonces)
        assert nonces == list(range(gapless))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(SENDERS)))
def test_transactions_that_arrive_in_nonce_order_keep_their_order(senders: list[Address]) -> None:
    counts = dict.fromkeys(SENDERS, 0)
    candidates = []
    for sender in senders:
        candidates.append(candidate(sender, counts[sender]))
        counts[sender] += 1
    assert list(in_nonce_order(FinalState(MemoryStore()), candidates)) == candidates


def test_block_takes_a_late_predecessor_and_then_its_successors(block_zero: Genesis) -> None:
    third, second, first = (payment(ALICE_KEY, nonce, BOB, 1) for nonce in (2, 1, 0))
    other = payment(BOB_KEY, 0, DAVE, 1)
    executed, _ = build_block(block_zero.executed.overlay, context(block_zero), [third, second, other, first])
    wanted = [other, first, second, third]
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in wanted]


def test_candidate_that_may_not_be_in_a_block_is_left_out_and_the_rest_is_not(block_zero: Genesis) -> None:
    poor = payment(ALICE_KEY, 0, BOB, 1)
    poor = replace(poor, transaction=replace(poor.transaction, value=1))
    executed, _ = build_block(
        block_zero.executed.overlay,
        context(block_zero),
        [poor, payment(ALICE_KEY, 1, BOB, 1), payment(BOB_KEY, 0, DAVE, 1)],
    )
    assert executed.nonces == (0,)
    assert executed.receipts[0].succeeded


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_body_is_filled_to_its_limit_and_not_beyond(block_zero: Genesis, room: int) -> None:
    candidates = [payment(ALICE_KEY, nonce, BOB, 1) for nonce in range(4)]
    each = len(candidates[0].transaction.raw) + 4
    limits = replace(block_zero.limits, body_bytes_max=16 + each * room + each // 2)
    executed, body = build_block(block_zero.executed.overlay, replace(context(block_zero), limits=limits), candidates)
    assert len(executed.block.transactions) == room
    assert len(body) <= limits.body_bytes_max


def test_block_that_is_full_of_gas_ends_there_and_is_valid(block_zero: Genesis) -> None:
    candidates = [payment(ALICE_KEY, nonce, BOB, 1) for nonce in range(5)]
    limited = replace(context(block_zero), limits=replace(block_zero.limits, block_gas_max=450_000))
    executed, _ = build_block(block_zero.executed.overlay, limited, candidates)
    assert 1 < len(executed.block.transactions) <= 5
    assert executed.block.header.gas_used <= 450_000
    applied = apply_block(
        block_zero.executed.overlay,
        limited,
        executed.block.header,
        recover_missing(executed.block.transactions, CHAIN_ID),
    )
    assert applied.block == executed.block


def flood(count: int) -> list[SignedTransaction]:
    return [payment(ALICE_KEY, nonce, BOB, 1) for nonce in range(count)]


def test_banks_take_turns_when_not_everything_may_fit(block_zero: Genesis) -> None:
    flooding, others = flood(6), [payment(BOB_KEY, nonce, DAVE, 1) for nonce in range(2)]
    limits = replace(block_zero.limits, body_bytes_max=16 + 4 * (len(flooding[0].transaction.raw) + 4))
    limited = replace(context(block_zero), limits=limits)
    executed, _ = build_block(
        block_zero.executed.overlay, limited, [*flooding, *others], bank_ids=[1, 1, 1, 1, 1, 1, 2, 2]
    )
    wanted = [flooding[0], others[0], flooding[1], others[1]]
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in wanted]


def test_one_banks_transactions_keep_arrival_order_however_full_the_block(block_zero: Genesis) -> None:
    candidates = [*flood(6), payment(BOB_KEY, 0, DAVE, 1)]
    limits = replace(block_zero.limits, body_bytes_max=16 + 4 * (len(candidates[0].transaction.raw) + 4))
    limited = replace(context(block_zero), limits=limits)
    executed, _ = build_block(block_zero.executed.overlay, limited, candidates, bank_ids=[1] * 7)
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in candidates[:4]]


def test_banks_keep_arrival_order_when_everything_fits(block_zero: Genesis) -> None:
    candidates = [*flood(2), payment(BOB_KEY, 0, DAVE, 1)]
    executed, _ = build_block(block_zero.executed.overlay, context(block_zero), candidates, bank_ids=[1, 1, 2])
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in candidates]


def test_a_transaction_that_does_not_fit_ends_its_own_banks_turns_only(block_zero: Genesis) -> None:
    greedy = [payment(ALICE_KEY, nonce, BOB, 1, gas=450_000) for nonce in range(3)]
    others = [payment(BOB_KEY, nonce, DAVE, 1) for nonce in range(3)]
    limited = replace(context(block_zero), limits=replace(block_zero.limits, block_gas_max=450_000))
    executed, _ = build_block(block_zero.executed.overlay, limited, [*greedy, *others], bank_ids=[1, 1, 1, 2, 2, 2])
    wanted = [greedy[0], *others]
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in wanted]


def test_ten_payments_behind_another_banks_twenty_thousand_are_in_the_next_block(block_zero: Genesis) -> None:
    alone = payment(ALICE_KEY, 0, BOB, 1)
    flooding = [
        SignedTransaction(alone.transaction, Address(number.to_bytes(20, "big"))) for number in range(1, 20_001)
    ]
    others = [payment(BOB_KEY, nonce, DAVE, 1) for nonce in range(10)]
    limits = replace(block_zero.limits, body_bytes_max=16 + 40 * (len(alone.transaction.raw) + 4))
    limited = replace(context(block_zero), limits=limits)
    bank_ids = [1] * len(flooding) + [2] * len(others)
    executed, _ = build_block(block_zero.executed.overlay, limited, [*flooding, *others], bank_ids=bank_ids)
    assert len(executed.block.transactions) == 40
    assert {signed.transaction.raw for signed in others} <= set(executed.block.transactions)
