"""`python -m tests.testnet.measure catch-up|crash|idle`: three numbers of real processes, printed as JSON.

catch-up: blocks a second by a node with an empty disk. crash: time without finality after the kill of one validator
under load, many times. idle: what two payments cost on a silent network whose next leader is dead. Asserts no duration.
"""

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from node.cli.bank_keys import sign_payments
from node.cli.json_rpc import RpcClient, as_list, as_object
from node.cli.ledger_reader import read_height
from node.cli.payments_file import Payment
from node.cli.submitter import Outgoing
from node.dev_accounts import ALICE, BOB
from tests.testnet.history import PaymentRecord
from tests.testnet.load import CONTEXT, Clients, Recorder
from tests.testnet.manifest import Load, LoadMode, Manifest, decode_manifest
from tests.testnet.network import Network, Node, generator
from tests.testnet.prebuilt import build_chain
from tests.testnet.run import wait_ready

DEFAULT_RPC_PORT = 20_600
POLL_S = 0.02
CATCH_UP_LIMIT_S = 1_800.0
"""Longest catching up that is waited for."""
CRASH_LOAD_S = 6.0
"""Load before and after each kill: several leader time-outs."""
DOWN_S = 4.0
"""How long a killed validator stays away: longer than the effect of its absence on finality."""
SILENCE_S = 3.0
"""Without work for this long, only heartbeats are made."""
MANIFEST = """
name = "measure"
duration_s = 60
validators = {validators}
epoch_blocks = {epoch_blocks}
heartbeat_ms = 60000
"""


def main() -> None:
    """Measure what the command line says and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.testnet.measure", description=__doc__)
    parser.add_argument("what", choices=("catch-up", "crash", "idle"))
    parser.add_argument("--blocks", type=int, default=10_000, help="height of the chain to be caught up")
    parser.add_argument("--payments", type=int, default=1, help="payments in each of its blocks")
    parser.add_argument("--epoch-blocks", type=int, default=3_600)
    parser.add_argument("--times", type=int, default=5, help="how often to kill, or to be silent")
    parser.add_argument("--validators", type=int, default=4)
    parser.add_argument("--rpc-port", type=int, default=DEFAULT_RPC_PORT)
    options = parser.parse_args()
    text = MANIFEST.format(validators=options.validators, epoch_blocks=options.epoch_blocks)
    manifest = decode_manifest(text, path=Path("measure.toml"))
    with tempfile.TemporaryDirectory(prefix="sycee-measure-") as folder:
        network = Network(manifest, Path(folder), rpc_port=options.rpc_port, has_netem=False)
        print(json.dumps(asyncio.run(_measure(network, manifest, options))))


async def _measure(network: Network, manifest: Manifest, options: argparse.Namespace) -> dict[str, object]:
    async with RpcClient() as client, network:
        if options.what == "catch-up":
            return await catch_up(network, client, blocks=options.blocks, payments=options.payments)
        for node in network.nodes.values():
            node.start()
        await wait_ready(client, list(network.nodes.values()))
        if options.what == "crash":
            return await crash(network, client, times=options.times)
        return await idle(network, client, times=options.times)


async def catch_up(network: Network, client: RpcClient, *, blocks: int, payments: int) -> dict[str, object]:
    """Give a chain to all nodes but the last, start them, then the last, and time it until it has every block."""
    *others, late = network.nodes.values()
    homes = [node.home for node in others]
    started_s = time.monotonic()
    await asyncio.to_thread(build_chain, homes, blocks=blocks, payments_per_block=payments, on_progress=lambda _: None)
    built_s = time.monotonic() - started_s
    for node in others:
        node.start()
    await wait_ready(client, others)
    late.start()
    await wait_ready(client, [late])
    first_s, first = time.monotonic(), await read_height(client, late.rpc_url)
    deadline_s = first_s + CATCH_UP_LIMIT_S
    height = first
    while height < blocks and time.monotonic() < deadline_s and late.process_id is not None:
        await asyncio.sleep(10 * POLL_S)
        height = await read_height(client, late.rpc_url)
    took_s = time.monotonic() - first_s
    return {
        "what": "catch-up",
        "blocks": blocks,
        "payments_per_block": payments,
        "built_s": round(built_s, 1),
        "height_reached": height,
        "seconds": round(took_s, 1),
        "blocks_per_s": round((height - first) / took_s, 1),
        "cpu_s": round(cpu_s(late), 1),
        "resident_mib": resident_mib(late),
    }


async def crash(network: Network, client: RpcClient, *, times: int) -> dict[str, object]:
    """Kill one validator after the other under load and time the longest and the second-longest gap after each kill."""
    recorder = Recorder()
    nodes = list(network.nodes.values())
    urls = [(node.name, node.rpc_url) for node in nodes]
    load = Load(LoadMode.CLOSED, clients=4, rate_per_s=1, readers=0)
    clients = Clients(client, urls, load, recorder, generator(1, "measure"))
    await clients.fund()
    gaps: list[dict[str, object]] = []
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(clients.run())
        for turn in range(times):
            node = nodes[turn % len(nodes)]
            await asyncio.sleep(CRASH_LOAD_S)
            before_us = recorder.now_us()
            node.signal(signal.SIGKILL)
            await node.ended(DOWN_S)
            killed_us = recorder.now_us()
            await asyncio.sleep(DOWN_S)
            times_us = [killed_us, *(at_us for at_us, _ in recorder.heights if at_us > killed_us)]
            found = sorted((later - earlier for earlier, later in pairwise(times_us)), reverse=True)
            gaps.append(
                {
                    "killed": node.name,
                    "before_ms": gap_ms(recorder, before_us - int(CRASH_LOAD_S * 1_000_000), before_us),
                    "gaps_ms": [gap // 1_000 for gap in found[:4]],
                }
            )
            node.start()
            await wait_ready(client, [node])
            await asyncio.sleep(DOWN_S)
        clients.stop()
        await loading
    return {"what": "crash", "kills": gaps, "payments": len(recorder.payments)}


async def idle(network: Network, client: RpcClient, *, times: int) -> dict[str, object]:
    """Let the network fall silent, kill whoever leads next, and time two payments."""
    recorder = Recorder()
    nodes = list(network.nodes.values())
    payers = Clients(
        client,
        [(node.name, node.rpc_url) for node in nodes],
        Load(LoadMode.CLOSED, clients=0, rate_per_s=1, readers=0),
        recorder,
        generator(1, "measure"),
    )
    lane = payments_of_alice(3 * times)
    rounds: list[dict[str, object]] = []
    for turn in range(times):
        normal_ms = await pay_ms(payers, recorder, lane[3 * turn], first=0)
        await asyncio.sleep(SILENCE_S)
        dead = network.nodes[await _next_leader(client, nodes[0])]
        dead.signal(signal.SIGKILL)
        await dead.ended(DOWN_S)
        await asyncio.sleep(SILENCE_S)
        first = (nodes.index(dead) + 1) % len(nodes)
        latencies = [await pay_ms(payers, recorder, lane[3 * turn + place], first=first) for place in (1, 2)]
        rounds.append({"dead": dead.name, "normal_ms": normal_ms, "first_and_second_ms": latencies})
        dead.start()
        await wait_ready(client, [dead])
        await asyncio.sleep(SILENCE_S)
    return {
        "what": "idle",
        "rounds": rounds,
        "normal_ms_median": median(int(str(entry["normal_ms"])) for entry in rounds),
    }


async def pay_ms(payers: Clients, recorder: Recorder, outgoing: Outgoing, *, first: int) -> int:
    """Send one payment and return how long it took to be final, in milliseconds rounded down."""
    record = PaymentRecord(outgoing.hash, "alice", 0, invoked_us=recorder.now_us())
    await payers.pay_once(outgoing, record, first=first)
    assert record.returned_us is not None, record.refused
    return (record.returned_us - record.invoked_us) // 1_000


def payments_of_alice(count: int) -> list[Outgoing]:
    """Return signed payments of one minor unit."""
    payments = [Payment(place, f"measure {place}", "alice", "bob", 1) for place in range(count)]
    [lane] = sign_payments(CONTEXT, payments, banks={"alice": ALICE, "bob": BOB}, nonces={"alice": 0})
    return lane


def gap_ms(recorder: Recorder, since_us: int, until_us: int) -> int:
    """Return the longest time without a new height, in milliseconds rounded down."""
    return int(recorder.largest_gap_s(since_us, until_us) * 1_000)


def cpu_s(node: Node) -> float:
    """Return the processor time the process has used, in seconds; 0 when there is none."""
    if node.process_id is None:
        return 0.0
    fields = Path(f"/proc/{node.process_id}/stat").read_text().rpartition(")")[2].split()
    # Fields 14 and 15 of the whole line, in ticks. Source: proc(5).
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(node: Node) -> int:
    """Return the memory the process holds, in MiB rounded down; 0 when there is none."""
    if node.process_id is None:
        return 0
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{node.process_id}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) // 1_024


async def _next_leader(client: RpcClient, node: Node) -> str:
    """Return who leads the view after that of the last block: leaders take turns by index, a silent network waits."""
    validators = as_object(await client.result(node.rpc_url, "sycee_getValidators"))
    members = [as_object(entry) for entry in as_list(validators["validators"])]
    last = as_object(await client.result(node.rpc_url, "eth_getBlockByNumber", "latest", False))
    operators = [str(member["operator"]) for member in members]
    place = (operators.index(str(last["miner"])) + 1) % len(members)
    return str(members[place]["name"])


if __name__ == "__main__":
    main()
