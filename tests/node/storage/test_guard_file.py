"""The sign guard on disk: appended, synced, cut only where a power cut explains it."""

import errno
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from node.storage import guard_file
from node.storage.errors import WriteFailed
from node.storage.guard_file import (
    HEAD_BYTES,
    MARKS_RECORD,
    NO_MARKS,
    STATEMENT_BYTES,
    VERSION,
    DamagedGuard,
    GuardFile,
    GuardMarks,
    ResumeReason,
    create_guard,
    waiting_marks,
)
from node.storage.memory_files import Keep, MemoryFiles, PowerCut
from node.storage.record_batches import LogRecord, encode_batch, seal_head
from tests.vectors.storage import GUARD_HEX

PUBLIC_KEY = bytes(range(32))
SALT = b"\x5a" * 8
ENTRY_BYTES = 9 + STATEMENT_BYTES
CLOSING_BYTES = 21
STATEMENTS = [bytes((number,)) * STATEMENT_BYTES for number in (1, 2, 3)]


FIRST_BATCH_END = HEAD_BYTES + ENTRY_BYTES + CLOSING_BYTES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A guard of three statements, written by two appends."""
    path = tmp_path / "signguard.log"
    create_guard(path, PUBLIC_KEY, salt=lambda: SALT)
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


@pytest.mark.parametrize("step", [1, 17])
def test_last_batch_torn_at_any_byte_is_cut_and_the_guard_goes_on(path: Path, step: int) -> None:
    whole = path.read_bytes().rstrip(b"\x00")
    for end in range(FIRST_BATCH_END, len(whole), step):
        path.write_bytes(whole[:end])
        guard, signed = GuardFile.open(path, PUBLIC_KEY)
        assert signed == STATEMENTS[:1], end
        guard.append(STATEMENTS[1:])
        guard.close()
        assert path.read_bytes()[: len(whole)] == whole, end


@pytest.mark.parametrize("lost", range(2))
def test_hole_between_two_votes_of_one_sync_is_a_power_cut(path: Path, lost: int) -> None:
    content = bytearray(path.read_bytes())
    at = FIRST_BATCH_END + lost * ENTRY_BYTES
    content[at : at + ENTRY_BYTES] = bytes(ENTRY_BYTES)
    path.write_bytes(content)
    assert read_back(path) == STATEMENTS[:1]


def test_guard_is_byte_for_byte_the_recorded_one(path: Path) -> None:
    content = path.read_bytes()
    assert content[: len(GUARD_HEX) // 2].hex() == GUARD_HEX
    assert not content[len(GUARD_HEX) // 2 :].strip(b"\x00")


def test_flipped_byte_in_an_entry_with_whole_ones_behind_it_stops_the_node(path: Path) -> None:
    whole = path.read_bytes()
    for offset in range(HEAD_BYTES, FIRST_BATCH_END):
        path.write_bytes(whole[:offset] + bytes((whole[offset] ^ 1,)) + whole[offset + 1 :])
        with pytest.raises(DamagedGuard, match="damaged"):
            GuardFile.open(path, PUBLIC_KEY)


def test_missing_guard_is_only_replaced_by_one_that_waits_for_others(tmp_path: Path) -> None:
    path = tmp_path / "signguard.log"
    for _ in range(2):
        guard, signed = GuardFile.open(path, PUBLIC_KEY)
        guard.close()
        assert signed == []
        assert guard.marks == waiting_marks(ResumeReason.GUARD_MISSING)
        assert guard.marks.is_waiting


def test_guard_that_was_born_with_its_key_waits_for_nobody(path: Path) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    guard.close()
    assert guard.marks == NO_MARKS
    assert not guard.marks.is_waiting


FOUND = GuardMarks(2, 77, ResumeReason.GUARD_FOREIGN, stop_reason=1)


def test_last_marks_count_and_stay_when_the_guard_is_replaced(path: Path) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    guard.append([], marks=waiting_marks(ResumeReason.GUARD_FOREIGN))
    guard.append(STATEMENTS[:1], marks=FOUND)
    guard.close()
    guard, signed = GuardFile.open(path, PUBLIC_KEY)
    assert (guard.marks, len(signed)) == (FOUND, 4)
    guard.replace(STATEMENTS[:1], floor=(2, 80))
    guard.close()
    guard, signed = GuardFile.open(path, PUBLIC_KEY)
    guard.close()
    assert (guard.marks, guard.floor, signed) == (FOUND, (2, 80), STATEMENTS[:1])


def test_waiting_again_does_not_forget_that_voting_stopped() -> None:
    assert waiting_marks(ResumeReason.LEDGER_OLD, FOUND).stop_reason == FOUND.stop_reason


@pytest.mark.parametrize(
    "record",
    [LogRecord(4, bytes(18)), LogRecord(MARKS_RECORD, bytes(17)), LogRecord(MARKS_RECORD, bytes(16) + b"\x09\x00")],
    ids=["type", "length", "reason"],
)
def test_record_of_a_version_to_come_is_refused(path: Path, record: LogRecord) -> None:
    head = path.read_bytes()[:HEAD_BYTES]
    seed = int.from_bytes(head[-4:], "big")
    path.write_bytes(head + encode_batch([record], sequence=1, seed=seed))
    with pytest.raises(DamagedGuard, match="unknown here"):
        GuardFile.open(path, PUBLIC_KEY)


@pytest.mark.parametrize("keep", Keep)
def test_guard_survives_power_loss_after_rename(keep: Keep) -> None:
    """A rename is durable only with its folder's sync; the replacement of a grown guard is old or new, never gone."""
    path = Path("/node/signguard.log")
    floors = set()
    for step in range(12):
        files = MemoryFiles()
        create_guard(path, PUBLIC_KEY, files=files, salt=lambda: SALT)
        guard, _ = GuardFile.open(path, PUBLIC_KEY, files=files, salt=lambda: SALT)
        guard.append(STATEMENTS)
        files.fail_at[len(files.operations) + step] = PowerCut()
        is_replaced = False
        with suppress(PowerCut):
            guard.replace(STATEMENTS[2:], floor=(0, 2))
            is_replaced = True
        files.crash(random.Random(step), keep)
        again, signed = GuardFile.open(path, PUBLIC_KEY, files=files, salt=lambda: SALT)
        assert again.marks == NO_MARKS, "a guard that is gone would wait"
        assert (signed, again.floor) in ((STATEMENTS, (0, 0)), (STATEMENTS[2:], (0, 2)))
        assert not is_replaced or again.floor == (0, 2)
        floors.add(again.floor)
    assert len(floors) == 2, "the power went before and after the moment that counts"


def test_guard_of_another_key_is_refused(path: Path) -> None:
    with pytest.raises(DamagedGuard, match="another key"):
        GuardFile.open(path, bytes(32))
    assert read_back(path) == STATEMENTS


@pytest.mark.parametrize("content", [b"", b"SYCEE", bytes(200)], ids=["empty", "short", "zeros"])
def test_guard_without_its_header_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedGuard, match="header is damaged"):
        GuardFile.open(path, PUBLIC_KEY)


def test_flipped_byte_anywhere_in_the_header_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for offset in range(HEAD_BYTES):
        path.write_bytes(whole[:offset] + bytes((whole[offset] ^ 1,)) + whole[offset + 1 :])
        with pytest.raises(DamagedGuard, match="header is damaged"):
            GuardFile.open(path, PUBLIC_KEY)


def test_guard_of_another_version_is_refused_by_its_number(path: Path) -> None:
    content = path.read_bytes()
    head = content[:8] + (VERSION + 1).to_bytes(2, "big") + content[10 : HEAD_BYTES - 4]
    path.write_bytes(seal_head(head)[0] + content[HEAD_BYTES:])
    with pytest.raises(DamagedGuard, match=f"version {VERSION + 1}, this node reads {VERSION}"):
        GuardFile.open(path, PUBLIC_KEY)


def failing(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_failed_append_is_write_failed(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(WriteFailed, match="No space left"):
            guard.append(STATEMENTS[:1])
    with pytest.raises(WriteFailed, match="No space left"):
        guard.append(STATEMENTS[:1])
    with pytest.raises(WriteFailed, match="No space left"):
        guard.replace([], floor=(0, 1))
    guard.close()


def test_short_append_is_write_failed_and_cut_at_the_next_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    whole_write = os.pwrite
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", lambda file, data, offset: whole_write(file, data[:50], offset))
        with pytest.raises(WriteFailed, match="50 of"):
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


def test_grown_guard_is_replaced_by_what_binds_and_remembers_its_floor(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_file, "GUARD_BYTES_MAX", 600)
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    assert guard.floor == (0, 0)
    assert not guard.is_grown
    while not guard.is_grown:
        guard.append(STATEMENTS)
    guard.replace(STATEMENTS[2:], floor=(3, 9))
    assert not guard.is_grown
    guard.append(STATEMENTS[:1])
    guard.close()
    assert path.stat().st_size == 600
    guard, signed = GuardFile.open(path, PUBLIC_KEY)
    assert (guard.floor, signed) == ((3, 9), [STATEMENTS[2], STATEMENTS[0]])
    guard.close()


def test_guard_that_is_long_because_all_of_it_binds_is_not_replaced_at_every_vote(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_file, "GUARD_BYTES_MAX", 600)
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    guard.replace(STATEMENTS * 4, floor=(0, 1))
    assert not guard.is_grown
    guard.append(STATEMENTS)
    assert not guard.is_grown
    guard.close()


def test_floor_of_a_guard_never_moves_back(path: Path) -> None:
    guard, _ = GuardFile.open(path, PUBLIC_KEY)
    guard.replace([], floor=(0, 7))
    with pytest.raises(AssertionError, match="never moves back"):
        guard.replace([], floor=(0, 6))
    guard.close()
