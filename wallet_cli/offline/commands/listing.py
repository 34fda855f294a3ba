"""`sycee offline list|resume|export|import`: what this wallet holds, promised and accepted offline. No network."""

from pathlib import Path

import click

from contracts.offline.typed_data import LockTerms, PurseTerms, lock_id
from wallet_cli.cli import wallet_command
from wallet_cli.errors import ProofInvalid, UsageRefused
from wallet_cli.moments import instant_text
from wallet_cli.offline import payer_tables, till_tables
from wallet_cli.offline.attachments import learn
from wallet_cli.offline.carriers import carrier_options, carry, read_message, show_frames, way_of
from wallet_cli.offline.commands.paying import open_payer, show_payment
from wallet_cli.offline.detecting import compare_shown
from wallet_cli.offline.domain import domain_of, separator_of
from wallet_cli.offline.fraud import verify_fraud
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import (
    REFERENCE_BYTES,
    CommitteeMessage,
    Fraud,
    PairedPayment,
    PursePayment,
    Revocations,
    Voucher,
)
from wallet_cli.offline.payer_desk import payment_bytes, resume_payment
from wallet_cli.offline.reading import command_of, decode_any
from wallet_cli.offline.till_tables import Job
from wallet_cli.offline.words import Names, double_spend
from wallet_cli.pinned_currencies import pinned_currencies
from wallet_cli.session import Session

_ID_DIGITS = 8
"""Digits of an id on a screen; commands take as many as are needed."""


@wallet_command("list", needs=(), examples=("sycee offline list", "sycee offline list --json"))
def list_(session: Session) -> None:
    """List locks, what was promised from them, and what was accepted and waits to be redeemed."""
    names = Names(session, pinned_currencies(session))
    records = [*_locks(session, names), *_promised(session, names), *_accepted(session, names)]
    lines = [
        f"{entry['kind']:<9} {str(entry['id'])[:_ID_DIGITS]}  {entry['amount']:>18}  {entry['state']}"
        for entry in records
    ]
    nothing = "nothing offline; with a network: sycee offline lock PAYEE AMOUNT"
    session.output.result(records, "\n".join(lines) or nothing)


@wallet_command("resume", needs=(), examples=("sycee offline resume", "sycee offline resume 5f3a9c01 --via text"))
@click.argument("reference", metavar="[INVOICE]", required=False, default="")
@carrier_options
def resume(session: Session, reference: str, via: str | None, out: Path | None, frame_bytes: int, invert: bool) -> None:
    """Show payments again that were promised and have no receipt; nothing is promised anew."""
    desk = open_payer(session)
    unfinished = [
        intent
        for intent in payer_tables.load_unacknowledged(desk.database)
        if intent.request.invoice.hex().startswith(reference.removeprefix("0x").lower())
    ]
    if len(unfinished) != 1:
        listed = ", ".join(intent.request.invoice.hex() for intent in unfinished)
        raise UsageRefused(
            f"{len(unfinished)} promised payments have no receipt" if unfinished else "every payment has its receipt",
            why=f"invoices: {listed}" if listed else "nothing is unfinished",
            next_step="sycee offline resume INVOICE" if unfinished else "sycee offline list",
            code="RESUME_AMBIGUOUS" if unfinished else "NOTHING_TO_RESUME",
        )
    found = resume_payment(desk, unfinished[0])
    assert isinstance(found, bytes), "it was promised before"
    show_payment(session, way_of(session, via, out, frame_bytes, invert), found, unfinished[0].request)


@wallet_command("export", needs=(), examples=("sycee offline export 5f3a9c01", "sycee offline export 5f3a --via text"))
@click.argument("reference", metavar="INVOICE")
@carrier_options
def export(session: Session, reference: str, via: str | None, out: Path | None, frame_bytes: int, invert: bool) -> None:
    """Hand a signed payment out again, sent or received: anybody can redeem it, and only its payee is paid."""
    digits = reference.removeprefix("0x").lower()
    found = {
        intent.request.invoice: payment_bytes(open_payer(session), intent)
        for intent in payer_tables.load_signed(session.offline_database)
        if intent.request.invoice.hex().startswith(digits)
    }
    for job in till_tables.load_jobs(session.offline_database):
        if job.invoice.hex().startswith(digits):
            found.setdefault(job.invoice, _payment_of(session, job))
    if len(found) != 1:
        raise UsageRefused(
            f"{len(found)} signed payments begin with {reference!r}",
            why="one is handed out at a time",
            next_step="sycee offline list",
            code="REFERENCE_UNKNOWN",
        )
    ((invoice, content),) = found.items()
    way = way_of(session, via, out, frame_bytes, invert)
    carried = carry(session, way, "payment", content)
    session.output.result({"invoice": invoice.hex(), **carried.record}, carried.text)
    show_frames(carried, way)


@wallet_command(
    "import", needs=(), examples=("sycee offline import fraud-5f3a9c01.sycee", "sycee offline import list/")
)
@click.argument("sources", nargs=-1, required=True, metavar="IN...")
@click.option("--shown-to", metavar="PAYEE", help="Compare a payment that PAYEE was shown with those accepted here.")
def import_(session: Session, sources: tuple[str, ...], shown_to: str | None) -> None:
    """Learn what somebody passes on: new validators, revoked purses, proofs of double spends. Each proves itself."""
    content = read_message(sources)
    message = decode_any(content)
    if isinstance(message, PursePayment) and shown_to is not None:
        found = compare_shown(session, message, session.resolve(shown_to)[1])
        if found is not None:
            raise double_spend(found)
        session.output.result({"learned": ""}, "it spends nothing that was accepted here")
        return
    learn_message(session, content)


def learn_message(session: Session, content: bytes) -> None:
    """Keep what a COMMITTEE, REVOCATIONS or FRAUD proves. Raises: UsageRefused, ProofInvalid."""
    message = decode_any(content)
    if not isinstance(message, CommitteeMessage | Revocations | Fraud):
        raise UsageRefused(
            f"a {type(message).__name__} is not learnt from",
            why="committees, revocations and proofs of fraud are",
            next_step=f"{command_of(message)} with the same file",
            code="MESSAGE_OTHER_KIND",
        )
    domain, database = domain_of(session), session.offline_database
    trust = till_tables.load_trust(database, domain)
    if trust is None:
        raise UsageRefused(
            "this wallet has never verified the network's validators",
            why="nothing can be checked without them",
            next_step="once with a network: sycee offline sync",
            code="NEVER_ONLINE",
        )
    learned = learn(trust, till_tables.load_revoked(database), [content], now_s=session.settings.now_ms() // 1_000)
    if learned.left_out:
        raise ProofInvalid(
            f"not believed: {learned.left_out[0]}",
            why="it must prove itself; who carries it counts for nothing",
            next_step="with a network: sycee offline sync",
            code="NOT_PROVEN",
        )
    till_tables.save_learned(database, learned, domain)
    if isinstance(message, Fraud):
        till_tables.save_evidence(database, verify_fraud(domain, message).purse_id, message)
    what = {CommitteeMessage: "validators", Revocations: "revocations", Fraud: "a double spend"}[type(message)]
    session.output.result({"learned": what}, f"learned: {what}")


def _locks(session: Session, names: Names) -> list[dict[str, object]]:
    payer = open_payer(session)
    found = payer_tables.load_payer(
        payer.database, chain_id=payer.chain_id, separator=payer.separator, currencies=payer.currencies
    )
    records: list[dict[str, object]] = []
    for lock in found.locks:
        name = lock_id(separator_of(session), lock.terms)
        left = lock.word.deposit - max(lock.signed_last, lock.word.settled)
        records.append(
            {
                "kind": "lock",
                "id": name.hex(),
                "amount": names.money(lock.terms.currency, left),
                "state": f"left for {names.party(lock.terms.payee)}, until {instant_text(lock.word.spend_until_s)}",
                "claim_until_s": lock.word.claim_until_s,
            }
        )
    return records


def _promised(session: Session, names: Names) -> list[dict[str, object]]:
    return [
        {
            "kind": "paid",
            "id": intent.request.invoice.hex(),
            "amount": names.money(intent.request.currency, intent.request.amount_minor),
            "state": f"to {names.party(intent.request.payee)}, {'a' if intent.receipt else 'no'} receipt",
        }
        for intent in payer_tables.load_newest(session.offline_database)
    ]


def _accepted(session: Session, names: Names) -> list[dict[str, object]]:
    database = session.offline_database
    records: list[dict[str, object]] = []
    for job in till_tables.load_jobs(database):
        asked = till_tables.load_invoice(database, job.invoice)
        terms = till_tables.load_terms(database, job)
        amount = asked[0].invoice.amount_minor if asked else job.hi - job.lo
        until_s = till_tables.load_claim_until_s(database, job.invoice)
        records.append(
            {
                "kind": "accepted",
                "id": job.invoice.hex(),
                "amount": names.money(terms.currency, amount),
                "state": "redeemed" if job.state.value == "final" else f"redeem by {instant_text(until_s)}",
                "claim_until_s": until_s,
            }
        )
    return records


def _payment_of(session: Session, job: Job) -> bytes:
    """Return the PAYMENT that a till accepted."""
    terms, certified = till_tables.load_source(session.offline_database, job)
    if isinstance(terms, LockTerms):
        assert job.lock_id is not None
        voucher = Voucher(job.hi, job.invoice, job.signature)
        return encode_message(PairedPayment(job.lock_id[:REFERENCE_BYTES], voucher, terms, certified))
    assert isinstance(terms, PurseTerms) and job.purse_id is not None
    ref = job.purse_id[:REFERENCE_BYTES]
    return encode_message(PursePayment(ref, job.invoice, job.lo, job.hi, job.signature, terms, certified))
