"""What must hold at the end of every run, each check a finding with the differences it met.

Facts come from public RPC of running nodes, from their logs and from stopped homes; the arithmetic is done here a
second time, plainly. Changes nothing.
"""

import asyncio
import json
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from consensus.primitives.scalars import Address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY as CURRENCY_CONTRACT
from contracts.native.dispatch import find_function
from node.cli.json_rpc import CALL_LIST_MAX, Call, RpcClient, as_int, as_object
from node.cli.ledger_reader import read_balances, read_height, read_payments
from node.cli.network_plan import CURRENCIES, OPENING_UNITS
from node.cli.ports import LOOPBACK
from node.cli.reconciliation import Finding
from node.dev_accounts import PEOPLE
from tests.testnet.faults import Event
from tests.testnet.history import (
    PaymentRecord,
    ReadRecord,
    backward_reads,
    counter_anomaly,
    height_anomalies,
    missing_payments,
    unordered_payments,
)
from tests.testnet.load import CURRENCY, CURRENCY_CODE, FUNDING_MINOR, REGISTER
from tests.testnet.manifest import Expectation, Kind
from tests.testnet.network import Network, Node, processes_in, run_command

DIFFERENCES_MAX = 10
"""Differences named one by one in a finding; the rest are counted."""
VERIFY_LIMIT_S = 600.0
"""Longest re-execution of one home: twenty thousand blocks on a loaded machine."""
METRICS_LIMIT_S = 5.0
EVIDENCE_LINE = re.compile(r"sycee_evidence_total\{([^}]*)\} ([0-9.e+]+)")
VALIDATOR_LABEL = re.compile(r'validator="([^"]*)"')
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+ +[A-Z]+ ")
ERROR_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+ +ERROR ")
TRACEBACK_LINE = re.compile(r"Traceback ")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The chain of every node up to one height."""

    height: int
    hashes: Mapping[str, tuple[str, ...]]
    """Block hash at each height from 0, by node."""
    payments: Mapping[str, Mapping[str, int]]
    """Height of each payment to the register by transaction hash, by node; twice on the ledger is height -1."""
    balances: Mapping[str, Mapping[str, int]]
    supplies: Mapping[str, int]


def finding(name: str, differences: Sequence[str], text: str) -> Finding:
    """Return one check's result, with at most DIFFERENCES_MAX differences spelt out."""
    shown = list(differences[:DIFFERENCES_MAX])
    if len(differences) > DIFFERENCES_MAX:
        shown.append(f"and {len(differences) - DIFFERENCES_MAX} more")
    return Finding(name, not differences, text, tuple(shown))


async def read_ledgers(client: RpcClient, nodes: Sequence[Node], clients: Mapping[str, Address]) -> Ledgers:
    """Read every chain up to the least final height of `nodes`.

    Raises: EndpointDown, RpcFailed.
    """
    height = min([await read_height(client, node.rpc_url) for node in nodes])
    accounts = {**clients, "register": REGISTER.address, **{person.name: person.address for person in PEOPLE}}
    hashes: dict[str, tuple[str, ...]] = {}
    payments: dict[str, dict[str, int]] = {}
    balances: dict[str, dict[str, int]] = {}
    supplies: dict[str, int] = {}
    for node in nodes:
        hashes[node.name] = await read_hashes(client, node.rpc_url, height)
        found: dict[str, int] = {}
        for entry in await read_payments(client, node.rpc_url, currency=CURRENCY, height_first=1, height_last=height):
            found[entry.transaction_hash] = -1 if entry.transaction_hash in found else entry.height
        payments[node.name] = found
        balances[node.name] = await read_balances(
            client, node.rpc_url, currency=CURRENCY, accounts=accounts, height=height
        )
        supplies[node.name] = await _supply(client, node.rpc_url, height)
    return Ledgers(height, hashes, payments, balances, supplies)


def check_agreement(ledgers: Ledgers) -> Finding:
    """Check that all nodes have the same block at every height."""
    [(first, expected), *others] = ledgers.hashes.items()
    differences = [
        f"height {height}: {first} {expected[height]}, {name} {found[height]}"
        for name, found in others
        for height in range(len(expected))
        if found[height] != expected[height]
    ]
    text = f"{len(ledgers.hashes)} nodes have the same {ledgers.height + 1} blocks"
    return finding("agreement", differences, text)


def check_prefix(ledgers: Ledgers, name: str, hashes: Sequence[str]) -> Finding:
    """Check that the chain of a node that left is the beginning of everybody's."""
    [(first, expected), *_] = ledgers.hashes.items()
    differences = [
        f"height {height}: {first} {wanted}, {name} {found}"
        for height, (wanted, found) in enumerate(zip(expected, hashes, strict=False))
        if wanted != found
    ]
    return finding(f"prefix {name}", differences, f"its {len(hashes)} blocks begin everybody's chain")


def check_conservation(ledgers: Ledgers, clients: Mapping[str, Address], sent: Sequence[PaymentRecord]) -> Finding:
    """Check supply, the sum of all balances, and each client's balance against the payments on the ledger."""
    exponent = next(plan.decimals for plan in CURRENCIES if plan.code == CURRENCY_CODE)
    opening = OPENING_UNITS * 10**exponent
    expected_supply = len(PEOPLE) * opening + len(clients) * FUNDING_MINOR
    differences: list[str] = []
    payer = {record.hash: record.client for record in sent}
    for node, balances in ledgers.balances.items():
        if ledgers.supplies[node] != expected_supply:
            differences.append(f"{node}: supply {ledgers.supplies[node]}, created {expected_supply}")
        if sum(balances.values()) != ledgers.supplies[node]:
            differences.append(f"{node}: balances make {sum(balances.values())}, supply {ledgers.supplies[node]}")
        paid = dict.fromkeys(clients, 0)
        for digest in ledgers.payments[node]:
            if digest in payer:
                paid[payer[digest]] += 1
        wanted = {**{name: FUNDING_MINOR - count for name, count in paid.items()}, "register": sum(paid.values())}
        differences += [
            f"{node}: {name} holds {balances[name]}, payments leave {amount}"
            for name, amount in wanted.items()
            if balances[name] != amount
        ]
    return finding("conservation", differences, f"supply {expected_supply} on every node, balances to the minor unit")


def check_payments(ledgers: Ledgers, sent: Sequence[PaymentRecord], least: int) -> Finding:
    """Check that what was called final is on every node, once, where it was said to be, and nothing else is."""
    final = [record for record in sent if record.height is not None]
    differences = missing_payments(sent, ledgers.payments)
    for record in final:
        for node, hashes in ledgers.hashes.items():
            if record.height is not None and record.height < len(hashes) and hashes[record.height] != record.block_hash:
                differences.append(f"{record.hash}: {record.node} said block {record.block_hash}, {node} has another")
    known = {record.hash for record in sent}
    for node, found in ledgers.payments.items():
        differences += [f"{node}: {digest} was never sent" for digest in found if digest not in known]
        differences += [f"{node}: {digest} is there twice" for digest, height in found.items() if height < 0]
    differences += [f"{record.hash} was refused: {record.refused}" for record in sent if record.refused]
    if len(final) < least:
        differences.append(f"{len(final)} payments became final, at least {least} must")
    text = f"{len(final)} of {len(sent)} called final, each once and everywhere"
    return finding("payments", differences, text)


def check_history(sent: Sequence[PaymentRecord], reads: Sequence[ReadRecord]) -> tuple[Finding, ...]:
    """Check that one ledger explains what clients saw, in the order in which they saw it."""
    anomaly = counter_anomaly(sent, reads)
    text = f"{len(sent)} payments and {len(reads)} reads have one order"
    return (
        finding("linearizable", [anomaly] if anomaly else [], text),
        finding("reads", height_anomalies(sent, reads), f"{len(reads)} reads equal the payments up to their heights"),
        finding("final stays final", [*backward_reads(reads), *unordered_payments(sent)], "no node went back"),
    )


def check_recovery(events: Sequence[Event], unstarted: Sequence[str]) -> Finding:
    """Check that every node did what it must after each perturbation."""
    differences = [f"{name} never came into step after its late start" for name in unstarted]
    for event in events:
        what = f"{event.perturbation.kind.value} of {event.perturbation.node} at {event.began_s:.1f} s"
        if event.problem:
            differences.append(f"{what}: {event.problem}")
        elif event.recovered_s is None:
            differences.append(f"{what}: the run ended before it was over")
    return finding("recovery", differences, f"{len(events)} perturbations, each node came back in time")


def check_gap(gap_s: float, expect: Expectation) -> Finding:
    """Check the longest time without a new final height."""
    differences = [] if gap_s <= expect.finality_gap_s else [f"at most {expect.finality_gap_s} s are expected"]
    return finding("finality gap", differences, f"longest time without a final height {gap_s:.2f} s")


async def check_blame(nodes: Sequence[Node], events: Sequence[Event]) -> Finding:
    """Check that nobody is accused but who ran twice with one key."""
    guilty = {event.perturbation.node for event in events if event.perturbation.kind is Kind.COPIED_KEY}
    differences: list[str] = []
    for node in nodes:
        for accused in await asyncio.to_thread(_accused, node):
            if accused not in guilty:
                differences.append(f"{node.name} accuses {accused}")
    return finding("blame", differences, "no validator is accused without cause")


def check_errors(nodes: Sequence[Node], expect: Expectation) -> Finding:
    """Check that every ERROR line of every log has a cause in the manifest."""
    differences = [
        f"{node.name}: {line[:300]}"
        for node in nodes
        if node.home.log_file.exists()
        for line in causeless_errors(node.home.log_file.read_text(errors="replace").splitlines(), expect.errors)
    ]
    return finding("errors", differences, "no ERROR line without a cause in the manifest")


def causeless_errors(lines: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Return the ERROR lines and tracebacks that hold none of `expected`; a traceback below an expected line is its."""
    found: list[str] = []
    is_expected = False
    for line in lines:
        if ERROR_LINE.match(line):
            is_expected = any(part in line for part in expected)
            if not is_expected:
                found.append(line)
        elif TRACEBACK_LINE.match(line):
            if not is_expected:
                found.append(line)
        elif LOG_LINE.match(line):
            is_expected = False
    return found


def check_stopped(nodes: Sequence[Node]) -> Finding:
    """Check that every node that was told to end did so by itself, with exit code 0."""
    differences = []
    for node in nodes:
        node.reap()
        if node.death is None or node.death.how != "exit code 0":
            differences.append(f"{node.name}: {node.death.how if node.death else 'did not end in time'}")
    return finding("clean shutdown", differences, f"{len(nodes)} nodes ended when told to")


def check_home(node: Node) -> Finding:
    """Let `sycee-node verify` execute the whole chain of a stopped home again."""
    done = run_command("verify", "--home", str(node.home.root), "--json", limit_s=VERIFY_LIMIT_S)
    if done.returncode != 0:
        return finding(f"verify {node.name}", [(done.stdout + done.stderr)[-600:]], f"exit code {done.returncode}")
    report = json.loads(done.stdout)
    text = f"{report['height_last']} heights, {report['transactions']} transactions executed again"
    return finding(f"verify {node.name}", [], text)


def check_leaks(network: Network) -> Finding:
    """Check that no process, listener or half-written file is left."""
    differences = [f"process {number}: {command}" for number, command in processes_in(network.folder).items()]
    for port in network.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                differences.append(f"port {port}: {error.strerror}")
    for node in network.every_node():
        differences += [f"file {path}" for path in _half_written(node.home.root)]
    return finding("leaks", differences, "no process, port or half-written file is left")


def _half_written(folder: Path) -> list[Path]:
    return sorted(path for pattern in ("*.tmp", "*.partial") for path in folder.rglob(pattern))


async def read_hashes(client: RpcClient, url: str, height: int) -> tuple[str, ...]:
    """Return the block hashes from 0 to `height`. Raises: EndpointDown, RpcFailed."""
    hashes: list[str] = []
    for first in range(0, height + 1, CALL_LIST_MAX):
        places = range(first, min(first + CALL_LIST_MAX, height + 1))
        calls: list[Call] = [("eth_getBlockByNumber", [hex(place), False]) for place in places]
        hashes += [str(as_object(block)["hash"]) for block in await client.results(url, calls)]
    return tuple(hashes)


async def _supply(client: RpcClient, url: str, height: int) -> int:
    data = encode_call(find_function(CURRENCY_CONTRACT, "totalSupply"))
    call = {"to": "0x" + CURRENCY.hex(), "data": "0x" + data.hex()}
    return as_int(await client.result(url, "eth_call", dict(call), hex(height)))


def _accused(node: Node) -> set[str]:
    """Return the validators whose double votes this node has counted since it started."""
    try:
        with urlopen(f"http://{LOOPBACK}:{node.ports.ops}/metrics", timeout=METRICS_LIMIT_S) as response:
            text = response.read().decode()
    except (URLError, OSError):
        return set()
    accused: set[str] = set()
    for labels, count in EVIDENCE_LINE.findall(text):
        found = VALIDATOR_LABEL.search(labels)
        if found is not None and float(count) > 0:
            accused.add(found.group(1))
    return accused
