"""Double spends found by comparing: with a payment that another payee shows, and with what the ledger paid to others.

A proof is two signatures over the same units; whoever showed or listed one of them need not be believed.
Source: offline.md §4, §10.
"""

from collections.abc import Sequence
from typing import cast

from consensus.primitives.scalars import Address, Hash32
from contracts.abi import AbiDecodeError, AbiValue
from contracts.declarations import SELECTOR_BYTES, decoder_of
from contracts.offline.errors import RuleBroken
from contracts.offline.purse_rules import SignedHop, is_overlap
from contracts.offline.typed_data import Hop, PurseTerms
from wallet_cli.deals.desk import Desk
from wallet_cli.offline import till_tables
from wallet_cli.offline.fraud import prove_double_spend, spend_of_payment
from wallet_cli.offline.ledger import claims_of
from wallet_cli.offline.messages import REFERENCE_BYTES, Fraud, PursePayment
from wallet_cli.offline.online_trust import domain_of
from wallet_cli.offline.till_tables import Job
from wallet_cli.session import Session


def compare_shown(session: Session, payment: PursePayment, to: Address) -> Fraud | None:
    """Return the proof, kept for ever, if a payment shown to another payee spends units that were accepted here."""
    for job in _accepted_spends(session):
        assert job.purse_id is not None
        if job.purse_id[:REFERENCE_BYTES] == payment.ref:
            found = _prove(session, job, spend_of_payment(job.purse_id, payment, to))
            if found is not None:
                return found
    return None


def compare_claimed(desk: Desk) -> list[Fraud]:
    """Return the proofs, kept for ever, of units accepted here that the ledger paid to others. Raises: ProofInvalid."""
    found: list[Fraud] = []
    for job in _accepted_spends(desk.session):
        assert job.purse_id is not None
        for transaction_hash, values in claims_of(desk, job.purse_id):
            if values["hopDigest"] == job.digest or not _is_shared(job, values):
                continue
            other = _claimed_hop(desk, transaction_hash)
            proof = None if other is None else _prove(desk.session, job, other)
            if proof is not None:
                found.append(proof)
    return found


def _accepted_spends(session: Session) -> Sequence[Job]:
    return [job for job in till_tables.load_jobs(session.offline_database) if job.purse_id is not None]


def _is_shared(job: Job, values: dict[str, AbiValue]) -> bool:
    assert job.purse_id is not None
    lo, hi = cast(int, values["lo"]), cast(int, values["hi"])
    return is_overlap(_own_hop(job), Hop(job.purse_id, lo, hi, job.payee, job.invoice))


def _claimed_hop(desk: Desk, transaction_hash: Hash32) -> SignedHop | None:
    """Return the spend in a transaction that called claim itself; None if another contract did."""
    found = desk.session.verifier.finality(transaction_hash)
    claim = desk.contract.interface.function("claim")
    if (
        found is None
        or found.transaction.to != desk.address
        or found.transaction.data[:SELECTOR_BYTES] != claim.selector
    ):
        return None
    try:
        _, hop, signature = decoder_of(claim.parameters)(found.transaction.data[SELECTOR_BYTES:], 0)
    except AbiDecodeError:
        return None
    purse, parent, lo, hi, to, invoice = cast(tuple[bytes, bytes, int, int, bytes, bytes], hop)
    spend = Hop(Hash32(purse), lo, hi, Address(to), invoice, Hash32(parent))
    return SignedHop(spend, cast(bytes, signature))


def _prove(session: Session, job: Job, other: SignedHop) -> Fraud | None:
    """Return the proof that two spends share units, and keep it; None if they prove nothing."""
    terms = till_tables.load_terms(session.offline_database, job)
    assert isinstance(terms, PurseTerms) and job.purse_id is not None
    try:
        fraud = prove_double_spend(domain_of(session), terms, SignedHop(_own_hop(job), job.signature), other)
    except RuleBroken:
        return None
    till_tables.save_evidence(session.offline_database, job.purse_id, fraud)
    return fraud


def _own_hop(job: Job) -> Hop:
    assert job.purse_id is not None
    return Hop(job.purse_id, job.lo, job.hi, job.payee, job.invoice)
