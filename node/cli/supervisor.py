"""Start several node processes, notice the ones that die, stop them all. Knows processes and files, not blocks.

Children write to their own log files, so none of them can block on a reader, and live in their own sessions, so that a
Ctrl-C in the terminal reaches the supervisor alone and it stops them in order.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import node

STOP_TIMEOUT_S = 5.0
"""How long children may take to stop cleanly: a block in progress, a write and a sync; then they are killed."""
STOP_POLL_S = 0.02
LOG_LINES_SHOWN = 8
"""Last lines shown of a child that died."""
LOG_BYTES_READ_MAX = 64 * 1024
"""Most read at once from a log: a screenful is 8 KiB."""


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """One process to run."""

    name: str
    arguments: tuple[str, ...]
    """What follows `python`."""
    log_path: Path


@dataclass(frozen=True, slots=True)
class Death:
    """A child that ended without being asked to."""

    name: str
    process_id: int
    how: str
    """For instance `exit code 1` or `signal SIGKILL`."""
    log_lines: tuple[str, ...]

    def describe(self) -> str:
        """Return what a person should read."""
        lines = "".join(f"\n    {line}" for line in self.log_lines)
        return f"{self.name} (process {self.process_id}) ended: {self.how}; its last lines:{lines or ' none'}"


class Supervisor:
    """Runs the children of one command."""

    def __init__(self, plans: Sequence[ChildPlan]) -> None:
        self._plans = tuple(plans)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start every child.

        Raises: OSError when a log cannot be opened or a process not started; those started before are stopped.
        """
        try:
            for plan in self._plans:
                self._children[plan.name] = _spawn(plan)
        except OSError:
            self.stop()
            raise

    @property
    def process_ids(self) -> dict[str, int]:
        """Process ids of the children that have not been seen dead, by name."""
        return {name: child.pid for name, child in self._children.items()}

    def reap(self) -> tuple[Death, ...]:
        """Return the children that have died since the last call."""
        deaths: list[Death] = []
        for plan in self._plans:
            child = self._children.get(plan.name)
            if child is None or (code := child.poll()) is None:
                continue
            del self._children[plan.name]
            deaths.append(Death(plan.name, child.pid, describe_exit(code), last_lines(plan.log_path)))
        return tuple(deaths)

    def stop(self) -> tuple[str, ...]:
        """Ask every child to stop, kill those that do not within STOP_TIMEOUT_S and return the names of these."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline_s and any(child.poll() is None for child in self._children.values()):
            time.sleep(STOP_POLL_S)
        killed: list[str] = []
        for name, child in self._children.items():
            if child.poll() is None:
                child.kill()
                killed.append(name)
            child.wait()
        self._children.clear()
        return tuple(killed)


class LogTail:
    """Reads what was appended to a file since the last look."""

    def __init__(self, path: Path) -> None:
        """Begin at the present end of the file at `path`, which need not exist yet."""
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._partial = b""

    def read_lines(self) -> list[str]:
        """Return the complete lines that are new."""
        try:
            with self._path.open("rb") as log:
                log.seek(self._offset)
                found = log.read(LOG_BYTES_READ_MAX)
        except FileNotFoundError:
            return []
        self._offset += len(found)
        *lines, self._partial = (self._partial + found).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def module_arguments(module: str, *arguments: str) -> tuple[str, ...]:
    """Return what follows `python` to run one of our modules; with `-P` a folder `node` nearby is not meant."""
    return ("-P", "-m", module, *arguments)


def child_environment() -> dict[str, str]:
    """Return the environment of a child: ours, with this very program first on its path and unbuffered output."""
    root = str(Path(node.__file__).resolve().parents[1])
    inherited = os.environ.get("PYTHONPATH", "")
    path = root if not inherited else root + os.pathsep + inherited
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def describe_exit(code: int) -> str:
    """Return a process's return code as people say it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def last_lines(path: Path) -> tuple[str, ...]:
    """Return the last LOG_LINES_SHOWN lines of the file at `path`; none when it cannot be read."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - LOG_BYTES_READ_MAX))
            text = log.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-LOG_LINES_SHOWN:])


def _spawn(plan: ChildPlan) -> subprocess.Popen[bytes]:
    with plan.log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *plan.arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=child_environment(),
            start_new_session=True,
        )
