"""The rules of locks and purses: what is allowed at a boundary, and what is refused one step beyond it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_abi.abi import encode as abi_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Address
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline import lock_rules, purse_rules
from contracts.offline.errors import (
    AmountTooLarge,
    BadClass,
    BadRange,
    BadSignature,
    BelowSettled,
    ClaimWindowClosed,
    ExceedsDeposit,
    GraceTooShort,
    HighS,
    LifeTooLong,
    LockNotFound,
    NoOverlap,
    NotCovered,
    NotYetRefundable,
    OtherPurse,
    PurseNotFound,
    RuleBroken,
    SameDigest,
    SpendUntilPassed,
    TimesShrink,
    UnknownSigAlg,
    UnsupportedInThisVersion,
    ZeroAmount,
)
from contracts.offline.lock_rules import AMOUNT_MAX, OfflineWord, decode_word, encode_word
from contracts.offline.purse_rules import SignedHop, class_id, collateral_needed, validate_purse_terms
from contracts.offline.typed_data import PurseTerms, purse_id
from tests.wallet_cli.offline.builders import (
    ALICE_ADDRESS,
    CLASS,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SEPARATOR,
    SHOPS,
    key_of,
    make_hop,
)

WORD = OfflineWord(settled=10, deposit=100, spend_until_s=1_000, claim_until_s=2_000)
EMPTY = OfflineWord(0, 0, 0, 0)
GRACE_S = 500
LIFE_S = 5_000


@settings(max_examples=50)
@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_word(encoded: bytes) -> None:
    assert encode_word(decode_word(encoded)) == encoded


def test_settled_is_in_the_high_bits_of_the_word() -> None:
    word = OfflineWord(1, 2, 3, 4)
    assert int.from_bytes(encode_word(word), "big") == 1 << 160 | 2 << 64 | 3 << 32 | 4
    assert WORD.left == 90


def extend(spend_until_s: int, claim_until_s: int, now_s: int) -> OfflineWord:
    return lock_rules.extend(
        WORD,
        spend_until_s=spend_until_s,
        claim_until_s=claim_until_s,
        now_s=now_s,
        grace_min_s=GRACE_S,
        life_max_s=LIFE_S,
    )


ALLOWED: tuple[tuple[str, Callable[[], object], object], ...] = (
    ("redeem in the last second", lambda: lock_rules.redeem(WORD, cumulative=100, now_s=2_000)[1], 90),
    ("redeem what was overtaken", lambda: lock_rules.redeem(WORD, cumulative=9, now_s=0), (WORD, 0)),
    ("redeem more", lambda: lock_rules.redeem(WORD, cumulative=11, now_s=0), (replace(WORD, settled=11), 1)),
    ("refund one second later", lambda: lock_rules.refund(WORD, now_s=2_001), 90),
    ("release what is settled", lambda: lock_rules.release(WORD, cumulative=10), (0, 90)),
    ("release all", lambda: lock_rules.release(WORD, cumulative=100), (90, 0)),
    (
        "top up in the last second",
        lambda: lock_rules.top_up(WORD, amount_minor=AMOUNT_MAX - 100, now_s=999).deposit,
        AMOUNT_MAX,
    ),
    ("extend by nothing", lambda: extend(1_000, 2_000, 999), WORD),
    ("extend to the last second", lambda: extend(5_499, 5_999, 999).claim_until_s, 5_999),
    (
        "extend after spending ended, while claims run",
        lambda: extend(2_500, 3_000, 2_000).spend_until_s,
        2_500,
    ),
)

REFUSED: tuple[tuple[str, Callable[[], object], type[RuleBroken]], ...] = (
    ("redeem too late", lambda: lock_rules.redeem(WORD, cumulative=100, now_s=2_001), ClaimWindowClosed),
    ("redeem more than the deposit", lambda: lock_rules.redeem(WORD, cumulative=101, now_s=0), ExceedsDeposit),
    ("redeem nothing", lambda: lock_rules.redeem(EMPTY, cumulative=1, now_s=0), LockNotFound),
    ("refund too early", lambda: lock_rules.refund(WORD, now_s=2_000), NotYetRefundable),
    ("refund nothing", lambda: lock_rules.refund(EMPTY, now_s=9_999), LockNotFound),
    ("release less than settled", lambda: lock_rules.release(WORD, cumulative=9), BelowSettled),
    ("release more than the deposit", lambda: lock_rules.release(WORD, cumulative=101), ExceedsDeposit),
    ("release nothing", lambda: lock_rules.release(EMPTY, cumulative=0), LockNotFound),
    ("top up by nothing", lambda: lock_rules.top_up(WORD, amount_minor=0, now_s=0), ZeroAmount),
    ("top up too late", lambda: lock_rules.top_up(WORD, amount_minor=1, now_s=1_000), SpendUntilPassed),
    ("top up too much", lambda: lock_rules.top_up(WORD, amount_minor=AMOUNT_MAX - 99, now_s=0), AmountTooLarge),
    ("top up nothing", lambda: lock_rules.top_up(EMPTY, amount_minor=1, now_s=0), LockNotFound),
    ("spend for a shorter time", lambda: extend(999, 2_000, 0), TimesShrink),
    ("claim for a shorter time", lambda: extend(1_000, 1_999, 0), TimesShrink),
    ("extend when spending ends now", lambda: extend(1_000, 2_000, 1_000), SpendUntilPassed),
    ("extend with too little grace", lambda: extend(1_501, 2_000, 999), GraceTooShort),
    ("extend for too long", lambda: extend(5_499, 6_000, 999), LifeTooLong),
    ("extend after claims ended", lambda: extend(3_000, 4_000, 2_001), ClaimWindowClosed),
)


@pytest.mark.parametrize(("act", "result"), [row[1:] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_lock_rule_allows(act: Callable[[], object], result: object) -> None:
    assert act() == result


@pytest.mark.parametrize(("act", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_lock_rule_refuses(act: Callable[[], object], error: type[RuleBroken]) -> None:
    with pytest.raises(error):
        act()


@settings(max_examples=50)
@given(st.integers(0, 4_000))
def test_redeem_and_refund_are_never_both_possible_nor_both_impossible(now_s: int) -> None:
    def is_possible(act: Callable[[], object]) -> bool:
        try:
            act()
        except RuleBroken:
            return False
        return True

    redeem = is_possible(lambda: lock_rules.redeem(WORD, cumulative=50, now_s=now_s))
    refund = is_possible(lambda: lock_rules.refund(WORD, now_s=now_s))
    assert redeem != refund


@settings(max_examples=50)
@given(st.permutations([20, 35, 35, 90]))
def test_vouchers_pay_the_same_in_any_order(order: list[int]) -> None:
    word, total = WORD, 0
    for cumulative in order:
        word, paid = lock_rules.redeem(word, cumulative=cumulative, now_s=0)
        total += paid
    assert (word.settled, total) == (90, 80)


def test_class_is_named_by_the_abi_encoding_of_its_members() -> None:
    members = ["0x" + member.hex() for member in CLASS]
    assert class_id(CLASS) == keccak256(abi_encode(["address[]"], [members]))


def addresses(count: int) -> list[Address]:
    return sorted(Address(keccak256(number.to_bytes(4, "big"))[:20]) for number in range(count))


@pytest.mark.parametrize(
    "members",
    [
        [],
        addresses(501),
        [CLASS[1], CLASS[0]],
        [CLASS[0], CLASS[0]],
        [Address(b"\x01" * 19)],
        [OFFLINE_LOCKS],
    ],
    ids=["nobody", "501", "descending", "twice", "19 bytes", "a system address"],
)
def test_list_that_is_no_class_is_refused(members: list[Address]) -> None:
    with pytest.raises(BadClass):
        class_id(members)
    assert class_id(addresses(500))


TERMS_REFUSED: tuple[tuple[dict[str, object], type[RuleBroken]], ...] = (
    ({"max_hops": 2}, UnsupportedInThisVersion),
    ({"max_hops": 0}, UnsupportedInThisVersion),
    ({"settle_delay_s": 1}, UnsupportedInThisVersion),
    ({"signer_class": 1}, UnsupportedInThisVersion),
    ({"sig_alg": 0}, UnknownSigAlg),
    ({"sig_alg": 3}, UnknownSigAlg),
    ({"accept_class": ZERO_HASH}, BadClass),
    ({"per_payee": 0}, ZeroAmount),
    ({"value": 0}, ZeroAmount),
    ({"per_payee": 20_01, "value": 20_00}, AmountTooLarge),
    ({"value": AMOUNT_MAX, "collateral": 1}, AmountTooLarge),
    ({"collateral": 19_99}, NotCovered),
)


@pytest.mark.parametrize(("changes", "error"), TERMS_REFUSED, ids=[str(row[0]) for row in TERMS_REFUSED])
def test_purse_terms_are_refused_one_step_beyond(changes: dict[str, object], error: type[RuleBroken]) -> None:
    validate_purse_terms(PURSE_TERMS, class_size=4)
    with pytest.raises(error):
        validate_purse_terms(replace(PURSE_TERMS, **changes), class_size=4)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("class_size", [0, 501])
def test_class_of_no_size_covers_nobody(class_size: int) -> None:
    with pytest.raises(BadClass):
        validate_purse_terms(PURSE_TERMS, class_size=class_size)


@settings(max_examples=50)
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 500))
def test_collateral_is_the_least_that_covers(value: int, per_payee: int, class_size: int) -> None:
    per_payee = min(per_payee, value)
    needed = collateral_needed(value=value, per_payee=per_payee, class_size=class_size)
    terms = replace(PURSE_TERMS, value=value, per_payee=per_payee, collateral=needed)
    validate_purse_terms(terms, class_size=class_size)
    if needed:
        with pytest.raises(NotCovered):
            validate_purse_terms(replace(terms, collateral=needed - 1), class_size=class_size)


def claim(lo: int, hi: int, *, paid_to: int = 0, now_s: int = 0, word: OfflineWord = PURSE_WORD) -> int:
    return purse_rules.claim(PURSE_TERMS, word, make_hop(lo, hi).hop, paid_to=paid_to, now_s=now_s)


def test_claim_pays_up_to_the_cap_of_its_payee_and_never_fails_at_it() -> None:
    assert claim(0, 60_00) == 20_00
    assert claim(0, 12_00, paid_to=19_99) == 1
    assert claim(0, 12_00, paid_to=20_00) == 0
    assert claim(0, 1, now_s=PURSE_WORD.claim_until_s) == 1


def test_claim_is_refused_outside_the_purse_and_its_time() -> None:
    for lo, hi in ((0, 60_01), (5, 5), (6, 5)):
        with pytest.raises(BadRange):
            claim(lo, hi)
    with pytest.raises(ClaimWindowClosed):
        claim(0, 1, now_s=PURSE_WORD.claim_until_s + 1)
    with pytest.raises(PurseNotFound):
        claim(0, 1, word=replace(PURSE_WORD, deposit=0))
    with pytest.raises(OtherPurse):
        purse_rules.validate_range(PURSE_TERMS, replace(make_hop(0, 1).hop, parent=PURSE_ID))


def prove(first: SignedHop, second: SignedHop, terms: PurseTerms = PURSE_TERMS) -> purse_rules.Equivocation:
    return purse_rules.verify_equivocation(SEPARATOR, terms, first, second)


def test_overlap_of_one_unit_is_fraud_in_either_order() -> None:
    first, second = make_hop(0, 10), make_hop(9, 20, to=SHOPS[0], number=2)
    found = prove(first, second)
    assert (found.lo, found.hi, found.owner, found.purse_id) == (9, 10, ALICE_ADDRESS, PURSE_ID)
    assert (found.digest_second, found.digest_first) == (
        prove(second, first).digest_first,
        prove(second, first).digest_second,
    )


def test_neighbours_are_no_fraud() -> None:
    with pytest.raises(NoOverlap):
        prove(make_hop(0, 10), make_hop(10, 20, number=2))


def test_one_spend_shown_twice_is_no_fraud() -> None:
    with pytest.raises(SameDigest):
        prove(make_hop(0, 10), make_hop(0, 10))


def test_forged_spend_proves_nothing() -> None:
    with pytest.raises(BadSignature):
        prove(make_hop(0, 10), make_hop(0, 11, number=2, key=key_of("mallory")))
    with pytest.raises(BadRange):
        prove(make_hop(0, 10), make_hop(0, PURSE_TERMS.value + 1, number=2))


def test_spends_of_two_purses_prove_nothing() -> None:
    other = replace(PURSE_TERMS, open_nonce=5)
    with pytest.raises(OtherPurse):
        prove(make_hop(0, 10), make_hop(0, 11, number=2, purse=purse_id(SEPARATOR, other)))
    with pytest.raises(OtherPurse):
        prove(make_hop(0, 10), make_hop(0, 11, number=2), other)


def test_second_spelling_of_a_signature_is_refused() -> None:
    signed = make_hop(0, 10)
    order = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
    s = order - int.from_bytes(signed.signature[32:64], "big")
    malleated = signed.signature[:32] + s.to_bytes(32, "big") + bytes((55 - signed.signature[64],))
    with pytest.raises(HighS):
        prove(replace(signed, signature=malleated), make_hop(5, 11, number=2))
