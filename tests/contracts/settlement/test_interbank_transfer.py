"""InterbankTransfer: deposits end, central-bank money moves, deposits begin; all three or none of them."""

from functools import cache
from typing import Any

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.declarations import encode_call
from contracts.loader import load
from tests.contracts.settlement.tokens import ISSUER_ROLE, Mode, approve, deploy_token, pause, prepare_bank, wealth
from tests.contracts.settlement.world import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    CHF,
    CNY,
    DAVE,
    ERIN,
    EUR,
    JPY,
    MEMO,
    OPENING_MINOR,
    Contract,
    Done,
    Reverted,
    World,
    new_world,
)

FIRST_BANK, SECOND_BANK, CUSTOMER, PAYEE = ALICE, BOB, CAROL, ERIN
REQUESTED, RESERVED, SETTLED, REJECTED, CANCELLED = 1, 2, 3, 4, 5
DIRECT_MAX = 5_000
TEN_DAYS_S = 10 * 86_400
CLOSED_ACCOUNT = b"AC04"


@cache
def _beginning() -> tuple[World, Contract]:
    world = new_world()
    interbank = world.deploy(load("InterbankTransfer"), EUR)
    for bank, deposit in ((FIRST_BANK, CNY), (SECOND_BANK, CHF)):
        prepare_bank(world, interbank, bank, deposit)
        world.call(bank, interbank, "join", deposit, DIRECT_MAX)
    approve(world, world.token(EUR), interbank, [FIRST_BANK, SECOND_BANK])
    approve(world, world.token(CNY), interbank, [CUSTOMER])
    return world.freeze(), interbank


def beginning() -> tuple[World, Contract]:
    """Return two banks that pay each other in euros; deposits of the first are "yuan", of the second "francs"."""
    world, interbank = _beginning()
    return world.copy(), interbank


def pay(world: World, interbank: Contract, amount: int = 700, **changes: AbiValue) -> Done:
    arguments: dict[str, AbiValue] = {
        "fromBank": FIRST_BANK,
        "toBank": SECOND_BANK,
        "payee": PAYEE,
        "amount": amount,
        "memo": MEMO,
    }
    return world.call(CUSTOMER, interbank, "pay", *(arguments | changes).values())


def request(world: World, interbank: Contract, *, is_reserved: bool = False, **changes: AbiValue) -> Done:
    arguments: dict[str, AbiValue] = {
        "fromBank": FIRST_BANK,
        "toBank": SECOND_BANK,
        "payee": PAYEE,
        "amount": 700,
        "isReserved": is_reserved,
        "expiresAt": world.now_s + 100,
        "memo": MEMO,
    }
    return world.call(CUSTOMER, interbank, "request", *(arguments | changes).values())


def positions(world: World, interbank: Contract) -> list[int]:
    """Return how much more than at the start: customer's deposits, payee's, reserves of both banks; what is kept."""
    yuan, franc, euro = (world.token(address) for address in (CNY, CHF, EUR))
    first, second, kept = wealth(world, euro, [FIRST_BANK, SECOND_BANK, interbank.address])
    return [
        world.balance(yuan, CUSTOMER) - OPENING_MINOR,
        world.balance(franc, PAYEE),
        first - OPENING_MINOR,
        second - OPENING_MINOR,
        world.balance(yuan, interbank.address),
        kept,
    ]


NOTHING = [0] * 6
PAID = [-700, 700, -700, 700, 0, 0]


# Banks.


def test_a_bank_takes_part_with_its_own_currency() -> None:
    world, interbank = beginning()
    assert world.read(interbank, "reserveCurrency") == EUR
    assert world.call(ERIN, interbank, "bankOf", FIRST_BANK).values == (CNY, DIRECT_MAX)
    for account, error in ((FIRST_BANK, r"AlreadyMember\(bank=alice\)"), (DAVE, "InvalidDeposit")):
        with pytest.raises(Reverted, match=error):
            world.call(account, interbank, "join", CNY, 0)
    with pytest.raises(Reverted, match="InvalidDeposit"):
        world.call(DAVE, interbank, "join", EUR, 0)
    with pytest.raises(Reverted, match=rf"DecimalsDiffer\(deposit=0x{JPY.hex()}, decimals=0, needed=2\)"):
        world.call(DAVE, interbank, "join", JPY, 0)
    with pytest.raises(Reverted, match=r"NoTokenHere\(token=erin\)"):
        world.call(DAVE, interbank, "join", ERIN, 0)


def test_a_bank_is_its_currency_s_admin_and_has_made_the_contract_an_issuer() -> None:
    world, interbank = beginning()
    other = world.deploy(load("InterbankTransfer"), EUR)
    with pytest.raises(Reverted, match=rf"RoleMissing\(.*role=0x{'00' * 32}, account=erin\)"):
        world.call(ERIN, other, "join", CNY, 0)
    with pytest.raises(
        Reverted, match=rf"RoleMissing\(.*role=0x{ISSUER_ROLE.hex()}, account=0x{other.address.hex()}\)"
    ):
        world.call(FIRST_BANK, other, "join", CNY, 0)
    assert interbank.address != other.address


def test_a_bank_leaves_and_joins_again() -> None:
    world, interbank = beginning()
    with pytest.raises(Reverted, match=r"UnknownBank\(bank=erin\)"):
        world.call(ERIN, interbank, "leave")
    assert world.call(SECOND_BANK, interbank, "leave").named("BankLeft") == [{"bank": SECOND_BANK}]
    for name in ("pay", "request"):
        with pytest.raises(Reverted, match=r"UnknownBank\(bank=bob\)"):
            pay(world, interbank) if name == "pay" else request(world, interbank)
    done = world.call(SECOND_BANK, interbank, "join", CHF, 9)
    assert done.named("BankJoined") == [{"bank": SECOND_BANK, "deposit": CHF, "directMax": 9}]


def test_a_bank_says_up_to_which_amount_it_is_paid_without_being_asked() -> None:
    world, interbank = beginning()
    pay(world, interbank, DIRECT_MAX)
    with pytest.raises(
        Reverted, match=rf"AcceptanceNeeded\(bank=bob, amount={DIRECT_MAX + 1}, directMax={DIRECT_MAX}\)"
    ):
        pay(world, interbank, DIRECT_MAX + 1)
    done = world.call(SECOND_BANK, interbank, "setDirectMax", 0)
    assert done.named("DirectMaxChanged") == [{"bank": SECOND_BANK, "directMax": 0}]
    with pytest.raises(Reverted, match="AcceptanceNeeded"):
        pay(world, interbank, 1)
    with pytest.raises(Reverted, match="UnknownBank"):
        world.call(ERIN, interbank, "setDirectMax", 0)


# In one step.


def test_a_payment_in_one_step_changes_three_currencies_together() -> None:
    world, interbank = beginning()
    yuan_supply = world.read(world.token(CNY), "totalSupply")
    franc_supply = world.read(world.token(CHF), "totalSupply")
    done = pay(world, interbank)
    assert done.named("PaidDirectly") == [
        {
            "customer": CUSTOMER,
            "payee": PAYEE,
            "memo": MEMO,
            "fromBank": FIRST_BANK,
            "toBank": SECOND_BANK,
            "amount": 700,
        }
    ]
    assert {event["memo"] for event in done.named("Memo")} == {MEMO}
    assert positions(world, interbank) == PAID
    assert isinstance(yuan_supply, int)
    assert isinstance(franc_supply, int)
    assert world.read(world.token(CNY), "totalSupply") == yuan_supply - 700
    assert world.read(world.token(CHF), "totalSupply") == franc_supply + 700


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"fromBank": ERIN}, r"UnknownBank\(bank=erin\)"),
        ({"toBank": ERIN}, r"UnknownBank\(bank=erin\)"),
        ({"toBank": FIRST_BANK}, r"SameBank\(bank=alice\)"),
        ({"payee": ZERO_ADDRESS}, "InvalidPayee"),
        ({"amount": 0}, r"InvalidAmount\(amount=0\)"),
    ],
)
def test_a_payment_that_cannot_be_meant_is_refused(changes: dict[str, Any], error: str) -> None:
    world, interbank = beginning()
    with pytest.raises(Reverted, match=error):
        pay(world, interbank, **changes)
    with pytest.raises(Reverted, match=error):
        request(world, interbank, **changes)
    for name in (pay, request):
        with pytest.raises(Reverted, match="InvalidPayee"):
            name(world, interbank, payee=interbank.address)


def test_nobody_pays_with_another_s_deposits() -> None:
    world, interbank = beginning()
    with pytest.raises(Reverted, match="ERC20InsufficientAllowance"):
        world.call(DAVE, interbank, "pay", FIRST_BANK, SECOND_BANK, DAVE, 5, MEMO)
    world.call(DAVE, world.token(CNY), "approve", interbank.address, 5)
    with pytest.raises(Reverted, match=r"ERC20InsufficientBalance\(sender=dave"):
        world.call(DAVE, interbank, "pay", FIRST_BANK, SECOND_BANK, DAVE, 5, MEMO)


@pytest.mark.parametrize("currency", [CNY, CHF, EUR])
def test_a_pause_of_any_of_the_three_stops_all(currency: Address) -> None:
    world, interbank = beginning()
    pause(world, world.token(currency), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        pay(world, interbank)
    assert positions(world, interbank) == NOTHING
    pause(world, world.token(currency), is_paused=False)
    pay(world, interbank)


def test_without_reserves_or_without_a_minter_s_allowance_nothing_happens() -> None:
    world, interbank = beginning()
    world.call(FIRST_BANK, world.token(EUR), "approve", interbank.address, 699)
    with pytest.raises(Reverted, match="ERC20InsufficientAllowance"):
        pay(world, interbank)
    approve(world, world.token(EUR), interbank, [FIRST_BANK])
    world.call(ADMIN, world.token(CHF), "setMinterAllowance", interbank.address, 699)
    with pytest.raises(Reverted, match=r"MinterAllowanceExceeded\(.*allowance=699, needed=700\)"):
        pay(world, interbank)
    assert positions(world, interbank) == NOTHING


# In two steps.


@pytest.mark.parametrize("is_reserved", [False, True])
def test_an_accepted_payment_settles_and_what_waited_is_gone(is_reserved: bool) -> None:
    world, interbank = beginning()
    done = request(world, interbank, is_reserved=is_reserved)
    (event,) = done.named("PaymentRequested")
    assert (event["customer"], event["toBank"], event["amount"], event["isReserved"]) == (
        CUSTOMER,
        SECOND_BANK,
        700,
        is_reserved,
    )
    assert positions(world, interbank) == [-700, 0, -700 if is_reserved else 0, 0, 700, 700 if is_reserved else 0]
    assert world.call(SECOND_BANK, interbank, "accept", 1).named("PaymentSettled") == [{"paymentId": 1}]
    assert positions(world, interbank) == PAID
    terms = (CUSTOMER, PAYEE, FIRST_BANK, SECOND_BANK, CNY, CHF, 700, world.now_s + 100, MEMO, SETTLED)
    assert world.read(interbank, "paymentOf", 1) == terms


def test_a_large_payment_is_accepted_in_two_steps() -> None:
    world, interbank = beginning()
    request(world, interbank, amount=DIRECT_MAX * 4)
    world.call(SECOND_BANK, interbank, "accept", 1)
    assert positions(world, interbank)[1] == DIRECT_MAX * 4


@pytest.mark.parametrize("is_reserved", [False, True])
def test_a_rejected_payment_returns_everything_with_its_reason(is_reserved: bool) -> None:
    world, interbank = beginning()
    request(world, interbank, is_reserved=is_reserved)
    for other in (FIRST_BANK, CUSTOMER, PAYEE):
        for name, values in (("reject", (1, CLOSED_ACCOUNT)), ("accept", (1,))):
            with pytest.raises(Reverted, match=r"CallerIsNotBank\(caller=\w+, bank=bob\)"):
                world.call(other, interbank, name, *values)
    done = world.call(SECOND_BANK, interbank, "reject", 1, CLOSED_ACCOUNT)
    assert done.named("PaymentRejected") == [{"paymentId": 1, "reasonCode": CLOSED_ACCOUNT}]
    assert positions(world, interbank) == NOTHING


@pytest.mark.parametrize("is_reserved", [False, True])
def test_the_last_second_accepts_and_the_next_only_cancels(is_reserved: bool) -> None:
    world, interbank = beginning()
    for _ in range(2):
        request(world, interbank, is_reserved=is_reserved)
    world.advance(100)
    with pytest.raises(Reverted, match="PaymentNotExpired"):
        world.call(CUSTOMER, interbank, "cancel", 2)
    world.call(SECOND_BANK, interbank, "accept", 1)
    world.advance(1)
    with pytest.raises(Reverted, match="PaymentExpired"):
        world.call(SECOND_BANK, interbank, "accept", 2)
    assert world.call(DAVE, interbank, "cancel", 2).named("PaymentCancelled") == [{"paymentId": 2}]
    assert positions(world, interbank) == PAID


@pytest.mark.parametrize(
    ("seconds", "is_accepted"), [(0, False), (1, True), (TEN_DAYS_S, True), (TEN_DAYS_S + 1, False)]
)
def test_an_expiry_is_in_the_future_and_within_ten_days(seconds: int, is_accepted: bool) -> None:
    world, interbank = beginning()
    if is_accepted:
        request(world, interbank, expiresAt=world.now_s + seconds)
    else:
        with pytest.raises(Reverted, match=rf"InvalidExpiry\(.*latest={world.now_s + TEN_DAYS_S}\)"):
            request(world, interbank, expiresAt=world.now_s + seconds)


@pytest.mark.parametrize(("ending", "state"), [("accept", SETTLED), ("reject", REJECTED), ("cancel", CANCELLED)])
def test_a_payment_ends_once(ending: str, state: int) -> None:
    world, interbank = beginning()
    request(world, interbank, is_reserved=True)
    world.advance(101 if ending == "cancel" else 0)
    world.call(SECOND_BANK, interbank, ending, 1, *([CLOSED_ACCOUNT] if ending == "reject" else []))
    for name, values in (("accept", []), ("reject", [CLOSED_ACCOUNT]), ("cancel", [])):
        with pytest.raises(Reverted, match=rf"PaymentEnded\(paymentId=1, state={state}\)"):
            world.call(SECOND_BANK, interbank, name, 1, *values)


@pytest.mark.parametrize("name", ["accept", "reject", "cancel", "paymentOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, interbank = beginning()
    with pytest.raises(Reverted, match=r"UnknownPayment\(paymentId=7\)"):
        world.call(SECOND_BANK, interbank, name, 7, *([CLOSED_ACCOUNT] if name == "reject" else []))


def test_an_acceptance_that_cannot_settle_leaves_the_payment_waiting() -> None:
    world, interbank = beginning()
    request(world, interbank)
    world.call(FIRST_BANK, world.token(EUR), "approve", interbank.address, 0)
    with pytest.raises(Reverted, match="ERC20InsufficientAllowance"):
        world.call(SECOND_BANK, interbank, "accept", 1)
    approve(world, world.token(EUR), interbank, [FIRST_BANK])
    world.call(SECOND_BANK, interbank, "accept", 1)
    assert positions(world, interbank) == PAID


def test_reserved_money_settles_although_the_sending_bank_has_no_more() -> None:
    world, interbank = beginning()
    request(world, interbank, is_reserved=True)
    world.call(FIRST_BANK, world.token(EUR), "transfer", DAVE, OPENING_MINOR - 700)
    world.call(SECOND_BANK, interbank, "accept", 1)
    assert positions(world, interbank)[:2] == [-700, 700]


def test_banks_that_have_left_still_end_what_waits() -> None:
    world, interbank = beginning()
    for _ in range(2):
        request(world, interbank, is_reserved=True)
    world.call(FIRST_BANK, interbank, "leave")
    world.call(SECOND_BANK, interbank, "leave")
    world.call(SECOND_BANK, interbank, "accept", 1)
    world.call(SECOND_BANK, interbank, "reject", 2, CLOSED_ACCOUNT)
    assert positions(world, interbank) == PAID


def test_what_returns_during_a_pause_is_owed_and_brought_later() -> None:
    world, interbank = beginning()
    request(world, interbank, is_reserved=True)
    pause(world, world.token(CNY), is_paused=True)
    world.call(SECOND_BANK, interbank, "reject", 1, CLOSED_ACCOUNT)
    assert positions(world, interbank) == [-700, 0, 0, 0, 700, 0]
    pause(world, world.token(CNY), is_paused=False)
    world.call(DAVE, interbank, "withdraw", CUSTOMER, CNY)
    assert positions(world, interbank) == NOTHING


# Currencies that misbehave.


@cache
def _hostile_beginning() -> tuple[World, Contract, tuple[Contract, Contract, Contract]]:
    world = new_world()
    people = (FIRST_BANK, SECOND_BANK, CUSTOMER)
    reserve, first, second = (deploy_token(world, people) for _ in range(3))
    interbank = world.deploy(load("InterbankTransfer"), reserve.address)
    for bank, deposit in ((FIRST_BANK, first), (SECOND_BANK, second)):
        world.call(bank, interbank, "join", deposit.address, DIRECT_MAX)
    for token in (reserve, first, second):
        approve(world, token, interbank, people)
    return world.freeze(), interbank, (reserve, first, second)


def hostile_beginning() -> tuple[World, Contract, tuple[Contract, Contract, Contract]]:
    """Return the same banks with tokens that can misbehave: central-bank money, first and second deposits."""
    world, interbank, tokens = _hostile_beginning()
    return world.copy(), interbank, tokens


@pytest.mark.parametrize("misbehaving", [0, 1, 2])
@pytest.mark.parametrize("name", ["pay", "accept"])
def test_a_currency_that_lies_changes_nothing(misbehaving: int, name: str) -> None:
    world, interbank, tokens = hostile_beginning()
    if name == "accept":
        request(world, interbank)
    world.call(DAVE, tokens[misbehaving], "misbehave", Mode.LIES)
    with pytest.raises(Reverted, match=r"AmountChanged\(token=0x\w+, expected=700, moved=0\)"):
        pay(world, interbank) if name == "pay" else world.call(SECOND_BANK, interbank, "accept", 1)
    assert wealth(world, tokens[0], [FIRST_BANK, SECOND_BANK]) == [OPENING_MINOR, OPENING_MINOR]
    assert world.balance(tokens[2], PAYEE) == 0


def test_a_currency_that_calls_back_achieves_nothing() -> None:
    world, interbank, (_, _, second) = hostile_beginning()
    request(world, interbank)
    again = encode_call(interbank.interface.function("cancel"), 1)
    world.call(DAVE, second, "callBack", interbank.address, again)
    world.advance(101)
    pay(world, interbank)
    assert world.call(DAVE, second, "callbackOutcome").values == (False, b"")
    assert world.balance(second, PAYEE) == 700


@pytest.mark.parametrize(("account", "misbehaving"), [(CUSTOMER, 1), (FIRST_BANK, 0), (SECOND_BANK, 0), (PAYEE, 2)])
def test_a_suspended_party_stops_its_payment_and_money_returns(account: Address, misbehaving: int) -> None:
    world, interbank, tokens = hostile_beginning()
    request(world, interbank, is_reserved=True)
    world.call(DAVE, tokens[misbehaving], "suspend", account, True)
    if account in (SECOND_BANK, PAYEE):
        with pytest.raises(Reverted, match="AccountSuspended"):
            world.call(SECOND_BANK, interbank, "accept", 1)
    world.advance(101)
    world.call(DAVE, interbank, "cancel", 1)
    world.call(DAVE, tokens[misbehaving], "suspend", account, False)
    for owed, token in ((CUSTOMER, tokens[1]), (FIRST_BANK, tokens[0])):
        if world.read(interbank, "owedTo", owed, token.address):
            world.call(DAVE, interbank, "withdraw", owed, token.address)
    assert wealth(world, tokens[1], [CUSTOMER, interbank.address]) == [OPENING_MINOR, 0]
    assert wealth(world, tokens[0], [FIRST_BANK, interbank.address]) == [OPENING_MINOR, 0]
