"""`sycee keys rename|passwd|export|rm`: looking after keys that are there.

A key is shown or removed only after its name is typed on a terminal; no option stands for that.
"""

import os
from typing import Final

import click

from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, wallet_command
from wallet_cli.errors import Declined, UsageRefused
from wallet_cli.files import write_private
from wallet_cli.home import validate_name
from wallet_cli.keystore import find_account
from wallet_cli.output import has_terminal
from wallet_cli.passwords import PasswordSource
from wallet_cli.session import Session

_KEY: Final = (Need.KEY,)


@wallet_command("rename", needs=(), examples=("sycee keys rename alice anna", "sycee keys rename alice anna --json"))
@click.argument("name")
@click.argument("new_name", metavar="NEW")
def rename(session: Session, name: str, new_name: str) -> None:
    """Give the account NAME another name; its key and address stay."""
    account = find_account(session.home.keys, name)
    target = session.home.keys / f"{validate_name(new_name, 'an account')}.json"
    if new_name in session.contacts or target.exists():
        raise UsageRefused(
            f"{new_name} is a contact or an account already",
            why="one name must not mean two addresses",
            next_step="choose another name",
            code="ACCOUNT_EXISTS",
        )
    if session.preferences.account == name:
        raise UsageRefused(
            f"{name} is the account used by default",
            why="the default must name an account at every moment, also after a crash",
            next_step="choose another default first: sycee config set account ''",
            code="ACCOUNT_IN_USE",
        )
    # A link fails where another name appeared meanwhile; a rename would overwrite its key.
    os.link(account.path, target)
    account.path.unlink()
    record = {"name": new_name, "address": checksum_address(account.address)}
    session.output.result(record, f"{new_name:<16} {record['address']}")


@wallet_command(
    "passwd",
    needs=_KEY,
    examples=(
        "sycee keys passwd alice --new-password-file new.txt",
        "sycee keys passwd alice --new-password-file new.txt --json",
    ),
)
@click.argument("name")
@click.option("--new-password-file", default="", metavar="PATH", help="Read the new password from PATH (mode 0600).")
@click.option("--new-password-fd", type=click.IntRange(0), metavar="N", help="Read it from file descriptor N.")
def passwd(session: Session, name: str, new_password_file: str, new_password_fd: int | None) -> None:
    """Encrypt the key of NAME under another password."""
    from wallet_cli.signing import encrypt_again, unlock

    account = find_account(session.home.keys, name)
    key = unlock(account, session.password_source())
    content = encrypt_again(account, key, PasswordSource(new_password_fd, new_password_file))
    write_private(account.path, content)
    record = {"name": name, "address": checksum_address(account.address)}
    session.output.result(record, f"{name}: encrypted under the new password; older copies keep the old one")


@wallet_command("rm", needs=(), examples=("sycee keys rm alice", "sycee keys rm alice --json"))
@click.argument("name")
def remove(session: Session, name: str) -> None:
    """Remove the key of NAME from this wallet, once its name is typed on the terminal; --yes does not do."""
    account = find_account(session.home.keys, name)
    session.output.say(f"{name} {checksum_address(account.address)} can be had back only from its words or a backup.")
    _require_name_typed(name, "remove")
    account.path.unlink()
    session.output.result({"name": name, "removed": True}, f"{name} removed")


@wallet_command("export", needs=_KEY, examples=("sycee keys export alice", "sycee keys export alice --json"))
@click.argument("name")
def export(session: Session, name: str) -> None:
    """Show the private key of NAME on the terminal, once its name is typed; it goes to no file and no pipe."""
    from wallet_cli.signing import unlock

    account = find_account(session.home.keys, name)
    session.output.say(f"Whoever sees the private key of {name} can spend everything it has, for ever.")
    _require_name_typed(name, "show")
    key = unlock(account, session.password_source())
    session.output.show_once(f"Private key of {name}, {checksum_address(account.address)}\n\n{key.hex()}\n")
    record = {"name": name, "address": checksum_address(account.address)}
    session.output.result(record, f"{name}: the private key was shown on the terminal")


def _require_name_typed(name: str, deed: str) -> None:
    """Have the name of a key typed on the terminal. Raises: Declined."""
    if not has_terminal():
        raise Declined(
            "there is no terminal to type the name on",
            why="a key that is removed or shown by mistake takes its money with it",
            next_step="repeat the command on a terminal",
            code="TERMINAL_NEEDED",
        )
    if click.prompt(f"Type the name to {deed} it", err=True) != name:
        raise Declined("another name was typed, nothing was done", why="the names differ", next_step="repeat it")
