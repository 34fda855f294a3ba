"""A till of one's own for every test."""

import pytest

from tests.contracts.native.offline.till import Till


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch) -> Till:
    return Till(monkeypatch)
