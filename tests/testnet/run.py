"""One run from an empty folder to its findings: start, perturb under load, let everything come back, compare, stop.

The order here is the order of events. What is a fault stands in `faults.py`, what is a check in `checks.py`.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from node.cli.json_rpc import EndpointDown, RpcClient, RpcFailed
from node.cli.ledger_reader import UnreadableLedger, read_height
from node.cli.reconciliation import Finding, percentile
from node.cli.supervisor import STOP_TIMEOUT_S
from tests.testnet import checks
from tests.testnet.faults import Event, Faults
from tests.testnet.history import PaymentRecord
from tests.testnet.load import Clients, Recorder
from tests.testnet.manifest import Manifest, Outcome
from tests.testnet.network import Network, Node, generator

READY_LIMIT_S = 90.0
"""Longest start of all nodes: each imports for a second of one core, on a machine others use too."""
SETTLE_LIMIT_S = 60.0
"""How long payments that were sent may take to become final after the load and every perturbation ended."""
POLL_S = 0.1
READERS_LIMIT_S = 60.0
"""How long nodes may take to have the same height before ledgers are compared."""


class NotReady(Exception):
    """The network never made its first block final."""

    def __init__(self, names: list[str], limit_s: float) -> None:
        self.names = names
        super().__init__(f"no final block on {', '.join(names)} after {limit_s:.0f} s; see node.log in their homes")


@dataclass(slots=True)
class RunReport:
    """What one run found."""

    manifest: Manifest
    findings: list[Finding] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    payments: list[PaymentRecord] = field(default_factory=list)
    reads: int = 0
    height: int = 0
    gap_s: float = 0.0
    load_s: float = 0.0

    @property
    def failed(self) -> int:
        return sum(not entry.agrees for entry in self.findings)

    def as_json(self) -> dict[str, object]:
        """Return what programs read."""
        final = [entry for entry in self.payments if entry.returned_us is not None]
        latencies_ms = sorted(((entry.returned_us or 0) - entry.invoked_us) / 1_000 for entry in final)
        return {
            "schema": "sycee-testnet/1",
            "name": self.manifest.name,
            "seed": self.manifest.seed,
            "validators": self.manifest.validators,
            "load_s": round(self.load_s, 3),
            "height": self.height,
            "payments_sent": len(self.payments),
            "payments_final": len(final),
            "payments_resent": sum(entry.sent - 1 for entry in self.payments),
            "reads": self.reads,
            "latency_ms": {
                "p50": round(percentile(latencies_ms, 50), 1),
                "p99": round(percentile(latencies_ms, 99), 1),
                "max": round(max(latencies_ms, default=0.0), 1),
            },
            "finality_gap_s": round(self.gap_s, 3),
            "notes": self.notes,
            "events": [_event_json(event) for event in self.events],
            "checks": [
                {"name": entry.name, "passed": entry.agrees, "text": entry.text, "differences": list(entry.differences)}
                for entry in self.findings
            ],
        }


async def run_manifest(
    manifest: Manifest, folder: Path, *, rpc_port: int, has_netem: bool, say: Callable[[str], None]
) -> RunReport:
    """Run `manifest` in the empty `folder` and return what was found; every process has ended when this returns.

    Raises: NotReady, PortTaken, PortOutOfRange.
    """
    report = RunReport(manifest)
    network = Network(manifest, folder, rpc_port=rpc_port, has_netem=has_netem)
    async with RpcClient() as client:
        recorder = Recorder()
        started: list[int] = []
        faults = Faults(network, client, lambda: (recorder.now_us() - started[0]) / 1_000_000)
        await faults.prepare()
        try:
            async with network:
                report.notes += faults.disk_notes
                await _under_load(network, client, recorder, faults, started, report, say)
            alive = [node for node in network.nodes.values() if _is_to_be_whole(node, faults)]
            say("verify every home")
            report.findings += [await asyncio.to_thread(checks.check_home, node) for node in alive]
            report.findings.append(checks.check_leaks(network))
        finally:
            faults.close()
    return report


async def _under_load(
    network: Network,
    client: RpcClient,
    recorder: Recorder,
    faults: Faults,
    started: list[int],
    report: RunReport,
    say: Callable[[str], None],
) -> None:
    manifest = network.manifest
    early = [node for name, node in network.nodes.items() if name not in manifest.start_height]
    late = [node for name, node in network.nodes.items() if name in manifest.start_height]
    for node in early:
        node.start()
    await _wait_ready(client, early)
    urls = [(node.name, node.rpc_url) for node in early]
    clients = Clients(client, urls, manifest.load, recorder, generator(manifest.seed, "load"))
    await clients.fund()
    say(f"{len(early)} validators are ready, {len(clients.accounts)} clients funded; load for {manifest.duration_s} s")
    started.append(recorder.now_us())
    unstarted: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(clients.run())
        joining = [tasks.create_task(_join(node, network, recorder, faults, unstarted)) for node in late]
        perturbing = tasks.create_task(faults.run())
        await asyncio.sleep(manifest.duration_s)
        report.load_s = (recorder.now_us() - started[0]) / 1_000_000
        report.gap_s = recorder.largest_gap_s(started[0], recorder.now_us())
        say(f"load is over at height {recorder.height_final}; waiting for perturbed nodes")
        await perturbing
        clients.stop()
        await asyncio.wait([loading, *joining], timeout=SETTLE_LIMIT_S)
        for task in (loading, *joining):
            task.cancel()
    unstarted += [node.name for node in late if not node.is_wanted]
    report.payments, report.reads, report.events = recorder.payments, len(recorder.reads), faults.events
    report.notes.append(f"{sum(entry.returned_us is None for entry in recorder.payments)} payments without an outcome")
    await _compare(network, client, clients, recorder, faults, report, unstarted)
    await _stop(network, report)


async def _compare(
    network: Network,
    client: RpcClient,
    clients: Clients,
    recorder: Recorder,
    faults: Faults,
    report: RunReport,
    unstarted: list[str],
) -> None:
    expect = network.manifest.expect
    running = [node for node in network.nodes.values() if node.is_wanted]
    lagging = await _wait_equal(client, running, recorder.height_final)
    report.findings.append(checks.finding("in step", lagging, f"every node has height {recorder.height_final}"))
    answering = [node for node in running if not any(text.startswith(f"{node.name} ") for text in lagging)]
    try:
        ledgers = await checks.read_ledgers(client, answering, clients.accounts)
        report.height = ledgers.height
        report.findings += [
            checks.check_agreement(ledgers),
            checks.check_payments(ledgers, recorder.payments, expect.payments_min),
            checks.check_conservation(ledgers, clients.accounts, recorder.payments),
        ]
    except (EndpointDown, RpcFailed, UnreadableLedger) as error:
        report.findings.append(checks.finding("ledgers", [str(error)], "cannot be read"))
    report.findings += checks.check_history(recorder.payments, recorder.reads)
    report.findings += [
        checks.check_recovery(faults.events, unstarted),
        checks.check_gap(report.gap_s, expect),
        await checks.check_blame(answering, faults.events),
    ]


async def _stop(network: Network, report: RunReport) -> None:
    running = [node for node in network.nodes.values() if node.is_wanted]
    for node in running:
        node.signal(signal.SIGTERM)
    await asyncio.gather(*(node.ended(STOP_TIMEOUT_S) for node in running))
    report.findings.append(checks.check_stopped(running))
    report.findings.append(checks.check_errors(network.every_node(), network.manifest.expect))


async def _join(node: Node, network: Network, recorder: Recorder, faults: Faults, unstarted: list[str]) -> None:
    """Start `node` from an empty disk once the others are far enough."""
    await recorder.reached(network.manifest.start_height[node.name])
    node.start()
    if not await faults.wait_in_step(node, network.manifest.expect.recover_s):
        unstarted.append(node.name)


async def _wait_ready(client: RpcClient, nodes: list[Node]) -> None:
    deadline_s = time.monotonic() + READY_LIMIT_S
    waiting = list(nodes)
    while waiting:
        waiting = [node for node in waiting if await _height(client, node) < 1]
        if waiting and (time.monotonic() > deadline_s or any(node.process_id is None for node in waiting)):
            raise NotReady([node.name for node in waiting], READY_LIMIT_S)
        await asyncio.sleep(POLL_S)


async def _wait_equal(client: RpcClient, nodes: list[Node], height: int) -> list[str]:
    """Wait until every node has `height` and return what those that do not get there have."""
    deadline_s = time.monotonic() + READERS_LIMIT_S
    while True:
        heights = {node.name: await _height(client, node) for node in nodes}
        lagging = [f"{name} has {found}, the others {height}" for name, found in heights.items() if found < height]
        if not lagging or time.monotonic() > deadline_s:
            return lagging
        await asyncio.sleep(POLL_S)


async def _height(client: RpcClient, node: Node) -> int:
    try:
        return await read_height(client, node.rpc_url)
    except (EndpointDown, RpcFailed):
        return -1


def _is_to_be_whole(node: Node, faults: Faults) -> bool:
    """Tell whether the home must verify: not where the node must refuse its disk, nor where it never started."""
    refused = any(
        event.perturbation.node == node.name and event.perturbation.then is Outcome.REFUSES for event in faults.events
    )
    return node.is_wanted and not refused


def _event_json(event: Event) -> dict[str, object]:
    return {
        "kind": event.perturbation.kind.value,
        "node": event.perturbation.node,
        "began_s": round(event.began_s, 2),
        "ended_s": None if event.ended_s is None else round(event.ended_s, 2),
        "recovered_s": None if event.recovered_s is None else round(event.recovered_s, 2),
        "problem": event.problem,
    }
