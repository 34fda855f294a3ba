"""What people see, at 80 columns: the confirmation of a payment, positions, transactions. Text only, no decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from consensus.primitives.scalars import Address
from contracts.movements import MovementKind
from wallet_cli.addresses import checksum_address, short_address
from wallet_cli.amounts import Amount, amount_record, amount_words, format_amount, format_units
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.output import Proof, age_text

if TYPE_CHECKING:
    from wallet_cli.payments import Payment
    from wallet_cli.positions import Position
    from wallet_cli.verified import FinalTransaction

_LABEL_COLUMN: Final = 12
_SCREEN_COLUMNS: Final = 80
_TITLE_COLUMNS: Final = 28
_AMOUNT_COLUMNS: Final = 22


_KIND_WORDS: Final = {
    MovementKind.PAYMENT: "payment",
    MovementKind.ISSUED: "issued",
    MovementKind.DESTROYED: "destroyed",
    MovementKind.FORCED: "forced",
    MovementKind.HOLD_MADE: "hold made",
    MovementKind.HOLD_PAID: "paid from hold",
    MovementKind.HOLD_RELEASED: "hold released",
    MovementKind.REDEMPTION_REQUESTED: "to be redeemed",
    MovementKind.REDEMPTION_COMPLETED: "redeemed",
    MovementKind.REDEMPTION_REJECTED: "rejected back",
    MovementKind.REDEMPTION_CANCELLED: "cancelled back",
    MovementKind.OFFLINE_LOCKED: "locked offline",
    MovementKind.OFFLINE_PAID: "paid offline",
    MovementKind.OFFLINE_RETURNED: "lock returned",
}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Everything a payer is asked to agree to."""

    network: str
    chain_id: int
    recipient_name: str
    """Empty if this wallet has no name for the address."""
    recipient_kind: str
    """`pinned contact`, `contact`, `own account` or `address`."""
    recipient: Address
    amount: Amount
    sender_name: str
    after: Amount
    """What remains spendable."""
    memo: bytes
    proof: Proof
    warnings: tuple[str, ...]


def confirmation_screen(screen: Confirmation) -> str:
    """Return the screen shown before a payment is signed; the same fields in the same order for every one."""
    name = screen.recipient_name or short_address(screen.recipient)
    fields = [
        ("to", party_words(name, screen.recipient_kind, screen.recipient)),
        ("amount", f"{format_amount(screen.amount):<14} {amount_words(screen.amount)}"),
        ("from", f"{screen.sender_name:<14} after it {format_amount(screen.after)} spendable"),
    ]
    if screen.memo != EMPTY_MEMO:
        fields.append(("memo", memo_text(screen.memo)))
    checks = f"balance {proof_words(screen.proof)}; a node tried it without revert"
    where = (screen.network, screen.chain_id)
    return deed_screen("Pay online", where, fields, checks, screen.warnings)


def deed_screen(
    title: str,
    where: tuple[str, int],
    fields: Sequence[tuple[str, str]],
    checks: str,
    warnings: Sequence[str],
) -> str:
    """Return the screen of anything that will be signed; `where` is network and chain id."""
    lines = [title + f"network {where[0]}, chain {where[1]}".rjust(_SCREEN_COLUMNS - len(title))]
    lines += [_field(label, text) for label, text in fields]
    lines.append(_field("finality", "final when shown, about 0.1 s          fee none"))
    lines.append(_field("checks", checks))
    lines += [_field("warning", text) for text in warnings]
    return "\n".join(lines)


def party_words(name: str, kind: str, address: Address) -> str:
    """Return who somebody is, on one line."""
    return f"{name:<14} {kind:<16} {short_address(address)}"


def balance_screen(name: str, address: Address, positions: "Sequence[Position]", proof: Proof) -> str:
    """Return the positions of one account with their label."""
    title = f"{name}  {short_address(address)}" if name else checksum_address(address)
    # A whole address leaves no room for the label beside it.
    is_short = len(title) < _TITLE_COLUMNS
    lines = [f"{title:<{_TITLE_COLUMNS}}{proof.label()}"] if is_short else [title, f"  {proof.label()}"]
    if not positions:
        lines.append("  no money in any currency")
    for position in positions:
        decimals, code = position.currency.decimals, position.currency.code
        # More can be frozen than there is; the rows add up to the total all the same.
        frozen = min(position.frozen, position.balance)
        rows = [("available", position.spendable.units), ("held / frozen", position.held + frozen)]
        if position.parked:
            rows.append(("parked", position.parked))
        note = "   available + held + frozen" + (" + parked" if position.parked else "")
        rows.append(("total", position.total.units))
        for label, units in rows:
            line = f"  {label:<17}{format_units(units, decimals):>{_AMOUNT_COLUMNS - 8}} {code}"
            lines.append(line + (note if label == "total" else ""))
    return "\n".join(lines)


def transaction_screen(found: "FinalTransaction", payments: "Sequence[Payment]", names: dict[bytes, str]) -> str:
    """Return a proven transaction: outcome, then each movement of money."""
    proof = found.proof
    outcome = "final" if found.receipt.succeeded else "final, reverted: no money moved"
    lines = [
        f"0x{found.transaction.hash.hex()}",
        _field("outcome", f"{outcome} at height {proof.height}, signed {proof.signed}"),
        _field("proof", f"✓ finalization and receipt checked by this wallet, {age_text(proof.age_ms or 0)} old"),
    ]
    lines += [_field("paid", payment_line(payment, names)) for payment in payments]
    return "\n".join(lines)


def payment_line(payment: "Payment", names: dict[bytes, str]) -> str:
    """Return one movement of money on one line."""
    sender = names.get(payment.sender) or short_address(payment.sender)
    recipient = names.get(payment.recipient) or short_address(payment.recipient)
    memo = "" if payment.memo == EMPTY_MEMO else f"  {memo_text(payment.memo)}"
    what = "" if payment.kind is MovementKind.PAYMENT else f"  ({kind_words(payment.kind)})"
    return f"{format_amount(payment.amount)}  {sender} → {recipient}{memo}{what}"


def kind_words(kind: MovementKind) -> str:
    """Return what a movement is, in at most fourteen letters."""
    return _KIND_WORDS[kind]


def payment_record(payment: "Payment") -> dict[str, object]:
    """Return one movement of money as `--json` shows it."""
    return {
        "kind": str(payment.kind),
        "from": checksum_address(payment.sender),
        "to": checksum_address(payment.recipient),
        **amount_record(payment.amount),
        "memo": "" if payment.memo == EMPTY_MEMO else memo_text(payment.memo),
    }


def transaction_record(found: "FinalTransaction", payments: "Sequence[Payment]") -> dict[str, object]:
    """Return a proven transaction as `--json` shows it."""
    return {
        "hash": "0x" + found.transaction.hash.hex(),
        "status": "final" if found.receipt.succeeded else "reverted",
        "height": found.final.header.height,
        "index": found.index,
        "sender": checksum_address(found.sender),
        "nonce": found.transaction.nonce,
        "timestamp_ms": found.final.header.timestamp_ms,
        "payments": [payment_record(payment) for payment in payments],
    }


def _field(label: str, text: str) -> str:
    return f"  {label:<{_LABEL_COLUMN - 2}}{text}"


def proof_words(proof: Proof) -> str:
    """Return how a figure is known, in the middle of a line."""
    if proof.level == "verified":
        return f"proven at height {proof.height}, {age_text(proof.age_ms or 0)} old"
    return proof.label()
