"""Double spends found by comparing with a payment that another payee shows; no network.

A proof is two signatures over the same units; whoever showed or listed one of them need not be believed.
Source: offline.md §4, §10.
"""

from collections.abc import Sequence

from consensus.primitives.scalars import Address
from contracts.offline.errors import RuleBroken
from contracts.offline.purse_rules import SignedHop
from contracts.offline.typed_data import Hop, PurseTerms
from wallet_cli.offline import till_tables
from wallet_cli.offline.domain import domain_of
from wallet_cli.offline.fraud import prove_double_spend, spend_of_payment
from wallet_cli.offline.messages import REFERENCE_BYTES, Fraud, PursePayment
from wallet_cli.offline.till_tables import Job
from wallet_cli.session import Session


def compare_shown(session: Session, payment: PursePayment, to: Address) -> Fraud | None:
    """Return the proof, kept for ever, if a payment shown to another payee spends units that were accepted here."""
    for job in accepted_spends(session):
        assert job.purse_id is not None
        if job.purse_id[:REFERENCE_BYTES] == payment.ref:
            found = prove(session, job, spend_of_payment(job.purse_id, payment, to))
            if found is not None:
                return found
    return None


def accepted_spends(session: Session) -> Sequence[Job]:
    """Return every spend of a purse that was accepted here."""
    return [job for job in till_tables.load_jobs(session.offline_database) if job.purse_id is not None]


def prove(session: Session, job: Job, other: SignedHop) -> Fraud | None:
    """Return the proof that two spends share units, and keep it; None if they prove nothing."""
    terms = till_tables.load_terms(session.offline_database, job)
    assert isinstance(terms, PurseTerms) and job.purse_id is not None
    try:
        fraud = prove_double_spend(domain_of(session), terms, SignedHop(own_hop(job), job.signature), other)
    except RuleBroken:
        return None
    till_tables.save_evidence(session.offline_database, job.purse_id, fraud)
    return fraud


def own_hop(job: Job) -> Hop:
    """Return the spend that was accepted."""
    assert job.purse_id is not None
    return Hop(job.purse_id, job.lo, job.hi, job.payee, job.invoice)
