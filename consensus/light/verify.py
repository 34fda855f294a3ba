"""Checks of final headers, and of accounts, slots, receipts and transactions under them. Pure functions over bytes.

The same code serves the wallet, a node that catches up, and anybody who was handed a proof file. Nothing is believed
but the trusted state that is passed in. Source: consensus.md §10, wallet.md §8.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from consensus.chain.errors import InvalidProof, MalformedBlock
from consensus.chain.genesis import GenesisDocument
from consensus.chain.header import NO_REQUESTS_HASH, Header, block_hash_of, decode_header
from consensus.chain.merkle import verify_merkle_proof
from consensus.chain.receipt import Receipt, decode_receipt
from consensus.light.trust import (
    CertificateNotValid,
    GenesisMismatch,
    LinkBroken,
    MalformedEvidence,
    TrustedState,
    ValidatorSetMismatch,
    ValueNotProven,
    Waypoint,
    WrongDigest,
    WrongEpoch,
    WrongView,
)
from consensus.primitives.hashing import keccak256_cached, sha256
from consensus.primitives.rlp_codec import RlpError, decode, encode_uint, read_bytes, read_list, read_uint
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, ValidatorIndex

LINKING_HEADERS_MAX: Final = 256
"""Most headers between a block and the descendant that was finalized: the bound of the proof's format."""

REQUEST_TYPE_VALIDATOR_SET: Final = b"\x5c"
"""EIP-7685 request type of the next validator set."""


@dataclass(frozen=True, slots=True)
class FinalHeader:
    """A header proven final."""

    header: Header
    header_rlp: bytes
    hash: Hash32
    """keccak-256 of `header_rlp`."""
    signers: tuple[ValidatorIndex, ...]
    """Who signed the finalization, ascending."""
    validator_count: int
    """Size of the epoch's set."""

    @property
    def waypoint(self) -> Waypoint:
        """Return the block's name."""
        return Waypoint(self.header.epoch, self.header.height, self.hash)


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as a final header's state holds it."""

    nonce: int
    balance: int
    """Native value in wei; currencies are slots of their own contracts."""
    storage_root: Hash32
    code_hash: Hash32


def requests_hash_of(payload: bytes) -> Hash32:
    """Return the requestsHash of a header that commits to the validator set in `payload` (EIP-7685)."""
    return sha256(sha256(REQUEST_TYPE_VALIDATOR_SET + payload))


def verify_account(state_root: Hash32, address: Address, nodes: Sequence[bytes]) -> AccountState | None:
    """Return the account under `state_root`, or None if the proof shows that there is none.

    Raises: ValueNotProven, MalformedEvidence. Source: EIP-1186.
    """
    subject = f"account 0x{address.hex()}"
    value = _verify_path(state_root, keccak256_cached(address), nodes, subject)
    if value is None:
        return None
    try:
        nonce, balance, storage_root, code_hash = read_list(decode(value), 4)
        return AccountState(
            nonce=read_uint(nonce, bytes_max=8),
            balance=read_uint(balance),
            storage_root=Hash32(read_bytes(storage_root, 32)),
            code_hash=Hash32(read_bytes(code_hash, 32)),
        )
    except RlpError as error:
        raise MalformedEvidence(subject, str(error)) from error


def verify_storage_slot(storage_root: Hash32, slot: int, nodes: Sequence[bytes]) -> int:
    """Return the word at `slot` (0 to 2^256 - 1) under `storage_root`; 0 if the proof shows that it is empty.

    Raises: ValueNotProven, MalformedEvidence. Source: EIP-1186.
    """
    subject = f"slot 0x{slot:x}"
    value = _verify_path(storage_root, keccak256_cached(slot.to_bytes(32, "big")), nodes, subject)
    if value is None:
        return 0
    try:
        return read_uint(decode(value))
    except RlpError as error:
        raise MalformedEvidence(subject, str(error)) from error


def verify_receipt(final: FinalHeader, index: int, encoded: bytes, nodes: Sequence[bytes]) -> Receipt:
    """Return the receipt at `index` of a final block, proven to be `encoded`.

    Raises: ValueNotProven, MalformedEvidence.
    """
    _verify_list_item(final.header.receipts_root, index, encoded, nodes, f"receipt {index}")
    try:
        return decode_receipt(encoded)
    except MalformedBlock as error:
        raise MalformedEvidence(f"receipt {index}", str(error)) from error


def verify_transaction(final: FinalHeader, index: int, raw: bytes, nodes: Sequence[bytes]) -> None:
    """Check that `raw` is the transaction at `index` of a final block. Raises: ValueNotProven."""
    _verify_list_item(final.header.transactions_root, index, raw, nodes, f"transaction {index}")


def _verify_list_item(root: Hash32, index: int, value: bytes, nodes: Sequence[bytes], subject: str) -> None:
    found = _verify_path(root, encode_uint(index), nodes, subject)
    if found != value:
        held = "nothing" if found is None else f"{len(found)} other bytes"
        raise ValueNotProven(subject, f"{len(value)} bytes were given, the block has {held} there")


def _verify_path(root: Hash32, key: bytes, nodes: Sequence[bytes], subject: str) -> bytes | None:
    try:
        return verify_merkle_proof(root, key, nodes)
    except InvalidProof as error:
        raise ValueNotProven(subject, str(error)) from error
