"""What people read about offline money: screens at 80 columns, refusals as errors, names. No decisions.

Source: wallet.md §3, §4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.primitives.scalars import Address, AmountMinor
from wallet_cli.addresses import short_address
from wallet_cli.amounts import Amount, Currency, amount_words, format_amount
from wallet_cli.errors import DoubleSpendDetected, InsufficientFunds, PolicyRefused, ProofInvalid, UserError
from wallet_cli.moments import instant_text
from wallet_cli.offline.messages import Fraud, Invoice
from wallet_cli.offline.pairing import Confirm
from wallet_cli.offline.payer import SignVoucher
from wallet_cli.offline.verdicts import Reason, Refused
from wallet_cli.recipients import kind_of
from wallet_cli.screens import party_words
from wallet_cli.session import Session

_PROOF: tuple[Reason, ...] = (
    Reason.MALFORMED,
    Reason.WRONG_ID,
    Reason.OTHER_CHAIN,
    Reason.CERTIFICATE_NOT_VALID,
    Reason.COMMITTEE_UNKNOWN,
    Reason.SIGNATURE_NOT_VALID,
    Reason.VOUCHER_MISSING,
)
_FUNDS: tuple[Reason, ...] = (Reason.NO_LOCK, Reason.NO_ROOM, Reason.EXCEEDS_DEPOSIT)

_NEXT: dict[Reason, str] = {
    Reason.NO_LOCK: "with a network: sycee offline lock PAYEE AMOUNT",
    Reason.NO_ROOM: "with a network: sycee offline topup ID AMOUNT",
    Reason.EXCEEDS_DEPOSIT: "ask the payer to top up, or for another way to pay",
    Reason.ANCHOR_STALE: "with a network: sycee offline sync",
    Reason.COMMITTEE_UNKNOWN: "with a network: sycee offline sync",
    Reason.EXPOSURE: "with a network: sycee redeem",
    Reason.INVOICE_EXPIRED: "the payee makes a new one: sycee offline invoice AMOUNT",
    Reason.PAYEE_NOT_INTRODUCED: "the payee shows its card: sycee offline card",
}


@dataclass(frozen=True, slots=True)
class Names:
    """How parties and money are called here."""

    session: Session
    currencies: Sequence[Currency]

    def money(self, currency: bytes, units: int) -> str:
        """Return an amount of a pinned currency, or in minor units of one that is not."""
        found = next((entry for entry in self.currencies if entry.address == currency), None)
        if found is None:
            return f"{units} minor units of {short_address(currency)}"
        return format_amount(Amount(AmountMinor(units), found))

    def amount(self, currency: bytes, units: int) -> Amount:
        """Return an amount of a pinned currency."""
        return Amount(AmountMinor(units), next(entry for entry in self.currencies if entry.address == currency))

    def party(self, address: bytes) -> str:
        """Return a name of this wallet, or a short address."""
        return self.session.name_of(address) or short_address(Address(address))

    def payee(self, invoice: Invoice) -> str:
        """Return who asks for money, on one line: what it calls itself counts only if nobody here knows it."""
        name = self.session.name_of(invoice.payee)
        if not name:
            name = f'says it is "{invoice.name}"' if invoice.name else short_address(invoice.payee)
        return party_words(name, kind_of(self.session, invoice.payee), invoice.payee)


def payment_screen(names: Names, asked: Confirm, *, until_s: int) -> str:
    """Return what a payer agrees to; `until_s` is the last second at which the payee can redeem."""
    session, invoice = names.session, asked.invoice
    money = names.amount(invoice.currency, invoice.amount_minor)
    is_lock = isinstance(asked.verdict, SignVoucher)
    title = "Pay offline"
    where = f"network {session.network.name}, chain {session.network.chain_id}"
    rows = [
        ("to", names.payee(invoice)),
        ("amount", f"{format_amount(money):<14} {amount_words(money)}"),
        ("from", "a lock for this payee and till" if is_lock else "a purse, up to its cap for each payee"),
        ("invoice", invoice.invoice.hex()),
        ("finality", f"you cannot take this back before {instant_text(until_s)}"),
    ]
    return "\n".join([title + where.rjust(80 - len(title)), *(f"  {label:<10}{text}" for label, text in rows)])


def refusal(refused: Refused) -> UserError:
    """Return the error that a refused message ends a command with."""
    reason = refused.reason
    kind: type[UserError] = PolicyRefused
    if reason in _PROOF:
        kind = ProofInvalid
    elif reason in _FUNDS:
        kind = InsufficientFunds
    elif reason is Reason.REVOKED:
        kind = DoubleSpendDetected
    facts = ", ".join(f"{name} {value}" for name, value in refused.facts)
    return kind(
        f"refused: {reason.text}",
        why=facts or "nothing was accepted, signed or stored",
        next_step=_NEXT.get(reason, "ask the other side to show it again, or for a new invoice"),
        code=reason.name,
    )


def double_spend(fraud: Fraud) -> DoubleSpendDetected:
    """Return the error for a purse that was spent twice."""
    return DoubleSpendDetected(
        f"double spend: units {max(fraud.first.lo, fraud.second.lo)} to {min(fraud.first.hi, fraud.second.hi)} of this "
        "purse were signed away before",
        why="hand nothing over; the two signatures are kept as proof against the purse's owner",
        next_step="with a network: sycee offline fraud report",
    )
