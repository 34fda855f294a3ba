"""Offline messages to bytes: the inverse of `message_decoder`, and nothing else. Source: offline.md §8."""

from typing import assert_never

from consensus.light.attestation import AttestationCertificate
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import currency_id
from contracts.offline.lock_rules import OfflineWord
from contracts.offline.typed_data import LockTerms, PurseTerms
from wallet_cli.offline.canonical_cbor import INPUT_BYTES_MAX, CborItem, encode_map
from wallet_cli.offline.messages import (
    MESSAGE_VERSION,
    Card,
    CertifiedWord,
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
)


def encode_message(message: Message) -> bytes:
    """Return the canonical bytes of `message`, which must hold what the decoder could have returned."""
    kind, entries = _entries_of(message)
    entries[0], entries[1] = kind, MESSAGE_VERSION
    encoded = encode_map(entries, message.extensions)
    assert len(encoded) <= INPUT_BYTES_MAX
    return encoded


def encode_lock_record(terms: LockTerms, certified: CertifiedWord) -> bytes:
    """Return a lock and its attested word as a wallet stores them: the two maps of a first PAYMENT."""
    certificate = _certificate_entries(certified.certificate, certified.word)
    return encode_map({19: _lock_terms_entries(terms), 20: certificate})


def encode_purse_record(terms: PurseTerms, certified: CertifiedWord) -> bytes:
    """Return a purse and its attested word likewise."""
    certificate = _certificate_entries(certified.certificate, certified.word)
    return encode_map({19: _purse_terms_entries(terms), 20: certificate})


def _entries_of(message: Message) -> tuple[MessageKind, dict[int, CborItem]]:
    """Return kind and fields, but for those of later versions."""
    match message:
        case Invoice():
            return MessageKind.INVOICE, _invoice_entries(message)
        case PairedPayment():
            return MessageKind.PAYMENT, _paired_entries(message)
        case PursePayment():
            return MessageKind.PAYMENT, _purse_entries(message)
        case Receipt():
            return MessageKind.RECEIPT, {
                8: message.invoice,
                14: message.signature,
                21: message.payment,
                22: message.time_s,
            }
        case Heal():
            entries: dict[int, CborItem] = {
                3: message.ref,
                8: message.invoice,
                14: message.signature,
                16: message.best,
            }
            if message.best_voucher is not None:
                best = message.best_voucher
                entries[26] = [best.cumulative, best.invoice, best.signature]
            return MessageKind.HEAL, entries
        case Card():
            entries = {2: message.chain_id, 4: message.payee, 9: message.until_s, 10: message.name}
            entries[14] = message.signature
            _put_till(entries, 5, message.till)
            return MessageKind.CARD, entries
        case CommitteeMessage():
            return MessageKind.COMMITTEE, {
                2: message.chain_id,
                12: message.number,
                20: _certificate_entries(message.certificate, None),
                22: message.start_s,
                27: b"".join(message.keys),
                28: message.first_epoch,
            }
        case Revocations():
            return MessageKind.REVOCATIONS, {
                2: message.chain_id,
                20: _certificate_entries(message.certificate, None),
                29: b"".join(message.prefixes),
            }
        case Fraud():
            return MessageKind.FRAUD, {
                2: message.chain_id,
                19: _purse_terms_entries(message.terms),
                30: _spend_members(message.first),
                31: _spend_members(message.second),
            }
        case Release():
            return MessageKind.RELEASE, {3: message.ref, 14: message.signature, 16: message.cumulative}
        case _:
            assert_never(message)


def _invoice_entries(message: Invoice) -> dict[int, CborItem]:
    entries: dict[int, CborItem] = {
        2: message.chain_id,
        4: message.payee,
        6: currency_id(message.currency),
        7: message.amount_minor,
        8: message.invoice,
        9: message.until_s,
        11: int(message.modes),
        12: message.committee,
        14: message.signature,
    }
    _put_till(entries, 5, message.till)
    if message.name:
        entries[10] = message.name
    if message.card is not None:
        entries[13] = [message.card.until_s, message.card.signature]
    if message.channel is not None:
        entries[15] = [message.channel.key, message.channel.psk]
    if message.attachments:
        entries[23] = message.attachments
    return entries


def _paired_entries(message: PairedPayment) -> dict[int, CborItem]:
    entries: dict[int, CborItem] = {
        3: message.ref,
        8: message.voucher.invoice,
        11: int(Mode.PAIRED),
        14: message.voucher.signature,
        16: message.voucher.cumulative,
    }
    if message.terms is not None:
        entries[19] = _lock_terms_entries(message.terms)
    _put_proof(entries, message.certified, message.attachments)
    return entries


def _purse_entries(message: PursePayment) -> dict[int, CborItem]:
    entries: dict[int, CborItem] = {
        3: message.ref,
        8: message.invoice,
        11: int(Mode.PURSE),
        14: message.signature,
        17: message.lo,
        18: message.hi,
    }
    if message.terms is not None:
        entries[19] = _purse_terms_entries(message.terms)
    _put_proof(entries, message.certified, message.attachments)
    return entries


def _put_proof(entries: dict[int, CborItem], certified: CertifiedWord | None, attachments: tuple[bytes, ...]) -> None:
    if certified is not None:
        entries[20] = _certificate_entries(certified.certificate, certified.word)
    if attachments:
        entries[23] = attachments


def _put_till(entries: dict[int, CborItem], key: int, till: Address) -> None:
    if till != ZERO_ADDRESS:
        entries[key] = till


def _lock_terms_entries(terms: LockTerms) -> dict[int, CborItem]:
    entries: dict[int, CborItem] = {
        1: terms.payer,
        2: terms.payee,
        4: currency_id(terms.currency),
        5: terms.signer,
        6: terms.sig_alg,
        7: terms.open_nonce,
    }
    _put_till(entries, 3, terms.till)
    return entries


def _purse_terms_entries(terms: PurseTerms) -> dict[int, CborItem]:
    return {
        1: terms.owner,
        4: currency_id(terms.currency),
        5: terms.signer,
        6: terms.sig_alg,
        7: terms.open_nonce,
        8: terms.signer_class,
        9: terms.value,
        10: terms.collateral,
        11: terms.per_payee,
        12: terms.max_hops,
        13: terms.settle_delay_s,
        14: terms.accept_class,
        15: terms.spend_until_s,
        16: terms.claim_until_s,
    }


def _certificate_entries(certificate: AttestationCertificate, word: OfflineWord | None) -> dict[int, CborItem]:
    entries: dict[int, CborItem] = {
        1: certificate.committee,
        2: certificate.height,
        3: certificate.time_s,
        5: certificate.bitmap,
        6: certificate.signatures,
    }
    if word is not None:
        entries[4] = [word.settled, word.deposit, word.spend_until_s, word.claim_until_s]
    return entries


def _spend_members(spend: Spend) -> list[CborItem]:
    return [spend.lo, spend.hi, spend.to, spend.invoice, spend.signature]
