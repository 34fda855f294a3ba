"""Wrong rules that must be noticed: each mutant patches one function in memory, and the checker it names must object.

A checker that has never failed proves nothing. Production code has no hooks for this.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from consensus.primitives.scalars import Address
from consensus.simplex import view
from consensus.simplex.core_state import CoreState
from consensus.simplex.validators import ValidatorSet
from contracts.layout import balance_slot
from contracts.native import currency
from contracts.native.context import CallContext
from node.peers.requests import Requester
from node.runtime.inbound import Inbound
from node.runtime.validator_node import ValidatorNode
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.memory_files import MemoryFile
from node.validator import signer
from tests.simulator.run import Outcome, run_seed

SEEDS_PER_MUTANT = 40
"""Seeds in which a mutant must die; most do in the first few."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong rule."""

    owner: Any
    """Class or module whose attribute is replaced."""
    attribute: str
    wrong: Any
    checkers: tuple[str, ...]
    """Any of these must object."""
    actor: str | None = None
    """The Byzantine validator that brings the danger out."""


def _two_f(validators: ValidatorSet) -> int:
    # f, twice; the remainder of the division is margin.
    return max(1, 2 * ((validators.count - 1) // 3))


def _always_due(state: CoreState) -> int:
    return state.entered_at


def _gives_more(context: CallContext, sender: Address, to: Address, amount: int, *, spender: Address | None) -> None:
    _move(context, sender, to, amount, spender=spender)
    slot = balance_slot(to)
    context.set_slot(slot, context.get_slot(slot) + 1)


def _unsynced(store: MemoryStore, batch: WriteBatch, *, sync: bool) -> None:
    _write(store, batch, sync=False)


_move = currency._move
_write = MemoryStore.write

MUTANTS: Mapping[str, Mutant] = {
    "quorum_2f": Mutant(ValidatorSet, "quorum", property(_two_f), ("certificate_soundness", "agreement")),
    "send_before_sync": Mutant(MemoryFile, "sync", lambda _file: None, ("durable_before_send",)),
    "guard_not_written": Mutant(
        signer.GuardedSigner, "sync", lambda _signer, _statements: None, ("durable_before_send",)
    ),
    "commit_not_synced": Mutant(MemoryStore, "write", _unsynced, ("monotone_height",)),
    "timeouts_when_idle": Mutant(view, "due_at", _always_due, ("idle_quiet",)),
    "money_from_nothing": Mutant(currency, "_move", _gives_more, ("conservation",)),
    "no_sync_answers": Mutant(Inbound, "_answer", lambda _inbound, _request: b"", ("progress",)),
    "evidence_dropped": Mutant(
        ValidatorNode,
        "evidence_found",
        lambda _node, _evidence: None,
        ("evidence_complete",),
        actor="nuller",
    ),
    "one_shot_fetch": Mutant(Requester, "_retry", lambda _requester, _fetch: None, ("progress",)),
}


def check_mutant(name: str, say: Callable[[str], None]) -> bool:
    """Run seeds under a mutant until the right checker objects; tell whether it did."""
    mutant = MUTANTS[name]
    wrong: dict[str, int] = {}
    for seed in range(1, SEEDS_PER_MUTANT + 1):
        with patched(mutant):
            outcome: Outcome = run_seed(seed, validators=4, actor=mutant.actor)
        if outcome.checker in mutant.checkers:
            say(f"mutant {name} died in seed {seed} by {outcome.checker}: {outcome.detail[:160]}")
            return True
        if outcome.checker:
            wrong[outcome.checker] = seed
    say(f"mutant {name} FAILED to die by {' or '.join(mutant.checkers)} in {SEEDS_PER_MUTANT} seeds, others: {wrong}")
    return False


@contextmanager
def patched(mutant: Mutant) -> Iterator[None]:
    """Replace the mutant's function while the block runs."""
    right = mutant.owner.__dict__[mutant.attribute]
    setattr(mutant.owner, mutant.attribute, mutant.wrong)
    try:
        yield
    finally:
        setattr(mutant.owner, mutant.attribute, right)
