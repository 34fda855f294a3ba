"""Where validators are: the status each sends every two seconds, and what it leads to.

A claim without a certificate changes nothing by itself; it decides whom to help and whom to ask.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Epoch, Height, TimestampMs, View
from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.messages import (
    MalformedConsensusMessage,
    SigningDomain,
    Status,
    decode_status,
    sign_bytes,
    status_statement,
)
from consensus.simplex.validators import ValidatorSet
from node.peers.wire import MalformedMessage


@dataclass(frozen=True, slots=True)
class KnownStatus:
    """The newest verified status of a peer."""

    status: Status
    received_ms: TimestampMs


def read_status(payload: bytes, domain: SigningDomain, set_of: Callable[[Epoch], ValidatorSet | None]) -> Status | None:
    """Return a status whose signature is right; None if its epoch's set does not have its signer.

    A status of an epoch whose set is not known yet is returned unverified: it says only that there is more to fetch.

    Raises: MalformedMessage if the bytes are malformed or the signature is wrong.
    """
    try:
        status = decode_status(payload)
    except MalformedConsensusMessage as error:
        raise MalformedMessage(str(error)) from error
    validators = set_of(status.final_epoch)
    if validators is None:
        return status
    if status.signer >= validators.count:
        return None
    statement = status_statement(status, validators.epoch)
    key = validators.validators[status.signer].consensus_key
    if not is_valid_ed25519(key, sign_bytes(domain, statement), status.signature):
        raise MalformedMessage(f"status in the name of validator {status.signer} with a wrong signature")
    return status


def proved_view(status: Status, domain: SigningDomain, validators: ValidatorSet) -> View | None:
    """Return the view that a status of `validators` proves its signer to be in; None if it proves none.

    View 1 needs no proof: whoever knows the set knows the finalization that opened the epoch, and nothing is lower.
    Raises: MalformedMessage if the entry certificate is false.
    """
    if status.view <= 1:
        return View(1)
    if status.entry is None or status.entry.statement.view != status.view - 1:
        return None
    try:
        verify_certificate(domain, validators, status.entry)
    except InvalidCertificate as error:
        raise MalformedMessage(f"status of validator {status.signer} with a false certificate: {error}") from error
    return status.view


class PeerStatuses:
    """The newest status of each linked peer. Owned by the loop thread."""

    def __init__(self) -> None:
        self._by_peer: dict[bytes, KnownStatus] = {}

    def received(self, peer: bytes, status: Status, now_ms: TimestampMs) -> None:
        """Keep the newest status of a peer."""
        self._by_peer[peer] = KnownStatus(status, now_ms)

    def link_down(self, peer: bytes) -> None:
        """Forget a peer that can no longer be asked."""
        self._by_peer.pop(peer, None)

    def height_best(self, own: Height) -> Height:
        """Return the highest final height any linked peer reports, the own included."""
        return max((known.status.final_height for known in self._by_peer.values()), default=own)
