"""Ways to cut a network, by name: each returns the directed pairs between which nothing passes."""

from collections.abc import Callable, Mapping
from random import Random

Cut = list[tuple[int, int]]
"""Pairs of sender and receiver."""


def halves(count: int, drawn: Random) -> Cut:
    """Cut between two groups of any size."""
    return _between([drawn.randrange(2) for _ in range(count)])


def minority(count: int, drawn: Random) -> Cut:
    """Cut off at most f nodes, which still hear each other."""
    # f; the remainder of the division is margin.
    few = set(drawn.sample(range(count), max(1, (count - 1) // 3)))
    return _between([int(index in few) for index in range(count)])


def single(count: int, drawn: Random) -> Cut:
    """Cut off one node."""
    alone = drawn.randrange(count)
    return _between([int(index == alone) for index in range(count)])


def ring(count: int, drawn: Random) -> Cut:
    """Leave each node only its two neighbours in a drawn order."""
    order = drawn.sample(range(count), count)
    place = {index: at for at, index in enumerate(order)}
    return [
        (sender, receiver)
        for sender in range(count)
        for receiver in range(count)
        if (place[sender] - place[receiver]) % count not in (0, 1, count - 1)
    ]


def bridge(count: int, drawn: Random) -> Cut:
    """Cut between two groups, all but one node that both hear."""
    group = [drawn.randrange(2) for _ in range(count)]
    both = drawn.randrange(count)
    return [pair for pair in _between(group) if both not in pair]


KINDS: Mapping[str, Callable[[int, Random], Cut]] = {
    "halves": halves,
    "minority": minority,
    "single": single,
    "ring": ring,
    "bridge": bridge,
}


def around(index: int, count: int) -> Cut:
    """Cut off this one node."""
    return _between([int(other == index) for other in range(count)])


def one_way(cut: Cut, drawn: Random) -> Cut:
    """Return the cut with one direction of every pair left open."""
    from_low = drawn.randrange(2)
    return [(sender, receiver) for sender, receiver in cut if (sender < receiver) == bool(from_low)]


def _between(groups: list[int]) -> Cut:
    places = range(len(groups))
    return [(sender, receiver) for sender in places for receiver in places if groups[sender] != groups[receiver]]
