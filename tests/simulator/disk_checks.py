"""What must hold of the disks of stopped nodes: the same final records everywhere, and the state that headers name."""

from collections.abc import Iterable, Iterator

import rlp
from trie.hexary import HexaryTrie

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32, Height
from node.state.reader import address_of_record, decode_account_record, decode_slot, decode_storage_record
from node.storage.schema import ACCOUNT, STORAGE
from tests.simulator.disk import Disk
from tests.simulator.world import Broken

OWN_RECORDS = (b"f", b"m", b"v")
"""Prefixes of records in which nodes may differ: which quorum they saw, where their floors are, whom they accuse."""


def final_records(disk: Disk) -> Iterator[tuple[bytes, bytes]]:
    """Yield every record that all nodes of one height must have alike."""
    for key, value in disk.store.scan(b"", b"\xff"):
        if not key.startswith(OWN_RECORDS):
            yield key, value


def check_equal_bytes(disks: Iterable[tuple[int, Disk]]) -> None:
    """Compare the disks of nodes at one height, record by record. Raises: Broken."""
    known: dict[Height, tuple[int, dict[bytes, bytes]]] = {}
    for index, disk in disks:
        height = disk.chain.final_head().height
        records = dict(final_records(disk))
        other, expected = known.setdefault(height, (index, records))
        for key in sorted(records.keys() | expected.keys()):
            if records.get(key) != expected.get(key):
                raise Broken(
                    "equal_bytes_on_disk",
                    f"height {height}, record 0x{key.hex()}: validator {other} has {_shown(expected.get(key))}, "
                    f"validator {index} {_shown(records.get(key))}",
                )


def check_restart(index: int, before: dict[bytes, bytes], disk: Disk, *, height: Height) -> None:
    """Compare a disk after a restart with its final records before, if no block was added. Raises: Broken."""
    if disk.chain.final_head().height != height:
        return
    after = dict(final_records(disk))
    if after != before:
        changed = sorted(key for key in after.keys() | before.keys() if after.get(key) != before.get(key))
        raise Broken(
            "restart_equal",
            f"validator {index}, height {height}: {len(changed)} records changed, 0x{changed[0].hex()} "
            f"from {_shown(before.get(changed[0]))} to {_shown(after.get(changed[0]))}",
        )


def check_state_root(index: int, disk: Disk) -> None:
    """Recompute the state root of the flat records plainly. Raises: Broken."""
    head = disk.chain.final_head()
    header = disk.chain.header(head.height)
    assert header is not None
    root = plain_state_root(disk)
    if root != header.state_root:
        raise Broken(
            "equal_state_roots",
            f"validator {index}, height {head.height}: records give 0x{root.hex()}, header 0x{header.state_root.hex()}",
        )


def plain_state_root(disk: Disk) -> Hash32:
    """Return the state root of the flat records by the `trie` package, which knows nothing of ours."""
    storage: dict[bytes, HexaryTrie] = {}
    for key, record in disk.store.scan(STORAGE, _after(STORAGE)):
        owner = key[len(STORAGE) : len(STORAGE) + 32]
        slot, value = decode_slot(record), decode_storage_record(record)
        trie = storage.setdefault(owner, HexaryTrie({}))
        trie[keccak256(slot.to_bytes(32, "big"))] = rlp.encode(value.to_bytes(32, "big").lstrip(b"\x00"))
    accounts = HexaryTrie({})
    for _, record in disk.store.scan(ACCOUNT, _after(ACCOUNT)):
        address, account = address_of_record(record), decode_account_record(record)
        owner = keccak256(address)
        root = storage[owner].root_hash if owner in storage else HexaryTrie({}).root_hash
        accounts[owner] = rlp.encode([account.nonce, account.balance, root, account.code_hash])
    return Hash32(accounts.root_hash)


def _after(prefix: bytes) -> bytes:
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def _shown(value: bytes | None) -> str:
    return "nothing" if value is None else f"{len(value)} bytes {value[:8].hex()}"
