"""What a till remembers: invoices, locks and purses it was paid from, vouchers it accepted, and what to redeem.

Each function is one commit. A payment is acknowledged after its commit and never before; the same commit uses up the
invoice and queues the redeeming. Source: offline.md §12, R6, R7.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from consensus.light.attestation import AttestationDomain, Committee, CommitteeTrust
from consensus.primitives.scalars import Address, Epoch, Hash32
from contracts.offline.purse_rules import SignedHop
from contracts.offline.typed_data import Hop, LockTerms, PurseTerms, voucher_digest
from wallet_cli.errors import PolicyRefused
from wallet_cli.offline.acceptance import CurrencyLimits, Exposure, OpenInvoice, Till, TillPolicy
from wallet_cli.offline.attachments import Learned, RevokedList
from wallet_cli.offline.database import OfflineDatabase, decode_amount, encode_amount, find_id
from wallet_cli.offline.fraud import spends_of_fraud
from wallet_cli.offline.message_decoder import decode_lock_record, decode_message, decode_purse_record
from wallet_cli.offline.message_encoder import encode_lock_record, encode_message, encode_purse_record
from wallet_cli.offline.messages import (
    PREFIX_BYTES,
    REFERENCE_BYTES,
    CertifiedWord,
    Fraud,
    Invoice,
    Receipt,
    Voucher,
)
from wallet_cli.offline.verdicts import AcceptSpend, AcceptVoucher, LockKnown, PurseKnown, RaiseBest

_KEY_BYTES: Final = 32
_NONE: Final = encode_amount(0)


class JobState(Enum):
    """How far the redeeming of one accepted payment is."""

    HELD = "held"
    SUBMITTED = "submitted"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted payment and how far its redeeming is."""

    digest: Hash32
    """Of voucher or hop."""
    state: JobState
    tx_hash: Hash32 | None
    """None before it was submitted."""
    lock_id: Hash32 | None
    """None if a purse paid."""
    purse_id: Hash32 | None
    lo: int
    hi: int
    """The cumulative, of a lock."""
    invoice: bytes
    payee: Address
    signature: bytes


def save_invoice(database: OfflineDatabase, invoice: Invoice) -> None:
    """Keep an invoice of this till before anybody sees it."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO invoices (invoice, message, until_s) VALUES (?, ?, ?)",
            (invoice.invoice, encode_message(invoice), invoice.until_s),
        )


def save_class(database: OfflineDatabase, class_id: Hash32, size: int) -> None:
    """Keep a class that the payee is proven to be in."""
    with database.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO classes VALUES (?, ?)", (class_id, size))


def save_trust(database: OfflineDatabase, trust: CommitteeTrust) -> None:
    """Keep committees and their anchor; neither ever goes back."""
    with database.transaction() as connection:
        _put_trust(connection, trust)


def save_learned(database: OfflineDatabase, learned: Learned, domain: AttestationDomain) -> None:
    """Keep what a message's attachments proved, whatever the message was."""
    with database.transaction() as connection:
        _put_trust(connection, learned.trust)
        if learned.revoked.time_s:
            connection.execute(
                "INSERT INTO revocations VALUES (1, ?, ?) ON CONFLICT (only_row) DO UPDATE SET "
                "prefixes = excluded.prefixes, time_s = excluded.time_s WHERE excluded.time_s > time_s",
                (b"".join(learned.revoked.prefixes), learned.revoked.time_s),
            )
        _lift_time(connection, learned.revoked.time_s)


def save_evidence(database: OfflineDatabase, purse: Hash32, fraud: Fraud) -> None:
    """Keep a proven double spend for ever."""
    with database.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO evidence VALUES (?, ?)", (purse, encode_message(fraud)))


def accept_payment(database: OfflineDatabase, verdict: AcceptVoucher | AcceptSpend, payee: Address) -> None:
    """Keep a payment, use up its invoice and queue its redeeming, in one commit (R6).

    Raises: PolicyRefused if the invoice was used meanwhile.
    """
    try:
        with database.transaction() as connection:
            invoice = verdict.voucher.invoice if isinstance(verdict, AcceptVoucher) else verdict.spend.hop.invoice
            used = connection.execute(
                "UPDATE invoices SET paid_by = ? WHERE invoice = ? AND paid_by IS NULL",
                (verdict.digest[:REFERENCE_BYTES], invoice),
            )
            if used.rowcount != 1:
                raise _used(invoice)
            _put_accepted(connection, verdict, payee)
            _lift_time(connection, verdict.known.certificate.time_s)
    except sqlite3.IntegrityError as error:
        raise _used(invoice) from error


def raise_best(database: OfflineDatabase, verdict: RaiseBest, separator: Hash32) -> None:
    """Keep a voucher that this till accepted and forgot, and queue its redeeming; no invoice is used up."""
    voucher = verdict.voucher
    digest = voucher_digest(separator, lock=verdict.lock_id, cumulative=voucher.cumulative, invoice=voucher.invoice)
    accepted = AcceptVoucher(verdict.lock_id, verdict.known, voucher, digest, 0)
    with database.transaction() as connection:
        _put_accepted(connection, accepted, verdict.known.terms.payee)


def record_receipt(database: OfflineDatabase, receipt: Receipt) -> None:
    """Keep the RECEIPT of an accepted payment, so that the same is shown again."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE invoices SET receipt = ? WHERE invoice = ? AND paid_by = ?",
            (encode_message(receipt), receipt.invoice, receipt.payment),
        )


def close_for_acceptance(database: OfflineDatabase, lock: Hash32) -> None:
    """Accept nothing more from a lock: committed before a RELEASE is signed."""
    with database.transaction() as connection:
        connection.execute("UPDATE till_locks SET is_redeem_only = 1 WHERE id = ?", (lock,))


def mark_submitted(database: OfflineDatabase, digest: Hash32, tx_hash: Hash32) -> None:
    """Keep the hash of a redeeming transaction before it is sent; a later one takes its place (R7)."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE jobs SET state = 'submitted', tx_hash = ? WHERE digest = ? AND state != 'final'", (tx_hash, digest)
        )


def mark_final(database: OfflineDatabase, digest: Hash32, tx_hash: Hash32) -> None:
    """Keep that a payment is redeemed: by a proven receipt, or by the block whose state is proven to have it paid."""
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'final', tx_hash = ? WHERE digest = ?", (tx_hash, digest))


def load_jobs(database: OfflineDatabase) -> list[Job]:
    """Return every accepted payment in the order of acceptance, with how far its redeeming is."""
    rows = database.read(
        "SELECT j.digest, j.state, coalesce(j.tx_hash, x''), coalesce(a.lock_id, x''), coalesce(a.purse_id, x''), "
        "a.lo, a.hi, a.invoice, a.payee, a.signature "
        "FROM jobs j JOIN accepted a ON a.digest = j.digest ORDER BY a.rowid",
        (),
        (bytes, str, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes),
    )
    return [
        Job(
            Hash32(digest),
            JobState(state),
            Hash32(tx_hash) if tx_hash else None,
            Hash32(lock) if lock else None,
            Hash32(purse) if purse else None,
            decode_amount(lo),
            decode_amount(hi),
            invoice,
            Address(payee),
            signature,
        )
        for digest, state, tx_hash, lock, purse, lo, hi, invoice, payee, signature in rows
    ]


def load_invoice(database: OfflineDatabase, invoice: bytes) -> tuple[OpenInvoice, bytes | None] | None:
    """Return an invoice and the RECEIPT it was answered with; None if this till made no such invoice."""
    rows = database.read(
        "SELECT message, coalesce(paid_by, x''), coalesce(receipt, x'') FROM invoices WHERE invoice = ?",
        (invoice,),
        (bytes, bytes, bytes),
    )
    if not rows:
        return None
    message, paid_by, receipt = rows[0]
    return OpenInvoice(_invoice_of(message), paid_by or None), receipt or None


def load_certified_time_s(database: OfflineDatabase) -> int:
    """Return the newest certified time ever stored, in seconds: what no clock can take back."""
    return int(database.read("SELECT certified_s FROM meta", (), (int,))[0][0])


def load_trust(database: OfflineDatabase, domain: AttestationDomain) -> CommitteeTrust | None:
    """Return the committees and their anchor; None before the wallet was ever online."""
    rows = database.read(
        "SELECT number, first_epoch, start_s, keys FROM committees ORDER BY number", (), (int, int, int, bytes)
    )
    if not rows:
        return None
    committees = tuple(
        Committee(number, Epoch(first), start_s, _cut(keys, _KEY_BYTES)) for number, first, start_s, keys in rows
    )
    anchor_s = int(database.read("SELECT anchor_s FROM meta", (), (int,))[0][0])
    return CommitteeTrust(domain, committees, anchor_s)


def load_till(
    database: OfflineDatabase,
    *,
    payee: Address,
    till: Address,
    trust: CommitteeTrust,
    limits: Mapping[Address, CurrencyLimits],
    policy: TillPolicy,
) -> Till:
    """Return all that decides whether a payment is accepted."""
    invoices = database.read("SELECT invoice, message, coalesce(paid_by, x'') FROM invoices", (), (bytes, bytes, bytes))
    purses = _purses(database)
    return Till(
        payee=payee,
        till=till,
        trust=trust,
        limits=limits,
        invoices={number: OpenInvoice(_invoice_of(message), paid or None) for number, message, paid in invoices},
        locks=_locks(database),
        purses={purse[:REFERENCE_BYTES]: known for purse, known in purses.items()},
        classes={Hash32(name): size for name, size in database.read("SELECT id, size FROM classes", (), (bytes, int))},
        spends=_spends(database, trust.domain),
        exposure=_exposure(database, purses),
        revoked=_with_evidence(load_revoked(database), load_evidence(database), trust.domain),
        policy=policy,
    )


def find_lock(database: OfflineDatabase, reference: str) -> Hash32:
    """Return the id of the lock this till was paid from that begins with these digits. Raises: UsageRefused."""
    return find_id(database, "till_locks", reference)


def load_lock(database: OfflineDatabase, lock: Hash32) -> LockKnown:
    """Return what this till knows of a lock that `find_lock` found."""
    return _locks(database)[lock[:REFERENCE_BYTES]]


def load_source(database: OfflineDatabase, job: Job) -> tuple[LockTerms | PurseTerms, CertifiedWord]:
    """Return terms and certificate of the lock or purse that an accepted payment is from."""
    if job.lock_id is not None:
        lock = _locks(database)[job.lock_id[:REFERENCE_BYTES]]
        return lock.terms, CertifiedWord(lock.word, lock.certificate)
    assert job.purse_id is not None
    purse = _purses(database)[job.purse_id]
    return purse.terms, CertifiedWord(purse.word, purse.certificate)


def load_terms(database: OfflineDatabase, job: Job) -> LockTerms | PurseTerms:
    """Return the terms of the lock or purse that an accepted payment is from."""
    return load_source(database, job)[0]


def load_claim_until_s(database: OfflineDatabase, invoice: bytes) -> int:
    """Return until when the payment of an accepted invoice can be redeemed, in seconds."""
    job = next(job for job in load_jobs(database) if job.invoice == invoice)
    return load_source(database, job)[1].word.claim_until_s


def load_evidence(database: OfflineDatabase) -> list[Fraud]:
    """Return every double spend this wallet can prove."""
    found = [decode_message(row[0]) for row in database.read("SELECT message FROM evidence", (), (bytes,))]
    return [fraud for fraud in found if isinstance(fraud, Fraud)]


def _with_evidence(known: RevokedList, evidence: list[Fraud], domain: AttestationDomain) -> RevokedList:
    """Return the list with every purse that this wallet has proof against: nobody need attest what is proven."""
    purses = {spends_of_fraud(domain, fraud)[0].hop.purse_id[:PREFIX_BYTES] for fraud in evidence}
    return RevokedList(tuple(sorted(purses.union(known.prefixes))), known.time_s)


def _locks(database: OfflineDatabase) -> dict[bytes, LockKnown]:
    rows = database.read(
        "SELECT id, record, best, coalesce(best_invoice, x''), coalesce(best_signature, x''), is_redeem_only "
        "FROM till_locks",
        (),
        (bytes, bytes, bytes, bytes, bytes, int),
    )
    found: dict[bytes, LockKnown] = {}
    for lock, record, stored, invoice, signature, is_redeem_only in rows:
        terms, certified = decode_lock_record(record)
        best = decode_amount(stored)
        voucher = Voucher(best, invoice, signature) if signature else None
        found[lock[:REFERENCE_BYTES]] = LockKnown(
            terms, certified.word, certified.certificate, best, voucher, bool(is_redeem_only)
        )
    return found


def _purses(database: OfflineDatabase) -> dict[Hash32, PurseKnown]:
    found: dict[Hash32, PurseKnown] = {}
    for purse, record, total in database.read("SELECT id, record, total FROM till_purses", (), (bytes, bytes, bytes)):
        terms, certified = decode_purse_record(record)
        found[Hash32(purse)] = PurseKnown(terms, certified.word, certified.certificate, decode_amount(total))
    return found


def _spends(database: OfflineDatabase, domain: AttestationDomain) -> dict[Hash32, tuple[SignedHop, ...]]:
    rows = database.read(
        "SELECT purse_id, lo, hi, payee, invoice, signature FROM accepted WHERE purse_id IS NOT NULL",
        (),
        (bytes, bytes, bytes, bytes, bytes, bytes),
    )
    found: dict[Hash32, tuple[SignedHop, ...]] = {}
    for purse, lo, hi, payee, invoice, signature in rows:
        hop = Hop(Hash32(purse), decode_amount(lo), decode_amount(hi), Address(payee), invoice)
        found[hop.purse_id] = (*found.get(hop.purse_id, ()), SignedHop(hop, signature))
    for fraud in load_evidence(database):
        for spend in spends_of_fraud(domain, fraud):
            found[spend.hop.purse_id] = (*found.get(spend.hop.purse_id, ()), spend)
    return found


def _exposure(database: OfflineDatabase, purses: Mapping[Hash32, PurseKnown]) -> dict[Address, Exposure]:
    found: dict[Address, Exposure] = {}
    for job in load_jobs(database):
        if job.purse_id is not None and job.state is not JobState.FINAL:
            currency = purses[job.purse_id].terms.currency
            known = found.get(currency, Exposure())
            found[currency] = Exposure(known.amount_minor + job.hi - job.lo, known.receipts + 1)
    return found


def load_revoked(database: OfflineDatabase) -> RevokedList:
    """Return the newest list of revoked purses and owners."""
    rows = database.read("SELECT prefixes, time_s FROM revocations", (), (bytes, int))
    return RevokedList(_cut(rows[0][0], PREFIX_BYTES), rows[0][1]) if rows else RevokedList()


def _put_trust(connection: sqlite3.Connection, trust: CommitteeTrust) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO committees VALUES (?, ?, ?, ?)",
        [(entry.number, entry.first_epoch, entry.start_s, b"".join(entry.keys)) for entry in trust.committees],
    )
    connection.execute("UPDATE meta SET anchor_s = max(anchor_s, ?)", (trust.anchor_time_s,))
    _lift_time(connection, trust.anchor_time_s)


def _lift_time(connection: sqlite3.Connection, time_s: int) -> None:
    connection.execute("UPDATE meta SET certified_s = max(certified_s, ?)", (time_s,))


def _put_accepted(connection: sqlite3.Connection, verdict: AcceptVoucher | AcceptSpend, payee: Address) -> None:
    known = verdict.known
    lock: Hash32 | None = None
    purse: Hash32 | None = None
    if isinstance(verdict, AcceptVoucher):
        lock, voucher = verdict.lock_id, verdict.voucher
        certified = CertifiedWord(verdict.known.word, known.certificate)
        connection.execute(
            "INSERT INTO till_locks VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO UPDATE SET "
            "record = excluded.record, best = excluded.best, best_invoice = excluded.best_invoice, "
            "best_signature = excluded.best_signature WHERE excluded.best > best",
            (
                lock,
                encode_lock_record(verdict.known.terms, certified),
                encode_amount(voucher.cumulative),
                voucher.invoice,
                voucher.signature,
            ),
        )
        lo, hi, invoice, signature = 0, voucher.cumulative, voucher.invoice, voucher.signature
    else:
        purse, hop = verdict.purse_id, verdict.spend.hop
        certified = CertifiedWord(verdict.known.word, known.certificate)
        connection.execute(
            "INSERT INTO till_purses VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "record = excluded.record, total = excluded.total",
            (purse, encode_purse_record(verdict.known.terms, certified), encode_amount(verdict.known.total)),
        )
        lo, hi, invoice, signature = hop.lo, hop.hi, hop.invoice, verdict.spend.signature
    connection.execute(
        "INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (verdict.digest, invoice, lock, purse, encode_amount(lo), encode_amount(hi), payee, signature),
    )
    connection.execute("INSERT INTO jobs VALUES (?, 'held', NULL)", (verdict.digest,))


def _invoice_of(message: bytes) -> Invoice:
    found = decode_message(message)
    assert isinstance(found, Invoice)
    return found


def _cut(joined: bytes, length: int) -> tuple[bytes, ...]:
    return tuple(joined[at : at + length] for at in range(0, len(joined), length))


def _used(invoice: bytes) -> PolicyRefused:
    return PolicyRefused(
        f"invoice {invoice.hex()} was paid meanwhile",
        why="an invoice is used up by the first payment that is stored",
        next_step="make a new invoice",
        code="INVOICE_USED",
    )
