"""Machines with the least hosts there can be, small enough to be copied: for searches that try everything.

A host answers at once and from memory what the machine asks of disk and execution, keeps what it signed, and lets what
it says lie in its outbox until the search delivers it. Links are authenticated and nobody here forges, so there are no
signatures; everything passes the same questions of interest as in production. Nothing here draws or waits.
"""

import copy
import marshal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from hashlib import sha256

from consensus.primitives.scalars import Hash32, ValidatorIndex, View
from consensus.simplex.core_state import CoreState
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
    StopVoting,
)
from consensus.simplex.events import (
    BlockBuilt,
    BlockCertified,
    BodyAvailable,
    CertificateReceived,
    Event,
    HeaderFetched,
    PeerStatus,
    PendingChanged,
    ProposalReceived,
    Recovered,
    TimerFired,
    TimerKind,
    Verdict,
    VoteReceived,
)
from consensus.simplex.evidence import ConflictingVotes
from consensus.simplex.machine import Machine
from consensus.simplex.messages import Certificate, Proposal, Statement, Vote, encode_statement
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import HeaderRecord, Record
from consensus.simplex.verified import Verified
from consensus.simplex.votes import VoteBook
from tests.consensus.simplex.blocks import GENESIS_HEAD, START_MS, Block, make_block, read_header
from tests.consensus.simplex.keys import validator_set
from tests.simulator.checkers import exclude_each_other
from tests.simulator.world import Broken

UNSIGNED = bytes(64)
"""In the place of every signature."""

CERTIFICATES_PER_ANSWER = 32

PARAMETERS = Parameters()

Message = Vote | Certificate | Proposal
"""What travels; a proposal brings its body along."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message on its way."""

    message: Message
    to: int | None
    """One validator, or None for everybody."""


class Ledger:
    """What is common knowledge of one search: blocks by digest, and which of them are final at which height."""

    def __init__(self) -> None:
        self.blocks: dict[Hash32, Block] = {}


class Host:
    """One machine and what its host has to remember."""

    __slots__ = (
        "_events",
        "accused",
        "asked_blocks",
        "asked_builds",
        "asked_certificates",
        "chain",
        "disk",
        "index",
        "is_honest",
        "ledger",
        "machine",
        "name",
        "now_ms",
        "outbox",
        "said",
        "timers",
    )

    def __init__(self, index: int, name: int, ledger: Ledger, *, is_honest: bool) -> None:
        self.index = index
        """Whose key it has."""
        self.name = name
        """Which instance it is."""
        self.ledger = ledger
        self.is_honest = is_honest
        self.machine = Machine()
        self.now_ms = START_MS
        self.disk: list[Record] = []
        self.chain: list[Hash32] = [GENESIS_HEAD.facts.digest]
        self.said: dict[int, list[Statement]] = {}
        """What was signed, by view: the guard."""
        self.outbox: list[Said] = []
        self.timers: dict[TimerKind, tuple[View, int]] = {}
        self.asked_builds: list[BuildBlock] = []
        self.asked_blocks: dict[Hash32, None] = {}
        self.asked_certificates: tuple[View, View] | None = None
        self.accused: set[int] = set()
        self._events: deque[Event] = deque()

    def start(self, validator_count: int) -> None:
        """Begin a life from what is on disk."""
        self.machine = Machine()
        self.timers, self.asked_builds, self.asked_blocks = {}, [], {}
        self.asked_certificates = None
        validators = validator_set(validator_count)
        headers = tuple(read_header(record.header) for record in self.disk if isinstance(record, HeaderRecord))
        self.take(
            Recovered(
                head=GENESIS_HEAD,
                validators=validators,
                parameters=PARAMETERS,
                own_index=ValidatorIndex(self.index),
                records=tuple(self.disk),
                headers=headers,
                bodies=tuple(facts.digest for facts in headers),
                resume_view=View(0),
            )
        )
        for other in range(validator_count):
            self.take(PeerStatus(ValidatorIndex(other), True))
        self.take(PendingChanged(True))

    def take(self, event: Event) -> None:
        """Step through an event and everything that follows from it here."""
        events = self._events
        events.append(event)
        while events:
            for effect in self.machine.step(events.popleft(), self.now_ms):
                self._perform(effect)

    def receive(self, message: Message) -> bool:
        """Take what arrived, unless the machine has no use for it; tell whether it had."""
        machine = self.machine
        if isinstance(message, Vote):
            if not machine.wants_vote(message.statement, message.signer):
                return False
            self.take(VoteReceived(Verified(message)))
        elif isinstance(message, Certificate):
            if not machine.wants_certificate(message.statement):
                return False
            self.take(CertificateReceived(Verified(message)))
        else:
            statement = message.vote.statement
            if not machine.wants_proposal(statement):
                return self.receive(message.vote)
            self.take(ProposalReceived(Verified(message), read_header(message.header)))
            self.take(BodyAvailable(statement.digest))
        return True

    def fire(self, kind: TimerKind) -> None:
        """Let a timer fire, at its instant or now."""
        view, at_ms = self.timers.pop(kind)
        self.now_ms = max(self.now_ms, at_ms)
        self.take(TimerFired(kind, view))

    def build(self, asked: BuildBlock, timestamp_ms: int | None = None) -> None:
        """Report a block that was asked for, with its own timestamp or another."""
        self.asked_builds.remove(asked)
        parent = self.machine.state.facts_of(asked.parent)
        if parent is None:
            return
        block = make_block(parent, epoch=0, view=asked.view, timestamp_ms=asked.timestamp_ms, transactions=(self.name,))
        self.ledger.blocks[block.facts.digest] = block
        self.take(BlockBuilt(asked.view, block.facts, block.header, len(block.body), False))

    def has_block(self, digest: Hash32) -> bool:
        """Tell whether it could answer somebody who asks for a block."""
        entry = self.machine.state.blocks.get(digest)
        return digest in self.chain or (entry is not None and entry.has_body)

    def take_block(self, digest: Hash32) -> None:
        """Take a block that was asked for."""
        self.asked_blocks.pop(digest, None)
        block = self.ledger.blocks[digest]
        self.take(HeaderFetched(block.facts, block.header))
        self.take(BodyAvailable(digest))

    def certificates_for(self, first: View, last: View) -> list[Certificate]:
        """Answer somebody who asks for certificates."""
        return self.machine.certificates_in(first, last, CERTIFICATES_PER_ANSWER)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Persist(_, records, _):
                self.disk.extend(records)
            case SignAndSend():
                self._sign(effect)
            case Send(to, certificates):
                self.outbox.extend([Said(certificate, to) for certificate in certificates])
            case Broadcast(certificate):
                self.outbox.append(Said(certificate, None))
            case BuildBlock():
                self.asked_builds.append(effect)
            case Certify(digest):
                self._events.append(BlockCertified(digest, Verdict.VALID, False))
            case FetchBlock(digest, _):
                self.asked_blocks[digest] = None
            case FetchCertificates(first, last):
                self.asked_certificates = (first, last)
            case SetTimer(kind, view, at_ms):
                if at_ms is None:
                    self.timers.pop(kind, None)
                else:
                    self.timers[kind] = (view, at_ms)
            case Finalize(digests, _):
                self._finalize(digests)
            case ReportEvidence(evidence):
                if not isinstance(evidence, ConflictingVotes):
                    raise Broken("agreement", f"{self.name} holds two certificates of view {evidence.first.statement}")
                self.accused.add(evidence.first.signer)
            case StopVoting(reason):
                if self.is_honest:
                    raise Broken("blame_exact", f"{self.name} stops: {reason.value}")
                # Whoever misbehaves does not care.
                self.machine.state.stopped = None

    def _sign(self, effect: SignAndSend) -> None:
        statement = effect.statement
        said = self.said.setdefault(statement.view, [])
        if statement not in said:
            for other in said:
                if exclude_each_other(other, statement):
                    raise Broken("no_double_sign", f"{self.name} says {statement} beside {other}")
            said.append(statement)
        vote = Vote(statement, ValidatorIndex(self.index), UNSIGNED)
        unsigned = effect.proposal
        if unsigned is None:
            self.outbox.append(Said(vote, None))
        else:
            proposal = Proposal(
                vote, unsigned.header, unsigned.body_bytes, unsigned.parent_certificate, unsigned.nullifications
            )
            self.outbox.append(Said(proposal, None))
        self._events.append(VoteReceived(Verified(vote)))

    def _finalize(self, digests: tuple[Hash32, ...]) -> None:
        """Commit, once more after a restart: then it must be what was committed before."""
        for digest in digests:
            facts = self.ledger.blocks[digest].facts
            if facts.height < len(self.chain):
                if self.chain[facts.height] != digest:
                    raise Broken("agreement", f"{self.name}: height {facts.height} is final twice")
            elif facts.parent_digest != self.chain[-1]:
                raise Broken("ancestry", f"{self.name}: height {facts.height} is not the child of the one below")
            else:
                self.chain.append(digest)


def require_agreement(hosts: list[Host]) -> None:
    """Raises: Broken if two honest chains differ below the end of the shorter one."""
    longest = max((host.chain for host in hosts if host.is_honest), key=len)
    for host in hosts:
        if host.is_honest and host.chain != longest[: len(host.chain)]:
            raise Broken("agreement", f"instance {host.name} has another chain than the longest one")


# Copies

_STATE_FIELDS = tuple(field.name for field in fields(CoreState))


def copied_host(host: Host) -> Host:
    """Return a host that goes its own way; what can never change is shared."""
    other = Host.__new__(Host)
    for name in Host.__slots__:
        value = getattr(host, name)
        setattr(other, name, value.copy() if isinstance(value, dict | list | set | deque) else value)
    other.said = {view: list(said) for view, said in host.said.items()}
    other.machine = Machine.__new__(Machine)
    other.machine._state = _copied_state(host.machine.state)
    return other


def _copied_state(state: CoreState) -> CoreState:
    other = CoreState.__new__(CoreState)
    for name in _STATE_FIELDS:
        value = getattr(state, name)
        setattr(other, name, value.copy() if isinstance(value, dict | list | set) else value)
    other.own = {view: list(said) for view, said in state.own.items()}
    other.blocks = {digest: copy.copy(entry) for digest, entry in state.blocks.items()}
    book = other.book = VoteBook.__new__(VoteBook)
    book._validators = state.validators
    book._views = {view: dict(votes) for view, votes in state.book._views.items()}
    book._conflicts = set(state.book._conflicts)
    return other


# Equal states

_Key = tuple[object, ...]


def host_key(host: Host) -> bytes:
    """Return the same bytes for hosts that will do the same, whatever their clocks show.

    Instants are left out: in the searches a timer may fire at any moment, so they decide nothing but which block a
    leader builds.
    """
    state = host.machine.state
    key: _Key = (
        host.name,
        b"".join(host.chain),
        state.view,
        state.floor,
        state.head.view,
        state.building_view,
        _sorted(state.own, lambda said: sorted(map(encode_statement, said))),
        sorted(int(kind) << 64 | view for kind, view in state.certificates),
        _sorted(state.certificates, lambda certificate: certificate.bitmap + certificate.statement.digest),
        sorted(digest + bytes((entry.has_body, entry.verdict is not None)) for digest, entry in state.blocks.items()),
        _sorted(state.certified, lambda digest: digest),
        _sorted(state.held, lambda held: held.facts.digest),
        sorted(state.acceptable_views),
        sorted(state.fetching),
        state.fetching_views or (),
        sorted(
            encode_statement(vote.statement) + bytes((vote.signer,))
            for votes in state.book._views.values()
            for vote in votes.values()
        ),
        sorted((kind.value, view) for kind, (view, _) in host.timers.items()),
        sorted((asked.parent, int(asked.view)) for asked in host.asked_builds),
        sorted(host.asked_blocks),
        host.asked_certificates or (),
        sorted(host.accused),
    )
    return sha256(marshal.dumps(key, 2)).digest()  # type: ignore[arg-type]  # numbers, bytes, texts and tuples of them


def _sorted(mapping: dict, shown: Callable) -> list[_Key]:  # type: ignore[type-arg]  # of any of the state's mappings
    return [(repr(key), shown(mapping[key])) for key in sorted(mapping, key=repr)]
