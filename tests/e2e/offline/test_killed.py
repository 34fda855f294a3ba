"""Real wallets killed at any moment of paying and accepting: each payment ends exactly once."""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from node.cli.supervisor import child_environment
from tests.e2e.cluster import running_devnet
from tests.e2e.offline.people import Person, make_person
from tests.e2e.offline.test_offline_payments import units

RPC_PORT = 11_870
KILLS = int(os.environ.get("SYCEE_OFFLINE_KILLS", "20"))
"""Processes started to be killed; 200 once, see `tests/benchmarks/results`."""

KILL_S = (0.2, 0.9)
"""A command takes about 0.7 s: kills fall before, into and behind its writes."""


def kill_somewhere(person: Person, words: Sequence[str], chance: random.Random) -> bool:
    """Start a command and kill it; tell whether it was still running."""
    command = [sys.executable, "-m", "wallet_cli", "--home", str(person.home), "--from", person.name, *words, "--yes"]
    with subprocess.Popen(
        command, cwd=person.table, env=child_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(chance.uniform(*KILL_S))
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


@pytest.mark.e2e
@pytest.mark.slow
def test_s5_killed_wallets_pay_and_accept_exactly_once(tmp_path: Path) -> None:
    chance = random.Random(5)
    devnet = tmp_path / "devnet"
    with running_devnet(devnet, RPC_PORT, "--validators", "1"):
        alice, bob = make_person(devnet, "alice"), make_person(devnet, "bob")
        bob.type("offline", "sync")
        bob.type("offline", "card", "--out", "card.sycee")
        alice.type("offline", "lock", "bob", "50.00 EUR", "--card", "card.sycee")
        before = units(bob, "bob")
    killed = 0
    for number in range(KILLS // 2):
        invoice, paid, receipt = (f"{number}-{kind}.sycee" for kind in ("invoice", "paid", "receipt"))
        bob.type("offline", "invoice", "0.10 EUR", "--out", invoice)
        for person, words, result in (
            (alice, ("pay", invoice, "--out", paid), paid),
            (bob, ("offline", "receive", paid, "--out", receipt), receipt),
        ):
            killed += kill_somewhere(person, words, chance)
            shown = (person.table / result).read_bytes() if (person.table / result).exists() else None
            person.type(*words)
            again = (person.table / result).read_bytes()
            assert shown in (None, again), "what left before the kill is what leaves after it"
        alice.type("offline", "answer", receipt)
    assert killed
    with running_devnet(devnet, RPC_PORT, "--validators", "1"):
        bob.type("redeem")
        assert units(bob, "bob") - before == 10 * (KILLS // 2)
        left = [entry for entry in alice.type("offline", "list")["data"] if entry["kind"] == "lock"]
        assert left[0]["amount"] == f"{50 - 10 * (KILLS // 2) / 100:.2f} EUR"
