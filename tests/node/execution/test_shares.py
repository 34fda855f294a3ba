"""A bank's share of a block is part of block validity, and every validator counts it alike."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY, PROTOCOL_CONFIG
from contracts.layout import (
    BANK_QUOTA_OFFSET_BITS,
    AccountRegistrySlots,
    ProtocolConfigSlots,
    account_slot,
    bank_slot,
)
from node.execution.builder import build_block
from node.execution.errors import BankShareExceeded, InvalidBlock
from node.execution.genesis_state import Genesis
from node.execution.shares import (
    GOVERNOR_QUOTA,
    UNMETERED,
    UNSPONSORED_GAS_SLOT,
    BlockShares,
    Quota,
    read_quota,
)
from node.execution.transition import BlockExecution, SignedTransaction, apply_block
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL,
    CAROL_KEY,
    DAVE,
    DAVE_KEY,
    context,
    genesis,
    payment,
)

GAS = 200_000
"""Gas limit of every payment here."""

UNSPONSORED_GAS = 30_000_000
"""What accounts without a sponsor share; more than any test here sends."""


def words(quota: int, *, bank_count: int = 1) -> dict[tuple[Address, int], int]:
    """Return what the registry says: bank 1 sponsors Alice and Bob, Carol has no sponsor, Dave governs."""
    return {
        (ACCOUNT_REGISTRY, AccountRegistrySlots.BANK_COUNT): bank_count,
        (ACCOUNT_REGISTRY, account_slot(ALICE)): 1,
        (ACCOUNT_REGISTRY, account_slot(BOB)): 1,
        (ACCOUNT_REGISTRY, bank_slot(1)): quota << BANK_QUOTA_OFFSET_BITS | 7,
        (PROTOCOL_CONFIG, ProtocolConfigSlots.GOVERNOR): int.from_bytes(DAVE, "big"),
        (PROTOCOL_CONFIG, UNSPONSORED_GAS_SLOT): UNSPONSORED_GAS,
    }


def reader(found: dict[tuple[Address, int], int]) -> Callable[[Address, int], int]:
    return lambda address, slot: found.get((address, slot), 0)


@pytest.mark.parametrize(
    ("sender", "quota", "bank_count", "wanted"),
    [
        (ALICE, 500, 1, Quota(1, 500)),
        (ALICE, 0, 1, Quota(1, None)),
        (CAROL, 500, 1, Quota(0, UNSPONSORED_GAS)),
        (DAVE, 500, 1, GOVERNOR_QUOTA),
        (CAROL, 500, 0, UNMETERED),
    ],
    ids=["customer of a bank", "bank without quota", "no sponsor", "governor", "network without banks"],
)
def test_a_sender_uses_the_quota_of_its_bank(sender: Address, quota: int, bank_count: int, wanted: Quota) -> None:
    assert read_quota(reader(words(quota, bank_count=bank_count)), sender) == wanted


def test_a_governor_that_a_bank_sponsors_is_bounded_by_nothing() -> None:
    found = words(1) | {(ACCOUNT_REGISTRY, account_slot(DAVE)): 1}
    assert read_quota(reader(found), DAVE) == GOVERNOR_QUOTA
    shares = BlockShares(reader(found))
    shares.validate(DAVE, 10**9)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB, CAROL, DAVE]), st.integers(0, 700)), max_size=20))
def test_no_order_of_transactions_puts_a_bank_above_its_share(steps: list[tuple[Address, int]]) -> None:
    shares, used = BlockShares(reader(words(1_000))), 0
    for sender, gas in steps:
        is_bank = sender in (ALICE, BOB)
        try:
            shares.validate(sender, gas)
        except BankShareExceeded as refusal:
            assert is_bank
            assert used + gas > 1_000
            assert (refusal.bank_id, refusal.gas_limit, refusal.used, refusal.share) == (1, gas, used, 1_000)
            continue
        shares.charge(sender, gas)
        used += gas if is_bank else 0
    assert used <= 1_000


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


def parent(block_zero: Genesis, quota: int, *, bank_count: int = 1) -> Overlay:
    """Return the state before the block, in which bank 1 has that quota."""
    overlay = Overlay(block_zero.executed.overlay)
    journal = Journal(overlay)
    for (address, slot), value in words(quota, bank_count=bank_count).items():
        journal.set_slot(address, slot, value)
    journal.commit()
    overlay.seal()
    return overlay


def payments(key: bytes, count: int) -> list[SignedTransaction]:
    return [payment(key, nonce, DAVE, 1) for nonce in range(count)]


def test_a_block_in_which_a_bank_is_above_its_share_is_invalid_and_one_below_is_not(block_zero: Genesis) -> None:
    both = [*payments(ALICE_KEY, 1), *payments(BOB_KEY, 1)]
    exact = parent(block_zero, 2 * GAS)
    executed, _ = build_block(exact, context(block_zero), both)
    assert len(executed.block.transactions) == 2
    assert apply_block(exact, context(block_zero), executed.block.header, both).block == executed.block
    with pytest.raises(BankShareExceeded) as caught:
        apply_block(parent(block_zero, 2 * GAS - 1), context(block_zero), executed.block.header, both)
    assert isinstance(caught.value, InvalidBlock)
    assert (caught.value.rule, caught.value.bank_id, caught.value.used) == ("bank_share", 1, GAS)


@pytest.mark.parametrize(("quota", "bank_count"), [(0, 1), (1, 0)], ids=["no quota", "no banks"])
def test_without_quota_or_without_banks_nothing_bounds_a_block(
    block_zero: Genesis, quota: int, bank_count: int
) -> None:
    execution = BlockExecution(parent(block_zero, quota, bank_count=bank_count), context(block_zero))
    for signed in payments(ALICE_KEY, 3):
        assert execution.apply(signed).succeeded


def test_the_state_before_the_block_decides_whatever_the_block_changes(block_zero: Genesis) -> None:
    execution = BlockExecution(parent(block_zero, GAS), context(block_zero))
    execution.apply(payments(ALICE_KEY, 1)[0])
    journal = Journal(execution._overlay)
    journal.set_slot(ACCOUNT_REGISTRY, bank_slot(1), 10 * GAS << BANK_QUOTA_OFFSET_BITS | 7)
    journal.set_slot(ACCOUNT_REGISTRY, account_slot(BOB), 0)
    journal.commit()
    for refused in (payment(ALICE_KEY, 1, DAVE, 1), payment(BOB_KEY, 0, DAVE, 1)):
        with pytest.raises(BankShareExceeded):
            execution.apply(refused)


def test_a_refused_transaction_uses_nothing_of_the_share(block_zero: Genesis) -> None:
    execution = BlockExecution(parent(block_zero, GAS), context(block_zero))
    with pytest.raises(BankShareExceeded):
        execution.apply(payment(ALICE_KEY, 0, DAVE, 1, gas=GAS + 1))
    assert execution.apply(payment(BOB_KEY, 0, DAVE, 1)).succeeded


def test_a_leader_fills_a_banks_share_and_others_go_on(block_zero: Genesis) -> None:
    flooding, others = payments(ALICE_KEY, 5), payments(CAROL_KEY, 3)
    before = parent(block_zero, 2 * GAS)
    candidates = [*flooding, *others]
    bank_ids = [1] * 5 + [0] * 3
    executed, _ = build_block(before, context(block_zero), candidates, bank_ids=bank_ids)
    wanted = [flooding[0], others[0], flooding[1], others[1], others[2]]
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in wanted]
    apply_block(before, context(block_zero), executed.block.header, wanted)


def test_a_leader_that_took_a_customer_for_a_stranger_goes_on_with_strangers(block_zero: Genesis) -> None:
    moved, strangers = payments(BOB_KEY, 2), payments(CAROL_KEY, 3)
    candidates = [*payments(ALICE_KEY, 1), *moved, *strangers]
    executed, _ = build_block(parent(block_zero, GAS), context(block_zero), candidates, bank_ids=[1, 0, 0, 0, 0, 0])
    wanted = [candidates[0], *strangers]
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in wanted]


def test_the_governors_transactions_have_turns_of_their_own_behind_any_flood(block_zero: Genesis) -> None:
    flooding = payments(ALICE_KEY, 6)
    governing = payment(DAVE_KEY, 0, ALICE, 0)
    bank_ids = [*[1] * 6, GOVERNOR_QUOTA.bank_id]
    executed, _ = build_block(parent(block_zero, GAS), context(block_zero), [*flooding, governing], bank_ids=bank_ids)
    wanted = [flooding[0], governing]
    assert list(executed.block.transactions) == [signed.transaction.raw for signed in wanted]


def test_a_block_names_the_banks_that_used_half_of_their_share_and_no_others(block_zero: Genesis) -> None:
    for quota, wanted in ((2 * GAS, (1,)), (2 * GAS + 1, ()), (0, ())):
        before = parent(block_zero, quota)
        candidates = [payment(ALICE_KEY, 0, DAVE, 1), payment(CAROL_KEY, 0, DAVE, 1), payment(DAVE_KEY, 0, ALICE, 0)]
        executed, _ = build_block(before, context(block_zero), candidates)
        assert len(executed.block.transactions) == 3
        assert executed.filled_banks == wanted


def test_accounts_without_a_sponsor_share_what_the_network_says(block_zero: Genesis) -> None:
    before = parent(block_zero, 0)
    bounded = Overlay(before)
    journal = Journal(bounded)
    journal.set_slot(PROTOCOL_CONFIG, UNSPONSORED_GAS_SLOT, 2 * GAS)
    journal.commit()
    bounded.seal()
    execution = BlockExecution(bounded, context(block_zero))
    for signed in payments(CAROL_KEY, 2):
        assert execution.apply(signed).succeeded
    with pytest.raises(BankShareExceeded, match="accounts without a sponsor may fill 400000 gas"):
        execution.apply(payment(CAROL_KEY, 2, DAVE, 1))
