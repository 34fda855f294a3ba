"""Two signed things that no correct validator, or no correct quorum, signs both. Source: consensus.md §10."""

from dataclasses import dataclass

from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.messages import (
    VOTE_BYTES,
    Certificate,
    Kind,
    MalformedConsensusMessage,
    SigningDomain,
    Statement,
    Vote,
    decode_vote,
    encode_vote,
    sign_bytes,
)
from consensus.simplex.validators import ValidatorSet


class InvalidEvidence(ValueError):
    """Bytes that accuse nobody, or accuse somebody of what was not signed."""


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


def accusations(evidence: Evidence) -> tuple[ConflictingVotes, ...]:
    """Return evidence as pairs of votes, one for each validator that it convicts, each pair in its one order.

    Whoever signed both of two conflicting certificates signed two conflicting votes.
    """
    if isinstance(evidence, ConflictingVotes):
        return (_ordered(evidence.first, evidence.second),)
    first, second = evidence.first, evidence.second
    signatures = dict(zip(second.signers, second.signatures, strict=True))
    return tuple(
        _ordered(Vote(first.statement, signer, signature), Vote(second.statement, signer, signatures[signer]))
        for signer, signature in zip(first.signers, first.signatures, strict=True)
        if signer in signatures
    )


def encode_accusation(accusation: ConflictingVotes) -> bytes:
    """Return the two votes' wire bytes, 246 together."""
    return encode_vote(accusation.first) + encode_vote(accusation.second)


def decode_accusation(data: bytes) -> ConflictingVotes:
    """Return the accusation in `data`; its signatures are not checked.

    Raises: InvalidEvidence unless it is exactly two conflicting votes of one signer in their one order.
    """
    if len(data) != 2 * VOTE_BYTES:
        raise InvalidEvidence(f"evidence of {len(data)} bytes, not {2 * VOTE_BYTES}")
    try:
        first, second = decode_vote(data[:VOTE_BYTES]), decode_vote(data[VOTE_BYTES:])
    except MalformedConsensusMessage as error:
        raise InvalidEvidence(f"evidence: {error}") from error
    if first.signer != second.signer or not are_conflicting(first.statement, second.statement):
        raise InvalidEvidence("the two votes do not exclude each other")
    if data[:VOTE_BYTES] >= data[VOTE_BYTES:]:
        raise InvalidEvidence("the two votes are not in ascending order")
    return ConflictingVotes(first, second)


def verify_accusation(domain: SigningDomain, validators: ValidatorSet, accusation: ConflictingVotes) -> None:
    """Check that the validator of that epoch signed both votes. Raises: InvalidEvidence."""
    for vote in (accusation.first, accusation.second):
        if vote.statement.epoch != validators.epoch or vote.signer >= validators.count:
            raise InvalidEvidence(f"epoch {vote.statement.epoch} has no validator {vote.signer}")
        key = validators.validators[vote.signer].consensus_key
        if not is_valid_ed25519(key, sign_bytes(domain, vote.statement), vote.signature):
            raise InvalidEvidence(f"validator {vote.signer} did not sign this")


def _ordered(first: Vote, second: Vote) -> ConflictingVotes:
    if encode_vote(first) > encode_vote(second):
        first, second = second, first
    return ConflictingVotes(first, second)
