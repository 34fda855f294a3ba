"""Where the password comes from: a file descriptor, a private file, the configured file, or a prompt.

Never from the command line and never from the environment: both can be read by others on the machine.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from wallet_cli.errors import Declined, UsageRefused
from wallet_cli.files import PRIVATE_FILE_MODE, read_small, validate_private
from wallet_cli.output import has_terminal

SECRET_BYTES_MAX: Final = 4_096
"""Longest password or mnemonic read from a descriptor; 24 words are about 200 bytes."""


@dataclass(frozen=True, slots=True)
class PasswordSource:
    """What the user said about where the password is; empty or None means not said."""

    descriptor: int | None = None
    file: str = ""
    configured_file: str = ""
    """From config.toml."""


def read_password(source: PasswordSource, prompt: str, *, is_new: bool = False) -> str:
    """Return the password, asking twice on the terminal for a new one.

    Raises: Declined without terminal and source, PolicyRefused for a file others can read, UsageRefused.
    """
    if source.descriptor is not None:
        return read_secret_line(source.descriptor)
    file = source.file or source.configured_file
    if file:
        return _read_password_file(Path(file).expanduser())
    if not has_terminal():
        raise Declined(
            "a password is needed and there is no terminal to ask on",
            why="passwords come from --password-fd, --password-file or a prompt, never from arguments",
            next_step="repeat the command with --password-file PATH (mode 0600)",
            code="PASSWORD_NEEDED",
        )
    try:
        password: str = click.prompt(prompt, hide_input=True, confirmation_prompt=is_new, err=True)
    except click.Abort as error:
        raise Declined("no password given", why="the prompt was left", next_step="repeat the command") from error
    return password


def read_passphrase(*, is_asked: bool, descriptor: int | None, is_new: bool) -> str:
    """Return the BIP-39 passphrase from a descriptor or, if asked for, the prompt; empty if neither was named.

    Raises: Declined without a terminal to ask on, UsageRefused.
    """
    if descriptor is not None:
        return read_secret_line(descriptor)
    if not is_asked:
        return ""
    if not has_terminal():
        raise Declined(
            "a passphrase is to be asked for and there is no terminal",
            why="a passphrase never stands in arguments or the environment",
            next_step="give it on a descriptor: --passphrase-fd 3 3< FILE",
            code="TERMINAL_NEEDED",
        )
    passphrase: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new, err=True)
    return passphrase


def read_secret_line(descriptor: int) -> str:
    """Return the first line that file descriptor `descriptor` gives. Raises: UsageRefused."""
    chunks = b""
    try:
        while b"\n" not in chunks and len(chunks) <= SECRET_BYTES_MAX:
            chunk = os.read(descriptor, SECRET_BYTES_MAX)
            if not chunk:
                break
            chunks += chunk
    except OSError as error:
        raise UsageRefused(
            f"file descriptor {descriptor} cannot be read: {error.strerror}",
            why="it must be open for reading when the command starts",
            next_step="open it in the shell, as in: sycee … --password-fd 3 3< FILE",
            code="DESCRIPTOR_INVALID",
        ) from error
    return chunks.split(b"\n", 1)[0].decode(errors="replace").removesuffix("\r")


def _read_password_file(path: Path) -> str:
    try:
        validate_private(path, PRIVATE_FILE_MODE)
        content = read_small(path)
    except OSError as error:
        raise UsageRefused(
            f"password file {path} cannot be read: {error.strerror}",
            why="it was named with --password-file or in config.toml",
            next_step=f"ls -l {path}",
            code="PASSWORD_FILE",
        ) from error
    return content.split(b"\n", 1)[0].decode(errors="replace").removesuffix("\r")
