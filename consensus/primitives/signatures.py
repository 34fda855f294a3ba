"""Signature schemes: one function and one library each.

Validators must accept exactly the same signatures, so ed25519 is PyNaCl and nothing else
(libsodium refuses small-order keys and points, others accept some), secp256k1 is coincurve, P-256 is cryptography.
"""

import coincurve
from cryptography.exceptions import InvalidSignature as _NotSigned
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32

ED25519_KEY_BYTES = 32
ED25519_SIGNATURE_BYTES = 64

SECP256K1_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order of the secp256k1 group (SEC 2)."""


P256_ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""Order of the P-256 group (FIPS 186-5)."""


class InvalidSignature(ValueError):
    """A signature from which no sender can be recovered, or one outside the canonical range."""


def is_valid_ed25519_key(public_key: bytes) -> bool:
    """Tell whether `public_key` is a canonical point of the prime-order subgroup, which every honest key is.

    A key of small order verifies signatures that nobody made; one that is not canonical has a second spelling.
    """
    return len(public_key) == ED25519_KEY_BYTES and bool(crypto_core_ed25519_is_valid_point(public_key))


def is_valid_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` (64 bytes) over `message` is by `public_key` (32 bytes)."""
    if len(public_key) != ED25519_KEY_BYTES or len(signature) != ED25519_SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def recover_address(digest: Hash32, *, r: int, s: int, y_parity: int) -> Address:
    """Recover the address whose secp256k1 key signed `digest`.

    `s` must be in the lower half of the order (EIP-2), so that nobody can turn one valid signature into another.

    Raises: InvalidSignature if r, s or y_parity is out of range or no key fits. Source: EIP-2, Yellow Paper appendix F.
    """
    # The order is odd: exactly half of the nonzero values are "low".
    if not 0 < s <= SECP256K1_ORDER // 2:
        raise InvalidSignature("s is not in the lower half of the group order")
    return recover_any_address(digest, r=r, s=s, y_parity=y_parity)


def recover_any_address(digest: Hash32, *, r: int, s: int, y_parity: int) -> Address:
    """Recover the address as the ECRECOVER precompile does: a high `s` is good, too.

    Raises: InvalidSignature if r, s or y_parity is out of range or no key fits. Source: Yellow Paper appendices E, F.
    """
    if y_parity not in (0, 1):
        raise InvalidSignature(f"y parity must be 0 or 1, found {y_parity}")
    if not 0 < r < SECP256K1_ORDER:
        raise InvalidSignature("r is not between 1 and the group order")
    if not 0 < s < SECP256K1_ORDER:
        raise InvalidSignature("s is not between 1 and the group order")
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((y_parity,))
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError as error:
        raise InvalidSignature("no public key fits this signature") from error
    return address_of_public_key(key.format(compressed=False))


def is_valid_p256(digest: bytes, *, r: int, s: int, x: int, y: int) -> bool:
    """Tell whether (r, s) over `digest` (32 bytes) is by the P-256 public key (x, y). Source: EIP-7951, FIPS 186-5."""
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        return False
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        return False
    try:
        key.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except _NotSigned:
        return False
    return True


def address_of_public_key(uncompressed: bytes) -> Address:
    """Return the address of an uncompressed secp256k1 public key (65 bytes: 0x04, x, y)."""
    return Address(keccak256(uncompressed[1:])[12:])


def sign_secp256k1(private_key: bytes, digest: Hash32) -> tuple[int, int, int]:
    """Sign `digest` deterministically (RFC 6979) and return (r, s, y_parity) with a low s.

    Wallets use eth-account; this is for the development network's own funding transactions and for tests.
    """
    signature = coincurve.PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]


def address_of_private_key(private_key: bytes) -> Address:
    """Return the address that a secp256k1 private key (32 bytes) controls."""
    return address_of_public_key(coincurve.PrivateKey(private_key).public_key.format(compressed=False))
