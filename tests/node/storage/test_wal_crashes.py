"""The write-ahead log under power cuts and broken disks at every operation: what was synced is there, in order."""

import errno
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from consensus.primitives.scalars import Hash32
from node.storage.errors import WriteFailed
from node.storage.memory_files import Keep, MemoryFiles, PowerCut
from node.storage.wal import LogRecord, RecoveredLog, Wal

FOLDER = Path("/data/wal")
SEGMENT_BYTES = 1_000
"""One or two batches: the script rotates several times, and prunes several segments at once."""

BATCH_COUNT = 8
PRUNED_AFTER = {4: 2, 7: 6}
"""After which batch the log is pruned, and up to which tag."""


def batch(number: int) -> tuple[LogRecord, ...]:
    """A vote and a body longer than a sector."""
    return LogRecord(1, f"vote {number}".encode()), LogRecord(4, bytes((number,)) * (400 + 150 * number))


BATCHES = tuple(batch(number) for number in range(1, BATCH_COUNT + 1))


def open_log(files: MemoryFiles) -> tuple[Wal, RecoveredLog]:
    return Wal.open(
        FOLDER,
        chain_id=1,
        genesis_hash=Hash32(bytes(32)),
        segment_bytes=SEGMENT_BYTES,
        files=files,
        salt=lambda: bytes(8),
    )


@dataclass
class Progress:
    """How far a script came: what the log promised before it stopped."""

    appended: int = 0
    pruned_to: int = 0
    found: list[RecoveredLog] = field(default_factory=list)


def run(files: MemoryFiles, progress: Progress) -> None:
    """Open the log, check it against what it promised, and go on to the last batch."""
    wal, found = open_log(files)
    progress.found.append(found)
    first, next_number = check_promises(found, progress)
    for number in range(first, next_number):
        assert found.batches[number - first] == batch(number)
    wal.tag_found(next_number - 1)
    progress.appended = next_number - 1
    for number in range(next_number, BATCH_COUNT + 1):
        wal.append_batch(batch(number), tag=number)
        progress.appended = number
        if number in PRUNED_AFTER:
            progress.pruned_to = PRUNED_AFTER[number]
            wal.prune(progress.pruned_to + 1)
    wal.close()


def check_promises(found: RecoveredLog, progress: Progress) -> tuple[int, int]:
    """Return the number of the first batch found, and of the one after the last."""
    if not found.batches:
        assert progress.appended == 0
        return 1, 1
    first = found.batches[0][1].payload[0]
    next_number = first + len(found.batches)
    # All that was promised, and at most the one batch that was under way.
    assert progress.appended <= next_number - 1 <= progress.appended + 1
    assert first <= progress.pruned_to + 1
    return first, next_number


def recorded_operations() -> list[str]:
    files = MemoryFiles()
    run(files, Progress())
    return files.operations


OPERATIONS = recorded_operations()


def test_script_rotates_and_prunes() -> None:
    assert OPERATIONS.count("create") >= 4
    assert OPERATIONS.count("unlink") >= 2


@pytest.mark.parametrize("keep", list(Keep))
@pytest.mark.parametrize("seed", range(8))
def test_power_cut_at_every_operation_loses_nothing_that_was_synced(keep: Keep, seed: int) -> None:
    for number in range(len(OPERATIONS)):
        files, progress, generator = MemoryFiles(), Progress(), Random(seed * 1_000 + number)
        files.fail_at[number] = PowerCut()
        with pytest.raises(PowerCut):
            run(files, progress)
        files.crash(generator, keep)
        run(files, progress)
        files.crash(generator, Keep.NOTHING)
        _, found = open_log(files)
        assert found.cut_bytes == 0
        assert found.batches == BATCHES[-len(found.batches) :], number


@pytest.mark.parametrize("seed", range(3))
def test_second_power_cut_while_the_first_is_recovered_loses_nothing_either(seed: int) -> None:
    for number in range(0, len(OPERATIONS), 2):
        for second in range(6):
            files, progress, generator = MemoryFiles(), Progress(), Random(seed * 1_000 + number)
            files.fail_at[number] = PowerCut()
            with pytest.raises(PowerCut):
                run(files, progress)
            files.crash(generator, Keep.ANY_PART)
            files.fail_at[len(files.operations) + second] = PowerCut()
            try:
                run(files, progress)
            except PowerCut:
                files.crash(generator, Keep.ANY_PART)
                run(files, progress)
            assert open_log(files)[1].batches[-1] == BATCHES[-1]


def test_log_of_a_process_that_ended_before_its_sync_is_durable_once_it_was_opened() -> None:
    for number in range(len(OPERATIONS)):
        files, progress = MemoryFiles(), Progress()
        files.fail_at[number] = PowerCut()
        with pytest.raises(PowerCut):
            run(files, progress)
        files.end_process()
        _, found = open_log(files)
        files.crash(Random(number), Keep.NOTHING)
        assert open_log(files)[1].batches == found.batches, OPERATIONS[number]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_broken_disk_ends_the_log_at_every_operation_and_nothing_is_retried(code: int) -> None:
    for number in range(len(OPERATIONS)):
        files = MemoryFiles()
        files.fail_at[number] = OSError(code, "broken")
        with pytest.raises(WriteFailed, match="broken"):
            run(files, Progress())
        assert len(files.operations) == number + 1


def test_log_whose_write_failed_touches_the_disk_no_more() -> None:
    files = MemoryFiles()
    wal, _ = open_log(files)
    files.fail_at[len(files.operations)] = OSError(errno.EIO, "broken")
    with pytest.raises(WriteFailed):
        wal.append_batch(BATCHES[0], tag=1)
    before = len(files.operations)
    with pytest.raises(WriteFailed):
        wal.append_batch(BATCHES[0], tag=1)
    with pytest.raises(WriteFailed):
        wal.prune(1)
    assert len(files.operations) == before


def test_batch_that_a_failed_sync_left_in_the_page_cache_is_written_again() -> None:
    for number, operation in enumerate(OPERATIONS):
        if operation != "sync":
            continue
        files, progress = MemoryFiles(), Progress()
        files.fail_at[number] = OSError(errno.EIO, "broken")
        with pytest.raises(WriteFailed):
            run(files, progress)
        files.end_process()
        run(files, progress)
        files.crash(Random(number), Keep.NOTHING)
        found = open_log(files)[1]
        assert found.batches == BATCHES[-len(found.batches) :]
