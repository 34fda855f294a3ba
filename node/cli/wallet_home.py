"""Prepare and use the wallet of a development network, as a person would: by running `sycee`. Never imports it."""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from node.cli.errors import CommandError
from node.cli.homes import PRIVATE_FILE_MODE, write_once
from node.cli.supervisor import child_environment, module_arguments
from node.dev_accounts import NAMED, DevAccount, checksum_address

WALLET_TIMEOUT_S = 60
"""Longest run of one wallet command: a cold start on a loaded machine takes 5 s."""
PASSWORD_BYTES = 16
PARALLEL_MAX = 2
"""Wallet commands at once: each is a Python process that computes while it starts."""


class WalletFailed(CommandError):
    """A wallet command did not do what it was asked."""

    def __init__(self, arguments: Sequence[str], output: str) -> None:
        self.arguments = tuple(arguments)
        self.output = output
        super().__init__(f"`sycee {' '.join(arguments)}` failed:\n{output.rstrip()}")


@dataclass(frozen=True, slots=True)
class WalletRun:
    """What one wallet command did."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class WalletHome:
    """The wallet of a development network."""

    folder: Path
    password_file: Path
    marker_file: Path
    """Exists once the home is complete."""

    def run(self, *arguments: str, stdin: str = "") -> WalletRun:
        """Run `sycee ARGUMENTS` in this home.

        Raises: WalletFailed when it takes longer than WALLET_TIMEOUT_S.
        """
        command = [sys.executable, *module_arguments("wallet_cli"), "--home", str(self.folder), *arguments]
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                text=True,
                env=child_environment(),
                timeout=WALLET_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise WalletFailed(arguments, f"no end after {WALLET_TIMEOUT_S} s") from error
        return WalletRun(done.returncode, done.stdout, done.stderr)

    def require(self, *arguments: str, stdin: str = "") -> WalletRun:
        """Run `sycee ARGUMENTS` and return what it did.

        Raises: WalletFailed unless it exits 0.
        """
        done = self.run(*arguments, stdin=stdin)
        if done.exit_code != 0:
            raise WalletFailed(arguments, f"{done.stdout}{done.stderr}(exit code {done.exit_code})")
        return done

    def prepare(self, *, genesis_file: Path, rpc_urls: Sequence[str]) -> None:
        """Make the home with the keys of alice, bob and carol, each also a contact; later runs only renew addresses.

        A home that was left half made is made again. Opens no connection.

        Raises: WalletFailed.
        """
        if not self.marker_file.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            write_once(self.password_file, secrets.token_hex(PASSWORD_BYTES).encode(), mode=PRIVATE_FILE_MODE)
        endpoints = [part for url in rpc_urls for part in ("--rpc", url)]
        self.require(
            *("--yes", "init", "--network", "devnet", "--genesis", str(genesis_file), *endpoints),
            *("--password-file", str(self.password_file)),
        )
        if self.marker_file.exists():
            return
        with ThreadPoolExecutor(PARALLEL_MAX) as pool:
            imports = [pool.submit(self._import_key, account) for account in NAMED]
            for imported in imports:
                imported.result()
        for account in NAMED:
            self.require("--yes", "contacts", "add", account.name, checksum_address(account.address))
        write_once(self.marker_file, b"")

    def learn_contracts(self, facts_file: Path) -> None:
        """Let the wallet know the contracts of `devnet.json` by their names.

        Raises: WalletFailed.
        """
        self.require("contract", "import", str(facts_file))

    def _import_key(self, account: DevAccount) -> None:
        self.require("--yes", "keys", "import", account.name, "--stdin", "--light-kdf", stdin=account.private_key.hex())
