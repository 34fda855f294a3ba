"""Committees of attestation keys as the ledger has them: numbered, and each known by the height at which it begins.

A committee is the attestation keys of a validator set. Its number rises when the keys change, not with every epoch, so
it follows from all sets since genesis; what was found is remembered. Source: offline.md §7.
"""

from bisect import bisect_right
from collections.abc import Callable

from consensus.light.attestation import Committee, committee_of, next_committee
from consensus.primitives.scalars import Epoch, Height
from consensus.simplex.validators import ValidatorSet
from node.chain.store import ChainStore
from node.storage.errors import MissingRecord


class CommitteeBook:
    """Every committee so far. Used by one thread at a time."""

    def __init__(self, chain: ChainStore, set_of: Callable[[Epoch], ValidatorSet | None]) -> None:
        self._chain = chain
        self._set_of = set_of
        self._committees: list[Committee] = []
        self._from_height: list[Height] = []
        """First height whose state each committee attests: that of the block which commits to its keys."""
        self._epoch_next = Epoch(0)
        """First epoch not looked at yet."""

    def at(self, height: Height) -> Committee:
        """Return the committee that attests the state after a final block.

        Raises: CommitteeMismatch if two validators of a set have one key; MissingRecord.
        """
        self._follow(height)
        return self._committees[bisect_right(self._from_height, height) - 1]

    def _follow(self, height: Height) -> None:
        """Look at the sets of all epochs that begin up to the block behind `height`."""
        while True:
            record = self._chain.epoch_record(self._epoch_next)
            if record is None:
                return
            last_before = Height(record[0] - 1)
            if last_before > height:
                return
            validators = self._set_of(self._epoch_next)
            found = self._chain.header_with_hash(last_before)
            if validators is None or found is None:
                raise MissingRecord(f"validator set of epoch {self._epoch_next}")
            # Whole seconds, as an attestation has them.
            start_s = found[0].timestamp_ms // 1_000
            if not self._committees:
                self._add(committee_of(validators, number=0, start_s=start_s), last_before)
            else:
                following = next_committee(self._committees[-1], validators, start_s=start_s)
                if following is not self._committees[-1]:
                    self._add(following, last_before)
            self._epoch_next = Epoch(self._epoch_next + 1)

    def _add(self, committee: Committee, from_height: Height) -> None:
        self._committees.append(committee)
        self._from_height.append(from_height)
