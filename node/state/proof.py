"""Proofs of accounts and slots against a state root, present or absent. Source: EIP-1186."""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.chain.merkle import nibbles_of
from consensus.primitives.hashing import keccak256_cached
from consensus.primitives.rlp_codec import decode, read_bytes
from consensus.primitives.scalars import Address
from node.state.reader import EMPTY_ACCOUNT, Account, StateReader
from node.state.state_trie import NodeKey, ReadNode, account_trie, storage_trie


@dataclass(frozen=True, slots=True)
class SlotProof:
    """One slot with the nodes from the account's storage root to it."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account with the nodes from the state root to it, and its slots."""

    address: Address
    account: Account
    """The empty account if it does not exist; the nodes then prove its absence."""
    nodes: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]


def prove_account(state: StateReader, address: Address, slots: Sequence[int]) -> AccountProof:
    """Return the proof of an account and of the given slots in `state`."""
    address_hash = keccak256_cached(address)
    slot_trie = storage_trie(address_hash)
    return AccountProof(
        address=address,
        account=state.account(address) or EMPTY_ACCOUNT,
        nodes=path_nodes(account_trie(), state.trie_node, address_hash),
        slots=tuple(
            SlotProof(
                slot,
                state.storage(address, slot),
                path_nodes(slot_trie, state.trie_node, keccak256_cached(slot.to_bytes(32, "big"))),
            )
            for slot in slots
        ),
    )


def path_nodes(node_key: NodeKey, read: ReadNode, hashed_key: bytes) -> tuple[bytes, ...]:
    """Return the stored nodes from the root towards `hashed_key`, down to its leaf or to where it would be."""
    path = nibbles_of(hashed_key)
    nodes: list[bytes] = []
    depth = 0
    node = read(node_key(b""))
    while node is not None:
        nodes.append(node)
        depth = _next_stored_depth(node, path, depth)
        if depth < 0:
            break
        node = read(node_key(path[:depth]))
    return tuple(nodes)


def _next_stored_depth(encoded: bytes, path: bytes, depth: int) -> int:
    """Return the depth of the next node on the path that is stored by itself; -1 if the path ends in this one."""
    node = decode(encoded)
    while True:
        assert isinstance(node, list)
        if len(node) == 17:
            reference = node[path[depth]]
            depth += 1
        else:
            nibbles = nibbles_of(read_bytes(node[0]))
            # The first nibble holds two flags: odd length, and leaf.
            if nibbles[0] & 2:
                return -1
            shared = nibbles[1:] if nibbles[0] & 1 else nibbles[2:]
            if path[depth : depth + len(shared)] != shared:
                return -1
            reference = node[1]
            depth += len(shared)
        if isinstance(reference, bytes):
            return depth if len(reference) == 32 else -1
        node = reference
