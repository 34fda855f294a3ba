"""What a node prints: one event per line, `key=value`, units in keys. Never a line per transaction, never a secret.

`ERROR` means that a person must act, so it always ends with the page to read.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import TextIO

from consensus.primitives.scalars import Epoch, Hash32, Height, ValidatorIndex, View
from node.observe.facts import BuildFacts

HEARTBEAT_SUMMARY_MS = 60_000
"""Empty blocks are summed over a minute: at the default heartbeat six lines an hour become one a minute."""
PLAIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/+%@,…[]")
"""What needs no quotes in a value."""

FieldValue = str | int | bool | bytes


class Level(IntEnum):
    """How much a line matters."""

    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """What one line says about one height."""

    height: Height
    epoch: Epoch
    view: View
    nullified: int
    """Views nullified since the final block before."""
    transaction_count: int
    gas: int
    work: int
    signed: int
    validator_count: int
    leader: str
    """Name of the validator that proposed it."""
    block_hash: Hash32
    build_ms: int | None
    """None when another validator built it."""
    certify_ms: int | None
    """None when this node learned of the block only when it was final."""
    commit_ms: int
    age_ms: int
    """Block timestamp to final."""


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What a node says of itself when it starts."""

    build: BuildFacts
    chain_id: int
    network_name: str
    genesis_hash: Hash32
    role: str
    name: str
    epoch: Epoch
    validator_index: ValidatorIndex | None
    """None when this node does not vote."""
    validator_count: int
    quorum: int
    data_folder: str
    proof_window_blocks: int
    height_final: Height
    endpoints: tuple[tuple[str, str], ...]
    """Purpose and address of every open listener, for instance ("rpc", "127.0.0.1:8545")."""
    warnings: tuple[str, ...]
    """What the operator should look at, one sentence each."""


class EventLog:
    """Writes events to streams; the only thing in a node that prints."""

    __slots__ = ("_encode", "_level", "_now_ms", "_streams")

    def __init__(self, streams: tuple[TextIO, ...], *, level: str, format: str, now_ms: Callable[[], int]) -> None:
        """Write events of at least `level` to `streams` as `format` (text or json); `now_ms` gives Unix time."""
        self._streams = streams
        self._level = Level[level.upper()]
        self._encode = encode_json if format == "json" else encode_text
        self._now_ms = now_ms

    def debug(self, event: str, **values: FieldValue) -> None:
        """Print a detail for developers."""
        self._print(Level.DEBUG, event, values)

    def info(self, event: str, **values: FieldValue) -> None:
        """Print something that happens on a healthy node."""
        self._print(Level.INFO, event, values)

    def warn(self, event: str, **values: FieldValue) -> None:
        """Print something a person may look at later; name the validator it is about."""
        self._print(Level.WARN, event, values)

    def error(self, event: str, *, page: str, **values: FieldValue) -> None:
        """Print something a person must act on; `page` says where it is explained."""
        self._print(Level.ERROR, event, {**values, "page": page})

    def _print(self, level: Level, event: str, values: dict[str, FieldValue]) -> None:
        if level < self._level:
            return
        line = self._encode(self._now_ms(), level, event, values)
        for stream in self._streams:
            stream.write(line)
            stream.flush()


class FinalReporter:
    """Prints one line per height that holds payments and sums up the empty ones once a minute."""

    __slots__ = ("_heartbeats", "_height_last", "_log", "_now_ms", "_since_ms")

    def __init__(self, log: EventLog, now_ms: Callable[[], int]) -> None:
        self._log = log
        self._now_ms = now_ms
        self._heartbeats = 0
        self._height_last = 0
        self._since_ms = now_ms()

    def report(self, block: FinalBlock) -> None:
        """Print `block`, or count it when it is a heartbeat: without transactions and without trouble."""
        is_heartbeat = block.transaction_count == 0 and block.nullified == 0 and block.height > 1
        if is_heartbeat:
            self._heartbeats += 1
            self._height_last = block.height
        else:
            self._log.info("final", **final_fields(block))
        now_ms = self._now_ms()
        if now_ms - self._since_ms >= HEARTBEAT_SUMMARY_MS:
            self._summarize(now_ms)

    def _summarize(self, now_ms: int) -> None:
        if self._heartbeats:
            seconds = (now_ms - self._since_ms) // 1000  # whole seconds; the rest does not matter to a reader
            self._log.info("heartbeats", count=self._heartbeats, in_s=seconds, height=self._height_last)
        self._heartbeats = 0
        self._since_ms = now_ms


def log_start(log: EventLog, facts: StartFacts) -> None:
    """Print what a node is, where it stands and where it listens: one line per subject."""
    log.info("version", version=facts.build.version, commit=facts.build.commit or "none")
    log.info("chain", id=facts.chain_id, name=facts.network_name, genesis=facts.genesis_hash)
    index = "none" if facts.validator_index is None else str(facts.validator_index)
    log.info("node", role=facts.role, name=facts.name, epoch=facts.epoch, validator_index=index)
    log.info("quorum", votes=f"{facts.quorum} of {facts.validator_count}")
    log.info(
        "ledger",
        folder=facts.data_folder,
        history="archive",
        proof_window_blocks=facts.proof_window_blocks,
        final_height=facts.height_final,
    )
    for purpose, address in facts.endpoints:
        log.info("listening", purpose=purpose, address=address)
    for warning in facts.warnings:
        log.warn("attention", reason=warning)


def final_fields(block: FinalBlock) -> dict[str, FieldValue]:
    """Return the keys and values of a `final` line, in the order they are printed."""
    values: dict[str, FieldValue] = {
        "height": block.height,
        "epoch": block.epoch,
        "view": block.view,
        "nullified": block.nullified,
        "txs": block.transaction_count,
        "gas": short_count(block.gas),
        "work": short_count(block.work),
        "signed": f"{block.signed}/{block.validator_count}",
        "leader": block.leader,
        "block": short_hash(block.block_hash),
    }
    if block.build_ms is not None:
        values["build_ms"] = block.build_ms
    if block.certify_ms is not None:
        values["certify_ms"] = block.certify_ms
    return {**values, "commit_ms": block.commit_ms, "age_ms": block.age_ms}


def encode_text(now_ms: int, level: Level, event: str, values: dict[str, FieldValue]) -> str:
    """Return one line: time, level, event, then key=value."""
    pairs = "".join(f" {key}={_plain(value)}" for key, value in values.items())
    return f"{format_instant(now_ms)} {level.name:<5} {event}{pairs}\n"


def encode_json(now_ms: int, level: Level, event: str, values: dict[str, FieldValue]) -> str:
    """Return one line: a JSON object with `time`, `level`, `event` and the values."""
    content = {"time": format_instant(now_ms), "level": level.name.lower(), "event": event}
    shown = {key: "0x" + value.hex() if isinstance(value, bytes) else value for key, value in values.items()}
    return json.dumps({**content, **shown}, ensure_ascii=False) + "\n"


def format_instant(now_ms: int) -> str:
    """Return Unix milliseconds as `2026-01-31T12:00:00.123Z`."""
    # Seconds are the quotient, milliseconds the remainder: no float touches the instant.
    seconds, milliseconds = divmod(now_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def short_count(count: int) -> str:
    """Return a count in at most four characters and a unit: 950, 61k, 1.9M. For eyes only, rounded down."""
    if count < 1_000:
        return str(count)
    for unit, size in (("k", 10**3), ("M", 10**6), ("G", 10**9)):
        if count < size * 1_000 or unit == "G":
            tenths = count * 10 // size  # rounded down: a screen never shows more than there was
            return f"{tenths // 10}.{tenths % 10}{unit}" if tenths < 100 else f"{tenths // 10}{unit}"
    raise AssertionError("the last unit takes everything")


def short_hash(value: bytes) -> str:
    """Return the first four hexadecimal digits of a hash."""
    return f"0x{value[:2].hex()}…"


def _plain(value: FieldValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "0x" + value.hex() if isinstance(value, bytes) else str(value)
    if text and all(character in PLAIN_CHARACTERS for character in text):
        return text
    return json.dumps(text, ensure_ascii=False)
