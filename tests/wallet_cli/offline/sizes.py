"""How many bytes and QR frames each offline message takes, and how long each check takes.

`python -m tests.wallet_cli.offline.sizes` prints both tables. Sizes are of the largest field values, signed with
secp256k1; frames are those that are shown, QR version 10, level L.
"""

import timeit
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from consensus.light.attestation import AttestationCertificate, AttestedKind, verify_attestation
from consensus.primitives.scalars import Address, Epoch, Hash32, Height
from contracts.addresses import currency_address
from contracts.offline.device_signatures import verify_device_signature
from contracts.offline.lock_rules import OfflineWord, encode_word
from contracts.offline.typed_data import LockTerms, PurseTerms, lock_id, voucher_digest
from tests.wallet_cli.offline.builders import (
    DOMAIN,
    LOCK_ID,
    LOCK_TERMS,
    LOCK_WORD,
    NOW_S,
    SEPARATOR,
    certify_lock,
    make_committee_message,
    make_fraud,
    make_invoice,
    make_paired,
    make_purse_payment,
    make_revocations,
    make_voucher,
    p256_address,
    sign_p256,
    trust,
)
from tests.wallet_cli.offline.tills import knowing_lock, make_payer, make_till
from wallet_cli.offline.acceptance import check_payment
from wallet_cli.offline.attachments import follow_message, verify_revocations
from wallet_cli.offline.frames import FrameType, split
from wallet_cli.offline.fraud import verify_fraud
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import (
    Card,
    CardProof,
    CertifiedWord,
    Channel,
    CommitteeMessage,
    Fraud,
    Heal,
    Invoice,
    Message,
    Mode,
    PairedPayment,
    PursePayment,
    Receipt,
    Release,
    Revocations,
    Spend,
    Voucher,
)
from wallet_cli.offline.payer import check_invoice

ADDRESS: Final = Address(b"\xff" * 20)
TERMS_ID: Final = Hash32(b"\xff" * 32)
U32: Final = 2**32 - 1
U64: Final = 2**64 - 1
CHAIN_ID: Final = 2**53 - 1
CURRENCY: Final = currency_address(U32)
SIGNATURE: Final = b"\xff" * 65
INVOICE: Final = b"\xff" * 8
REF: Final = b"\xff" * 16
LARGEST_LOCK: Final = LockTerms(ADDRESS, ADDRESS, ADDRESS, CURRENCY, ADDRESS, 1, U64)
LARGEST_PURSE: Final = PurseTerms(ADDRESS, CURRENCY, ADDRESS, 1, 0, U64, U64, U64, U64, 1, 0, TERMS_ID, U32, U32)
WORD: Final = OfflineWord(U64, U64, U32, U32)


@dataclass(frozen=True)
class Size:
    """One row: a message with its largest values, and what it may take."""

    name: str
    message: Message
    bytes_max: int
    frames_max: int

    @property
    def byte_count(self) -> int:
        return len(encode_message(self.message))

    @property
    def frames(self) -> int:
        return len(split(encode_message(self.message), FrameType.CBOR))


def largest_certificate(count: int) -> AttestationCertificate:
    quorum = count - (count - 1) // 3
    return AttestationCertificate(U32, Height(U64), U32, b"\xff" * ((count + 7) // 8), b"\xff" * 64 * quorum)


def largest_committee(count: int) -> CommitteeMessage:
    return CommitteeMessage(CHAIN_ID, U32, largest_certificate(count), U32, (b"\xff" * 32,) * count, Epoch(U64))


def rows() -> tuple[Size, ...]:
    """Return a row for each message of the design's table, in its order."""
    asked = Invoice(CHAIN_ID, ADDRESS, CURRENCY, U64, INVOICE, U32, Mode.PAIRED | Mode.PURSE, U32, SIGNATURE)
    named = replace(asked, till=ADDRESS, name="x" * 32, channel=Channel(b"\xff" * 32, b"\xff" * 16))
    voucher = Voucher(U64, INVOICE, SIGNATURE)
    paired = PairedPayment(REF, voucher)
    purse = PursePayment(REF, INVOICE, U64 - 1, U64, SIGNATURE)
    prefixes = tuple(number.to_bytes(8, "big") for number in range(100))
    spend = Spend(U64 - 1, U64, ADDRESS, INVOICE, SIGNATURE)
    first = [
        Size(
            f"PAYMENT first, {kind}, n = {count}",
            replace(message, terms=terms, certified=CertifiedWord(WORD, largest_certificate(count))),  # type: ignore[arg-type]  # terms of its kind
            bytes_max,
            frames,
        )
        for kind, message, terms, caps in (
            ("lock", paired, LARGEST_LOCK, ((4, 480, 2), (7, 610, 3), (21, 1_250, 6))),
            ("purse", purse, LARGEST_PURSE, ((4, 530, 3), (7, 660, 3), (21, 1_300, 6))),
        )
        for count, bytes_max, frames in caps
    ]
    return (
        Size("INVOICE minimal", asked, 150, 1),
        Size("INVOICE till, name, channel", named, 260, 2),
        Size("INVOICE and card", replace(named, card=CardProof(U32, SIGNATURE)), 340, 2),
        Size("PAYMENT, lock known", paired, 130, 1),
        Size("PAYMENT, purse known", purse, 130, 1),
        *first,
        Size("RECEIPT", Receipt(INVOICE, SIGNATURE, REF, U32), 200, 1),
        Size("HEAL", Heal(REF, INVOICE, SIGNATURE, U64), 200, 1),
        Size("HEAL with voucher", Heal(REF, INVOICE, SIGNATURE, U64, voucher), 200, 1),
        Size("CARD", Card(CHAIN_ID, ADDRESS, U32, "x" * 32, SIGNATURE, ADDRESS), 200, 1),
        Size("RELEASE", Release(REF, SIGNATURE, U64), 200, 1),
        Size("COMMITTEE, n = 4", largest_committee(4), 400, 2),
        Size("COMMITTEE, n = 7", largest_committee(7), 620, 3),
        Size("COMMITTEE, n = 21", largest_committee(21), 1_720, 8),
        Size("REVOCATIONS, 100 entries, n = 7", Revocations(CHAIN_ID, largest_certificate(7), prefixes), 1_200, 5),
        Size("FRAUD", Fraud(CHAIN_ID, LARGEST_PURSE, spend, spend), 400, 2),
    )


def checks() -> tuple[tuple[str, Callable[[], object]], ...]:
    """Return each check by name, on honest messages."""
    first, known, spent = (
        encode_message(message) for message in (make_paired(), make_paired(20_00, is_first=False), make_purse_payment())
    )
    fraud, committee, revocations, asked = make_fraud(), make_committee_message(), make_revocations(), make_invoice()
    till, knowing, payer = make_till(), make_till(locks=knowing_lock(best=7_66)), make_payer()
    voucher = make_voucher(12_34)
    digest = voucher_digest(SEPARATOR, lock=LOCK_ID, cumulative=12_34, invoice=voucher.invoice)
    p256, p256_signer = sign_p256("device", digest), p256_address("device")
    certificates = {count: certify_lock(count=count).certificate for count in (4, 7, 21)}
    word = encode_word(LOCK_WORD)

    def attested(count: int) -> Callable[[], object]:
        known_by, certificate = trust(count), certificates[count]
        return lambda: verify_attestation(known_by, certificate, kind=AttestedKind.LOCK, id=LOCK_ID, word=word)

    return (
        ("decode PAYMENT first", lambda: decode_message(first)),
        ("decode PAYMENT known", lambda: decode_message(known)),
        ("lock id", lambda: lock_id(SEPARATOR, LOCK_TERMS)),
        (
            "voucher signature, secp256k1",
            lambda: verify_device_signature(digest, voucher.signature, signer=LOCK_TERMS.signer, sig_alg=1),
        ),
        (
            "voucher signature, P-256",
            lambda: verify_device_signature(digest, p256, signer=p256_signer, sig_alg=2),
        ),
        ("certificate, n = 4", attested(4)),
        ("certificate, n = 7", attested(7)),
        ("certificate, n = 21", attested(21)),
        ("till: first PAYMENT, lock, n = 4", lambda: check_payment(till, first, now_s=NOW_S)),
        ("till: PAYMENT, lock known", lambda: check_payment(knowing, known, now_s=NOW_S)),
        ("till: first PAYMENT, purse, n = 4", lambda: check_payment(till, spent, now_s=NOW_S)),
        ("payer: INVOICE", lambda: check_invoice(payer, asked, now_s=NOW_S)),
        ("FRAUD", lambda: verify_fraud(DOMAIN, fraud)),
        ("COMMITTEE, n = 4", lambda: follow_message(trust(), committee, now_s=NOW_S)),
        ("REVOCATIONS, n = 4", lambda: verify_revocations(trust(), revocations)),
    )


def _main() -> None:
    print(f"{'message':36} {'bytes':>6} {'cap':>6} {'frames':>7}")
    for row in rows():
        print(f"{row.name:36} {row.byte_count:6} {row.bytes_max:6} {row.frames:7}")
    print(f"\n{'check':36} {'µs':>6}")
    for name, act in checks():
        act()
        best_s = min(timeit.repeat(act, number=200, repeat=5)) / 200
        print(f"{name:36} {1_000_000 * best_s:6.0f}")


if __name__ == "__main__":
    _main()
