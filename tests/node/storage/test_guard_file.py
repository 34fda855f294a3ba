"""The sign guard on disk: appended, synced, cut only where a power cut explains it."""

import errno
import os
from pathlib import Path

import pytest

from node.storage.errors import WriteFailed
from node.storage.guard_file import (
    ENTRY_BYTES,
    HEAD_BYTES,
    STATEMENT_BYTES,
    DamagedGuard,
    GuardFile,
    GuardMissing,
    create_guard,
)

PUBLIC_KEY = bytes(range(32))
STATEMENTS = [bytes((number,)) * STATEMENT_BYTES for number in (1, 2, 3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A guard of three statements, written by two appends."""
    path = tmp_path / "signguard.log"
    create_guard(path, PUBLIC_KEY)
    guard, signed = GuardFile.open(path, PUBLIC_KEY)
    assert signed == []
    guard.append(STATEMENTS[:1])
    guard.append(STATEMENTS[1:])
    guard.close()
    return path


def read_back(path: Path) -> list[bytes]:
    guard, signed = GuardFile.open(path, PUBLIC_KEY)
    guard.close()
    return signed


def test_statements_are_read_back_in_order(path: Path) -> None:
    assert read_back(path) == STATEMENTS


def test_guard_is_readable_by_its_owner_only(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_guard_is_never_made_over_an_existing_one(path: Path) -> None:
    with pytest.raises(FileExistsError):
        create_guard(path, PUBLIC_KEY)
    assert read_back(path) == STATEMENTS


def test_last_entry_torn_at_any_byte_is_cut_and_the_guard_goes_on(path: Path) -> None:
    whole = path.read_bytes()
    for end in range(HEAD_BYTES + 2 * ENTRY_BYTES, len(whole)):
        path.write_bytes(whole[:end])
        guard, signed = GuardFile.open(path, PUBLIC_KEY)
        assert signed == STATEMENTS[:2], end
        guard.append(STATEMENTS[2:])
        guard.close()
        assert path.read_bytes() == whole, end


def test_flipped_byte_in_an_entry_with_whole_ones_behind_it_stops_the_node(path: Path) -> None:
    whole = path.read_bytes()
    for offset in range(HEAD_BYTES, HEAD_BYTES + 2 * ENTRY_BYTES):
        path.write_bytes(whole[:offset] + bytes((whole[offset] ^ 1,)) + whole[offset + 1 :])
        with pytest.raises(DamagedGuard, match="damaged"):
            GuardFile.open(path, PUBLIC_KEY)


def test_missing_guard_is_never_replaced_by_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(GuardMissing, match="rotate the key"):
        GuardFile.open(tmp_path / "signguard.log", PUBLIC_KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"SYCEE", b"SYCEEGRD" + bytes(32)], ids=["empty", "short", "other key"])
def test_guard_of_another_key_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedGuard, match="another key"):
        GuardFile.open(path, PUBLIC_KEY)


def failing(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_failed_append_is_write_failed(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(WriteFailed, match="No space left"):
            guard.append(STATEMENTS[:1])
    guard.close()


def test_short_append_is_write_failed_and_cut_at_the_next_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    whole_write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, data: whole_write(file, data[:50]))
        with pytest.raises(WriteFailed, match="not all bytes"):
            guard.append(STATEMENTS[:1])
    guard.close()
    assert read_back(path) == STATEMENTS


def test_appending_nothing_touches_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", failing)
        guard.append([])
    guard.close()
    assert read_back(path) == STATEMENTS
