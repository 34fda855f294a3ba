"""`sycee contacts`: names for addresses of others."""

import click

from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.cli import WalletGroup, wallet_command
from wallet_cli.contacts import save_contact
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
    session.output.result({"name": name, "address": checksum_address(found)}, f"{name:<16} {checksum_address(found)}")


@wallet_command("list", needs=(), examples=("sycee contacts list", "sycee contacts list --json"))
def list_contacts(session: Session) -> None:
    """List all contacts."""
    entries = [{"name": name, "address": checksum_address(address)} for name, address in session.contacts.items()]
    lines = [f"{entry['name']:<16} {entry['address']}" for entry in entries]
    session.output.result(entries, "\n".join(lines) or "no contacts yet: sycee contacts add NAME ADDRESS")


contacts = WalletGroup(
    "contacts",
    table={
        "add": ("wallet_cli.commands.contacts:add", "give an address a name"),
        "list": ("wallet_cli.commands.contacts:list_contacts", "all names"),
    },
    help="Names for addresses of others.",
)
