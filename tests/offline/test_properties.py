"""What offline money promises, each promise a test: locks and purses on the ledger (offline.md §15, §16)."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.errors import RuleBroken
from contracts.offline.lock_rules import OfflineWord, redeem, refund
from contracts.offline.purse_rules import class_id
from contracts.offline.typed_data import Hop, PurseTerms, purse_id
from tests.contracts.ledger import ADMIN, ALICE, CAROL, DictionaryContext, without_zeros
from tests.contracts.native.offline.till import (
    CLAIM_UNTIL_S,
    DEPOSIT,
    NOW_S,
    PAYEE,
    PURSE,
    SEPARATOR,
    TERMS,
    Till,
    hop,
    terms_of,
)
from tests.wallet_cli.offline.builders import key_of

FOUR = tuple(sorted(address_of_private_key(key_of(f"shop {number}")) for number in range(4)))
CAP = 1_000
COVERED: PurseTerms = replace(PURSE, value=2_000, collateral=2_000, per_payee=CAP, accept_class=class_id(FOUR))
COVERED_ID = purse_id(SEPARATOR, COVERED)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time be this test's own."""
    monkeypatch.setattr(DictionaryContext, "block_timestamp_s", NOW_S)


def till() -> Till:
    return Till(pytest.MonkeyPatch())


def shops() -> Till:
    """Return a ledger with a purse that covers four shops."""
    opened = till()
    assert opened.does(CAROL, "createClass", FOUR).error is None
    assert opened.does(ALICE, "openPurse", terms_of(COVERED)).error is None
    return opened


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_in_every_second_exactly_one_of_redeem_and_refund_is_possible(claim_until_s: int, now_s: int) -> None:
    word = OfflineWord(0, DEPOSIT, 0, claim_until_s)

    def is_possible(step: object, **named: int) -> bool:
        try:
            step(word, now_s=now_s, **named)  # type: ignore[operator]  # either of two rules
        except RuleBroken:
            return False
        return True

    assert is_possible(redeem, cumulative=1) is not is_possible(refund)


AUTHORITIES = ("paused", "unpaused", "denying payer", "denying payee", "limits", "suspending payer", "suspending payee")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(AUTHORITIES), max_size=5, unique=True), st.booleans())
def test_whatever_authorities_do_a_voucher_credits_its_payee_to_the_last_second(
    done: list[str], is_released_early: bool
) -> None:
    opened = till().opened()
    for what in done:
        authority(opened, what)
    outcome = opened.redeems(1_234)
    assert outcome.values == (1_234,), outcome.error
    assert opened.balance(PAYEE) + opened.held(PAYEE) == 1_234
    assert opened.balance(OFFLINE_LOCKS) == DEPOSIT - 1_234 + opened.held(PAYEE)


def authority(opened: Till, what: str) -> None:
    """Let an authority do something to somebody; some of it cannot be done twice, which changes nothing."""
    match what:
        case "paused":
            opened.paused()
        case "unpaused":
            opened.in_euro(ADMIN, "grantRole", opened.ledger.read(opened_currency(), "UNPAUSER_ROLE"), ADMIN)
            opened.ledger.call(ADMIN, opened_currency(), "unpause")
        case "denying payer":
            opened.denying(ALICE)
        case "denying payee":
            opened.denying(PAYEE)
        case "limits":
            opened.with_limits(incoming=1)
        case "suspending payer" | "suspending payee":
            opened.with_limits()
            opened.ledger.call(ADMIN, opened_currency(), "setLimitsEnabled", True)
            if not opened.ledger.read(REGISTRY, "bankCount"):
                opened.suspending(ALICE if what == "suspending payer" else PAYEE)


def opened_currency() -> Address:
    return TERMS.currency


REGISTRY = Address(bytes.fromhex("5cee") + bytes(17) + b"\x03")


@settings(max_examples=25, deadline=None)
@given(st.permutations([300, 700, 1_200, 700, 0]))
def test_the_largest_voucher_wins_in_any_order_and_again(vouchers: list[int]) -> None:
    opened = till().opened()
    for cumulative in (*vouchers, *vouchers):
        assert opened.redeems(cumulative).error is None
    assert opened.money() == (95_000, 1_200, 0, DEPOSIT - 1_200)


SPENDS = st.lists(st.tuples(st.integers(0, 1_999), st.integers(1, 500), st.sampled_from(FOUR)), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(SPENDS, st.randoms(use_true_random=False))
def test_every_payee_gets_all_it_accepted_though_units_were_spent_again_and_again(
    spends: list[tuple[int, int, Address]], order: object
) -> None:
    opened = shops()
    accepted = dict.fromkeys(FOUR, 0)
    shown = []
    for number, (lo, amount, to) in enumerate(spends):
        hi = min(lo + amount, COVERED.value)
        spend = Hop(COVERED_ID, lo, hi, to, number.to_bytes(8, "big"))
        shown.append(spend)
        # An honest payee accepts up to its cap; what it refuses may be claimed all the same, to use the cap up.
        if accepted[to] + hi - lo <= CAP:
            accepted[to] += hi - lo
    order.shuffle(shown)  # type: ignore[attr-defined]  # a random source
    for spend in shown:
        assert opened.claims(spend, COVERED).error is None
    for payee in FOUR:
        assert opened.balance(payee) >= accepted[payee]
        assert opened.balance(payee) <= CAP


def test_four_shops_are_paid_in_full_by_a_wallet_that_was_cloned_for_each() -> None:
    opened = shops()
    for payee in FOUR:
        assert opened.claims(Hop(COVERED_ID, 0, CAP, payee, bytes(8)), COVERED).values == (CAP,)
    assert [opened.balance(payee) for payee in FOUR] == [CAP] * 4
    assert opened.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is True


def test_honest_claims_come_to_the_same_ledger_in_any_order() -> None:
    spends = [Hop(COVERED_ID, 300 * place, 300 * (place + 1), to, bytes(8)) for place, to in enumerate(FOUR)]
    ledgers = []
    for order in itertools.permutations(spends):
        opened = shops()
        for spend in order:
            assert opened.claims(spend, COVERED).error is None
        ledgers.append(without_zeros(opened.ledger.storage))
    assert all(storage == ledgers[0] for storage in ledgers)


def test_an_honest_owner_is_never_convicted_by_what_it_signed() -> None:
    opened = shops()
    spends = [Hop(COVERED_ID, 100 * place, 100 * (place + 1), FOUR[place & 3], bytes(8)) for place in range(6)]
    for first, second in itertools.product(spends, repeat=2):
        assert opened.proves(first, second, COVERED).error is not None
    assert opened.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is False


def test_behind_the_last_second_no_claim_and_no_proof_moves_a_payout() -> None:
    opened = shops()
    opened.claims(Hop(COVERED_ID, 0, 400, FOUR[0], bytes(8)), COVERED)
    before = opened.balance(FOUR[0]), opened.balance(FOUR[1])
    opened.at(CLAIM_UNTIL_S + 1)
    first, second = (Hop(COVERED_ID, 0, 500, to, bytes(8)) for to in FOUR[:2])
    assert opened.claims(second, COVERED).error == f"ClaimWindowClosed(claimUntil={CLAIM_UNTIL_S})"
    assert opened.proves(first, second, COVERED).error is None
    assert (opened.balance(FOUR[0]), opened.balance(FOUR[1])) == before


def test_a_thief_of_an_unlocked_device_pays_only_whom_the_owner_chose() -> None:
    opened = till().opened().with_purse(replace(PURSE, open_nonce=1))
    purse = purse_id(SEPARATOR, replace(PURSE, open_nonce=1))
    thief = address_of_private_key(key_of("thief"))
    stolen = opened.claims(hop(0, 3_000, thief, purse=purse), replace(PURSE, open_nonce=1))
    assert stolen.error is not None
    assert stolen.error.startswith("NotInClass")
    assert opened.redeems(DEPOSIT).error is None
    assert opened.balance(PAYEE) == DEPOSIT
    assert opened.balance(thief) == 0
