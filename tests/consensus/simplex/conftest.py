"""Verification is remembered in every test of this folder."""

import pytest

from consensus.simplex import admission, certificates
from tests.consensus.simplex.keys import verify_remembered


@pytest.fixture(autouse=True)
def _remember_verified_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "is_valid_ed25519", verify_remembered)
    monkeypatch.setattr(certificates, "is_valid_ed25519", verify_remembered)
