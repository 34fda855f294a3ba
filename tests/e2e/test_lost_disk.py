"""Real processes: a validator whose data folder is gone, or restored from an old copy, comes back and votes again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node.cli.identities import load_public_identity
from node.cli.status import fetch
from node.cli.supervisor import child_environment, module_arguments
from node.config import load_config
from node.dev_accounts import BOB
from node.home import NodeHome
from node.storage.guard_file import GuardFile, ResumeReason
from tests.e2e.cluster import (
    PATIENCE_S,
    Cluster,
    Validator,
    euro_of,
    height_of,
    is_final,
    kill,
    payments_of_alice,
    restarted,
    running_devnet,
    send,
    wait_all_at,
    wait_until,
)

pytestmark = pytest.mark.e2e

BLOCKS_SIGNED = 3
"""Blocks a validator signs before it counts as voting again."""


def status_of(validator: Validator) -> dict[str, Any]:
    """Return what `sycee-node status --json` of a running validator says."""
    ops = load_config(NodeHome(validator.home).config_file, environment={}, flags={}).config.ops
    found: dict[str, Any] = json.loads(fetch(f"http://{ops.addr}:{ops.port}/status"))
    return found


class Load:
    """Alice pays bob a cent again and again, through validators that stay up."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = urls
        self._payments = payments_of_alice(400)
        self.sent = 0
        self.opening = euro_of(urls[0], BOB.address)

    def pay(self, count: int) -> None:
        """Send some payments and wait until the last of them is final."""
        for _ in range(count):
            send(self._urls[self.sent % len(self._urls)], self._payments[self.sent])
            self.sent += 1
        last = self._payments[self.sent - 1]
        wait_until(lambda: is_final(self._urls[0], last), lambda: f"payment {self.sent} is not final")


def assert_it_votes_again(cluster: Cluster, victim: Validator, load: Load, reason: ResumeReason) -> None:
    """Start the validator under load; it follows, asks, and its votes are in final blocks again."""
    with restarted([victim]):
        wait_until(lambda: height_of(victim.rpc) >= 0, lambda: "it does not start")

        def is_voting() -> bool:
            load.pay(1)
            status = status_of(victim)
            return status["voting"]["resume"] is None and status["signed_blocks"] >= BLOCKS_SIGNED

        wait_until(is_voting, lambda: json.dumps(status_of(victim)["voting"]))
        height = height_of(cluster.urls[0])
        wait_all_at([victim.rpc], height)
        assert euro_of(victim.rpc, BOB.address) == load.opening + load.sent
    place = NodeHome(victim.home).first_keys
    guard, _ = GuardFile.open(place.guard_file, load_public_identity(place).consensus_key)
    guard.close()
    assert guard.marks.resume_reason is reason
    assert guard.marks.resume_view > 2
    assert not guard.marks.is_waiting


def verify(victim: Validator) -> None:
    command = [sys.executable, *module_arguments("node", "verify"), "--home", str(victim.home)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=child_environment(), timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_validator_whose_data_is_gone_or_restored_from_an_old_copy_votes_again(tmp_path: Path) -> None:
    with running_devnet(tmp_path / "devnet", 11_160) as cluster:
        victim = cluster.validators[2]
        load = Load([validator.rpc for validator in cluster.validators if validator is not victim])
        load.pay(10)
        kill(victim)
        wait_until(lambda: height_of(victim.rpc) == -1, lambda: "it does not end")
        data, backup = victim.home / "data", tmp_path / "backup"
        shutil.copytree(data, backup)

        shutil.rmtree(data)
        load.pay(10)
        assert_it_votes_again(cluster, victim, load, ResumeReason.GUARD_MISSING)
        verify(victim)

        # A backup as it should be made, without the guard; then one with it, which is worse.
        shutil.rmtree(data)
        shutil.copytree(backup, data, ignore=shutil.ignore_patterns("signguard.log"))
        assert_it_votes_again(cluster, victim, load, ResumeReason.GUARD_MISSING)
        guard = (data / "signguard.log").read_bytes()
        shutil.rmtree(data)
        shutil.copytree(backup, data)
        (data / "signguard.log").write_bytes(guard)
        assert_it_votes_again(cluster, victim, load, ResumeReason.GUARD_FOREIGN)
        verify(victim)
