"""A running development network: start the processes, wait until blocks are final, follow them, stop them.

Used by `devnet` and `demo`. Talks to the validators only as any client does.
"""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from contracts.addresses import currency_address
from node.cli.devnet_folder import (
    DevnetFolder,
    DevnetOptions,
    DevnetValidator,
    lock_folder,
    open_devnet,
    require_no_leftovers,
    write_facts,
)
from node.cli.errors import CommandError
from node.cli.json_rpc import EndpointDown, RpcClient, RpcFailed, as_object
from node.cli.ledger_reader import read_height
from node.cli.network_plan import CURRENCIES, operator_account
from node.cli.ports import require_free
from node.cli.predeploys import create_predeploys, predeploys
from node.cli.supervisor import ChildPlan, Death, LogTail, Supervisor, module_arguments
from node.cli.wallet_home import WalletHome
from node.dev_accounts import NAMED, checksum_address

READY_TIMEOUT_S = 60.0
"""Longest start: four processes that import on one loaded core take 10 s."""
READY_POLL_S = 0.05
FOLLOW_POLL_S = 0.05
"""How often logs and processes are looked at while following."""


class DevnetNotReady(CommandError):
    """The network did not make a block final."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the devnet is not ready: {reason}")


class Devnet:
    """One network of local processes. Use as a context manager: leaving it stops every process."""

    def __init__(self, options: DevnetOptions, *, say: Callable[[str], None]) -> None:
        """Prepare the folder; `say` prints one line for a person.

        Raises: NotADevnet, DevnetRunning, LeftoverNodes, FixedAtGenesis, TooManyValidators, PortOutOfRange, PortTaken.
        """
        self._say = say
        self._lock = lock_folder(options.folder)
        try:
            require_no_leftovers(options.folder)
            self.folder = open_devnet(options)
            # What an earlier run left must not be read as the addresses of this one before it is ready.
            self.folder.facts_file.unlink(missing_ok=True)
            require_free(_ports(self.folder))
        except BaseException:
            self._lock.close()
            raise
        self._supervisor = Supervisor([_plan(validator) for validator in self.folder.validators])
        self._tails = {entry.name: LogTail(entry.home.log_file) for entry in self.folder.validators}
        self._dead: set[str] = set()
        self.genesis_hash = ""
        self.height_ready = 0
        self.ready_after_s = 0.0

    def __enter__(self) -> "Devnet":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def validators(self) -> tuple[DevnetValidator, ...]:
        return self.folder.validators

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        return tuple(validator.rpc_url for validator in self.folder.validators)

    @property
    def wallet(self) -> WalletHome:
        return self.folder.wallet

    def start(self) -> None:
        """Start all validators, wait until each has a final block and the contracts stand, prepare the wallet, write
        `devnet.json`.

        Raises: DevnetNotReady, PredeployFailed, WalletFailed.
        """
        started_s = time.monotonic()
        self._supervisor.start()
        with ThreadPoolExecutor(1) as pool:
            wallet = pool.submit(self.wallet.prepare, genesis_file=self.folder.genesis_file, rpc_urls=self.rpc_urls)
            asyncio.run(self._wait_until_final(started_s))
            self.ready_after_s = time.monotonic() - started_s
            wallet.result()
        # Whoever waits for a running network finds a wallet that knows the contracts.
        write_facts(self.folder, {**self.facts(), "is_running": False})
        self.wallet.learn_contracts(self.folder.facts_file)
        write_facts(self.folder, self.facts())

    def facts(self) -> dict[str, object]:
        """Return what `devnet.json` says."""
        process_ids = self._supervisor.process_ids
        return {
            "schema": "sycee-devnet/1",
            "network": self.folder.genesis.name,
            "chain_id": self.folder.genesis.chain_id,
            "is_running": bool(process_ids),
            "genesis_hash": self.genesis_hash,
            "genesis_file": str(self.folder.genesis_file.resolve()),
            "supervisor_pid": os.getpid() if process_ids else None,
            "validators": [
                {
                    "name": validator.name,
                    "rpc": validator.rpc_url,
                    "ops": validator.ops_url,
                    "pid": process_ids.get(validator.name),
                    "home": str(validator.home.root.resolve()),
                    "operator": checksum_address(operator_account(validator.name).address),
                }
                for validator in self.folder.validators
            ],
            "accounts": [{"name": account.name, "address": checksum_address(account.address)} for account in NAMED],
            "currencies": [
                {
                    "code": plan.code,
                    "name": plan.name,
                    "decimals": plan.decimals,
                    "address": checksum_address(currency_address(place)),
                }
                for place, plan in enumerate(CURRENCIES, start=1)
            ],
            "contracts": [contract.facts() for contract in predeploys()],
            "wallet": str(self.folder.wallet.folder.resolve()),
        }

    def report_deaths(self) -> tuple[Death, ...]:
        """Tell of children that died and how to start them again; the others keep running."""
        deaths = self._supervisor.reap()
        for death in deaths:
            self._dead.add(death.name)
            self._say(death.describe())
            home = next(entry.home.root for entry in self.folder.validators if entry.name == death.name)
            self._say(f"  the others go on; start it again with: {shown_program('sycee-node')} start --home {home}")
        return deaths

    def follow(self) -> None:
        """Print a line per height and what goes wrong, until interrupted or every validator is gone.

        Raises: DevnetNotReady when the last validator died.
        """
        while True:
            self.report_deaths()
            if not self._supervisor.process_ids:
                raise DevnetNotReady("every validator has ended")
            self.print_news()
            time.sleep(FOLLOW_POLL_S)

    def print_news(self) -> None:
        """Print what the first living validator says of new heights, and what any of them calls an error."""
        leader_shown = False
        for validator in self.folder.validators:
            is_voice = not leader_shown and validator.name not in self._dead
            leader_shown = leader_shown or is_voice
            for line in self._tails[validator.name].read_lines():
                if shown := shown_line(validator.name, line, is_voice=is_voice):
                    self._say(shown)

    def stop(self) -> None:
        """Stop every validator that this supervisor started; a second Ctrl-C meanwhile changes nothing."""
        previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for name in self._supervisor.stop():
                self._say(f"{name} did not stop in time and was killed; it recovers from its WAL at the next start")
            if self.folder.facts_file.exists():
                write_facts(self.folder, self.facts())
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._lock.close()

    async def _wait_until_final(self, started_s: float) -> None:
        async with RpcClient() as client:
            waiting = list(self.rpc_urls)
            while waiting:
                if self.report_deaths():
                    raise DevnetNotReady("a validator ended while starting")
                if time.monotonic() - started_s > READY_TIMEOUT_S:
                    raise DevnetNotReady(f"no final block at {', '.join(waiting)} after {READY_TIMEOUT_S:.0f} s")
                waiting = [url for url in waiting if not await _has_final_block(client, url)]
                await asyncio.sleep(READY_POLL_S)
            self.height_ready = await read_height(client, self.rpc_urls[0])
            genesis = await client.result(self.rpc_urls[0], "eth_getBlockByNumber", "0x0", False)
            self.genesis_hash = str(as_object(genesis)["hash"])
            await create_predeploys(client, self.rpc_urls, chain_id=self.folder.genesis.chain_id)


def stop_like_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP, from a service manager or a closed terminal, stop a command as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def shown_line(name: str, line: str, *, is_voice: bool) -> str:
    """Return what a person sees of a log line: heights of one validator, errors of all; empty for the rest."""
    parts = line.split(maxsplit=2)
    if len(parts) < 3:
        return ""
    _, level, event = parts
    if level == "ERROR":
        return f"{name}: {event}"
    return event if is_voice and event.startswith(("final ", "heartbeats ")) else ""


async def _has_final_block(client: RpcClient, url: str) -> bool:
    try:
        return await read_height(client, url) >= 1
    except (EndpointDown, RpcFailed):
        return False


def _plan(validator: DevnetValidator) -> ChildPlan:
    arguments = module_arguments("node", "start", "--home", str(validator.home.root.resolve()))
    return ChildPlan(validator.name, arguments, validator.home.log_file)


def _ports(folder: DevnetFolder) -> list[tuple[int, str, str]]:
    ports: list[tuple[int, str, str]] = []
    for validator in folder.validators:
        ports.append((validator.ports.rpc, f"RPC of {validator.name}", "--rpc-port"))
        ports.append((validator.ports.ops, f"status of {validator.name}", "--rpc-port"))
        ports.append((validator.ports.mesh, f"mesh of {validator.name}", "--rpc-port with --fresh"))
    return ports


def shown_program(name: str) -> str:
    """Return how to call one of our programs here: its name when the shell finds it, else its path."""
    if shutil.which(name) is not None:
        return name
    return describe_path(Path(sys.executable).parent / name)


def describe_path(path: Path) -> str:
    """Return `path` as a person would type it here: relative when it lies below the working directory."""
    try:
        return f"./{path.absolute().relative_to(Path.cwd())}"
    except ValueError:
        return str(path)
