"""Crashes at every point of a scripted life: one validator, or everybody, stops there, starts again, and must go on.

The script is played once while every effect, change of the disk and frame of one validator is numbered. At each number
the interpreter forks: the child crashes there, starts the validator again from its disk and is judged by all checkers;
the parent plays on. A point named by its number is played from the beginning without a fork, and does the same.
"""

import gc
import json
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.simulator.crash_script import REFUSALS, VALIDATORS, Crash, Script, parse_crash, small_world
from tests.simulator.numbered import EFFECT, SEND, Mode, Point, Side
from tests.simulator.world import Broken, Trace

EVERYBODY_ONE_IN = 32
"""Points at which, with every change, everybody loses power; at night at every one."""
REFUSED_ONE_IN = 5
"""Points at which, with every change, the disk refuses, if it is an operation of the disk; at night at every one."""
SECOND_WITHIN = 24
"""Points after a start within which a second crash comes: the log's five, the guard's three, and the first turns."""
BINDING = ("votes", "proposals", "chunks")
"""Channels of frames that bind their sender, or without which its proposal is worth nothing."""
CHILD_SECONDS_MAX = 120
"""Real seconds after which a forked run is ended: a hundred times what one takes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one crash."""

    crash: Crash
    point: str
    """What was about to happen, or had just happened."""
    checker: str
    """Empty if everything held."""
    detail: str


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
