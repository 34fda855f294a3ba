"""What goes wrong between hosts and on them."""

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Knobs of the links and hosts, until healing."""

    loss_percent: int = 0
    latency_ms: tuple[int, int] = (5, 20)
    sync_ms: tuple[int, int] = (1, 3)
    execute_ms: tuple[int, int] = (1, 5)
    unknown_verdict_percent: int = 0
