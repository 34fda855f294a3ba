"""Does to nodes, links and disks what the manifest says, when it says so, and watches each node come back.

Every perturbation is recorded with its times, so that the checks know what may have been caused by it. Judges nothing
but whether the node did what it must once the perturbation was over.
"""

import asyncio
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from node.cli.errors import EXIT_REFUSED
from node.cli.json_rpc import EndpointDown, RpcClient, RpcFailed
from node.cli.ledger_reader import read_height
from node.cli.supervisor import STOP_TIMEOUT_S
from tests.testnet.disk import SmallDisk
from tests.testnet.manifest import RANDOM_NODE, Kind, Manifest, Outcome, Perturbation
from tests.testnet.network import Network, Node, generator

SLOW_DELAY_MS = 300
"""One way of a slow link: less than the network's bound of 400 ms, so that time-outs are not the cause of progress."""
SLOW_BYTES_PER_S = 256 * 1024
"""Width of a slow link: 2 Mbit/s."""
RECOVERY_POLL_S = 0.1
REFUSAL_LIMIT_S = 20.0
"""How long a node may take to refuse its disk: an import and the reading of the log on a loaded machine."""
BACKUP_SUFFIX = "-backup"


@dataclass(slots=True)
class Event:
    """What became of one perturbation."""

    perturbation: Perturbation
    began_s: float
    ended_s: float | None = None
    recovered_s: float | None = None
    """When it was in step again, or had refused as it must; None while it has not."""
    problem: str = ""


class Faults:
    """Runs the perturbations of one manifest."""

    def __init__(self, network: Network, client: RpcClient, now_s: Callable[[], float]) -> None:
        """Prepare; `now_s` tells seconds since the load began."""
        self._network = network
        self._client = client
        self._now_s = now_s
        self._manifest = network.manifest
        self._random = generator(self._manifest.seed, "faults")
        self._disks: dict[str, SmallDisk] = {}
        self._busy: set[str] = set()
        self.events: list[Event] = []
        self.plan = draw_plan(self._manifest, self._random)

    async def prepare(self) -> None:
        """Make what perturbations need before any node starts."""
        for entry in self.plan:
            if entry.kind is Kind.DISK_FULL and entry.node not in self._disks:
                self._disks[entry.node] = SmallDisk(self._network.nodes[entry.node].home.data_folder)

    def close(self) -> None:
        """Take small disks away; every node has ended."""
        for disk in self._disks.values():
            disk.close()

    @property
    def disk_notes(self) -> tuple[str, ...]:
        """How disks are filled, for the report."""
        return tuple(
            f"{name}: {'a small file system' if disk.is_mounted else 'a limit on file sizes: no mount here'}"
            for name, disk in self._disks.items()
        )

    async def run(self) -> None:
        """Do everything planned, each at its time, and watch every node come back."""
        async with asyncio.TaskGroup() as tasks:
            for perturbation in self.plan:
                tasks.create_task(self._at_its_time(perturbation))

    async def wait_in_step(self, node: Node, limit_s: float) -> bool:
        """Wait until `node` has the greatest final height known now, and tell whether it did within `limit_s`."""
        deadline_s = self._now_s() + limit_s
        goal = await self._greatest_height(except_for=node.name)
        while self._now_s() < deadline_s:
            if await self._height(node) >= max(goal, 1):
                return True
            await asyncio.sleep(RECOVERY_POLL_S)
        return False

    async def _at_its_time(self, perturbation: Perturbation) -> None:
        await asyncio.sleep(max(0.0, perturbation.at_s - self._now_s()))
        node = self._network.nodes[perturbation.node]
        if perturbation.node in self._busy:
            self.events.append(Event(perturbation, self._now_s(), problem="another perturbation of this node goes on"))
            return
        self._busy.add(node.name)
        event = Event(perturbation, self._now_s())
        self.events.append(event)
        try:
            await _ACTIONS[perturbation.kind](self, node, event)
            event.ended_s = self._now_s()
            await self._judge(node, event)
        finally:
            self._busy.discard(node.name)

    async def _judge(self, node: Node, event: Event) -> None:
        if event.problem:
            return
        if event.perturbation.then is Outcome.REFUSES:
            if not await node.ended(REFUSAL_LIMIT_S):
                event.problem = f"runs, although it must refuse its disk within {REFUSAL_LIMIT_S:.0f} s"
            elif node.death is None or node.death.how != f"exit code {EXIT_REFUSED}":
                event.problem = (
                    f"ended with {node.death.how if node.death else 'nothing'}, not exit code {EXIT_REFUSED}"
                )
            else:
                event.recovered_s = self._now_s()
            node.is_wanted = False
        elif await self.wait_in_step(node, self._manifest.expect.recover_s):
            event.recovered_s = self._now_s()
        else:
            node.reap()
            state = "runs" if node.process_id is not None else f"ended: {node.death.how if node.death else 'unknown'}"
            event.problem = f"not in step {self._manifest.expect.recover_s} s later; it {state}"

    async def _kill(self, node: Node, event: Event) -> None:
        await self._down_for(node, event, signal.SIGKILL)

    async def _terminate(self, node: Node, event: Event) -> None:
        await self._down_for(node, event, signal.SIGTERM)

    async def _down_for(self, node: Node, event: Event, number: signal.Signals) -> None:
        if not await self._end(node, number):
            event.problem = f"did not end within {STOP_TIMEOUT_S:.0f} s of {number.name}"
            await self._end(node, signal.SIGKILL)
        elif number is signal.SIGTERM and node.death is not None and node.death.how != "exit code 0":
            event.problem = f"ended with {node.death.how} when told to end"
        await asyncio.sleep(event.perturbation.for_s)
        node.start()

    async def _pause(self, node: Node, event: Event) -> None:
        node.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(event.perturbation.for_s)
        finally:
            node.signal(signal.SIGCONT)

    async def _disconnect(self, node: Node, event: Event) -> None:
        for other in self._network.others(node.name):
            self._network.ways.cut(node.name, other)
        await self._mend_after(node, event)

    async def _one_way_cut(self, node: Node, event: Event) -> None:
        for other in self._network.others(node.name):
            self._network.ways.way(node.name, other).is_held = True
        await self._mend_after(node, event)

    async def _half_open(self, node: Node, event: Event) -> None:
        ways = self._network.ways
        for other in self._network.others(node.name):
            ways.way(node.name, other).is_lost = True
            for connection in ways.between(node.name, other):
                connection.abort_end(other)
        await self._mend_after(node, event)

    async def _slow_link(self, node: Node, event: Event) -> None:
        for other in self._network.others(node.name):
            for source, target in ((node.name, other), (other, node.name)):
                way = self._network.ways.way(source, target)
                way.delay_ms, way.bytes_per_s = SLOW_DELAY_MS, SLOW_BYTES_PER_S
        await self._mend_after(node, event)

    async def _mend_after(self, node: Node, event: Event) -> None:
        await asyncio.sleep(event.perturbation.for_s)
        self._network.reset_ways_of(node.name)

    async def _fill_disk(self, node: Node, event: Event) -> None:
        disk = self._disks[node.name]
        await asyncio.to_thread(disk.fill, node.process_id)
        await asyncio.sleep(event.perturbation.for_s)
        disk.make_room()
        # An error from a write ends a node; the operator makes room and starts it again.
        if await node.ended(RECOVERY_POLL_S):
            node.start()

    async def _wipe(self, node: Node, event: Event) -> None:
        await self._end(node, signal.SIGKILL)
        _empty(node.home.data_folder)
        await asyncio.sleep(event.perturbation.for_s)
        node.start()

    async def _restore_backup(self, node: Node, event: Event) -> None:
        """Copy the disk of the stopped node, let it run on for the time given, then put the copy in its place."""
        backup = Path(str(node.home.data_folder) + BACKUP_SUFFIX)
        if not await self._end(node, signal.SIGTERM):
            event.problem = "did not end when told to"
            return
        shutil.copytree(node.home.data_folder, backup)
        node.start()
        await asyncio.sleep(event.perturbation.for_s)
        await self._end(node, signal.SIGKILL)
        _empty(node.home.data_folder)
        shutil.copytree(backup, node.home.data_folder, dirs_exist_ok=True)
        shutil.rmtree(backup)
        node.start()

    async def _copy_key(self, node: Node, event: Event) -> None:
        """Run a copy of the stopped node beside it: two hosts with one key, as after a careless move."""
        if not await self._end(node, signal.SIGTERM):
            event.problem = "did not end when told to"
            return
        copied = self._network.copy(node.name)
        node.start()
        copied.start()
        await asyncio.sleep(event.perturbation.for_s)
        await self._end(copied, signal.SIGKILL)
        copied.is_wanted = False
        # The original has seen its own key speak elsewhere and may have stopped voting; a person starts it again.
        if await self._end(node, signal.SIGTERM):
            node.start()

    async def _end(self, node: Node, number: signal.Signals) -> bool:
        node.is_wanted = False
        node.signal(number)
        return await node.ended(STOP_TIMEOUT_S)

    async def _height(self, node: Node) -> int:
        try:
            return await read_height(self._client, node.rpc_url)
        except (EndpointDown, RpcFailed):
            return -1

    async def _greatest_height(self, *, except_for: str) -> int:
        others = [node for node in self._network.nodes.values() if node.name != except_for and node.is_wanted]
        return max(await asyncio.gather(*(self._height(node) for node in others)), default=0)


_ACTIONS: Mapping[Kind, Callable[[Faults, Node, Event], Awaitable[None]]] = {
    Kind.KILL: Faults._kill,
    Kind.TERMINATE: Faults._terminate,
    Kind.RESTART: Faults._terminate,
    Kind.PAUSE: Faults._pause,
    Kind.DISCONNECT: Faults._disconnect,
    Kind.ONE_WAY_CUT: Faults._one_way_cut,
    Kind.HALF_OPEN: Faults._half_open,
    Kind.SLOW_LINK: Faults._slow_link,
    Kind.DISK_FULL: Faults._fill_disk,
    Kind.WIPE: Faults._wipe,
    Kind.RESTORE_BACKUP: Faults._restore_backup,
    Kind.COPIED_KEY: Faults._copy_key,
}


def draw_plan(manifest: Manifest, random: Random) -> tuple[Perturbation, ...]:
    """Return every perturbation of the run with its node named, in the order of their times."""
    starters = [name for name in manifest.names if name not in manifest.start_height]
    planned = [
        replace(entry, node=random.choice(starters)) if entry.node == RANDOM_NODE else entry
        for entry in manifest.perturbations
    ]
    drawn = manifest.random
    if drawn is not None:
        at_s = float(random.randrange(1, 2 * drawn.interval_s + 1))
        # The largest share, rounded down; with fewer than three validators nobody is perturbed at random.
        busy_max = manifest.validators * drawn.percent_max // 100
        while at_s + drawn.for_s < manifest.duration_s:
            for_s = float(random.randrange(1, drawn.for_s + 1))
            free = [name for name in starters if name not in _busy_at(planned, at_s, manifest.expect.recover_s)]
            if free and len(starters) - len(free) < busy_max:
                kind = random.choice(drawn.kinds)
                planned.append(Perturbation(kind, random.choice(free), at_s, for_s, Outcome.RECOVERS))
            at_s += random.randrange(1, 2 * drawn.interval_s + 1)
    return tuple(sorted(planned, key=lambda entry: entry.at_s))


def _busy_at(planned: Sequence[Perturbation], at_s: float, recover_s: int) -> set[str]:
    return {entry.node for entry in planned if entry.at_s <= at_s <= entry.at_s + entry.for_s + recover_s}


def _empty(folder: Path) -> None:
    """Remove what is in `folder`; the folder itself may be a mounted disk."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
