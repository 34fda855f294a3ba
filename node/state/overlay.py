"""What one block changed, over the state before it.

Overlays of successive blocks form a chain that ends in the final state. When a block is committed, its successors are
put on the final state instead (`rebase`): a store read after the commit answers exactly what the committed overlay
answered. Give every chain a snapshot to end in, never the live store: a block of a branch that was abandoned, still
being executed, would else read the state of the branch that won. Nothing here knows a block's hash; the block tree
keeps overlays by it.
"""

from collections.abc import Iterator

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import keccak256, keccak256_cached
from consensus.primitives.scalars import Address, Hash32
from node.state.reader import EMPTY_ACCOUNT, Account, StateReader, encode_account, encode_storage_value
from node.state.state_trie import TrieUpdate, account_trie, storage_trie, update_trie

_ROOT_KEY = account_trie()(b"")


class Overlay:
    """One block's differences. Written by one journal on one thread, then sealed, then only read, by any thread."""

    __slots__ = (
        "_account_reads",
        "_is_sealed",
        "_node_reads",
        "_parent",
        "_slot_reads",
        "accounts",
        "codes",
        "nodes",
        "root_before",
        "slots",
    )

    def __init__(self, parent: StateReader) -> None:
        self._parent = parent
        self._is_sealed = False
        self.accounts: dict[Address, Account | None] = {}
        """Accounts by address; None for one that is gone. Storage roots are right once sealed."""
        self.slots: dict[Address, dict[int, int]] = {}
        self.codes: dict[Hash32, bytes] = {}
        self.nodes: dict[bytes, bytes | None] = {}
        """Trie nodes by store key; None for one that is gone."""
        self.root_before = EMPTY_TRIE_ROOT
        """State root of the parent, once sealed."""
        # What the parent answered: a block reads the same few accounts and slots for each of its transactions, and the
        # commit needs the values before. Bounded by what one block can read; once sealed, only of what changed.
        self._account_reads: dict[Address, Account | None] = {}
        self._slot_reads: dict[Address, dict[int, int]] = {}
        self._node_reads: dict[bytes, bytes | None] = {}

    def rebase(self, parent: StateReader) -> None:
        """Put this overlay on another reader of the same state. Readers on other threads see no difference."""
        assert parent.trie_node(_ROOT_KEY) == self._parent.trie_node(_ROOT_KEY), "rebase onto another state"
        self._parent = parent

    def account(self, address: Address) -> Account | None:
        if address in self.accounts:
            return self.accounts[address]
        if self._is_sealed:
            return self._parent.account(address)
        return self._account_before(address)

    def storage(self, address: Address, slot: int) -> int:
        slots = self.slots.get(address)
        if slots is not None:
            value = slots.get(slot)
            if value is not None:
                return value
        if self._is_sealed:
            return self._parent.storage(address, slot)
        return self.storage_before(address, slot)

    def storage_before(self, address: Address, slot: int) -> int:
        """Return the word that the parent has in a slot, remembered until sealed."""
        reads = self._slot_reads.get(address)
        if reads is None:
            reads = self._slot_reads[address] = {}
        value = reads.get(slot)
        if value is None:
            value = reads[slot] = self._parent.storage(address, slot)
        return value

    def used_slots(self, address: Address) -> Iterator[int]:
        changed = self.slots.get(address, {})
        for slot in self._parent.used_slots(address):
            if slot not in changed:
                yield slot
        for slot, value in changed.items():
            if value:
                yield slot

    def code(self, code_hash: Hash32) -> bytes:
        code = self.codes.get(code_hash)
        return self._parent.code(code_hash) if code is None else code

    def trie_node(self, key: bytes) -> bytes | None:
        if key in self.nodes:
            return self.nodes[key]
        return self._parent.trie_node(key)

    def apply_changes(
        self,
        accounts: dict[Address, Account | None],
        slots: dict[Address, dict[int, int]],
        codes: dict[Hash32, bytes],
    ) -> None:
        """Take over what one transaction changed."""
        assert not self._is_sealed, "a sealed overlay is final"
        self.accounts.update(accounts)
        self.codes.update(codes)
        for address, changed in slots.items():
            known = self.slots.get(address)
            if known is None:
                self.slots[address] = changed.copy()
            else:
                known.update(changed)

    def seal(self) -> Hash32:
        """Drop writes that changed nothing, update the tries and return the new state root."""
        assert not self._is_sealed, "an overlay is sealed once"
        self.root_before = state_root_of(self._parent)
        roots = self._update_storage_tries()
        updates: list[TrieUpdate] = []
        accounts: dict[Address, Account | None] = {}
        for address in {**self.accounts, **roots}:
            before = self._account_before(address)
            account = _with_root(self.account(address), before, roots.get(address))
            if account != before:
                accounts[address] = account
                updates.append((keccak256_cached(address), b"" if account is None else encode_account(account)))
        updates.sort()
        root = update_trie(account_trie(), self._node_before, updates, self.nodes)
        self.accounts = accounts
        self._is_sealed = True
        # The trie read every node that it changed and that existed.
        nodes_before = self._node_reads
        self.nodes = {key: node for key, node in self.nodes.items() if node != nodes_before.get(key)}
        self._node_reads = {key: nodes_before.get(key) for key in self.nodes}
        self._account_reads = {address: self._account_reads[address] for address in accounts}
        self._slot_reads = {
            address: {slot: self._slot_reads[address][slot] for slot in slots} for address, slots in self.slots.items()
        }
        return root

    def accounts_read(self) -> dict[Address, Account | None]:
        """Return the accounts that were read from the parent, as they were there, until sealed."""
        return self._account_reads

    def slots_read(self) -> dict[Address, dict[int, int]]:
        """Return the slots that were read from the parent, as they were there, until sealed."""
        return self._slot_reads

    def account_changes(self) -> Iterator[tuple[Address, Account | None, Account | None]]:
        """Yield (address, before, after) of every account that differs, once sealed."""
        assert self._is_sealed
        for address, account in self.accounts.items():
            yield address, self._account_reads[address], account

    def slot_changes(self) -> Iterator[tuple[Address, int, int, int]]:
        """Yield (address, slot, before, after) of every word that differs, once sealed."""
        assert self._is_sealed
        for address, slots in self.slots.items():
            reads = self._slot_reads[address]
            for slot, value in slots.items():
                yield address, slot, reads[slot], value

    def node_changes(self) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
        """Yield (store key, before, after) of every trie node that differs, once sealed."""
        assert self._is_sealed
        for key, node in self.nodes.items():
            yield key, self._node_reads[key], node

    def _update_storage_tries(self) -> dict[Address, Hash32]:
        """Return the new storage root of each account whose slots changed."""
        roots: dict[Address, Hash32] = {}
        changed: dict[Address, dict[int, int]] = {}
        for address, slots in self.slots.items():
            updates: list[TrieUpdate] = []
            kept: dict[int, int] = {}
            for slot, value in slots.items():
                if value != self.storage_before(address, slot):
                    kept[slot] = value
                    key = keccak256_cached(slot.to_bytes(32, "big"))
                    updates.append((key, encode_storage_value(value) if value else b""))
            if updates:
                updates.sort()
                trie = storage_trie(keccak256_cached(address))
                roots[address] = update_trie(trie, self._node_before, updates, self.nodes)
                changed[address] = kept
        self.slots = changed
        return roots

    def _node_before(self, key: bytes) -> bytes | None:
        """Return the parent's trie node, remembered."""
        node = self._node_reads[key] = self._parent.trie_node(key)
        return node

    def _account_before(self, address: Address) -> Account | None:
        """Return the parent's account, remembered."""
        reads = self._account_reads
        if address in reads:
            return reads[address]
        account = reads[address] = self._parent.account(address)
        return account


def state_root_of(state: StateReader) -> Hash32:
    """Return the state root of any sealed state, from its stored root node."""
    root = state.trie_node(_ROOT_KEY)
    return EMPTY_TRIE_ROOT if root is None else keccak256(root)


def _with_root(account: Account | None, before: Account | None, root: Hash32 | None) -> Account | None:
    """Return `account` with its new storage root, or the one `before` if no slot changed."""
    if root is None:
        root = EMPTY_TRIE_ROOT if before is None else before.storage_root
    if account is None:
        if root == EMPTY_TRIE_ROOT:
            return None
        account = EMPTY_ACCOUNT
    return account if account.storage_root == root else account._replace(storage_root=root)
