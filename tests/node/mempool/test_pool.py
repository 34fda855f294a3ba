"""Nonce lanes, bounds, and what a final block removes."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.transaction import Transaction, decode_transaction, sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, TimestampMs
from node.mempool.errors import NonceTaken, NonceTooFar, NonceTooLow, PoolFull, SenderGasLimit, SenderLimit
from node.mempool.pool import Pool, PooledTransaction, PoolLimits

TEMPLATE = decode_transaction(
    sign_dynamic_fee_transaction(b"\x01" * 32, chain_id=1, nonce=0, gas_limit=30_000, to=Address(bytes(20)), data=b"")
)
ALICE = Address(b"\xa1" * 20)
BOB = Address(b"\xb0" * 20)


def transaction(sender: Address, nonce: int, salt: int = 0) -> Transaction:
    digest = keccak256(sender + nonce.to_bytes(8, "big") + bytes((salt,)))
    return dataclasses.replace(TEMPLATE, nonce=nonce, hash=digest)


def add(pool: Pool, sender: Address, nonce: int, *, final_nonce: int = 0, at_ms: int = 0) -> None:
    candidate = transaction(sender, nonce)
    pool.validate_room(candidate, sender, final_nonce)
    pool.add(PooledTransaction(candidate, sender, TimestampMs(at_ms), True), final_nonce)


def test_gapless_transactions_are_executable_and_a_gap_is_not() -> None:
    pool = Pool(PoolLimits())
    add(pool, ALICE, 0)
    add(pool, ALICE, 2)
    assert (len(pool), pool.executable_count) == (2, 1)
    assert pool.next_pending_nonce(ALICE, 0) == 1
    add(pool, ALICE, 1)
    assert pool.executable_count == 3
    assert pool.next_pending_nonce(ALICE, 0) == 3
    assert pool.next_pending_nonce(BOB, 5) == 5


def test_used_nonce_is_too_low_and_taken_nonce_keeps_the_first() -> None:
    pool = Pool(PoolLimits())
    add(pool, ALICE, 4, final_nonce=4)
    with pytest.raises(NonceTooLow, match="next nonce 4, tx nonce 3"):
        pool.validate_room(transaction(ALICE, 3), ALICE, 4)
    with pytest.raises(NonceTaken):
        pool.validate_room(transaction(ALICE, 4, salt=1), ALICE, 4)


def test_sender_limit_counts_held_gaps_on_both_sides_of_its_boundary() -> None:
    pool = Pool(PoolLimits(per_sender_max=2))
    add(pool, ALICE, 0)
    with pytest.raises(NonceTooFar):
        add(pool, ALICE, 2)
    add(pool, ALICE, 1)
    with pytest.raises(SenderLimit):
        add(pool, ALICE, 2)
    add(pool, BOB, 0)


def test_gas_limits_of_one_sender_are_bounded_on_both_sides_of_the_boundary() -> None:
    pool = Pool(PoolLimits(per_sender_gas_max=3 * TEMPLATE.gas_limit - 1))
    add(pool, ALICE, 0)
    add(pool, ALICE, 1)
    with pytest.raises(SenderGasLimit) as caught:
        add(pool, ALICE, 2)
    assert (caught.value.pending_gas, caught.value.gas_limit) == (2 * TEMPLATE.gas_limit, TEMPLATE.gas_limit)
    add(pool, BOB, 0)
    pool.drop_final([(ALICE, 0)])
    add(pool, ALICE, 2, final_nonce=1)


def test_gas_behind_a_gap_never_keeps_out_the_transaction_that_closes_it() -> None:
    pool = Pool(PoolLimits(per_sender_gas_max=2 * TEMPLATE.gas_limit, gap_wait_ms=10))
    add(pool, ALICE, 1)
    add(pool, ALICE, 2)
    with pytest.raises(SenderGasLimit):
        add(pool, ALICE, 3)
    add(pool, ALICE, 0)
    assert pool.executable_count == 3


def test_gas_of_gaps_that_expired_is_free_again() -> None:
    pool = Pool(PoolLimits(per_sender_gas_max=2 * TEMPLATE.gas_limit, gap_wait_ms=10))
    add(pool, ALICE, 0)
    add(pool, ALICE, 2)
    pool.drop_expired_gaps(11)
    add(pool, ALICE, 1)
    with pytest.raises(SenderGasLimit):
        add(pool, ALICE, 2)


def test_full_pool_refuses_by_count_and_by_bytes() -> None:
    by_count = Pool(PoolLimits(transactions_max=1))
    add(by_count, ALICE, 0)
    with pytest.raises(PoolFull):
        add(by_count, BOB, 0)
    by_bytes = Pool(PoolLimits(bytes_max=len(TEMPLATE.raw)))
    add(by_bytes, ALICE, 0)
    with pytest.raises(PoolFull):
        add(by_bytes, BOB, 0)


def test_final_block_removes_the_included_and_rivals_with_used_nonces() -> None:
    pool = Pool(PoolLimits())
    for nonce in range(4):
        add(pool, ALICE, nonce)
    add(pool, BOB, 0)
    removed = pool.drop_final([(ALICE, 0), (ALICE, 1)])
    assert [pooled.transaction.nonce for pooled in removed] == [0, 1]
    assert (len(pool), pool.executable_count) == (3, 3)
    assert pool.drop_final([(BOB, 0)])[0].sender == BOB
    assert pool.oldest_arrival_ms() == 0


def test_final_block_with_transactions_never_seen_here_closes_the_gap() -> None:
    pool = Pool(PoolLimits())
    add(pool, ALICE, 3)
    assert pool.executable_count == 0
    pool.drop_final([(ALICE, 0), (ALICE, 1), (ALICE, 2)])
    assert pool.executable_count == 1


def test_gap_expires_and_executable_transactions_never_do() -> None:
    pool = Pool(PoolLimits(gap_wait_ms=1_000))
    add(pool, ALICE, 0, at_ms=0)
    add(pool, BOB, 1, at_ms=0)
    assert pool.drop_expired_gaps(1_000) == []
    assert [pooled.sender for pooled in pool.drop_expired_gaps(1_001)] == [BOB]
    assert len(pool) == 1
    add(pool, BOB, 1, at_ms=2_000)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 8)), max_size=60))
def test_executable_count_equals_a_recount(steps: list[tuple[bool, int, int]]) -> None:
    pool = Pool(PoolLimits(per_sender_max=16))
    final = {Address(bytes((index,)) * 20): 0 for index in range(3)}
    held: dict[Address, set[int]] = {sender: set() for sender in final}
    for is_add, index, nonce in steps:
        sender = Address(bytes((index,)) * 20)
        if is_add:
            if nonce >= final[sender] and nonce not in held[sender]:
                add(pool, sender, nonce, final_nonce=final[sender])
                held[sender].add(nonce)
        elif nonce >= final[sender]:
            pool.drop_final([(sender, used) for used in range(final[sender], nonce + 1)])
            final[sender] = nonce + 1
            held[sender] = {kept for kept in held[sender] if kept > nonce}
    expected = 0
    for sender, nonces in held.items():
        next_nonce = final[sender]
        while next_nonce in nonces:
            next_nonce += 1
        expected += next_nonce - final[sender]
    assert pool.executable_count == expected
    assert len(pool) == sum(len(nonces) for nonces in held.values())
