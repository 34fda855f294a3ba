"""Signatures of devices, tills and accounts over the digests of offline money, in two algorithms.

Low s in both, so that one signature has one spelling; equivocation is judged on digests all the same. Source:
offline.md §2; EIP-2, EIP-7951.
"""

from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import (
    P256_ORDER,
    SECP256K1_ORDER,
    InvalidSignature,
    is_valid_p256,
    recover_address,
)
from contracts.offline.errors import BadSignature, HighS, UnknownSigAlg

SECP256K1: Final = 1
"""sigAlg of 65 bytes r ‖ s ‖ v, v 27 or 28."""

P256: Final = 2
"""sigAlg of 128 bytes r ‖ s ‖ x ‖ y; the signer is the last 20 bytes of keccak(x ‖ y)."""

SIGNATURE_BYTES: Final = {SECP256K1: 65, P256: 128}
_SIG_ALG_BY_BYTES: Final = {length: sig_alg for sig_alg, length in SIGNATURE_BYTES.items()}
_V_FIRST: Final = 27
"""What v is for an even y; 28 for an odd one."""


def verify_device_signature(digest: Hash32, signature: bytes, *, signer: Address, sig_alg: int) -> None:
    """Check that the key of `signer` signed `digest` in the algorithm `sig_alg`.

    Raises: UnknownSigAlg, HighS, BadSignature.
    """
    length = SIGNATURE_BYTES.get(sig_alg)
    if length is None:
        raise UnknownSigAlg(sig_alg)
    if len(signature) != length:
        raise BadSignature(signer=signer, detail=f"{len(signature)} bytes, algorithm {sig_alg} has {length}")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    # Both orders are odd: exactly half of the nonzero values are "low".
    if s > (SECP256K1_ORDER if sig_alg == SECP256K1 else P256_ORDER) // 2:
        raise HighS(s)
    if sig_alg == SECP256K1:
        try:
            found = recover_address(digest, r=r, s=s, y_parity=signature[64] - _V_FIRST)
        except InvalidSignature as error:
            raise BadSignature(signer=signer, detail=str(error)) from error
    else:
        found = Address(keccak256(signature[64:])[12:])
        x, y = int.from_bytes(signature[64:96], "big"), int.from_bytes(signature[96:], "big")
        if found == signer and not is_valid_p256(digest, r=r, s=s, x=x, y=y):
            raise BadSignature(signer=signer, detail="the P-256 signature is wrong")
    if found != signer:
        raise BadSignature(signer=signer, detail=f"the key of 0x{found.hex()} signed, or other bytes were signed")


def verify_any_signature(digest: Hash32, signature: bytes, *, signer: Address) -> None:
    """Check the same where nothing names the algorithm: the length of the signature tells it.

    Raises: HighS, BadSignature.
    """
    sig_alg = _SIG_ALG_BY_BYTES.get(len(signature))
    if sig_alg is None:
        raise BadSignature(signer=signer, detail=f"{len(signature)} bytes are no signature")
    verify_device_signature(digest, signature, signer=signer, sig_alg=sig_alg)
