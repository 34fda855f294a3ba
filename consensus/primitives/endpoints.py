"""Where a validator can be dialled: one form in genesis, in the registry and in what headers commit to."""

import re
from collections.abc import Sequence

from consensus.primitives.hashing import sha256
from consensus.primitives.rlp_codec import decode, encode, read_bytes, read_list
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


def encode_endpoints(endpoints: Sequence[str]) -> bytes:
    """Return the RLP list of the endpoints' texts, in the order to be dialed."""
    return encode([endpoint.encode() for endpoint in endpoints])


def decode_endpoints(encoded: bytes) -> tuple[str, ...]:
    """Return the endpoints in such a list. Raises: RlpError, UnicodeDecodeError."""
    return tuple(read_bytes(item).decode() for item in read_list(decode(encoded)))


def hash_endpoints(endpoints: Sequence[str]) -> Hash32:
    """Return what a validator set says of endpoints: SHA-256 of their RLP list."""
    return sha256(encode_endpoints(endpoints))
