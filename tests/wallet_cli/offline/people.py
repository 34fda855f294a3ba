"""Alice and Bob with wallets of their own before one chain, and moments without any network."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consensus.primitives.scalars import Address
from contracts.layout import balance_slot
from tests.wallet_cli.chain import EUR
from tests.wallet_cli.conftest import Wallet


class People:
    """Alice pays, Bob has a till; each has a home of her or his own, and both see one chain."""

    def __init__(self, alice: Wallet, folder: Path) -> None:
        self.alice = alice
        self.bob = Wallet(folder / "bobs", alice.chain, alice.node)
        shutil.copytree(alice.home, self.bob.home)
        assert self.bob.run("config", "set", "account", "bob").exit_code == 0
        for wallet in (self.alice, self.bob):
            wallet.now_ms = alice.chain.head.header.timestamp_ms + 2_000
            told = wallet.run("offline", "sync", "--yes")
            assert told.exit_code == 0, told.output

    def lock(self, amount: str = "50.00 EUR") -> str:
        """Let Alice lock money for Bob's till, and return the lock's id."""
        assert self.bob.run("offline", "card", "--name", "Bakery", "--out", "bob.sycee").exit_code == 0
        return str(self.alice.json("offline", "lock", "bob", amount, "--card", "bob.sycee", "--yes")["data"]["lock"])

    def open_purse(self) -> str:
        """Let Alice open a purse for a class that Bob is in, and return its id."""
        made = self.alice.json("offline", "class", "create", "bob", "alice", "--yes")["data"]["class"]
        assert self.bob.run("offline", "sync", "--yes").exit_code == 0
        words = ("offline", "purse", "open", "30.00 EUR", "--class", made, "--per-payee", "20.00 EUR", "--yes")
        return str(self.alice.json(*words)["data"]["purse"])

    def balance(self, account: Address) -> int:
        """Return an account's euros on the ledger, in cents."""
        return self.alice.chain.head.storage[EUR].get(balance_slot(account), 0)

    def exchange(self, amount: str, via: str = "file", stem: str = "a") -> None:
        """Pay with no network at all: invoice, payment, receipt."""
        end = {"file": ".sycee", "png": ""}[via]
        for wallet, words in (
            (self.bob, ("offline", "invoice", amount, "--via", via, "--out", f"{stem}-invoice{end or '.png'}")),
            (
                self.alice,
                ("pay", f"{stem}-invoice{end or '.png'}", "--via", via, "--out", f"{stem}-paid{end}", "--yes"),
            ),
            (self.bob, ("offline", "receive", f"{stem}-paid{end}", "--via", via, "--out", f"{stem}-receipt{end}")),
            (self.alice, ("offline", "answer", f"{stem}-receipt{end}")),
        ):
            with no_network():
                told = wallet.run(*words)
            assert told.exit_code == 0, told.output


@contextmanager
def no_network() -> Iterator[None]:
    """Let every connection fail the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened while offline")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield


def clone_of(wallet: Wallet, name: str) -> Wallet:
    """Return another device with a copy of everything in a home, guard included."""
    folder = wallet.folder / name
    folder.mkdir()
    clone = Wallet(folder, wallet.chain, wallet.node)
    shutil.copytree(wallet.home, clone.home)
    clone.now_ms = wallet.now_ms
    return clone
