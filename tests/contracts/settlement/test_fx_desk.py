"""FxDesk: both payments or none, at the price that was signed, rounded for the customer and never twice."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.declarations import encode_call
from contracts.loader import load
from tests.contracts.settlement.fx_quotes import Quote
from tests.contracts.settlement.stories import STORIES, Refused, agree, steps_of
from tests.contracts.settlement.tokens import Mode, approve, deploy_token, pause, wealth
from tests.contracts.settlement.typed_data import digest_of, sign
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    BOB_KEY,
    CAROL,
    CNY,
    DAVE,
    ERIN,
    EUR,
    OPENING_MINOR,
    Contract,
    Done,
    Reverted,
    World,
    compiled,
    new_world,
)


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    desk = world.deploy(load("FxDesk"))
    token = deploy_token(world)
    for each in (token, world.token(EUR), world.token(CNY)):
        approve(world, each, desk)
    return world.freeze(), desk, token


def beginning() -> tuple[World, Contract, Contract]:
    world, desk, token = _beginning()
    return world.copy(), desk, token


def quote(world: World, **changes: Any) -> Quote:
    """Return Alice's quote, valid for 10 seconds."""
    return Quote(**({"valid_until": world.now_s + 10} | changes))


def take(
    world: World, desk: Contract, offered: Quote, amount: int, *, who: Address = BOB, signature: bytes = b""
) -> Done:
    return world.call(who, desk, "take", offered.values, amount, signature or offered.sign(desk))


def moved(world: World, desk: Contract, token: bytes) -> list[int]:
    """Return how much more than at the start Alice, Bob and Carol have; the desk must have nothing."""
    first, second, third, kept = wealth(world, world.token(Address(token)), [ALICE, BOB, CAROL, desk.address])
    assert kept == 0
    return [first - OPENING_MINOR, second - OPENING_MINOR, third - OPENING_MINOR]


def test_a_take_exchanges_both_amounts_at_the_signed_price() -> None:
    world, desk, _ = beginning()
    offered = quote(world)
    done = take(world, desk, offered, 7_800)
    assert done.value == 1_000
    assert done.named("QuoteTaken") == [
        {
            "digest": digest_of(offered.signable(desk)),
            "bank": ALICE,
            "customer": BOB,
            "sold": CNY,
            "amount": 7_800,
            "bought": EUR,
            "paid": 1_000,
        }
    ]
    assert (moved(world, desk, CNY), moved(world, desk, EUR)) == ([-7_800, 7_800, 0], [1_000, -1_000, 0])
    assert world.read(desk, "leftOf", offered.values) == 92_200


def test_the_digest_and_the_domain_are_what_wallets_compute() -> None:
    world, desk, _ = beginning()
    offered = quote(world, customer=BOB, amount_max=2**128 - 1, nonce=2**256 - 1)
    assert world.read(desk, "digestOf", offered.values) == digest_of(offered.signable(desk))
    domain = world.call(ERIN, desk, "eip712Domain").values
    assert domain == (b"\x0f", "FxDesk", "1", world.block.chain_id, desk.address, bytes(32), ())


@given(
    numerator=st.integers(1, 2**128 - 1),
    denominator=st.integers(1, 2**128 - 1),
    amount=st.integers(0, 200_000),
)
@settings(max_examples=50, deadline=None)
def test_the_customer_pays_the_exact_price_rounded_down(numerator: int, denominator: int, amount: int) -> None:
    world, desk, _ = beginning()
    offered = quote(world, rate_numerator=numerator, rate_denominator=denominator, amount_min=0)
    price = Fraction(amount * numerator, denominator)
    try:
        paid = take(world, desk, offered, amount).value
    except Reverted as refused:
        name = str(refused).split("(")[0]
        if price < 1:
            assert name == "AmountTooSmall"
        elif name != "AmountTooLarge":
            # The customer allowed the desk more than there can be, and has less than that.
            assert name == ("ERC20InsufficientAllowance" if price >= 2**128 else "ERC20InsufficientBalance")
            assert price >= OPENING_MINOR
        return
    assert isinstance(paid, int)
    assert 0 <= price - paid < 1
    assert moved(world, desk, EUR) == [paid, -paid, 0]
    assert moved(world, desk, CNY) == [-amount, amount, 0]


@pytest.mark.parametrize(
    ("amount", "error"),
    [
        (99, r"AmountTooSmall\(amount=99, lowest=100\)"),
        (100, None),
        (100_000, None),
        (100_001, r"AmountTooLarge\(amount=100001, left=100000\)"),
    ],
)
def test_a_take_is_between_the_lowest_and_the_highest_amount(amount: int, error: str | None) -> None:
    world, desk, _ = beginning()
    if error is None:
        take(world, desk, quote(world), amount)
        return
    with pytest.raises(Reverted, match=error):
        take(world, desk, quote(world), amount)
    assert moved(world, desk, EUR) == [0, 0, 0]


def test_several_takes_share_the_highest_amount_and_the_second_customer_comes_too_late() -> None:
    world, desk, _ = beginning()
    offered = quote(world)
    take(world, desk, offered, 60_000)
    with pytest.raises(Reverted, match=r"AmountTooLarge\(amount=40001, left=40000\)"):
        take(world, desk, offered, 40_001, who=CAROL)
    take(world, desk, offered, 40_000, who=CAROL)
    assert world.read(desk, "leftOf", offered.values) == 0
    assert moved(world, desk, CNY) == [-100_000, 60_000, 40_000]


def test_nothing_is_sold_for_nothing() -> None:
    world, desk, _ = beginning()
    offered = quote(world, amount_min=0)
    for amount in (0, 7):
        with pytest.raises(Reverted, match=rf"AmountTooSmall\(amount={amount}, lowest=0\)"):
            take(world, desk, offered, amount)
    assert take(world, desk, offered, 8).value == 1


def test_a_quote_for_one_customer_is_taken_by_nobody_else() -> None:
    world, desk, _ = beginning()
    offered = quote(world, customer=BOB)
    with pytest.raises(Reverted, match=r"QuoteForAnother\(caller=carol, customer=bob\)"):
        take(world, desk, offered, 7_800, who=CAROL)
    take(world, desk, offered, 7_800)


def test_a_quote_is_good_in_its_last_second_and_not_in_the_next() -> None:
    world, desk, _ = beginning()
    offered = quote(world)
    world.advance(10)
    take(world, desk, offered, 7_800)
    assert world.read(desk, "leftOf", offered.values) == 92_200
    world.advance(1)
    with pytest.raises(Reverted, match=rf"QuoteExpired\(validUntil={offered.valid_until}, now={world.now_s}\)"):
        take(world, desk, offered, 7_800)
    assert world.read(desk, "leftOf", offered.values) == 0


@pytest.mark.parametrize(
    ("name", "nonce", "is_good"),
    [
        ("cancelQuote", 5, False),
        ("cancelQuote", 4, True),
        ("cancelQuotesBelow", 5, True),
        ("cancelQuotesBelow", 6, False),
    ],
)
def test_a_bank_cancels_one_quote_or_all_below_a_number(name: str, nonce: int, is_good: bool) -> None:
    world, desk, _ = beginning()
    offered = quote(world)
    for stranger in (BOB, ERIN):
        world.call(stranger, desk, name, nonce)
    take(world, desk, offered, 7_800)
    done = world.call(ALICE, desk, name, nonce)
    event = "QuoteWithdrawn" if name == "cancelQuote" else "QuotesWithdrawnBelow"
    assert done.named(event) == [{"bank": ALICE, "nonce": nonce}]
    assert world.read(desk, "leftOf", offered.values) == (92_200 if is_good else 0)
    if is_good:
        take(world, desk, offered, 7_800)
    else:
        with pytest.raises(Reverted, match=r"QuoteCancelled\(bank=alice, nonce=5\)"):
            take(world, desk, offered, 7_800)


def test_cancelled_quotes_never_come_back() -> None:
    world, desk, _ = beginning()
    world.call(ALICE, desk, "cancelQuotesBelow", 6)
    done = world.call(ALICE, desk, "cancelQuotesBelow", 2)
    assert done.named("QuotesWithdrawnBelow") == [{"bank": ALICE, "nonce": 6}]
    with pytest.raises(Reverted, match="QuoteCancelled"):
        take(world, desk, quote(world), 7_800)


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": CAROL},
        {"sold": EUR, "bought": CNY},
        {"rate_numerator": 9},
        {"rate_denominator": 79},
        {"amount_min": 99},
        {"amount_max": 100_001},
        {"valid_until": 1_800_000_000},
        {"nonce": 6},
    ],
)
def test_terms_that_the_bank_did_not_sign_are_refused(changes: dict[str, Any]) -> None:
    world, desk, _ = beginning()
    offered = quote(world)
    with pytest.raises(Reverted, match=r"InvalidSignature\(signer=alice\)"):
        take(world, desk, replace(offered, **changes), 7_800, who=CAROL, signature=offered.sign(desk))


def test_a_signature_for_another_desk_is_refused() -> None:
    world, desk, _ = beginning()
    other = world.deploy(load("FxDesk"))
    offered = quote(world)
    with pytest.raises(Reverted, match="InvalidSignature"):
        take(world, desk, offered, 7_800, signature=offered.sign(other))


def test_nobody_quotes_for_somebody_else() -> None:
    world, desk, _ = beginning()
    forged = sign(quote(world).signable(desk), BOB_KEY)
    with pytest.raises(Reverted, match=r"InvalidSignature\(signer=alice\)"):
        take(world, desk, quote(world), 7_800, signature=forged)
    with pytest.raises(Reverted, match="InvalidSignature"):
        take(world, desk, quote(world, bank=ZERO_ADDRESS), 7_800, signature=bytes(64) + b"\x1b")


@pytest.mark.parametrize("changes", [{"rate_numerator": 0}, {"rate_denominator": 0}, {"bought": CNY}, {"bank": BOB}])
def test_a_quote_that_exchanges_nothing_is_refused(changes: dict[str, Any]) -> None:
    world, desk, _ = beginning()
    with pytest.raises(Reverted, match=r"InvalidQuote\(\)"):
        take(world, desk, quote(world, **changes), 7_800)


@pytest.mark.parametrize("token", [EUR, CNY])
def test_a_paused_currency_stops_both_payments(token: Address) -> None:
    world, desk, _ = beginning()
    offered = quote(world)
    pause(world, world.token(token), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        take(world, desk, offered, 7_800)
    assert (moved(world, desk, CNY), moved(world, desk, EUR)) == ([0, 0, 0], [0, 0, 0])
    pause(world, world.token(token), is_paused=False)
    take(world, desk, offered, 7_800)


@pytest.mark.parametrize("side", ["sold", "bought"])
@pytest.mark.parametrize("mode", [Mode.LIES, Mode.TAKES_FEE, Mode.ANSWERS_FALSE])
def test_a_token_that_brings_less_undoes_both_payments(side: str, mode: Mode) -> None:
    world, desk, token = beginning()
    world.call(DAVE, token, "misbehave", mode)
    offered = quote(world, **{side: token.address})
    with pytest.raises(Reverted, match=r"AmountChanged|TransferRefused"):
        take(world, desk, offered, 7_800)
    assert wealth(world, token, [ALICE, BOB]) == [OPENING_MINOR, OPENING_MINOR]


@pytest.mark.parametrize("suspended", [ALICE, BOB])
def test_a_suspended_party_trades_with_nobody(suspended: Address) -> None:
    world, desk, token = beginning()
    world.call(DAVE, token, "suspend", suspended, True)
    with pytest.raises(Reverted, match=rf"AccountSuspended\(account={'alice' if suspended == ALICE else 'bob'}\)"):
        take(world, desk, quote(world, sold=token.address), 7_800)
    assert moved(world, desk, EUR) == [0, 0, 0]


def test_a_token_that_calls_back_cannot_take_a_second_time() -> None:
    world, desk, token = beginning()
    offered = quote(world, sold=token.address)
    data = encode_call(desk.interface.function("take"), offered.values, 7_800, offered.sign(desk))
    world.call(DAVE, token, "callBack", desk.address, data)
    take(world, desk, offered, 7_800)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert wealth(world, token, [ALICE, BOB]) == [OPENING_MINOR - 7_800, OPENING_MINOR + 7_800]


def test_a_bank_with_code_quotes_as_it_decides() -> None:
    world, desk, token = beginning()
    wallet = world.deploy(compiled("SigningWallet"), DAVE)
    world.call(DAVE, token, "give", wallet.address, 50_000)
    allow = encode_call(token.interface.function("approve"), desk.address, 50_000)
    world.call(DAVE, wallet, "execute", token.address, allow)
    offered = quote(world, bank=wallet.address, sold=token.address)
    world.call(DAVE, wallet, "agree", digest_of(offered.signable(desk)))
    world.call(BOB, desk, "take", offered.values, 7_800, b"")
    assert wealth(world, token, [BOB, wallet.address]) == [OPENING_MINOR + 7_800, 42_200]
    assert world.balance(world.token(EUR), wallet.address) == 1_000


Step = tuple[str, Address, int, int]


STEPS = steps_of(
    ["take"] * 8 + ["cancelQuote", "cancelQuotesBelow", "wait"], [ALICE, BOB, CAROL], range(6), range(0, 60_001, 50)
)


@given(STEPS)
@settings(max_examples=STORIES, deadline=None)
def test_in_no_story_a_quote_is_exceeded_or_money_goes_astray(steps: Sequence[Step]) -> None:
    world, desk, _ = beginning()
    offers = [
        quote(world, bank=bank, nonce=nonce, customer=customer, valid_until=world.now_s + 20 * (nonce + 1))
        for nonce, (bank, customer) in enumerate(
            [
                (ALICE, ZERO_ADDRESS),
                (ALICE, BOB),
                (BOB, ZERO_ADDRESS),
                (BOB, ZERO_ADDRESS),
                (CAROL, ALICE),
                (CAROL, BOB),
            ]
        )
    ]
    left = [offered.amount_max for offered in offers]
    cancelled: set[tuple[Address, int]] = set()
    balances = {token: dict.fromkeys((ALICE, BOB, CAROL), OPENING_MINOR) for token in (CNY, EUR)}

    def modelled_take(who: Address, number: int, amount: int) -> None:
        offered = offers[number]
        paid = amount * 10 // 78
        if who == offered.bank:
            raise Refused("InvalidQuote")
        if world.now_s > offered.valid_until:
            raise Refused("QuoteExpired")
        if offered.customer not in (ZERO_ADDRESS, who):
            raise Refused("QuoteForAnother")
        if (offered.bank, number) in cancelled:
            raise Refused("QuoteCancelled")
        if amount < 100:
            raise Refused("AmountTooSmall")
        if amount > left[number]:
            raise Refused("AmountTooLarge")
        left[number] -= amount
        for token, payer, payee, moving in ((EUR, who, offered.bank, paid), (CNY, offered.bank, who, amount)):
            balances[token][payer] -= moving
            balances[token][payee] += moving

    for action, who, number, amount in steps:
        if action == "wait":
            world.advance(number)
        elif action == "take":
            agree(
                lambda who=who, number=number, amount=amount: take(world, desk, offers[number], amount, who=who),  # type: ignore[misc]
                lambda who=who, number=number, amount=amount: modelled_take(who, number, amount),  # type: ignore[misc]
            )
        else:
            world.call(who, desk, action, number)
            numbers = [number] if action == "cancelQuote" else range(number)
            cancelled |= {(who, each) for each in numbers}
        for token, expected in balances.items():
            assert moved(world, desk, token) == [amount - OPENING_MINOR for amount in expected.values()]
