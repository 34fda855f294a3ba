"""What is promised of everything that reads bytes from outside, and how one input is tried against it.

A decoder either returns a value that encodes to exactly the input, or raises one of the errors its target names. Its
work and its memory are bounded by the length of the input. Work is counted in calls, never in seconds, so that a
verdict depends on the input alone.
"""

import random
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True, slots=True)
class Bound:
    """How much an input may cost: something for being there, and something for each of its bytes."""

    fixed: int
    per_byte: int

    def of(self, data: bytes) -> int:
        """Return what `data` may cost."""
        return self.fixed + self.per_byte * len(data)


STEPS = Bound(4_000, 40)
"""Calls of Python and C functions. An RLP item of one byte costs about ten; quadratic work passes this at a few KB."""

ALLOCATION = Bound(128 * 1024, 80)
"""Bytes on top of what was there. The dearest honest case is an empty RLP list: one byte becomes 64."""

SHRINK_TRIES_MAX = 2_000
"""Attempts to leave something out of a finding; a few seconds for the slowest targets."""

Decode = Callable[[bytes], bytes | None]
"""Decodes, and returns what the value encodes to; None where a format has several spellings of a value."""

Mutate = Callable[[random.Random, Sequence[bytes]], bytes]
"""Makes a hostile input from real ones."""


@dataclass(frozen=True, slots=True)
class Target:
    """One way in."""

    name: str
    """On the command line, and the folder of its corpus."""
    entry: str
    """The production function, as module:name."""
    seeds: Callable[[], Sequence[bytes]]
    """Real inputs, made by real encoders. They must be accepted."""
    mutate: Mutate
    decode: Decode
    errors: tuple[type[Exception], ...]
    """What it may raise, and nothing else."""
    steps: Bound = STEPS
    allocation: Bound = ALLOCATION


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise."""

    target: str
    promise: str
    """Which one: error, encoding, steps or allocation."""
    detail: str
    data: bytes

    def __str__(self) -> str:
        shown = self.data[:200].hex() + ("…" if len(self.data) > 200 else "")
        return f"{self.target}: {self.promise}: {self.detail}\n  {len(self.data)} bytes: {shown}"


class StepsExceeded(BaseException):
    """Raised inside the decoder when it does more than its input allows. No `except Exception` can hide it."""


def try_input(target: Target, data: bytes, *, is_measured: bool = True) -> Finding | None:
    """Decode `data` and return the promise it breaks, if any. Memory is measured only where `is_measured`."""
    limit = target.steps.of(data)
    left = limit

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            sys.setprofile(None)
            raise StepsExceeded

    detail = ""
    promise = ""
    if is_measured:
        tracemalloc.start()
    sys.setprofile(count)
    try:
        encoded = target.decode(data)
        sys.setprofile(None)
        if encoded is not None and encoded != data:
            promise, detail = "encoding", f"the value encodes to {encoded[:200].hex()}"
    except target.errors:
        sys.setprofile(None)
    except StepsExceeded:
        promise, detail = "steps", f"more than {limit} calls"
    except Exception as error:
        sys.setprofile(None)
        promise, detail = "error", f"{type(error).__module__}.{type(error).__name__}: {str(error)[:200]}"
    finally:
        sys.setprofile(None)
        peak = 0
        if is_measured:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    if not promise and peak > target.allocation.of(data):
        promise, detail = "allocation", f"{peak} bytes, at most {target.allocation.of(data)} are allowed"
    return Finding(target.name, promise, detail, data) if promise else None


def input_of(target: Target, seeds: Sequence[bytes], *, seed: int, index: int) -> bytes:
    """Return the input that seed and index mean, whatever was tried before it."""
    if index < len(seeds):
        return seeds[index]
    return target.mutate(random.Random(f"{seed} {target.name} {index}"), seeds)


def shrink(target: Target, finding: Finding) -> Finding:
    """Return the smallest input found that breaks the same promise, by leaving pieces out."""
    best = finding
    tries_left = SHRINK_TRIES_MAX
    width = len(finding.data) // 2
    while width:
        at = 0
        while at < len(best.data) and tries_left:
            tries_left -= 1
            found = try_input(target, best.data[:at] + best.data[at + width :])
            if found is not None and found.promise == finding.promise:
                best = found
            else:
                at += width
        # Halved; the remainder is tried with the next width.
        width //= 2
    return best
