"""When the chain must stay awake, and when a transaction no longer keeps it so."""

import dataclasses

from consensus.chain.transaction import decode_transaction, sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, TimestampMs
from node.mempool.pending import SPREAD_MS, PendingWork
from node.mempool.pool import Pool, PooledTransaction, PoolLimits

ALICE = Address(b"\xa1" * 20)
TEMPLATE = decode_transaction(
    sign_dynamic_fee_transaction(b"\x01" * 32, chain_id=1, nonce=0, gas_limit=30_000, to=Address(bytes(20)), data=b"")
)


class World:
    def __init__(self) -> None:
        self.pool = Pool(PoolLimits())
        self.work = PendingWork(self.pool, passed_over_max=4)

    def add(self, nonce: int, *, bank_id: int = 0, final_nonce: int = 0) -> None:
        transaction = dataclasses.replace(TEMPLATE, nonce=nonce, hash=keccak256(bytes((nonce,))))
        self.pool.add(PooledTransaction(transaction, ALICE, TimestampMs(0), True, bank_id=bank_id), final_nonce)


def test_executable_transaction_outside_the_tips_chain_is_work() -> None:
    world = World()
    assert not world.work.is_pending([])
    world.add(0)
    assert world.work.is_pending([])
    assert not world.work.is_pending([(ALICE, 0)])
    world.add(1)
    assert world.work.is_pending([(ALICE, 0)])


def test_transaction_behind_a_gap_is_no_work() -> None:
    world = World()
    world.add(3)
    assert not world.work.is_pending([])


def test_transactions_in_the_tips_chain_that_never_were_in_this_pool_do_not_hide_others() -> None:
    world = World()
    world.add(0)
    assert world.work.is_pending([(Address(b"\xbb" * 20), 0), (Address(b"\xcc" * 20), 7)])


def test_transaction_nobody_includes_keeps_the_chain_awake_for_one_round_of_leaders_only() -> None:
    world = World()
    world.add(0)
    for _ in range(3):
        world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=True)
        assert world.work.is_pending([])
    world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=True)
    assert not world.work.is_pending([])
    assert len(world.pool) == 1


def test_full_blocks_and_blocks_made_too_early_do_not_count_against_a_transaction() -> None:
    world = World()
    world.add(0)
    for _ in range(10):
        world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=False)
        world.work.block_final(TimestampMs(SPREAD_MS - 1), had_room=True)
    assert world.work.is_pending([])


def test_a_transaction_whose_bank_had_filled_its_share_is_not_passed_over_and_anothers_is() -> None:
    world = World()
    world.add(0, bank_id=3)
    for _ in range(10):
        world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=True, filled_banks=(3,))
    assert world.work.is_pending([])
    for _ in range(4):
        world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=True, filled_banks=(4,))
    assert not world.work.is_pending([])


def test_what_was_given_up_and_is_included_after_all_hides_no_other_work() -> None:
    world = World()
    world.add(0)
    for _ in range(4):
        world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=True)
    world.pool.drop_final([(ALICE, 0)])
    world.work.block_final(TimestampMs(SPREAD_MS + 1), had_room=True)
    world.add(1, final_nonce=1)
    assert world.work.is_pending([])
