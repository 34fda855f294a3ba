import os

import pytest


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is believed at once: tests lose power between calls, not within the operating system."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
