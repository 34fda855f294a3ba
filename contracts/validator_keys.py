"""What a validator's entry is made of, and how its operator proves to hold its keys.

Shared by the registry that checks, the node's command that signs and the wallet that shows. Nothing here reads state.
Source: consensus.md §9.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.hashing import sha256
from consensus.primitives.rlp_codec import decode as decode_rlp
from consensus.primitives.rlp_codec import encode as encode_rlp
from consensus.primitives.rlp_codec import read_bytes, read_list
from consensus.primitives.scalars import Address, Hash32

PROOF_PREFIX: Final = b"sycee-validator-keys/1"
"""No other signed bytes of the network begin with it."""

KEY_BYTES: Final = 32

NAME_BYTES_MAX: Final = 31
"""Longest name: what a storage word holds beside its length. Twice as long would take two more slots a member."""

ENDPOINTS_MAX: Final = 4
"""Most endpoints of a validator: two sites with two address families. Each one more is dialed by every peer."""

ENDPOINT_BYTES_MAX: Final = 100
"""Longest endpoint in bytes: a long host name and a port. Bounds what one request writes to 14 words."""

PORT_MAX: Final = 65_535

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_ENDPOINT: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-f:]+\]):([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class ValidatorKeys:
    """The three public ed25519 keys of a validator, 32 bytes each."""

    consensus: bytes
    """Signs votes."""
    tls: bytes
    """Authenticates links."""
    attestation: bytes
    """Signs lock certificates."""

    def each(self) -> tuple[bytes, bytes, bytes]:
        """Return the keys in the order of every encoding."""
        return self.consensus, self.tls, self.attestation


def proof_bytes(*, chain_id: int, genesis_hash: Hash32, operator: Address, keys: ValidatorKeys) -> bytes:
    """Return what each of the three keys signs so that nobody registers a key of somebody else.

    `"sycee-validator-keys/1"` ‖ chain_id u64 ‖ genesis_hash ‖ operator 20 ‖ consensus ‖ tls ‖ attestation.
    """
    return PROOF_PREFIX + chain_id.to_bytes(8, "big") + genesis_hash + operator + b"".join(keys.each())


def is_valid_name(name: str) -> bool:
    """Tell whether `name` may name a validator: 1 to 31 of a–z, 0–9 and the dash, not a dash first."""
    return len(name) <= NAME_BYTES_MAX and _NAME.fullmatch(name) is not None


def is_valid_endpoint(endpoint: str) -> bool:
    """Tell whether `endpoint` is host:port or [IPv6]:port of at most 100 bytes, the port without leading zeros."""
    if len(endpoint) > ENDPOINT_BYTES_MAX:
        return False
    found = _ENDPOINT.fullmatch(endpoint)
    return found is not None and len(found[1]) <= 5 and int(found[1]) <= PORT_MAX


def encode_endpoints(endpoints: Sequence[str]) -> bytes:
    """Return the RLP list of the endpoints' texts, in the order to be dialed."""
    return encode_rlp([endpoint.encode() for endpoint in endpoints])


def decode_endpoints(encoded: bytes) -> tuple[str, ...]:
    """Return the endpoints in an RLP list that the registry keeps."""
    return tuple(read_bytes(item).decode() for item in read_list(decode_rlp(encoded)))


def hash_endpoints(endpoints: Sequence[str]) -> Hash32:
    """Return what a validator set says of endpoints: SHA-256 of their RLP list."""
    return sha256(encode_endpoints(endpoints))
