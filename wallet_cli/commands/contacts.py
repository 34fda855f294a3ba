"""`sycee contacts`: names for addresses of others; a pin says that somebody compared the address face to face."""

import click

from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.cli import WalletGroup, wallet_command
from wallet_cli.contacts import (
    Contact,
    contact_record,
    find_contact,
    pin_contact,
    remove_contact,
    save_contact,
)
from wallet_cli.errors import UsageRefused
from wallet_cli.session import Session


@wallet_command(
    "add",
    needs=(),
    examples=(
        "sycee contacts add dora 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "sycee contacts add carol 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC --json",
    ),
)
@click.argument("name")
@click.argument("address")
def add(session: Session, name: str, address: str) -> None:
    """Give ADDRESS a NAME to pay it by."""
    found, has_checksum = parse_address(address)
    if not has_checksum:
        session.output.confirm(
            f"{address} has no checksum. Is it {checksum_address(found)}?",
            is_yes=session.settings.is_yes,
            next_step=f"sycee contacts add {name} {checksum_address(found)}",
        )
    for account in session.accounts:
        if account.name == name and account.address != found:
            raise UsageRefused(
                f"{name} is an account of this wallet with another address, {checksum_address(account.address)}",
                why="one name must not mean two addresses",
                next_step="choose another name",
                code="CONTACT_EXISTS",
            )
    save_contact(session.home.contacts_file, name, found)
    contact = find_contact(session.home.contacts_file, name)
    session.output.result(contact_record(name, contact), _line(name, contact))


@wallet_command("list", needs=(), examples=("sycee contacts list", "sycee contacts list --json"))
def list_contacts(session: Session) -> None:
    """List all contacts."""
    entries = [contact_record(name, contact) for name, contact in session.contact_book.items()]
    lines = [_line(name, contact) for name, contact in session.contact_book.items()]
    session.output.result(entries, "\n".join(lines) or "no contacts yet: sycee contacts add NAME ADDRESS")


@wallet_command(
    "pin",
    needs=(),
    examples=(
        "sycee contacts pin bob --compared",
        "sycee contacts pin bob --till 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC --compared --json",
    ),
)
@click.argument("name")
@click.option("--till", default="", metavar="ADDRESS", help="Whose signature stands on the payee's invoices offline.")
@click.option("--compared", "is_compared", is_flag=True, help="Say without a terminal that you compared them.")
def pin(session: Session, name: str, till: str, is_compared: bool) -> None:
    """Mark NAME as compared face to face: screens then say `pinned contact`. --yes alone does not do."""
    contact = find_contact(session.home.contacts_file, name)
    found_till = contact.till
    if till:
        found_till, has_checksum = parse_address(till)
        if not has_checksum:
            raise UsageRefused(
                f"{till} has no checksum",
                why="an address that is to be believed for ever is not guessed at",
                next_step=f"compare again and type it so: {checksum_address(found_till)}",
                code="CHECKSUM_MISSING",
            )
    session.output.say(f"{name:<16} pays to {checksum_address(contact.address)}")
    if found_till is not None:
        session.output.say(f"{'':<16} till    {checksum_address(found_till)}")
    session.output.confirm(
        "Have you compared every character with the payee's own screen?",
        is_yes=is_compared,
        next_step=f"compare, then say so: sycee contacts pin {name} --compared",
    )
    pinned = pin_contact(session.home.contacts_file, name, found_till)
    session.output.result(contact_record(name, pinned), _line(name, pinned))


@wallet_command("rm", needs=(), examples=("sycee contacts rm bob --yes", "sycee contacts rm bob --yes --json"))
@click.argument("name")
def remove(session: Session, name: str) -> None:
    """Forget the contact NAME."""
    contact = find_contact(session.home.contacts_file, name)
    session.output.confirm(
        f"Forget {_line(name, contact)}?",
        is_yes=session.settings.is_yes,
        next_step=f"sycee contacts rm {name} --yes",
    )
    remove_contact(session.home.contacts_file, name)
    session.output.result({"name": name, "removed": True}, f"{name} removed")


contacts = WalletGroup(
    "contacts",
    table={
        "add": ("wallet_cli.commands.contacts:add", "give an address a name"),
        "list": ("wallet_cli.commands.contacts:list_contacts", "all names"),
        "pin": ("wallet_cli.commands.contacts:pin", "say that an address was compared face to face"),
        "rm": ("wallet_cli.commands.contacts:remove", "forget a contact"),
    },
    help="Names for addresses of others.",
)


def _line(name: str, contact: Contact) -> str:
    till = "" if contact.till is None else f", till {checksum_address(contact.till)}"
    return f"{name:<16} {checksum_address(contact.address)}" + (f"  (pinned{till})" if contact.is_pinned else "")
