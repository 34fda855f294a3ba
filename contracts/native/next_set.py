"""Which of the changes asked for happen at the end of an epoch. A pure function; the same requests, the same answer.

Few members change at once, so that a quorum of one epoch always shares members with a quorum of the next; what does
not fit waits. Source: consensus.md §9.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from consensus.primitives.scalars import Address
from consensus.simplex.validators import VALIDATORS_MAX


class Change(IntEnum):
    """A change of one member, in order of precedence."""

    SUSPEND = 1
    """Out, because the council or evidence says so."""
    LEAVE = 2
    """Out, because it asked."""
    ROTATE = 3
    """Stays, with other keys."""
    JOIN = 4
    """In: approved and ready."""


@dataclass(frozen=True, slots=True, order=True)
class ChangeRequest:
    """One change asked for; ordered by precedence, then by request."""

    change: Change
    """What is asked for."""
    sequence: int
    """Number of the request; no two are equal."""
    operator: Address
    """Whose entry it is about."""


def changes_max(validator_count: int) -> int:
    """Return how many members may change after an epoch of n validators: max(1, f)."""
    # f, rounded down: the remainder is margin that cannot be used.
    return max(1, (validator_count - 1) // 3)


def choose_changes(validator_count: int, requests: Iterable[ChangeRequest]) -> tuple[ChangeRequest, ...]:
    """Return the changes that happen after an epoch of `validator_count` validators, in the order they are made.

    At most max(1, f), at most one for each operator, the first by precedence. The last validator is never taken out,
    and nobody joins a full set; such requests wait and take nobody's turn.
    """
    chosen: list[ChangeRequest] = []
    changed: dict[Address, Change] = {}
    count = validator_count
    for request in sorted(requests):
        if len(chosen) == changes_max(validator_count):
            break
        if request.operator in changed:
            continue
        match request.change:
            case Change.SUSPEND | Change.LEAVE:
                if count == 1:
                    continue
                count -= 1
            case Change.JOIN:
                if count == VALIDATORS_MAX:
                    continue
                count += 1
            case Change.ROTATE:
                pass
        chosen.append(request)
        changed[request.operator] = request.change
    assert 0 < count <= VALIDATORS_MAX
    return tuple(chosen)
