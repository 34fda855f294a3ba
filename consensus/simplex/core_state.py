"""What the machine knows, and questions about it that change nothing. Source: consensus.md §3."""

from dataclasses import dataclass, field

from consensus.primitives.scalars import VIEW_ZERO, Hash32, ValidatorIndex, View
from consensus.simplex.effects import Effect, Persist, SetTimer, StopReason, UnsignedProposal
from consensus.simplex.events import HeaderFacts, TimerKind, Verdict, ViewZero
from consensus.simplex.messages import Certificate, Kind, Proposal, Statement
from consensus.simplex.parameters import EVIDENCE_WINDOW_BEHIND, Parameters, backoff
from consensus.simplex.records import Record
from consensus.simplex.validators import ValidatorSet
from consensus.simplex.votes import VoteBook


@dataclass(slots=True)
class BlockEntry:
    """A block above the final one."""

    facts: HeaderFacts
    header: bytes
    has_body: bool = False
    verdict: Verdict | None = None
    """None until it was asked for and answered for good; UNKNOWN is never kept."""
    last_of_epoch: bool = False
    body_bytes: int = 0


@dataclass(slots=True)
class Held:
    """A correctly signed proposal of a view."""

    proposal: Proposal
    facts: HeaderFacts
    received_ms: int


@dataclass(slots=True)
class Activity:
    """What a leader's silence is judged by."""

    is_up: bool
    changed_ms: int
    """When the link last went up or down."""
    up_in_view: View = VIEW_ZERO
    """The view this validator was in when the link last came up: older silence no longer counts."""


@dataclass(slots=True)
class CoreState:
    """Mutable state of one epoch. Only view.py, pacing.py and machine.py change it."""

    validators: ValidatorSet
    parameters: Parameters
    own_index: ValidatorIndex | None
    head: ViewZero
    """The newest block handed to Finalize, or recovered; its view is where the floor's chain begins."""
    resume_view: View
    now_ms: int
    view: View = VIEW_ZERO
    entered_at: int = 0
    entry: Certificate | None = None
    floor: View = VIEW_ZERO
    floor_certificate: Certificate | None = None
    final_at: int = 0
    final_after_ms: int = 0
    """How long after it was certified here the newest view became final by its own finalization."""
    is_pending: bool = False
    pending_since: int = 0
    is_syncing: bool = False
    is_epoch_over: bool = False
    """The last block of the epoch is final: nothing more is signed in it."""
    own_known_above: View = VIEW_ZERO
    """Own votes of higher views are all known; older ones may have been pruned before a restart."""
    stopped: StopReason | None = None
    own: dict[View, list[Statement]] = field(default_factory=dict)
    """my[v]."""
    certificates: dict[tuple[Kind, View], Certificate] = field(default_factory=dict)
    blocks: dict[Hash32, BlockEntry] = field(default_factory=dict)
    certified: dict[View, Hash32] = field(default_factory=dict)
    certified_at: dict[View, int] = field(default_factory=dict)
    held: dict[View, Held] = field(default_factory=dict)
    acceptable_views: set[View] = field(default_factory=set)
    """Views in which an acceptable proposal was seen."""
    fetching: dict[Hash32, None] = field(default_factory=dict)
    """Blocks asked of peers and not here yet, in the order asked."""
    certifying: dict[Hash32, None] = field(default_factory=dict)
    """Blocks whose verdict the host owes, or answered with unknown; TR asks again."""
    fetching_views: tuple[View, View] | None = None
    own_signed_at: dict[View, int] = field(default_factory=dict)
    building_view: View = VIEW_ZERO
    own_proposal: tuple[View, UnsignedProposal] | None = None
    """The newest proposal of this node, to be sent again."""
    activity: dict[ValidatorIndex, Activity] = field(default_factory=dict)
    answered_at: dict[ValidatorIndex, int] = field(default_factory=dict)
    timers: dict[TimerKind, tuple[View, int]] = field(default_factory=dict)
    armed_from: int | None = None
    """s of A3: from when the view's time-outs count."""
    next_sequence: int = 1
    effects: list[Effect] = field(default_factory=list)
    book: VoteBook = field(init=False)
    _tip: tuple[tuple[int, ...], View] | None = None
    """What `tip` last found, and under which sizes; it walks over every view of a long bad spell."""

    def __post_init__(self) -> None:
        self.book = VoteBook(self.validators)

    # Queries

    def notarization(self, view: View) -> Certificate | None:
        return self.certificates.get((Kind.NOTARIZE, view))

    def nullification(self, view: View) -> Certificate | None:
        return self.certificates.get((Kind.NULLIFY, view))

    def finalization(self, view: View) -> Certificate | None:
        return self.certificates.get((Kind.FINALIZE, view))

    def best_certificate(self, view: View) -> Certificate | None:
        """Return F, else N, else U of a view."""
        return self.finalization(view) or self.notarization(view) or self.nullification(view)

    def has_own(self, view: View, kind: Kind) -> bool:
        return any(statement.kind is kind for statement in self.own.get(view, ()))

    def may_sign_in(self, view: View) -> bool:
        """Tell whether any arm may sign in `view` at all."""
        return (
            self.own_index is not None and self.stopped is None and not self.is_epoch_over and view >= self.resume_view
        )

    @property
    def own_key(self) -> bytes | None:
        """The consensus key of this validator; None while it is in no set."""
        return None if self.own_index is None else self.validators.validators[self.own_index].consensus_key

    def is_foreign(self, statement: Statement) -> bool:
        """Tell whether a statement under this validator's key was surely never signed here."""
        view = statement.view
        is_known = view > self.own_known_above and view > self.head.view - EVIDENCE_WINDOW_BEHIND
        return is_known and view >= self.resume_view and statement not in self.own.get(view, ())

    def facts_of(self, digest: Hash32) -> HeaderFacts | None:
        """Return the facts of the head or of a block above it."""
        if digest == self.head.facts.digest:
            return self.head.facts
        entry = self.blocks.get(digest)
        return None if entry is None else entry.facts

    def is_executed(self, digest: Hash32) -> bool:
        """Tell whether the state after the block is known here."""
        entry = self.blocks.get(digest)
        return digest == self.head.facts.digest or (entry is not None and entry.verdict is Verdict.VALID)

    def is_last_of_epoch(self, digest: Hash32) -> bool:
        entry = self.blocks.get(digest)
        return entry is not None and entry.last_of_epoch

    def tip(self) -> View:
        """Return the highest certified view that can be reached from view − 1 over nullified views, else the floor."""
        # Between two advances of the head both mappings only grow, so their sizes tell whether anything changed.
        known = (self.view, self.floor, self.head.view, len(self.certified), len(self.certificates))
        if self._tip is None or self._tip[0] != known:
            self._tip = (known, self._find_tip())
        return self._tip[1]

    def _find_tip(self) -> View:
        view = self.view - 1
        while view > self.floor:
            if View(view) in self.certified:
                return View(view)
            if self.nullification(View(view)) is None:
                return self.floor
            view -= 1
        return self.floor

    def backed_off(self, duration_ms: int) -> int:
        """Return `duration_ms` · b(k) for the present view."""
        return backoff(duration_ms, view=self.view, floor=self.floor)

    # Changes that every arm makes in the same way

    def emit(self, effect: Effect) -> None:
        self.effects.append(effect)

    def persist(self, *records: Record, must_sync: bool) -> None:
        self.emit(Persist(self.next_sequence, records, must_sync))
        self.next_sequence += 1

    def set_timer(self, kind: TimerKind, at_ms: int | None) -> None:
        """Arm, move or cancel a timer; nothing is emitted if it stands as wanted."""
        wanted = None if at_ms is None else (self.view, at_ms)
        if self.timers.get(kind) == wanted:
            return
        if wanted is None:
            del self.timers[kind]
        else:
            self.timers[kind] = wanted
        self.emit(SetTimer(kind, self.view, at_ms))
