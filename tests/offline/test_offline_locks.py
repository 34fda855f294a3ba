"""Random lives with offline money agree with a model that shares nothing with the contract; wrong contracts do not."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from contracts.native.offline import custody, fraud, held, paired, proofs, purses, records
from contracts.offline import lock_rules, purse_rules
from contracts.offline.errors import BadRange, ClaimWindowClosed
from contracts.offline.lock_rules import OfflineWord
from tests.offline.episodes import Tally, run_scenario
from tests.offline.model.ledger import FUNCTIONS

REACHED = {
    "open": {"NotPayer", "BadPayee", "UnknownCurrency", "BadSigner", "WrongOpenNonce", "ZeroAmount", "EnforcedPause"},
    "redeem": {"LockNotFound", "ClaimWindowClosed", "ExceedsDeposit", "BadSignature", "HighS"},
    "release": {"BelowSettled", "ExceedsDeposit", "BadSignature", "NeedsVoucher"},
    "refund": {"NotYetRefundable", "EnforcedPause"},
    "claim": {"PurseNotFound", "ClaimWindowClosed", "OtherPurse", "BadRange", "NotInClass", "BadSignature"},
    "prove": {"SameDigest", "NoOverlap", "BadRange"},
    "closePurse": {"NotYetRefundable"},
    "releaseHeld": {"ExceedsHeld", "UnknownCurrency"},
}
"""Refusals that a hundred scenarios meet; every one of the contract has a test of its own besides."""


@pytest.fixture(scope="module")
def many_lives() -> Tally:
    total = Tally()
    for scenario in range(120):
        total.add(run_scenario(2_026, scenario))
    return total


def test_random_lives_agree_with_the_model_through_both_doors(many_lives: Tally) -> None:
    assert many_lives.failures == []
    assert many_lives.calls_through_contract >= 700


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("clear", "enforceHeld")])
def test_every_function_is_obeyed_and_refused(many_lives: Tally, name: str) -> None:
    outcomes = {error for called, error in many_lives.counts if called == name}
    assert "ok" in outcomes
    assert outcomes >= REACHED.get(name, set())
    assert len(outcomes) > 1


def nothing(*_given: object, **_named: object) -> None:
    """Ask nothing."""


def no_use(*_given: object, **_named: object) -> dict[int, int]:
    """Ask nothing and count nothing."""
    return {}


def refund_at_any_time(word: OfflineWord, *, now_s: int) -> int:
    return word.left


def closes_a_second_early(word: OfflineWord, now_s: int) -> None:
    if now_s >= word.claim_until_s - 1:
        raise ClaimWindowClosed(claim_until_s=word.claim_until_s, now_s=now_s)


def pays_over_the_cap(terms: Any, word: Any, hop: Any, *, paid_to: int, now_s: int) -> int:
    return CLAIM(terms, word, hop, paid_to=0, now_s=now_s)


def refuses_at_the_cap(terms: Any, word: Any, hop: Any, *, paid_to: int, now_s: int) -> int:
    paid = CLAIM(terms, word, hop, paid_to=paid_to, now_s=now_s)
    if paid < hop.hi - hop.lo:
        raise BadRange(lo=hop.lo, hi=hop.hi, value=terms.value)
    return paid


def pays_the_whole_voucher_again(word: OfflineWord, *, cumulative: int, now_s: int) -> tuple[OfflineWord, int]:
    settled, _ = REDEEM(word, cumulative=cumulative, now_s=now_s)
    return settled, min(cumulative, word.left)


def always_there(*_given: object) -> OfflineWord:
    return OfflineWord(0, 0, 1, 2**32 - 1)


def forgets_what_was_settled(context: Any, purse: Any, word: OfflineWord) -> None:
    WRITE_PURSE(context, purse, replace(word, settled=0))


CLAIM, REDEEM, WRITE_PURSE = purse_rules.claim, lock_rules.redeem, records.write_purse

MUTANTS: dict[str, tuple[ModuleType, str, Callable[..., object]]] = {
    "a lock is refunded at any time": (lock_rules, "refund", refund_at_any_time),
    "a claim window that never closes": (lock_rules, "_require_claimable", nothing),
    "a claim window that closes early": (lock_rules, "_require_claimable", closes_a_second_early),
    "a voucher is paid whole each time": (lock_rules, "redeem", pays_the_whole_voucher_again),
    "a lock's number is not asked": (paired, "require_open_nonce", nothing),
    "a purse's number is not asked": (purses, "require_open_nonce", nothing),
    "a lock's number is not counted": (paired, "use_open_nonce", nothing),
    "anybody opens for a payer": (paired, "_require_payer", nothing),
    "a lock's times are not asked": (paired, "check_times", nothing),
    "a purse's times are not asked": (purses, "check_times", nothing),
    "no signature of a voucher": (paired, "verify_device_signature", nothing),
    "no signature of a spend": (purse_rules, "verify_device_signature", nothing),
    "a payee is paid above its cap": (purse_rules, "claim", pays_over_the_cap),
    "a claim is refused at the cap": (purse_rules, "claim", refuses_at_the_cap),
    "a purse pays anybody": (purses, "is_member", lambda *_: True),
    "a purse forgets what it paid": (purses, "write_purse", forgets_what_was_settled),
    "one spend marks all as paid": (purses, "hop_paid_slot", lambda _: 1 << 200),
    "less is locked than the class could claim": (purses, "validate_purse_terms", nothing),
    "a proof of a purse that never was": (proofs, "read_purse", always_there),
    "overlap is not asked": (purse_rules, "is_overlap", lambda *_: True),
    "nobody is blacklisted": (fraud, "blacklist", nothing),
    "the blacklisted open purses": (purses, "require_not_blacklisted", nothing),
    "nothing is revoked": (records, "_revoke", nothing),
    "anybody clears": (fraud, "require_governor", nothing),
    "no rule keeps a payee's money back": (custody, "check_payout", no_use),
    "a lock passes no check of a payment": (custody, "check_out", no_use),
    "a purse passes no check of a payment": (custody, "check_sender", no_use),
    "a pause stops no return": (custody, "require_currency_not_paused", nothing),
    "money leaves without a log": (custody, "emit_transfer", nothing),
    "held money is paid whoever asks": (held, "check_payout", no_use),
    "an enforcer needs no role": (held, "require_role", nothing),
    "more is released than is held": (held, "_require_held", lambda *given: given[-1]),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_contract_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module, attribute, wrong = MUTANTS[name]
    monkeypatch.setattr(module, attribute, wrong)
    for scenario in range(400):
        failures = run_scenario(7, scenario, both_doors=False).failures
        if failures:
            assert "replay: python -m tests.offline --seed 7 --scenario" in failures[0]
            return
    raise AssertionError(f"{name}: 400 scenarios noticed nothing")
