"""Validators as somebody without a network will know them: the committees that proven handoffs lead to.

Only what the online ratchet verified is taken, so a committee stored here rests on the same signatures as a balance.
Source: offline.md §7.
"""

from consensus.chain.header import decode_header
from consensus.light.attestation import (
    CommitteeTrust,
    committee_of,
    follow_set,
    lift_anchor,
    next_committee,
)
from consensus.light.trust import Waypoint
from consensus.light.verify import recall_epoch, trust_genesis
from consensus.primitives.scalars import Epoch, Height, TimestampMs
from wallet_cli.errors import ProofInvalid
from wallet_cli.offline import till_tables
from wallet_cli.offline.domain import domain_of
from wallet_cli.session import Session
from wallet_cli.verified import Head, proof_failed


def update_trust(session: Session, head: Head) -> CommitteeTrust:
    """Follow the committees up to the proven head, keep them, and return them. Raises: ProofInvalid, DeviceFailed."""
    trust = till_tables.load_trust(session.offline_database, domain_of(session)) or _from_genesis(session)
    trusted = session.verifier.trusted()
    assert trusted is not None, "a head was proven"
    for number in range(trust.newest.first_epoch + 1, trusted.epoch + 1):
        stored = session.trust_store.load_epoch(Epoch(number))
        if stored is None:
            raise ProofInvalid(
                f"the validators of epoch {number} are not kept in this wallet any more",
                why="committees are followed without a gap",
                next_step=f"sycee init --network {session.network.name} --replace with a genesis document you trust",
                code="EPOCH_UNKNOWN",
            )
        point = Waypoint(Epoch(number - 1), stored.height, stored.hash)
        validators = recall_epoch(trusted, payload=stored.validators, view_zero=point).validators
        if next_committee(trust.newest, validators, start_s=0) is not trust.newest:
            trust = follow_set(trust, validators, start_s=_time_s(session, head, stored.height, stored.hash))
    trust = lift_anchor(trust, seconds(head))
    till_tables.save_trust(session.offline_database, trust)
    return trust


def seconds(head: Head) -> int:
    """Return the time of a head as the ledger counts it; milliseconds are no part of it."""
    return head.final.header.timestamp_ms // 1_000


def _from_genesis(session: Session) -> CommitteeTrust:
    network, anchor = session.network, session.trust_store.load_anchor()
    assert anchor is not None, "a head was proven"
    trusted = trust_genesis(
        chain_id=network.chain_id,
        document_hash=network.document_hash,
        payload=network.validator_set,
        header_rlp=anchor.genesis_header,
        accepted_ms=TimestampMs(network.accepted_ms),
    )
    # Whole seconds, as the ledger counts.
    start_s = decode_header(anchor.genesis_header).timestamp_ms // 1_000
    return CommitteeTrust(domain_of(session), (committee_of(trusted.validators, number=0, start_s=start_s),), start_s)


def _time_s(session: Session, head: Head, height: Height, block_hash: bytes) -> int:
    """Return the time of the header that commits to a set, proven final once more."""
    found = session.verifier.head_at(head.endpoint, height)
    if found.final.hash != block_hash:
        raise proof_failed(head.endpoint, ValueError(f"height {height} is another block than the handoff's"))
    return seconds(found)
