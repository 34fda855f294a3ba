"""Real keys and signed messages of a small offline world. Deterministic, so that vectors stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from nacl.signing import SigningKey

from consensus.light.attestation import (
    Attestation,
    AttestationCertificate,
    AttestationDomain,
    AttestedKind,
    Committee,
    CommitteeTrust,
    assemble_attestation,
    attested_bytes,
    committee_record_hash,
    revocations_hash,
)
from consensus.primitives.hashing import keccak256, sha256
from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Epoch, Hash32, Height
from consensus.primitives.signatures import P256_ORDER, address_of_private_key, sign_secp256k1
from contracts.addresses import OFFLINE_LOCKS, currency_address
from contracts.offline.lock_rules import OfflineWord, encode_word
from contracts.offline.purse_rules import SignedHop, class_id
from contracts.offline.typed_data import (
    Hop,
    LockTerms,
    PurseTerms,
    card_digest,
    domain_separator,
    heal_digest,
    hop_digest,
    invoice_digest,
    lock_id,
    purse_id,
    receipt_digest,
    release_digest,
    voucher_digest,
)
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

CHAIN_ID = 23790
SEPARATOR = domain_separator(CHAIN_ID)
DOMAIN = AttestationDomain(CHAIN_ID, OFFLINE_LOCKS)
EUR = currency_address(978)

NOW_S = 1_790_000_000
DAY_S = 24 * 3600
SPEND_UNTIL_S = NOW_S + 7 * DAY_S
CLAIM_UNTIL_S = NOW_S + 14 * DAY_S
ATTESTED_S = NOW_S - 600
ATTESTED_HEIGHT = Height(1204)


def key_of(name: str) -> bytes:
    """Return the secp256k1 key of somebody."""
    return sha256(name.encode())


ALICE, BOB, TILL, LOCK_DEVICE, PURSE_DEVICE, MALLORY = (
    key_of(name) for name in ("alice", "bob", "till", "lock device", "purse device", "mallory")
)
ALICE_ADDRESS, BOB_ADDRESS, TILL_ADDRESS = (address_of_private_key(key) for key in (ALICE, BOB, TILL))
SHOPS = tuple(sorted(address_of_private_key(key_of(f"shop {number}")) for number in range(3)))
CLASS = tuple(sorted((*SHOPS, BOB_ADDRESS)))

LOCK_TERMS = LockTerms(
    payer=ALICE_ADDRESS,
    payee=BOB_ADDRESS,
    till=TILL_ADDRESS,
    currency=EUR,
    signer=address_of_private_key(LOCK_DEVICE),
    sig_alg=1,
    open_nonce=3,
)
LOCK_ID = lock_id(SEPARATOR, LOCK_TERMS)
LOCK_WORD = OfflineWord(0, 50_00, SPEND_UNTIL_S, CLAIM_UNTIL_S)

PURSE_TERMS = PurseTerms(
    owner=ALICE_ADDRESS,
    currency=EUR,
    signer=address_of_private_key(PURSE_DEVICE),
    sig_alg=1,
    signer_class=0,
    open_nonce=4,
    value=60_00,
    collateral=20_00,
    per_payee=20_00,
    max_hops=1,
    settle_delay_s=0,
    accept_class=class_id(CLASS),
    spend_until_s=SPEND_UNTIL_S,
    claim_until_s=CLAIM_UNTIL_S,
)
PURSE_ID = purse_id(SEPARATOR, PURSE_TERMS)
PURSE_WORD = OfflineWord(0, 80_00, SPEND_UNTIL_S, CLAIM_UNTIL_S)


def sign(key: bytes, digest: Hash32) -> bytes:
    """Sign with secp256k1 as 65 bytes."""
    r, s, y_parity = sign_secp256k1(key, digest)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + y_parity,))


@cache
def p256_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(sha256(name.encode()), "big") % P256_ORDER, ec.SECP256R1())


def p256_address(name: str) -> Address:
    return Address(keccak256(_p256_point(name))[12:])


def sign_p256(name: str, digest: Hash32) -> bytes:
    """Sign with P-256 as 128 bytes and a low s."""
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
    r, s = utils.decode_dss_signature(p256_key(name).sign(digest, algorithm))
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big") + _p256_point(name)


def _p256_point(name: str) -> bytes:
    numbers = p256_key(name).public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@cache
def committee_keys(number: int, count: int = 4) -> tuple[SigningKey, ...]:
    """Return the attestation keys of a committee."""
    return tuple(SigningKey(sha256(f"committee {number} key {at}".encode())) for at in range(count))


def committee(number: int, count: int = 4) -> Committee:
    """Return a committee; each speaks for ten days, number 5 since five days ago."""
    return Committee(
        number,
        Epoch(100 * number),
        NOW_S - 5 * DAY_S + 10 * DAY_S * (number - 5),
        tuple(bytes(key.verify_key) for key in committee_keys(number, count)),
    )


def trust(count: int = 4, *, anchor_time_s: int = NOW_S - DAY_S) -> CommitteeTrust:
    """Return what somebody believes who was online a day ago."""
    return CommitteeTrust(DOMAIN, (committee(4, count), committee(5, count)), anchor_time_s)


def attest(
    kind: AttestedKind,
    id: Hash32,
    word: bytes,
    *,
    number: int = 5,
    count: int = 4,
    signers: Sequence[int] | None = None,
    height: int = ATTESTED_HEIGHT,
    time_s: int = ATTESTED_S,
    domain: AttestationDomain = DOMAIN,
) -> AttestationCertificate:
    """Return a certificate with real signatures by `signers`, a quorum if they are not named."""
    statement = Attestation(kind, id, word, number, Height(height), time_s)
    members = committee(number, count)
    chosen = range(members.quorum) if signers is None else signers
    message = attested_bytes(domain, statement)
    signatures = {at: committee_keys(number, count)[at].sign(message).signature for at in chosen}
    if len(signatures) == members.quorum:
        return assemble_attestation(members, statement, signatures)
    bitmap = bytearray((count + 7) // 8)
    for at in signatures:
        bitmap[at >> 3] |= 1 << (at & 7)
    joined = b"".join([signatures[at] for at in sorted(signatures)])
    return AttestationCertificate(number, statement.height, time_s, bytes(bitmap), joined)


def certify_lock(word: OfflineWord = LOCK_WORD, *, id: Hash32 = LOCK_ID, count: int = 4) -> CertifiedWord:
    return CertifiedWord(word, attest(AttestedKind.LOCK, id, encode_word(word), count=count))


def certify_purse(word: OfflineWord = PURSE_WORD, *, id: Hash32 = PURSE_ID, count: int = 4) -> CertifiedWord:
    return CertifiedWord(word, attest(AttestedKind.PURSE, id, encode_word(word), count=count))


def invoice_number(number: int) -> bytes:
    return keccak256(b"invoice %d" % number)[:8]


def make_invoice(
    number: int = 1,
    amount_minor: int = 12_34,
    *,
    payee: Address = BOB_ADDRESS,
    till: Address = TILL_ADDRESS,
    key: bytes = TILL,
    until_s: int = NOW_S + 600,
    modes: Mode = Mode.PAIRED,
    name: str = "",
    card: CardProof | None = None,
    channel: Channel | None = None,
    attachments: tuple[bytes, ...] = (),
) -> Invoice:
    unsigned = Invoice(
        chain_id=CHAIN_ID,
        payee=payee,
        till=till,
        currency=EUR,
        amount_minor=amount_minor,
        invoice=invoice_number(number),
        until_s=until_s,
        modes=modes,
        name=name,
        committee=5,
        card=card,
        channel=channel,
        attachments=attachments,
        signature=bytes(65),
    )
    digest = invoice_digest(
        SEPARATOR,
        payee=payee,
        till=till,
        currency=EUR,
        amount_minor=amount_minor,
        invoice=unsigned.invoice,
        until_s=until_s,
        modes=modes,
        name=name,
        committee=5,
        channel=unsigned.channel_hash,
    )
    return replace(unsigned, signature=sign(key, digest))


def make_voucher(cumulative: int, number: int = 1, *, lock: Hash32 = LOCK_ID, key: bytes = LOCK_DEVICE) -> Voucher:
    invoice = invoice_number(number)
    digest = voucher_digest(SEPARATOR, lock=lock, cumulative=cumulative, invoice=invoice)
    return Voucher(cumulative, invoice, sign(key, digest))


def make_paired(
    cumulative: int = 12_34,
    number: int = 1,
    *,
    terms: LockTerms = LOCK_TERMS,
    key: bytes = LOCK_DEVICE,
    certified: CertifiedWord | None = None,
    is_first: bool = True,
) -> PairedPayment:
    lock = lock_id(SEPARATOR, terms)
    shown = certified or (certify_lock(id=lock) if is_first else None)
    return PairedPayment(
        lock[:16], make_voucher(cumulative, number, lock=lock, key=key), terms if is_first else None, shown
    )


def make_hop(
    lo: int,
    hi: int,
    *,
    to: Address = BOB_ADDRESS,
    number: int = 1,
    key: bytes = PURSE_DEVICE,
    purse: Hash32 = PURSE_ID,
) -> SignedHop:
    hop = Hop(purse, lo, hi, to, invoice_number(number))
    return SignedHop(hop, sign(key, hop_digest(SEPARATOR, hop)))


def make_purse_payment(
    lo: int = 0,
    hi: int = 12_34,
    number: int = 1,
    *,
    terms: PurseTerms = PURSE_TERMS,
    certified: CertifiedWord | None = None,
    to: Address = BOB_ADDRESS,
    key: bytes = PURSE_DEVICE,
    is_first: bool = True,
) -> PursePayment:
    purse = purse_id(SEPARATOR, terms)
    signed = make_hop(lo, hi, to=to, number=number, purse=purse, key=key)
    shown = certified or (certify_purse(id=purse) if is_first else None)
    return PursePayment(purse[:16], signed.hop.invoice, lo, hi, signed.signature, terms if is_first else None, shown)


def spend_of(signed: SignedHop) -> Spend:
    hop = signed.hop
    return Spend(hop.lo, hop.hi, hop.to, hop.invoice, signed.signature)


def make_fraud(
    first: SignedHop | None = None, second: SignedHop | None = None, *, terms: PurseTerms = PURSE_TERMS
) -> Fraud:
    return Fraud(
        CHAIN_ID,
        terms,
        spend_of(first or make_hop(0, 10_00)),
        spend_of(second or make_hop(5_00, 15_00, to=SHOPS[0], number=2)),
    )


def make_receipt(payment: bytes, number: int = 1, *, time_s: int = NOW_S, key: bytes = TILL) -> Receipt:
    invoice = invoice_number(number)
    digest = receipt_digest(SEPARATOR, invoice=invoice, payment=payment[:16], time_s=time_s)
    return Receipt(invoice, sign(key, digest), payment[:16], time_s)


def make_heal(best: int, number: int = 1, *, best_voucher: Voucher | None = None, key: bytes = TILL) -> Heal:
    invoice = invoice_number(number)
    digest = heal_digest(SEPARATOR, lock=LOCK_ID, best=best, invoice=invoice)
    return Heal(LOCK_ID[:16], invoice, sign(key, digest), best, best_voucher)


def make_card(
    *,
    payee_key: bytes = BOB,
    till: Address = TILL_ADDRESS,
    name: str = "Bob's bakery",
    until_s: int = NOW_S + 90 * DAY_S,
) -> Card:
    payee = address_of_private_key(payee_key)
    digest = card_digest(SEPARATOR, payee=payee, till=till, name=name, until_s=until_s)
    return Card(CHAIN_ID, payee, until_s, name, sign(payee_key, digest), till)


def make_committee_message(
    number: int = 6, count: int = 4, *, signers: Sequence[int] | None = None, **changes: object
) -> CommitteeMessage:
    """Return the introduction of committee `number` by the one before."""
    new = replace(committee(number, count), **changes)  # type: ignore[arg-type]  # fields of a committee by name
    record = committee_record_hash(CHAIN_ID, new)
    certificate = attest(
        AttestedKind.COMMITTEE, record, ZERO_HASH, number=number - 1, count=count, signers=signers, time_s=new.start_s
    )
    return CommitteeMessage(CHAIN_ID, new.number, certificate, new.start_s, new.keys, new.first_epoch)


def make_revocations(ids: Sequence[bytes] = (), *, count: int = 4, time_s: int = ATTESTED_S) -> Revocations:
    prefixes = tuple(sorted(id[:8] for id in ids))
    certificate = attest(
        AttestedKind.REVOCATIONS,
        revocations_hash(prefixes),
        len(prefixes).to_bytes(32, "big"),
        count=count,
        time_s=time_s,
    )
    return Revocations(CHAIN_ID, certificate, prefixes)


def make_release(cumulative: int, *, key: bytes = BOB) -> Release:
    return Release(LOCK_ID[:16], sign(key, release_digest(SEPARATOR, lock=LOCK_ID, cumulative=cumulative)), cumulative)


@dataclass(frozen=True, slots=True)
class Named:
    """One message of each kind and shape."""

    name: str
    message: Message


@cache
def every_message() -> tuple[Named, ...]:
    """Return a signed message of each kind, with few and with all fields."""
    card = make_card()
    voucher = make_voucher(12_34)
    payment = voucher_digest(SEPARATOR, lock=LOCK_ID, cumulative=12_34, invoice=voucher.invoice)
    carried = (encode_message(card), encode_message(make_receipt(payment)), encode_message(make_fraud()))
    return (
        Named("invoice, minimal", make_invoice(till=ZERO_ADDRESS, key=BOB)),
        Named(
            "invoice, all fields",
            make_invoice(
                name="Bob's bakery",
                modes=Mode.PAIRED | Mode.PURSE,
                card=CardProof(card.until_s, card.signature),
                channel=Channel(sha256(b"channel"), sha256(b"psk")[:16]),
                attachments=carried,
            ),
        ),
        Named("payment from a known lock", make_paired(is_first=False)),
        Named("payment from a lock, first", make_paired()),
        Named("payment from a lock, carrying", replace(make_paired(), attachments=carried[:1])),
        Named("payment from a known purse", make_purse_payment(is_first=False)),
        Named("payment from a purse, first", make_purse_payment()),
        Named("receipt", make_receipt(payment)),
        Named("heal", make_heal(0)),
        Named("heal with its voucher", make_heal(12_34, best_voucher=voucher)),
        Named("card", card),
        Named("committee", make_committee_message()),
        Named("revocations, none", make_revocations()),
        Named("revocations, three", make_revocations((PURSE_ID, LOCK_ID, ALICE_ADDRESS))),
        Named("fraud", make_fraud()),
        Named("release", make_release(12_34)),
        Named("release with a later field", replace(make_release(0), extensions=((64, b"\x01"), (99, b"\x81\x00")))),
    )
