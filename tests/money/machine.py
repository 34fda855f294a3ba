"""Episodes of random money: every call predicted by the model, made through the doors, and compared."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from random import Random

from node.execution.genesis_state import Genesis
from tests.money.checks import check_state
from tests.money.doors import Disagreement, Doors
from tests.money.generator import Generator
from tests.money.model.ledger import Answer, Order, answer
from tests.money.model.rules import DAY_S
from tests.money.world import GENESIS_S, build_world, opening_state

BLOCK_ORDERS = 80
"""Calls of one block: after each block everything is compared and sealed."""
EPISODE_ORDERS = 480
"""Calls of one episode beside its opening: long enough for days to pass, short enough to replay."""
CONTRACT_DOOR_EVERY = 5
"""One episode of so many also goes through the contract's door, which costs several times the direct one."""


@dataclass(slots=True)
class Tally:
    """What a run did."""

    orders: int = 0
    orders_through_contract: int = 0
    blocks: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By function and error, `ok` for success; the calls of a batch count themselves."""
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.orders += other.orders
        self.orders_through_contract += other.orders_through_contract
        self.blocks += other.blocks
        self.counts += other.counts
        self.failures += other.failures


@cache
def world() -> Genesis:
    """Return the world, built once per process."""
    return build_world()


def run_episode(seed: int, episode: int, *, orders: int = EPISODE_ORDERS, both_doors: bool | None = None) -> Tally:
    """Run one episode; its failure, if any, is in the tally with what replays it."""
    has_contract_door = episode % CONTRACT_DOOR_EVERY == 0 if both_doors is None else both_doors
    tally = Tally()
    try:
        _run(Random(f"{seed}/{episode}"), orders, has_contract_door, tally)
    except (Disagreement, AssertionError) as failure:
        tally.failures.append(
            f"{failure} after {tally.orders} calls; replay: python -m tests.money --seed {seed} --episode {episode}"
        )
    return tally


def _run(random: Random, orders: int, has_contract_door: bool, tally: Tally) -> None:
    doors = Doors(world(), has_contract_door=has_contract_door)
    state = opening_state()
    generator = Generator(random, state)
    # A little before midnight, so that days end.
    now_s = GENESIS_S + DAY_S - GENESIS_S % DAY_S - random.randrange(600)
    waiting = generator.opening()[::-1]
    while tally.orders < orders or waiting:
        now_s += random.choice((1, 1, 3, 20, 120, 1_800, 30_000))
        generator.now_s = now_s
        doors.start_block(now_s)
        for _ in range(BLOCK_ORDERS):
            order = waiting.pop() if waiting else generator.next_order()
            expected = answer(state, order, now_s)
            found = doors.make(order)
            tally.orders += 1
            tally.orders_through_contract += has_contract_door
            if found != expected:
                raise Disagreement(f"{_show(order)}: ledger {_show(found)}, model {_show(expected)}")
            _count(tally, order, found.error)
        check_state(doors, state, now_s)
        doors.end_block()
        tally.blocks += 1


def _show(value: object) -> str:
    match value:
        case Order():
            return f"0x{value.caller.hex()} {value.name}{_show(value.arguments)} at 0x{value.target.hex()}"
        case Answer():
            return f"{_show(value.error)} {_show(value.result)} {_show(value.events)}"
        case bytes():
            return f"0x{value.hex()}"
        case tuple():
            return f"({', '.join(map(_show, value))})"
        case _:
            return repr(value)


def _count(tally: Tally, order: Order, error: tuple[str, tuple[object, ...]] | None) -> None:
    tally.counts[order.name, "ok" if error is None else error[0]] += 1
    if error is None:
        for inner in order.inner:
            tally.counts[inner.name, "ok"] += 1
        return
    name, values = error
    if name in ("BatchCallFailed", "TransferRowFailed"):
        index, nested = values
        assert isinstance(index, int)
        assert isinstance(nested, tuple)
        inner_order = order.inner[index] if order.inner else order
        _count(tally, inner_order, nested)
