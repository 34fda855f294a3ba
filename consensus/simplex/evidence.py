"""Two signed things that no correct validator, or no correct quorum, signs both. Source: consensus.md §10."""

from dataclasses import dataclass

from consensus.simplex.messages import Certificate, Kind, Statement, Vote


@dataclass(frozen=True, slots=True)
class ConflictingVotes:
    """Two votes of one validator in one view that exclude each other."""

    first: Vote
    second: Vote


@dataclass(frozen=True, slots=True)
class ConflictingCertificates:
    """Two certificates of one view that exclude each other: more than f validators signed both."""

    first: Certificate
    second: Certificate


Evidence = ConflictingVotes | ConflictingCertificates


def are_conflicting(first: Statement, second: Statement) -> bool:
    """Tell whether one signer, or one quorum, may not sign both.

    In one view: two digests among notarize votes, two among finalize votes, or nullify beside finalize.
    """
    if (first.epoch, first.view) != (second.epoch, second.view):
        return False
    kinds = {first.kind, second.kind}
    if kinds == {Kind.NULLIFY, Kind.FINALIZE}:
        return True
    return first.kind is second.kind and first != second
