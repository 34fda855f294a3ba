"""Whether a node lives and whether it is ready: named checks over one snapshot. Decides nothing, touches nothing."""

from dataclasses import dataclass

from node.observe.facts import NodeFacts

LOOP_IDLE_MAX_MS = 2_000
"""A loop that has not run for this long is stuck: no step of it may take more than 5 ms."""
HEIGHT_LAG_MAX = 2
"""Blocks behind the best peer; two are in flight on any healthy node."""
PENDING_AGE_MAX_MS = 5_000
"""An executable payment older than this waits for a network that decides nothing."""
FINAL_AGE_HEARTBEATS = 3
"""Missed heartbeats in a row: one can fall to a leader that is restarting, three cannot."""
CLOCK_OFFSET_MAX_MS = 500
"""Equal to the time-stamp tolerance of voters: beyond it this node's proposals are refused."""
DISK_FREE_MIN_THOUSANDTHS = 50
"""5 %: room for hours of blocks while a person reacts."""
FOLLOWER_LINKS_MIN = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One named condition, with what was found and what is required."""

    name: str
    passed: bool
    found: str
    required: str


def live_checks(facts: NodeFacts) -> tuple[Check, ...]:
    """Return the checks of /livez: should this process be restarted?"""
    return (
        Check(
            name="loop",
            passed=facts.loop_idle_ms <= LOOP_IDLE_MAX_MS,
            found=f"ran {facts.loop_idle_ms} ms ago",
            required=f"at most {LOOP_IDLE_MAX_MS} ms ago",
        ),
        Check(
            name="wal",
            passed=facts.is_wal_writable,
            found="writable" if facts.is_wal_writable else "not writable",
            required="writable",
        ),
    )


def ready_checks(facts: NodeFacts) -> tuple[Check, ...]:
    """Return the checks of /readyz: may clients be sent here?"""
    links_min = facts.quorum - 1 if facts.role == "validator" else FOLLOWER_LINKS_MIN
    final_age_max_ms = FINAL_AGE_HEARTBEATS * facts.empty_block_interval_ms
    return (
        _below("height_lag", facts.height_lag, HEIGHT_LAG_MAX, "blocks"),
        Check(
            name="links",
            passed=facts.links_up >= links_min,
            found=f"{facts.links_up} up",
            required=f"at least {links_min}",
        ),
        _below("pending_oldest", facts.pending_oldest_age_ms, PENDING_AGE_MAX_MS - 1, "ms"),
        _below("last_final", facts.final_age_ms, final_age_max_ms - 1, "ms ago"),
        _below("clock_offset", abs(facts.clock_offset_ms), CLOCK_OFFSET_MAX_MS - 1, "ms"),
        Check(
            name="disk_free",
            passed=facts.disk_free_thousandths > DISK_FREE_MIN_THOUSANDTHS,
            found=f"{facts.disk_free_thousandths} thousandths",
            required=f"more than {DISK_FREE_MIN_THOUSANDTHS}",
        ),
    )


def all_passed(checks: tuple[Check, ...]) -> bool:
    """Return whether every check passed."""
    return all(check.passed for check in checks)


def render_checks(checks: tuple[Check, ...]) -> str:
    """Return the body of an answer: `ok`, or one line per failed check."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return "ok\n"
    return "".join(f"failed {check.name}: {check.found}, required {check.required}\n" for check in failed)


def _below(name: str, found: int, maximum: int, unit: str) -> Check:
    return Check(name=name, passed=found <= maximum, found=f"{found} {unit}", required=f"at most {maximum} {unit}")
