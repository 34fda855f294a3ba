"""Accepted payments on their way to the ledger: each is sent until it is proven paid, and twice does no harm.

Anybody may submit one: the money goes to the payee that its signature names. Source: offline.md §12, R7.
"""

from dataclasses import dataclass
from typing import Final

from consensus.light.attestation import AttestedKind
from consensus.primitives.scalars import Hash32
from contracts.abi import AbiValue
from contracts.offline.slots import hop_paid_slot
from contracts.offline.typed_data import LockTerms, PurseTerms
from wallet_cli.acting import Deed, carry_out
from wallet_cli.amounts import format_amount
from wallet_cli.deals.desk import DEAL_GAS_LIMIT_MAX, Desk
from wallet_cli.moments import instant_text
from wallet_cli.offline import till_tables
from wallet_cli.offline.ledger import find_release, lock_tuple, purse_tuple, read_slot, read_word
from wallet_cli.offline.till_tables import Job, JobState
from wallet_cli.payments import payments_in

LOST_TEXT: Final = "the payer took the lock back after its claim window: nothing can be paid any more"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What became of one accepted payment, or of all of one lock."""

    job: Job
    outcome: str
    """`paid`, `paid before` or `lost`."""
    words: str
    record: dict[str, object]


def waiting_jobs(desk: Desk, reference: str = "") -> list[Job]:
    """Return what is to be sent: each spend of a purse, and of each lock the largest voucher, which covers the rest."""
    best: dict[bytes, Job] = {}
    for job in till_tables.load_jobs(desk.session.offline_database):
        source = job.lock_id or job.digest
        is_meant = any(name.hex().startswith(reference) for name in (job.lock_id, job.purse_id, job.digest) if name)
        if job.state is not JobState.FINAL and is_meant:
            best[source] = max(best.get(source, job), job, key=lambda known: known.hi)
    return list(best.values())


def redeem_job(desk: Desk, job: Job) -> Redeemed | None:
    """Have the ledger pay an accepted payment and keep that it did; None on a dry run. Raises: as carry_out."""
    terms = till_tables.load_terms(desk.session.offline_database, job)
    before = _paid_before(desk, job)
    if before is not None:
        return before
    function, values = _call(job, terms)
    intent = desk.intent(function, *values)
    deed = Deed(intent, f"redeeming {_money(desk, job, terms)}", {}, DEAL_GAS_LIMIT_MAX, question="Redeem?")
    database = desk.session.offline_database
    done = carry_out(
        desk.session,
        desk.head,
        desk.actor,
        lambda: deed,
        is_same=intent.__eq__,
        on_stored=lambda entry: till_tables.mark_submitted(database, job.digest, entry.hash),
    )
    if done is None:
        return None
    _mark_all(desk, job, done.transaction.hash)
    paid = [format_amount(payment.amount) for payment in payments_in(done, desk.currencies)]
    words = f"{', '.join(paid) or 'nothing more'} paid at height {done.proof.height}, signed {done.proof.signed}"
    return Redeemed(job, "paid", words, {**_record(job), "hash": f"0x{done.transaction.hash.hex()}", "paid": paid})


def job_line(desk: Desk, job: Job) -> str:
    """Return one accepted payment on one line."""
    database = desk.session.offline_database
    terms = till_tables.load_terms(database, job)
    until = instant_text(till_tables.load_claim_until_s(database, job.invoice))
    return f"  {_money(desk, job, terms):<26} redeem by {until}"


def _paid_before(desk: Desk, job: Job) -> Redeemed | None:
    """Return what the ledger is proven to have done with it already, by anybody; None if it is still to be sent."""
    session = desk.session
    if job.lock_id is None:
        if not read_slot(session, desk.head, hop_paid_slot(job.digest)):
            return None
    else:
        found = read_word(session, AttestedKind.LOCK, job.lock_id, desk.head)
        if not found.is_live:
            return _closed(desk, job, job.lock_id)
        if found.word.settled < job.hi:
            return None
    _mark_all(desk, job, desk.head.final.hash)
    words = f"paid before, proven at height {desk.head.proof.height}"
    return Redeemed(job, "paid before", words, _record(job))


def _closed(desk: Desk, job: Job, lock: Hash32) -> Redeemed:
    released = find_release(desk, lock)
    if released is None:
        return Redeemed(job, "lost", LOST_TEXT, _record(job))
    _mark_all(desk, job, released)
    return Redeemed(job, "paid before", "paid when the lock was released", _record(job))


def _call(job: Job, terms: LockTerms | PurseTerms) -> tuple[str, tuple[AbiValue, ...]]:
    if isinstance(terms, LockTerms):
        return "redeem", (lock_tuple(terms), job.hi, job.invoice, job.signature)
    assert job.purse_id is not None
    hop = (job.purse_id, bytes(32), job.lo, job.hi, job.payee, job.invoice)
    return "claim", (purse_tuple(terms), hop, job.signature)


def _mark_all(desk: Desk, job: Job, proof: Hash32) -> None:
    """Keep that a payment is paid, and with a lock's voucher all that it covers."""
    database = desk.session.offline_database
    for known in till_tables.load_jobs(database):
        is_covered = job.lock_id is not None and known.lock_id == job.lock_id and known.hi <= job.hi
        if known.digest == job.digest or is_covered:
            till_tables.mark_final(database, known.digest, proof)


def _money(desk: Desk, job: Job, terms: LockTerms | PurseTerms) -> str:
    if isinstance(terms, LockTerms):
        return f"all up to {desk.money(terms.currency, job.hi)}"
    return str(desk.money(terms.currency, job.hi - job.lo))


def _record(job: Job) -> dict[str, object]:
    source = {"lock": f"0x{job.lock_id.hex()}"} if job.lock_id else {"purse": f"0x{(job.purse_id or b'').hex()}"}
    return {"invoice": job.invoice.hex(), **source}
