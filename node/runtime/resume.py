"""The lost-disk rule: a validator that may have forgotten what it signed asks the others where they are.

It follows, serves and signs nothing until statuses that answer its own nonce have come from a quorum of others. It must
never take a status for an answer that could have been made before it asked, nor count a view that no certificate
proves. Source: consensus.md §7, SPEC L1, L2.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Epoch, ValidatorIndex, View
from consensus.simplex.events import Event, ResumeViewFound
from consensus.simplex.machine import Machine
from consensus.simplex.messages import SigningDomain
from consensus.simplex.sign_guard import RESUME_VIEW_UNKNOWN, resume_view_after
from consensus.simplex.validators import ValidatorSet
from node.observe.facts import ResumeFacts
from node.observe.logs import EventLog
from node.peers.peer_status import proved_view, read_status
from node.peers.requests import Requester
from node.peers.wire import MalformedMessage, RequestKind
from node.runtime.ports import Clock, Timers
from node.runtime.recovery import RecoveredNode
from node.storage.guard_file import ResumeReason
from node.validator.signer import GuardedSigner

RESUME_KEY = "resume"
"""One question is open at a time: it goes from peer to peer until enough have answered."""

ASK_EVERY_MS = 2_000
"""How often the question is opened again if it is not open; the requester itself repeats it four times a second."""

REPORT_EVERY_MS = 10_000
"""How often the log says who is still waited for."""

PAGE = "docs/operators/failover.md"

REASONS = {
    ResumeReason.NONE: "",
    ResumeReason.GUARD_MISSING: "the sign guard of this key was missing: its disk was lost, or restored without it",
    ResumeReason.GUARD_FOREIGN: "sign guard and write-ahead log do not belong together: one was copied or restored",
    ResumeReason.LEDGER_OLD: "the ledger ends below what the sign guard knows to be final: it was restored",
    ResumeReason.STORE_REPAIRED: "the ledger was repaired and may hold wrong values",
}


def reason_to_resume(
    recovered: RecoveredNode, signer: GuardedSigner, *, epoch: Epoch, is_store_repaired: bool
) -> ResumeReason:
    """Return why the key may have signed what this disk does not remember; NONE if it cannot."""
    if is_store_repaired:
        return ResumeReason.STORE_REPAIRED
    if signer.is_waiting:
        return signer.resume_reason
    if recovered.guard.difference:
        return ResumeReason.GUARD_FOREIGN
    if signer.floor > (epoch, recovered.head.view):
        return ResumeReason.LEDGER_OLD
    return ResumeReason.NONE


@dataclass(frozen=True, slots=True)
class ResumptionParts:
    """What the rule looks at and speaks through."""

    machine: Machine
    signer: GuardedSigner
    domain: SigningDomain
    requester: Requester
    name_of: Callable[[ValidatorIndex], str]
    misbehaved: Callable[[bytes, str], None]
    post: Callable[[Event], None]
    clock: Clock
    timers: Timers
    log: EventLog
    is_store_repaired: bool


class Resumption:
    """Asks until the resume view is found. Owned by the loop thread; idle in a node that forgot nothing."""

    def __init__(self, parts: ResumptionParts) -> None:
        self._parts = parts
        self._nonce = b""
        self._epoch = Epoch(0)
        self._proved: dict[ValidatorIndex, View] = {}
        """Views that others of the running epoch have proved since this node asked."""
        self._forgetful: set[ValidatorIndex] = set()
        """Others that are below their own resume view: they have forgotten too."""
        self._reported_ms = 0
        self._obstacle_told = ""

    def begin(self) -> None:
        """Start asking if this node has to; called once, when the machine has its past."""
        if self._parts.machine.state.resume_view != RESUME_VIEW_UNKNOWN:
            return
        if not self._parts.is_store_repaired:
            self._nonce = self._parts.signer.draw_nonce()
        self._tick()

    def facts(self) -> ResumeFacts | None:
        """Return what the status screen says; None when this node votes as any other, or follows only."""
        state, signer = self._parts.machine.state, self._parts.signer
        if state.own_index is None or state.view >= state.resume_view:
            return None
        is_known = state.resume_view != RESUME_VIEW_UNKNOWN
        needed = state.validators.quorum
        silent = tuple(index for index in self._others() if index not in self._proved and index not in self._forgetful)
        return ResumeFacts(
            reason=REASONS[signer.resume_reason],
            resume_view=state.resume_view if is_known else None,
            answers_needed=needed,
            answered=self._names(tuple(sorted(self._proved))),
            missing=() if is_known else self._names(silent),
            forgetful=self._names(tuple(sorted(self._forgetful))),
            obstacle="" if is_known else self._obstacle(),
        )

    def _others(self) -> tuple[ValidatorIndex, ...]:
        state = self._parts.machine.state
        return tuple(ValidatorIndex(index) for index in range(state.validators.count) if index != state.own_index)

    def _names(self, indexes: tuple[ValidatorIndex, ...]) -> tuple[str, ...]:
        return tuple(self._parts.name_of(index) for index in indexes)

    def _obstacle(self) -> str:
        """Return why the answers can never be had, so that people must act; empty while they can."""
        validators = self._parts.machine.validators
        if self._parts.is_store_repaired:
            return "a repaired ledger is for reading: stop the node, move data/ledger.ldb and data/wal away, start it"
        if validators.quorum > validators.count - 1:
            return (
                f"a set of {validators.count} tolerates no loss: {validators.quorum} others would have to answer and "
                f"there are {validators.count - 1}; rotate this validator's key"
            )
        forgot = len(self._forgetful) + 1
        if forgot > validators.faulty_max:
            return (
                f"{forgot} of {validators.count} validators have forgotten what they signed and at most "
                f"{validators.faulty_max} may; the operators must act together"
            )
        return ""

    def _tick(self) -> None:
        """Open the question if it is not open, and say from time to time who is waited for."""
        parts, state = self._parts, self._parts.machine.state
        if state.resume_view != RESUME_VIEW_UNKNOWN:
            parts.requester.cancel(RESUME_KEY)
            parts.log.warn("resume_view", view=state.resume_view, epoch=state.validators.epoch, now_in_view=state.view)
            return
        now_ms = parts.clock.now_ms()
        if state.own_index is not None:
            self._enter_epoch(state.validators.epoch)
            if self._nonce:
                parts.requester.fetch(RESUME_KEY, RequestKind.STATUS, self._nonce, self._answered)
            self._report(now_ms)
        parts.timers.call_at(now_ms + ASK_EVERY_MS, self._tick)

    def _enter_epoch(self, epoch: Epoch) -> None:
        """Forget answers of an epoch that is over: its signers need not be those of this one."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._proved.clear()
            self._forgetful.clear()

    def _report(self, now_ms: int) -> None:
        facts = self.facts()
        if facts is None:
            return
        if facts.obstacle and facts.obstacle != self._obstacle_told:
            self._obstacle_told = facts.obstacle
            self._parts.log.error("cannot_vote", page=PAGE, reason=facts.reason, obstacle=facts.obstacle)
        if now_ms - self._reported_ms < REPORT_EVERY_MS:
            return
        self._reported_ms = now_ms
        self._parts.log.warn(
            "waits_before_voting",
            reason=facts.reason,
            answers=f"{len(facts.answered)}/{facts.answers_needed}",
            missing=",".join(facts.missing) or "none",
            forgetful=",".join(facts.forgetful) or "none",
        )

    def _answered(self, peer: bytes, payload: bytes) -> bool:
        """Take an answer; true when there are enough. Another peer is asked next as long as there are not."""
        parts = self._parts
        validators = parts.machine.validators
        if parts.machine.state.resume_view != RESUME_VIEW_UNKNOWN:
            return True
        self._enter_epoch(validators.epoch)
        try:
            self._take(payload, validators)
        except MalformedMessage as error:
            parts.misbehaved(peer, str(error))
            return False
        if len(self._proved) < validators.quorum:
            return False
        parts.post(ResumeViewFound(validators.epoch, resume_view_after(self._proved.values())))
        return True

    def _take(self, payload: bytes, validators: ValidatorSet) -> None:
        """Note what a status proves. Raises: MalformedMessage."""
        status = read_status(
            payload, self._parts.domain, lambda epoch: validators if epoch == validators.epoch else None
        )
        if status is None or status.nonce != self._nonce or status.final_epoch != validators.epoch:
            # Of another epoch: this node, or that one, has blocks to catch up with first.
            return
        if status.signer == self._parts.machine.state.own_index:
            return
        if status.is_resuming:
            self._forgetful.add(status.signer)
            return
        view = proved_view(status, self._parts.domain, validators)
        if view is not None:
            self._forgetful.discard(status.signer)
            self._proved[status.signer] = max(view, self._proved.get(status.signer, View(0)))
