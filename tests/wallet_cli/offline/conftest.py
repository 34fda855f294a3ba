import os
from pathlib import Path

import pytest

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.offline.people import People


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is believed at once: tests lose power between calls, not within the operating system."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def people(wallet: Wallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """Return Alice and Bob, both online once, at one table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bobs").mkdir()
    return People(wallet, tmp_path)
