"""Whole processes on loopback: started, paid with, killed, started again."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.cli.supervisor import child_environment, module_arguments
from node.dev_accounts import BOB
from tests.e2e.cluster import (
    PATIENCE_S,
    euro_of,
    height_of,
    is_final,
    kill,
    payments_of_alice,
    restarted,
    running_devnet,
    send,
    state_root_of,
    wait_all_at,
    wait_until,
)

pytestmark = pytest.mark.e2e


def test_three_go_on_when_one_is_killed_and_it_catches_up_after_restart(tmp_path: Path) -> None:
    with running_devnet(tmp_path / "devnet", 11_120) as cluster:
        *others, victim = cluster.validators
        urls = [validator.rpc for validator in others]
        opening = euro_of(urls[0], BOB.address)
        payments = payments_of_alice(60)
        for place, payment in enumerate(payments):
            if place == 20:
                kill(victim)
            send(urls[place % len(urls)], payment)
        wait_until(
            lambda: all(is_final(urls[0], payment) for payment in payments),
            lambda: f"{sum(is_final(urls[0], payment) for payment in payments)} of 60 final at {height_of(urls[0])}",
        )
        assert height_of(victim.rpc) == -1
        assert euro_of(urls[0], BOB.address) == opening + 60

        height = height_of(urls[0])
        with restarted([victim]):
            wait_all_at([victim.rpc], height)
            assert len({state_root_of(url, height) for url in cluster.urls}) == 1
            assert euro_of(victim.rpc, BOB.address) == opening + 60


def test_four_killed_at_once_lose_no_payment_that_was_called_final(tmp_path: Path) -> None:
    with running_devnet(tmp_path / "devnet", 11_140) as cluster:
        first = cluster.urls[0]
        opening = euro_of(first, BOB.address)
        payments = payments_of_alice(60)
        for payment in payments[:40]:
            send(first, payment)
        wait_until(lambda: is_final(first, payments[9]), lambda: "ten payments never became final")
        final = [payment for payment in payments[:40] if is_final(first, payment)]
        kill(*cluster.validators)

    with restarted(cluster.validators):
        wait_until(lambda: all(height_of(url) >= 1 for url in cluster.urls), lambda: "not all came back")
        wait_until(
            lambda: all(is_final(url, payment) for url in cluster.urls for payment in final),
            lambda: "a payment that was called final is gone",
        )
        for payment in payments:
            send(first, payment)
        wait_until(lambda: is_final(first, payments[-1]), lambda: "the network takes no payments after the restart")
        height = height_of(first)
        wait_all_at(cluster.urls, height)
        assert len({state_root_of(url, height) for url in cluster.urls}) == 1
        assert {euro_of(url, BOB.address) for url in cluster.urls} == {opening + 60}

    stopped = [sys.executable, *module_arguments("node", "verify"), "--home", str(cluster.validators[0].home)]
    done = subprocess.run(
        stopped, capture_output=True, text=True, env=child_environment(), timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
