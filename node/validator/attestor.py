"""What a validator signs for people without a network: facts of its own final state, and nothing else.

Signing is a pure function of final state, so that two different words of one key for one fact and height convict it. A
node without an attestation key, or with one that is in no committee, answers the facts without a signature. It must
never sign what is not final, and never a word that is zero. Source: offline.md §7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from consensus.light.attestation import (
    Attestation,
    AttestationDomain,
    AttestedKind,
    Committee,
    attested_bytes,
    revocations_hash,
)
from consensus.primitives.scalars import Hash32, Height
from contracts.addresses import OFFLINE_LOCKS
from contracts.layout import read_packed
from contracts.native.offline.records import (
    REVOCATION_EXPIRES_OFFSET_BITS,
    REVOCATION_PREFIX_BYTES,
)
from contracts.offline.slots import OfflineLocksSlots, lock_word_slot, purse_word_slot, revocation_slot
from node.chain.store import ChainStore
from node.state.reader import StateReader
from node.storage.errors import MissingRecord
from node.validator.keys import NodeKey, sign_message

ATTESTED_HEIGHTS: Final = 256
"""How many heights below the last final one are attested: what a slow client may have proven. More would let somebody
ask for the past at will, which nobody offline needs."""


@dataclass(frozen=True, slots=True)
class Attested:
    """A fact, and this validator's signature if it has a key in the committee."""

    attestation: Attestation
    signatures: tuple[tuple[int, bytes], ...]
    """Index in the committee and 64 bytes; at most one here."""


@dataclass(frozen=True, slots=True)
class RevocationsAt:
    """The unexpired entries of the revocation log after a block."""

    height: Height
    time_s: int
    prefixes: tuple[bytes, ...]
    """8 bytes each, ascending, each once."""


class Attestor:
    """Attests final state. Used by one thread at a time."""

    def __init__(
        self,
        chain: ChainStore,
        committee_at: Callable[[Height], Committee],
        domain: AttestationDomain,
        key: NodeKey | None,
    ) -> None:
        """`key` is the attestation key; None on a node that only follows."""
        self._chain = chain
        self._committee_at = committee_at
        self._domain = domain
        self._key = key

    def attest(self, kind: AttestedKind, name: Hash32, height: Height) -> Attested | None:
        """Return the word of a lock or purse after a final block; None if nothing is there.

        `height` is at most the last final one and at least ATTESTED_HEIGHTS below it: the caller's to check.
        """
        slot = lock_word_slot(name) if kind is AttestedKind.LOCK else purse_word_slot(name)
        word = self._chain.state_at(height).storage(OFFLINE_LOCKS, slot)
        if not word:
            return None
        return self._sign(kind, name, word.to_bytes(32, "big"), height)

    def attest_revocations(self, height: Height) -> Attested:
        """Return the hash of the revocations after a final block, and their count as the word."""
        prefixes = self.revocations(height).prefixes
        word = len(prefixes).to_bytes(32, "big")
        return self._sign(AttestedKind.REVOCATIONS, revocations_hash(prefixes), word, height)

    def revocations(self, height: Height) -> RevocationsAt:
        """Return what is revoked after a final block."""
        time_s = self._time_s(height)
        return RevocationsAt(height, time_s, read_revocations(self._chain.state_at(height), time_s))

    def _sign(self, kind: AttestedKind, name: Hash32, word: bytes, height: Height) -> Attested:
        committee = self._committee_at(height)
        attestation = Attestation(kind, name, word, committee.number, height, self._time_s(height))
        if self._key is None or self._key.public_key not in committee.keys:
            return Attested(attestation, ())
        signature = sign_message(self._key, attested_bytes(self._domain, attestation))
        return Attested(attestation, ((committee.keys.index(self._key.public_key), signature),))

    def _time_s(self, height: Height) -> int:
        found = self._chain.header_with_hash(height)
        if found is None:
            raise MissingRecord(f"header {height}")
        # Whole seconds, as contracts see them.
        return found[0].timestamp_ms // 1_000


def read_revocations(state: StateReader, now_s: int) -> tuple[bytes, ...]:
    """Return the prefixes of all entries of the log that still matter at `now_s`, ascending, each once."""
    count = state.storage(OFFLINE_LOCKS, OfflineLocksSlots.REVOCATIONS)
    prefixes = set()
    for index in range(count):
        word = state.storage(OFFLINE_LOCKS, revocation_slot(index))
        if read_packed(word, offset_bits=REVOCATION_EXPIRES_OFFSET_BITS, bits=32) >= now_s:
            prefix = read_packed(word, offset_bits=0, bits=REVOCATION_EXPIRES_OFFSET_BITS)
            prefixes.add(prefix.to_bytes(REVOCATION_PREFIX_BYTES, "big"))
    return tuple(sorted(prefixes))
