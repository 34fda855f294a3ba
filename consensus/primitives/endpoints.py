"""Where a validator can be dialled: one form in genesis, in the registry and in what headers commit to."""

import re
from collections.abc import Sequence

from consensus.primitives.hashing import sha256
from consensus.primitives.rlp_codec import encode
from consensus.primitives.scalars import Hash32

ENDPOINTS_MAX = 4
"""Endpoints of one validator: two sites with two addresses each."""

ENDPOINT_BYTES_MAX = 128
"""Longest endpoint; long enough for most host names, short enough for four of them in one transaction."""

_ENDPOINT = re.compile(r"[A-Za-z0-9.:\[\]-]{1,122}:([1-9][0-9]{0,4})")


def is_endpoint(text: str) -> bool:
    """Tell whether `text` is host:port as the mesh can dial it."""
    found = _ENDPOINT.fullmatch(text)
    return found is not None and len(text) <= ENDPOINT_BYTES_MAX and int(found.group(1)) <= 65_535


def hash_endpoints(endpoints: Sequence[str]) -> Hash32:
    """Return what a validator set says of endpoints: SHA-256 of the RLP list of their texts, in order."""
    return sha256(encode([endpoint.encode() for endpoint in endpoints]))
