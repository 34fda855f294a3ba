"""What a message carries along: committees, revocations and proofs of fraud, each checked by itself.

A bad attachment says nothing about the message that carried it: it is left out and named. Source: offline.md §7, §9.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from consensus.light.attestation import (
    TRUST_PERIOD_S,
    AttestedKind,
    Committee,
    CommitteeTrust,
    follow_committee,
    revocations_hash,
    verify_attestation,
)
from consensus.light.trust import LightError
from consensus.primitives.scalars import Address, Hash32
from contracts.offline.errors import RuleBroken
from contracts.offline.purse_rules import Equivocation, SignedHop
from wallet_cli.offline.fraud import OtherNetwork, spends_of_fraud, verify_fraud
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.messages import PREFIX_BYTES, CommitteeMessage, Fraud, Message, Receipt, Revocations


@dataclass(frozen=True, slots=True)
class RevokedList:
    """The newest list of purses and owners not to be trusted."""

    prefixes: tuple[bytes, ...] = ()
    """8 bytes of an id or owner each, ascending."""
    time_s: int = 0
    """When it was attested; 0: no list was ever seen."""

    def has(self, id: Hash32 | Address) -> bool:
        """Tell whether an id or an account is in the list."""
        prefix = id[:PREFIX_BYTES]
        at = bisect_left(self.prefixes, prefix)
        return at < len(self.prefixes) and self.prefixes[at] == prefix


@dataclass(frozen=True, slots=True)
class CheckedFraud:
    """A double spend somebody else proved."""

    equivocation: Equivocation
    spends: tuple[SignedHop, SignedHop]


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known after a message's attachments; all of it proves itself, so it is stored whatever the message is."""

    trust: CommitteeTrust
    revoked: RevokedList
    frauds: tuple[CheckedFraud, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    """Not checked: whose they must be, only the reader knows."""
    left_out: tuple[str, ...] = ()
    """Why attachments were not believed."""


def verify_revocations(trust: CommitteeTrust, message: Revocations) -> RevokedList:
    """Return the list in a REVOCATIONS, attested by a trusted committee. Raises: OtherNetwork, LightError."""
    _require_chain(trust, message.chain_id)
    verify_attestation(
        trust,
        message.certificate,
        kind=AttestedKind.REVOCATIONS,
        id=revocations_hash(message.prefixes),
        word=len(message.prefixes).to_bytes(32, "big"),
    )
    return RevokedList(message.prefixes, message.certificate.time_s)


def follow_message(
    trust: CommitteeTrust, message: CommitteeMessage, *, now_s: int, trust_period_s: int = TRUST_PERIOD_S
) -> CommitteeTrust:
    """Return the trust moved forward by a COMMITTEE. Raises: OtherNetwork, LightError."""
    _require_chain(trust, message.chain_id)
    committee = Committee(message.number, message.first_epoch, message.start_s, message.keys)
    return follow_committee(trust, committee, message.certificate, now_s=now_s, trust_period_s=trust_period_s)


def learn(
    trust: CommitteeTrust,
    revoked: RevokedList,
    attachments: Iterable[bytes],
    *,
    now_s: int,
    trust_period_s: int = TRUST_PERIOD_S,
) -> Learned:
    """Return what is known after `attachments`, which the decoder accepted; committees first, in their order."""
    messages = [decode_message(raw) for raw in attachments]
    left_out: list[str] = []
    frauds: list[CheckedFraud] = []
    committees = [message for message in messages if isinstance(message, CommitteeMessage)]
    for committee in sorted(committees, key=lambda message: message.number):
        try:
            trust = follow_message(trust, committee, now_s=now_s, trust_period_s=trust_period_s)
        except (LightError, OtherNetwork) as error:
            left_out.append(str(error))
    for message in messages:
        try:
            if isinstance(message, Revocations):
                found = verify_revocations(trust, message)
                revoked = max(revoked, found, key=lambda known: known.time_s)
            elif isinstance(message, Fraud):
                equivocation = verify_fraud(trust.domain, message)
                frauds.append(CheckedFraud(equivocation, spends_of_fraud(trust.domain, message)))
        except (LightError, OtherNetwork, RuleBroken) as error:
            left_out.append(str(error))
    return Learned(trust, revoked, tuple(frauds), _receipts(messages), tuple(left_out))


def _receipts(messages: Iterable[Message]) -> tuple[Receipt, ...]:
    return tuple(message for message in messages if isinstance(message, Receipt))


def _require_chain(trust: CommitteeTrust, chain_id: int) -> None:
    if chain_id != trust.domain.chain_id:
        raise OtherNetwork(found=chain_id, expected=trust.domain.chain_id)
