"""Every order of events, breadth first: three honest machines and one Byzantine key that may say whatever it likes.

At any moment any host may receive anything that was said, a time-out may come, and once a host may crash. Votes for one
statement arrive together, with or without the Byzantine one, and only if that changes more than a count. States that do
the same from here on are visited once. Only safety is judged; a search that ends has proved no progress.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from consensus.primitives.scalars import ZERO_HASH, Epoch, ValidatorIndex, View
from consensus.simplex.events import TimerKind
from consensus.simplex.messages import Certificate, Kind, Proposal, Statement, Vote
from tests.consensus.simplex.blocks import GENESIS, START_MS, Block, make_block
from tests.simulator.small_scope import UNSIGNED, Host, Ledger, Message, copied_host, host_key, require_agreement
from tests.simulator.world import Broken

VALIDATORS = 4
VIEWS = 3
OWN_BLOCKS = 2
"""Different blocks that the Byzantine leader proposes on each parent."""

VIEW_MS = 100
"""Between the timestamps of blocks of neighbouring views: fixed, so that no state hangs on when a block was built."""

STATES: Mapping[str, int] = {"change": 3_000, "nightly": 60_000}
"""States that are visited; those that wait to be are six times as many, at ten kilobytes each."""

Action = tuple[str, Callable[[Host], None]]
"""What can happen to a host, and how."""


@dataclass(frozen=True, slots=True)
class State:
    """A moment of the whole network. Hosts are shared between states and copied by whoever changes one."""

    hosts: tuple[Host, ...]
    keys: tuple[bytes, ...]
    said: Mapping[Message, None]
    """Everything said so far, in order."""
    has_crashed: bool
    path: tuple[str, ...]
    """What happened, for people."""


@dataclass(slots=True)
class Explored:
    """What a search came to."""

    states: int = 0
    depth: int = 0
    """Depth up to which everything was visited."""
    finalizing: int = 0
    """States in which a host holds a final block."""
    is_complete: bool = False
    """Whether there was nothing more to visit."""
    broken: list[str] = field(default_factory=list)


class Explorer:
    """A breadth-first search with one Byzantine validator."""

    def __init__(self, byzantine: int, *, states_max: int) -> None:
        self._byzantine = ValidatorIndex(byzantine)
        self._states_max = states_max
        self._ledger = Ledger()
        self._seen: set[tuple[bytes, int]] = set()
        self._numbers: dict[tuple[frozenset[Message], bool], int] = {}
        """What was said and whether a crash is spent, numbered: many states share it."""
        self._views = [View(view) for view in range(1, VIEWS + 1)]

    def run(self, say: Callable[[str], None]) -> Explored:
        """Visit states until there are no more or the budget is spent."""
        explored = Explored()
        level = [self._first()]
        while level and not explored.is_complete:
            following: list[State] = []
            for state in level:
                explored.states += 1
                explored.finalizing += any(len(host.chain) > 1 for host in state.hosts)
                if explored.states > self._states_max:
                    return explored
                following.extend(self._successors(state, explored, say))
            say(f"    depth {explored.depth}: {len(level)} states, {explored.states} in all")
            explored.depth += 1
            level = following
        explored.is_complete = True
        return explored

    def _first(self) -> State:
        hosts = []
        for index in range(VALIDATORS):
            if index != self._byzantine:
                host = Host(index, index, self._ledger, is_honest=True)
                host.start(VALIDATORS)
                self._let_build(host)
                hosts.append(host)
        said = self._with_lies({})
        for host in hosts:
            said = self._with_lies(_collected(host, said))
        return State(tuple(hosts), tuple(map(host_key, hosts)), said, False, ())

    def _successors(self, state: State, explored: Explored, say: Callable[[str], None]) -> Iterator[State]:
        for place, host in enumerate(state.hosts):
            for name, act in self._actions(state, place):
                path = (*state.path, f"v{host.index} {name}")
                other = copied_host(host)
                try:
                    act(other)
                    self._let_build(other)
                    hosts = (*state.hosts[:place], other, *state.hosts[place + 1 :])
                    require_agreement(list(hosts))
                except Broken as broken:
                    explored.broken.append(f"{broken.checker}: {broken.detail}")
                    say(f"explore FAILED {broken.checker}: {broken.detail} after {'; '.join(path)}")
                    continue
                said = _collected(other, state.said)
                if said is not state.said:
                    said = self._with_lies(said)
                following = State(
                    hosts,
                    (*state.keys[:place], host_key(other), *state.keys[place + 1 :]),
                    said,
                    state.has_crashed or name == CRASH,
                    path,
                )
                key = self._key(following)
                if key not in self._seen:
                    self._seen.add(key)
                    yield following

    def _key(self, state: State) -> tuple[bytes, int]:
        """Return the same for states that do the same from here on."""
        shared = (frozenset(state.said), state.has_crashed)
        return b"".join(state.keys), self._numbers.setdefault(shared, len(self._numbers))

    def _actions(self, state: State, place: int) -> Iterator[Action]:
        """Yield what can happen to a host now."""
        host = state.hosts[place]
        votes: dict[Statement, list[Vote]] = {}
        for message in state.said:
            if not _is_wanted(host, message):
                continue
            if isinstance(message, Vote):
                votes.setdefault(message.statement, []).append(message)
            else:
                yield _shown(message), partial(_receive, [message])
        for statement, cast in votes.items():
            honest = [vote for vote in cast if vote.signer != self._byzantine]
            for chosen in (honest, cast) if len(honest) < len(cast) else (honest,):
                if _is_effective(host, statement, chosen):
                    signers = "".join(str(vote.signer) for vote in chosen)
                    yield f"{_named(statement)} of {signers}", partial(_receive, chosen)
        # Both time-outs of a view do the same, so the second is of interest only when the first cannot come.
        for kind in (TimerKind.LEADER, TimerKind.ADVANCE, TimerKind.PROPOSE, TimerKind.WAKE):
            timer = host.timers.get(kind)
            is_repeated = kind is TimerKind.ADVANCE and TimerKind.LEADER in host.timers
            if timer is not None and timer[0] <= VIEWS and not is_repeated:
                yield f"{kind.value} {timer[0]}", partial(_fire, kind)
        for digest in host.asked_blocks:
            if any(other.has_block(digest) for other in state.hosts if other is not host):
                yield f"fetches {digest.hex()[:6]}", partial(_take_block, digest)
        if not state.has_crashed:
            yield CRASH, _restart

    def _let_build(self, host: Host) -> None:
        """Let a leader build at once; how late its block arrives is a matter of delivery."""
        while builds := [asked for asked in host.asked_builds if asked.view <= VIEWS]:
            host.build(builds[0], START_MS + VIEW_MS * builds[0].view)

    # The Byzantine key

    def _with_lies(self, said: Mapping[Message, None]) -> Mapping[Message, None]:
        """Add everything that the Byzantine key can say now."""
        everything = dict(said)
        for view in self._views:
            self._add(everything, Statement(Kind.NULLIFY, Epoch(0), view, View(0), ZERO_HASH))
            if view % VALIDATORS == self._byzantine:
                for proposal in self._proposals(view, said):
                    everything.setdefault(proposal)
        seen = [message.vote.statement for message in everything if isinstance(message, Proposal)]
        for statement in seen:
            self._add(everything, statement)
            self._add(everything, replace(statement, kind=Kind.FINALIZE))
        return everything

    def _add(self, said: dict[Message, None], statement: Statement) -> None:
        said.setdefault(Vote(statement, self._byzantine, UNSIGNED))

    def _proposals(self, view: View, said: Mapping[Message, None]) -> Iterator[Proposal]:
        """Yield proposals on every parent that can be justified with what was said."""
        certificates = {
            (message.statement.kind, message.statement.view, message.statement.digest): message
            for message in said
            if isinstance(message, Certificate)
        }
        skipped: list[Certificate] = []
        for parent_view in range(view - 1, -1, -1):
            if parent_view == 0:
                yield from self._blocks(view, Block(GENESIS, b"", b""), None, skipped)
                return
            for (kind, certified, digest), certificate in certificates.items():
                if certified == parent_view and kind is not Kind.NULLIFY:
                    yield from self._blocks(view, self._ledger.blocks[digest], certificate, skipped)
            nullification = certificates.get((Kind.NULLIFY, View(parent_view), ZERO_HASH))
            if nullification is None:
                return
            skipped = [nullification, *skipped]

    def _blocks(
        self, view: View, parent: Block, certificate: Certificate | None, skipped: Sequence[Certificate]
    ) -> Iterator[Proposal]:
        for number in range(OWN_BLOCKS):
            block = make_block(
                parent.facts, epoch=0, view=view, timestamp_ms=START_MS + VIEW_MS * view, transactions=(100 + number,)
            )
            self._ledger.blocks[block.facts.digest] = block
            parent_view = View(0) if certificate is None else certificate.statement.view
            statement = Statement(Kind.NOTARIZE, Epoch(0), view, parent_view, block.facts.digest)
            vote = Vote(statement, self._byzantine, UNSIGNED)
            yield Proposal(vote, block.header, len(block.body), certificate, tuple(skipped))


CRASH = "crashes"


def _restart(host: Host) -> None:
    host.start(VALIDATORS)


def _receive(messages: Sequence[Message], host: Host) -> None:
    for message in messages:
        host.receive(message)


def _fire(kind: TimerKind, host: Host) -> None:
    host.fire(kind)


def _take_block(digest: bytes, host: Host) -> None:
    host.take_block(next(known for known in host.asked_blocks if known == digest))


def _is_wanted(host: Host, message: Message) -> bool:
    """Tell whether a message can change what a host does."""
    machine, state = host.machine, host.machine.state
    if isinstance(message, Vote):
        if message.signer == host.index or message.statement.view > VIEWS:
            return False
        # An old nullify is answered with what its sender was told anyway.
        is_old = message.statement.kind is Kind.NULLIFY and message.statement.view < state.view
        return not is_old and machine.wants_vote(message.statement, message.signer)
    if isinstance(message, Certificate):
        return machine.wants_certificate(message.statement)
    statement = message.vote.statement
    if message.vote.signer == host.index or not machine.wants_proposal(statement):
        return False
    is_first = statement.view >= state.view and statement.view not in state.held
    return is_first or statement.digest not in state.blocks


def _is_effective(host: Host, statement: Statement, chosen: Sequence[Vote]) -> bool:
    """Tell whether votes, added to those for the same statement, complete a quorum or make the host give up too."""
    state = host.machine.state
    signers = {vote.signer for vote in chosen}
    known = set(state.book.signatures_of(statement))
    if len(known | signers) >= state.validators.quorum:
        return (statement.kind, statement.view) not in state.certificates
    if statement.kind is not Kind.NULLIFY or statement.view != state.view or state.has_own(state.view, Kind.NULLIFY):
        return False
    return len(known | signers) > state.validators.faulty_max or state.validators.leader(state.view) in signers


def _collected(host: Host, said: Mapping[Message, None]) -> Mapping[Message, None]:
    """Return what was said with what a host has just said; a proposal says its vote too."""
    outbox, host.outbox = host.outbox, []
    if all(one.message in said for one in outbox):
        return said
    everything = dict(said)
    for one in outbox:
        everything.setdefault(one.message)
    return everything


def _named(statement: Statement) -> str:
    return f"{statement.kind.name.lower()} {statement.view} {statement.digest.hex()[:6]}"


def _shown(message: Certificate | Proposal) -> str:
    if isinstance(message, Certificate):
        return f"certificate {_named(message.statement)}"
    return f"proposal {_named(message.vote.statement)}"


def run_explore(wanted: str, say: Callable[[str], None]) -> tuple[int, int]:
    """Explore with each validator as the Byzantine one; return how many states passed and failed.

    `wanted` is a set or the number of states for all four together. Raises: ValueError if it is neither.
    """
    states = STATES[wanted] if wanted in STATES else int(wanted)
    passed = failed = 0
    for byzantine in range(VALIDATORS):
        # The remainder of the division is not visited.
        explored = Explorer(byzantine, states_max=states // VALIDATORS).run(say)
        end = "complete" if explored.is_complete else "the budget ends here"
        say(
            f"v{byzantine} Byzantine: {explored.states} states to depth {explored.depth}, "
            f"{explored.finalizing} with a final block, {end}"
        )
        passed, failed = passed + explored.states, failed + len(explored.broken)
    return passed, failed
