"""A fifth bank joins a running network, another rotates its keys, the fifth leaves: payments settle all the while."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest

from consensus.chain.transaction import sign_dynamic_fee_transaction
from node.cli.network_plan import operator_account
from node.cli.submitter import Outgoing
from node.cli.supervisor import child_environment, module_arguments
from node.dev_accounts import GOVERNOR, DevAccount, checksum_address
from tests.e2e.cluster import (
    PATIENCE_S,
    Cluster,
    Validator,
    ask,
    height_of,
    is_final,
    kill,
    payments_of_alice,
    running_devnet,
    send,
    state_root_of,
    wait_all_at,
    wait_until,
)

pytestmark = pytest.mark.e2e

RPC_PORT = 11_180
NEW_PORTS = {"rpc.port": 11_190, "ops.port": 12_190, "p2p.port": 28_190}
PAYMENTS = 3_000
"""More than are sent; the load stops when the test is through."""


@dataclass
class Load:
    """One payment after the other until the end."""

    url: str
    sent: int = 0

    @contextmanager
    def running(self) -> Iterator["Load"]:
        payments, stop = payments_of_alice(PAYMENTS), Event()

        def pay() -> None:
            for payment in payments:
                if stop.is_set():
                    return
                self._settle(payment)
                self.sent += 1

        thread = Thread(target=pay)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def _settle(self, payment: Outgoing) -> None:
        """Send a payment, again while the node begins anew with other keys, and wait until it is final."""

        def is_settled() -> bool:
            with suppress(OSError):
                send(self.url, payment)
            return is_final(self.url, payment)

        wait_until(is_settled, lambda: f"{self.sent} payments, then none")

    def goes_on(self) -> None:
        """Wait until five more payments are final."""
        wanted = self.sent + 5
        wait_until(lambda: self.sent >= wanted, lambda: f"only {self.sent} payments are final")


def node_command(*arguments: str) -> str:
    """Run `sycee-node` and return what it printed."""
    done = subprocess.run(
        [sys.executable, *module_arguments("node", arguments[0]), *arguments[1:]],
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def call(url: str, sender: DevAccount, *command: str) -> None:
    """Have `sycee-node validator …` write a call, sign and send it for `sender`, and wait until it has succeeded."""
    prepared = json.loads(node_command("validator", *command))
    nonce = int(str(ask(url, "eth_getTransactionCount", checksum_address(sender.address), "pending")), 16)
    raw = sign_dynamic_fee_transaction(
        sender.private_key,
        chain_id=prepared["chainId"],
        nonce=nonce,
        gas_limit=int(prepared["gas"], 16),
        to=bytes.fromhex(prepared["to"][2:]),  # type: ignore[arg-type]  # twenty bytes
        data=bytes.fromhex(prepared["data"][2:]),
    )
    receipt = ask(url, "eth_sendRawTransactionSync", "0x" + raw.hex(), 20_000)
    assert isinstance(receipt, dict) and receipt["status"] == "0x1", receipt


def end_epoch(cluster: Cluster, urls: list[str]) -> None:
    """Have the council end the epoch, and wait until the next one runs everywhere."""
    before = epoch_of(urls[0])
    call(urls[0], GOVERNOR, "council", "--home", str(cluster.validators[0].home), "end-epoch")
    wait_until(lambda: {epoch_of(url) for url in urls} == {before + 1}, lambda: f"{[epoch_of(url) for url in urls]}")


def validators_of(url: str) -> dict[str, str]:
    """Return name and consensus key of each validator."""
    answer = ask(url, "sycee_getValidators")
    assert isinstance(answer, dict)
    return {entry["name"]: entry["consensusKey"] for entry in answer["validators"]}


def epoch_of(url: str) -> int:
    """Return the running epoch; -1 while the node does not answer."""
    try:
        answer = ask(url, "sycee_getValidators")
    except OSError:
        return -1
    assert isinstance(answer, dict)
    return int(answer["epoch"])


@contextmanager
def newcomer(cluster: Cluster, folder: Path) -> Iterator[Validator]:
    """Run the node of a bank that is not in genesis."""
    home = folder / "newcomer"
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o600)
    genesis = cluster.folder / "genesis.json"
    node_command(
        *("init", "--home", str(home), "--name", "newcomer", "--genesis", str(genesis), "--development"),
        *("--passphrase-file", str(passphrase)),
    )
    flags = [f"--{key}={value}" for key, value in NEW_PORTS.items()]
    with (folder / "newcomer.out").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *module_arguments("node", "start"), "--home", str(home), *flags],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=child_environment(),
        )
    try:
        yield Validator("newcomer", f"http://127.0.0.1:{NEW_PORTS['rpc.port']}", home, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def test_bank_joins_another_rotates_and_the_first_leaves_while_payments_settle(tmp_path: Path) -> None:
    operator = operator_account("newcomer")
    with (
        running_devnet(tmp_path / "devnet", RPC_PORT) as cluster,
        newcomer(cluster, tmp_path) as fifth,
        Load(cluster.urls[0]).running() as load,
    ):
        first, *_, victim = cluster.validators
        survivors = [validator.rpc for validator in cluster.validators if validator is not victim]
        everybody = [*cluster.urls, fifth.rpc]
        address = checksum_address(operator.address)
        join = ("join", "--home", str(fifth.home), "--operator", address)
        call(first.rpc, operator, *join, "--endpoint", f"127.0.0.1:{NEW_PORTS['p2p.port']}")
        call(first.rpc, GOVERNOR, "council", "--home", str(first.home), "approve", address)
        wait_all_at([fifth.rpc], height_of(first.rpc))
        call(first.rpc, operator, "ready", "--home", str(fifth.home))
        end_epoch(cluster, everybody)
        assert "newcomer" in validators_of(first.rpc)
        load.goes_on()

        # Four of five are needed now: without the newcomer's votes nothing is final any more.
        kill(victim)
        load.goes_on()

        node_command("keys", "rotate", "--home", str(first.home), "--development")
        name, owner = first.name, operator_account(first.name)
        rotate = ("rotate", "--home", str(first.home), "--operator", checksum_address(owner.address))
        call(survivors[1], owner, *rotate)
        before = validators_of(survivors[1])[name]
        end_epoch(cluster, [*survivors[1:], fifth.rpc])
        assert validators_of(survivors[1])[name] != before
        load.goes_on()

        call(survivors[1], operator, "leave", "--home", str(fifth.home))
        end_epoch(cluster, survivors)
        assert "newcomer" not in validators_of(first.rpc)
        load.goes_on()
        height = height_of(first.rpc)
        wait_all_at([*survivors, fifth.rpc], height)
        assert len({state_root_of(url, height) for url in [*survivors, fifth.rpc]}) == 1

    node_command("verify", "--home", str(first.home))
