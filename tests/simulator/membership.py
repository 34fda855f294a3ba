"""Changing validators under load: the council takes a vote from one of them, gives it back, and ends epochs early."""

from consensus.primitives.scalars import Address
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.validator_state import MemberRecord, Status, read_member
from contracts.native.validators import VALIDATOR_REGISTRY as REGISTRY_CONTRACT
from tests.simulator.clients import Clients
from tests.simulator.cluster import Cluster
from tests.simulator.world import Callback

TICK_US = 700_000
"""How often the council looks whether its next step is due."""

EARLY_END_ONE_IN = 8


class Council:
    """One validator at a time leaves the set and comes back, so that the others still stand the seed's faults."""

    def __init__(self, cluster: Cluster, clients: Clients, *, every_us: int) -> None:
        self._cluster = cluster
        self._clients = clients
        self._drawn = cluster.world.generator("council")
        self._every_us = every_us
        self._target = 0

    def start(self) -> None:
        """Begin; the last change begins while the safety phase lasts."""
        self._cluster.is_changing_members = True
        self._later(self._every_us, self._begin)

    def _later(self, mean_us: int, happens: Callback) -> None:
        self._cluster.world.schedule(self._cluster.world.now_us + self._drawn.randint(1, 2 * mean_us), happens)

    def _begin(self) -> None:
        if not self._cluster.is_safety:
            return
        self._target = self._drawn.randrange(len(self._cluster.nodes))
        self._call(self._cluster.governor, "suspend", self._operator)
        self._later(TICK_US, self._go_on)

    def _go_on(self) -> None:
        """Take the next step towards having the validator back."""
        member = self._member()
        if member is None or self._clients.waits_for(self._cluster.governor, self._operator):
            pass
        elif member.status is Status.SUSPENDED:
            self._call(self._cluster.governor, "reinstate", self._operator)
        elif member.status is Status.CANDIDATE and not member.is_ready:
            self._call(self._operator, "ready")
        elif member.status is Status.VALIDATOR and not member.suspend_sequence:
            self._later(self._every_us, self._begin)
            return
        elif self._drawn.randrange(EARLY_END_ONE_IN) == 0 and self._cluster.is_safety:
            self._call(self._cluster.governor, "endEpoch")
        if self._cluster.is_safety:
            self._later(TICK_US, self._go_on)

    @property
    def _operator(self) -> Address:
        return self._cluster.operators[self._target]

    def _member(self) -> MemberRecord | None:
        """Return what the chain says of the validator, as the highest running node has it."""
        running = [node for node in self._cluster.honest if node.is_up]
        if not running:
            return None
        highest = max(running, key=lambda node: (node.height, node.index))
        state = highest.chain.state_at(highest.height)
        return read_member(lambda slot: state.storage(VALIDATOR_REGISTRY, slot), self._operator)

    def _call(self, caller: Address, name: str, *arguments: Address) -> None:
        data = encode_call(find_function(REGISTRY_CONTRACT, name), *arguments)
        self._clients.call(caller, VALIDATOR_REGISTRY, data)
