"""Whom money goes to: refused if it is nobody, pointed out if this wallet does not know it."""

from consensus.primitives.scalars import Address
from contracts.addresses import is_system_address
from wallet_cli.addresses import checksum_address
from wallet_cli.errors import UsageRefused
from wallet_cli.output import Proof
from wallet_cli.session import Session


def validate_recipient(recipient: Address) -> None:
    """Check that somebody can be paid there. Raises: UsageRefused."""
    if is_system_address(recipient) or recipient == Address(bytes(20)):
        raise UsageRefused(
            f"{checksum_address(recipient)} is a contract of the ledger itself, or nobody",
            why="money sent there would be refused, or belong to nobody",
            next_step="check the address with the payee",
            code="RECIPIENT_SYSTEM",
        )


def kind_of(session: Session, recipient: Address) -> str:
    """Return what this wallet knows of an address: `pinned contact`, `contact`, `own account` or `address`."""
    known = [contact for contact in session.contact_book.values() if contact.address == recipient]
    if known:
        return "pinned contact" if any(contact.is_pinned for contact in known) else "contact"
    if any(account.address == recipient for account in session.accounts):
        return "own account"
    return "address"


def warnings_of(recipient: Address, name: str, has_checksum: bool, proof: Proof) -> tuple[str, ...]:
    """Return what a payer should notice before agreeing."""
    warnings = []
    if not has_checksum:
        warnings.append(f"the address has no checksum; it reads {checksum_address(recipient)}")
    if not name:
        warnings.append("this wallet has no name for the recipient")
    if proof.level != "verified":
        warnings.append(f"the balance is {proof.label()}")
    return tuple(warnings)
