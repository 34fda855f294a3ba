"""Every key in the ledger's store, in one place. Values are encoded where they belong.

A key is a prefix byte and fixed-width big-endian fields, so that scans run in height order.

    m  name                                  meta: see the META_ names
    h  height                                header RLP
    n  block hash                            height
    b  height                                body: transactions as received
    r  height                                results: receipts, senders, revert outputs (node/chain/records.py)
    f  height                                finalization, wire form
    e  epoch                                 height of its first block, validator set payload
    v  epoch u64, signer u16, view u64           evidence: two conflicting votes, wire form
    x  transaction hash                      height, index
    c  code hash                             bytecode
    a  keccak(address)                       account (node/state/reader.py), current
    s  keccak(address) keccak(slot)          slot and value, current
    t  depth nibbles                         account trie node, current
    u  keccak(address) depth nibbles         storage trie node, current
    p  key of a, s, t or u, then height      its value before that height; empty if there was none
    q  kind of history, height               which keys changed there: (length byte, key) each (node/state/persist.py)
    l  kind, address or topic, height        indexes of the block's logs that have it, u32 each (node/chain/indexes.py)
    y  address, height                       its transactions there: (index u32, roles u8) each
    z  sender, nonce u64                     transaction hash
    k  contract                              creator, transaction hash
    o  currency, holder                      height of its first payment; 0 for an opening balance
    g  o account, currency, kind u8, id      its open holds and redemptions: roles u8 (chain/reservations.py)
    g  c account, height, currency, kind, id closed at that height: its roles u8
    g  n currency, id                        notary of an open hold
"""

from consensus.primitives.hashing import keccak256_cached
from consensus.primitives.scalars import Address, Epoch, Hash32, Height

SCHEMA_VERSION = 2
"""Raised with every change of a key or value; a node refuses data of another version."""

META_SCHEMA = b"mschema"
META_GENESIS_HASH = b"mgenesis"
META_FINAL_HEAD = b"mhead"
META_STATE_FLOOR = b"mfloorstate"
"""Lowest height whose accounts and slots can be read, as a height; absent while nothing was pruned."""
META_TRIE_FLOOR = b"mfloortrie"
"""Lowest height whose trie nodes can be read."""

META_INDEX = b"mindex"
"""With the name of a group of indexes behind it: first height that group does not cover yet (node/chain/indexes.py)."""
_INDEX_FORMS = {"addresses": b"2"}
"""Groups whose records once said less: under a name of its own, a later form is built anew at the next start."""

ACCOUNT = b"a"
STORAGE = b"s"
ACCOUNT_NODE = b"t"
STORAGE_NODE = b"u"
PREVIOUS = b"p"
CHANGED_STATE = b"qs"
CHANGED_TRIE = b"qt"
LOG_ADDRESS = b"la"
LOG_TOPICS = (b"l0", b"l1", b"l2", b"l3")
"""One for each place a topic can have in a log."""
HISTORY = b"y"
SENDER_NONCE = b"z"
CREATOR = b"k"
HOLDER = b"o"
RESERVED_OPEN = b"go"
RESERVED_CLOSED = b"gc"
HOLD_NOTARY = b"gn"


_DEPTHS = tuple(bytes((depth,)) for depth in range(65))
"""Depth of a trie node as it stands in keys: 0 for the root, 64 nibbles at most."""


def height_bytes(height: int) -> bytes:
    """Return a height as it stands in keys."""
    return height.to_bytes(8, "big")


def header_key(height: Height) -> bytes:
    return b"h" + height_bytes(height)


def height_of_block_key(block_hash: Hash32) -> bytes:
    return b"n" + block_hash


def body_key(height: Height) -> bytes:
    return b"b" + height_bytes(height)


def results_key(height: Height) -> bytes:
    return b"r" + height_bytes(height)


def finalization_key(height: Height) -> bytes:
    return b"f" + height_bytes(height)


def epoch_key(epoch: Epoch) -> bytes:
    return b"e" + epoch.to_bytes(8, "big")


EVIDENCE = b"v"
EVIDENCE_STOP = b"w"


def evidence_key(epoch: Epoch, signer: int, view: int) -> bytes:
    return EVIDENCE + epoch.to_bytes(8, "big") + signer.to_bytes(2, "big") + view.to_bytes(8, "big")


def transaction_key(transaction_hash: Hash32) -> bytes:
    return b"x" + transaction_hash


def code_key(code_hash: Hash32) -> bytes:
    return b"c" + code_hash


def account_key(address: Address) -> bytes:
    return ACCOUNT + keccak256_cached(address)


def storage_key(address: Address, slot: int) -> bytes:
    return STORAGE + keccak256_cached(address) + keccak256_cached(slot.to_bytes(32, "big"))


def storage_prefix(address: Address) -> bytes:
    """Return what the keys of all slots of `address` begin with."""
    return STORAGE + keccak256_cached(address)


def account_nodes(path: bytes) -> bytes:
    """Return the key of the account trie node at `path`, a string of nibbles, one per byte."""
    return ACCOUNT_NODE + _DEPTHS[len(path)] + path


def storage_nodes(address_hash: Hash32, path: bytes) -> bytes:
    """Return the key of a storage trie node. Depth before nibbles keeps one node's history together."""
    return STORAGE_NODE + address_hash + _DEPTHS[len(path)] + path


def previous_key(key: bytes, height: Height) -> bytes:
    """Return the key of the undo record of `key` at `height`."""
    return PREVIOUS + key + height_bytes(height)


def changed_keys_key(kind: bytes, height: int) -> bytes:
    """Return the key of the list of keys that changed at `height`; `kind` is CHANGED_STATE or CHANGED_TRIE."""
    return kind + height_bytes(height)


def index_progress_key(group: str) -> bytes:
    """Return the key of how far a group of indexes goes."""
    return META_INDEX + group.encode() + _INDEX_FORMS.get(group, b"")


def index_progress_key_before(group: str) -> bytes | None:
    """Return the key under which the form before told how far it goes; None if there was none."""
    return META_INDEX + group.encode() if group in _INDEX_FORMS else None
