"""Offline messages from bytes: one decoder, strict and bounded.

It believes nothing and checks no signature; it only says what the bytes say. Whatever it accepts, `message_encoder`
writes again byte for byte. Source: offline.md §8.
"""

import itertools
from typing import Final, assert_never

from consensus.chain.genesis import CHAIN_ID_MAX
from consensus.light.attestation import AttestationCertificate
from consensus.primitives.scalars import ZERO_ADDRESS, Address, Epoch, Hash32, Height
from consensus.primitives.signatures import ED25519_KEY_BYTES, ED25519_SIGNATURE_BYTES
from contracts.addresses import CURRENCY_ID_MAX, currency_address
from contracts.offline.device_signatures import P256, SECP256K1, SIGNATURE_BYTES
from contracts.offline.lock_rules import TIME_S_MAX, OfflineWord
from contracts.offline.typed_data import INVOICE_BYTES, LockTerms, PurseTerms
from wallet_cli.offline.canonical_cbor import INPUT_BYTES_MAX, CborError, decode
from wallet_cli.offline.errors import NotCanonical, UnknownKind, UnknownVersion
from wallet_cli.offline.fields import Fields
from wallet_cli.offline.messages import (
    ATTACHABLE,
    ATTACHMENTS_MAX,
    MESSAGE_VERSION,
    PREFIX_BYTES,
    REFERENCE_BYTES,
    WIRE_AMOUNT_MAX,
    Card,
    CardProof,
    CertifiedWord,
    Channel,
    CommitteeMessage,
    Fraud,
    Heal,
    Invoice,
    Message,
    MessageKind,
    Mode,
    PairedPayment,
    PursePayment,
    Receipt,
    Release,
    Revocations,
    Spend,
    Voucher,
)

COMMITTEE_KEYS_MAX: Final = 100
"""Keys of one committee: the largest validator set."""

REVOCATIONS_MAX: Final = INPUT_BYTES_MAX // PREFIX_BYTES
"""Prefixes in one list: what fits a message; the rest of the division is for the other fields."""

_ADDRESS: Final = 20
_HASH: Final = 32
_ACCOUNT_SIGNATURE: Final = SIGNATURE_BYTES[SECP256K1]
_ANY_SIGNATURE: Final = (SIGNATURE_BYTES[SECP256K1], SIGNATURE_BYTES[P256])
_U8_MAX: Final = 2**8 - 1
_U32_MAX: Final = 2**32 - 1
_CHANNEL_KEY_BYTES: Final = 32
_CHANNEL_PSK_BYTES: Final = 16
_BITMAP_BYTES: Final = range(1, (COMMITTEE_KEYS_MAX + 7) // 8 + 1)
"""Seven bits of rounding up: a started byte counts."""


def decode_message(data: bytes) -> Message:
    """Return the message that `data` is.

    Raises: NotCanonical, UnknownKind, UnknownVersion, MissingField, UnknownField, FieldNotValid.
    """
    return _decode(data, tuple(MessageKind), "a message")


def decode_lock_record(data: bytes) -> tuple[LockTerms, CertifiedWord]:
    """Return the lock and the attested word that a wallet stored. Raises: MessageError."""
    fields = _record_fields("lock record", data)
    found = _lock_terms(fields), _certified(fields)
    fields.finish()
    return found


def decode_purse_record(data: bytes) -> tuple[PurseTerms, CertifiedWord]:
    """Return the purse and the attested word that a wallet stored. Raises: MessageError."""
    fields = _record_fields("purse record", data)
    found = _purse_terms(fields), _certified(fields)
    fields.finish()
    return found


def _record_fields(kind: str, data: bytes) -> Fields:
    try:
        found = decode(data)
    except CborError as error:
        raise NotCanonical(str(error)) from error
    if not isinstance(found, dict):
        raise NotCanonical("it is no map")
    return Fields(kind, found)


def _decode(data: bytes, allowed: tuple[MessageKind, ...], place: str) -> Message:
    try:
        found = decode(data)
    except CborError as error:
        raise NotCanonical(str(error)) from error
    if not isinstance(found, dict):
        raise NotCanonical("it is no map")
    head = Fields(place, found)
    number = head.uint(0)
    version = head.uint(1)
    if version != MESSAGE_VERSION:
        raise UnknownVersion(found=version, known=MESSAGE_VERSION)
    if number not in allowed:
        raise UnknownKind(number, place=place)
    kind = MessageKind(number)
    return _decode_kind(kind, Fields(kind.name, found))


def _decode_kind(kind: MessageKind, fields: Fields) -> Message:
    match kind:
        case MessageKind.INVOICE:
            return _decode_invoice(fields)
        case MessageKind.PAYMENT:
            if fields.uint(11, minimum=Mode.PAIRED, maximum=Mode.PURSE) == Mode.PAIRED:
                return _decode_paired(fields)
            return _decode_purse(fields)
        case MessageKind.RECEIPT:
            return Receipt(
                invoice=fields.fixed(8, INVOICE_BYTES),
                signature=fields.fixed(14, *_ANY_SIGNATURE),
                payment=fields.fixed(21, REFERENCE_BYTES),
                time_s=fields.uint(22, maximum=TIME_S_MAX),
                extensions=fields.finish_message(),
            )
        case MessageKind.HEAL:
            return _decode_heal(fields)
        case MessageKind.CARD:
            return Card(
                chain_id=_chain_id(fields),
                payee=_address(fields, 4),
                till=_till(fields, 5),
                until_s=fields.uint(9, maximum=TIME_S_MAX),
                name=fields.name(10),
                signature=fields.fixed(14, _ACCOUNT_SIGNATURE),
                extensions=fields.finish_message(),
            )
        case MessageKind.COMMITTEE:
            return CommitteeMessage(
                chain_id=_chain_id(fields),
                number=fields.uint(12, maximum=_U32_MAX),
                certificate=_certificate(fields)[0],
                start_s=fields.uint(22, maximum=TIME_S_MAX),
                keys=fields.pieces(27, piece_bytes=ED25519_KEY_BYTES, minimum=1, maximum=COMMITTEE_KEYS_MAX),
                first_epoch=Epoch(fields.uint(28)),
                extensions=fields.finish_message(),
            )
        case MessageKind.REVOCATIONS:
            return _decode_revocations(fields)
        case MessageKind.FRAUD:
            return Fraud(
                chain_id=_chain_id(fields),
                terms=_purse_terms(fields),
                first=_spend(fields, 30),
                second=_spend(fields, 31),
                extensions=fields.finish_message(),
            )
        case MessageKind.RELEASE:
            return Release(
                ref=fields.fixed(3, REFERENCE_BYTES),
                signature=fields.fixed(14, _ACCOUNT_SIGNATURE),
                cumulative=fields.uint(16, maximum=WIRE_AMOUNT_MAX),
                extensions=fields.finish_message(),
            )
        case _:
            assert_never(kind)


def _decode_invoice(fields: Fields) -> Invoice:
    return Invoice(
        chain_id=_chain_id(fields),
        payee=_address(fields, 4),
        till=_till(fields, 5),
        currency=currency_address(fields.uint(6, minimum=1, maximum=CURRENCY_ID_MAX)),
        amount_minor=fields.uint(7, minimum=1, maximum=WIRE_AMOUNT_MAX),
        invoice=fields.fixed(8, INVOICE_BYTES),
        until_s=fields.uint(9, maximum=TIME_S_MAX),
        name=fields.name(10) if fields.has(10) else "",
        modes=Mode(fields.uint(11, minimum=Mode.PAIRED, maximum=Mode.PAIRED | Mode.PURSE)),
        committee=fields.uint(12, maximum=_U32_MAX),
        card=_card(fields) if fields.has(13) else None,
        signature=fields.fixed(14, *_ANY_SIGNATURE),
        channel=_channel(fields) if fields.has(15) else None,
        attachments=_attachments(fields),
        extensions=fields.finish_message(),
    )


def _decode_paired(fields: Fields) -> PairedPayment:
    return PairedPayment(
        ref=fields.fixed(3, REFERENCE_BYTES),
        voucher=Voucher(
            cumulative=fields.uint(16, minimum=1, maximum=WIRE_AMOUNT_MAX),
            invoice=fields.fixed(8, INVOICE_BYTES),
            signature=fields.fixed(14, *_ANY_SIGNATURE),
        ),
        terms=_lock_terms(fields) if fields.has(19) else None,
        certified=_certified(fields) if fields.has(20) else None,
        attachments=_attachments(fields),
        extensions=fields.finish_message(),
    )


def _decode_purse(fields: Fields) -> PursePayment:
    return PursePayment(
        ref=fields.fixed(3, REFERENCE_BYTES),
        invoice=fields.fixed(8, INVOICE_BYTES),
        signature=fields.fixed(14, *_ANY_SIGNATURE),
        lo=fields.uint(17, maximum=WIRE_AMOUNT_MAX),
        hi=fields.uint(18, maximum=WIRE_AMOUNT_MAX),
        terms=_purse_terms(fields) if fields.has(19) else None,
        certified=_certified(fields) if fields.has(20) else None,
        attachments=_attachments(fields),
        extensions=fields.finish_message(),
    )


def _decode_heal(fields: Fields) -> Heal:
    best_voucher = None
    if fields.has(26):
        members = fields.array(26, minimum=3, maximum=3)
        best_voucher = Voucher(
            cumulative=members.uint(0, minimum=1, maximum=WIRE_AMOUNT_MAX),
            invoice=members.fixed(1, INVOICE_BYTES),
            signature=members.fixed(2, *_ANY_SIGNATURE),
        )
    return Heal(
        ref=fields.fixed(3, REFERENCE_BYTES),
        invoice=fields.fixed(8, INVOICE_BYTES),
        signature=fields.fixed(14, *_ANY_SIGNATURE),
        best=fields.uint(16, maximum=WIRE_AMOUNT_MAX),
        best_voucher=best_voucher,
        extensions=fields.finish_message(),
    )


def _decode_revocations(fields: Fields) -> Revocations:
    certificate = _certificate(fields)[0]
    prefixes = fields.pieces(29, piece_bytes=PREFIX_BYTES, minimum=0, maximum=REVOCATIONS_MAX)
    if any(first >= second for first, second in itertools.pairwise(prefixes)):
        raise fields.wrong(29, "the prefixes do not ascend")
    return Revocations(
        chain_id=_chain_id(fields), certificate=certificate, prefixes=prefixes, extensions=fields.finish_message()
    )


def _chain_id(fields: Fields) -> int:
    return fields.uint(2, minimum=1, maximum=CHAIN_ID_MAX)


def _address(fields: Fields, key: int) -> Address:
    return Address(fields.fixed(key, _ADDRESS))


def _till(fields: Fields, key: int) -> Address:
    if not fields.has(key):
        return ZERO_ADDRESS
    till = _address(fields, key)
    if till == ZERO_ADDRESS:
        raise fields.wrong(key, "a till of zero is left out")
    return till


def _card(fields: Fields) -> CardProof:
    members = fields.array(13, minimum=2, maximum=2)
    return CardProof(members.uint(0, maximum=TIME_S_MAX), members.fixed(1, _ACCOUNT_SIGNATURE))


def _channel(fields: Fields) -> Channel:
    members = fields.array(15, minimum=2, maximum=2)
    return Channel(members.fixed(0, _CHANNEL_KEY_BYTES), members.fixed(1, _CHANNEL_PSK_BYTES))


def _spend(fields: Fields, key: int) -> Spend:
    members = fields.array(key, minimum=5, maximum=5)
    return Spend(
        lo=members.uint(0, maximum=WIRE_AMOUNT_MAX),
        hi=members.uint(1, maximum=WIRE_AMOUNT_MAX),
        to=_address(members, 2),
        invoice=members.fixed(3, INVOICE_BYTES),
        signature=members.fixed(4, *_ANY_SIGNATURE),
    )


def _attachments(fields: Fields) -> tuple[bytes, ...]:
    """Return what is carried along, each checked to be a message that may be. Raises: MessageError."""
    if not fields.has(23):
        return ()
    members = fields.array(23, minimum=1, maximum=ATTACHMENTS_MAX)
    found = tuple(members.raw(place) for place in members.left())
    for place, raw in enumerate(found):
        # No recursion deeper than this: what may be attached has no field for attachments.
        _decode(raw, ATTACHABLE, f"attachment {place}")
    return found


def _lock_terms(fields: Fields) -> LockTerms:
    terms = fields.map(19)
    found = LockTerms(
        payer=_address(terms, 1),
        payee=_address(terms, 2),
        till=_till(terms, 3),
        currency=currency_address(terms.uint(4, minimum=1, maximum=CURRENCY_ID_MAX)),
        signer=_address(terms, 5),
        sig_alg=terms.uint(6, maximum=_U8_MAX),
        open_nonce=terms.uint(7),
    )
    terms.finish()
    return found


def _purse_terms(fields: Fields) -> PurseTerms:
    terms = fields.map(19)
    found = PurseTerms(
        owner=_address(terms, 1),
        currency=currency_address(terms.uint(4, minimum=1, maximum=CURRENCY_ID_MAX)),
        signer=_address(terms, 5),
        sig_alg=terms.uint(6, maximum=_U8_MAX),
        open_nonce=terms.uint(7),
        signer_class=terms.uint(8, maximum=_U8_MAX),
        value=terms.uint(9, maximum=WIRE_AMOUNT_MAX),
        collateral=terms.uint(10, maximum=WIRE_AMOUNT_MAX),
        per_payee=terms.uint(11, maximum=WIRE_AMOUNT_MAX),
        max_hops=terms.uint(12, maximum=_U8_MAX),
        settle_delay_s=terms.uint(13, maximum=_U32_MAX),
        accept_class=Hash32(terms.fixed(14, _HASH)),
        spend_until_s=terms.uint(15, maximum=TIME_S_MAX),
        claim_until_s=terms.uint(16, maximum=TIME_S_MAX),
    )
    terms.finish()
    return found


def _certified(fields: Fields) -> CertifiedWord:
    certificate, word = _certificate(fields, has_word=True)
    assert word is not None
    return CertifiedWord(word, certificate)


def _certificate(fields: Fields, *, has_word: bool = False) -> tuple[AttestationCertificate, OfflineWord | None]:
    """Return a certificate and the word it is for; None where another field of the message is attested."""
    parts = fields.map(20)
    committee = parts.uint(1, maximum=_U32_MAX)
    height = Height(parts.uint(2))
    time_s = parts.uint(3, maximum=TIME_S_MAX)
    word = None
    if has_word:
        members = parts.array(4, minimum=4, maximum=4)
        word = OfflineWord(
            members.uint(0, maximum=WIRE_AMOUNT_MAX),
            members.uint(1, maximum=WIRE_AMOUNT_MAX),
            members.uint(2, maximum=TIME_S_MAX),
            members.uint(3, maximum=TIME_S_MAX),
        )
    bitmap = parts.fixed(5, *_BITMAP_BYTES)
    signatures = parts.pieces(6, piece_bytes=ED25519_SIGNATURE_BYTES, minimum=1, maximum=COMMITTEE_KEYS_MAX)
    parts.finish()
    return AttestationCertificate(committee, height, time_s, bitmap, b"".join(signatures)), word
