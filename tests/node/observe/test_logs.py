"""One event per line: keys, units, and a person told what to read when they must act."""

import io
import json

import pytest

from consensus.primitives.scalars import Epoch, Hash32, Height, ValidatorIndex, View
from node.observe.facts import BuildFacts
from node.observe.logs import EventLog, FinalBlock, FinalReporter, StartFacts, log_start, short_count

START_MS = 1_700_000_000_123


class ManualClock:
    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


def make_log(stream: io.StringIO, clock: ManualClock, *, level: str = "info", format: str = "text") -> EventLog:
    return EventLog((stream,), level=level, format=format, now_ms=clock)


def block(height: int, *, transaction_count: int = 37, nullified: int = 0, build_ms: int | None = 11) -> FinalBlock:
    return FinalBlock(
        height=Height(height),
        epoch=Epoch(3),
        view=View(1291),
        nullified=nullified,
        transaction_count=transaction_count,
        gas=1_900_000,
        work=61_000,
        signed=4,
        validator_count=4,
        leader="beta",
        block_hash=Hash32(b"\x12\xab" + bytes(30)),
        build_ms=build_ms,
        certify_ms=9,
        commit_ms=4,
        age_ms=48,
    )


def test_the_line_of_a_final_block_is_the_documented_one() -> None:
    stream, clock = io.StringIO(), ManualClock()

    FinalReporter(make_log(stream, clock), clock).report(block(1204))

    assert stream.getvalue() == (
        "2023-11-14T22:13:20.123Z INFO  final height=1204 epoch=3 view=1291 nullified=0 txs=37 gas=1.9M work=61k "
        "signed=4/4 leader=beta block=0x12ab… build_ms=11 certify_ms=9 commit_ms=4 age_ms=48\n"
    )


def test_a_block_built_elsewhere_has_no_build_time() -> None:
    stream, clock = io.StringIO(), ManualClock()

    FinalReporter(make_log(stream, clock), clock).report(block(1204, build_ms=None))

    assert "build_ms" not in stream.getvalue()


def test_heartbeats_are_summed_once_a_minute_and_payments_are_not() -> None:
    stream, clock = io.StringIO(), ManualClock()
    reporter = FinalReporter(make_log(stream, clock), clock)

    for height in range(2, 8):
        clock.now_ms += 10_000
        reporter.report(block(height, transaction_count=0))
    assert stream.getvalue().splitlines() == ["2023-11-14T22:14:20.123Z INFO  heartbeats count=6 in_s=60 height=7"]

    reporter.report(block(8))
    assert " final height=8 " in stream.getvalue()


def test_an_empty_block_after_a_nullified_view_is_not_a_heartbeat() -> None:
    stream, clock = io.StringIO(), ManualClock()

    FinalReporter(make_log(stream, clock), clock).report(block(9, transaction_count=0, nullified=1))

    assert "nullified=1" in stream.getvalue()


def test_values_with_blanks_are_quoted_and_one_event_stays_one_line() -> None:
    stream, clock = io.StringIO(), ManualClock()

    make_log(stream, clock).warn("link_down", peer="gamma", reason='said "no"\nand left', up=False)

    assert stream.getvalue().count("\n") == 1
    assert 'peer=gamma reason="said \\"no\\"\\nand left" up=false\n' in stream.getvalue()


def test_json_lines_hold_the_same_values() -> None:
    stream, clock = io.StringIO(), ManualClock()

    make_log(stream, clock, format="json").error("wal_failed", page="docs/x.md", path="/d", digest=b"\x01")

    assert json.loads(stream.getvalue()) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "error",
        "event": "wal_failed",
        "path": "/d",
        "digest": "0x01",
        "page": "docs/x.md",
    }


def test_a_start_is_one_line_per_subject_endpoint_and_warning() -> None:
    stream, clock = io.StringIO(), ManualClock()
    facts = StartFacts(
        build=BuildFacts("0.1.0", ""),
        chain_id=23790,
        network_name="devnet",
        genesis_hash=Hash32(b"\x8a" * 32),
        role="validator",
        name="bank-a-1",
        epoch=Epoch(0),
        validator_index=ValidatorIndex(0),
        validator_count=7,
        quorum=5,
        data_folder="/var/lib/sycee/data",
        proof_window_blocks=1_024,
        height_final=Height(12),
        endpoints=(("rpc", "127.0.0.1:8545"), ("mesh", "0.0.0.0:25545")),
        warnings=("the disk is almost full",),
    )

    log_start(make_log(stream, clock), facts)

    lines = [line.split(maxsplit=1)[1] for line in stream.getvalue().splitlines()]
    assert lines == [
        "INFO  version version=0.1.0 commit=none",
        f"INFO  chain id=23790 name=devnet genesis=0x{'8a' * 32}",
        "INFO  node role=validator name=bank-a-1 epoch=0 validator_index=0",
        'INFO  quorum votes="5 of 7"',
        "INFO  ledger folder=/var/lib/sycee/data history=archive proof_window_blocks=1024 final_height=12",
        "INFO  listening purpose=rpc address=127.0.0.1:8545",
        "INFO  listening purpose=mesh address=0.0.0.0:25545",
        'WARN  attention reason="the disk is almost full"',
    ]


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("warn", 2), ("error", 1)])
def test_the_level_is_the_least_severe_one_printed(level: str, lines: int) -> None:
    stream, clock = io.StringIO(), ManualClock()
    log = make_log(stream, clock, level=level)

    log.debug("a")
    log.info("b")
    log.warn("c")
    log.error("d", page="docs/d.md")

    assert len(stream.getvalue().splitlines()) == lines


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (9_999, "9.9k"),
        (10_000, "10k"),
        (999_999, "999k"),
        (1_900_000, "1.9M"),
        (10**13, "10000G"),
    ],
)
def test_counts_are_shortened_downwards(count: int, shown: str) -> None:
    assert short_count(count) == shown
