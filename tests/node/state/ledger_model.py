"""The world state as plain dictionaries, and its root by the `trie` and `rlp` packages: what the node's must equal."""

import copy
import random

import rlp
from trie.hexary import HexaryTrie

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from node.state.journal import Journal

ADDRESSES = [Address(bytes(19) + bytes((number,))) for number in range(1, 13)]
SLOTS = [0, 1, 2, 3, 7, 2**255, 2**256 - 1]


class Model:
    """Accounts as (nonce, balance, code) and their slots; `touched` belongs to the transaction under way."""

    def __init__(self) -> None:
        self.accounts: dict[Address, tuple[int, int, bytes]] = {}
        self.slots: dict[tuple[Address, int], int] = {}
        self.touched: list[Address] = []

    def copy(self) -> "Model":
        return copy.deepcopy(self)

    def restore(self, saved: "Model") -> None:
        restored = saved.copy()
        self.accounts, self.slots, self.touched = restored.accounts, restored.slots, restored.touched

    def account(self, address: Address) -> tuple[int, int, bytes]:
        return self.accounts.get(address, (0, 0, b""))

    def delete(self, address: Address) -> None:
        self.accounts.pop(address, None)
        for key in [key for key in self.slots if key[0] == address]:
            del self.slots[key]

    def end_transaction(self) -> None:
        for address in self.touched:
            if self.accounts.get(address) == (0, 0, b""):
                self.delete(address)
        self.touched = []

    def storage_trie(self, address: Address) -> HexaryTrie:
        trie = HexaryTrie({})
        for (owner, slot), value in self.slots.items():
            if owner == address and value:
                minimal = value.to_bytes(32, "big").lstrip(b"\x00")
                trie[keccak256(slot.to_bytes(32, "big"))] = rlp.encode(minimal)
        return trie

    def account_trie(self) -> HexaryTrie:
        trie = HexaryTrie({})
        for address, (nonce, balance, code) in self.accounts.items():
            root = self.storage_trie(address).root_hash
            trie[keccak256(address)] = rlp.encode([nonce, balance, root, keccak256(code)])
        return trie

    def root(self) -> bytes:
        root: bytes = self.account_trie().root_hash
        return root


def write_something(generator: random.Random, journal: Journal, model: Model) -> None:
    """Do one drawn write to both."""
    address = generator.choice(ADDRESSES)
    nonce, balance, code = model.account(address)
    kind = generator.choice(["nonce", "balance", "code", "slot", "slot", "slot", "slot", "touch", "delete", "clear"])
    if kind in ("nonce", "balance", "code", "touch"):
        model.touched.append(address)
    if kind == "nonce":
        journal.set_nonce(address, nonce + 1)
        model.accounts[address] = (nonce + 1, balance, code)
    elif kind == "balance":
        changed = generator.choice([0, 0, 5, 2**128])
        journal.set_balance(address, changed)
        model.accounts[address] = (nonce, changed, code)
    elif kind == "code":
        changed_code = generator.choice([b"", b"\xfe", b"\x60\x00"])
        journal.set_code(address, changed_code)
        model.accounts[address] = (nonce, balance, changed_code)
    elif kind == "touch":
        journal.touch(address)
    elif kind == "slot" and model.account(address) != (0, 0, b""):
        slot, value = generator.choice(SLOTS), generator.choice([0, 0, 1, 127, 128, 2**256 - 1])
        journal.set_slot(address, slot, value)
        model.slots[address, slot] = value
    elif kind == "delete" and generator.random() < 0.3:
        journal.delete_account(address)
        model.delete(address)
    elif kind == "clear" and generator.random() < 0.3:
        journal.clear_storage(address)
        for key in [key for key in model.slots if key[0] == address]:
            del model.slots[key]


def run_calls(generator: random.Random, journal: Journal, model: Model, *, depth: int) -> None:
    """Write in nested calls of which some revert."""
    for _ in range(generator.randrange(6)):
        write_something(generator, journal, model)
        if depth and generator.random() < 0.5:
            mark, saved = journal.snapshot(), model.copy()
            run_calls(generator, journal, model, depth=depth - 1)
            if generator.random() < 0.5:
                journal.revert(mark)
                model.restore(saved)


def run_transaction(generator: random.Random, journal: Journal, model: Model) -> None:
    """Run one transaction, which is kept or discarded as a whole."""
    saved = model.copy()
    run_calls(generator, journal, model, depth=3)
    if generator.random() < 0.2:
        journal.discard()
        model.restore(saved)
    else:
        journal.commit()
        model.end_transaction()


def assert_journal_reads(journal: Journal, model: Model) -> None:
    for address in ADDRESSES:
        nonce, balance, code = model.account(address)
        assert (journal.get_nonce(address), journal.get_balance(address)) == (nonce, balance)
        assert (journal.get_code(address), journal.get_code_hash(address)) == (code, keccak256(code))
        assert journal.account_exists(address) == (address in model.accounts)
        assert journal.is_empty(address) == ((nonce, balance, code) == (0, 0, b""))
        for slot in SLOTS:
            assert journal.get_slot(address, slot) == model.slots.get((address, slot), 0)
