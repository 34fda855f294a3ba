"""The folder of a development network on one machine: made once, found again, erased only on demand.

FOLDER/genesis.json, one home per validator, FOLDER/wallet, FOLDER/devnet.json for programs, and FOLDER/devnet.lock:
it marks the folder as ours from the first moment, so that a creation that was interrupted is continued.
"""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from consensus.chain.genesis import GenesisDocument, GenesisValidator, decode_genesis, encode_genesis
from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import TimestampMs
from node.cli.errors import RefusedForSafety, UsageError
from node.cli.homes import PRIVATE_FILE_MODE, write_genesis, write_once
from node.cli.identities import create_identity
from node.cli.network_plan import DEVNET_CHAIN_ID, NAMES, operator_account, plan_genesis, validator_names
from node.cli.ports import LOOPBACK, NodePorts, assign_ports
from node.cli.wallet_home import WalletHome
from node.config import Value, load_config, render_toml
from node.home import NodeHome

DEFAULT_RPC_PORT = 8_545
DEFAULT_VALIDATORS = 4
INTERVAL_PARAMETER = "block_interval_min_ms"
PASSPHRASE_BYTES = 16
GENESIS_NAME = "genesis.json"
LOCK_NAME = "devnet.lock"
FACTS_NAME = "devnet.json"
WALLET_PASSWORD_NAME = "wallet.password"
WALLET_MARKER_NAME = "wallet.ready"


class NotADevnet(RefusedForSafety):
    """A folder with other things in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} holds something that is not a devnet; nothing was changed. --dir names another folder."
        )


class DevnetRunning(RefusedForSafety):
    """Another supervisor uses the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"a devnet is already running in {folder}; stop it first, or name another folder with --dir")


class LeftoverNodes(RefusedForSafety):
    """Validators of an earlier run still use the folder: their supervisor was killed."""

    def __init__(self, folder: Path, process_ids: Sequence[int]) -> None:
        self.folder = folder
        self.process_ids = tuple(process_ids)
        shown = " ".join(str(process_id) for process_id in process_ids)
        super().__init__(f"validators of {folder} still run without their supervisor; stop them first: kill {shown}")


class FixedAtGenesis(UsageError):
    """An option that contradicts the network in the folder."""

    def __init__(self, flag: str, *, wanted: object, found: object) -> None:
        self.flag = flag
        super().__init__(f"{flag} {wanted}: this devnet was made with {found}; --fresh erases it and makes a new one")


@dataclass(frozen=True, slots=True)
class DevnetOptions:
    """What a person asked for; None leaves it as it is, or as the default."""

    folder: Path
    validators: int | None = None
    rpc_port: int | None = None
    block_interval_min_ms: int | None = None
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class DevnetValidator:
    """One validator of the folder."""

    name: str
    home: NodeHome
    ports: NodePorts

    @property
    def rpc_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.rpc}"

    @property
    def ops_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.ops}"


@dataclass(frozen=True, slots=True)
class DevnetFolder:
    """A prepared network."""

    folder: Path
    genesis: GenesisDocument
    validators: tuple[DevnetValidator, ...]

    @property
    def genesis_file(self) -> Path:
        return self.folder / GENESIS_NAME

    @property
    def facts_file(self) -> Path:
        """What programs read."""
        return self.folder / FACTS_NAME

    @property
    def wallet(self) -> WalletHome:
        return WalletHome(self.folder / "wallet", self.folder / WALLET_PASSWORD_NAME, self.folder / WALLET_MARKER_NAME)


def lock_folder(folder: Path) -> TextIO:
    """Make `folder` ours until the returned file is closed.

    Raises: NotADevnet when it holds other things, DevnetRunning when another supervisor has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock_file = folder / LOCK_NAME
    if not lock_file.exists() and any(folder.iterdir()):
        raise NotADevnet(folder)
    lock = lock_file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DevnetRunning(folder) from error
    return lock


def require_no_leftovers(folder: Path) -> None:
    """Check that no validator of an earlier run is alive.

    Raises: LeftoverNodes.
    """
    try:
        facts = parse_json((folder / FACTS_NAME).read_bytes())
        process_ids = [int(entry["pid"]) for entry in facts["validators"] if entry["pid"] is not None]
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return  # no earlier run, or a file somebody else wrote: taken ports will tell
    alive = [process_id for process_id in process_ids if _runs_in(process_id, folder)]
    if alive:
        raise LeftoverNodes(folder, alive)


def open_devnet(options: DevnetOptions) -> DevnetFolder:
    """Return the network in the locked folder, made first when there is none or a fresh one is wanted.

    Raises: FixedAtGenesis, TooManyValidators, PortOutOfRange.
    """
    if options.is_fresh:
        erase_devnet(options.folder)
    return _resume(options) if (options.folder / GENESIS_NAME).exists() else _create(options)


def erase_devnet(folder: Path) -> None:
    """Remove from the locked `folder` what a devnet put there, and nothing else."""
    for name in NAMES:
        if (folder / name / "config" / "node.toml").exists():
            shutil.rmtree(folder / name)
    shutil.rmtree(folder / "wallet", ignore_errors=True)
    for name in (FACTS_NAME, WALLET_PASSWORD_NAME, WALLET_MARKER_NAME, GENESIS_NAME):
        (folder / name).unlink(missing_ok=True)


def write_facts(folder: DevnetFolder, facts: Mapping[str, object]) -> None:
    """Replace `devnet.json` in one step, so that no reader sees half of it."""
    temporary = folder.facts_file.with_suffix(".tmp")
    temporary.write_text(json.dumps(facts, indent=2) + "\n")
    os.replace(temporary, folder.facts_file)


def make_home(
    home: NodeHome, *, name: str, ports: NodePorts, mesh_addr: str, say: Callable[[str], None]
) -> GenesisValidator:
    """Make the home of one validator of a development or rehearsal network and return its entry in genesis."""
    home.create_folders()
    say(write_once(home.passphrase_file, secrets.token_hex(PASSPHRASE_BYTES).encode(), mode=PRIVATE_FILE_MODE))
    say(write_once(home.config_file, _config_text(home, name=name, ports=ports, mesh_addr=mesh_addr)))
    identity, said = create_identity(home.first_keys, passphrase_file=home.passphrase_file, is_development=True)
    say(said)
    return GenesisValidator(
        name=name,
        operator=operator_account(name).address,
        consensus_key=identity.consensus_key,
        tls_key=identity.tls_key,
        attestation_key=identity.attestation_key,
        endpoints=(f"{mesh_addr}:{ports.mesh}",),
    )


def _create(options: DevnetOptions) -> DevnetFolder:
    names = validator_names(options.validators or DEFAULT_VALIDATORS)
    all_ports = assign_ports(options.rpc_port or DEFAULT_RPC_PORT, len(names))
    validators = tuple(
        DevnetValidator(name, NodeHome(options.folder / name), ports) for name, ports in zip(names, all_ports)
    )
    entries = [
        make_home(entry.home, name=entry.name, ports=entry.ports, mesh_addr=LOOPBACK, say=lambda _: None)
        for entry in validators
    ]
    interval = options.block_interval_min_ms
    genesis = plan_genesis(
        entries,
        network_name="devnet",
        chain_id=DEVNET_CHAIN_ID,
        timestamp_ms=TimestampMs(int(time.time()) * 1000),
        parameters={} if interval is None else {INTERVAL_PARAMETER: interval},
    )
    text = encode_genesis(genesis)
    for entry in validators:
        # A creation that was interrupted may have left one with another time in it; no node has started with it.
        entry.home.genesis_file.unlink(missing_ok=True)
        write_genesis(entry.home.genesis_file, text)
    # Last: a folder with this file is complete.
    write_genesis(options.folder / GENESIS_NAME, text)
    return DevnetFolder(options.folder, genesis, validators)


def _resume(options: DevnetOptions) -> DevnetFolder:
    genesis = decode_genesis((options.folder / GENESIS_NAME).read_bytes())
    if options.validators not in (None, len(genesis.validators)):
        raise FixedAtGenesis("--validators", wanted=options.validators, found=len(genesis.validators))
    interval = dict(genesis.parameters).get(INTERVAL_PARAMETER)
    if options.block_interval_min_ms not in (None, interval):
        found = "the default" if interval is None else interval
        raise FixedAtGenesis("--block-interval-min-ms", wanted=options.block_interval_min_ms, found=found)
    validators = tuple(_resume_validator(options, place, entry) for place, entry in enumerate(genesis.validators))
    return DevnetFolder(options.folder, genesis, validators)


def _resume_validator(options: DevnetOptions, place: int, entry: GenesisValidator) -> DevnetValidator:
    """Find one validator again; its mesh port stands in genesis, the other ports move with --rpc-port."""
    home = NodeHome(options.folder / entry.name)
    mesh_port = int(entry.endpoints[0].rpartition(":")[2])
    config = load_config(home.config_file, environment={}, flags={}).config
    ports = NodePorts(rpc=config.rpc.port, ops=config.ops.port, mesh=mesh_port)
    if options.rpc_port is not None and ports.rpc != options.rpc_port + place:
        moved = assign_ports(options.rpc_port + place, 1)[0]
        ports = NodePorts(rpc=moved.rpc, ops=moved.ops, mesh=mesh_port)
        home.config_file.write_bytes(_config_text(home, name=entry.name, ports=ports, mesh_addr=LOOPBACK))
    return DevnetValidator(entry.name, home, ports)


def _runs_in(process_id: int, folder: Path) -> bool:
    """Tell whether the process is a node of `folder`; process ids are used again, so its command line must say so."""
    try:
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return False
    return str(folder.resolve()).encode() in command


def _config_text(home: NodeHome, *, name: str, ports: NodePorts, mesh_addr: str) -> bytes:
    values: dict[str, Value] = {
        "node.role": "validator",
        "node.name": name,
        "rpc.port": ports.rpc,
        # Only where every validator is on this machine: a rehearsal spans several.
        "rpc.dev_accounts": mesh_addr == LOOPBACK,
        "ops.port": ports.ops,
        "p2p.addr": mesh_addr if mesh_addr == LOOPBACK else "0.0.0.0",
        "p2p.port": ports.mesh,
        "signer.passphrase_file": str(home.passphrase_file.relative_to(home.root)),
    }
    return render_toml(values).encode()
