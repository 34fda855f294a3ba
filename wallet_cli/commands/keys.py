"""`sycee keys`: make, import, list, show and choose keys. Private parts leave only as a mnemonic, once, when made."""

import os
import sys
from dataclasses import replace
from typing import Final

import click

from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import Declined, UsageRefused
from wallet_cli.home import save_preferences, validate_name
from wallet_cli.keystore import Account, find_account
from wallet_cli.output import has_terminal
from wallet_cli.passwords import read_passphrase, read_password
from wallet_cli.session import Session

_KEY: Final = (Need.KEY,)
_WORDS_ASKED: Final = (2, 11, 23)
"""Which words are asked back, from 0: one of each third."""

_LIGHT_HELP = "Cheap encryption, for development keys that everybody knows."
_PASSPHRASE: Final = click.option(
    "--passphrase", "is_passphrase", is_flag=True, help="Ask for a BIP-39 passphrase that belongs to the words."
)
_PASSPHRASE_FD: Final = click.option(
    "--passphrase-fd", type=click.IntRange(0), metavar="N", help="Read that passphrase from file descriptor N."
)


@wallet_command(
    "new", needs=_KEY, examples=("sycee keys new alice", "sycee keys new alice --mnemonic-fd 3 3> words.txt")
)
@click.argument("name")
@click.option("--mnemonic-fd", type=click.IntRange(1), metavar="N", help="Write the 24 words to file descriptor N.")
@click.option("--light-kdf", is_flag=True, help=_LIGHT_HELP)
@_PASSPHRASE
@_PASSPHRASE_FD
def new(
    session: Session,
    name: str,
    mnemonic_fd: int | None,
    light_kdf: bool,
    is_passphrase: bool,
    passphrase_fd: int | None,
) -> None:
    """Make a key from 24 fresh words and keep it encrypted as NAME.

    The words are shown once on the terminal, and three of them are asked back. Without a terminal they go to
    --mnemonic-fd only. With a passphrase the key is made of words and passphrase: neither is enough alone.
    """
    from wallet_cli.signing import new_mnemonic, store_key

    _validate_free(session, name)
    if mnemonic_fd is None and not has_terminal():
        raise Declined(
            "there is no terminal to show the words on",
            why="the words are the only backup of the key and are never written where they were not asked for",
            next_step=f"sycee keys new {name} --mnemonic-fd 3 3> FILE",
            code="TERMINAL_NEEDED",
        )
    password = read_password(session.password_source(), f"New password of {name}", is_new=True)
    passphrase = read_passphrase(is_asked=is_passphrase, descriptor=passphrase_fd, is_new=True)
    words, private_key = new_mnemonic(passphrase)
    if mnemonic_fd is not None:
        _write_words(mnemonic_fd, words)
    else:
        _show_words(session, words)
    account = store_key(session.home.keys, name, private_key, password, is_development=light_kdf)
    _answer(session, account)


@wallet_command(
    "import",
    needs=_KEY,
    examples=("sycee keys import alice --stdin < key.txt", "sycee keys import alice --stdin --light-kdf < key.txt"),
)
@click.argument("name")
@click.option("--stdin", "is_stdin", is_flag=True, help="Read the key or the words from stdin, one line.")
@click.option("--index", type=click.IntRange(0, 2**31 - 1), default=0, help="Which account of a mnemonic (default 0).")
@click.option("--light-kdf", is_flag=True, help=_LIGHT_HELP)
@_PASSPHRASE
@_PASSPHRASE_FD
def import_key(
    session: Session,
    name: str,
    is_stdin: bool,
    index: int,
    light_kdf: bool,
    is_passphrase: bool,
    passphrase_fd: int | None,
) -> None:
    """Keep an existing private key, or the words of a mnemonic, encrypted as NAME."""
    from wallet_cli.signing import parse_secret, store_key

    _validate_free(session, name)
    secret = _read_secret(is_stdin)
    passphrase = read_passphrase(is_asked=is_passphrase, descriptor=passphrase_fd, is_new=False)
    private_key = parse_secret(secret, index=index, passphrase=passphrase)
    password = read_password(session.password_source(), f"New password of {name}", is_new=True)
    account = store_key(session.home.keys, name, private_key, password, is_development=light_kdf)
    _answer(session, account)


@wallet_command("list", needs=(), examples=("sycee keys list", "sycee keys list --json"))
def list_keys(session: Session) -> None:
    """List the accounts of this wallet: names and addresses, nothing secret."""
    default = session.preferences.account
    records = [_record(account, default) for account in session.accounts]
    lines = [_line(account, default) for account in session.accounts]
    session.output.result(records, "\n".join(lines) or "no keys yet: sycee keys new NAME")


@wallet_command("show", needs=(), examples=("sycee keys show alice", "sycee keys show alice --json"))
@click.argument("name")
def show(session: Session, name: str) -> None:
    """Show the public parts of one account."""
    account = find_account(session.home.keys, name)
    default = session.preferences.account
    session.output.result(_record(account, default), f"{_line(account, default)}\n  {account.path}")


@wallet_command("use", needs=(), examples=("sycee keys use alice", "sycee keys use alice --json"))
@click.argument("name")
def use(session: Session, name: str) -> None:
    """Make NAME the account that is used when --from is not given."""
    account = find_account(session.home.keys, name)
    save_preferences(session.home, replace(session.preferences, account=account.name))
    session.output.result(_record(account, account.name), _line(account, account.name))


keys = WalletGroup(
    "keys",
    table={
        "new": ("wallet_cli.commands.keys:new", "make a key from fresh words"),
        "import": ("wallet_cli.commands.keys:import_key", "keep an existing key"),
        "list": ("wallet_cli.commands.keys:list_keys", "names and addresses"),
        "show": ("wallet_cli.commands.keys:show", "public parts of one account"),
        "use": ("wallet_cli.commands.keys:use", "choose the default account"),
        "rename": ("wallet_cli.commands.key_care:rename", "give an account another name"),
        "passwd": ("wallet_cli.commands.key_care:passwd", "encrypt a key under another password"),
        "export": ("wallet_cli.commands.key_care:export", "show a private key, once its name is typed"),
        "rm": ("wallet_cli.commands.key_care:remove", "remove a key, once its name is typed"),
    },
    help="Make, import, list, choose and look after keys.",
)


def _validate_free(session: Session, name: str) -> None:
    """Fail before secrets are typed. Raises: UsageRefused."""
    if (session.home.keys / f"{validate_name(name, 'an account')}.json").exists():
        raise UsageRefused(
            f"there is an account {name!r} already",
            why="a key is never overwritten",
            next_step=f"choose another name, or look at it: sycee keys show {name}",
            code="ACCOUNT_EXISTS",
        )


def _read_secret(is_stdin: bool) -> str:
    if is_stdin:
        return sys.stdin.readline()
    if not has_terminal():
        raise Declined(
            "there is no terminal to ask for the key on",
            why="a key never stands in arguments or the environment",
            next_step="give it on stdin: sycee keys import NAME --stdin < FILE",
            code="TERMINAL_NEEDED",
        )
    secret: str = click.prompt("Private key or words", hide_input=True, err=True)
    return secret


def _write_words(descriptor: int, words: str) -> None:
    try:
        os.write(descriptor, words.encode() + b"\n")
    except OSError as error:
        raise UsageRefused(
            f"file descriptor {descriptor} cannot be written: {error.strerror}",
            why="the words would be lost, so no key was made",
            next_step=f"open it in the shell: --mnemonic-fd {descriptor} {descriptor}> FILE",
            code="DESCRIPTOR_INVALID",
        ) from error


def _show_words(session: Session, words: str) -> None:
    """Show the words on the terminal's alternate screen, then ask three of them back. Raises: Declined."""
    listed = words.split()
    rows = [
        "   ".join(f"{index + 1:>2} {listed[index]:<9}" for index in range(row, row + 4))
        for row in range(0, len(listed), 4)
    ]
    session.output.show_once("\n".join(["Write these words down, in this order. They are shown once.", "", *rows, ""]))
    for index in _WORDS_ASKED:
        if click.prompt(f"Word {index + 1}", err=True).strip().lower() != listed[index]:
            raise Declined(
                f"word {index + 1} is another one; no key was made",
                why="a key whose words are not written down is lost with this machine",
                next_step="repeat the command; it makes new words",
            )


def _answer(session: Session, account: Account) -> None:
    default = session.preferences.account
    session.output.result(_record(account, default), _line(account, default))


def _record(account: Account, default: str) -> dict[str, object]:
    return {
        "name": account.name,
        "address": checksum_address(account.address),
        "development": account.is_development,
        "default": account.name == default,
    }


def _line(account: Account, default: str) -> str:
    marks = ["default"] if account.name == default else []
    marks += ["development key"] if account.is_development else []
    return f"{account.name:<16} {checksum_address(account.address)}" + (f"  ({', '.join(marks)})" if marks else "")
