"""What an account has in one currency, proven slot by slot."""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.primitives.scalars import Address, AmountMinor
from contracts.declarations import declare_function, encode_call
from contracts.layout import CurrencySlots, address_mapping_slot, balance_slot
from wallet_cli.amounts import Amount, Currency, amount_record, format_amount
from wallet_cli.errors import InsufficientFunds
from wallet_cli.keystore import Account
from wallet_cli.session import Session
from wallet_cli.verified import Head, ask_any, proof_failed

_BALANCE_OF = declare_function("balanceOf(address account)", returns="uint256")


@dataclass(frozen=True, slots=True)
class Position:
    """An account's money in one currency, in minor units."""

    currency: Currency
    balance: int
    """What the currency's balanceOf says; frozen money included."""
    frozen: int
    held: int
    """Set aside by open holds; not in `balance`."""
    parked: int
    """Waiting for redemption; not in `balance`."""

    @property
    def spendable(self) -> Amount:
        """Return the balance less what is frozen, never below zero (ledger.md §4)."""
        return Amount(AmountMinor(max(0, self.balance - self.frozen)), self.currency)

    @property
    def total(self) -> Amount:
        """Return everything that is the account's."""
        return Amount(AmountMinor(self.balance + self.held + self.parked), self.currency)

    def record(self) -> dict[str, object]:
        """Return the position as `--json` shows it: the spendable amount, then its parts."""
        parts = {"balance": self.balance, "frozen": self.frozen, "held": self.held, "parked": self.parked}
        return {
            **amount_record(self.spendable),
            **{name: amount_record(Amount(AmountMinor(units), self.currency)) for name, units in parts.items()},
            "total": amount_record(self.total),
        }


def read_position(session: Session, head: Head, account: Address, currency: Currency) -> Position:
    """Return the proven position of `account`. Raises: ProofInvalid, NetworkUnreachable."""
    _, words = session.verifier.read_account(head, currency.address, position_slots(account))
    return position_of(currency, words)


def position_slots(account: Address) -> list[int]:
    """Return where a currency keeps what `account` has: the words that `position_of` reads."""
    return [
        balance_slot(account),
        address_mapping_slot(account, CurrencySlots.FROZEN),
        address_mapping_slot(account, CurrencySlots.HELD),
        address_mapping_slot(account, CurrencySlots.PARKED),
    ]


def position_of(currency: Currency, words: Sequence[int]) -> Position:
    """Return the position in the words at `position_slots`."""
    balance, frozen, held, parked = words
    return Position(currency, balance, frozen, held, parked)


def require_spendable(session: Session, head: Head, account: Account, money: Amount) -> tuple[Amount, Amount]:
    """Return what an account can spend, proven, and what remains once `money` has left.

    Raises: InsufficientFunds, ProofInvalid, NetworkUnreachable.
    """
    spendable = read_position(session, head, account.address, money.currency).spendable
    if spendable.units < money.units:
        raise InsufficientFunds(
            f"{account.name} can spend {format_amount(spendable)}, {format_amount(money)} are to be paid",
            why=f"the balance is {head.proof.label()}; nothing was signed",
            next_step=f"sycee balance {account.name}",
        )
    return spendable, Amount(AmountMinor(spendable.units - money.units), money.currency)


def ask_position(session: Session, account: Address, currency: Currency) -> Position:
    """Return what one node says without proof, for networks that cannot prove. Raises: NetworkUnreachable."""
    call = {"to": "0x" + currency.address.hex(), "data": "0x" + encode_call(_BALANCE_OF, account).hex()}
    answer = ask_any(session.client, "eth_call", call, "latest")
    try:
        return Position(currency, int(str(answer.result), 16), 0, 0, 0)
    except ValueError as error:
        raise proof_failed(answer.endpoint, error) from error
