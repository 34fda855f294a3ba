"""The write-ahead log: power cuts are cut off, every other damage stops the node, nothing is skipped."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from consensus.primitives.scalars import Hash32
from node.storage.errors import WriteFailed
from node.storage.record_batches import END_OF_BATCH, encode_batch, seal_head
from node.storage.wal import SEGMENT_HEAD_BYTES, VERSION, DamagedLog, LogRecord, RecoveredLog, Wal
from tests.vectors.storage import SEGMENT_HEX

SALT = b"\x5a" * 8

CHAIN_ID = 7001
GENESIS_HASH = Hash32(bytes(range(32)))
SEGMENT_BYTES = 4_096
BATCHES = (
    (LogRecord(1, b"vote of view 1"), LogRecord(3, b"header" * 5)),
    (LogRecord(2, b"certificate of view 1"),),
    (LogRecord(4, b"body" * 20), LogRecord(1, b"vote of view 2")),
)


def open_log(folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> tuple[Wal, RecoveredLog]:
    return Wal.open(
        folder, chain_id=CHAIN_ID, genesis_hash=GENESIS_HASH, segment_bytes=segment_bytes, salt=lambda: SALT
    )


def write_batches(folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> list[int]:
    """Write BATCHES and return where each begins in the first segment, and where the last ends."""
    wal, _ = open_log(folder, segment_bytes=segment_bytes)
    offsets = [SEGMENT_HEAD_BYTES]
    for tag, batch in enumerate(BATCHES, 1):
        wal.append_batch(batch, tag=tag)
        # 21 bytes close a batch: head of nine, sequence of eight, checksum of four.
        offsets.append(offsets[-1] + sum(9 + len(record.payload) for record in batch) + 21)
    wal.close()
    return offsets


def read_back(folder: Path) -> RecoveredLog:
    wal, found = open_log(folder)
    wal.close()
    return found


def segment(folder: Path, number: int = 1) -> Path:
    return folder / f"{number:08}.log"


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x01
    path.write_bytes(content)


def test_batches_are_read_back_whole_and_in_order(tmp_path: Path) -> None:
    write_batches(tmp_path)
    found = read_back(tmp_path)
    assert found.batches == BATCHES
    assert found.cut_bytes == 0
    assert found.records == tuple(record for batch in BATCHES for record in batch)


def test_fresh_folder_holds_nothing_and_a_preallocated_segment(tmp_path: Path) -> None:
    assert read_back(tmp_path) == RecoveredLog((), 0)
    assert segment(tmp_path).stat().st_size == SEGMENT_BYTES
    assert read_back(tmp_path) == RecoveredLog((), 0)


def test_segment_is_byte_for_byte_the_recorded_one(tmp_path: Path) -> None:
    offsets = write_batches(tmp_path)
    assert segment(tmp_path).read_bytes()[: offsets[-1]].hex() == SEGMENT_HEX


def test_log_written_by_an_earlier_version_is_still_read(tmp_path: Path) -> None:
    segment(tmp_path).write_bytes(bytes.fromhex(SEGMENT_HEX))
    assert read_back(tmp_path).batches == BATCHES


@pytest.mark.parametrize("fill", [b"", b"\x00"], ids=["file ends there", "zeros follow"])
def test_torn_tail_every_byte_is_cut_and_the_log_goes_on(tmp_path: Path, fill: bytes) -> None:
    offsets = write_batches(tmp_path)
    whole = segment(tmp_path).read_bytes()
    for end in range(offsets[2], offsets[3]):
        segment(tmp_path).write_bytes(whole[:end] + fill * (SEGMENT_BYTES - end))
        wal, found = open_log(tmp_path)
        assert found.batches == BATCHES[:2], end
        assert found.cut_bytes == len(whole[offsets[2] : end].rstrip(b"\x00")), end
        wal.append_batch(BATCHES[2], tag=3)
        wal.close()
        assert read_back(tmp_path) == RecoveredLog(BATCHES, 0), end


@pytest.mark.parametrize("at_end", range(1, 5))
def test_hole_inside_the_last_batch_is_a_power_cut(tmp_path: Path, at_end: int) -> None:
    offsets = write_batches(tmp_path)
    flip(segment(tmp_path), offsets[2] + 10 * at_end)
    assert read_back(tmp_path).batches == BATCHES[:2]


def test_flipped_byte_anywhere_in_an_earlier_batch_stops_the_node(tmp_path: Path) -> None:
    offsets = write_batches(tmp_path)
    whole = segment(tmp_path).read_bytes()
    for offset in range(offsets[0], offsets[2]):
        segment(tmp_path).write_bytes(whole)
        flip(segment(tmp_path), offset)
        with pytest.raises(DamagedLog) as caught:
            open_log(tmp_path)
        assert caught.value.path == segment(tmp_path)
        # The record that holds the byte begins no later than it.
        assert offsets[0] <= caught.value.offset <= offset, offset


def test_refusal_leaves_the_damaged_log_as_it_was(tmp_path: Path) -> None:
    write_batches(tmp_path)
    flip(segment(tmp_path), SEGMENT_HEAD_BYTES + 12)
    before = segment(tmp_path).read_bytes()
    with pytest.raises(DamagedLog):
        open_log(tmp_path)
    assert segment(tmp_path).read_bytes() == before


@pytest.mark.parametrize(("chain_id", "genesis_hash"), [(CHAIN_ID + 1, GENESIS_HASH), (CHAIN_ID, Hash32(b"\xee" * 32))])
def test_log_of_another_network_is_refused(tmp_path: Path, chain_id: int, genesis_hash: Hash32) -> None:
    write_batches(tmp_path)
    with pytest.raises(DamagedLog, match="another network"):
        Wal.open(tmp_path, chain_id=chain_id, genesis_hash=genesis_hash, segment_bytes=SEGMENT_BYTES)


def test_flipped_byte_anywhere_in_a_segment_header_stops_the_node(tmp_path: Path) -> None:
    write_batches(tmp_path)
    for offset in range(SEGMENT_HEAD_BYTES):
        flip(segment(tmp_path), offset)
        with pytest.raises(DamagedLog, match="header is damaged"):
            open_log(tmp_path)
        flip(segment(tmp_path), offset)
    assert read_back(tmp_path).batches == BATCHES


def test_each_full_segment_is_followed_by_a_new_one(tmp_path: Path) -> None:
    write_batches(tmp_path, segment_bytes=100)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["00000001.log", "00000002.log", "00000003.log"]
    assert read_back(tmp_path).batches == BATCHES


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: segment(folder, 2).unlink(),
        lambda folder: segment(folder, 2).write_bytes(b""),
        lambda folder: segment(folder, 2).write_bytes(bytes(100)),
        lambda folder: segment(folder, 2).write_bytes(segment(folder, 1).read_bytes()),
        lambda folder: os.truncate(segment(folder, 1), 80),
        lambda folder: segment(folder, 1).write_bytes(segment(folder, 1).read_bytes()[:SEGMENT_HEAD_BYTES]),
    ],
    ids=["missing", "empty", "zeros", "repeated", "torn inside", "without its batches"],
)
def test_damage_in_a_segment_that_is_not_the_last_stops_the_node(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    write_batches(tmp_path, segment_bytes=100)
    damage(tmp_path)
    with pytest.raises(DamagedLog):
        open_log(tmp_path)


@pytest.mark.parametrize("kept_bytes", [0, 1, 30, SEGMENT_HEAD_BYTES - 1], ids=lambda count: f"{count} header bytes")
@pytest.mark.parametrize("fill_bytes", [0, 500])
def test_crash_in_rotation_at_any_moment_is_no_damage(tmp_path: Path, kept_bytes: int, fill_bytes: int) -> None:
    write_batches(tmp_path, segment_bytes=100)
    head = segment(tmp_path, 3).read_bytes()[:kept_bytes]
    segment(tmp_path, 3).write_bytes(head + bytes(fill_bytes))
    wal, found = open_log(tmp_path)
    assert found.batches == BATCHES[:2]
    wal.append_batch(BATCHES[2], tag=3)
    wal.close()
    assert read_back(tmp_path).batches == BATCHES


def test_crash_while_the_first_segment_was_created_starts_with_batch_one(tmp_path: Path) -> None:
    write_batches(tmp_path)
    first = segment(tmp_path).read_bytes()
    segment(tmp_path).write_bytes(bytes(SEGMENT_BYTES))
    write_batches(tmp_path)
    assert segment(tmp_path).read_bytes() == first


def test_prune_removes_only_leading_segments_below_the_tag_and_never_the_newest(tmp_path: Path) -> None:
    wal, _ = open_log(tmp_path, segment_bytes=100)
    for tag in (5, 9, 7):
        wal.append_batch((LogRecord(1, bytes(100)),), tag=tag)
    wal.prune(5)
    assert len(list(tmp_path.iterdir())) == 3
    wal.prune(8)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["00000002.log", "00000003.log"]
    wal.prune(1_000)
    assert [path.name for path in tmp_path.iterdir()] == ["00000003.log"]
    wal.append_batch((LogRecord(1, b"more"),), tag=10)
    wal.close()
    assert [batch[0].payload for batch in read_back(tmp_path).batches] == [bytes(100), b"more"]


def test_segments_found_at_opening_are_kept_until_their_tag_is_told(tmp_path: Path) -> None:
    write_batches(tmp_path, segment_bytes=100)
    wal, _ = open_log(tmp_path, segment_bytes=100)
    wal.append_batch((LogRecord(1, b"after the restart"),), tag=4)
    wal.prune(1_000)
    assert len(list(tmp_path.iterdir())) == 4
    wal.tag_found(3)
    wal.prune(3)
    assert len(list(tmp_path.iterdir())) == 4
    wal.prune(4)
    assert [path.name for path in tmp_path.iterdir()] == ["00000004.log"]
    wal.close()


def failing(*_: object) -> int:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_failed_write_or_sync_is_write_failed_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    wal, _ = open_log(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(WriteFailed, match="Input/output error"):
            wal.append_batch(BATCHES[0], tag=1)
    with pytest.raises(WriteFailed, match="Input/output error"):
        wal.append_batch(BATCHES[0], tag=1)
    with pytest.raises(WriteFailed, match="Input/output error"):
        wal.prune(1)
    wal.close()


def test_short_write_is_write_failed_and_cut_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_batches(tmp_path)
    wal, _ = open_log(tmp_path)
    whole_write = os.pwrite
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", lambda file, data, offset: whole_write(file, data[:10], offset))
        with pytest.raises(WriteFailed, match="10 of"):
            wal.append_batch(BATCHES[0], tag=1)
    wal.close()
    assert read_back(tmp_path).batches == BATCHES


@pytest.mark.parametrize("call", ["posix_fallocate", "fdatasync", "fsync", "pwrite"])
def test_full_disk_in_rotation_is_write_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    wal, _ = open_log(tmp_path, segment_bytes=100)
    wal.append_batch((LogRecord(1, bytes(100)),), tag=1)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(WriteFailed, match=r"00000002\.log"):
            wal.append_batch(BATCHES[0], tag=2)
    wal.close()


def test_failed_removal_of_a_segment_is_write_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wal, _ = open_log(tmp_path, segment_bytes=100)
    for tag in (1, 2):
        wal.append_batch((LogRecord(1, bytes(100)),), tag=tag)
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", failing)
        with pytest.raises(WriteFailed, match="removal"):
            wal.prune(2)
    wal.close()


def test_segment_of_another_version_is_refused_by_its_number(tmp_path: Path) -> None:
    write_batches(tmp_path)
    content = segment(tmp_path).read_bytes()
    head = content[:8] + (VERSION + 1).to_bytes(2, "big") + content[10 : SEGMENT_HEAD_BYTES - 4]
    segment(tmp_path).write_bytes(seal_head(head)[0] + content[SEGMENT_HEAD_BYTES:])
    with pytest.raises(DamagedLog, match=f"version {VERSION + 1}, this node reads {VERSION}"):
        open_log(tmp_path)


def test_gap_in_the_numbers_of_batches_stops_the_node(tmp_path: Path) -> None:
    offsets = write_batches(tmp_path)
    content = segment(tmp_path).read_bytes()
    segment(tmp_path).write_bytes(content[: offsets[1]] + content[offsets[2] :])
    with pytest.raises(DamagedLog, match="batch 3 closes where 2 should"):
        open_log(tmp_path)


@pytest.mark.parametrize("is_salt_known", [False, True])
def test_body_that_looks_like_later_batches_turns_no_power_cut_into_damage(tmp_path: Path, is_salt_known: bool) -> None:
    offsets = write_batches(tmp_path)
    head = segment(tmp_path).read_bytes()[:SEGMENT_HEAD_BYTES]
    _, seed = seal_head(head[:-4] if is_salt_known else head[:-12] + bytes(8))
    forged = b"".join(encode_batch(BATCHES[1], sequence=sequence, seed=seed) for sequence in range(1, 9))
    wal, _ = open_log(tmp_path)
    wal.append_batch((LogRecord(4, forged + b"rest of the body"),), tag=4)
    wal.close()
    flip(segment(tmp_path), offsets[3] + 9 + len(forged))
    if is_salt_known:
        with pytest.raises(DamagedLog):
            open_log(tmp_path)
    else:
        assert read_back(tmp_path).batches == BATCHES


@pytest.mark.parametrize("record", [LogRecord(0, b""), LogRecord(END_OF_BATCH, bytes(12))], ids=["zero", "closing"])
def test_record_type_of_the_format_itself_is_never_written(tmp_path: Path, record: LogRecord) -> None:
    wal, _ = open_log(tmp_path)
    with pytest.raises(AssertionError):
        wal.append_batch((record,), tag=1)
    wal.close()


def test_unreadable_segment_stops_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_batches(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(DamagedLog, match="cannot be read"):
        open_log(tmp_path)


def test_other_files_beside_the_segments_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_bytes(b"not a segment")
    write_batches(tmp_path)
    assert read_back(tmp_path).batches == BATCHES


def test_what_was_cut_is_erased_so_that_later_batches_never_meet_it(tmp_path: Path) -> None:
    offsets = write_batches(tmp_path)
    flip(segment(tmp_path), offsets[2])
    assert read_back(tmp_path).cut_bytes == offsets[3] - offsets[2]
    content = segment(tmp_path).read_bytes()
    assert content[offsets[2] :] == bytes(SEGMENT_BYTES - offsets[2])


def crc32c_by_definition(content: bytes) -> int:
    """RFC 3720, bit by bit."""
    remainder = 0xFFFFFFFF
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


def test_recorded_segment_is_what_the_format_says() -> None:
    def record(head: bytes, record_type: int, payload: bytes) -> bytes:
        # Seeding with the head's checksum is continuing it: the checksum of the head, then of the record.
        checksum = crc32c_by_definition(head + bytes((record_type,)) + payload)
        return len(payload).to_bytes(4, "big") + checksum.to_bytes(4, "big") + bytes((record_type,)) + payload

    head = b"SYCEEWAL" + b"\x00\x02" + CHAIN_ID.to_bytes(8, "big") + GENESIS_HASH + (1).to_bytes(8, "big") + SALT
    expected = head + crc32c_by_definition(head).to_bytes(4, "big")
    for sequence, batch in enumerate(BATCHES, 1):
        content = b"".join(record(head, item.type, item.payload) for item in batch)
        closing = sequence.to_bytes(8, "big") + crc32c_by_definition(content).to_bytes(4, "big")
        expected += content + record(head, 8, closing)
    assert expected.hex() == SEGMENT_HEX
