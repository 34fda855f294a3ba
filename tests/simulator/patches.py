"""Functions replaced in memory while a simulation runs: production code has no hooks for any of this."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nacl.bindings import crypto_sign_open

from consensus.chain import transaction
from consensus.primitives import signatures
from consensus.primitives.scalars import Address, Hash32
from node.storage import guard_file


@dataclass(frozen=True, slots=True)
class Patch:
    """One attribute of a class or module, and what stands in its place."""

    owner: Any
    attribute: str
    replacement: Any


@contextmanager
def patched_all(patches: Sequence[Patch]) -> Iterator[None]:
    """Replace every attribute while the block runs."""
    kept = [patch.owner.__dict__[patch.attribute] for patch in patches]
    for patch in patches:
        setattr(patch.owner, patch.attribute, patch.replacement)
    try:
        yield
    finally:
        for patch, right in zip(patches, kept, strict=True):
            setattr(patch.owner, patch.attribute, right)


@contextmanager
def shared_signature_checks() -> Iterator[None]:
    """Check each signature once for all nodes of a simulation: n nodes are one process here, and pay once."""
    with patched_all(
        (
            Patch(signatures, "crypto_sign_open", _memoised_open(crypto_sign_open)),
            Patch(transaction, "recover_address", _memoised_recovery(signatures.recover_address)),
        )
    ):
        yield


GUARD_BYTES_MAX = 32 * 1024
"""Length at which simulated guards are replaced: within seconds, not minutes."""


@contextmanager
def small_guards() -> Iterator[None]:
    """Let sign guards be replaced often while the block runs."""
    with patched_all((Patch(guard_file, "GUARD_BYTES_MAX", GUARD_BYTES_MAX),)):
        yield


def _memoised_open(right: Callable[[bytes, bytes], bytes]) -> Callable[[bytes, bytes], bytes]:
    # Only what is right is remembered, so a wrong signature costs what it costs; bounded by the seed's length.
    known: dict[tuple[bytes, bytes], bytes] = {}

    def opened(signed: bytes, key: bytes) -> bytes:
        message = known.get((signed, key))
        if message is None:
            message = known[signed, key] = right(signed, key)
        return message

    return opened


def _memoised_recovery(right: Callable[..., Address]) -> Callable[..., Address]:
    known: dict[tuple[Hash32, int, int, int], Address] = {}

    def recovered(digest: Hash32, *, r: int, s: int, y_parity: int) -> Address:
        sender = known.get((digest, r, s, y_parity))
        if sender is None:
            sender = known[digest, r, s, y_parity] = right(digest, r=r, s=s, y_parity=y_parity)
        return sender

    return recovered
