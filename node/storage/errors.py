"""What can be wrong with the disk. All of it ends the process; none of it is ever a verdict about a block.

StorageError
├── DataDirectoryInUse      another process holds the lock
├── UnreadableStore         LevelDB refuses to open, a read fails, or a checksum does not fit
├── StoreClosed             used after close
├── WriteFailed             an append, sync or batch failed; it is never retried
├── MissingRecord           something that must be there is not
├── DamagedValue            a value of the ledger that this node cannot have written
├── StatePruned             the asked height is below what is kept
└── UnsafeData              starting from it could contradict what this validator said: exit 3
    ├── ForeignStore        a ledger of another network, or written by another version
    ├── DamagedLog          damage in the write-ahead log that no power cut explains (record_batches.py)
    ├── DamagedRecord       a whole record of the log that this version cannot read (runtime/recovery.py)
    └── DamagedGuard        a guard that no power cut explains, or of another key (guard_file.py)
"""


class StorageError(Exception):
    """The disk does not hold, or does not take, what it must."""


class DataDirectoryInUse(StorageError):
    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} is in use by another process: stop that node first")


class UnreadableStore(StorageError):
    def __init__(self, path: str, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"{path} cannot be read: {detail}. Move it away and let the node sync afresh")


class StoreClosed(StorageError):
    def __init__(self) -> None:
        super().__init__("the store or snapshot is closed: whoever closed it first had to end its readers")


class WriteFailed(StorageError):
    def __init__(self, what: str, detail: str) -> None:
        self.what = what
        self.detail = detail
        super().__init__(f"{what} failed: {detail}. Nobody knows what is on disk now, so the node stops")


class MissingRecord(StorageError):
    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} is missing from the store: run `sycee-node verify`")


class DamagedValue(StorageError):
    def __init__(self, what: str, detail: str) -> None:
        self.what = what
        self.detail = detail
        super().__init__(f"{what} in the store is damaged: {detail}. Move the data away and let the node sync afresh")


class StatePruned(StorageError):
    def __init__(self, *, height: int, oldest: int) -> None:
        self.height = height
        self.oldest = oldest
        super().__init__(f"state at height {height} is not kept, the oldest is {oldest}: ask a node that keeps more")


class UnsafeData(StorageError):
    """Data from which a validator must not start: it might contradict what it said."""


class ForeignStore(UnsafeData):
    def __init__(self, field: str, *, found: str, expected: str) -> None:
        self.field = field
        self.found = found
        self.expected = expected
        super().__init__(
            f"the ledger's {field} is {found}, this node needs {expected}: it was written for another network or by "
            "another version. Use the home, the genesis and the version that belong together"
        )
