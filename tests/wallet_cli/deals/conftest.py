"""A wallet before a chain with a settlement engine."""

import pytest

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.deals.engine import Engine, put_engine


@pytest.fixture
def engine(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return the engine that stands on the wallet's chain."""
    return put_engine(wallet, monkeypatch)
