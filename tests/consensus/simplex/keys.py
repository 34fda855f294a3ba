"""Deterministic validators with real ed25519 keys, and anything signed by them.

Signatures and their verification are remembered, because tests ask for the same ones again and again.
"""

from collections.abc import Iterable
from functools import lru_cache

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import ZERO_HASH, Address, Epoch, Hash32, ValidatorIndex, View
from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.certificates import assemble_certificate
from consensus.simplex.messages import Certificate, Kind, SigningDomain, Statement, Vote, sign_bytes
from consensus.simplex.validators import Validator, ValidatorSet, make_validator_set

GENESIS_HASH = sha256(b"genesis of the tests")
DOMAIN = SigningDomain(7_700, GENESIS_HASH)

verify_remembered = lru_cache(maxsize=65_536)(is_valid_ed25519)


@lru_cache(maxsize=128)
def _key_pairs(count: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return (public, secret) by validator index: sorted by public key, like the set."""
    return tuple(sorted(crypto_sign_seed_keypair(sha256(b"key %d" % number)) for number in range(count)))


def validator_set(count: int, *, epoch: int = 0, view_zero: Hash32 = ZERO_HASH) -> ValidatorSet:
    """Return a set of `count`; with the zero hash as view 0, view v is led by validator v mod count."""
    validators = [
        Validator(public, sha256(b"tls" + public), sha256(b"attest" + public), Address(public[:20]), sha256(public))
        for public, _ in _key_pairs(count)
    ]
    return make_validator_set(Epoch(epoch), validators, view_zero)


@lru_cache(maxsize=65_536)
def signature(count: int, signer: int, statement: Statement) -> bytes:
    """Return the signature of validator `signer` of `count`."""
    return crypto_sign(sign_bytes(DOMAIN, statement), _key_pairs(count)[signer][1])[:64]


def vote(count: int, signer: int, statement: Statement) -> Vote:
    return Vote(statement, ValidatorIndex(signer), signature(count, signer, statement))


def certificate(validators: ValidatorSet, statement: Statement, signers: Iterable[int] | None = None) -> Certificate:
    """Return the certificate of `statement` by `signers`, or by the lowest quorum."""
    chosen = range(validators.quorum) if signers is None else signers
    return assemble_certificate(
        validators,
        statement,
        {ValidatorIndex(signer): signature(validators.count, signer, statement) for signer in chosen},
    )


def notarize(view: int, parent_view: int, digest: Hash32, *, epoch: int = 0) -> Statement:
    return Statement(Kind.NOTARIZE, Epoch(epoch), View(view), View(parent_view), digest)


def nullify(view: int, *, epoch: int = 0) -> Statement:
    return Statement(Kind.NULLIFY, Epoch(epoch), View(view), View(0), ZERO_HASH)


def finalize(view: int, parent_view: int, digest: Hash32, *, epoch: int = 0) -> Statement:
    return Statement(Kind.FINALIZE, Epoch(epoch), View(view), View(parent_view), digest)
