"""Crashes at every point of a scripted life: one validator, or everybody, stops there, starts again, and must go on.

The script is played once while every effect, change of the disk and frame of one validator is numbered. At each number
the interpreter forks: the child crashes there, starts the validator again from its disk and is judged by all checkers;
the parent plays on. A point named by its number is played from the beginning without a fork, and does the same.
"""

import errno
import gc
import json
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from consensus.simplex.messages import Kind
from network.channels import Channel
from node.storage import guard_file
from node.storage.errors import StorageError
from node.storage.memory_files import PowerCut
from tests.simulator import cluster as cluster_module
from tests.simulator.cluster import SimulatedNode
from tests.simulator.ledger_model import Payment
from tests.simulator.numbered import (
    EFFECT,
    SEND,
    ChosenDisk,
    Mode,
    NumberedDisk,
    Point,
    Points,
    Side,
    number_life,
)
from tests.simulator.patches import Patch, patched_all, shared_signature_checks
from tests.simulator.scenarios.stage import Stage
from tests.simulator.world import Broken, Trace, no_escape

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
EVERYBODY_ONE_IN = 16
"""Points at which, with every change, everybody loses power; at night at every one."""
REFUSED_ONE_IN = 3
"""Points at which, with every change, the disk refuses, if it is an operation of the disk; at night at every one."""
SECOND_WITHIN = 24
"""Points after a start within which a second crash comes: the log's five, the guard's three, and the first turns."""
BINDING = ("votes", "proposals", "chunks")
"""Channels of frames that bind their sender, or without which its proposal is worth nothing."""
CHILD_SECONDS_MAX = 120
"""Real seconds after which a forked run is ended: a hundred times what one takes."""

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one crash."""

    crash: Crash
    point: str
    """What was about to happen, or had just happened."""
    checker: str
    """Empty if everything held."""
    detail: str


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
        self.points.reached = _ignore
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
                points.reached = _ignore
                self._cut(crash.mode)

        points.reached = reached
        try:
            self.victim.start()
            self.stage.run(REJOIN_MS, lambda: points.count > last)
        except PowerCut:
            self._is_cut = False
        points.reached = _ignore
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
                    node.submit(payment.raw, _ignore)
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


def _ignore(_what: object) -> None:
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


# One crash


def play_crash(crash: Crash, *, is_traced: bool = False) -> Verdict:
    """Play the script from the beginning up to one crash, and what must hold after it."""
    with small_world():
        script = Script(crash.victim)
        if is_traced:
            script.stage.world.trace = Trace(is_printed=True)

        def reached(point: Point) -> None:
            if (point.number, point.side) == (crash.number, crash.side):
                script.strike(crash, point)

        script.points.reached = reached
        checker, detail = _outcome(script.play_until_struck)
        if not checker and script.struck is None:
            checker, detail = "no_such_point", f"the script has {script.points.count} points"
        if not checker:
            checker, detail = _outcome(lambda: script.go_on(crash))
        return Verdict(crash, "" if script.struck is None else script.struck.shown(), checker, detail)


def _outcome(play: Callable[[], None]) -> tuple[str, str]:
    """Return which checker objects to what; both are empty if none does."""
    try:
        play()
    except Broken as broken:
        return broken.checker, broken.detail
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "simulation", f"{type(error).__name__}: {error} at {last.filename}:{last.lineno}"
    return "", ""


@contextmanager
def small_world() -> Iterator[None]:
    """Small logs and guards, nothing of the real world, one check of each signature."""
    small = (
        Patch(cluster_module, "SEGMENT_BYTES", SEGMENT_BYTES),
        Patch(guard_file, "GUARD_BYTES_MAX", GUARD_BYTES_MAX),
    )
    with shared_signature_checks(), no_escape(), patched_all(small):
        yield


# All crashes

Chooses = Callable[[Point, Script], Sequence[Crash]]
"""The crashes to be tried at a point."""


class _Child:
    """A forked interpreter that plays one crash to its end."""

    def __init__(self, crash: Crash, point: Point, process_id: int, answers: int) -> None:
        self._crash = crash
        self._point = point
        self._process_id = process_id
        self._answers = answers

    def verdict(self) -> Verdict:
        """Wait for its end; a child that says nothing has failed."""
        told = b""
        while piece := os.read(self._answers, 65_536):
            told += piece
        os.close(self._answers)
        _, status = os.waitpid(self._process_id, 0)
        if not told:
            return Verdict(self._crash, self._point.shown(), "lost", f"its interpreter ended with status {status}")
        checker, detail = json.loads(told)
        return Verdict(self._crash, self._point.shown(), checker, detail)


def play_crashes(victim: int, chooses: Chooses, tell: Callable[[Verdict], None], *, jobs: int) -> None:
    """Play the script once, and at each of its points every crash that `chooses` names, `jobs` at a time.

    Every crash has its own process, forked where it happens: the way there is walked once for all of them.
    Raises: Broken if the script itself fails.
    """
    with small_world(), _frozen_garbage():
        script = Script(victim)
        children: deque[_Child] = deque()
        own: list[tuple[Crash, int]] = []

        def reached(point: Point) -> None:
            for crash in chooses(point, script):
                if len(children) >= jobs:
                    tell(children.popleft().verdict())
                answers, answer = os.pipe()
                process_id = os.fork()
                if process_id == 0:
                    signal.alarm(CHILD_SECONDS_MAX)
                    own.append((crash, answer))
                    script.strike(crash, point)
                    return
                os.close(answer)
                children.append(_Child(crash, point, process_id, answers))

        script.points.reached = reached
        outcome = _outcome(script.play_until_struck)
        if own:
            _answer_and_exit(script, *own[0], outcome)
        for child in children:
            tell(child.verdict())
        if outcome[0]:
            raise Broken(*outcome)


def _answer_and_exit(script: Script, crash: Crash, answer: int, outcome: tuple[str, str]) -> None:
    """Play a forked crash to its end, tell the parent, and leave without running anything of the parent's."""
    if not outcome[0]:
        outcome = _outcome(lambda: script.go_on(crash))
    os.write(answer, json.dumps(outcome).encode())
    os._exit(0)


@contextmanager
def _frozen_garbage() -> Iterator[None]:
    """Leave all objects where they are, so that forked interpreters share them."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


# Which crashes


def crashes_of_change(victim: int) -> Chooses:
    """Choose what is tried with every change.

    Every point at which the disk or what binds the validator has changed, once; both modes where they differ. At some
    of them everybody stops, and at some the disk refuses instead, with one error or the other.
    """
    last = -1

    def choose(point: Point, script: Script) -> list[Crash]:
        nonlocal last
        if point.kind == EFFECT or (point.kind == SEND and not point.what.startswith(BINDING)):
            return []
        crashes = (
            _refusals(victim, point)[point.number % len(REFUSALS) :][:1] if point.number % REFUSED_ONE_IN == 0 else []
        )
        if script.points.change_count == last and point.side is Side.BEFORE:
            # Nothing has changed since the point before.
            return crashes
        last = script.points.change_count
        modes = (Mode.CLEAN, Mode.LOST) if script.has_unsynced() else (Mode.LOST,)
        crashes += [Crash(victim, point.number, point.side, mode) for mode in modes]
        if point.number % EVERYBODY_ONE_IN == 0:
            crashes.append(Crash(victim, point.number, point.side, Mode.LOST, is_everybody=True))
        return crashes

    return choose


def crashes_of_night(victim: int) -> Chooses:
    """Choose every point on both sides and in every mode, one victim or all, every refusal and every second crash."""

    def choose(point: Point, _script: Script) -> list[Crash]:
        single = [Crash(victim, point.number, point.side, mode) for mode in Mode]
        together = [replace(crash, is_everybody=True) for crash in single]
        pairs = [
            replace(single[1], second=second)
            for second in range(SECOND_WITHIN)
            if point.kind != EFFECT and point.side is Side.AFTER
        ]
        return [*single, *together, *pairs, *_refusals(victim, point)]

    return choose


def _refusals(victim: int, point: Point) -> list[Crash]:
    """Return how the disk can refuse what comes at a point; effects and frames are not its business."""
    if point.side is Side.AFTER or point.kind in (EFFECT, SEND):
        return []
    return [Crash(victim, point.number, point.side, Mode.CLEAN, refusal=refusal) for refusal in REFUSALS]


CRASH_SETS: Mapping[str, tuple[Sequence[int], Callable[[int], Chooses]]] = {
    "change": ((0,), crashes_of_change),
    "nightly": (range(VALIDATORS), crashes_of_night),
}
"""Whose points, and which crashes at them."""


def run_crash_points(wanted: str, say: Callable[[str], None], *, jobs: int, is_traced: bool = False) -> tuple[int, int]:
    """Play a set of crashes, or one by its name; report those that fail and return how many passed and failed.

    Raises: ValueError if there is no such set and no such crash.
    """
    passed = 0
    failed: list[Verdict] = []

    def tell(verdict: Verdict) -> None:
        nonlocal passed
        if not verdict.checker:
            passed += 1
            return
        failed.append(verdict)
        say(f"crash {verdict.crash.name()} {verdict.point} FAILED {verdict.checker}: {verdict.detail}")
        say(f"    python -m tests.simulator --crash-points {verdict.crash.name()} --trace")

    if wanted not in CRASH_SETS:
        tell(play_crash(parse_crash(wanted), is_traced=is_traced))
        return passed, len(failed)
    victims, chooses = CRASH_SETS[wanted]
    for victim in victims:
        play_crashes(victim, chooses(victim), tell, jobs=jobs)
    return passed, len(failed)
