"""Certificates: put together from votes, and checked signature by signature. Source: consensus.md §2."""

from collections.abc import Callable, Mapping

from consensus.primitives.scalars import ValidatorIndex
from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.messages import (
    SIGNATURE_BYTES,
    Certificate,
    SigningDomain,
    Statement,
    sign_bytes,
)
from consensus.simplex.validators import ValidatorSet

KnownSignature = Callable[[Statement, ValidatorIndex, bytes], bool]
"""Tells whether this very signature was already verified as a vote."""


class InvalidCertificate(ValueError):
    """A certificate that proves nothing."""


def assemble_certificate(
    validators: ValidatorSet, statement: Statement, signatures: Mapping[ValidatorIndex, bytes]
) -> Certificate:
    """Return the certificate of exactly Q verified votes, those of the lowest indices."""
    signers = sorted(signatures)[: validators.quorum]
    assert len(signers) == validators.quorum
    # Seven bits of rounding up: a started byte counts.
    bitmap = bytearray((validators.count + 7) // 8)
    for signer in signers:
        bitmap[signer >> 3] |= 1 << (signer & 7)
    return Certificate(statement, bytes(bitmap), tuple(signatures[signer] for signer in signers))


def verify_certificate(
    domain: SigningDomain,
    validators: ValidatorSet,
    certificate: Certificate,
    *,
    is_known: KnownSignature = lambda _statement, _signer, _signature: False,
) -> None:
    """Check that exactly Q distinct validators of the epoch signed the statement.

    Signatures that `is_known` vouches for are not checked again. Raises: InvalidCertificate.
    """
    statement = certificate.statement
    if statement.epoch != validators.epoch:
        raise InvalidCertificate(f"of epoch {statement.epoch}, the set is that of epoch {validators.epoch}")
    if len(certificate.bitmap) != (validators.count + 7) // 8:
        raise InvalidCertificate(f"bitmap of {len(certificate.bitmap)} bytes for {validators.count} validators")
    signers = certificate.signers
    if signers and signers[-1] >= validators.count:
        raise InvalidCertificate(f"signer {signers[-1]} of {validators.count} validators")
    if len(signers) != validators.quorum or len(certificate.signatures) != validators.quorum:
        raise InvalidCertificate(f"{len(signers)} signers, the quorum is {validators.quorum}")
    message = sign_bytes(domain, statement)
    for signer, signature in zip(signers, certificate.signatures, strict=True):
        if len(signature) != SIGNATURE_BYTES:
            raise InvalidCertificate(f"signature of {len(signature)} bytes")
        if is_known(statement, signer, signature):
            continue
        if not is_valid_ed25519(validators.validators[signer].consensus_key, message, signature):
            raise InvalidCertificate(f"signature of validator {signer} is wrong")
