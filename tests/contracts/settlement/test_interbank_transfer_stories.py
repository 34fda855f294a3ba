"""InterbankTransfer against a bookkeeper: in no random story money goes astray or stays behind."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from tests.contracts.settlement.stories import STORIES, Refused, agree, recent, steps_of
from tests.contracts.settlement.test_interbank_transfer import (
    CLOSED_ACCOUNT,
    CUSTOMER,
    DIRECT_MAX,
    FIRST_BANK,
    PAYEE,
    REJECTED,
    REQUESTED,
    SECOND_BANK,
    SETTLED,
    hostile_beginning,
)
from tests.contracts.settlement.world import (
    DAVE,
    MEMO,
    OPENING_MINOR,
)

RESERVE, FIRST, SECOND = 0, 1, 2


@dataclass
class ModelToken:
    """One of the three currencies as the bookkeeper has it."""

    balances: dict[Address, int] = field(
        default_factory=lambda: {
            FIRST_BANK: OPENING_MINOR,
            SECOND_BANK: OPENING_MINOR,
            CUSTOMER: OPENING_MINOR,
            PAYEE: 0,
            ZERO_ADDRESS: 0,
        }
    )
    """The zero address stands for the contract."""
    owed: dict[Address, int] = field(
        default_factory=lambda: dict.fromkeys((FIRST_BANK, SECOND_BANK, CUSTOMER, PAYEE), 0)
    )
    suspended: set[Address] = field(default_factory=set)
    is_paused: bool = False

    def change(self, account: Address, amount: int) -> None:
        if self.is_paused:
            raise Refused("TransfersPaused")
        if account in self.suspended:
            raise Refused("AccountSuspended")
        if self.balances[account] + amount < 0:
            raise Refused("InsufficientBalance")
        self.balances[account] += amount

    def move(self, payer: Address, payee: Address, amount: int) -> None:
        if self.is_paused:
            raise Refused("TransfersPaused")
        if {payer, payee} & self.suspended:
            raise Refused("AccountSuspended")
        self.change(payer, -amount)
        self.change(payee, amount)

    def pay_or_owe(self, payee: Address, amount: int) -> None:
        try:
            self.move(ZERO_ADDRESS, payee, amount)
        except Refused:
            self.owed[payee] += amount


@dataclass
class ModelPayment:
    """A payment of the customer as the bookkeeper has it."""

    amount: int
    expires_at: int
    is_reserved: bool
    state: int = REQUESTED


class Story:
    """One random story of payments by one customer, with acceptance, pauses and suspensions."""

    def __init__(self) -> None:
        self.world, self.interbank, self.tokens = hostile_beginning()
        self.books = [ModelToken(), ModelToken(), ModelToken()]
        self.payments: list[ModelPayment] = []

    def agree(self, who: Address, name: str, values: Sequence[AbiValue], modelled: Any) -> None:
        """Compare a call with the model, which is as before if it refuses."""
        before = deepcopy((self.books, self.payments))
        if not agree(lambda: self.world.call(who, self.interbank, name, *values), modelled):
            self.books, self.payments = before

    def pay(self, amount: int) -> None:
        if not amount:
            raise Refused("InvalidAmount")
        if amount > DIRECT_MAX:
            raise Refused("AcceptanceNeeded")
        self.books[FIRST].move(CUSTOMER, ZERO_ADDRESS, amount)
        self.settle(amount, is_reserved=False)

    def settle(self, amount: int, *, is_reserved: bool) -> None:
        self.books[FIRST].change(ZERO_ADDRESS, -amount)
        self.books[RESERVE].move(ZERO_ADDRESS if is_reserved else FIRST_BANK, SECOND_BANK, amount)
        self.books[SECOND].change(PAYEE, amount)

    def request(self, amount: int, expires_at: int, is_reserved: bool) -> None:
        if not amount:
            raise Refused("InvalidAmount")
        self.books[FIRST].move(CUSTOMER, ZERO_ADDRESS, amount)
        if is_reserved:
            self.books[RESERVE].move(FIRST_BANK, ZERO_ADDRESS, amount)
        self.payments.append(ModelPayment(amount, expires_at, is_reserved))

    def end(self, name: str, who: Address, chosen: ModelPayment) -> None:
        has_expired = self.world.now_s > chosen.expires_at
        if chosen.state != REQUESTED:
            raise Refused("PaymentEnded")
        if name != "cancel" and who != SECOND_BANK:
            raise Refused("CallerIsNotBank")
        if name == "accept":
            if has_expired:
                raise Refused("PaymentExpired")
            self.settle(chosen.amount, is_reserved=chosen.is_reserved)
            chosen.state = SETTLED
            return
        if name == "cancel" and not has_expired:
            raise Refused("PaymentNotExpired")
        self.books[FIRST].pay_or_owe(CUSTOMER, chosen.amount)
        if chosen.is_reserved:
            self.books[RESERVE].pay_or_owe(FIRST_BANK, chosen.amount)
        chosen.state = REJECTED

    def step(self, action: str, who: Address, number: int) -> None:
        amount, index = number * 200, number % 3
        match action:
            case "pay":
                self.agree(CUSTOMER, "pay", (FIRST_BANK, SECOND_BANK, PAYEE, amount, MEMO), lambda: self.pay(amount))
            case "request":
                expires_at, is_reserved = self.world.now_s + number % 30 + 1, number % 2 == 0
                values = (FIRST_BANK, SECOND_BANK, PAYEE, amount, is_reserved, expires_at, MEMO)
                self.agree(CUSTOMER, "request", values, lambda: self.request(amount, expires_at, is_reserved))
            case "accept" | "reject" | "cancel" if self.payments:
                payment = recent(number, len(self.payments))
                ending = (payment + 1, CLOSED_ACCOUNT) if action == "reject" else (payment + 1,)
                # Looked up when called: a refusal puts a copy in its place.
                self.agree(who, action, ending, lambda: self.end(action, who, self.payments[payment]))
            case "heal":
                self.heal()
            case "pause":
                self.pause(index)
            case "suspend":
                self.suspend(index, who)
            case "wait":
                self.world.advance(number)
        self.check()

    def pause(self, index: int) -> None:
        self.books[index].is_paused = not self.books[index].is_paused
        self.world.call(DAVE, self.tokens[index], "pause", self.books[index].is_paused)

    def suspend(self, index: int, who: Address) -> None:
        self.books[index].suspended ^= {who}
        self.world.call(DAVE, self.tokens[index], "suspend", who, who in self.books[index].suspended)

    def heal(self) -> None:
        for index, book in enumerate(self.books):
            if book.is_paused:
                self.pause(index)
            for who in sorted(book.suspended):
                self.suspend(index, who)

    def check(self) -> None:
        for token, book in zip(self.tokens, self.books):
            for account, amount in book.balances.items():
                holder = self.interbank.address if account == ZERO_ADDRESS else account
                assert self.world.balance(token, holder) == amount
        reserve, first, second = self.books
        assert sum(reserve.balances.values()) == 3 * OPENING_MINOR
        # What a bank owes its customers and what it has at the central bank change together.
        waiting = sum(payment.amount for payment in self.payments if payment.is_reserved and payment.state == REQUESTED)
        backing = reserve.balances[FIRST_BANK] + waiting + reserve.owed[FIRST_BANK] - sum(first.balances.values())
        assert backing == -2 * OPENING_MINOR
        assert reserve.balances[SECOND_BANK] - sum(second.balances.values()) == -2 * OPENING_MINOR

    def finish(self) -> None:
        """Let a stranger bring all money home."""
        self.heal()
        self.world.advance(100)
        for payment_id, payment in enumerate(self.payments, 1):
            if payment.state == REQUESTED:
                self.world.call(DAVE, self.interbank, "cancel", payment_id)
                self.end("cancel", DAVE, payment)
        for token, book in zip(self.tokens, self.books):
            for who, amount in book.owed.items():
                if amount:
                    self.world.call(DAVE, self.interbank, "withdraw", who, token.address)
                    book.move(ZERO_ADDRESS, who, amount)
                    book.owed[who] = 0
            assert book.balances[ZERO_ADDRESS] == 0
        self.check()


STEPS = steps_of(
    ["pay"] * 3
    + ["request"] * 5
    + ["accept"] * 5
    + ["reject", "cancel", "cancel", "pause", "suspend", "heal", "heal", "wait"],
    [SECOND_BANK, SECOND_BANK, FIRST_BANK, CUSTOMER, PAYEE],
    range(61),
)


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: Sequence[tuple[str, Address, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    story.finish()
