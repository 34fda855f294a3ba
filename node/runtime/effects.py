"""Performs the effects of the consensus machine: one function per effect."""

from collections.abc import Callable, Sequence
from typing import Protocol, assert_never

from consensus.primitives.scalars import Hash32, TimestampMs, ValidatorIndex, View
from consensus.simplex.admission import Admission, Misbehaviour
from consensus.simplex.effects import (
    Broadcast,
    BuildBlock,
    Certify,
    Effect,
    FetchBlock,
    FetchCertificates,
    Finalize,
    Persist,
    ReportEvidence,
    Send,
    SetTimer,
    SignAndSend,
    StopReason,
    StopVoting,
)
from consensus.simplex.events import CertificateReceived, Event, TimerFired, TimerKind, VoteReceived
from consensus.simplex.evidence import Evidence
from consensus.simplex.messages import Certificate, Proposal, Vote
from node.chain.block_tree import BlockTree
from node.peers.block_fetch import BlockFetch
from node.peers.mesh import ValidatorMesh
from node.peers.requests import Requester
from node.peers.wire import MalformedMessage, RequestKind, decode_certificates, encode_range_query
from node.runtime.committer import Committer, FinalizedBlock
from node.runtime.epochs import Epochs
from node.runtime.execution_host import ExecutionHost
from node.runtime.ports import TimerHandle, Timers
from node.validator.signer import GuardedSigner


class Alarms(Protocol):
    """What a person must hear of."""

    def evidence_found(self, evidence: Evidence) -> None:
        """Somebody signed two things that exclude each other."""
        ...

    def voting_stopped(self, reason: StopReason) -> None:
        """This validator signs nothing any more."""
        ...


class EffectPerformer:
    """Owned by the loop thread."""

    def __init__(
        self,
        *,
        epochs: Epochs,
        signer: GuardedSigner,
        admission: Admission,
        mesh: ValidatorMesh,
        tree: BlockTree,
        execution: ExecutionHost,
        committer: Committer,
        requester: Requester,
        block_fetch: BlockFetch,
        timers: Timers,
        alarms: Alarms,
        post: Callable[[Event], None],
    ) -> None:
        self._epochs = epochs
        self._signer = signer
        self._admission = admission
        self._mesh = mesh
        self._tree = tree
        self._execution = execution
        self._committer = committer
        self._requester = requester
        self._block_fetch = block_fetch
        self._timers = timers
        self._alarms = alarms
        self._post = post
        self._running: dict[TimerKind, TimerHandle] = {}

    def perform(self, effect: Effect) -> None:
        """Do what an effect asks; queue and return, never block."""
        match effect:
            case SignAndSend(statement):
                # Between an epoch's last commit and EpochReady the machine may still speak of the epoch that is over.
                if statement.epoch == self._epochs.epoch:
                    self._sign_and_send(effect)
            case Send(to, certificates):
                if certificates[0].statement.epoch == self._epochs.epoch:
                    self._send(to, certificates)
            case Broadcast(certificate):
                self._mesh.broadcast_certificate(certificate)
            case BuildBlock(parent, view, timestamp_ms):
                self._build(parent, view, timestamp_ms)
            case Certify(digest):
                self._execution.certify(digest)
            case FetchBlock(digest, hints):
                self._fetch_block(digest, hints)
            case FetchCertificates(view_first, view_last):
                self._fetch_certificates(view_first, view_last)
            case SetTimer(kind, view, at_ms):
                self._set_timer(kind, view, at_ms)
            case Finalize(digests, finalization):
                self._finalize(digests, finalization)
            case ReportEvidence(evidence):
                self._alarms.evidence_found(evidence)
            case StopVoting(reason):
                self._alarms.voting_stopped(reason)
            case Persist():
                raise AssertionError("the driver performs Persist")
            case _:
                assert_never(effect)

    def _sign_and_send(self, effect: SignAndSend) -> None:
        own_index = self._epochs.own_index
        assert own_index is not None
        vote = Vote(effect.statement, own_index, self._signer.release(effect.statement))
        proposal = effect.proposal
        if proposal is None:
            self._mesh.broadcast_vote(vote)
        else:
            self._mesh.broadcast_proposal(
                Proposal(
                    vote,
                    proposal.header,
                    proposal.body_bytes,
                    proposal.parent_certificate,
                    proposal.nullifications,
                )
            )
        self._post(VoteReceived(self._admission.admit_own_vote(vote)))

    def _send(self, to: ValidatorIndex, certificates: tuple[Certificate, ...]) -> None:
        for certificate in certificates:
            self._mesh.send_certificate(self._mesh.key_of(to), certificate)

    def _build(self, parent: Hash32, view: View, timestamp_ms: TimestampMs) -> None:
        self._execution.build(parent, view, timestamp_ms)

    def _fetch_block(self, digest: Hash32, hints: Sequence[ValidatorIndex]) -> None:
        self._block_fetch.fetch(digest, self._mesh.keys_of(hints))

    def _fetch_certificates(self, view_first: View, view_last: View) -> None:
        self._requester.fetch(
            ("certificates", view_first, view_last),
            RequestKind.CERTIFICATES,
            encode_range_query(view_first, view_last),
            self._certificates_answered,
        )

    def epoch_began(self) -> None:
        """Ask no more for certificates of the epoch that is over."""
        self._requester.cancel_where(lambda key: isinstance(key, tuple) and key[0] == "certificates")

    def _certificates_answered(self, peer: bytes, payload: bytes) -> bool:
        found = False
        try:
            for encoded in decode_certificates(payload):
                certificate = self._admission.admit_certificate(encoded)
                if certificate is not None:
                    self._post(CertificateReceived(certificate))
                    found = True
        except (MalformedMessage, Misbehaviour) as error:
            self._mesh.misbehaved(peer, str(error))
        return found

    def _set_timer(self, kind: TimerKind, view: View, at_ms: int | None) -> None:
        running = self._running.pop(kind, None)
        if running is not None:
            running.cancel()
        if at_ms is not None:
            self._running[kind] = self._timers.call_at(at_ms, lambda: self._post(TimerFired(kind, view)))

    def _finalize(self, digests: tuple[Hash32, ...], finalization: Certificate) -> None:
        for digest in digests:
            block = self._tree.get(digest)
            if block is None:
                # Already committed by catching up.
                continue
            assert block.executed is not None, "only executed blocks are finalized"
            self._committer.enqueue(
                FinalizedBlock(
                    executed=block.executed,
                    finalization=finalization,
                    is_own_finalization=digest == digests[-1],
                    build_ms=block.build_ms,
                    certify_ms=block.certify_ms,
                )
            )
