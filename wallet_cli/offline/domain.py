"""What ties offline signatures and attestations to one network."""

from consensus.light.attestation import AttestationDomain
from consensus.primitives.scalars import Hash32
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.typed_data import domain_separator
from wallet_cli.session import Session


def separator_of(session: Session) -> Hash32:
    """Return the domain that every offline signature of this network is bound to."""
    return domain_separator(session.network.chain_id)


def domain_of(session: Session) -> AttestationDomain:
    """Return what ties attestations to this network."""
    return AttestationDomain(session.network.chain_id, OFFLINE_LOCKS)
