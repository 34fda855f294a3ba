"""State tries by the `trie` package, so that no proof in these tests comes from our own code."""

from collections.abc import Mapping

import rlp
from trie.hexary import HexaryTrie

from consensus.primitives.scalars import Hash32


class Trie:
    """A trie over already hashed keys."""

    def __init__(self, entries: Mapping[bytes, bytes]) -> None:
        self._trie = HexaryTrie({})
        for key, value in entries.items():
            self._trie[key] = value

    @property
    def root(self) -> Hash32:
        return Hash32(bytes(self._trie.root_hash))

    def proof(self, key: bytes) -> list[bytes]:
        """Return the nodes on the path, as eth_getProof gives them: nodes below 32 bytes stand in their parents."""
        nodes = [rlp.encode(node) for node in self._trie.get_proof(key)]  # type: ignore[no-untyped-call]  # the package has no types here
        return [node for index, node in enumerate(nodes) if node != b"\x80" and (index == 0 or len(node) >= 32)]
