"""The processes of one run: real `sycee-node start` in homes of their own, each behind its relay.

Homes and genesis are made by the functions behind `sycee-node testnet`; only the endpoints differ, which name relays.
Knows processes, files and sockets, not blocks. Whatever it started, it ends.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from random import Random

from consensus.chain.genesis import GenesisDocument, encode_genesis
from consensus.primitives.scalars import TimestampMs
from node.cli.devnet_folder import make_home
from node.cli.homes import write_genesis
from node.cli.network_plan import DEVNET_CHAIN_ID, plan_genesis
from node.cli.ports import LOOPBACK, NodePorts, assign_ports, require_free
from node.cli.supervisor import ChildPlan, Death, Supervisor, child_environment, module_arguments
from node.home import NodeHome
from tests.testnet.manifest import Manifest
from tests.testnet.relay import Relay, Ways, owner_of_port

RELAY_PORT_DISTANCE = 3_000
"""The relay before a mesh listener is this far above the RPC port: 20000 and 23000."""
COPY_PORT_PLACE = 50
"""A copied home takes the ports this many places behind its original."""


@dataclass(slots=True)
class Node:
    """One node: where it lives, and its process while it has one."""

    name: str
    home: NodeHome
    ports: NodePorts
    supervisor: Supervisor
    is_wanted: bool = False
    """Whether it was started and not told to end."""
    death: Death | None = None
    """How it last ended, asked or not."""

    @property
    def rpc_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.rpc}"

    @property
    def process_id(self) -> int | None:
        """The process, or None while there is none."""
        self.reap()
        return self.supervisor.process_ids.get(self.name)

    def reap(self) -> None:
        """Note the process's end, if it ended."""
        for death in self.supervisor.reap():
            self.death = death

    def start(self) -> None:
        """Start the process."""
        assert self.process_id is None, f"{self.name} runs"
        self.death = None
        self.is_wanted = True
        self.supervisor.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is a process."""
        process_id = self.process_id
        if process_id is not None:
            os.kill(process_id, number)

    async def ended(self, limit_s: float) -> bool:
        """Wait until there is no process, at most `limit_s`, and tell whether that is so."""
        deadline_s = time.monotonic() + limit_s
        while self.process_id is not None:
            if time.monotonic() > deadline_s:
                return False
            await asyncio.sleep(0.02)
        return True


class Network:
    """All nodes and relays of one run. Use as an asynchronous context manager."""

    def __init__(self, manifest: Manifest, folder: Path, *, rpc_port: int, has_netem: bool) -> None:
        """Make homes and genesis in the empty `folder`; `has_netem` tells that packets are lost for real already.

        Raises: PortTaken, PortOutOfRange.
        """
        self.manifest = manifest
        self.has_netem = has_netem
        self.folder = folder
        self.ways = Ways()
        all_ports = assign_ports(rpc_port, manifest.validators)
        relay_ports = [rpc_port + RELAY_PORT_DISTANCE + place for place in range(manifest.validators)]
        require_free(self._named_ports(all_ports, relay_ports))
        self.nodes = {
            name: make_node(name, NodeHome(folder / name), ports) for name, ports in zip(manifest.names, all_ports)
        }
        self.copies: dict[str, Node] = {}
        """Second hosts with a copied key, by the name of the first."""
        self.genesis = self._write_homes(relay_ports)
        self._relays = [
            Relay(
                name,
                port=relay_port,
                target_port=self.nodes[name].ports.mesh,
                ways=self.ways,
                owner=self._owner,
                random=generator(manifest.seed, f"relay {name}"),
            )
            for name, relay_port in zip(manifest.names, relay_ports)
        ]
        for name in self.nodes:
            self.reset_ways_of(name)

    async def __aenter__(self) -> "Network":
        for relay in self._relays:
            await relay.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for node in self.every_node():
            node.signal(signal.SIGCONT)
        await asyncio.gather(*(asyncio.to_thread(node.supervisor.stop) for node in self.every_node()))
        for relay in self._relays:
            await relay.close()

    @property
    def ports(self) -> list[int]:
        """Every port of the run."""
        return [port for port, _, _ in self._named_ports([node.ports for node in self.every_node()], [])]

    def every_node(self) -> tuple[Node, ...]:
        """Return validators and copies."""
        return (*self.nodes.values(), *self.copies.values())

    def others(self, name: str) -> Iterator[str]:
        """Yield the names of the other validators."""
        return (other for other in self.nodes if other != name)

    def reset_ways_of(self, name: str) -> None:
        """Give every way from and to one node what the regions say, and nothing else."""
        for other in self.others(name):
            self._reset_way(name, other)
            self._reset_way(other, name)
            self.ways.mend(name, other)

    def _reset_way(self, source: str, target: str) -> None:
        regions = self.manifest.regions
        way = self.ways.way(source, target)
        way.delay_ms = regions.delay_ms[regions.of.get(source, 0)][regions.of.get(target, 0)]
        way.jitter_ms, way.bytes_per_s = regions.jitter_ms, 0
        way.loss_percent = 0 if self.has_netem else self.manifest.loss_percent
        if way.is_lost:
            # Its connections have lost bytes and can never go on.
            for connection in self.ways.between(source, target):
                connection.abort()
        way.is_held = way.is_lost = False

    def copy(self, name: str) -> Node:
        """Return a second node in a copy of the home of `name`, keys, guard and all, with listeners of its own."""
        original = self.nodes[name]
        ports = assign_ports(original.ports.rpc + COPY_PORT_PLACE, 1)[0]
        home = NodeHome(self.folder / f"{name}-copy")
        shutil.copytree(original.home.root, home.root, ignore=shutil.ignore_patterns("LOCK", "node.log"))
        copied = make_node(home.root.name, home, ports)
        self.copies[name] = copied
        return copied

    def _write_homes(self, relay_ports: list[int]) -> GenesisDocument:
        entries = []
        for node, relay_port in zip(self.nodes.values(), relay_ports):
            entry = make_home(node.home, name=node.name, ports=node.ports, mesh_addr=LOOPBACK, say=lambda _: None)
            entries.append(replace(entry, endpoints=(f"{LOOPBACK}:{relay_port}",)))
        genesis = plan_genesis(
            entries,
            network_name=self.manifest.name,
            chain_id=DEVNET_CHAIN_ID,
            timestamp_ms=TimestampMs(int(time.time()) * 1_000),
            parameters={
                "block_interval_min_ms": self.manifest.block_interval_ms,
                "empty_block_interval_ms": self.manifest.heartbeat_ms,
                "epoch_blocks_max": self.manifest.epoch_blocks,
            },
        )
        text = encode_genesis(genesis)
        for node in self.nodes.values():
            write_genesis(node.home.genesis_file, text)
        return genesis

    def _owner(self, port: int) -> str | None:
        process_ids: dict[str, int] = {}
        for name, node in self.nodes.items():
            for one in (node, self.copies.get(name)):
                if one is not None and one.process_id is not None:
                    process_ids[one.name] = one.process_id
        owner = owner_of_port(port, process_ids)
        return None if owner is None else owner.removesuffix("-copy")

    @staticmethod
    def _named_ports(ports: Sequence[NodePorts], relay_ports: Sequence[int]) -> list[tuple[int, str, str]]:
        named = [(port, "listener of a node", "--rpc-port") for own in ports for port in (own.rpc, own.ops, own.mesh)]
        return [*named, *((port, "relay", "--rpc-port") for port in relay_ports)]


def make_node(name: str, home: NodeHome, ports: NodePorts) -> Node:
    """Return a node that does not run yet; its ports stand on its command line, so a copied home needs no edit."""
    arguments = module_arguments(
        "node",
        *("start", "--home", str(home.root.resolve()), "--rpc.port", str(ports.rpc)),
        *("--ops.port", str(ports.ops), "--p2p.port", str(ports.mesh)),
    )
    return Node(name, home, ports, Supervisor([ChildPlan(name, arguments, home.log_file)]))


def run_command(*arguments: str, limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run `sycee-node` with `arguments` to its end, at most `limit_s`."""
    return subprocess.run(
        [sys.executable, *module_arguments("node", *arguments)],
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=limit_s,
        check=False,
    )


def generator(seed: int, name: str) -> Random:
    """Return the generator of one concern: one more draw in one leaves the others alone."""
    return Random(sha256(f"{seed}/{name}".encode()).digest())


def processes_in(folder: Path) -> Mapping[int, str]:
    """Return the processes whose command line names something below `folder`, by id."""
    found: dict[int, str] = {}
    wanted = str(folder.resolve())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"--home {wanted}/" in command:
            found[int(entry.name)] = command.strip()
    return found
