"""The epoch in force: its set, its rules, who may open links, and this node's place in it.

One object that everybody asks, so that nothing keeps a copy of an older epoch. It changes at one moment only: when the
last block of an epoch is committed. Source: consensus.md §9.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from consensus.primitives.scalars import Address, Epoch, Hash32, Height, ValidatorIndex, View
from consensus.simplex.validators import Validator, ValidatorSet, decode_set_payload, make_validator_set
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.validator_state import read_name
from network.hello import Role
from network.transport import Address as PeerAddress
from network.transport import PeerEntry, PeerIdentity, PeerKey
from node.chain.store import ChainStore
from node.execution.epoch_state import EpochInForce, Member, read_epoch, read_observers
from node.runtime.execution_host import EpochRules
from node.state.reader import StateReader
from node.storage.errors import MissingRecord


class Epochs:
    """Owned by the loop thread."""

    def __init__(self, chain: ChainStore, *, chain_id: int) -> None:
        """Read the running epoch from the final chain; a node that votes says so with `vote_as`.

        Raises: MissingRecord.
        """
        self._chain = chain
        self._chain_id = chain_id
        self._consensus_key: bytes | None = None
        head = chain.final_head()
        number, first_height = chain.running_epoch()
        view_zero = chain.header_with_hash(Height(first_height - 1))
        if view_zero is None:
            raise MissingRecord(f"header {first_height - 1}, the last of epoch {number - 1}")
        state = chain.state_at(head.height)
        self._take(read_epoch(state, view_zero[2]))
        self._observers = read_observers(state)

    @property
    def current(self) -> EpochInForce:
        """What the chain says of the running epoch."""
        return self._current

    @property
    def epoch(self) -> Epoch:
        """Its number."""
        return self._current.validators.epoch

    @property
    def validators(self) -> ValidatorSet:
        """Its set."""
        return self._current.validators

    @property
    def rules(self) -> EpochRules:
        """What execution needs to know of it."""
        return self._rules

    @property
    def own_index(self) -> ValidatorIndex | None:
        """This node's place in the set; None while it is in none."""
        return self._own_index

    def vote_as(self, consensus_key: bytes) -> None:
        """Take a consensus key for this node's own, whether or not it is in the set now."""
        self._consensus_key = consensus_key
        self._own_index = self.validators.index_of(consensus_key)

    def registered_key(self, consensus_keys: Sequence[bytes]) -> int | None:
        """Return which of a node's own keys stands in the set now, or else may open links; None if none does."""
        in_force = [validator.consensus_key for validator in self.validators.validators]
        known = [validator.consensus_key for validator in self.registered()]
        for wanted in (in_force, known):
            for place, key in enumerate(consensus_keys):
                if key in wanted:
                    return place
        return None

    def begin(self, state: StateReader, view_zero: Hash32) -> None:
        """Go on to the epoch that begins on the final block `view_zero`, whose post-state is `state`."""
        self._take(read_epoch(state, view_zero))
        self._observers = read_observers(state)

    def note_state(self, state: StateReader) -> bool:
        """Look at the observers in a new final state; tell whether they changed."""
        before, self._observers = self._observers, read_observers(state)
        return self._observers != before

    def name_of(self, index: ValidatorIndex) -> str:
        """Return a validator's name as the registry has it."""
        return self._current.members[index].name

    def name_in(self, epoch: Epoch, index: ValidatorIndex) -> str:
        """Return the registry's name of the operator that had this index in an epoch; its number if none is known."""
        validators = self.set_of(epoch)
        if validators is None or index >= validators.count:
            return f"validator {index} of epoch {epoch}"
        state = self._chain.state_at(self._chain.final_head().height)
        name = read_name(partial(state.storage, VALIDATOR_REGISTRY), validators.validators[index].operator)
        return name or f"validator {index} of epoch {epoch}"

    def registered(self) -> Iterator[Validator]:
        """Yield everybody who may open links: this epoch's set, the one before, and observers."""
        for member in self._linked_members():
            yield member.validator

    def peers(self, own_tls_key: bytes) -> list[PeerEntry]:
        """Return the mesh's allow-list, without this node itself."""
        entries: dict[bytes, PeerEntry] = {}
        for member in self._linked_members():
            key = PeerKey(member.validator.tls_key)
            if key != own_tls_key and key not in entries:
                identity = PeerIdentity(key, member.name, Role.VALIDATOR)
                entries[key] = PeerEntry(identity, tuple(peer_address(text) for text in member.endpoints))
        return list(entries.values())

    def set_of(self, epoch: Epoch) -> ValidatorSet | None:
        """Return the set of a past, present or next epoch as it was committed; None if it is not on record."""
        if epoch == self.epoch:
            return self.validators
        record = self._chain.epoch_record(epoch)
        if record is None:
            return None
        first_height, payload = record
        view_zero = self._chain.header_with_hash(Height(first_height - 1))
        if view_zero is None:
            return None
        return make_validator_set(epoch, decode_set_payload(payload)[1], view_zero[2])

    def _linked_members(self) -> Iterator[Member]:
        yield from self._current.members
        yield from self._current.previous
        yield from self._observers

    def _take(self, current: EpochInForce) -> None:
        self._current = current
        key = self._consensus_key
        self._own_index = None if key is None else current.validators.index_of(key)
        validators = current.validators

        def leader_of(view: View) -> Address:
            return validators.validators[validators.leader(view)].operator

        self._rules = EpochRules(self._chain_id, validators.epoch, current.limits, leader_of)


def peer_address(endpoint: str) -> PeerAddress:
    """Return the mesh's form of a registered host:port."""
    host, _, port = endpoint.rpartition(":")
    return PeerAddress(host, int(port))
