"""From bytes to verified messages: cheap checks first, then the signature. Nothing else builds `Verified`.

A message that is merely useless is dropped (None); one that no honest peer sends raises Misbehaviour.
Source: consensus.md §12.
"""

from collections.abc import Callable
from typing import Protocol

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ValidatorIndex
from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.events import HeaderFacts
from consensus.simplex.messages import (
    Certificate,
    Kind,
    MalformedConsensusMessage,
    Proposal,
    SigningDomain,
    Statement,
    Vote,
    decode_certificate,
    decode_proposal,
    decode_vote,
    sign_bytes,
)
from consensus.simplex.validators import ValidatorSet
from consensus.simplex.verified import Verified


class Misbehaviour(ValueError):
    """Bytes that no honest peer sends."""


class Interest(Protocol):
    """What the machine still has use for; read-only."""

    @property
    def validators(self) -> ValidatorSet:
        """The set of the epoch in force."""
        ...

    def wants_vote(self, statement: Statement, signer: ValidatorIndex) -> bool:
        """Tell whether the vote is of this epoch, in the window, and its slot is empty or holds another digest."""
        ...

    def wants_certificate(self, statement: Statement) -> bool:
        """Tell whether this is not yet known, of this epoch and not below the final head."""
        ...

    def wants_proposal(self, statement: Statement) -> bool:
        """Tell whether proposals of that epoch and view are still looked at."""
        ...

    def has_signature(self, statement: Statement, signer: ValidatorIndex, signature: bytes) -> bool:
        """Tell whether exactly this vote is in the book."""
        ...


class Admission:
    """The door for everything signed."""

    def __init__(self, domain: SigningDomain, interest: Interest, read_header: Callable[[bytes], HeaderFacts]) -> None:
        """`read_header` raises ValueError if a header is malformed or a constant field of it is wrong."""
        self._domain = domain
        self._interest = interest
        self._read_header = read_header

    def admit_vote(self, data: bytes) -> Verified[Vote] | None:
        """Return the vote in `data` if it is of use and its signature is right. Raises: Misbehaviour."""
        try:
            vote = decode_vote(data)
        except MalformedConsensusMessage as error:
            raise Misbehaviour(str(error)) from error
        return self._verified_vote(vote)

    def admit_vote_of_proposal(self, data: bytes) -> Verified[Vote] | None:
        """Return the vote in a proposal that itself is of no use: it may be evidence. Raises: Misbehaviour."""
        try:
            proposal = decode_proposal(data)
        except MalformedConsensusMessage as error:
            raise Misbehaviour(str(error)) from error
        return self._verified_vote(proposal.vote)

    def admit_own_vote(self, vote: Vote) -> Verified[Vote]:
        """Return a vote that this node has just signed with its own key."""
        return Verified(vote)

    def admit_certificate(self, data: bytes) -> Verified[Certificate] | None:
        """Return the certificate in `data` if it is of use and every signature is right. Raises: Misbehaviour."""
        try:
            certificate = decode_certificate(data)
        except MalformedConsensusMessage as error:
            raise Misbehaviour(str(error)) from error
        return self._verified_certificate(certificate)

    def admit_proposal(self, data: bytes) -> tuple[Verified[Proposal], HeaderFacts] | None:
        """Return the proposal in `data` and its header's facts (SPEC R1). Raises: Misbehaviour."""
        try:
            proposal = decode_proposal(data)
        except MalformedConsensusMessage as error:
            raise Misbehaviour(str(error)) from error
        statement = proposal.vote.statement
        if not self._interest.wants_proposal(statement):
            return None
        validators = self._interest.validators
        if statement.kind is not Kind.NOTARIZE or proposal.vote.signer != validators.leader(statement.view):
            raise Misbehaviour(f"proposal of view {statement.view} is not by its leader")
        if keccak256(proposal.header) != statement.digest:
            raise Misbehaviour("proposal's vote does not sign its header")
        try:
            facts = self._read_header(proposal.header)
        except ValueError as error:
            raise Misbehaviour(f"proposal's header: {error}") from error
        if facts.epoch != statement.epoch or facts.view > statement.view:
            raise Misbehaviour(f"header of epoch {facts.epoch}, view {facts.view} proposed in view {statement.view}")
        self._verify_vote(proposal.vote)
        self._verify_justification(proposal)
        return Verified(proposal), facts

    def _verify_justification(self, proposal: Proposal) -> None:
        parent = proposal.parent_certificate
        statement = proposal.vote.statement
        certificates = list(proposal.nullifications)
        for nullification in certificates:
            if not statement.parent_view < nullification.statement.view < statement.view:
                raise Misbehaviour(f"nullification of view {nullification.statement.view} justifies nothing")
        if parent is None:
            if statement.parent_view != 0:
                raise Misbehaviour(f"proposal on view {statement.parent_view} without its certificate")
        else:
            if parent.statement.view != statement.parent_view or parent.statement.kind is Kind.NULLIFY:
                raise Misbehaviour("parent certificate is of another view or kind")
            certificates.append(parent)
        for certificate in certificates:
            if certificate.statement.epoch != statement.epoch:
                raise Misbehaviour(f"justification of epoch {certificate.statement.epoch} in epoch {statement.epoch}")
            self._verified_certificate(certificate)

    def _verified_vote(self, vote: Vote) -> Verified[Vote] | None:
        if not self._interest.wants_vote(vote.statement, vote.signer):
            return None
        self._verify_vote(vote)
        return Verified(vote)

    def _verify_vote(self, vote: Vote) -> None:
        validators = self._interest.validators
        if vote.signer >= validators.count:
            raise Misbehaviour(f"vote by validator {vote.signer} of {validators.count}")
        key = validators.validators[vote.signer].consensus_key
        if self._interest.has_signature(vote.statement, vote.signer, vote.signature):
            return
        if not is_valid_ed25519(key, sign_bytes(self._domain, vote.statement), vote.signature):
            raise Misbehaviour(f"vote in the name of validator {vote.signer} with a wrong signature")

    def _verified_certificate(self, certificate: Certificate) -> Verified[Certificate] | None:
        statement = certificate.statement
        validators = self._interest.validators
        if not self._interest.wants_certificate(statement):
            return None
        try:
            verify_certificate(self._domain, validators, certificate, is_known=self._interest.has_signature)
        except InvalidCertificate as error:
            raise Misbehaviour(f"certificate of view {statement.view}: {error}") from error
        return Verified(certificate)
