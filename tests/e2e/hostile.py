"""Thousands of bad transactions a second against a running network, with honest payments in between.

`python -m tests.e2e.hostile --seconds 30` prints what each kind was told, the rates and the memory of every
validator, and ends with 1 when a node died, lied about a reason or grew. It stops by itself.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from consensus.chain.transaction import TRANSACTION_BYTES_MAX, sign_dynamic_fee_transaction
from consensus.primitives.scalars import Address
from node.cli.currency_calls import GAS_LIMIT, encode_transfer
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.cli.submitter import Outgoing
from node.dev_accounts import ALICE, BOB, CAROL, DevAccount
from tests.e2e.cluster import EUR, Cluster, Validator, payments_of_alice, running_devnet

RATE_MIN = 10_000
"""Bad transactions a second that a network must live with."""
RATE_MAX = 12_000
"""The flood goes no faster, so that two runs compare and honest payments are not starved by the sender itself."""
HONEST_PER_SECOND = 20
CALL_LIST_MAX = 100
"""Calls of one request: what a node answers by default."""
LISTS = 48
"""Different requests, sent over and over: 4 800 transactions. No node remembers what it refused."""
OVERSIZED_EVERY = 8
"""One list in so many holds an oversized transaction: a quarter of a megabyte each."""
SENDERS_PER_VALIDATOR = 3
FINAL_PATIENCE_S = 15.0
"""Within this after the flood every honest payment is final."""
NOT_READY_PERCENT_MAX = 5
"""A validator that shares its core with the flood may fall behind for a moment, not for long."""
NOT_READY = b'"reason":"syncing"'
GROWTH_MAX_BYTES = 48 * 1024 * 1024
"""What a validator may grow during the flood: the blocks of the honest payments and LevelDB's write buffers."""
SEED = 20_261
DUPLICATED = "duplicated"
"""The one kind that is no error: the hash again, so that a retry is safe."""

EXPECTED = {
    "malformed": "malformed",
    "not hexadecimal": "invalid_parameter",
    "unknown type": "transaction_type_not_supported",
    "oversized": "oversized",
    DUPLICATED: "",
    "wrongly signed": "invalid_signature",
    "wrong chain": "wrong_chain_id",
    "nonce gap": "nonce_gap",
    "used nonce": "nonce_too_low",
    "unaffordable": "insufficient_funds",
    "too little gas": "intrinsic_gas_too_low",
    "too much gas": "exceeds_block_gas_limit",
}
"""Kind -> the stable word its answer must carry."""


@dataclass(frozen=True, slots=True)
class Flood:
    """One prepared request."""

    body: bytes
    kinds: tuple[str, ...]
    """The kind of each call, by its id."""
    reasons: Counter[str]
    """How often each word must be in the answer."""


@dataclass(slots=True)
class Findings:
    """What the flood was told."""

    sent: Counter[str] = field(default_factory=Counter)
    told: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Kind -> code and message of its first answer."""
    wrong: list[str] = field(default_factory=list)
    """Answers that were not what the kind deserves."""
    not_ready: int = 0
    """Answers of a validator that said it was a few heights behind: true under load, and no verdict."""
    seconds: float = 0.0
    honest_final: int = 0
    honest_sent: int = 0
    honest_latencies_s: list[float] = field(default_factory=list)
    rss_before: dict[str, int] = field(default_factory=dict)
    rss_after: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return sum(self.sent.values()) / self.seconds

    def problems(self) -> list[str]:
        """Return what a person must look at; nothing when the network behaved."""
        found = list(self.wrong[:10])
        if self.honest_final != self.honest_sent:
            found.append(f"{self.honest_final} of {self.honest_sent} honest payments became final")
        # Rounded down; a permille more or less decides nothing.
        if self.not_ready > sum(self.sent.values()) * NOT_READY_PERCENT_MAX // 100:
            found.append(f"{self.not_ready} of {sum(self.sent.values())} were told that the node is catching up")
        for name, before in self.rss_before.items():
            after = self.rss_after.get(name)
            if after is None:
                found.append(f"{name} is gone")
            elif after - before > GROWTH_MAX_BYTES:
                found.append(f"{name} grew from {before >> 20} to {after >> 20} MB")
        found.extend(f"{kind} was never answered" for kind in EXPECTED if kind not in self.told)
        return found


def sign(
    account: DevAccount,
    *,
    nonce: int,
    chain_id: int = DEVNET_CHAIN_ID,
    gas_limit: int = GAS_LIMIT,
    value: int = 0,
    memo: int = 0,
) -> bytes:
    """Return a signed payment of one cent to bob; `memo` makes it differ from others."""
    data = encode_transfer(BOB.address, 1, memo.to_bytes(32, "big"))
    return sign_dynamic_fee_transaction(
        account.private_key,
        chain_id=chain_id,
        nonce=nonce,
        gas_limit=gas_limit,
        to=Address(EUR),
        value=value,
        data=data,
    )


def wrongly_signed(raw: bytes, number: int) -> bytes:
    """Return `raw` with the half of the signature that nobody may use (s above half the curve's order)."""
    return raw[:-32] + b"\xff" * 24 + number.to_bytes(8, "big")


def make_bad(kind: str, number: int, chance: random.Random, final_raw: bytes) -> str:
    """Return the parameter of one bad submission; `number` makes it differ from others of its kind."""
    match kind:
        case "malformed":
            return "0x" + sign(CAROL, nonce=0, memo=number)[: chance.randrange(2, 100)].hex()
        case "not hexadecimal":
            return f"0xcash{number}"
        case "unknown type":
            return "0x05" + sign(CAROL, nonce=0, memo=number)[1:].hex()
        case "oversized":
            return "0x02" + chance.randbytes(TRANSACTION_BYTES_MAX).hex()
        case "duplicated":
            return "0x" + final_raw.hex()
        case "wrongly signed":
            return "0x" + wrongly_signed(_with_full_signature(number), number).hex()
        case "wrong chain":
            return "0x" + sign(CAROL, nonce=0, chain_id=1, memo=number).hex()
        case "nonce gap":
            return "0x" + sign(CAROL, nonce=100_000 + number).hex()
        case "used nonce":
            return "0x" + sign(ALICE, nonce=0, memo=2**64 + number).hex()
        case "unaffordable":
            return "0x" + sign(CAROL, nonce=0, value=10**18 + number).hex()
        case "too little gas":
            return "0x" + sign(CAROL, nonce=0, gas_limit=21_000, memo=number).hex()
        case "too much gas":
            return "0x" + sign(CAROL, nonce=0, gas_limit=2**40, memo=number).hex()
        case _:
            raise AssertionError(f"no such kind: {kind}")


def _with_full_signature(number: int) -> bytes:
    # One s in 256 has a leading zero byte and is encoded shorter; the next memo has another s.
    while (raw := sign(CAROL, nonce=0, memo=number))[-33] != 0xA0:
        number += 2**32
    return raw


def prepare(final_raw: bytes) -> list[Flood]:
    """Return LISTS requests in which every kind appears, from a fixed seed."""
    chance = random.Random(SEED)
    small = [kind for kind in EXPECTED if kind != "oversized"]
    floods = []
    for place in range(LISTS):
        kinds = [small[index % len(small)] for index in range(CALL_LIST_MAX)]
        if place % OVERSIZED_EVERY == 0:
            kinds[0] = "oversized"
        chance.shuffle(kinds)
        calls = [
            {
                "jsonrpc": "2.0",
                "id": index,
                "method": "eth_sendRawTransaction",
                "params": [make_bad(kind, place * CALL_LIST_MAX + index, chance, final_raw)],
            }
            for index, kind in enumerate(kinds)
        ]
        reasons = Counter(EXPECTED[kind] for kind in kinds if EXPECTED[kind])
        floods.append(Flood(orjson.dumps(calls), tuple(kinds), reasons))
    return floods


def judge(flood: Flood, answer: bytes, findings: Findings) -> None:
    """Count an answer, and remember whatever it should not have said."""
    findings.sent.update(flood.kinds)
    not_ready = answer.count(NOT_READY)
    if not_ready:
        findings.not_ready += not_ready
        return
    for reason, count in flood.reasons.items():
        if answer.count(b'"reason":"%s"' % reason.encode()) != count:
            findings.wrong.append(f"{reason} expected {count} times: {answer[:400]!r}")
            return
    if set(flood.kinds) <= findings.told.keys():
        return
    for entry in orjson.loads(answer):
        kind = flood.kinds[entry["id"]]
        if kind == DUPLICATED:
            findings.told.setdefault(kind, (0, str(entry.get("result", entry))))
        else:
            findings.told.setdefault(kind, (entry["error"]["code"], entry["error"]["message"]))


async def flood_one(
    session: aiohttp.ClientSession, url: str, floods: Sequence[Flood], findings: Findings, until_s: float, offset: int
) -> None:
    """Send requests one after the other, not above this sender's part of RATE_MAX, until the time is over."""
    interval_s = CALL_LIST_MAX * 4 * SENDERS_PER_VALIDATOR / RATE_MAX
    next_s = time.monotonic()
    place = offset
    while (now_s := time.monotonic()) < until_s:
        if now_s < next_s:
            await asyncio.sleep(next_s - now_s)
        # Lost time is caught up: the rate is an average.
        next_s += interval_s
        flood = floods[place % len(floods)]
        place += 1
        try:
            async with session.post(url, data=flood.body) as response:
                judge(flood, await response.read(), findings)
        except aiohttp.ClientError as error:
            findings.wrong.append(f"{url} stopped answering: {error}")
            return


async def pay_honestly(
    session: aiohttp.ClientSession, urls: Sequence[str], payments: Sequence[Outgoing], findings: Findings
) -> None:
    """Send payments at an even pace, and wait for each to be final as wallets do."""
    started_s = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for place, payment in enumerate(payments):
            await asyncio.sleep(max(0.0, started_s + place / HONEST_PER_SECOND - time.monotonic()))
            findings.honest_sent += 1
            tasks.create_task(follow(session, urls[0], payment, findings))


async def follow(session: aiohttp.ClientSession, url: str, payment: Outgoing, findings: Findings) -> None:
    """Send one payment and ask for its receipt until it is final or FINAL_PATIENCE_S is over."""
    sent_s = time.monotonic()
    is_taken = False
    while time.monotonic() < sent_s + FINAL_PATIENCE_S:
        if not is_taken:
            # A wallet that is told to try again does so.
            is_taken = "result" in await ask(session, url, "eth_sendRawTransaction", payment.raw)
        elif (await ask(session, url, "eth_getTransactionReceipt", payment.hash)).get("result") is not None:
            findings.honest_final += 1
            findings.honest_latencies_s.append(time.monotonic() - sent_s)
            return
        await asyncio.sleep(0.02)


async def ask(session: aiohttp.ClientSession, url: str, method: str, *params: object) -> dict[str, object]:
    """Return the whole answer to one call."""
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    async with session.post(url, data=body) as response:
        answer = orjson.loads(await response.read())
    assert isinstance(answer, dict)
    return answer


def resident_bytes(validator: Validator) -> int | None:
    """Return the memory a validator holds; None when it is gone."""
    try:
        status = Path(f"/proc/{validator.process_id}/status").read_text()
    except FileNotFoundError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024 if "VmRSS" in fields else None


def memory_of(validators: Sequence[Validator]) -> dict[str, int]:
    """Return the memory of each validator that lives."""
    sizes = {validator.name: resident_bytes(validator) for validator in validators}
    return {name: size for name, size in sizes.items() if size is not None}


async def attack(cluster: Cluster, seconds: float) -> Findings:
    """Warm the validators up, flood them for `seconds` and return what was found."""
    findings = Findings()
    warm_up_s = min(3.0, seconds)
    [first, *payments] = payments_of_alice(1 + int((seconds + warm_up_s) * HONEST_PER_SECOND))
    connector = aiohttp.TCPConnector(limit_per_host=2 * SENDERS_PER_VALIDATOR + 64)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await follow(session, cluster.urls[0], first, findings)
        floods = prepare(bytes.fromhex(first.raw[2:]))
        warm_count = int(warm_up_s * HONEST_PER_SECOND)
        # Every buffer, cache and pool a flood touches is filled once before memory is compared.
        await _phase(session, cluster, floods, payments[:warm_count], warm_up_s, Findings())
        findings.rss_before = memory_of(cluster.validators)
        findings.honest_latencies_s.clear()
        findings.honest_final = 0
        await _phase(session, cluster, floods, payments[warm_count:], seconds, findings)
        findings.rss_after = memory_of(cluster.validators)
    return findings


async def _phase(
    session: aiohttp.ClientSession,
    cluster: Cluster,
    floods: Sequence[Flood],
    payments: Sequence[Outgoing],
    seconds: float,
    findings: Findings,
) -> None:
    started_s = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        honest = tasks.create_task(pay_honestly(session, cluster.urls, payments, findings))
        async with asyncio.TaskGroup() as senders:
            for place in range(len(cluster.urls) * SENDERS_PER_VALIDATOR):
                url = cluster.urls[place % len(cluster.urls)]
                senders.create_task(flood_one(session, url, floods, findings, started_s + seconds, place * 5))
        findings.seconds = time.monotonic() - started_s
        await honest


def report(findings: Findings) -> str:
    """Return the findings as a person reads them."""
    lines = [f"{'kind':<16}{'sent':>9}  {'code':>6}  reason and message"]
    for kind, reason in EXPECTED.items():
        code, message = findings.told.get(kind, (0, "never answered"))
        lines.append(f"{kind:<16}{findings.sent[kind]:>9}  {code:>6}  {reason or 'its hash again'}: {message[:140]}")
    lines.append(
        f"bad     {findings.rate:,.0f} a second for {findings.seconds:.1f} s, {findings.not_ready} told: catching up"
    )
    latencies = sorted(findings.honest_latencies_s)
    if latencies:
        # The index of the 99th percentile, rounded down.
        p50_ms, p99_ms = (1000 * latencies[len(latencies) * part // 100] for part in (50, 99))
        lines.append(
            f"honest  {findings.honest_final} of {findings.honest_sent} final, p50 {p50_ms:.0f} p99 {p99_ms:.0f} ms"
        )
    for name, before in findings.rss_before.items():
        lines.append(f"memory  {name:<8}{before / 2**20:>7.1f} -> {findings.rss_after.get(name, 0) / 2**20:.1f} MB")
    return "\n".join(lines)


def main() -> int:
    """Run the flood against a network of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rpc-port", type=int, default=11_240)
    parser.add_argument("--dir", type=Path, help="folder for the network and its logs, kept; default: a temporary one")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_devnet((options.dir or Path(folder)) / "devnet", options.rpc_port) as cluster,
    ):
        findings = asyncio.run(attack(cluster, options.seconds))
    print(report(findings))
    if options.json:
        print(json.dumps({"rate": findings.rate, "sent": findings.sent, "memory": findings.rss_after}))
    problems = findings.problems()
    if findings.rate < RATE_MIN:
        problems.append(f"only {findings.rate:,.0f} bad transactions a second, {RATE_MIN:,} wanted")
    for problem in problems:
        print(f"problem: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
