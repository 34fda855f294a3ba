"""What a node reads back from its disk: log segments, the sign guard, records of the ledger, tries."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from consensus.chain.receipt import decode_receipt
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from node.chain.records import (
    BlockResults,
    FinalHead,
    decode_final_head,
    decode_location,
    decode_results,
    encode_final_head,
    encode_location,
    encode_results,
)
from node.state.reader import (
    Account,
    decode_account_record,
    decode_slot,
    decode_storage_record,
    encode_account_record,
    encode_storage_record,
)
from node.storage.errors import StorageError
from node.storage.guard_file import HEAD_BYTES, GuardFile, create_guard
from node.storage.memory_files import MemoryFiles
from node.storage.record_batches import DamagedLog, LogRecord, encode_batch, scan_batches, seal_head
from node.storage.wal import SEGMENT_HEAD_BYTES, Wal
from tests.fuzz import samples
from tests.fuzz.mutators import HOSTILE_INTEGERS, fields_mutator, mutate_bytes, mutate_rlp
from tests.fuzz.promise import Bound, Target

GENESIS_HASH = Hash32(bytes(range(32)))
PUBLIC_KEY = b"\x0b" * 32
SALT = b"salt" * 2
FOLDER = Path("wal")
SEGMENT = FOLDER / "00000001.log"
GUARD = Path("guard") / "signguard.log"
SEGMENT_BYTES = 2_048
BATCHES = (
    (LogRecord(1, b"vote" * 14), LogRecord(2, b"certificate" * 9)),
    (),
    (LogRecord(4, bytes(700)), LogRecord(3, b"\x00\x00\x00\x0c" * 6)),
)

FILE_ALLOCATION = Bound(1024 * 1024, 40)
"""A simulated disk of its own beside the input."""


def _write(files: MemoryFiles, path: Path, content: bytes) -> None:
    stream = files.create(path)
    stream.write_at(content, 0)
    stream.sync()
    stream.close()
    files.sync_folder(path.parent)


def _open_log(files: MemoryFiles) -> tuple[Wal, tuple[tuple[LogRecord, ...], ...]]:
    log, found = Wal.open(
        FOLDER,
        chain_id=7,
        genesis_hash=GENESIS_HASH,
        segment_bytes=SEGMENT_BYTES,
        files=files,
        salt=lambda: SALT,
    )
    return log, found.batches


def _segment(count: int) -> bytes:
    files = MemoryFiles()
    log, _ = _open_log(files)
    for batch in BATCHES[:count]:
        log.append_batch(batch, tag=1)
    log.close()
    return files.read(SEGMENT)


def _log(data: bytes) -> None:
    """Open a log of one segment twice: what is found must be found again, and a batch can be added."""
    files = MemoryFiles()
    _write(files, SEGMENT, data)
    log, batches = _open_log(files)
    log.append_batch(BATCHES[0], tag=1)
    log.close()
    log, again = _open_log(files)
    log.close()
    assert again == (*batches, BATCHES[0])


def _drawn_batches(drawn: random.Random, seed: int, types: Sequence[int]) -> bytes:
    """Return batches whose checksums are right and whose content, order or numbers are not."""
    written = []
    sequence = 1
    for _ in range(drawn.randint(0, 4)):
        records = [
            LogRecord(drawn.choice(types), drawn.randbytes(drawn.choice((0, 1, 12, 16, 33, 57, 114, 300))))
            for _ in range(drawn.randint(0, 3))
        ]
        number = sequence if drawn.random() < 0.8 else drawn.choice(HOSTILE_INTEGERS)
        written.append(encode_batch(records, sequence=number, seed=seed))
        sequence += 1
    return b"".join(written)


def _resealed(start: int, types: Sequence[int]) -> Callable[[random.Random, Sequence[bytes]], bytes]:
    """Return a mutator of whole files with a head of `start` bytes, which makes the checksums right again."""

    def mutate(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
        data = drawn.choice(seeds)
        match drawn.randrange(4):
            case 0:
                return mutate_bytes(drawn, seeds)
            case 1:
                head = mutate_bytes(drawn, [data[: start - 4]])
                return seal_head(head)[0] + data[start:]
        head, seed = seal_head(data[: start - 4])
        content = head + _drawn_batches(drawn, seed, types)
        if drawn.random() < 0.4:
            content = mutate_bytes(drawn, [content])
        return content + bytes(drawn.choice((0, 0, 1, 500)))

    return mutate


def _batches(data: bytes) -> None:
    scan_batches(Path("log"), data, start=0, sequence=1, seed=0, may_be_cut=True)


def _batch_seeds() -> list[bytes]:
    written = [encode_batch(batch, sequence=number, seed=0) for number, batch in enumerate(BATCHES, 1)]
    return [b"".join(written[:count]) for count in (1, 2, 3)] + [b"".join(written) + bytes(64)]


def mutate_batches(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return batches without a head, blindly or knowingly wrong."""
    if drawn.random() < 0.5:
        return mutate_bytes(drawn, seeds)
    return mutate_bytes(drawn, [_drawn_batches(drawn, 0, (1, 2, 4, 200)) or b"\x00"])


def _open_guard(files: MemoryFiles) -> tuple[GuardFile, list[bytes]]:
    return GuardFile.open(GUARD, PUBLIC_KEY, files=files, salt=lambda: SALT)


def _guard_seeds() -> list[bytes]:
    files = MemoryFiles()
    create_guard(GUARD, PUBLIC_KEY, files=files, salt=lambda: SALT)
    empty = files.read(GUARD)
    guard, _ = _open_guard(files)
    statements = [bytes((number,)) * 114 for number in range(3)]
    guard.append(statements)
    guard.append(statements[:1])
    full = files.read(GUARD)[:1_024]
    guard.replace(statements[1:], floor=(1, 9))
    guard.close()
    return [empty, full, files.read(GUARD)[:1_024]]


def _guard(data: bytes) -> None:
    """Open a guard twice: it never forgets what it said the first time."""
    files = MemoryFiles()
    _write(files, GUARD, data)
    guard, statements = _open_guard(files)
    floor = guard.floor
    assert all(len(statement) == 114 for statement in statements)
    guard.append([b"\x07" * 114])
    guard.close()
    guard, again = _open_guard(files)
    guard.close()
    assert again == [*statements, b"\x07" * 114]
    assert guard.floor == floor


def _account(data: bytes) -> bytes:
    return encode_account_record(Address(data[104:]), decode_account_record(data))


def _slot(data: bytes) -> bytes:
    return encode_storage_record(decode_slot(data), decode_storage_record(data))


def _accounts() -> list[bytes]:
    return [
        encode_account_record(Address(b"\x0a" * 20), Account(0, 0, Hash32(bytes(32)), Hash32(bytes(32)))),
        encode_account_record(Address(bytes(20)), Account(2**64 - 1, 2**256 - 1, GENESIS_HASH, GENESIS_HASH)),
    ]


def _results() -> list[bytes]:
    receipts = [decode_receipt(receipt) for receipt in samples.receipts()]
    senders = [Address(bytes((number,)) * 20) for number in range(3)]
    return [
        encode_results(BlockResults((), (), ())),
        encode_results(BlockResults(tuple(receipts), tuple(senders), (b"", b"", keccak256(b"Error(string)")[:4]))),
    ]


def _final_heads() -> list[bytes]:
    return [encode_final_head(FinalHead(Height(5), GENESIS_HASH, Epoch(1), View(2**64 - 1)))]


STORED = (StorageError,)

TARGETS = (
    Target(
        "log-segment",
        "node.storage.wal:Wal.open",
        lambda: [_segment(count) for count in (0, 1, 3)],
        _resealed(SEGMENT_HEAD_BYTES, (1, 2, 3, 4, 5, 6, 7, 200)),
        _log,
        STORED,
        allocation=FILE_ALLOCATION,
    ),
    Target(
        "record-batches",
        "node.storage.record_batches:scan_batches",
        _batch_seeds,
        mutate_batches,
        _batches,
        (DamagedLog,),
    ),
    Target(
        "sign-guard",
        "node.storage.guard_file:GuardFile.open",
        _guard_seeds,
        _resealed(HEAD_BYTES, (1, 1, 2, 3)),
        _guard,
        STORED,
        steps=Bound(40_000, 60),
        allocation=Bound(8 * 1024 * 1024, 40),
    ),
    Target(
        "final-head",
        "node.chain.records:decode_final_head",
        _final_heads,
        mutate_bytes,
        lambda data: encode_final_head(decode_final_head(data)),
        STORED,
    ),
    Target(
        "block-results",
        "node.chain.records:decode_results",
        _results,
        mutate_rlp,
        lambda data: encode_results(decode_results(data)),
        STORED,
    ),
    Target(
        "location",
        "node.chain.records:decode_location",
        lambda: [encode_location(Height(7), 3), encode_location(Height(2**64 - 1), 2**32 - 1)],
        mutate_bytes,
        lambda data: encode_location(*decode_location(data)),
        STORED,
    ),
    Target(
        "account-record",
        "node.state.reader:decode_account_record",
        _accounts,
        fields_mutator((0, 8), (8, 32), (40, 32)),
        _account,
        STORED,
    ),
    Target(
        "slot-record",
        "node.state.reader:decode_storage_record",
        lambda: [encode_storage_record(0, 1), encode_storage_record(2**256 - 1, 2**256 - 1)],
        fields_mutator((0, 32), (32, 1)),
        _slot,
        STORED,
    ),
)
