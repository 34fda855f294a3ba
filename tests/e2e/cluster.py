"""Real validators as processes on loopback, for tests that kill them.

Waiting is by asking until something is true, with a bound; nothing asserts how long it took.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from consensus.primitives.scalars import Address
from contracts.addresses import currency_address
from node.cli.bank_keys import SigningContext, sign_payments
from node.cli.currency_calls import encode_balance_of
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.cli.payments_file import Payment
from node.cli.submitter import Outgoing
from node.cli.supervisor import child_environment, module_arguments
from node.dev_accounts import ALICE, BOB

PATIENCE_S = 30.0
"""Longest wait for anything a network is asked to do."""
POLL_S = 0.05
EUR = currency_address(2)


@dataclass(frozen=True)
class Validator:
    """One validator as `devnet.json` tells it."""

    name: str
    rpc: str
    home: Path
    process_id: int


@dataclass
class Cluster:
    """A running `sycee-node devnet`."""

    folder: Path
    supervisor: subprocess.Popen[str]
    validators: tuple[Validator, ...]

    @property
    def urls(self) -> list[str]:
        return [validator.rpc for validator in self.validators]


@contextmanager
def running_devnet(folder: Path, rpc_port: int, *options: str) -> Iterator[Cluster]:
    """Start a devnet in `folder`, wait until it says in `devnet.json` that it is ready, and stop it at the end."""
    command = [sys.executable, *module_arguments("node", "devnet"), "--dir", str(folder), "--rpc-port", str(rpc_port)]
    log_path = folder.parent / f"{folder.name}.out"
    with log_path.open("w") as log:
        supervisor = subprocess.Popen(
            [*command, *options], stdout=log, stderr=subprocess.STDOUT, env=child_environment(), text=True
        )
    try:
        facts_file = folder / "devnet.json"
        wait_until(
            lambda: is_running(facts_file) or supervisor.poll() is not None, lambda: f"devnet: {log_path.read_text()}"
        )
        assert supervisor.poll() is None, log_path.read_text()
        yield Cluster(folder, supervisor, read_validators(facts_file))
    finally:
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(timeout=PATIENCE_S)


@contextmanager
def restarted(validators: Sequence[Validator]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run `sycee-node start` for each of `validators`, and stop them at the end."""
    started = [
        subprocess.Popen(
            [sys.executable, *module_arguments("node", "start"), "--home", str(validator.home)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
        )
        for validator in validators
    ]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=PATIENCE_S)


def is_running(facts_file: Path) -> bool:
    """Tell whether the devnet of this `devnet.json` is ready."""
    return facts_file.exists() and json.loads(facts_file.read_text())["is_running"] is True


def read_validators(facts_file: Path) -> tuple[Validator, ...]:
    """Return the validators of a `devnet.json`."""
    return tuple(
        Validator(entry["name"], entry["rpc"], Path(entry["home"]), entry["pid"])
        for entry in json.loads(facts_file.read_text())["validators"]
    )


def kill(*validators: Validator) -> None:
    """Let each process end at once, as by a power cut."""
    for validator in validators:
        os.kill(validator.process_id, signal.SIGKILL)


def ask(url: str, method: str, *params: object) -> object:
    """Return the result of one call.

    Raises: OSError when nobody answers, AssertionError on an error.
    """
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = Request(url, data=body, headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=5) as response:
        answer = json.loads(response.read())
    assert "error" not in answer, answer
    return answer["result"]


def height_of(url: str) -> int:
    """Return the last final height of one validator; -1 while it does not answer."""
    try:
        return int(str(ask(url, "eth_blockNumber")), 16)
    except (URLError, OSError):
        return -1


def state_root_of(url: str, height: int) -> str:
    """Return the state root at `height`."""
    block = ask(url, "eth_getBlockByNumber", hex(height), False)
    assert isinstance(block, dict), f"{url} has no block at {height}"
    return str(block["stateRoot"])


def euro_of(url: str, account: Address) -> int:
    """Return the balance of `account` in cents."""
    call = {"to": "0x" + EUR.hex(), "data": "0x" + encode_balance_of(account).hex()}
    return int(str(ask(url, "eth_call", call, "latest")), 16)


def payments_of_alice(count: int, *, nonce: int = 0) -> list[Outgoing]:
    """Return `count` signed payments of one cent from alice to bob, numbered in their memos."""
    payments = [
        Payment(line=place, reference=f"E2E-{nonce + place}", payer="alice", payee="bob", amount_minor=1)
        for place in range(count)
    ]
    context = SigningContext(DEVNET_CHAIN_ID, EUR)
    [lane] = sign_payments(context, payments, banks={"alice": ALICE, "bob": BOB}, nonces={"alice": nonce})
    return lane


def send(url: str, payment: Outgoing) -> None:
    """Hand one payment to a validator; returns when it is in its mempool."""
    assert ask(url, "eth_sendRawTransaction", payment.raw) == payment.hash


def is_final(url: str, payment: Outgoing) -> bool:
    """Tell whether the validator at `url` calls `payment` final."""
    try:
        return ask(url, "eth_getTransactionReceipt", payment.hash) is not None
    except (URLError, OSError):
        return False


def wait_until(condition: Callable[[], bool], describe: Callable[[], str]) -> None:
    """Ask until `condition` holds; fail with `describe` after PATIENCE_S."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, describe()
        time.sleep(POLL_S)


def wait_all_at(urls: Sequence[str], height: int) -> None:
    """Wait until every validator at `urls` has made `height` final."""
    wait_until(
        lambda: all(height_of(url) >= height for url in urls),
        lambda: f"height {height} not reached: {[height_of(url) for url in urls]}",
    )
