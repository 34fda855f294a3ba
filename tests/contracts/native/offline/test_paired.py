"""PAIRED locks: opened, filled up, extended, redeemed, released, refunded; and every refusal."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from consensus.primitives.signatures import SECP256K1_ORDER
from contracts.abi import AbiValue
from contracts.addresses import BATCH, OFFLINE_LOCKS, currency_address
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.offline.contract import OFFLINE_LOCKS as CONTRACT
from contracts.native.offline.prices import GAS_P256, GAS_REDEEM
from contracts.offline.lock_rules import AMOUNT_MAX
from contracts.offline.typed_data import LockTerms, lock_id
from tests.contracts.ledger import ADMIN, ALICE, CAROL, EUR, text
from tests.contracts.native.offline.till import (
    CLAIM_UNTIL_S,
    DAY_S,
    DEPOSIT,
    INVOICE,
    NOW_S,
    P256_TERMS,
    PAYEE,
    SEPARATOR,
    SPEND_UNTIL_S,
    TERMS,
    Till,
    released,
    terms_of,
    voucher,
)

LOCK = lock_id(SEPARATOR, TERMS)
LOCK_TEXT = f"0x{LOCK.hex()}"


def test_open_moves_the_deposit_out_of_the_payers_balance(till: Till) -> None:
    outcome = till.does(ALICE, "open", terms_of(TERMS), DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert outcome.values == (LOCK,)
    assert till.money() == (95_000, 0, 0, DEPOSIT)
    assert till.word() == (0, DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert till.ledger.read(OFFLINE_LOCKS, "openNonceOf", ALICE) == 1
    assert outcome.events == [
        f"Transfer(from={text(ALICE)}, to={text(OFFLINE_LOCKS)}, value=5000)",
        f"LockOpened(lockId={LOCK_TEXT}, payer={text(ALICE)}, payee={text(PAYEE)}, till={text(ZERO_ADDRESS)},"
        f" currency={text(EUR)}, signer={text(TERMS.signer)}, sigAlg=1, openNonce=0, deposit=5000,"
        f" spendUntil={SPEND_UNTIL_S}, claimUntil={CLAIM_UNTIL_S})",
    ]


def test_the_id_is_shown_before_anything_is_opened(till: Till) -> None:
    assert till.ledger.read(OFFLINE_LOCKS, "lockIdOf", terms_of(TERMS)) == LOCK
    assert till.word() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "numbers", "error"),
    [
        ({"payer": CAROL}, {}, f"NotPayer(caller={text(ALICE)}, payer={text(CAROL)})"),
        ({"payee": ZERO_ADDRESS}, {}, f"BadPayee(payee={text(ZERO_ADDRESS)})"),
        ({"payee": ALICE}, {}, f"BadPayee(payee={text(ALICE)})"),
        ({"payee": EUR}, {}, f"BadPayee(payee={text(EUR)})"),
        ({"currency": currency_address(9)}, {}, f"UnknownCurrency(currency={text(currency_address(9))})"),
        ({"currency": CAROL}, {}, f"UnknownCurrency(currency={text(CAROL)})"),
        ({"signer": ZERO_ADDRESS}, {}, f"BadSigner(signer={text(ZERO_ADDRESS)})"),
        ({"sig_alg": 3}, {}, "UnknownSigAlg(sigAlg=3)"),
        ({"open_nonce": 1}, {}, "WrongOpenNonce(expected=0, given=1)"),
        ({}, {"deposit": 0}, "ZeroAmount()"),
        ({}, {"spend": NOW_S}, f"SpendUntilPassed(spendUntil={NOW_S}, now={NOW_S})"),
        ({}, {"claim": SPEND_UNTIL_S + 3 * DAY_S - 1}, f"GraceTooShort(min={3 * DAY_S})"),
        ({}, {"claim": NOW_S + 30 * DAY_S + 1}, f"LifeTooLong(max={30 * DAY_S})"),
        (
            {},
            {"deposit": 100_001},
            f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=100000, needed=100001)",
        ),
    ],
)
def test_open_refuses_by_name(till: Till, changes: dict[str, Address], numbers: dict[str, int], error: str) -> None:
    terms = replace(TERMS, **changes)  # type: ignore[arg-type]  # a table's short form
    values = {"deposit": DEPOSIT, "spend": SPEND_UNTIL_S, "claim": CLAIM_UNTIL_S, **numbers}
    assert till.does(ALICE, "open", terms_of(terms), *values.values()).error == error


def test_open_at_the_bounds_of_time_passes(till: Till) -> None:
    claim_until_s = NOW_S + 30 * DAY_S
    assert till.does(ALICE, "open", terms_of(TERMS), 1, claim_until_s - 3 * DAY_S, claim_until_s).error is None


def test_open_passes_every_check_of_a_payment_to_the_payee(till: Till) -> None:
    till.denying(PAYEE)
    refused = till.does(ALICE, "open", terms_of(TERMS), DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert refused.error == f"PolicyRefusesRecipient(policyId=2, recipient={text(PAYEE)})"


def test_open_counts_against_the_payers_limit_of_the_day(till: Till) -> None:
    till.with_limits(out=DEPOSIT).opened()
    again = till.does(ALICE, "open", terms_of(replace(TERMS, open_nonce=1)), 1, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert again.error == f"DailyOutLimitExceeded(account={text(ALICE)}, tier=255, limit=5000, used=5000, amount=1)"


def test_open_waits_for_the_end_of_a_pause(till: Till) -> None:
    till.paused()
    refused = till.does(ALICE, "open", terms_of(TERMS), DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert refused.error == "EnforcedPause()"


def test_a_retried_open_fails_instead_of_locking_twice(till: Till) -> None:
    till.opened()
    again = till.does(ALICE, "open", terms_of(TERMS), DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert again.error == "WrongOpenNonce(expected=1, given=0)"


def test_one_batch_opens_a_lock_for_each_payee(till: Till) -> None:
    calls = []
    for number, payee in enumerate((PAYEE, CAROL)):
        terms = terms_of(replace(TERMS, payee=payee, open_nonce=number))
        data = encode_call(find_function(CONTRACT, "open"), terms, DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
        calls.append((OFFLINE_LOCKS, data))
    assert till.ledger.call(ALICE, BATCH, "execute", calls).error is None
    assert till.balance(OFFLINE_LOCKS) == 2 * DEPOSIT


def test_top_up_adds_to_the_deposit(till: Till) -> None:
    outcome = till.opened().does(ALICE, "topUp", terms_of(TERMS), 1_000)
    assert till.word()[:2] == (0, 6_000)
    assert till.money() == (94_000, 0, 0, 6_000)
    assert outcome.events[-1] == f"LockToppedUp(lockId={LOCK_TEXT}, deposit=6000)"


@pytest.mark.parametrize(
    ("caller", "amount", "now_s", "error"),
    [
        (CAROL, 1, NOW_S, f"NotPayer(caller={text(CAROL)}, payer={text(ALICE)})"),
        (ALICE, 0, NOW_S, "ZeroAmount()"),
        (ALICE, 1, SPEND_UNTIL_S, f"SpendUntilPassed(spendUntil={SPEND_UNTIL_S}, now={SPEND_UNTIL_S})"),
        (ALICE, AMOUNT_MAX, NOW_S, f"AmountTooLarge(amount={AMOUNT_MAX}, highest={AMOUNT_MAX - DEPOSIT})"),
        (
            ALICE,
            95_001,
            NOW_S,
            f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=95000, needed=95001)",
        ),
    ],
)
def test_top_up_refuses_by_name(till: Till, caller: Address, amount: int, now_s: int, error: str) -> None:
    assert till.opened().at(now_s).does(caller, "topUp", terms_of(TERMS), amount).error == error


def test_top_up_waits_for_the_end_of_a_pause(till: Till) -> None:
    assert till.opened().paused().does(ALICE, "topUp", terms_of(TERMS), 1).error == "EnforcedPause()"


def test_extend_moves_both_times(till: Till) -> None:
    outcome = till.opened().does(ALICE, "extend", terms_of(TERMS), SPEND_UNTIL_S + 1, CLAIM_UNTIL_S + 2)
    assert till.word() == (0, DEPOSIT, SPEND_UNTIL_S + 1, CLAIM_UNTIL_S + 2)
    assert outcome.events == [
        f"LockExtended(lockId={LOCK_TEXT}, spendUntil={SPEND_UNTIL_S + 1}, claimUntil={CLAIM_UNTIL_S + 2})"
    ]


@pytest.mark.parametrize(
    ("caller", "spend_s", "claim_s", "now_s", "error"),
    [
        (CAROL, SPEND_UNTIL_S, CLAIM_UNTIL_S, NOW_S, f"NotPayer(caller={text(CAROL)}, payer={text(ALICE)})"),
        (
            ALICE,
            SPEND_UNTIL_S,
            CLAIM_UNTIL_S,
            CLAIM_UNTIL_S + 1,
            f"ClaimWindowClosed(claimUntil={CLAIM_UNTIL_S})",
        ),
        (
            ALICE,
            SPEND_UNTIL_S - 1,
            CLAIM_UNTIL_S,
            NOW_S,
            f"TimesShrink(current={SPEND_UNTIL_S}, given={SPEND_UNTIL_S - 1})",
        ),
        (
            ALICE,
            SPEND_UNTIL_S,
            CLAIM_UNTIL_S - 1,
            NOW_S,
            f"TimesShrink(current={CLAIM_UNTIL_S}, given={CLAIM_UNTIL_S - 1})",
        ),
        (ALICE, SPEND_UNTIL_S, NOW_S + 30 * DAY_S + 1, NOW_S, f"LifeTooLong(max={30 * DAY_S})"),
        (ALICE, CLAIM_UNTIL_S, CLAIM_UNTIL_S, NOW_S, f"GraceTooShort(min={3 * DAY_S})"),
    ],
)
def test_extend_refuses_by_name(
    till: Till, caller: Address, spend_s: int, claim_s: int, now_s: int, error: str
) -> None:
    assert till.opened().at(now_s).does(caller, "extend", terms_of(TERMS), spend_s, claim_s).error == error


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("topUp", (1,)),
        ("extend", (SPEND_UNTIL_S, CLAIM_UNTIL_S)),
        ("redeem", (1, INVOICE, voucher(1))),
        ("release", (0, released(0), 0, INVOICE, b"")),
        ("refund", ()),
    ],
)
def test_a_lock_that_is_not_there_says_so(till: Till, name: str, values: tuple[AbiValue, ...]) -> None:
    assert till.does(ALICE, name, terms_of(TERMS), *values).error == f"LockNotFound(lockId={LOCK_TEXT})"


def test_redeem_pays_what_the_voucher_says_beyond_what_was_paid(till: Till) -> None:
    outcome = till.opened().redeems(1_200)
    assert outcome.values == (1_200,)
    assert till.money() == (95_000, 1_200, 0, 3_800)
    assert outcome.events == [
        f"Transfer(from={text(OFFLINE_LOCKS)}, to={text(PAYEE)}, value=1200)",
        f"Redeemed(lockId={LOCK_TEXT}, payee={text(PAYEE)}, invoice=0x{INVOICE.hex()}, cumulative=1200, paid=1200)",
    ]
    assert till.redeems(1_500).values == (300,)
    assert till.money() == (95_000, 1_500, 0, 3_500)


@pytest.mark.parametrize("cumulative", [1_200, 1_199, 0])
def test_an_overtaken_voucher_succeeds_and_pays_nothing(till: Till, cumulative: int) -> None:
    till.opened().redeems(1_200)
    again = till.redeems(cumulative)
    assert again.values == (0,)
    assert till.money() == (95_000, 1_200, 0, 3_800)
    assert len(again.events) == 1


def test_redeem_is_paid_in_the_last_second_and_not_in_the_next(till: Till) -> None:
    till.opened()
    closed = till.at(CLAIM_UNTIL_S + 1).redeems(DEPOSIT)
    assert closed.error == f"ClaimWindowClosed(claimUntil={CLAIM_UNTIL_S})"
    assert till.at(CLAIM_UNTIL_S).redeems(DEPOSIT).values == (DEPOSIT,)


def test_redeem_refuses_more_than_the_deposit_and_what_the_device_did_not_sign(till: Till) -> None:
    till.opened()
    assert till.redeems(DEPOSIT + 1).error == f"ExceedsDeposit(deposit={DEPOSIT})"
    stranger = f"BadSignature(signer={text(TERMS.signer)})"
    assert till.redeems(1, key="thief").error == stranger
    other_invoice = till.does(CAROL, "redeem", terms_of(TERMS), 1, bytes(8), voucher(1))
    assert other_invoice.error == stranger
    s = SECP256K1_ORDER - int.from_bytes(voucher(1)[32:64], "big")
    high = voucher(1)[:32] + s.to_bytes(32, "big") + voucher(1)[64:]
    assert till.does(CAROL, "redeem", terms_of(TERMS), 1, INVOICE, high).error == "HighS()"


def test_a_p256_device_pays_and_costs_its_signature(till: Till) -> None:
    outcome = till.opened(P256_TERMS).redeems(700, P256_TERMS)
    assert outcome.values == (700,)
    assert outcome.result.gas_used == GAS_REDEEM + GAS_P256


@pytest.mark.parametrize("later", ["paused", "payer frozen", "payer denied", "payer suspended"])
def test_nothing_done_to_payer_or_currency_stops_the_payees_leg(till: Till, later: str) -> None:
    till.opened()
    match later:
        case "paused":
            till.paused()
        case "payer frozen":
            till.with_enforcer().in_euro(ADMIN, "setFrozenTokens", ALICE, 100_000)
        case "payer denied":
            till.denying(ALICE)
        case _:
            till.with_limits().suspending(ALICE)
    assert till.redeems(1_000).values == (1_000,)
    assert till.balance(PAYEE) == 1_000


def test_release_by_the_payer_pays_the_payee_and_gives_back_the_rest(till: Till) -> None:
    outcome = till.opened().does(ALICE, "release", terms_of(TERMS), 2_000, released(2_000), 0, INVOICE, b"")
    assert outcome.error is None
    assert till.money() == (98_000, 2_000, 0, 0)
    assert till.word() == (0, 0, 0, 0)
    assert outcome.events[-1] == f"LockReleased(lockId={LOCK_TEXT}, paid=2000, refunded=3000)"
    assert till.redeems(DEPOSIT).error == f"LockNotFound(lockId={LOCK_TEXT})"


def test_anybody_releases_what_is_settled_already(till: Till) -> None:
    till.opened().redeems(1_000)
    assert till.does(CAROL, "release", terms_of(TERMS), 1_000, released(1_000), 0, INVOICE, b"").error is None
    assert till.money() == (99_000, 1_000, 0, 0)


def test_anybody_releases_with_a_voucher_of_as_much(till: Till) -> None:
    till.opened()
    shown = (2_500, INVOICE, voucher(2_500))
    assert till.does(PAYEE, "release", terms_of(TERMS), 2_000, released(2_000), *shown).error is None
    assert till.money() == (98_000, 2_000, 0, 0)


@pytest.mark.parametrize(
    ("cumulative", "payee_signature", "shown", "error"),
    [
        (500, released(500), (0, INVOICE, b""), "BelowSettled(settled=1000)"),
        (DEPOSIT + 1, released(DEPOSIT + 1), (0, INVOICE, b""), f"ExceedsDeposit(deposit={DEPOSIT})"),
        (2_000, released(2_000, key="thief"), (0, INVOICE, b""), f"BadSignature(signer={text(PAYEE)})"),
        (2_000, released(1_999), (0, INVOICE, b""), f"BadSignature(signer={text(PAYEE)})"),
        (2_000, released(2_000), (1_999, INVOICE, voucher(1_999)), "NeedsVoucher(cumulative=2000)"),
        (
            2_000,
            released(2_000),
            (2_000, INVOICE, voucher(2_000, key="thief")),
            f"BadSignature(signer={text(TERMS.signer)})",
        ),
    ],
)
def test_release_by_a_stranger_refuses_by_name(
    till: Till, cumulative: int, payee_signature: bytes, shown: tuple[AbiValue, ...], error: str
) -> None:
    till.opened().redeems(1_000)
    assert till.does(CAROL, "release", terms_of(TERMS), cumulative, payee_signature, *shown).error == error


def test_release_of_all_passes_a_pause_and_of_less_waits(till: Till) -> None:
    till.opened().paused()
    some = till.does(ALICE, "release", terms_of(TERMS), 1, released(1), 0, INVOICE, b"")
    assert some.error == "EnforcedPause()"
    everything = till.does(ALICE, "release", terms_of(TERMS), DEPOSIT, released(DEPOSIT), 0, INVOICE, b"")
    assert everything.error is None


def test_refund_gives_back_the_rest_and_never_before_its_time(till: Till) -> None:
    till.opened().redeems(1_000)
    early = till.at(CLAIM_UNTIL_S).does(CAROL, "refund", terms_of(TERMS))
    assert early.error == f"NotYetRefundable(claimUntil={CLAIM_UNTIL_S})"
    outcome = till.at(CLAIM_UNTIL_S + 1).does(CAROL, "refund", terms_of(TERMS))
    assert outcome.values == (4_000,)
    assert till.money() == (99_000, 1_000, 0, 0)
    assert outcome.events[-1] == f"LockRefunded(lockId={LOCK_TEXT}, refunded=4000)"
    assert till.does(CAROL, "refund", terms_of(TERMS)).error == f"LockNotFound(lockId={LOCK_TEXT})"


def test_refund_of_a_lock_that_was_spent_whole_erases_it(till: Till) -> None:
    till.opened().redeems(DEPOSIT)
    assert till.paused().at(CLAIM_UNTIL_S + 1).does(CAROL, "refund", terms_of(TERMS)).values == (0,)
    assert till.word() == (0, 0, 0, 0)


def test_refund_waits_for_the_end_of_a_pause(till: Till) -> None:
    till.opened().paused().at(CLAIM_UNTIL_S + 1)
    assert till.does(CAROL, "refund", terms_of(TERMS)).error == "EnforcedPause()"
    assert till.unpaused().does(CAROL, "refund", terms_of(TERMS)).values == (DEPOSIT,)


def test_refund_ignores_the_payers_limits_and_freeze(till: Till) -> None:
    till.opened().with_limits(incoming=1).with_enforcer()
    till.in_euro(ADMIN, "setFrozenTokens", ALICE, 100_000)
    assert till.at(CLAIM_UNTIL_S + 1).does(CAROL, "refund", terms_of(TERMS)).values == (DEPOSIT,)
    assert till.money() == (100_000, 0, 0, 0)


def test_a_voucher_of_another_lock_or_network_is_not_honoured(till: Till) -> None:
    other: LockTerms = replace(TERMS, open_nonce=1)
    till.opened().opened(other)
    signature = voucher(1_000, other)
    refused = till.does(CAROL, "redeem", terms_of(TERMS), 1_000, INVOICE, signature)
    assert refused.error == f"BadSignature(signer={text(TERMS.signer)})"
    domain = till.does(CAROL, "eip712Domain").values
    assert domain[1:5] == ("Sycee OfflineLocks", "1", 23_790, OFFLINE_LOCKS)
