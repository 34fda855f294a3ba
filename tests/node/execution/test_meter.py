"""Work is counted wherever it is done, and ends what takes too long."""

import pytest

from consensus.primitives.scalars import TimestampMs, WorkUnits
from node.execution.meter import SLICE_TICKS, TICKS_PER_UNIT, DeadlineMeter, DeadlinePassed, WorkExhausted, WorkMeter
from tests.node.execution.evm import Evm
from tests.node.runtime.manual import ManualTime

FOR_EVER = "5b 6000 56"
"""JUMPDEST PUSH1 0 JUMP."""


def test_work_up_to_the_limit_passes_and_one_tick_more_does_not() -> None:
    meter = WorkMeter(WorkUnits(2))
    meter.spend(2 * TICKS_PER_UNIT)
    assert meter.work_used == 2
    with pytest.raises(WorkExhausted):
        meter.spend(1)


def test_started_unit_counts_as_a_whole_one() -> None:
    meter = WorkMeter(WorkUnits(2))
    meter.spend(1)
    assert meter.work_used == 1


def test_loop_ends_with_its_work_though_there_is_gas() -> None:
    evm = Evm()
    evm.put(bytes.fromhex(FOR_EVER))
    with pytest.raises(WorkExhausted):
        evm.call(gas=10**12, meter=WorkMeter(WorkUnits(1_000)))


def test_loop_in_an_inner_call_ends_the_outermost_one() -> None:
    evm = Evm()
    evm.put(bytes.fromhex(FOR_EVER), at=evm.other)
    evm.put(bytes.fromhex(f"6000 6000 6000 6000 6000 73{evm.other.hex()} 620fffff f1 00"))
    with pytest.raises(WorkExhausted):
        evm.call(gas=10**12, meter=WorkMeter(WorkUnits(1_000)))


def test_deadline_ends_a_loop_and_a_call_in_time_does_not_notice_it() -> None:
    time = ManualTime(1_000)
    ticking = iter(range(1_000, 2_000))

    def now_ms() -> TimestampMs:
        return TimestampMs(next(ticking))

    evm = Evm()
    evm.put(bytes.fromhex(FOR_EVER))
    with pytest.raises(DeadlinePassed):
        evm.call(
            gas=10**12,
            meter=DeadlineMeter(WorkUnits(10**9), now_ms=now_ms, deadline_ms=TimestampMs(1_010)),
        )
    in_time = DeadlineMeter(WorkUnits(10**9), now_ms=time.now_ms, deadline_ms=TimestampMs(1_010))
    assert evm.call(meter=in_time, gas=1_000_000).failure == "out of gas"


def test_meter_with_a_deadline_counts_work_like_one_without() -> None:
    time = ManualTime(1_000)
    meter = DeadlineMeter(WorkUnits(10_000), now_ms=time.now_ms, deadline_ms=TimestampMs(2_000))
    meter.spend(3 * SLICE_TICKS + 1)
    assert meter.work_used == 3 * SLICE_TICKS // TICKS_PER_UNIT + 1
    with pytest.raises(WorkExhausted):
        meter.spend(10_000 * TICKS_PER_UNIT)


def test_deadline_that_has_passed_lets_nothing_begin() -> None:
    time = ManualTime(1_000)
    with pytest.raises(DeadlinePassed):
        DeadlineMeter(WorkUnits(1), now_ms=time.now_ms, deadline_ms=TimestampMs(1_000))
