"""What a payer remembers: locks, purses, what it promised, and in which order. Each function is one commit.

An intent is on disk before its signature exists, a signature before anybody sees it. A row with an intent is spent,
signed or not. Source: offline.md §12, R1 to R5.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from consensus.primitives.scalars import Address, Hash32
from contracts.offline.purse_rules import class_id
from contracts.offline.typed_data import LockTerms, PurseTerms, lock_id, purse_id
from wallet_cli.errors import PolicyRefused
from wallet_cli.offline.database import OfflineDatabase, decode_amount, encode_amount, find_id
from wallet_cli.offline.message_decoder import decode_lock_record, decode_message, decode_purse_record
from wallet_cli.offline.message_encoder import encode_lock_record, encode_message, encode_purse_record
from wallet_cli.offline.messages import CertifiedWord, Heal, Invoice, Receipt, Voucher
from wallet_cli.offline.payer import Payer, PayerLock, PayerPurse, SignSpend, SignVoucher

_NONE: Final = encode_amount(0)
_ADDRESS_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class StoredIntent:
    """One promise, as read back from disk: the only thing that is ever signed (R2)."""

    request: Invoice
    """The invoice it pays."""
    attempt: int
    """0; each HEAL that replaced it adds 1."""
    lock_id: Hash32 | None
    """None if a purse pays."""
    purse_id: Hash32 | None
    lo: int
    """First unit, of a purse; 0 of a lock."""
    hi: int
    """First unit after it, of a purse; the cumulative of a lock."""
    signature: bytes | None
    """None before it was signed."""
    receipt: bytes | None
    """The till's RECEIPT; None before it was read."""


def save_lock(database: OfflineDatabase, separator: Hash32, terms: LockTerms, certified: CertifiedWord) -> None:
    """Keep a lock of this wallet, or its newer word; what the ledger settled counts as acknowledged."""
    settled = encode_amount(certified.word.settled)
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO locks (id, record, signed_last, signed_max, acked) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET record = excluded.record, acked = max(acked, excluded.acked)",
            (lock_id(separator, terms), encode_lock_record(terms, certified), settled, settled, settled),
        )


def save_purse(
    database: OfflineDatabase,
    separator: Hash32,
    terms: PurseTerms,
    certified: CertifiedWord,
    members: Sequence[Address],
) -> None:
    """Keep a purse of this wallet with its class, or its newer word; units spent stay spent."""
    assert class_id(members) == terms.accept_class
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO purses (id, record, members, next_lo, is_frozen) VALUES (?, ?, ?, ?, 0) "
            "ON CONFLICT (id) DO UPDATE SET record = excluded.record",
            (purse_id(separator, terms), encode_purse_record(terms, certified), b"".join(members), _NONE),
        )


def close_lock(database: OfflineDatabase, lock: Hash32) -> None:
    """Pay from a lock no more: the ledger is proven to have nothing in it. What was signed stays."""
    with database.transaction() as connection:
        connection.execute("UPDATE locks SET is_closed = 1 WHERE id = ?", (lock,))


def close_purse(database: OfflineDatabase, purse: Hash32) -> None:
    """Pay from a purse no more: the ledger is proven to have closed it. What was signed stays."""
    with database.transaction() as connection:
        connection.execute("UPDATE purses SET is_closed = 1 WHERE id = ?", (purse,))


def load_lock(database: OfflineDatabase, lock: Hash32) -> tuple[PayerLock, CertifiedWord] | None:
    """Return a lock with its certificate, or None if this wallet has no such lock."""
    rows = database.read(
        "SELECT record, signed_last, signed_max, acked FROM locks WHERE id = ?", (lock,), (bytes, bytes, bytes, bytes)
    )
    return _lock_of(rows[0]) if rows else None


def find_lock(database: OfflineDatabase, reference: str) -> Hash32:
    """Return the id of this wallet's lock that begins with these hexadecimal digits. Raises: UsageRefused."""
    return find_id(database, "locks", reference)


def is_lock_closed(database: OfflineDatabase, lock: Hash32) -> bool:
    """Tell whether a lock is known to be over."""
    rows = database.read("SELECT is_closed FROM locks WHERE id = ?", (lock,), (int,))
    return bool(rows and rows[0][0])


def is_purse_closed(database: OfflineDatabase, purse: Hash32) -> bool:
    """Tell whether a purse is known to be over."""
    rows = database.read("SELECT is_closed FROM purses WHERE id = ?", (purse,), (int,))
    return bool(rows and rows[0][0])


def load_purse(database: OfflineDatabase, purse: Hash32) -> tuple[PayerPurse, CertifiedWord] | None:
    """Return a purse with its certificate, or None if this wallet has no such purse."""
    rows = database.read(
        "SELECT record, members, next_lo, is_frozen FROM purses WHERE id = ?", (purse,), (bytes, bytes, bytes, int)
    )
    return _purse_of(database, purse, rows[0]) if rows else None


def load_payer(
    database: OfflineDatabase, *, chain_id: int, separator: Hash32, currencies: tuple[Address, ...]
) -> Payer:
    """Return all that decides how an invoice can be paid; what is closed on the ledger decides nothing."""
    locks = database.read(
        "SELECT record, signed_last, signed_max, acked FROM locks WHERE is_closed = 0 ORDER BY id",
        (),
        (bytes, bytes, bytes, bytes),
    )
    purses = database.read(
        "SELECT id, record, members, next_lo, is_frozen FROM purses WHERE is_closed = 0 ORDER BY id",
        (),
        (bytes, bytes, bytes, bytes, int),
    )
    paid = database.read("SELECT DISTINCT payee, invoice FROM intents ORDER BY payee, invoice", (), (bytes, bytes))
    return Payer(
        chain_id=chain_id,
        separator=separator,
        currencies=currencies,
        locks=tuple(_lock_of(row)[0] for row in locks),
        purses=tuple(_purse_of(database, Hash32(row[0]), row[1:])[0] for row in purses),
        paid=tuple((Address(payee), invoice) for payee, invoice in paid),
    )


def commit_intent(
    database: OfflineDatabase, request: Invoice, verdict: SignVoucher | SignSpend, heal: Heal | None = None
) -> None:
    """Promise a payment and move the counter, in one commit (R1); with `heal` replace the promise it refused (R3).

    A HEAL that shows a voucher this wallet forgot records it first. Raises: PolicyRefused if another process, or an
    earlier run, promised the same.
    """
    try:
        with database.transaction() as connection:
            if isinstance(verdict, SignSpend):
                _spend_units(connection, request, verdict)
            else:
                _raise_lock(connection, request, verdict, heal)
    except sqlite3.IntegrityError as error:
        raise _promised_before(request) from error


def record_signature(database: OfflineDatabase, intent: StoredIntent, signature: bytes) -> None:
    """Keep the verified signature of an intent; only then it may leave the wallet (R3)."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE intents SET signature = ? WHERE payee = ? AND invoice = ? AND attempt = ?",
            (signature, intent.request.payee, intent.request.invoice, intent.attempt),
        )


def record_receipt(database: OfflineDatabase, intent: StoredIntent, receipt: Receipt) -> None:
    """Keep the till's checked RECEIPT; a lock's voucher is acknowledged from then on."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE intents SET receipt = ? WHERE payee = ? AND invoice = ? AND attempt = ?",
            (encode_message(receipt), intent.request.payee, intent.request.invoice, intent.attempt),
        )
        if intent.lock_id is not None:
            connection.execute(
                "UPDATE locks SET acked = max(acked, ?) WHERE id = ?", (encode_amount(intent.hi), intent.lock_id)
            )


def load_intent(database: OfflineDatabase, payee: Address, invoice: bytes) -> StoredIntent | None:
    """Return the newest promise for an invoice, or None if nothing was promised."""
    found = _intents(database, "payee = ? AND invoice = ? ORDER BY attempt DESC LIMIT 1", (payee, invoice))
    return found[0] if found else None


def load_promised(database: OfflineDatabase, invoice: bytes) -> Invoice | None:
    """Return the invoice with this number that this wallet promised something for, or None."""
    found = _intents(database, "invoice = ? ORDER BY attempt DESC LIMIT 1", (invoice,))
    return found[0].request if found else None


def load_acknowledged(database: OfflineDatabase, lock: Hash32) -> StoredIntent | None:
    """Return the highest promise of a lock that has a RECEIPT, or None if none has."""
    found = _intents(database, "lock_id = ? AND receipt IS NOT NULL ORDER BY hi DESC LIMIT 1", (lock,))
    return found[0] if found else None


def load_unacknowledged(database: OfflineDatabase) -> list[StoredIntent]:
    """Return the newest promise of each invoice that has no RECEIPT: what `resume` shows again (R4)."""
    return [intent for intent in load_newest(database) if intent.receipt is None]


def load_newest(database: OfflineDatabase) -> list[StoredIntent]:
    """Return the newest promise of each invoice, oldest first."""
    newest = "attempt = (SELECT max(attempt) FROM intents b WHERE b.payee = a.payee AND b.invoice = a.invoice)"
    return _intents(database, f"{newest} ORDER BY rowid", ())


def load_signed(database: OfflineDatabase) -> list[StoredIntent]:
    """Return everything this wallet ever signed, oldest first: what it can help a payee with that lost its till."""
    return _intents(database, "signature IS NOT NULL ORDER BY rowid", ())


def _intents(database: OfflineDatabase, condition: str, values: Sequence[object]) -> list[StoredIntent]:
    rows = database.read(
        "SELECT request, attempt, coalesce(lock_id, x''), coalesce(purse_id, x''), lo, hi, coalesce(signature, x''), "
        f"coalesce(receipt, x'') FROM intents a WHERE {condition}",
        values,
        (bytes, int, bytes, bytes, bytes, bytes, bytes, bytes),
    )
    return [_intent_of(row) for row in rows]


def _intent_of(row: tuple[Any, ...]) -> StoredIntent:
    request, attempt, lock, purse, lo, hi, signature, receipt = row
    invoice = decode_message(request)
    assert isinstance(invoice, Invoice)
    return StoredIntent(
        invoice,
        attempt,
        Hash32(lock) if lock else None,
        Hash32(purse) if purse else None,
        decode_amount(lo),
        decode_amount(hi),
        signature or None,
        receipt or None,
    )


def _lock_of(row: tuple[Any, ...]) -> tuple[PayerLock, CertifiedWord]:
    terms, certified = decode_lock_record(row[0])
    signed_last, signed_max, acked = (decode_amount(stored) for stored in row[1:])
    return PayerLock(terms, certified.word, signed_last, signed_max, acked), certified


def _purse_of(database: OfflineDatabase, purse: Hash32, row: tuple[Any, ...]) -> tuple[PayerPurse, CertifiedWord]:
    record, joined, next_lo, is_frozen = row
    terms, certified = decode_purse_record(record)
    members = tuple(Address(joined[at : at + _ADDRESS_BYTES]) for at in range(0, len(joined), _ADDRESS_BYTES))
    spent = database.read("SELECT payee, lo, hi FROM intents WHERE purse_id = ?", (purse,), (bytes, bytes, bytes))
    paid_to = tuple((Address(payee), decode_amount(hi) - decode_amount(lo)) for payee, lo, hi in spent)
    return PayerPurse(terms, members, decode_amount(next_lo), paid_to, bool(is_frozen)), certified


def _spend_units(connection: sqlite3.Connection, request: Invoice, verdict: SignSpend) -> None:
    moved = connection.execute(
        "UPDATE purses SET next_lo = ? WHERE id = ? AND next_lo = ? AND is_frozen = 0",
        (encode_amount(verdict.hi), verdict.purse_id, encode_amount(verdict.lo)),
    )
    if moved.rowcount != 1:
        raise _promised_before(request)
    connection.execute(
        "INSERT INTO intents (payee, invoice, attempt, request, purse_id, lo, hi) VALUES (?, ?, 0, ?, ?, ?, ?)",
        (
            request.payee,
            request.invoice,
            encode_message(request),
            verdict.purse_id,
            encode_amount(verdict.lo),
            encode_amount(verdict.hi),
        ),
    )


def _raise_lock(connection: sqlite3.Connection, request: Invoice, verdict: SignVoucher, heal: Heal | None) -> None:
    cumulative = encode_amount(verdict.cumulative)
    known = encode_amount(verdict.best_voucher.cumulative) if verdict.best_voucher else _NONE
    (attempts,) = connection.execute(
        "SELECT count(*) FROM intents WHERE payee = ? AND invoice = ?", (request.payee, request.invoice)
    ).fetchone()
    if (attempts == 0) != (heal is None):
        raise _promised_before(request)
    # Without a HEAL a voucher stands on all that was signed: it never covers the same sum twice.
    base = encode_amount(verdict.cumulative - verdict.amount_minor)
    moved = connection.execute(
        "UPDATE locks SET signed_last = ?1, signed_max = max(signed_max, ?1, ?2) WHERE id = ?3 "
        "AND (?4 OR signed_last <= ?5)",
        (cumulative, known, verdict.lock_id, heal is not None, base),
    )
    if moved.rowcount != 1:
        raise _promised_before(request)
    connection.execute(
        "INSERT INTO intents (payee, invoice, attempt, request, lock_id, lo, hi, heal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request.payee,
            request.invoice,
            attempts,
            encode_message(request),
            verdict.lock_id,
            _NONE,
            cumulative,
            None if heal is None else encode_message(heal),
        ),
    )


def _promised_before(request: Invoice) -> PolicyRefused:
    return PolicyRefused(
        f"invoice {request.invoice.hex()} was promised before, or the lock or purse moved meanwhile",
        why="what is promised once is never promised anew",
        next_step="sycee offline resume",
        code="PROMISED_BEFORE",
    )


def voucher_of(intent: StoredIntent) -> Voucher:
    """Return the voucher that a signed intent of a lock is."""
    assert intent.signature is not None and intent.lock_id is not None
    return Voucher(intent.hi, intent.request.invoice, intent.signature)
