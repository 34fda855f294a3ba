"""One machine on a bench: the test plays its host and all its peers, one event at a time."""

from typing import TypeVar

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32, ValidatorIndex, View
from consensus.simplex.effects import Effect, Persist, SetTimer, SignAndSend
from consensus.simplex.events import (
    BlockBuilt,
    BlockCertified,
    BodyAvailable,
    CertificateReceived,
    Event,
    HeaderFacts,
    PeerStatus,
    ProposalReceived,
    Recovered,
    TimerFired,
    TimerKind,
    Verdict,
    ViewZero,
    VoteReceived,
)
from consensus.simplex.machine import Machine
from consensus.simplex.messages import Certificate, Kind, Proposal, Statement
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import HeaderRecord, OwnVoteRecord, Record
from consensus.simplex.verified import Verified
from tests.consensus.simplex.blocks import GENESIS, GENESIS_HEAD, START_MS, Block, make_block, read_header
from tests.consensus.simplex.keys import certificate, finalize, notarize, nullify, validator_set, vote

E = TypeVar("E")

LEADER_MS = 100 + 300 + 2 * 400
"""TL after the start of a view, with default parameters and no back-off."""
ADVANCE_MS = LEADER_MS + 300 + 2 * 400
HEARTBEAT_MS = 10_000


class Bench:
    """A machine of `count` validators as `own`; view v is led by validator v mod count. Links are up."""

    def __init__(
        self,
        count: int = 4,
        own: int | None = 0,
        *,
        records: tuple[Record, ...] = (),
        bodies: tuple[Hash32, ...] = (),
        head: ViewZero = GENESIS_HEAD,
        resume_view: int = 0,
    ) -> None:
        self.validators = validator_set(count)
        self.own = None if own is None else ValidatorIndex(own)
        self.machine = Machine()
        self.now_ms = START_MS
        self.records: list[Record] = list(records)
        self.effects: list[Effect] = []
        """Everything asked since the machine began."""
        headers = tuple(read_header(record.header) for record in records if isinstance(record, HeaderRecord))
        self.first = self.take(
            Recovered(head, self.validators, Parameters(), self.own, records, headers, bodies, View(resume_view))
        )
        for index in range(count):
            if index != own:
                self.take(PeerStatus(ValidatorIndex(index), True))

    @property
    def view(self) -> int:
        return self.machine.state.view

    def take(self, event: Event) -> list[Effect]:
        """Step; own votes come straight back, as if the sync took no time."""
        effects = list(self.machine.step(event, self.now_ms))
        self.effects.extend(effects)
        for effect in list(effects):
            if isinstance(effect, Persist):
                self.records.extend(effect.records)
            if isinstance(effect, SignAndSend):
                assert self.own is not None
                signed = vote(self.validators.count, self.own, effect.statement)
                effects.extend(self.take(VoteReceived(Verified(signed))))
        return effects

    # What peers say

    def vote(self, signer: int, statement: Statement) -> list[Effect]:
        return self.take(VoteReceived(Verified(vote(self.validators.count, signer, statement))))

    def certificate(self, statement: Statement, signers: tuple[int, ...] | None = None) -> list[Effect]:
        return self.take(CertificateReceived(Verified(self.make_certificate(statement, signers))))

    def make_certificate(self, statement: Statement, signers: tuple[int, ...] | None = None) -> Certificate:
        """Return a certificate without the own signature: the bench's machine may not have given it."""
        others = tuple(index for index in range(self.validators.count) if index != self.own)
        return certificate(self.validators, statement, signers or others[: self.validators.quorum])

    def nullified(self, *views: int) -> list[Effect]:
        return [effect for view in views for effect in self.certificate(nullify(view))]

    def proposal(
        self,
        view: int,
        block: Block,
        *,
        parent_view: int = 0,
        parent: Certificate | None = None,
        nullifications: tuple[int, ...] = (),
    ) -> list[Effect]:
        statement = notarize(view, parent_view, block.facts.digest)
        signed = vote(self.validators.count, self.validators.leader(View(view)), statement)
        justification = tuple(self.make_certificate(nullify(skipped)) for skipped in nullifications)
        proposal = Proposal(signed, block.header, len(block.body), parent, justification)
        return self.take(ProposalReceived(Verified(proposal), block.facts))

    # What the host says

    def body(self, block: Block) -> list[Effect]:
        return self.take(BodyAvailable(block.facts.digest))

    def verdict(self, block: Block, verdict: Verdict = Verdict.VALID, *, is_last: bool = False) -> list[Effect]:
        return self.take(BlockCertified(block.facts.digest, verdict, is_last))

    def built(self, block: Block, *, is_last: bool = False) -> list[Effect]:
        return self.take(BlockBuilt(block.facts.view, block.facts, block.header, len(block.body), is_last))

    def fire(self, kind: TimerKind) -> list[Effect]:
        """Let a timer run out."""
        view, at_ms = self.machine.state.timers[kind]
        self.now_ms = max(self.now_ms, at_ms)
        return self.take(TimerFired(kind, view))

    def block(self, view: int, parent: HeaderFacts = GENESIS, *, after_ms: int = 0, number: int = 1) -> Block:
        return make_block(parent, epoch=0, view=view, timestamp_ms=self.now_ms + after_ms, transactions=(number,))

    def notarized(
        self, view: int, parent: HeaderFacts = GENESIS, *, parent_view: int = 0, is_last: bool = False
    ) -> Block:
        """Let a block be proposed, executed and notarized by the others."""
        block = self.block(view, parent, number=view)
        known = None if parent_view == 0 else self.machine.state.best_certificate(View(parent_view))
        self.proposal(view, block, parent_view=parent_view, parent=known)
        self.body(block)
        self.verdict(block, is_last=is_last)
        self.certificate(notarize(view, parent_view, block.facts.digest))
        return block

    def finalized(self, view: int, parent: HeaderFacts = GENESIS, *, parent_view: int = 0) -> Block:
        """Let a block become final."""
        block = self.notarized(view, parent, parent_view=parent_view)
        self.certificate(finalize(view, parent_view, block.facts.digest))
        return block

    # Looking

    def timer_in(self, kind: TimerKind) -> int | None:
        """Return in how many milliseconds a timer runs out; None if it does not run."""
        armed = self.machine.state.timers.get(kind)
        return None if armed is None else armed[1] - self.now_ms

    def own_votes(self, view: int) -> set[Kind]:
        return {
            record.statement.kind
            for record in self.records
            if isinstance(record, OwnVoteRecord) and record.statement.view == view
        }


def only(effects: list[Effect], kind: type[E]) -> list[E]:
    """Return the effects of one type."""
    return [effect for effect in effects if isinstance(effect, kind)]


def armed(effects: list[Effect]) -> set[TimerKind]:
    """Return the kinds of timers that were set, not cancelled."""
    return {effect.kind for effect in only(effects, SetTimer) if effect.at_ms is not None}


def digest_of(text: str) -> Hash32:
    return keccak256(text.encode())
