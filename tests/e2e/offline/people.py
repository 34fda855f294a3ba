"""People with wallets of their own as processes; without a network they run in a network namespace that has none."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from node.cli.supervisor import child_environment

NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")
PATIENCE_S = 60


@dataclass(frozen=True)
class Person:
    """Somebody with a home, and the folder in which messages lie."""

    name: str
    home: Path
    table: Path

    def type(self, *words: str, is_offline: bool = False, exit_code: int = 0) -> dict[str, Any]:
        """Run `sycee` with --json and return its answer; offline there is no network to open a connection on."""
        told, _ = self.timed(words, is_offline=is_offline, exit_code=exit_code)
        return told

    def timed(
        self, words: Sequence[str], *, is_offline: bool = False, exit_code: int = 0
    ) -> tuple[dict[str, Any], float]:
        """Likewise, with the seconds that the process took."""
        prefix = NAMESPACE if is_offline and has_namespaces() else ()
        command = [*prefix, sys.executable, "-m", "wallet_cli", "--home", str(self.home), "--from", self.name]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, *words, "--yes", "--json"],
            cwd=self.table,
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        seconds = time.perf_counter() - began
        assert done.returncode == exit_code, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer, seconds

    def copy(self, folder: str) -> "Person":
        """Return the same person on another device with a copy of everything."""
        home = self.home.with_name(folder)
        shutil.copytree(self.home, home)
        return Person(self.name, home, self.table)


def make_person(devnet: Path, name: str) -> Person:
    """Return somebody with a copy of the devnet's wallet, as its own from now on."""
    table = devnet.parent / "table"
    table.mkdir(exist_ok=True)
    home = devnet.parent / f"home-{name}"
    shutil.copytree(devnet / "wallet", home)
    return Person(name, home, table)


def exchange(payer: Person, payee: Person, amount: str, *, via: str, stem: str) -> float:
    """Pay with no network at all, by pictures or files, and return the seconds that the four commands took."""
    end = ".sycee" if via == "file" else ""
    invoice = f"{stem}-invoice{'.png' if via == 'png' else end}"
    steps = (
        (payee, ("offline", "invoice", amount, "--via", via, "--out", invoice)),
        (payer, ("pay", invoice, "--via", via, "--out", f"{stem}-paid{end}")),
        (payee, ("offline", "receive", f"{stem}-paid{end}", "--via", via, "--out", f"{stem}-receipt{end}")),
        (payer, ("offline", "answer", f"{stem}-receipt{end}")),
    )
    return sum(person.timed(words, is_offline=True)[1] for person, words in steps)


@cache
def has_namespaces() -> bool:
    """Tell whether this machine lets a process leave the network; where not, stopped nodes have to do."""
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
