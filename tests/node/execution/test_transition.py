"""Applying blocks: equal to what was built, and every way in which a block can be invalid."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from consensus.chain.block import decode_body
from consensus.chain.header import Header
from consensus.chain.transaction import floor_gas, intrinsic_gas
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View, WorkUnits
from contracts.layout import balance_slot
from node.execution.builder import build_block
from node.execution.errors import InvalidBlock, TransactionNotAllowed, UndecodableBody, WrongHeaderField
from node.execution.genesis_state import Genesis
from node.execution.system_steps import HISTORY_ADDRESS, HISTORY_SLOTS
from node.execution.transition import BlockContext, BlockExecution, ExecutedBlock, SignedTransaction, apply_block
from node.runtime.execution_host import recover_missing
from node.state.reader import StateReader
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL_KEY,
    CHAIN_ID,
    DAVE,
    DAVE_KEY,
    EUR,
    OPENING_MINOR,
    context,
    genesis,
    payment,
    raw_call,
    raw_payment,
    signed,
)


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


def state(block_zero: Genesis) -> StateReader:
    return block_zero.executed.overlay


def payments() -> list[SignedTransaction]:
    """Two that succeed, one that fails for want of money, and one that succeeds after it."""
    return [
        payment(ALICE_KEY, 0, BOB, 5),
        payment(BOB_KEY, 0, DAVE, 7),
        payment(CAROL_KEY, 0, DAVE, OPENING_MINOR + 1),
        payment(ALICE_KEY, 1, DAVE, 11),
    ]


def built(block_zero: Genesis, transactions: Sequence[SignedTransaction]) -> tuple[ExecutedBlock, bytes]:
    return build_block(state(block_zero), context(block_zero), transactions)


def euros(executed: ExecutedBlock, owner: Address) -> int:
    return executed.overlay.storage(EUR, balance_slot(owner))


def test_block_applied_from_its_bytes_equals_the_block_that_was_built(block_zero: Genesis) -> None:
    executed, body = built(block_zero, payments())
    decoded = recover_missing(decode_body(body), CHAIN_ID)
    applied = apply_block(state(block_zero), context(block_zero), executed.block.header, decoded)
    assert applied.block == executed.block
    assert applied.receipts == executed.receipts
    assert applied.revert_outputs == executed.revert_outputs
    assert applied.work_used == executed.work_used
    assert applied.senders == executed.senders
    assert applied.nonces == executed.nonces == (0, 0, 0, 1)


def test_receipts_accumulate_gas_and_the_header_has_their_sum(block_zero: Genesis) -> None:
    executed, _ = built(block_zero, payments())
    cumulative = [receipt.cumulative_gas_used for receipt in executed.receipts]
    assert cumulative == sorted(cumulative) and cumulative[0] > 21_000
    assert executed.block.header.gas_used == cumulative[-1]
    assert [receipt.succeeded for receipt in executed.receipts] == [True, True, False, True]


def test_reverted_call_changes_the_nonce_and_nothing_else(block_zero: Genesis) -> None:
    failing = payment(ALICE_KEY, 0, BOB, OPENING_MINOR + 1)
    executed, _ = built(block_zero, [failing])
    assert [receipt.succeeded for receipt in executed.receipts] == [False]
    assert executed.receipts[0].logs == ()
    assert executed.block.header.logs_bloom == bytes(256)
    assert executed.revert_outputs[0] != b""
    account = executed.overlay.account(ALICE)
    assert account is not None and account.nonce == 1
    assert euros(executed, ALICE) == euros(executed, BOB) == OPENING_MINOR


def test_successful_call_moves_money_and_keeps_its_log(block_zero: Genesis) -> None:
    executed, _ = built(block_zero, [payment(ALICE_KEY, 0, BOB, 5)])
    assert (euros(executed, ALICE), euros(executed, BOB)) == (OPENING_MINOR - 5, OPENING_MINOR + 5)
    assert [log.address for log in executed.receipts[0].logs] == [EUR]
    assert executed.block.header.logs_bloom != bytes(256)


def test_call_data_costs_at_least_the_floor(block_zero: Genesis) -> None:
    # A plain account takes any data and does nothing with it, so only EIP-7623 charges for it.
    transaction = signed(raw_call(ALICE_KEY, 0, b"\xff" * 1_000, to=DAVE))
    executed, _ = built(block_zero, [transaction])
    assert executed.block.header.gas_used == floor_gas(transaction.transaction) == 21_000 + 1_000 * 40
    assert floor_gas(transaction.transaction) > intrinsic_gas(transaction.transaction)


def test_call_above_the_floor_costs_what_it_used(block_zero: Genesis) -> None:
    transaction = payment(ALICE_KEY, 0, BOB, 5)
    executed, _ = built(block_zero, [transaction])
    assert executed.block.header.gas_used > floor_gas(transaction.transaction)


@pytest.mark.parametrize("height", [1, 2, HISTORY_SLOTS, HISTORY_SLOTS + 1])
def test_parent_hash_is_kept_in_its_slot_of_the_ring(block_zero: Genesis, height: int) -> None:
    parent_hash = Hash32(b"\x5e" * 32)
    executed = BlockExecution(state(block_zero), context(block_zero, height=height, parent_hash=parent_hash)).seal()
    slot = (height - 1) % 8_191
    assert executed.overlay.storage(HISTORY_ADDRESS, slot) == int.from_bytes(parent_hash, "big")
    assert executed.overlay.storage(HISTORY_ADDRESS, slot + 1) == 0


def test_block_of_an_empty_pool_changes_only_the_ring(block_zero: Genesis) -> None:
    executed, body = built(block_zero, [])
    assert body == b"\xc0"
    assert executed.block.header.gas_used == 0
    assert executed.block.header.state_root != block_zero.executed.block.header.state_root


WRONG_FIELDS: dict[str, Callable[[Header], object]] = {
    "parent_hash": lambda header: Hash32(b"\x01" * 32),
    "leader": lambda header: Address(b"\x01" * 20),
    "state_root": lambda header: Hash32(b"\x01" * 32),
    "transactions_root": lambda header: Hash32(b"\x01" * 32),
    "receipts_root": lambda header: Hash32(b"\x01" * 32),
    "logs_bloom": lambda header: b"\x01" + header.logs_bloom[1:],
    "height": lambda header: Height(header.height + 1),
    "gas_limit": lambda header: header.gas_limit - 1,
    "gas_used": lambda header: header.gas_used + 1,
    "timestamp_ms": lambda header: TimestampMs(header.timestamp_ms + 1),
    "epoch": lambda header: Epoch(1),
    "view": lambda header: View(header.view + 1),
    "previous_randao": lambda header: Hash32(b"\x01" * 32),
    "requests_hash": lambda header: Hash32(b"\x01" * 32),
}


def test_every_header_field_has_its_case() -> None:
    assert list(WRONG_FIELDS) == list(Header.__dataclass_fields__)


@pytest.mark.parametrize("field", WRONG_FIELDS)
def test_header_with_one_wrong_field_is_invalid_and_both_values_are_named(block_zero: Genesis, field: str) -> None:
    executed, _ = built(block_zero, payments())
    right = executed.block.header
    header = replace(right, **{field: WRONG_FIELDS[field](right)})  # type: ignore[arg-type]  # by name
    with pytest.raises(WrongHeaderField) as caught:
        apply_block(state(block_zero), context(block_zero), header, payments())
    assert caught.value.field == field
    assert (caught.value.header, caught.value.computed) == (getattr(header, field), getattr(right, field))


def with_limits(given: BlockContext, **changes: int) -> BlockContext:
    return replace(given, limits=replace(given.limits, **changes))  # type: ignore[arg-type]  # by name


NOT_ALLOWED = {
    "nonce used before": ("nonce", lambda: [payment(ALICE_KEY, 0, BOB, 1), payment(ALICE_KEY, 0, BOB, 2)]),
    "nonce after a gap": ("nonce", lambda: [payment(ALICE_KEY, 1, BOB, 1)]),
    "value without money": ("insufficient_funds", lambda: [signed(raw_call(ALICE_KEY, 0, b"", to=BOB, value=1))]),
    "sender that holds code": ("sender_is_contract", lambda: [replace(payment(ALICE_KEY, 1, BOB, 1), sender=EUR)]),
}


@pytest.mark.parametrize(("rule", "transactions"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
def test_transaction_that_must_not_be_in_a_block_makes_it_invalid(
    block_zero: Genesis, rule: str, transactions: Callable[[], list[SignedTransaction]]
) -> None:
    header = block_zero.executed.block.header
    with pytest.raises(TransactionNotAllowed) as caught:
        apply_block(state(block_zero), context(block_zero), header, transactions())
    assert caught.value.rule == rule


def test_gas_limits_beyond_the_block_make_it_invalid_and_those_that_fit_do_not(block_zero: Genesis) -> None:
    transactions = [payment(ALICE_KEY, 0, BOB, 1), payment(BOB_KEY, 0, ALICE, 1)]
    first = built(block_zero, transactions[:1])[0].block.header.gas_used
    exact = with_limits(context(block_zero), block_gas_max=first + 200_000)
    executed, _ = build_block(state(block_zero), exact, transactions)
    assert len(executed.block.transactions) == 2
    apply_block(state(block_zero), exact, executed.block.header, transactions)
    with pytest.raises(TransactionNotAllowed) as caught:
        less = with_limits(exact, block_gas_max=first + 199_999)
        apply_block(state(block_zero), less, executed.block.header, transactions)
    assert caught.value.rule == "block_gas"


def test_work_beyond_the_block_makes_it_invalid_and_work_that_fits_does_not(block_zero: Genesis) -> None:
    transactions = [payment(ALICE_KEY, 0, BOB, 1), payment(BOB_KEY, 0, ALICE, 1)]
    executed, _ = built(block_zero, transactions)
    exact = with_limits(context(block_zero), block_work_max=executed.work_used)
    apply_block(state(block_zero), exact, executed.block.header, transactions)
    with pytest.raises(TransactionNotAllowed) as caught:
        less = with_limits(exact, block_work_max=executed.work_used - 1)
        apply_block(state(block_zero), less, executed.block.header, transactions)
    assert caught.value.rule == "block_work"


def test_transaction_that_works_too_long_fails_and_pays_all_its_gas(block_zero: Genesis) -> None:
    slow = with_limits(context(block_zero), transaction_work_max=WorkUnits(101))
    executed, _ = build_block(state(block_zero), slow, [payment(ALICE_KEY, 0, BOB, 5)])
    assert [receipt.succeeded for receipt in executed.receipts] == [False]
    assert executed.block.header.gas_used == 200_000
    assert euros(executed, BOB) == OPENING_MINOR


def test_refused_transaction_leaves_the_block_under_way_as_it_was(block_zero: Genesis) -> None:
    clean = BlockExecution(state(block_zero), context(block_zero))
    clean.apply(payment(ALICE_KEY, 0, BOB, 1))
    disturbed = BlockExecution(state(block_zero), context(block_zero))
    refused = [payment(BOB_KEY, 9, ALICE, 1), signed(raw_call(DAVE_KEY, 0, b"", to=BOB, value=1))]
    for transaction in refused:
        with pytest.raises(TransactionNotAllowed):
            disturbed.apply(transaction)
    disturbed.apply(payment(ALICE_KEY, 0, BOB, 1))
    assert disturbed.seal().block == clean.seal().block


@pytest.mark.parametrize(
    "raw",
    [
        b"\x05\xc0",
        raw_payment(ALICE_KEY, 0, BOB, 1)[:-1],
        raw_payment(ALICE_KEY, 0, BOB, 1, gas=21_000),
    ],
    ids=["unknown type", "cut short", "gas below the intrinsic"],
)
def test_body_with_a_transaction_that_is_none_names_its_index(raw: bytes) -> None:
    with pytest.raises(UndecodableBody, match=r"^transaction 1: "):
        recover_missing([raw_payment(ALICE_KEY, 0, BOB, 1), raw], CHAIN_ID)


def test_transaction_of_another_chain_does_not_belong_into_a_body() -> None:
    with pytest.raises(UndecodableBody, match=r"^transaction 0: "):
        recover_missing([raw_payment(ALICE_KEY, 0, BOB, 1)], CHAIN_ID + 1)


def test_header_randao_is_the_hash_of_the_parent_hash(block_zero: Genesis) -> None:
    executed, _ = built(block_zero, [])
    assert executed.block.header.previous_randao == keccak256(block_zero.executed.block.block_hash)


def test_every_reason_is_an_invalid_block() -> None:
    for reason in (WrongHeaderField, TransactionNotAllowed, UndecodableBody):
        assert issubclass(reason, InvalidBlock)


def test_transaction_that_does_not_fit_by_work_leaves_the_block_as_it_was(block_zero: Genesis) -> None:
    first, too_much = payment(ALICE_KEY, 0, BOB, 1), payment(BOB_KEY, 0, ALICE, 1)
    light = signed(raw_call(CAROL_KEY, 0, b"", to=DAVE))
    clean = built(block_zero, [first, light])[0]
    full = BlockExecution(state(block_zero), with_limits(context(block_zero), block_work_max=clean.work_used))
    full.apply(first)
    with pytest.raises(TransactionNotAllowed, match="block_work"):
        full.apply(too_much)
    full.apply(light)
    assert full.seal().block == clean.block
