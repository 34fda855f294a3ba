"""A wallet in a temporary home before one or several nodes of one chain, with a clock that only tests move."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.wallet_cli.chain import ALICE_KEY, BOB, BOB_KEY, Chain
from tests.wallet_cli.twin import Node
from wallet_cli.__main__ import cli
from wallet_cli.addresses import checksum_address
from wallet_cli.session import Settings

PASSWORD = "correct horse battery staple"


class Wallet:
    """Runs `sycee` in a home of its own."""

    def __init__(self, folder: Path, chain: Chain, node: Node) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.chain = chain
        self.node = node
        self.now_ms = chain.head.header.timestamp_ms + 2_000
        self.genesis = folder / "genesis.json"
        self.genesis.write_bytes(chain.document_text)
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)

    def settings(self) -> Settings:
        def pause(duration_ms: int) -> None:
            self.now_ms += duration_ms

        return Settings(now_ms=lambda: self.now_ms, pause_ms=pause)

    def run(self, *words: str, stdin: str | None = None) -> Result:
        """Run one command without a terminal."""
        arguments = ["--home", str(self.home), *words]
        return CliRunner().invoke(cli, arguments, input=stdin, obj=self.settings())

    def json(self, *words: str, exit_code: int = 0) -> dict[str, Any]:
        """Run one command with --json and return its one object."""
        result = self.run(*words, "--json")
        assert result.exit_code == exit_code, result.output
        lines = result.stdout.splitlines()
        assert len(lines) == 1
        envelope: dict[str, Any] = json.loads(lines[0])
        assert envelope["schema"] == "sycee/1"
        assert envelope["ok"] is (exit_code == 0)
        return envelope

    def init(self, *urls: str) -> Result:
        endpoints = [word for url in urls or (self.node.url,) for word in ("--rpc", url)]
        return self.run(
            "init", "--network", "devnet", "--genesis", str(self.genesis), *endpoints, "--yes",
            "--password-file", str(self.password_file),
        )  # fmt: skip

    def files(self) -> dict[Path, bytes]:
        """Return every file of the home."""
        return {
            Path(folder, name): Path(folder, name).read_bytes()
            for folder, _, names in os.walk(self.home)
            for name in names
        }


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the keys of alice and bob: made once, because starting the key library takes half a second."""
    chain = Chain()
    node = Node(chain)
    wallet = Wallet(tmp_path_factory.mktemp("prepared"), chain, node)
    node.close()
    assert wallet.init().exit_code == 0
    for name, key in (("alice", ALICE_KEY), ("bob", BOB_KEY)):
        made = wallet.run("keys", "import", name, "--stdin", "--light-kdf", stdin=key.hex())
        assert made.exit_code == 0, made.output
    assert wallet.run("keys", "use", "alice").exit_code == 0
    assert wallet.run("contacts", "add", "bob", checksum_address(BOB)).exit_code == 0
    return wallet.home


@pytest.fixture(scope="session")
def two_blocks() -> Chain:
    """Return a chain of two empty blocks, to be forked."""
    chain = Chain()
    chain.add_block()
    chain.add_block()
    return chain


@pytest.fixture
def wallet(tmp_path: Path, prepared_home: Path, two_blocks: Chain) -> Iterator[Wallet]:
    """Return a wallet with two keys before one honest node with two blocks."""
    chain = two_blocks.fork()
    node = Node(chain)
    prepared = Wallet(tmp_path, chain, node)
    shutil.copytree(prepared_home, prepared.home)
    assert prepared.init().exit_code == 0
    try:
        yield prepared
    finally:
        node.close()
