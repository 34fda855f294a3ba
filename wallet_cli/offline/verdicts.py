"""What comes out of checking an offline message: a decision as data, with its reason and the values behind it.

A refusal is no exception: a till says it, keeps nothing and waits for the next scan. Source: offline.md §9, §10.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from consensus.light.attestation import AttestationCertificate
from consensus.primitives.scalars import Hash32
from contracts.offline.lock_rules import OfflineWord
from contracts.offline.purse_rules import SignedHop
from contracts.offline.typed_data import LockTerms, PurseTerms
from wallet_cli.offline.messages import Fraud, Receipt, Voucher


class Reason(Enum):
    """Why a message is refused: the step of a till's checks, or 0 for a payer's, and what to tell a person."""

    MALFORMED = (1, "these bytes are no message of this version: scan again, or update the older wallet")
    NOT_EXPECTED = (1, "a message of another kind belongs here")
    UNKNOWN_REFERENCE = (1, "the lock or purse is not known here: the payer must send its terms and certificate")
    WRONG_ID = (2, "the terms are not those of the lock or purse it names, or of another network")
    UNKNOWN_CURRENCY = (2, "the currency is not in this wallet's pinned list")
    OTHER_CHAIN = (2, "the message is for another network")
    COMMITTEE_UNKNOWN = (3, "it is attested by validators that are not known here: go online, or scan a COMMITTEE")
    ANCHOR_STALE = (3, "the validators were last verified too long ago: go online before accepting")
    FIRST_CONTACT_LIMIT = (3, "too much for a first payment while the validators were not verified lately")
    CERTIFICATE_NOT_VALID = (4, "the certificate is not by a quorum of validators, or not for this money")
    NOT_FOR_ME = (5, "the money is locked for another payee or till")
    REDEEM_ONLY = (5, "the lock was released here, or is older than this wallet's restore: ask for a new one")
    NOT_LIVE = (5, "nothing is locked there any more")
    EXCEEDS_DEPOSIT = (5, "more than is left in the lock: the payer must top up")
    NOT_IN_CLASS = (5, "the purse pays a class of payees that this till is not known to be in")
    TERMS_NOT_SUPPORTED = (5, "the purse's terms are not those of a covered purse")
    BAD_RANGE = (5, "units that the purse does not have")
    WRONG_AMOUNT = (5, "another amount than was asked for")
    PAYEE_CAP = (5, "more than one payee may receive from this purse")
    SIGNATURE_NOT_VALID = (6, "it was not signed by the key it must be signed by")
    INVOICE_UNKNOWN = (7, "no invoice of this till")
    INVOICE_EXPIRED = (7, "the invoice is too old: make a new one")
    INVOICE_USED = (7, "the invoice was paid already, by another payment")
    INVOICE_DIFFERS = (7, "the invoice asks for another currency or another kind of payment")
    SPENDING_ENDED = (8, "the time to spend it is over")
    CLAIM_WINDOW_SHORT = (8, "too little time would be left to redeem it")
    REVOKED = (8, "the purse or its owner is revoked")
    CERTIFICATE_OLD = (8, "the purse was attested too long ago: the payer must go online")
    EXPOSURE = (8, "too much is accepted and not redeemed yet: go online and redeem")
    CARD_EXPIRED = (0, "the till's card is too old: ask for a new one")
    NO_LOCK = (0, "no lock or purse of this wallet can pay it: go online and lock")
    NO_ROOM = (0, "not enough is left: top up, or lock anew")
    PAYEE_NOT_INTRODUCED = (0, "nothing proves that the till belongs to the payee: ask for its card")
    VOUCHER_MISSING = (0, "the payee names a voucher that this wallet does not know and did not show it")

    def __init__(self, step: int, text: str) -> None:
        self.step = step
        self.text = text


Facts: TypeAlias = tuple[tuple[str, int | str], ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is accepted, signed or stored."""

    reason: Reason
    facts: Facts = ()
    """The values behind it, by name: amounts in minor units, times in seconds, bytes in hexadecimal."""

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value}" for name, value in self.facts)
        return self.reason.text + (f" ({shown})" if shown else "")


@dataclass(frozen=True, slots=True)
class LockKnown:
    """What a till stores of a lock."""

    terms: LockTerms
    word: OfflineWord
    certificate: AttestationCertificate
    best: int = 0
    """Highest cumulative accepted."""
    best_voucher: Voucher | None = None
    """The voucher it is from; None before the first."""
    is_redeem_only: bool = False
    """True once a release was signed, and in a wallet that was restored after the lock was opened."""


@dataclass(frozen=True, slots=True)
class PurseKnown:
    """What a till stores of a purse."""

    terms: PurseTerms
    word: OfflineWord
    certificate: AttestationCertificate
    total: int = 0
    """Minor units accepted from it."""


@dataclass(frozen=True, slots=True)
class AcceptVoucher:
    """Store it, sync, then show success and answer RECEIPT."""

    lock_id: Hash32
    known: LockKnown
    """The lock as to be stored."""
    voucher: Voucher
    digest: Hash32
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AcceptSpend:
    """Store it, sync, then show success and answer RECEIPT."""

    purse_id: Hash32
    known: PurseKnown
    """The purse as to be stored."""
    spend: SignedHop
    digest: Hash32
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AnswerAgain:
    """It was accepted before: the same RECEIPT again, nothing else."""

    invoice: bytes
    payment: bytes
    """First 16 bytes of the accepted digest."""


@dataclass(frozen=True, slots=True)
class AnswerHeal:
    """The voucher does not follow what was accepted: answer HEAL, accept nothing."""

    lock_id: Hash32
    invoice: bytes
    best: int
    best_voucher: Voucher | None
    """Shown to a payer that lost its memory; None if `best` is the ledger's."""
    cumulative: int
    """What the payer signed."""
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RaiseBest:
    """An older voucher with this till's own RECEIPT, which it forgot: store it; the open invoice is still unpaid."""

    lock_id: Hash32
    known: LockKnown
    voucher: Voucher
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class DoubleSpend:
    """The same units were signed away twice: keep both, refuse, pass the proof on."""

    purse_id: Hash32
    fraud: Fraud


PaymentVerdict: TypeAlias = AcceptVoucher | AcceptSpend | AnswerAgain | AnswerHeal | RaiseBest | DoubleSpend | Refused


class Stopped(Exception):  # it carries a decision, and never leaves this folder
    """Carries a refusal out of a check."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(str(refused))


def stop(reason: Reason, **facts: int | str | bytes) -> Stopped:
    """Return the refusal to be raised, its facts in the order given; bytes are shown in hexadecimal."""
    shown = tuple((name, "0x" + value.hex() if isinstance(value, bytes) else value) for name, value in facts.items())
    return Stopped(Refused(reason, shown))
