"""A wallet whose alice governs a network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.wallet_cli.admin.world import LedgerNode, governed_chain
from tests.wallet_cli.chain import Chain
from tests.wallet_cli.conftest import Wallet


class Office(Wallet):
    """A wallet before a node that runs the ledger; the node is named to every command, which saves asking it first."""

    node: LedgerNode

    def run(self, *words: str, stdin: str | None = None) -> Result:
        """Run one command without a terminal."""
        return super().run("--rpc", self.node.url, *words, stdin=stdin)


@pytest.fixture(scope="session")
def governed() -> Chain:
    """Return the chain, to be forked."""
    return governed_chain()


@pytest.fixture(scope="session")
def office_home(tmp_path_factory: pytest.TempPathFactory, prepared_home: Path, governed: Chain) -> Path:
    """Return a home that has proven the currencies: six questions less in every test."""
    node = LedgerNode(governed.fork())
    prepared = Office(tmp_path_factory.mktemp("office"), governed, node)
    shutil.copytree(prepared_home, prepared.home)
    assert prepared.init().exit_code == 0
    assert prepared.run("admin", "currency", "list").exit_code == 0
    node.close()
    return prepared.home


@pytest.fixture
def office(tmp_path: Path, office_home: Path, governed: Chain) -> Iterator[Office]:
    """Return a wallet with alice, who may do everything, and bob, who may do nothing."""
    chain = governed.fork()
    node = LedgerNode(chain)
    prepared = Office(tmp_path, chain, node)
    shutil.copytree(office_home, prepared.home)
    try:
        yield prepared
    finally:
        node.close()
