"""What is signed for offline money, as EIP-712 digests.

One struct, one function, for the wallet that signs, the payee that checks and the contract that pays. Nothing here
verifies or decides. Source: offline.md §3, §4, §8; EIP-712.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Address, Hash32
from contracts.addresses import OFFLINE_LOCKS

DOMAIN_NAME: Final = "Sycee OfflineLocks"
DOMAIN_VERSION: Final = "1"

INVOICE_BYTES: Final = 8
"""Length of an invoice's random number: a till makes too few invoices to meet one of 2^64 twice."""

_DOMAIN_TYPE: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_LOCK_TYPE: Final = keccak256(
    b"LockTerms(address payer,address payee,address till,address currency,address signer,uint8 sigAlg,uint64 openNonce)"
)
_PURSE_TYPE: Final = keccak256(
    b"PurseTerms(address owner,address currency,address signer,uint8 sigAlg,uint8 signerClass,uint64 openNonce,"
    b"uint96 value,uint96 collateral,uint96 perPayee,uint8 maxHops,uint32 settleDelay,bytes32 acceptClass,"
    b"uint32 spendUntil,uint32 claimUntil)"
)
_HOP_TYPE: Final = keccak256(b"Hop(bytes32 purseId,bytes32 parent,uint96 lo,uint96 hi,address to,bytes8 invoice)")
_VOUCHER_TYPE: Final = keccak256(b"Voucher(bytes32 lockId,uint96 cumulative,bytes8 invoice)")
_RELEASE_TYPE: Final = keccak256(b"Release(bytes32 lockId,uint96 cumulative)")
_INVOICE_TYPE: Final = keccak256(
    b"Invoice(address payee,address till,address currency,uint96 amount,bytes8 invoice,uint32 until,uint8 modes,"
    b"string name,uint32 committee,bytes32 channel)"
)
_RECEIPT_TYPE: Final = keccak256(b"Receipt(bytes8 invoice,bytes16 payment,uint32 time)")
_HEAL_TYPE: Final = keccak256(b"Heal(bytes32 lockId,uint96 best,bytes8 invoice)")
_CARD_TYPE: Final = keccak256(b"Card(address payee,address till,string name,uint32 until)")


@dataclass(frozen=True, slots=True)
class LockTerms:
    """What never changes in a lock; their digest is its id."""

    payer: Address
    """Who locked the money and gets the rest."""
    payee: Address
    """Who alone is paid."""
    till: Address
    """Key that writes the payee's invoices and receipts; zero: the payee's account key."""
    currency: Address
    signer: Address
    """Device key that signs vouchers."""
    sig_alg: int
    """1 secp256k1, 2 P-256."""
    open_nonce: int
    """uint64: how many locks and purses the payer had opened before."""


@dataclass(frozen=True, slots=True)
class PurseTerms:
    """What never changes in a purse; their digest is its id."""

    owner: Address
    """Who locked the money and gets the rest."""
    currency: Address
    signer: Address
    """Device key that signs hops."""
    sig_alg: int
    """1 secp256k1, 2 P-256."""
    signer_class: int
    """What keeps the key; 0, software, is the only one in this version."""
    open_nonce: int
    """uint64: how many locks and purses the owner had opened before."""
    value: int
    """uint96, minor units an honest owner can spend."""
    collateral: int
    """uint96, minor units locked on top for double spends."""
    per_payee: int
    """uint96, minor units one payee may receive."""
    max_hops: int
    """uint8; 1 in this version: a payee redeems and never passes on."""
    settle_delay_s: int
    """uint32 seconds; 0 in this version."""
    accept_class: Hash32
    """Id of the class of payees."""
    spend_until_s: int
    """uint32: payees accept before it."""
    claim_until_s: int
    """uint32: claims are paid up to and including it."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One spend of a purse: the units from `lo` up to, not including, `hi`, signed away to one payee."""

    purse_id: Hash32
    lo: int
    hi: int
    to: Address
    invoice: bytes
    """8 bytes, the payee's choice."""
    parent: Hash32 = ZERO_HASH
    """Digest of the hop passed on; zero in this version."""


@lru_cache(maxsize=16)
def domain_separator(chain_id: int, contract: Address = OFFLINE_LOCKS) -> Hash32:
    """Return the hash that ties signatures to one contract on one network.

    Bound: 16 networks; a pure function, so nothing invalidates it. Source: EIP-712.
    """
    return keccak256(
        _DOMAIN_TYPE
        + keccak256(DOMAIN_NAME.encode())
        + keccak256(DOMAIN_VERSION.encode())
        + _number(chain_id)
        + _address(contract)
    )


def lock_id(separator: Hash32, terms: LockTerms) -> Hash32:
    """Return the digest of a lock's terms, which names the lock."""
    return _digest(
        separator,
        _LOCK_TYPE
        + _address(terms.payer)
        + _address(terms.payee)
        + _address(terms.till)
        + _address(terms.currency)
        + _address(terms.signer)
        + _number(terms.sig_alg)
        + _number(terms.open_nonce),
    )


def purse_id(separator: Hash32, terms: PurseTerms) -> Hash32:
    """Return the digest of a purse's terms, which names the purse."""
    return _digest(
        separator,
        _PURSE_TYPE
        + _address(terms.owner)
        + _address(terms.currency)
        + _address(terms.signer)
        + _number(terms.sig_alg)
        + _number(terms.signer_class)
        + _number(terms.open_nonce)
        + _number(terms.value)
        + _number(terms.collateral)
        + _number(terms.per_payee)
        + _number(terms.max_hops)
        + _number(terms.settle_delay_s)
        + terms.accept_class
        + _number(terms.spend_until_s)
        + _number(terms.claim_until_s),
    )


def hop_digest(separator: Hash32, hop: Hop) -> Hash32:
    """Return what a purse's device key signs to spend."""
    return _digest(
        separator,
        _HOP_TYPE
        + hop.purse_id
        + hop.parent
        + _number(hop.lo)
        + _number(hop.hi)
        + _address(hop.to)
        + _left(hop.invoice, INVOICE_BYTES),
    )


def voucher_digest(separator: Hash32, *, lock: Hash32, cumulative: int, invoice: bytes) -> Hash32:
    """Return what a lock's device key signs: all paid so far comes to `cumulative` minor units."""
    return _digest(separator, _VOUCHER_TYPE + lock + _number(cumulative) + _left(invoice, INVOICE_BYTES))


def release_digest(separator: Hash32, *, lock: Hash32, cumulative: int) -> Hash32:
    """Return what a payee's account signs to give the rest of a lock back before its time."""
    return _digest(separator, _RELEASE_TYPE + lock + _number(cumulative))


def invoice_digest(
    separator: Hash32,
    *,
    payee: Address,
    till: Address,
    currency: Address,
    amount_minor: int,
    invoice: bytes,
    until_s: int,
    modes: int,
    name: str,
    committee: int,
    channel: Hash32,
) -> Hash32:
    """Return what a till signs to ask for money. `channel` is the hash of a secure channel's keys, or zero."""
    return _digest(
        separator,
        _INVOICE_TYPE
        + _address(payee)
        + _address(till)
        + _address(currency)
        + _number(amount_minor)
        + _left(invoice, INVOICE_BYTES)
        + _number(until_s)
        + _number(modes)
        + keccak256(name.encode())
        + _number(committee)
        + channel,
    )


def receipt_digest(separator: Hash32, *, invoice: bytes, payment: bytes, time_s: int) -> Hash32:
    """Return what a till signs for a payment: `payment` is the first 16 bytes of the voucher's or hop's digest."""
    return _digest(separator, _RECEIPT_TYPE + _left(invoice, INVOICE_BYTES) + _left(payment, 16) + _number(time_s))


def heal_digest(separator: Hash32, *, lock: Hash32, best: int, invoice: bytes) -> Hash32:
    """Return what a till signs to say that the highest voucher it accepted comes to `best` minor units."""
    return _digest(separator, _HEAL_TYPE + lock + _number(best) + _left(invoice, INVOICE_BYTES))


def card_digest(separator: Hash32, *, payee: Address, till: Address, name: str, until_s: int) -> Hash32:
    """Return what a payee's account signs to introduce a till."""
    return _digest(
        separator, _CARD_TYPE + _address(payee) + _address(till) + keccak256(name.encode()) + _number(until_s)
    )


def _digest(separator: Hash32, encoded: bytes) -> Hash32:
    return keccak256(b"\x19\x01" + separator + keccak256(encoded))


def _number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _address(value: bytes) -> bytes:
    assert len(value) == 20
    return bytes(12) + value


def _left(value: bytes, length: int) -> bytes:
    """Return a short byte string as EIP-712 writes one: the zeros are behind it."""
    assert len(value) == length
    return value + bytes(32 - length)
