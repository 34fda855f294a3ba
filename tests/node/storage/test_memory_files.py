"""The file system that can lose power keeps what was synced, and does as the real one while the power is on."""

import errno
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from node.storage.errors import WriteFailed
from node.storage.files import DISK, FileSystem, replace_file
from node.storage.memory_files import SECTOR_BYTES, Keep, MemoryFiles, PowerCut

FOLDER = Path("/data")
FILE = FOLDER / "file"


def durable_file(content: bytes) -> MemoryFiles:
    files = MemoryFiles()
    file = files.create(FILE)
    file.write_at(content, 0)
    file.sync()
    files.sync_folder(FOLDER)
    return files


@pytest.mark.parametrize("is_real", [True, False], ids=["disk", "memory"])
def test_both_file_systems_do_the_same(tmp_path: Path, is_real: bool) -> None:
    files: FileSystem = DISK if is_real else MemoryFiles()
    first, second = tmp_path / "first", tmp_path / "second"
    file = files.create(first)
    with pytest.raises(FileExistsError):
        files.create(first)
    file.write_at(b"content", 3)
    assert files.read(first) == b"\x00\x00\x00content"
    file.truncate(5)
    file.allocate(8)
    file.allocate(2)
    assert files.read(first) == b"\x00\x00\x00co\x00\x00\x00"
    file.sync()
    file.close()
    files.create(second).close()
    assert files.names(tmp_path) == ["first", "second"]
    files.rename(first, second)
    files.sync_folder(tmp_path)
    assert files.names(tmp_path) == ["second"]
    assert files.read(second)[3:5] == b"co"
    files.unlink(second)
    assert files.names(tmp_path) == []
    for call in (files.open, files.read, files.unlink):
        with pytest.raises(FileNotFoundError):
            call(first)


@pytest.mark.parametrize("keep", list(Keep))
def test_what_was_synced_survives_every_power_cut(keep: Keep) -> None:
    files = durable_file(b"old")
    files.crash(Random(1), keep)
    assert files.read(FILE) == b"old"


@pytest.mark.parametrize(("keep", "left"), [(Keep.NOTHING, b"old"), (Keep.EVERYTHING, b"new!")])
def test_unsynced_content_is_lost_or_kept_as_asked(keep: Keep, left: bytes) -> None:
    files = durable_file(b"old")
    files.open(FILE).write_at(b"new!", 0)
    files.crash(Random(1), keep)
    assert files.read(FILE) == left


def test_any_sector_of_an_unsynced_write_may_be_lost() -> None:
    seen = set()
    for seed in range(40):
        files = durable_file(b"")
        files.open(FILE).write_at(b"\x01" * 2 * SECTOR_BYTES, 0)
        files.crash(Random(seed), Keep.ANY_PART)
        content = files.read(FILE)
        seen.add((content[:SECTOR_BYTES].count(1), content[SECTOR_BYTES:].count(1)))
    assert seen == {(first, second) for first in (0, SECTOR_BYTES) for second in (0, SECTOR_BYTES)}


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.create(FOLDER / "other"),
        lambda files: files.rename(FILE, FOLDER / "other"),
        lambda files: files.unlink(FILE),
    ],
    ids=["create", "rename", "unlink"],
)
def test_names_are_lost_until_their_folder_is_synced(change: Callable[[MemoryFiles], object]) -> None:
    files = durable_file(b"old")
    change(files)
    changed = files.names(FOLDER)
    files.crash(Random(1), Keep.NOTHING)
    assert files.names(FOLDER) == ["file"]
    change(files)
    files.sync_folder(FOLDER)
    files.crash(Random(1), Keep.NOTHING)
    assert files.names(FOLDER) == changed


def test_sync_of_one_folder_says_nothing_about_another() -> None:
    files = durable_file(b"old")
    files.create(Path("/elsewhere/file"))
    files.sync_folder(FOLDER)
    files.crash(Random(1), Keep.NOTHING)
    assert files.names(Path("/elsewhere")) == []


def test_failed_sync_loses_what_no_later_sync_brings_back() -> None:
    files = durable_file(b"old")
    file = files.open(FILE)
    file.write_at(b"new", 0)
    files.fail_at[len(files.operations)] = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output"):
        file.sync()
    file.sync()
    assert files.read(FILE) == b"new"
    files.crash(Random(1), Keep.EVERYTHING)
    assert files.read(FILE) == b"old"


def test_refused_write_leaves_its_first_half() -> None:
    files = durable_file(b"")
    files.fail_at[len(files.operations)] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space"):
        files.open(FILE).write_at(b"12345678", 0)
    assert files.read(FILE) == b"1234"


def test_end_of_the_process_loses_nothing_and_makes_nothing_durable() -> None:
    files = durable_file(b"old")
    file = files.open(FILE)
    file.write_at(b"new", 0)
    files.end_process()
    with pytest.raises(OSError, match="machine stopped"):
        file.sync()
    assert files.read(FILE) == b"new"
    files.crash(Random(1), Keep.NOTHING)
    assert files.read(FILE) == b"old"


@pytest.mark.parametrize("seed", range(10))
def test_replaced_file_is_old_or_new_whatever_a_power_cut_keeps(seed: int) -> None:
    recording = durable_file(b"old")
    before = len(recording.operations)
    replace_file(FILE, b"new" * 1_000, files=recording)
    for number in range(before, len(recording.operations)):
        files = durable_file(b"old")
        files.fail_at[number] = PowerCut()
        with pytest.raises(PowerCut):
            replace_file(FILE, b"new" * 1_000, files=files)
        files.crash(Random(seed), Keep.ANY_PART)
        assert files.read(FILE) in (b"old", b"new" * 1_000), number


def test_replaced_file_is_new_once_the_call_has_returned() -> None:
    files = durable_file(b"old")
    replace_file(FILE, b"new", files=files)
    files.crash(Random(1), Keep.NOTHING)
    assert files.read(FILE) == b"new"


def test_failed_operation_of_a_replacement_is_write_failed() -> None:
    recording = durable_file(b"old")
    before = len(recording.operations)
    replace_file(FILE, b"new", files=recording)
    for number in range(before, len(recording.operations)):
        files = durable_file(b"old")
        files.fail_at[number] = OSError(errno.EIO, "Input/output error")
        with pytest.raises(WriteFailed):
            replace_file(FILE, b"new", files=files)
