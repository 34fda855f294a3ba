"""Double spends found on the ledger: units accepted here that it paid to others. Source: offline.md §4."""

from typing import cast

from consensus.primitives.scalars import Address, Hash32
from contracts.abi import AbiDecodeError, AbiValue
from contracts.declarations import SELECTOR_BYTES, decoder_of
from contracts.offline.purse_rules import SignedHop, is_overlap
from contracts.offline.typed_data import Hop
from wallet_cli.deals.desk import Desk
from wallet_cli.offline.detecting import accepted_spends, own_hop, prove
from wallet_cli.offline.ledger import claims_of
from wallet_cli.offline.messages import Fraud
from wallet_cli.offline.till_tables import Job


def compare_claimed(desk: Desk) -> list[Fraud]:
    """Return the proofs, kept for ever, of units accepted here that the ledger paid to others. Raises: ProofInvalid."""
    found: list[Fraud] = []
    for job in accepted_spends(desk.session):
        assert job.purse_id is not None
        for transaction_hash, values in claims_of(desk, job.purse_id):
            if values["hopDigest"] == job.digest or not _is_shared(job, values):
                continue
            other = _claimed_hop(desk, transaction_hash)
            proof = None if other is None else prove(desk.session, job, other)
            if proof is not None:
                found.append(proof)
    return found


def _is_shared(job: Job, values: dict[str, AbiValue]) -> bool:
    assert job.purse_id is not None
    lo, hi = cast(int, values["lo"]), cast(int, values["hi"])
    return is_overlap(own_hop(job), Hop(job.purse_id, lo, hi, job.payee, job.invoice))


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
