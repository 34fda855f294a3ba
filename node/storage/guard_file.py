"""The sign guard on disk: what this key has signed, synced before a signature leaves.

Born with its key, never copied, restored or deleted. `head ‖ batches` (`record_batches.py`), append-only; when it has
grown it is replaced, at once and whole, by the sign bytes that still bind and the floor at or below which nothing is
ever signed again. It sees bytes and knows nothing of votes. Source: consensus.md §7.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from node.storage.errors import StorageError, WriteFailed
from node.storage.files import DISK, FileSystem, OpenFile, replace_file
from node.storage.record_batches import (
    SALT_BYTES,
    DamagedLog,
    LogRecord,
    draw_salt,
    encode_batch,
    scan_batches,
    seal_head,
)

MAGIC = b"SYCEEGRD"
VERSION = 1
KEY_AT = 10
"""Offset of the public key, behind magic ‖ version u16; a salt and the head's CRC-32C follow."""
HEAD_BYTES = KEY_AT + 32 + SALT_BYTES + 4

STATEMENT_BYTES = 114
"""Length of sign bytes: consensus.md §2."""

STATEMENT_RECORD = 1
"""Record type: sign bytes that were signed."""
FLOOR_RECORD = 2
"""Record type: epoch u64 ‖ view u64 of the floor when the file was last replaced."""

_RECORD_BYTES = {STATEMENT_RECORD: STATEMENT_BYTES, FLOOR_RECORD: 16}
"""Length of the payload of each record type there is."""

GUARD_BYTES_MAX = 1024 * 1024
"""Length at which a guard is replaced by what still binds: about 7 000 votes, minutes under load. Twice would be read
at every start for nothing; half would replace twice as often, at three syncs each."""


class GuardMissing(StorageError):
    """A consensus key without its guard: nobody knows what it has signed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path} is missing. A key without its sign guard may not vote: rotate the key, "
            "or follow docs/operators/failover.md"
        )


class DamagedGuard(StorageError):
    """A guard that no power cut explains, or that belongs to another key."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}. This key may not vote from this disk")


def create_guard(
    path: Path, public_key: bytes, *, files: FileSystem = DISK, salt: Callable[[], bytes] = draw_salt
) -> None:
    """Make an empty guard for a key that has just been made. Raises: WriteFailed, FileExistsError."""
    if path.name in files.names(path.parent):
        raise FileExistsError(f"{path} exists: a guard is born once, with its key")
    replace_file(path, _head(public_key, salt())[0], files=files)


class GuardFile:
    """Appends sign bytes; `append` and `replace` run on the wal thread."""

    def __init__(self, path: Path, public_key: bytes, *, files: FileSystem, salt: Callable[[], bytes]) -> None:
        """Use `GuardFile.open`."""
        self._path = path
        self._public_key = public_key
        self._files = files
        self._draw_salt = salt
        self._file: OpenFile | None = None
        self._seed = 0
        self._offset = 0
        self._bytes_max = GUARD_BYTES_MAX
        self._next_sequence = 1
        self._failure: WriteFailed | None = None
        self._floor = (0, 0)

    @classmethod
    def open(
        cls, path: Path, public_key: bytes, *, files: FileSystem = DISK, salt: Callable[[], bytes] = draw_salt
    ) -> "tuple[GuardFile, list[bytes]]":
        """Open the guard of a key and return the sign bytes in it; an unfinished last batch is cut off.

        Raises: GuardMissing, DamagedGuard, WriteFailed.
        """
        guard = cls(path, public_key, files=files, salt=salt)
        return guard, guard._recover()

    @property
    def floor(self) -> tuple[int, int]:
        """Epoch and view at or below which this key never signs again; what it signed there is forgotten."""
        return self._floor

    @property
    def is_grown(self) -> bool:
        """Whether it is time to `replace` the file by what still binds."""
        return self._offset >= self._bytes_max

    def append(self, statements: Sequence[bytes]) -> None:
        """Write and sync sign bytes as one batch.

        Raises: WriteFailed, which ends the process; from then on every call raises it again.
        """
        self._require_sound()
        if not statements:
            return
        assert self._file is not None, "the guard is open"
        content = encode_batch(_records(statements), sequence=self._next_sequence, seed=self._seed)
        try:
            self._file.write_at(content, self._offset)
            self._file.sync()
        except OSError as error:
            self._failure = WriteFailed("sign guard", str(error))
            raise self._failure from error
        self._offset += len(content)
        self._next_sequence += 1

    def replace(self, statements: Sequence[bytes], *, floor: tuple[int, int]) -> None:
        """Keep only `statements`, which must be all that were signed above `floor`, and the floor itself.

        After a crash the guard is the old or the new one, whole. Raises: WriteFailed.
        """
        self._require_sound()
        assert floor >= self._floor, "a floor never moves back"
        head, seed = _head(self._public_key, self._draw_salt())
        records = [LogRecord(FLOOR_RECORD, floor[0].to_bytes(8, "big") + floor[1].to_bytes(8, "big"))]
        self._seed, self._floor = seed, floor
        content = head + encode_batch(records + _records(statements), sequence=1, seed=seed)
        # A guard that is long although all of it binds, after views in thousands, is not replaced at every vote.
        self._bytes_max = max(GUARD_BYTES_MAX, 2 * len(content))
        self._rewrite(content, next_sequence=2)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _recover(self) -> list[bytes]:
        try:
            content = self._files.read(self._path)
        except FileNotFoundError as error:
            raise GuardMissing(self._path) from error
        except OSError as error:
            raise DamagedGuard(self._path, f"cannot be read: {error}") from error
        self._read_head(content[:HEAD_BYTES])
        try:
            found = scan_batches(self._path, content, start=HEAD_BYTES, sequence=1, seed=self._seed, may_be_cut=True)
        except DamagedLog as error:
            raise DamagedGuard(self._path, f"at byte {error.offset}: {error.detail}") from error
        statements: list[bytes] = []
        for record in (record for batch in found.batches for record in batch):
            if len(record.payload) != _RECORD_BYTES.get(record.type):
                detail = f"it holds a record of type {record.type} with {len(record.payload)} bytes"
                raise DamagedGuard(self._path, f"{detail}, which this version never writes")
            if record.type == FLOOR_RECORD:
                self._floor = (int.from_bytes(record.payload[:8], "big"), int.from_bytes(record.payload[8:], "big"))
            else:
                statements.append(record.payload)
        # Written afresh, because after a failed sync the page cache may hold, marked clean, what the disk does not.
        self._rewrite(content[: found.end], next_sequence=len(found.batches) + 1)
        return statements

    def _read_head(self, head: bytes) -> None:
        sealed, self._seed = seal_head(head[:-4])
        if len(head) < HEAD_BYTES or sealed != head or not head.startswith(MAGIC):
            raise DamagedGuard(self._path, "its header is damaged")
        version = int.from_bytes(head[len(MAGIC) : KEY_AT], "big")
        if version != VERSION:
            raise DamagedGuard(self._path, f"it has version {version}, this node reads {VERSION}")
        if head[KEY_AT : KEY_AT + len(self._public_key)] != self._public_key:
            raise DamagedGuard(self._path, "it belongs to another key")

    def _rewrite(self, content: bytes, *, next_sequence: int) -> None:
        self.close()
        try:
            replace_file(self._path, content, files=self._files)
            self._file = self._files.open(self._path)
            self._file.allocate(max(self._bytes_max, len(content)))
            self._file.sync()
        except WriteFailed as error:
            self._failure = error
            raise
        except OSError as error:
            self._failure = WriteFailed("sign guard", str(error))
            raise self._failure from error
        self._offset, self._next_sequence = len(content), next_sequence

    def _require_sound(self) -> None:
        if self._failure is not None:
            raise self._failure


def _head(public_key: bytes, salt: bytes) -> tuple[bytes, int]:
    return seal_head(MAGIC + VERSION.to_bytes(2, "big") + public_key + salt)


def _records(statements: Sequence[bytes]) -> list[LogRecord]:
    assert all(len(statement) == STATEMENT_BYTES for statement in statements), "sign bytes have one length"
    return [LogRecord(STATEMENT_RECORD, statement) for statement in statements]
