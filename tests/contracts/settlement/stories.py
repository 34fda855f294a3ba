"""Random stories: a contract beside a bookkeeper who shares no code with it.

In a story parties act in any order while a currency is paused, parties are suspended and time passes. After every
step each balance and each claim must be what the bookkeeper has, refusals included by name. After the last step the
world becomes well again, and a stranger alone must be able to bring everybody's money home: nothing may be left over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from consensus.primitives.scalars import Address
from tests.contracts.settlement.tokens import pause
from tests.contracts.settlement.world import ADMIN, ALICE, BOB, CAROL, OPENING_MINOR, Contract, Reverted, World

STORY_PEOPLE = (ALICE, BOB, CAROL)


STORY_STEPS: Final = 80
"""Steps of a story: enough for several deals to begin, meet trouble and end."""

STORIES: Final = 10
"""Stories of each contract in one test run."""


def steps_of(*choices: Sequence[Any]) -> SearchStrategy[list[Any]]:
    """Return a strategy of stories whose steps take one of each choice, all alike likely.

    A story follows from one number: lists that hypothesis makes itself repeat themselves and end early, so that few
    deals come to an end.
    """

    def story(seed: int) -> list[Any]:
        generator = Random(seed)
        return [tuple(map(generator.choice, choices)) for _ in range(STORY_STEPS)]

    return st.integers(0, 2**32 - 1).map(story)


class Refused(Exception):
    """The bookkeeper's verdict: the name of the error that the contract must give."""


@dataclass
class Book:
    """Who has how much of one token, and what a contract keeps and owes of it."""

    balances: dict[Address, int] = field(default_factory=lambda: dict.fromkeys(STORY_PEOPLE, OPENING_MINOR))
    owed: dict[Address, int] = field(default_factory=lambda: dict.fromkeys(STORY_PEOPLE, 0))
    kept: int = 0
    suspended: set[Address] = field(default_factory=set)
    is_paused: bool = False
    paused_error: str = "TransfersPaused"
    too_little_error: str = "InsufficientBalance"

    def reserve(self, payer: Address, amount: int) -> None:
        """Set a payer's money aside."""
        self.take(payer, amount)

    def draw(self, payer: Address, amount: int) -> None:
        """Bring what was set aside to where it is paid from."""

    def give_back(self, payer: Address, amount: int) -> None:
        """Return what was set aside, or note that the contract owes it."""
        self.pay_or_owe(payer, amount)

    def take(self, payer: Address, amount: int) -> None:
        """Bring money from a payer to the contract."""
        self.require_open(payer)
        if amount > self.balances[payer]:
            raise Refused(self.too_little_error)
        self.balances[payer] -= amount
        self.kept += amount

    def pay(self, payee: Address, amount: int) -> None:
        """Bring money from the contract to a payee."""
        self.require_open(payee)
        self.balances[payee] += amount
        self.kept -= amount
        assert self.kept >= 0

    def move(self, payer: Address, payee: Address, amount: int) -> None:
        """Bring money from a payer straight to a payee."""
        self.require_open(payer, payee)
        self.take(payer, amount)
        self.pay(payee, amount)

    def pay_or_owe(self, payee: Address, amount: int) -> None:
        """Pay, or note that the contract owes it."""
        try:
            self.pay(payee, amount)
        except Refused:
            self.owed[payee] += amount

    def withdraw(self, account: Address) -> None:
        """Pay what is owed."""
        if not self.owed[account]:
            raise Refused("NothingOwed")
        self.pay(account, self.owed[account])
        self.owed[account] = 0

    def require_open(self, *accounts: Address) -> None:
        """Refuse as the token does: pause first, then the parties in order."""
        if self.is_paused:
            raise Refused(self.paused_error)
        if any(account in self.suspended for account in accounts):
            raise Refused("AccountSuspended")


@dataclass
class NativeBook(Book):
    """The same of a native currency: what is set aside is held in its payer's own position."""

    held: dict[Address, int] = field(default_factory=lambda: dict.fromkeys(STORY_PEOPLE, 0))
    paused_error: str = "EnforcedPause"
    too_little_error: str = "ERC20InsufficientBalance"

    def reserve(self, payer: Address, amount: int) -> None:
        self.take(payer, amount)
        self.kept -= amount
        self.held[payer] += amount

    def draw(self, payer: Address, amount: int) -> None:
        # Neither a pause nor anything else stops a hold that was promised.
        self.held[payer] -= amount
        self.kept += amount

    def give_back(self, payer: Address, amount: int) -> None:
        self.held[payer] -= amount
        self.balances[payer] += amount


def recent(number: int, count: int) -> int:
    """Return the index of one of the last three of so many deals, where something may still happen."""
    return count - 1 - number % min(3, count)


def agree(real: Callable[[], object], modelled: Callable[[], object]) -> bool:
    """Do something in the world and in the model; both succeed, or both refuse with the same name."""
    expected = None
    try:
        modelled()
    except Refused as refused:
        expected = str(refused)
    found = None
    try:
        real()
    except Reverted as reverted:
        found = str(reverted).split("(")[0]
    assert found == expected, f"the contract says {found}, the bookkeeper {expected}"
    return expected is None


def toggle_pause(world: World, token: Contract, book: Book) -> None:
    """Stop the token or let it move again."""
    book.is_paused = not book.is_paused
    pause(world, token, is_paused=book.is_paused)


def toggle_suspension(world: World, token: Contract, book: Book, account: Address) -> None:
    """Suspend an account or let it take part again."""
    book.suspended ^= {account}
    world.call(ADMIN, token, "suspend", account, account in book.suspended)


def check(world: World, token: Contract, contract: Contract, book: Book) -> None:
    """Compare every balance and every claim with the book."""
    assert {person: world.balance(token, person) for person in book.balances} == book.balances
    assert world.balance(token, contract.address) == book.kept
    held = book.held if isinstance(book, NativeBook) else {}
    for person, amount in held.items():
        assert world.call(person, token, "positionOf", person).values[1] == amount
    assert sum(book.balances.values()) + sum(held.values()) + book.kept == len(book.balances) * OPENING_MINOR
    for person, amount in book.owed.items():
        assert world.read(contract, "owedTo", person, token.address) == amount


def heal(world: World, token: Contract, book: Book) -> None:
    """Lift the pause and all suspensions."""
    if book.is_paused:
        toggle_pause(world, token, book)
    for account in sorted(book.suspended):
        toggle_suspension(world, token, book, account)


def withdraw_all(world: World, token: Contract, contract: Contract, book: Book, stranger: Address) -> None:
    """Let a stranger bring everybody what is owed."""
    for person, amount in book.owed.items():
        if amount:
            world.call(stranger, contract, "withdraw", person, token.address)
            book.withdraw(person)
