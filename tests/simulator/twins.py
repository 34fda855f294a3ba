"""Twins, exhaustively: one key on two hosts, and every way in which five instances can be cut into cells, view by view.

Both twins follow the protocol, except that neither stops when it hears of the other; together they equivocate. In each
of the first views every instance hears its own cell
only; then everybody hears everybody, and the honest ones must finalize on one chain. Source: testing.md §5; the idea is
that of "Twins: BFT Systems Made Robust" (Bano and others, 2021).
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from consensus.simplex.events import TimerKind
from consensus.simplex.messages import Proposal, Vote
from tests.simulator.checkers import exclude_each_other
from tests.simulator.small_scope import Host, Ledger, Said, copied_host, require_agreement
from tests.simulator.world import Broken

VALIDATORS = 4
INSTANCES = VALIDATORS + 1
HEIGHTS_DUE = 5
"""Heights that must become final once all cells have joined."""

TIMEOUTS_MAX = 400
"""Timers that may fire until then: twelve resends and time-outs of five instances in each of six views."""

DELIVERIES_MAX = 20_000
"""Messages between two timers; a healthy exchange needs a few hundred, more is a storm without end."""

Cells = tuple[int, ...]
"""The cell of each instance; the first two are the twins."""

PACING = (TimerKind.LEADER, TimerKind.ADVANCE, TimerKind.PROPOSE, TimerKind.WAKE)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is to try."""

    before: int
    """Assignments of every instance to a cell in every view, for every place of the twins' key."""
    after: int
    """Without those that only name cells or the two twins differently.

    No two honest validators are equal: each leads another view, of those under test or of those that follow.
    """


def count_schedules(views: int, cells: int) -> Counts:
    """Count without listing."""
    before = VALIDATORS * cells ** (INSTANCES * views)
    after = VALIDATORS * sum(1 for _ in _walk(views, cells))
    return Counts(before, after)


def _walk(views: int, cells: int, is_symmetric: bool = True) -> Iterator[tuple[Cells, ...]]:
    """Yield every schedule that is the first of those equal to it."""
    if views == 0:
        yield ()
        return
    for assignment in assignments(cells, is_symmetric=is_symmetric):
        is_still = is_symmetric and _mirrored(assignment) == assignment
        for rest in _walk(views - 1, cells, is_still):
            yield (assignment, *rest)


def assignments(cells: int, *, is_symmetric: bool) -> list[Cells]:
    """Return the ways to cut the instances into at most so many unnamed cells.

    While nothing has told the twins apart, of two ways that only swap them the first is returned.
    """
    found: list[Cells] = []

    def extend(prefix: Cells) -> None:
        if len(prefix) == INSTANCES:
            found.append(prefix)
            return
        for cell in range(min(max(prefix, default=-1) + 2, cells)):
            extend((*prefix, cell))

    extend(())
    if is_symmetric:
        found = [cells for cells in found if cells <= _mirrored(cells)]
    return found


def _mirrored(cells: Cells) -> Cells:
    """Return the same cells with the twins swapped, named in the order of the instances."""
    names: dict[int, int] = {}
    return tuple(names.setdefault(cell, len(names)) for cell in (cells[1], cells[0], *cells[2:]))


class Network:
    """Five instances of four validators, and what is between them."""

    def __init__(self, hosts: list[Host], heard: list[set[Vote]]) -> None:
        self.hosts = hosts
        self.heard = heard
        """Votes of the twins' key that reached each instance."""
        self._cells: Cells = (0,) * INSTANCES
        self._view_last = 0
        self._mail: deque[tuple[Host, Said]] = deque()

    def copied(self) -> "Network":
        """Return a network that goes its own way."""
        return Network([copied_host(host) for host in self.hosts], [set(votes) for votes in self.heard])

    def run_view(self, view: int, cells: Cells) -> None:
        """Let everybody do what can be done in `view` within its cell, time-outs included. Raises: Broken."""
        self._cells, self._view_last = cells, view
        self._settle()
        while (due := self._next_timer(PACING)) is not None:
            self._fire(*due)
        for host in self.hosts:
            if TimerKind.RESEND in host.timers and host.machine.state.view <= view:
                self._fire(host, TimerKind.RESEND)

    def join(self) -> None:
        """Join all cells and expect finality. Raises: Broken."""
        honest = [host for host in self.hosts if host.is_honest]
        due = max(len(host.chain) for host in honest) + HEIGHTS_DUE
        self._cells, self._view_last = (0,) * INSTANCES, 1_000_000
        for host in self.hosts:
            if TimerKind.RESEND in host.timers:
                self._fire(host, TimerKind.RESEND)
        self._settle()
        for _ in range(TIMEOUTS_MAX):
            if min(len(host.chain) for host in honest) >= due:
                return
            timer = self._next_timer((*PACING, TimerKind.RESEND))
            if timer is None:
                break
            self._fire(*timer)
        raise Broken("progress", f"{[len(host.chain) - 1 for host in honest]} heights, {due - 1} are due")

    def require_blame(self) -> None:
        """Raises: Broken unless exactly the twins are accused, by every honest instance that heard the proof."""
        guilty = self.hosts[0].index
        for host, heard in zip(self.hosts, self.heard, strict=True):
            if not host.accused <= {guilty}:
                raise Broken("blame_exact", f"instance {host.name} accuses {sorted(host.accused)}")
            is_proven = any(
                one.statement.view == other.statement.view and exclude_each_other(one.statement, other.statement)
                for one, other in combinations(heard, 2)
            )
            if host.is_honest and is_proven and guilty not in host.accused:
                raise Broken("evidence_complete", f"instance {host.name} heard the twins contradict each other")

    def _settle(self) -> None:
        """Deliver until nothing is on its way and nothing is asked that a cell can answer."""
        for _ in range(DELIVERIES_MAX):
            if not self._mail and not self._collect():
                return
            if self._mail:
                receiver, said = self._mail.popleft()
                self._deliver(receiver, said)
        raise Broken("steps", f"{DELIVERIES_MAX} deliveries and no end")

    def _collect(self) -> bool:
        """Put on the wire what hosts have said, and answer what they asked; tell whether there was anything."""
        was_any = False
        for host in self.hosts:
            said, host.outbox = host.outbox, []
            cell = [other for other in self.hosts if other is not host and self._is_heard(host, other)]
            for one in said:
                self._mail.extend((other, one) for other in cell if one.to in (None, other.index))
            for asked in [asked for asked in host.asked_builds if asked.view <= self._view_last]:
                host.build(asked)
                was_any = True
            was_any |= bool(said) | self._answer(host, cell)
        require_agreement(self.hosts)
        return was_any

    def _answer(self, host: Host, cell: list[Host]) -> bool:
        was_any = False
        for digest in list(host.asked_blocks):
            if any(other.has_block(digest) for other in cell):
                host.take_block(digest)
                was_any = True
        if host.asked_certificates is not None:
            first, last = host.asked_certificates
            found = {
                certificate.statement: certificate
                for other in cell
                for certificate in other.certificates_for(first, last)
            }
            host.asked_certificates = None
            for certificate in found.values():
                was_any |= host.receive(certificate)
        return was_any

    def _deliver(self, receiver: Host, said: Said) -> None:
        message = said.message
        vote = message if isinstance(message, Vote) else message.vote if isinstance(message, Proposal) else None
        if vote is not None and vote.signer == self.hosts[0].index:
            self.heard[receiver.name].add(vote)
        receiver.receive(message)

    def _is_heard(self, sender: Host, receiver: Host) -> bool:
        return self._cells[sender.name] == self._cells[receiver.name]

    def _next_timer(self, kinds: tuple[TimerKind, ...]) -> tuple[Host, TimerKind] | None:
        """Return the timer that fires first, of those in views that may be worked on."""
        armed = [
            (at_ms, host.name, kind.value, host, kind)
            for host in self.hosts
            for kind, (view, at_ms) in host.timers.items()
            if kind in kinds and view <= self._view_last
        ]
        if not armed:
            return None
        *_, host, kind = min(armed, key=lambda timer: timer[:3])
        return host, kind

    def _fire(self, host: Host, kind: TimerKind) -> None:
        at_ms = host.timers[kind][1]
        for other in self.hosts:
            other.now_ms = max(other.now_ms, at_ms)
        host.fire(kind)
        self._settle()


def begin(place: int) -> Network:
    """Return a network whose twins have the key of validator `place`."""
    ledger = Ledger()
    indices = [place, place, *(index for index in range(VALIDATORS) if index != place)]
    hosts = [Host(index, name, ledger, is_honest=name > 1) for name, index in enumerate(indices)]
    for host in hosts:
        host.start(VALIDATORS)
    return Network(hosts, [set() for _ in hosts])


# The search


@dataclass(slots=True)
class Found:
    """What a search came to."""

    schedules: int = 0
    """Schedules that were played."""
    accusing: int = 0
    """Of those, the ones in which somebody honest accuses the twins."""
    failed: int = 0


def search(views: int, cells: int, say: Callable[[str], None], *, one_in: int = 1) -> Found:
    """Play every schedule, or one in so many; what is common to several once. Failures are told and counted."""
    found = Found()
    for place in range(VALIDATORS):
        _Search(views, cells, place, one_in, found, say).go_on(begin(place), ())
    return found


class _Search:
    """Depth first over the views, for one place of the twins' key."""

    def __init__(
        self, views: int, cells: int, place: int, one_in: int, found: Found, say: Callable[[str], None]
    ) -> None:
        self._views = views
        self._cells = cells
        self._place = place
        self._one_in = one_in
        self._reached = 0
        self._found = found
        self._say = say

    def go_on(self, network: Network, schedule: tuple[Cells, ...], *, is_symmetric: bool = True) -> None:
        """Play every continuation of a schedule."""
        if len(schedule) == self._views:
            self._found.schedules += 1
            self._try(schedule, lambda: self._end(network))
            return
        for cells in assignments(self._cells, is_symmetric=is_symmetric):
            self._branch(network, (*schedule, cells), is_symmetric=is_symmetric and _mirrored(cells) == cells)

    def _branch(self, network: Network, schedule: tuple[Cells, ...], *, is_symmetric: bool) -> None:
        if len(schedule) == self._views:
            self._reached += 1
            # The remainder spreads what is played evenly over all schedules.
            if self._reached % self._one_in:
                return
        branch = network.copied()
        if self._try(schedule, lambda: branch.run_view(len(schedule), schedule[-1])):
            self.go_on(branch, schedule, is_symmetric=is_symmetric)
        else:
            # What lies behind a failure is not played; the failure stands for all of it.
            self._found.schedules += 1

    def _end(self, network: Network) -> None:
        network.join()
        network.require_blame()
        self._found.accusing += any(host.accused for host in network.hosts if host.is_honest)

    def _try(self, schedule: tuple[Cells, ...], play: Callable[[], None]) -> bool:
        try:
            play()
        except Broken as broken:
            self._found.failed += 1
            name = schedule_name(self._place, schedule)
            self._say(f"twins {name} FAILED {broken.checker}: {broken.detail}")
            self._say(f"    python -m tests.simulator --twins {name}")
            return False
        return True


def schedule_name(place: int, schedule: tuple[Cells, ...]) -> str:
    """Return what the command line calls a schedule: whose key, then the cell of each instance in each view."""
    return ":".join((f"v{place}", *("".join(map(str, cells)) for cells in schedule)))


def play_schedule(name: str) -> Network:
    """Play one schedule by its name and return the joined network. Raises: Broken, ValueError."""
    key, *views = name.split(":")
    place = int(key.removeprefix("v"))
    if not 0 <= place < VALIDATORS:
        raise ValueError(f"validator {place}, must be below {VALIDATORS}")
    network = begin(place)
    for view, cells in enumerate(views, start=1):
        if len(cells) != INSTANCES:
            raise ValueError(f"{cells} in {name}, must be a cell for each of {INSTANCES} instances")
        network.run_view(view, tuple(int(cell) for cell in cells))
    network.join()
    network.require_blame()
    return network


TWIN_SETS: Mapping[str, Sequence[tuple[int, int, int]]] = {
    "change": ((2, 2, 1), (3, 2, 11)),
    "nightly": ((3, 2, 1), (2, 3, 1), (4, 2, 7), (3, 3, 7)),
}
"""Views, cells, and one schedule in how many is played."""


def run_twins(wanted: str, say: Callable[[str], None]) -> tuple[int, int]:
    """Play a set of schedules, or one by its name; report those that fail and return how many passed and failed.

    Raises: ValueError if there is no such set and no such schedule.
    """
    passed = failed = 0
    if wanted not in TWIN_SETS:
        try:
            play_schedule(wanted)
        except Broken as broken:
            say(f"twins {wanted} FAILED {broken.checker}: {broken.detail}")
            return 0, 1
        return 1, 0
    for views, cells, one_in in TWIN_SETS[wanted]:
        counts = count_schedules(views, cells)
        say(f"{views} views, {cells} cells: {counts.before} schedules, {counts.after} by symmetry, one in {one_in}")
        found = search(views, cells, say, one_in=one_in)
        say(f"    {found.schedules} played, {found.accusing} with an accusation")
        passed, failed = passed + found.schedules - found.failed, failed + found.failed
    return passed, failed
