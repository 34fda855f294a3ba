"""What the model remembers of a ledger: dictionaries and small records, nothing of the contracts it judges."""

from dataclasses import dataclass, field
from typing import TypeAlias, Union

Value: TypeAlias = Union[int, bytes, str, tuple["Value", ...]]  # noqa: UP007 - it names itself
"""An argument, a result, or a value of an error or an event."""

Event: TypeAlias = tuple[bytes, str, tuple[Value, ...]]
"""Contract, name, values in the order declared."""

NOBODY = bytes(20)
GOVERNED_SYSTEM = bytes.fromhex("5cee") + bytes(17)
"""What the addresses of the numbered system contracts begin with (ledger.md §2)."""
CURRENCIES = bytes.fromhex("5cee1000") + bytes(12)
"""What the addresses of currencies begin with (ledger.md §2)."""
WITHOUT_END = 2**256 - 1
"""An allowance that is never used up."""
SUPPLY_HIGHEST = 2**128 - 1


class Refused(Exception):
    """The call reverts with a named error."""

    def __init__(self, name: str, *values: Value) -> None:
        self.name = name
        self.values = values
        super().__init__(f"{name}{values}")


@dataclass(frozen=True, slots=True)
class Hold:
    """Money reserved for a payee."""

    payer: bytes
    payee: bytes
    notary: bytes
    amount: int
    remaining: int
    expires_at_s: int
    consented_until_s: int
    memo: bytes
    status: int
    """1 open, 2 executed, 3 released."""

    @property
    def executor(self) -> bytes:
        return self.payee if self.notary == NOBODY else self.notary


@dataclass(frozen=True, slots=True)
class Redemption:
    """Money parked until an issuer answers."""

    owner: bytes
    amount: int
    memo: bytes
    requested_at_s: int
    status: int
    """1 requested, 2 completed, 3 rejected, 4 cancelled."""


@dataclass(slots=True)
class Money:
    """One currency."""

    address: bytes
    cap: int = SUPPLY_HIGHEST
    supply: int = 0
    is_paused: bool = False
    policy_id: int = 1
    has_limits: bool = False
    balances: dict[bytes, int] = field(default_factory=dict)
    allowances: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    frozen: dict[bytes, int] = field(default_factory=dict)
    minters: dict[bytes, int] = field(default_factory=dict)
    permits_used: dict[bytes, int] = field(default_factory=dict)
    orders_used: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)
    holds: dict[bytes, Hold] = field(default_factory=dict)
    redemptions: dict[int, Redemption] = field(default_factory=dict)
    reserves: tuple[int, int, bytes] = (0, 0, bytes(32))
    """Amount, time in seconds, hash of the document."""
    reserve_age_max_s: int = 0
    roles: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)
    """By role and account."""
    admin_offer: tuple[bytes, bytes] = (NOBODY, NOBODY)
    """Who offers administration to whom."""
    tier_limits: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    """Highest payment, out a day, in a day, balance; 0 is none."""
    used: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)
    """Day, out, in."""

    def held_by(self, account: bytes) -> int:
        return sum(hold.remaining for hold in self.holds.values() if hold.payer == account)

    def parked_by(self, account: bytes) -> int:
        return sum(row.amount for row in self.redemptions.values() if row.owner == account and row.status == 1)

    def add(self, account: bytes, amount: int) -> None:
        self.balances[account] = self.balances.get(account, 0) + amount


@dataclass(frozen=True, slots=True)
class Policy:
    """A list of accounts, or the names of three others."""

    kind: int
    """1 allow-list, 2 deny-list, 3 compound."""
    admin: bytes = NOBODY
    offered_to: bytes = NOBODY
    listed: frozenset[bytes] = frozenset()
    sides: tuple[int, int, int] = (0, 0, 0)
    """Of a compound: for the sender, the recipient, the recipient of new money."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the network knows of an account."""

    sponsor_id: int
    tier: int
    status: int
    """1 active, 2 suspended by its sponsor, 3 by the governor."""
    permissions: int
    registered_at_s: int


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank as registered."""

    address: bytes
    name: str
    bic: str
    quota: int


@dataclass(slots=True)
class State:
    """A whole ledger."""

    governor: bytes
    moneys: dict[bytes, Money]
    policies: dict[int, Policy] = field(
        default_factory=lambda: {0: Policy(1), 1: Policy(2)},
    )
    accounts: dict[bytes, Account] = field(default_factory=dict)
    banks: list[Bank] = field(default_factory=list)
    """In order of registration; the first has number 1."""

    def bank_id(self, address: bytes) -> int:
        """Return a bank's number, 0 if it is none."""
        return next((number for number, bank in enumerate(self.banks, 1) if bank.address == address), 0)


@dataclass(slots=True)
class Call:
    """Who calls what, when, and what it logged so far."""

    state: State
    target: bytes
    caller: bytes
    now_s: int
    signer: bytes
    """Who signed the order that a signed call carries; nobody if its signature is worthless."""
    events: list[Event]

    def log(self, name: str, *values: Value) -> None:
        self.events.append((self.target, name, values))

    @property
    def money(self) -> Money:
        return self.state.moneys[self.target]


def is_system(address: bytes) -> bool:
    """Tell whether an address is the ledger's own."""
    return address.startswith((GOVERNED_SYSTEM, CURRENCIES))
