"""The clock never steps back and follows the wall clock slowly."""

from node.runtime.clock import MonotonicWallClock


class Times:
    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000_000_000_000
        self.monotonic_ns = 5_000_000_000

    def clock(self) -> MonotonicWallClock:
        return MonotonicWallClock(lambda: self.wall_ns, lambda: self.monotonic_ns)

    def advance(self, ms: int, *, wall_ms: int | None = None) -> None:
        self.monotonic_ns += ms * 1_000_000
        self.wall_ns += (ms if wall_ms is None else wall_ms) * 1_000_000


def test_clock_follows_a_sound_wall_clock_exactly() -> None:
    times = Times()
    clock = times.clock()
    times.advance(12_345)
    assert clock.now_ms() == 1_700_000_012_345


def test_wall_clock_jump_is_slewed_by_five_milliseconds_a_second() -> None:
    times = Times()
    clock = times.clock()
    times.advance(1_000, wall_ms=61_000)
    assert clock.now_ms() == 1_700_000_001_005
    assert clock.offset_ms() == 59_995


def test_wall_clock_set_back_never_turns_time_back() -> None:
    times = Times()
    clock = times.clock()
    before_ms = clock.now_ms()
    times.advance(1_000, wall_ms=-60_000)
    assert clock.now_ms() == before_ms + 995
    times.advance(0)
    assert clock.now_ms() == before_ms + 995
