"""What one block changed, over the state before it.

Overlays of successive blocks form a chain that ends in the final state. When a block is committed, its successors are
put on the final state instead (`rebase`): the store then answers exactly what the committed overlay answered, so a
reader on another thread sees the same values before and after.
"""

from consensus.primitives.hashing import keccak256_cached
from consensus.primitives.scalars import Address, Hash32
from node.state.reader import EMPTY_ACCOUNT, Account, StateReader, encode_account, encode_storage_value
from node.state.state_trie import TrieUpdate, account_trie, storage_trie, update_trie


class Overlay:
    """One block's differences. Written by one journal, then sealed, then only read."""

    __slots__ = ("_parent", "accounts", "codes", "nodes", "slots")

    def __init__(self, parent: StateReader) -> None:
        self._parent = parent
        self.accounts: dict[Address, Account | None] = {}
        self.slots: dict[Address, dict[int, int]] = {}
        self.codes: dict[Hash32, bytes] = {}
        self.nodes: dict[bytes, bytes | None] = {}
        """Trie nodes by store key; None for one that is gone."""

    def rebase(self, parent: StateReader) -> None:
        """Put this overlay on another reader of the same state."""
        self._parent = parent

    def account(self, address: Address) -> Account | None:
        if address in self.accounts:
            return self.accounts[address]
        return self._parent.account(address)

    def storage(self, address: Address, slot: int) -> int:
        slots = self.slots.get(address)
        if slots is not None:
            value = slots.get(slot)
            if value is not None:
                return value
        return self._parent.storage(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        code = self.codes.get(code_hash)
        return self._parent.code(code_hash) if code is None else code

    def trie_node(self, key: bytes) -> bytes | None:
        if key in self.nodes:
            return self.nodes[key]
        return self._parent.trie_node(key)

    def seal(self) -> Hash32:
        """Drop writes that changed nothing, update the tries and return the new state root."""
        self._update_storage_tries()
        updates: list[TrieUpdate] = []
        for address, account in list(self.accounts.items()):
            if account == self._parent.account(address):
                del self.accounts[address]
                continue
            updates.append((keccak256_cached(address), b"" if account is None else encode_account(account)))
        updates.sort()
        return update_trie(account_trie(), self._parent.trie_node, updates, self.nodes)

    def _update_storage_tries(self) -> None:
        for address, slots in list(self.slots.items()):
            updates: list[TrieUpdate] = []
            for slot, value in list(slots.items()):
                if value == self._parent.storage(address, slot):
                    del slots[slot]
                    continue
                key = keccak256_cached(slot.to_bytes(32, "big"))
                updates.append((key, encode_storage_value(value) if value else b""))
            if not updates:
                del self.slots[address]
                continue
            updates.sort()
            trie = storage_trie(keccak256_cached(address))
            root = update_trie(trie, self._parent.trie_node, updates, self.nodes)
            account = self.account(address) or EMPTY_ACCOUNT
            self.accounts[address] = Account(account.nonce, account.balance, root, account.code_hash)
