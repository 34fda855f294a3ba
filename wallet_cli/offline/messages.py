"""The messages of offline payments as data. Their bytes are decoder's and encoder's; nothing here believes or decides.

Amounts are minor units, times are seconds since the Unix epoch. `extensions` are fields of later versions: kept, and
nothing is decided by them. Source: offline.md §8.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final, TypeAlias

from consensus.light.attestation import AttestationCertificate
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Epoch, Hash32
from contracts.offline.lock_rules import OfflineWord
from contracts.offline.typed_data import LockTerms, PurseTerms

MESSAGE_VERSION: Final = 1
NAME_BYTES_MAX: Final = 32
"""Longest name in UTF-8: one line of a till's screen."""

WIRE_AMOUNT_MAX: Final = 2**64 - 1
"""Largest amount of a message in minor units; wallets open nothing larger."""

ATTACHMENTS_MAX: Final = 8
"""Most messages carried along: committees of two months, and something to gossip."""

PREFIX_BYTES: Final = 8
"""Of an id in a revocation list: two of a million entries meet with a chance of 1 to 2^24."""

REFERENCE_BYTES: Final = 16
"""Of an id or digest in a message: nobody finds two with the same 128 bits in one wallet."""

Extensions: TypeAlias = tuple[tuple[int, bytes], ...]
"""Keys of 64 and more with the bytes of their values, ascending."""


class MessageKind(IntEnum):
    """Key 0."""

    INVOICE = 1
    PAYMENT = 2
    RECEIPT = 3
    HEAL = 4
    CARD = 5
    COMMITTEE = 6
    REVOCATIONS = 7
    FRAUD = 8
    RELEASE = 9


ATTACHABLE: Final = (
    MessageKind.RECEIPT,
    MessageKind.CARD,
    MessageKind.COMMITTEE,
    MessageKind.REVOCATIONS,
    MessageKind.FRAUD,
)
"""What may be carried along. None of them carries anything itself."""


class Mode(IntFlag):
    """How a payment is covered; an invoice may allow both."""

    PAIRED = 1
    PURSE = 2


@dataclass(frozen=True, slots=True)
class CardProof:
    """The payee's account introduces the till of an invoice."""

    until_s: int
    signature: bytes
    """65 bytes."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Keys for a private channel."""

    key: bytes
    """32 bytes, X25519."""
    psk: bytes
    """16 random bytes."""

    def hash(self) -> Hash32:
        """Return what an invoice's signature says of it."""
        return keccak256(self.key + self.psk)


@dataclass(frozen=True, slots=True)
class CertifiedWord:
    """A lock's or purse's word with who attested it."""

    word: OfflineWord
    certificate: AttestationCertificate


@dataclass(frozen=True, slots=True)
class Voucher:
    """A lock's device key says what all payments so far come to."""

    cumulative: int
    invoice: bytes
    """8 bytes."""
    signature: bytes
    """65 or 128 bytes."""


@dataclass(frozen=True, slots=True)
class Spend:
    """One spend as a FRAUD shows it; the purse is that of its terms."""

    lo: int
    hi: int
    to: Address
    invoice: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Invoice:
    """A till asks for money."""

    chain_id: int
    payee: Address
    currency: Address
    amount_minor: int
    invoice: bytes
    """8 random bytes."""
    until_s: int
    modes: Mode
    committee: int
    """Newest committee the payee knows: what the payer must bring it forward from."""
    signature: bytes
    """By the till."""
    till: Address = ZERO_ADDRESS
    """Zero: the payee's account key is the till."""
    name: str = ""
    """What the payee says it is called; empty: nothing."""
    card: CardProof | None = None
    """None if the payer can tell the till otherwise."""
    channel: Channel | None = None
    """None where the transport needs no secret."""
    attachments: tuple[bytes, ...] = ()
    extensions: Extensions = ()

    @property
    def channel_hash(self) -> Hash32:
        """Return what the signature says of the channel."""
        return ZERO_HASH if self.channel is None else self.channel.hash()

    @property
    def till_key(self) -> Address:
        """Return whose signature the invoice carries."""
        return self.till if any(self.till) else self.payee


@dataclass(frozen=True, slots=True)
class PairedPayment:
    """A voucher of a lock."""

    ref: bytes
    """First 16 bytes of the lock's id."""
    voucher: Voucher
    terms: LockTerms | None = None
    """None if the payee knows the lock."""
    certified: CertifiedWord | None = None
    """None if the payee's word is new enough."""
    attachments: tuple[bytes, ...] = ()
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class PursePayment:
    """A spend of a purse, to the till that asked."""

    ref: bytes
    """First 16 bytes of the purse's id."""
    invoice: bytes
    lo: int
    hi: int
    signature: bytes
    terms: PurseTerms | None = None
    certified: CertifiedWord | None = None
    attachments: tuple[bytes, ...] = ()
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """A till says that it accepted a payment."""

    invoice: bytes
    signature: bytes
    payment: bytes
    """First 16 bytes of the digest of voucher or hop."""
    time_s: int
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class Heal:
    """A till refuses a voucher and says what it has accepted so far."""

    ref: bytes
    invoice: bytes
    signature: bytes
    best: int
    """The highest cumulative accepted, never below what the ledger settled."""
    best_voucher: Voucher | None = None
    """The voucher it is from; None if nothing was accepted since the certified word."""
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A payee's account introduces a till."""

    chain_id: int
    payee: Address
    until_s: int
    name: str
    """1 to 32 bytes."""
    signature: bytes
    till: Address = ZERO_ADDRESS
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class CommitteeMessage:
    """A committee introduces the next."""

    chain_id: int
    number: int
    certificate: AttestationCertificate
    start_s: int
    keys: tuple[bytes, ...]
    first_epoch: Epoch
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class Revocations:
    """Purses and owners not to be trusted any more."""

    chain_id: int
    certificate: AttestationCertificate
    prefixes: tuple[bytes, ...]
    """8 bytes each, ascending."""
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class Fraud:
    """Two spends of the same units."""

    chain_id: int
    terms: PurseTerms
    first: Spend
    second: Spend
    extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class Release:
    """A payee gives the rest of a lock back."""

    ref: bytes
    signature: bytes
    cumulative: int
    extensions: Extensions = ()


Payment: TypeAlias = PairedPayment | PursePayment
Message: TypeAlias = (
    Invoice | PairedPayment | PursePayment | Receipt | Heal | Card | CommitteeMessage | Revocations | Fraud | Release
)
