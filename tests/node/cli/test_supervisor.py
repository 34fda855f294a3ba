"""Processes are started, missed when they die, and stopped; the children are one-line programs."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from node.cli import supervisor
from node.cli.supervisor import ChildPlan, LogTail, Supervisor, describe_exit, last_lines

SLEEPER = "import time; print('ready', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
FAILING = "import sys; print('about to fail'); sys.exit('port 8545 is taken')"
PATIENCE_S = 10


def plan(folder: Path, name: str, program: str) -> ChildPlan:
    return ChildPlan(name, ("-c", program), folder / f"{name}.log")


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for a process to do something; bounded, and no assertion depends on how long it took."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def reap_eventually(group: Supervisor) -> list[supervisor.Death]:
    """Return the first deaths the supervisor notices."""
    deaths: list[supervisor.Death] = []

    def has_noticed() -> bool:
        deaths.extend(group.reap())
        return bool(deaths)

    assert eventually(has_noticed)
    return deaths


def says_ready(folder: Path, name: str) -> Callable[[], bool]:
    return lambda: "ready" in (folder / f"{name}.log").read_text()


def test_all_children_run_and_all_are_stopped(tmp_path: Path) -> None:
    group = Supervisor([plan(tmp_path, "alpha", SLEEPER), plan(tmp_path, "beta", SLEEPER)])
    group.start()
    process_ids = list(group.process_ids.values())
    assert eventually(says_ready(tmp_path, "alpha")) and eventually(says_ready(tmp_path, "beta"))

    assert group.stop() == ()

    for process_id in process_ids:
        with pytest.raises(ProcessLookupError):
            os.kill(process_id, 0)


def test_a_killed_child_is_reported_once_and_the_others_run_on(tmp_path: Path) -> None:
    group = Supervisor([plan(tmp_path, "alpha", SLEEPER), plan(tmp_path, "beta", SLEEPER)])
    group.start()
    try:
        assert eventually(says_ready(tmp_path, "beta"))
        os.kill(group.process_ids["beta"], signal.SIGKILL)
        deaths = reap_eventually(group)

        assert [(death.name, death.how, death.log_lines) for death in deaths] == [
            ("beta", "signal SIGKILL", ("ready",))
        ]
        assert group.reap() == ()
        assert list(group.process_ids) == ["alpha"]
    finally:
        group.stop()


def test_a_child_that_fails_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    group = Supervisor([plan(tmp_path, "alpha", FAILING)])
    group.start()
    deaths = reap_eventually(group)

    assert "exit code 1" in deaths[0].describe()
    assert "port 8545 is taken" in deaths[0].describe()


def test_a_child_that_does_not_listen_is_killed_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 0.2)
    group = Supervisor([plan(tmp_path, "alpha", DEAF), plan(tmp_path, "beta", SLEEPER)])
    group.start()
    assert eventually(says_ready(tmp_path, "alpha")) and eventually(says_ready(tmp_path, "beta"))

    assert group.stop() == ("alpha",)


def test_a_log_that_cannot_be_opened_starts_nothing(tmp_path: Path) -> None:
    missing = ChildPlan("beta", ("-c", SLEEPER), tmp_path / "missing" / "beta.log")
    group = Supervisor([plan(tmp_path, "alpha", SLEEPER), missing])

    with pytest.raises(FileNotFoundError):
        group.start()

    assert group.process_ids == {}


def test_a_tail_returns_new_complete_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    path.write_text("before\n")
    tail = LogTail(path)
    assert tail.read_lines() == []

    with path.open("a") as log:
        log.write("one\ntw")
    assert tail.read_lines() == ["one"]
    with path.open("a") as log:
        log.write("o\n")
    assert tail.read_lines() == ["two"]


def test_the_tail_of_a_file_that_does_not_exist_yet_begins_with_its_first_line(tmp_path: Path) -> None:
    tail = LogTail(tmp_path / "node.log")
    assert tail.read_lines() == []
    (tmp_path / "node.log").write_text("one\n")
    assert tail.read_lines() == ["one"]


def test_last_lines_are_few_and_of_a_missing_file_none(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    path.write_text("".join(f"{place}\n" for place in range(100)))

    assert last_lines(path)[-1] == "99"
    assert len(last_lines(path)) == supervisor.LOG_LINES_SHOWN
    assert last_lines(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("code", "said"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "signal SIGKILL"), (-200, "signal 200")]
)
def test_return_codes_are_said_as_people_say_them(code: int, said: str) -> None:
    assert describe_exit(code) == said
