"""A few crashes of each kind with every change, what the script is worth, and wrong rules that must not survive it."""

import errno
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from node.runtime.durability import WalAndGuard
from node.storage.errors import WriteFailed
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.memory_files import MemoryFile
from tests.simulator.crash_points import (
    Chooses,
    Verdict,
    crashes_of_change,
    play_crash,
    play_crashes,
    run_crash_points,
)
from tests.simulator.crash_script import Crash, Script, parse_crash, small_world
from tests.simulator.numbered import BATCH, EFFECT, SEND, Mode, Point, Side
from tests.simulator.patches import Patch, patched_all


def played(chooses: Chooses) -> list[Verdict]:
    """Play all crashes chosen of validator 0."""
    verdicts: list[Verdict] = []
    play_crashes(0, chooses, verdicts.append, jobs=2)
    return verdicts


def at_one_in(count: int) -> Chooses:
    """Choose of every change's crashes those at one point in so many."""
    chooses = crashes_of_change(0)

    def choose(point: Point, script: Script) -> Sequence[Crash]:
        crashes = chooses(point, script)
        return crashes if point.number % count == 0 else ()

    return choose


def last_point(kind: str, what: str) -> int:
    """Return the number of the last point of a kind in the script."""
    found: list[int] = []

    def reached(point: Point) -> None:
        if (point.kind, point.what.split()[-1]) == (kind, what):
            found.append(point.number)

    with small_world():
        script = Script(0)
        script.points.reached = reached
        script.play()
    return found[-1]


def test_script_holds_everything_a_crash_can_come_between() -> None:
    kinds: set[str] = set()
    effects: set[str] = set()
    with small_world():
        script = Script(0)

        def reached(point: Point) -> None:
            kinds.add(point.kind)
            if point.kind == EFFECT:
                effects.add(point.what)

        script.points.reached = reached
        script.play()
    operations = {"create", "write", "allocate", "sync", "rename", "unlink", "sync_folder"}
    assert operations | {EFFECT, BATCH, SEND} <= kinds
    assert {"SignAndSend", "Broadcast", "BuildBlock", "Certify", "Finalize", "SetTimer"} <= effects
    assert script.stage.cluster.checkers.nullify_votes >= 3


def test_crashes_here_and_there_change_nothing() -> None:
    verdicts = played(at_one_in(31))
    assert len(verdicts) >= 4
    assert [verdict for verdict in verdicts if verdict.checker] == []


@pytest.mark.parametrize(
    "name", ["v0:31:after:lost:again9", "v3:200:before:subset:everybody", "v1:97:before:clean:EIO"]
)
def test_a_named_crash_is_played_from_the_beginning(name: str) -> None:
    verdict = play_crash(parse_crash(name))
    assert (verdict.checker, verdict.detail) == ("", "")
    assert verdict.point
    assert verdict.crash.name() == name


def test_a_point_behind_the_end_is_no_success() -> None:
    assert play_crash(Crash(0, 100_000, Side.BEFORE, Mode.LOST)).checker == "no_such_point"


@pytest.mark.parametrize("name", ["nobody", "v4:1:before:lost", "v0:1:before:lost:EPERM"])
def test_a_crash_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        run_crash_points(name, lambda _line: None, jobs=1)


def test_commit_that_is_not_synced_dies() -> None:
    write = MemoryStore.write

    def write_unsynced(store: MemoryStore, batch: WriteBatch, *, sync: bool) -> None:
        # Block 0 is what there is before anything can crash.
        write(store, batch, sync=sync and not store._content)

    wrong = Patch(MemoryStore, "write", write_unsynced)
    crash = Crash(0, last_point(BATCH, "records") - 30, Side.AFTER, Mode.LOST)
    assert play_crash(crash).checker == ""
    with patched_all((wrong,)):
        assert play_crash(crash).checker == "monotone_height"


def test_guard_that_is_not_completed_from_the_log_dies() -> None:
    crash = Crash(0, last_point("write", "signguard.log"), Side.BEFORE, Mode.LOST)
    assert play_crash(crash).checker == ""
    with patched_all((Patch(WalAndGuard, "complete_guard", lambda _durability, _statements: None),)):
        assert "SignRefused" in play_crash(crash).detail


def test_votes_that_leave_before_their_sync_die() -> None:
    crash = Crash(0, 600, Side.AFTER, Mode.LOST)
    with patched_all((Patch(MemoryFile, "sync", lambda _file: None),)):
        assert play_crash(crash).checker == "durable_before_send"


def test_disk_whose_refusal_is_passed_over_dies() -> None:
    crash = Crash(0, last_point("write", "signguard.log"), Side.BEFORE, Mode.CLEAN, refusal=errno.EIO)
    assert play_crash(crash).checker == ""
    sync = WalAndGuard.sync_job

    def swallowing(durability: WalAndGuard) -> Callable[[], None]:
        job = sync(durability)

        def swallowed() -> None:
            with suppress(WriteFailed):
                job()

        return swallowed

    with patched_all((Patch(WalAndGuard, "sync_job", swallowing),)):
        assert play_crash(crash).checker == "durable_before_send"
