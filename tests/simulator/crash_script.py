"""The life that crashes are played in: a script of twelve blocks, and what must hold after a crash anywhere in it.

It holds every kind of thing that a crash can come between: payments, a view whose leader nobody hears, two blocks final
by one finalization, a log that rotates and is pruned, a guard that is replaced, and a new epoch.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from consensus.simplex.messages import Kind
from network.channels import Channel
from node.storage import guard_file
from node.storage.errors import StorageError
from node.storage.memory_files import PowerCut
from tests.simulator import simulated_node
from tests.simulator.ledger_model import Payment
from tests.simulator.numbered import ChosenDisk, Mode, NumberedDisk, Point, Points, Side, number_life
from tests.simulator.patches import Patch, patched_all, shared_signature_checks
from tests.simulator.scenarios.stage import Stage
from tests.simulator.simulated_node import SimulatedNode
from tests.simulator.world import Broken, no_escape

VALIDATORS = 4
HEIGHTS = 12
"""Blocks in the script: three before anything happens, a lost view, a block final through its child, a new epoch."""
EPOCH_BLOCKS = 10
"""So that the script has one last block of an epoch, behind everything else."""

SEGMENT_BYTES = 8 * 1024
GUARD_BYTES_MAX = 1_500
"""Small, so that within twelve blocks the log rotates and is pruned and the guard is replaced."""

SETTLE_MS = 10_000
"""Within which a payment of the script is final; a lost view costs three seconds."""
DOWN_MS = 200
"""How long a crashed validator is down."""
REJOIN_MS = 30_000
"""Within which it has rejoined and everything is final: links, a leader time-out, a repetition."""

REFUSALS = (errno.EIO, errno.ENOSPC)


@dataclass(frozen=True, slots=True)
class Crash:
    """What happens at which point of the script."""

    victim: int
    number: int
    side: Side
    mode: Mode
    is_everybody: bool = False
    """Whether all validators stop at that instant."""
    refusal: int = 0
    """EIO or ENOSPC: the disk refuses the operation, and the process has to end itself; 0 for none."""
    second: int | None = None
    """How many points after the restart the validator crashes once more."""

    def name(self) -> str:
        """Return what the command line calls it."""
        parts = [f"v{self.victim}", str(self.number), self.side.value, self.mode.value]
        if self.is_everybody:
            parts.append("everybody")
        if self.refusal:
            parts.append(errno.errorcode[self.refusal])
        if self.second is not None:
            parts.append(f"again{self.second}")
        return ":".join(parts)


def parse_crash(name: str) -> Crash:
    """Return the crash of a name. Raises: ValueError."""
    if name.count(":") < 3:
        raise ValueError(f"{name} is no crash: validator, point, side and mode are needed, as in v0:31:after:lost")
    victim, number, side, mode, *rest = name.split(":")
    crash = Crash(int(victim.removeprefix("v")), int(number), Side(side), Mode(mode))
    refusals = {errno.errorcode[code]: code for code in REFUSALS}
    for word in rest:
        if word == "everybody":
            crash = replace(crash, is_everybody=True)
        elif word in refusals:
            crash = replace(crash, refusal=refusals[word])
        elif word.startswith("again"):
            crash = replace(crash, second=int(word.removeprefix("again")))
        else:
            raise ValueError(f"{word} in {name}, must be everybody, {', '.join(refusals)} or again with a number")
    if not 0 <= crash.victim < VALIDATORS:
        raise ValueError(f"validator {crash.victim}, must be below {VALIDATORS}")
    return crash


class Script:
    """The scripted life, and what must hold after a crash in it."""

    def __init__(self, victim: int) -> None:
        self.stage = Stage(VALIDATORS, epoch_blocks=EPOCH_BLOCKS)
        self.points = Points()
        self.payments: list[Payment] = []
        self.victim = self.stage.nodes[victim]
        for node in self.stage.nodes:
            node.disk = NumberedDisk(self.points) if node is self.victim else ChosenDisk()
            node.prepare()
        self.victim.started = lambda: number_life(self.victim, self.points)
        self.victim.power_cut = _raise_power_cut  # type: ignore[method-assign]  # nobody else starts it again
        self._failed = self.victim.failed
        self.victim.failed = self._ended  # type: ignore[method-assign]  # an end that was asked for is none
        self.struck: Point | None = None
        """Where the crash happened."""
        self._is_cut = False
        """Whether the victim has just stopped and nobody has noticed."""

    def play(self) -> None:
        """Payments, a view whose leader nobody hears, a block that is final through its child, a new epoch."""
        stage = self.stage
        stage.start()
        for _ in range(3):
            self._pay()
        while stage.leader(stage.view) == self.victim.index:
            self._pay()
        self._lose_a_view(stage.leader(stage.view))
        self._pay()
        self._finalize_through_child()
        while self.victim.height < HEIGHTS:
            self._pay()
        assert self.victim.node is not None and self.victim.node.machine.validators.epoch == 1, "an epoch was to end"

    def _pay(self) -> None:
        payment = self._submit()
        self.stage.settle(payment, SETTLE_MS)

    def _submit(self) -> Payment:
        payment = self.stage.pay(*self.stage.others())
        self.payments.append(payment)
        return payment

    def _lose_a_view(self, leader: int) -> None:
        proposals = (Channel.PROPOSALS, Channel.CHUNKS, Channel.REPLIES)
        rule = self.stage.lose(lambda frame: frame.sender == leader and frame.channel in proposals)
        before = self.stage.cluster.checkers.nullify_votes
        self._pay()
        assert self.stage.cluster.checkers.nullify_votes > before, "the view was to be nullified"
        self.stage.restore(rule)

    def _finalize_through_child(self) -> None:
        stage, view = self.stage, self.stage.view
        rule = stage.lose(
            lambda frame: (
                frame.says(Channel.VOTES, Kind.FINALIZE, view) or frame.says(Channel.CERTIFICATES, Kind.FINALIZE, view)
            )
        )
        first = self._submit()
        stage.require("progress", lambda: stage.view > view, SETTLE_MS, "a view is not left")
        second = self._submit()
        for payment in (first, second):
            stage.settle(payment, SETTLE_MS)
        assert stage.view_of(first) == view, "the block was to be of the view whose finalize votes are lost"
        stage.restore(rule)

    # The crash

    def play_until_struck(self) -> None:
        """Play to the end, or to the crash. Raises: Broken if the crash does not stop the process."""
        try:
            self.play()
        except PowerCut:
            return
        except StorageError:
            # It did not even start from a disk that refuses.
            if self.struck is None:
                raise
            return
        if self.struck is not None and not self._is_cut:
            raise Broken("node_failed", f"{self.victim.name} goes on after {self.struck.shown()} was refused")

    def strike(self, crash: Crash, point: Point) -> None:
        """Let the crash happen at this point. Raises: PowerCut, unless the disk is to refuse what comes now."""
        self.points.reached = ignore
        self.struck = point
        if not crash.refusal:
            self._cut(crash.mode)
        assert isinstance(self.victim.disk, NumberedDisk)
        self.victim.disk.refuse_next(point.kind, crash.refusal)

    def _cut(self, mode: Mode) -> None:
        """Stop the victim in the middle of whatever it does. Raises: PowerCut."""
        _stop(self.victim, mode)
        world = self.stage.world
        self._is_cut = True
        # A job keeps to itself what it raises; then this ends the playing at the same instant.
        world.schedule(world.now_us, self._raise_if_cut)
        raise PowerCut

    def _raise_if_cut(self) -> None:
        if self._is_cut:
            raise PowerCut

    def has_unsynced(self) -> bool:
        """Tell whether a power cut now could take anything from the disk of whom the points are of."""
        assert isinstance(self.victim.disk, NumberedDisk)
        return self.victim.disk.has_unsynced()

    def _ended(self, error: BaseException) -> None:
        if self.struck is None or not isinstance(error, StorageError):
            self._failed(error)
        raise PowerCut

    def go_on(self, crash: Crash) -> None:
        """Stop who crashes, start it again, and expect everything to be as if it had not. Raises: Broken."""
        self._is_cut = False
        stage = self.stage
        stopped = stage.nodes if crash.is_everybody else [self.victim]
        was_final = {raw for final in stage.cluster.checkers.finals.values() for raw in final.transactions}
        stage.restore()
        for node in stopped:
            _stop(node, crash.mode)
        stage.run(DOWN_MS)
        # Whoever had not been started when the crash came is started now too.
        for node in [node for node in stage.nodes if not node.is_up]:
            self._start(node, crash)
        self._settle(crash)
        located = stage.cluster.checkers.finals.values()
        lost = was_final - {raw for final in located for raw in final.transactions}
        if lost:
            raise Broken("final_stays_final", f"{len(lost)} payments that were final before the crash are not any more")
        self._require_same_after_power_cut()

    def _start(self, node: SimulatedNode, crash: Crash) -> None:
        if node is not self.victim or crash.second is None:
            node.start()
            return
        self._start_and_crash_again(crash, crash.second)

    def _start_and_crash_again(self, crash: Crash, after: int) -> None:
        points, last = self.points, self.points.count + after

        def reached(point: Point) -> None:
            if point.number == last and point.side is Side.BEFORE:
                points.reached = ignore
                self._cut(crash.mode)

        points.reached = reached
        try:
            self.victim.start()
            self.stage.run(REJOIN_MS, lambda: points.count > last)
        except PowerCut:
            self._is_cut = False
        points.reached = ignore
        _stop(self.victim, crash.mode)
        self.stage.run(DOWN_MS)
        self.victim.start()

    def _settle(self, crash: Crash) -> None:
        """Submit again what is not final, as clients do, pay once more, and wait for all of it on every disk."""
        stage = self.stage
        stage.run(DOWN_MS)
        for payment in self.payments:
            if not stage.is_final(payment, *stage.others()):
                for node in stage.nodes:
                    node.submit(payment.raw, ignore)
        for _ in range(2):
            self._submit()
        due = list(self.payments)

        def is_settled() -> bool:
            while due and stage.is_final(due[0], *stage.others()):
                due.pop(0)
            return not due

        stage.require("progress", is_settled, REJOIN_MS, f"after {crash.name()} {len(due)} payments are not final")
        heights = [node.height for node in stage.nodes]
        if max(heights) - min(heights) > 1:
            raise Broken("progress", f"after {crash.name()}: heights {heights}")
        if stage.cluster.checkers.votes_checked == 0:
            raise Broken("progress", "nobody voted")

    def _require_same_after_power_cut(self) -> None:
        """Stop everybody once more, compare the disks, and start from them. Raises: Broken."""
        stage = self.stage
        for node in stage.nodes:
            _stop(node, Mode.LOST)
        stage.cluster.checkers.check_disks((node.index, node.disk) for node in stage.nodes)
        heights = [node.height for node in stage.nodes]
        for node in stage.nodes:
            node.start()
        for node, height in zip(stage.nodes, heights, strict=True):
            if node.node is None or node.node.tree.final_height != height:
                raise Broken("restart_equal", f"{node.name} was at {height} and starts at {node.height}")
        stage.run(DOWN_MS)
        stage.cluster.close()


def ignore(_what: object) -> None:
    """Do nothing."""


def _raise_power_cut() -> None:
    raise PowerCut


def _stop(node: SimulatedNode, mode: Mode) -> None:
    """Stop a validator wherever it is, be it in the middle of its start."""
    assert isinstance(node.disk, ChosenDisk)
    node.disk.mode = mode
    if node.transport is not None:
        node.crash()
    else:
        node.disk.crash(node.cluster.world.generator("start"))


@contextmanager
def small_world() -> Iterator[None]:
    """Small logs and guards, nothing of the real world, one check of each signature."""
    small = (
        Patch(simulated_node, "SEGMENT_BYTES", SEGMENT_BYTES),
        Patch(guard_file, "GUARD_BYTES_MAX", GUARD_BYTES_MAX),
    )
    with shared_signature_checks(), no_escape(), patched_all(small):
        yield
