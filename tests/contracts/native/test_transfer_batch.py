"""Many payments in one call: equal to as many single ones, all or nothing, and a fifth of their price."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.decoding import decode_revert
from contracts.layout import UINT256_MAX
from contracts.native.dispatch import GAS_TRANSFER, GAS_TRANSFER_ROW, WORK_TRANSFER, WORK_TRANSFER_ROW
from contracts.native.roles import FREEZER_ROLE, LIMIT_ROLE
from node.execution.limits import WORK_CALLDATA_WORD, WORK_TRANSACTION
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EUR,
    MEMO,
    PAUSER,
    Ledger,
    Outcome,
    account,
    text,
    without_zeros,
)

Row = tuple[Address, int, bytes]
INTRINSIC_GAS = 21_000
ROW_WORDS, TRANSFER_WORDS = 3, 3


def pay(ledger: Ledger, *rows: Row) -> Outcome:
    columns = [[row[column] for row in rows] for column in range(3)]
    return ledger.call(ALICE, EUR, "transferBatch", *columns)


def reason(outcome: Outcome, index: int) -> str:
    """Return the error of the row named, in words."""
    opening = f"TransferRowFailed(index={index}, reason=0x"
    assert str(outcome.error).startswith(opening), outcome.error
    return str(decode_revert(bytes.fromhex(str(outcome.error)[len(opening) : -1])))


def governed(frozen: int = 0) -> Ledger:
    """Return a ledger in which limits of every kind apply to everybody, and `frozen` is what Alice cannot spend."""
    ledger = Ledger()
    for role in (LIMIT_ROLE, FREEZER_ROLE):
        assert ledger.call(ADMIN, EUR, "grantRole", role, ADMIN).error is None
    assert ledger.call(ADMIN, EUR, "setTierLimits", 255, 50_000, 90_000, 60_000, 99_000).error is None
    assert ledger.call(ADMIN, EUR, "setLimitsEnabled", True).error is None
    if frozen:
        assert ledger.call(ADMIN, EUR, "setFrozenTokens", ALICE, frozen).error is None
    return ledger


def test_every_row_is_paid_and_logged_with_its_memo() -> None:
    ledger = Ledger()
    outcome = pay(ledger, (BOB, 3, MEMO), (CAROL, 4, bytes(32)), (BOB, 5, MEMO))
    assert outcome.values == (True,)
    assert outcome.events == [
        event
        for to, amount, memo in ((BOB, 3, MEMO), (CAROL, 4, bytes(32)), (BOB, 5, MEMO))
        for event in (
            f"Transfer(from={text(ALICE)}, to={text(to)}, value={amount})",
            f"Memo(from={text(ALICE)}, to={text(to)}, memo=0x{memo.hex()})",
        )
    ]
    assert [ledger.read(EUR, "balanceOf", who) for who in (ALICE, BOB, CAROL)] == [99_988, 8, 4]


def test_one_failing_row_undoes_all_and_names_its_index_and_reason() -> None:
    ledger = Ledger()
    outcome = pay(ledger, (BOB, 99_999, MEMO), (CAROL, 2, MEMO), (ZERO_ADDRESS, 1, MEMO))
    assert reason(outcome, 1) == f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=1, needed=2)"
    assert ledger.read(EUR, "balanceOf", BOB) == 0
    assert pay(ledger, (BOB, 99_999, MEMO), (CAROL, 1, MEMO)).error is None


def test_what_is_frozen_is_not_paid_out_in_rows() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "grantRole", FREEZER_ROLE, ADMIN)
    ledger.call(ADMIN, EUR, "setFrozenTokens", ALICE, 60_000)
    outcome = pay(ledger, (BOB, 40_000, MEMO), (CAROL, 1, MEMO))
    expected = f"ERC7943InsufficientUnfrozenBalance(account={text(ALICE)}, amount=1, unfrozen=0)"
    assert reason(outcome, 1) == expected
    assert pay(ledger, (BOB, 40_000, MEMO), (CAROL, 0, MEMO)).error is None


def test_rows_fill_a_day_and_a_wallet_together() -> None:
    ledger = governed()
    outcome = pay(ledger, (BOB, 50_000, MEMO), (BOB, 10_001, MEMO))
    assert reason(outcome, 1).startswith("DailyInLimitExceeded")
    outcome = pay(ledger, (BOB, 50_000, MEMO), (CAROL, 40_001, MEMO))
    assert reason(outcome, 1).startswith("DailyOutLimitExceeded")
    assert pay(ledger, (BOB, 50_000, MEMO), (CAROL, 40_000, MEMO)).error is None


def test_what_earlier_rows_bring_fills_a_wallet() -> None:
    ledger = governed()
    assert ledger.call(ADMIN, EUR, "setTierLimits", 255, 0, 0, 0, 10).error is None
    assert reason(pay(ledger, (BOB, 6, MEMO), (BOB, 5, MEMO)), 1).startswith("BalanceLimitExceeded")
    assert pay(ledger, (BOB, 6, MEMO), (BOB, 4, MEMO)).error is None


def test_the_first_row_hears_of_a_pause() -> None:
    ledger = Ledger()
    ledger.call(PAUSER, EUR, "pause")
    assert reason(pay(ledger, (BOB, 1, MEMO)), 0) == "EnforcedPause()"
    assert pay(ledger).error is None


def test_five_hundred_rows_are_paid_and_one_more_is_not() -> None:
    ledger = Ledger()
    rows = [(account(1_000 + number), 1, MEMO) for number in range(501)]
    assert pay(ledger, *rows).error == "TooManyRows(count=501, highest=500)"
    assert pay(ledger, *rows[:500]).error is None
    assert ledger.read(EUR, "balanceOf", ALICE) == 99_500


def test_columns_are_equally_long() -> None:
    ledger = Ledger()
    refused = "RowCountsDiffer(recipients=2, amounts={}, memos={})"
    for amounts, memos in (((1,), (MEMO, MEMO)), ((1, 2), (MEMO,)), ((1, 2, 3), (MEMO, MEMO))):
        outcome = ledger.call(ALICE, EUR, "transferBatch", (BOB, CAROL), amounts, memos)
        assert outcome.error == refused.format(len(amounts), len(memos))


def test_gas_and_work_are_charged_by_row_and_too_little_gas_pays_nobody() -> None:
    ledger = Ledger()
    outcome = pay(ledger, (BOB, 1, MEMO), (CAROL, 1, MEMO))
    assert outcome.result.gas_used == GAS_TRANSFER + 2 * GAS_TRANSFER_ROW
    assert outcome.result.work == WORK_TRANSFER + 2 * WORK_TRANSFER_ROW


def test_a_payment_of_a_full_batch_costs_at_most_a_fifth_of_a_single_one() -> None:
    assert 5 * (INTRINSIC_GAS + GAS_TRANSFER + 500 * GAS_TRANSFER_ROW) <= 500 * (INTRINSIC_GAS + GAS_TRANSFER)
    batch = WORK_TRANSACTION + WORK_TRANSFER + 500 * (WORK_TRANSFER_ROW + ROW_WORDS * WORK_CALLDATA_WORD)
    single = WORK_TRANSACTION + WORK_TRANSFER + TRANSFER_WORDS * WORK_CALLDATA_WORD
    assert 5 * batch <= 500 * single


ROWS = st.lists(
    st.tuples(
        st.sampled_from((ALICE, BOB, CAROL, BOB, CAROL, ZERO_ADDRESS)),
        st.one_of(st.integers(0, 30_000), st.sampled_from((0, 50_001, UINT256_MAX))),
        st.just(MEMO),
    ),
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.booleans(), st.sampled_from((0, 1, 70_000, UINT256_MAX)))
def test_a_batch_does_what_its_rows_do_one_after_another(rows: list[Row], has_limits: bool, frozen: int) -> None:
    batched, single = (governed(frozen) if has_limits else Ledger() for _ in range(2))
    outcome = pay(batched, *rows)
    events: list[str] = []
    for index, (to, amount, memo) in enumerate(rows):
        one = single.call(ALICE, EUR, "transferWithMemo", to, amount, memo)
        if one.error is not None:
            assert reason(outcome, index) == one.error
            return
        events += one.events
    assert outcome.error is None
    assert outcome.events == events
    assert without_zeros(batched.storage) == without_zeros(single.storage)
